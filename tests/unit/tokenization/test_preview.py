"""Tokenizers on the first lines of a text, what match options would change, and the process that finds both."""

import sys

import pytest

from focus_core.errors import VocabularyError
from focus_core.initialization.overlap.matching import match_vocabularies
from focus_core.initialization.overlap.preview import preview_matches
from focus_core.jobs.preview import preview_in_child, preview_run
from focus_core.tokenization.preview import SHOWN_CHARACTERS, shorten, view_tokenizer
from focus_core.tokenization.vocabulary import vocabulary_from_backend
from focus_core.types import MatchMode

LINES = ["the cat sat", "zebra \U0001f600 the the", "a" * 400, "the cat sat"]


@pytest.fixture
def vocabulary(build_tokenizer):
    def build(family, **options):
        return vocabulary_from_backend(build_tokenizer(family, **options), name=family)

    return build


@pytest.mark.parametrize("family", ["unigram", "bpe", "byte-level-bpe", "wordpiece", "wordlevel"])
def test_counts_are_those_of_the_tokenizer_itself(vocabulary, family):
    known = vocabulary(family)
    view = view_tokenizer(known, LINES)
    rows = [known.backend.encode(line, add_special_tokens=False).ids for line in LINES]
    assert view.n_tokens == sum(map(len, rows))
    assert view.n_words == 3 + 4 + 1 + 3
    assert view.n_characters == sum(map(len, LINES))
    assert view.tokens_per_word == view.n_tokens / 11
    assert len(view.lines) == 3
    assert len(view.lines[0]) == len(rows[0])
    unknown = next((i for role, i in known.special_token_types.items() if role == "unk"), -1)
    assert view.n_unknown == sum(row.count(unknown) for row in rows)
    assert [p.unknown for p in view.lines[1]] == [i == unknown for i in rows[1]]


def test_no_text_gives_no_rates(vocabulary):
    view = view_tokenizer(vocabulary("unigram"), [])
    assert (view.tokens_per_word, view.characters_per_token, view.unknown_share, view.lines) == (0.0, 0.0, 0.0, ())


def test_a_long_line_is_shown_in_part():
    assert len(shorten("x" * 1000)) == SHOWN_CHARACTERS
    assert shorten("ab " * 100).endswith("ab")


def test_differences_are_those_of_the_overlaps(vocabulary):
    source, target = vocabulary("unigram"), vocabulary("wordpiece")
    found = preview_matches(source, target, limit=1000)
    overlaps = {mode: match_vocabularies(source, target, mode=mode) for mode in MatchMode}
    copied = {
        mode: dict(zip(o.target_ids.tolist(), o.source_ids.tolist(), strict=True)) for mode, o in overlaps.items()
    }
    assert found.shared == {mode: len(pairs) for mode, pairs in copied.items()}
    assert len(found.differences) == 6
    for difference in found.differences:
        before, after = copied[difference.before], copied[difference.after]
        assert difference.gained == len(after.keys() - before.keys())
        assert difference.lost == len(before.keys() - after.keys())
        assert difference.other == sum(before[i] != after[i] for i in before.keys() & after.keys())
        changed = {i for i in range(target.n) if before.get(i) != after.get(i)}
        assert {token.target_id for token in difference.tokens} == changed
        for token in difference.tokens:
            assert (token.before is None) == (token.target_id not in before)
            assert (token.after is None) == (token.target_id not in after)
    assert {d.after for d in found.against(MatchMode.EXACT)} == {MatchMode.FUZZY, MatchMode.SYMBOLS}
    assert any(d.gained for d in found.against(MatchMode.EXACT)), "a test in which nothing changes shows nothing"


def test_a_few_tokens_are_named(vocabulary):
    found = preview_matches(vocabulary("unigram"), vocabulary("wordpiece"), limit=2)
    assert max(len(d.tokens) for d in found.differences) == 2


def test_the_child_answers_as_the_function_does(build_tokenizer, tmp_path):
    paths = []
    for family in ("unigram", "wordpiece"):
        paths.append(str(tmp_path / family / "tokenizer.json"))
        (tmp_path / family).mkdir()
        build_tokenizer(family).save(paths[-1])
    assert preview_in_child(*paths, LINES) == preview_run(*paths, LINES)
    alone = preview_in_child(paths[0], None, LINES)
    assert alone.target is None
    assert alone.matches is None


def test_the_child_reads_utf8_whatever_the_environment_says(build_tokenizer, tmp_path, monkeypatch):
    build_tokenizer("unigram").save(str(tmp_path / "tokenizer.json"))
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    request = (str(tmp_path / "tokenizer.json"), None, ["سلام é"])
    assert preview_in_child(*request) == preview_run(*request)


def test_what_is_no_tokenizer_is_an_error_in_words(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(VocabularyError) as caught:
        preview_in_child(str(tmp_path / "tokenizer.json"), None, LINES)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("code", "words"),
    [("import time; time.sleep(60)", "no answer in"), ("import os; os.abort()", "a process that died")],
)
def test_a_child_that_hangs_or_dies_is_an_error_in_words(code, words):
    with pytest.raises(VocabularyError, match=words):
        preview_in_child("a", None, [], seconds=1.0, command=(sys.executable, "-c", code))
