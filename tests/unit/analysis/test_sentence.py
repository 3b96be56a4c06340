"""A sentence read by both tokenizers of a run: pieces, origins, links, measures, by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from focus_core.analysis.sentence import MAX_SENTENCE, clean_sentence, has_tokenizers, read_both
from focus_core.runs.folder import open_run
from tests.hostile_tokens import HOSTILE_TOKENS
from tests.toy_run import id_of, source_id_of, write_toy_run

DEMO = Path(__file__).resolve().parents[3] / "assets" / "demo" / "runs"


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return write_toy_run(tmp_path_factory.mktemp("sentence") / "toy")


def shown(reading, side):
    row = {"source": "upper", "target": "lower"}[side]
    return [reading.shown(side, placed) for stretch in reading.stretches for placed in getattr(stretch, row)]


def test_the_pieces_of_both(toy):
    """The source has no mkulima: its mark, an unknown stretch, and the letter a that it knows."""
    reading = read_both(toy, "mkulima farmer")
    assert [subword.label for subword in reading.source.subwords] == ["▁", "<unk>", "a", "▁farmer"]
    assert [subword.label for subword in reading.target.subwords] == ["▁mkulima", "▁farmer"]
    assert [subword.links for subword in reading.target.subwords] == [(0, 1, 2), (3,)]
    assert [subword.links for subword in reading.source.subwords] == [(0,), (0,), (0,), (1,)]
    assert shown(reading, "source") == ["▁", "mkulim", "a", "▁farmer"]
    assert shown(reading, "target") == ["▁mkulima", "▁farmer"]


def test_where_their_rows_came_from(toy):
    reading = read_both(toy, "mkulima farmer The")
    new, farmer, *_ = reading.target.subwords
    assert (new.id, new.origin, new.partner) == (id_of(toy, "▁mkulima"), "combined", -1)
    assert (farmer.origin, farmer.rule, farmer.partner) == ("copied", "exact", source_id_of(toy, "▁farmer"))
    old = {subword.label: subword for subword in reading.source.subwords}
    assert (old["▁farmer"].origin, old["▁farmer"].partner) == ("copied", id_of(toy, "▁farmer"))
    assert (old["▁The"].origin, old["▁The"].rule, old["▁The"].partner) == ("", "", -1), "copied nowhere"


def test_how_finely_each_cuts(toy):
    """Two words: the source needs three pieces and one, the target one each; 14 characters."""
    reading = read_both(toy, "mkulima farmer")
    source, target = reading.source.measures, reading.target.measures
    assert (source.tokens_per_word, target.tokens_per_word) == (2.0, 1.0)
    assert (source.continued_words, target.continued_words) == (0.5, 0.0)
    assert (source.characters_per_token, target.characters_per_token) == (14 / 4, 7.0)
    assert (source.n_unknown, target.n_unknown) == (1, 0)


def test_a_special_token_in_the_text_is_read_as_one(toy):
    assert [subword.label for subword in read_both(toy, "farmer</s>").target.subwords] == ["▁farmer", "</s>"]


@pytest.mark.parametrize("text", ["", " ", "\n", "\u200b", "👩\u200d👩\u200d👧", "\ud800"])
def test_texts_of_next_to_nothing(toy, text):
    reading = read_both(toy, text)
    assert "".join(reading.text[s.start : s.end] for s in reading.stretches) == reading.text


def test_a_joined_emoji_is_one_picture_and_a_lone_joiner_is_named(toy):
    assert "👩\u200d👩\u200d👧" in shown(read_both(toy, "👩\u200d👩\u200d👧"), "source")
    assert "a<U+200D>" in "".join(shown(read_both(toy, "a\u200d b"), "source"))


@pytest.mark.parametrize("text", HOSTILE_TOKENS)
def test_hostile_text_keeps_its_characters_and_shows_nothing_hidden(toy, text):
    reading = read_both(toy, f"a {text} b")
    assert "".join(reading.text[s.start : s.end] for s in reading.stretches) == reading.text
    for side in ("source", "target"):
        for line in shown(reading, side):
            assert not set(line) & set("\n\r\t\x00\x1b\u202e\u200b\ufeff")


def test_a_long_text_is_cut_and_a_surrogate_replaced():
    assert clean_sentence("ab" * 1000) == "ab" * (MAX_SENTENCE // 2)
    assert clean_sentence("a\ud800b") == "a?b"


@pytest.mark.parametrize("name", ["sw-8k", "ar-8k"])
def test_the_demo_reads_its_own_language_in_fewer_pieces_than_the_source(name):
    run = open_run(DEMO / name)
    assert has_tokenizers(run)
    lines = run.column("examples", "line")[:20]
    readings = [read_both(run, line) for line in lines]
    assert sum(len(r.target.subwords) for r in readings) < sum(len(r.source.subwords) for r in readings)


def test_a_run_without_tokenizers_is_known(toy, tmp_path):
    (tmp_path / "bare").mkdir()
    bare = type(toy)(path=tmp_path / "bare", manifest=toy.manifest, digest=toy.digest)
    assert has_tokenizers(toy)
    assert not has_tokenizers(bare)
