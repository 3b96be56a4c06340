"""Names that no token has, with the nearest spellings; and where a token stands in a line."""

from __future__ import annotations

import pytest

from focus_core.analysis.provenance.occurrence import bytes_of, find_occurrence
from focus_core.analysis.provenance.search import edit_distance, named_tokens, near_spellings
from focus_core.errors import RunFolderError
from focus_core.runs.folder import RunFolder
from focus_core.tokenization.identity import readable
from tests.hostile_tokens import HOSTILE_TOKENS
from tests.toy_run import id_of, write_toy_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return write_toy_run(tmp_path_factory.mktemp("search") / "toy")


@pytest.mark.parametrize("typed", ["mkulmia", "mkulim", "▁mkulma", "Mkulimaa", "ĠMKULIMA", " mkulina "])
def test_a_misspelt_token_is_suggested_first(run, typed):
    assert near_spellings(run, typed)[0] == id_of(run, "▁mkulima")


@pytest.mark.parametrize("typed", ["", "   ", "qqqqqqqqqq", "q" * 2000])
def test_what_is_like_nothing_has_no_suggestion(run, typed):
    assert near_spellings(run, typed) == []


def test_suggestions_are_few(run):
    assert len(near_spellings(run, "a", limit=3)) == 3


@pytest.mark.parametrize(
    ("one", "other", "steps"),
    [("", "", 0), ("abc", "abc", 0), ("abc", "abd", 1), ("abc", "acb", 1), ("abc", "ab", 1), ("abc", "xabc", 1),
     ("kitten", "sitting", 3), ("ca", "abc", 3)],
)  # fmt: skip
def test_edit_distance(one, other, steps):
    """``ca`` to ``abc`` is 3 in optimal string alignment: no letter is changed twice."""
    assert edit_distance(one, other, bound=9) == edit_distance(other, one, bound=9) == steps


def test_edit_distance_beyond_the_bound_is_the_bound_and_one():
    assert edit_distance("kitten", "sitting", bound=2) == 3
    assert edit_distance("aaaa", "zzzzzzzz", bound=1) == 2


def test_a_name_that_a_token_has_is_found(run):
    assert named_tokens(run, "mkulima") == [id_of(run, "▁mkulima")]
    assert named_tokens(run, "#7") == [7]


def test_the_error_of_a_misspelt_name_suggests(run):
    with pytest.raises(RunFolderError, match=r"got 'mkulmia'") as caught:
        named_tokens(run, "mkulmia")
    assert f"▁mkulima (#{id_of(run, '▁mkulima')})" in str(caught.value)
    with pytest.raises(RunFolderError, match="qqqqqqqqqq") as caught:
        named_tokens(run, "qqqqqqqqqq")
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize("token", HOSTILE_TOKENS, ids=range(len(HOSTILE_TOKENS)))
def test_no_hostile_name_breaks_the_search_or_its_error(run, token):
    name = f"{token}\x00qq"
    assert len(near_spellings(run, name)) <= 5
    with pytest.raises(RunFolderError) as caught:
        named_tokens(run, name)
    assert not set(str(caught.value)) & set("\x00\x1b\u202e\n\r")


@pytest.mark.parametrize(
    ("line", "text", "options", "found"),
    [
        ("Kila mkulima ana shamba", "mkulima", {"word_start": True}, "mkulima"),
        ("Mkulima anauza", "mkulima", {"word_start": True}, "Mkulima"),
        ("nyaya ya leo", "ya", {"word_start": True}, "ya"),
        ("هذا أمامهم الآن", "أمامهم", {"word_start": True}, "أمامهم"),
        ("x = نعم", "نعم", {}, "نعم"),
        ("nothing here", "zebra", {}, None),
        ("anything", "", {}, None),
        ("a b", " ", {}, None),
        ("ein é hier", "<0xA9>", {"kind": "byte"}, "é"),
        ("हिन्दी", "<0xE0><0xA4>", {"kind": "byte"}, "ह"),
        ("ab€c", "<0xAC>c", {"kind": "byte"}, "€c"),
        ("plain", "<0xFF>", {"kind": "byte"}, None),
    ],
)
def test_where_a_token_stands(line, text, options, found):
    place = find_occurrence(line, text, **options)
    assert (None if place is None else line[place]) == found


def test_the_place_begins_a_word_as_the_token_does():
    assert find_occurrence("nyaya ya leo", "ya", word_start=True) == slice(6, 8)
    assert find_occurrence("nyaya ya leo", "ya") == slice(1, 3)
    assert find_occurrence("nyaya", "ya", word_start=True) == slice(1, 3), "where no place fits, the first one"


def test_folding_that_moves_characters_marks_nothing_wrong():
    """``ß`` folds to two letters, so places in the folded line are not those of the line."""
    assert find_occurrence("Straße KATZE", "katze", word_start=True) is None


@pytest.mark.parametrize("content", [b"\xe0\xa4", b"a\xff", b"\x80", "é".encode() + b"\xe2"])
def test_bytes_are_read_back_from_their_spelling(content):
    assert bytes_of(readable(content)) == content
