"""The lists of the Overlap page, each on tokens made for it, and on the toy and the demo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from focus_core.analysis.overlap_lists import overlap_lists, text_shares
from focus_core.runs.folder import RunFolder, open_run
from focus_core.runs.tokens import anchors
from tests.toy_run import id_of, write_toy_run

DEMO = Path(__file__).resolve().parents[3] / "assets" / "demo" / "runs"
EMPTY = {"target_id": [], "source_id": [], "rank": []}


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return write_toy_run(tmp_path_factory.mktemp("lists") / "toy")


def made(tokens, source=(), candidates=EMPTY, *, method="focus", corpus=True):
    """Return a run of nothing but these rows: text, kind, word start, origin, rule, source id, occurrences, vector."""
    names = ("text", "kind", "word_start", "origin", "rule", "source_id", "frequency", "has_auxiliary")
    columns = {f"tokens.{n}": [t[k] for t in tokens] for k, n in enumerate(names)}
    columns |= {f"source_tokens.{n}": [s[k] for s in source] for k, n in enumerate(("text", "kind", "frequency"))}
    columns |= {f"candidates.{n}": values for n, values in candidates.items()}
    words = {"text", "kind", "origin", "rule"}
    memory = {
        f"column {name}": np.array(values, dtype=object if name.split(".")[1] in words else None)
        if values
        else np.zeros(0, dtype=np.int64)
        for name, values in columns.items()
    }
    manifest = {"config": {"method": method}, "corpus": {"n_tokens": 1} if corpus else None}
    return RunFolder(path=Path("none"), manifest=manifest, digest="0", _memory=memory)


def new(text, *, kind="normal", start=False, seen=1, vector=True):
    return (text, kind, start, "combined" if vector else "fallback", "none", -1, seen, vector)


def copied(text, source_id, *, kind="normal", start=False, rule="exact", seen=1, vector=True):
    return (text, kind, start, "copied", rule, source_id, seen, vector)


def ids(run, key):
    return list(next(found for found in overlap_lists(run) if found.key == key).ids)


def test_several_candidates_count_once():
    run = made(
        [copied("a", 0), copied("b", 1)],
        [("a", "normal", 1), ("b", "normal", 1), ("B", "normal", 1), ("b", "normal", 1)],
        {"target_id": [0, 1, 1, 1], "source_id": [0, 1, 2, 3], "rank": [0, 0, 1, 2]},
    )
    assert ids(run, "several") == [1]


def test_tokens_that_share_one_source_row_the_most_frequent_first():
    run = made([copied("The", 0, rule="fuzzy", seen=5), copied("of", 1), copied("the", 0, seen=9), new("x")])
    assert ids(run, "shared-row") == [2, 0]


def test_new_tokens_that_the_source_spells_alike():
    """``MILK`` and ``milk``; a token that did match is not new, and byte tokens have no spelling."""
    source = [("milk", "normal", 1), ("the", "normal", 1), ("<0x41>", "byte", 1)]
    tokens = [new("MILK"), copied("the", 1), new("bread"), new("<0x41>"), new("")]
    run = made(tokens, source, {"target_id": [1], "source_id": [1], "rank": [0]})
    assert ids(run, "spelt-alike") == [0]


def test_shared_but_no_anchor():
    tokens = [copied("a", 0), copied("b", 1, vector=False), copied("<s>", 2, kind="special", vector=False)]
    assert ids(made(tokens), "no-anchor") == [1]
    assert anchors(made(tokens)).tolist() == [True, False, False]
    assert ids(made(tokens, method="random"), "no-anchor") == []
    assert not anchors(made(tokens, method="random")).any()


def test_bytes_of_characters_and_bytes_that_are_characters():
    """0x61 is the letter a, a byte and a character; 0xE0 is a part of one, and so are two bytes of three."""
    tokens = [new("<0xE0>", kind="byte"), new("<0xE0><0xA4>", kind="byte"), new("<0x61>", kind="byte"), new("a"),
              new("<0x62>", kind="byte"), new("<0xE0>")]  # fmt: skip
    assert ids(made(tokens), "cut") == [0, 1]
    assert ids(made(tokens), "byte-twins") == [2, 3]


def test_tokens_that_read_the_same():
    """Composed and decomposed é, but not é that begins a word."""
    tokens = [new("é"), new("e\u0301"), new("é", start=True), new("e"), new("Ａ"), new("A")]
    assert ids(made(tokens), "same-text") == [0, 1, 4, 5]


def test_control_tokens():
    tokens = [copied("<s>", 0, kind="special"), copied("[MASK]", 1, kind="special", rule="special"),
              new("<tool>", kind="special", vector=False)]  # fmt: skip
    assert ids(made(tokens), "specials-alone") == [2]
    assert ids(made(tokens), "specials-by-role") == [1]


def test_never_in_the_text():
    tokens = [new("a", seen=0), new("b", seen=2), copied("<s>", 0, kind="special", seen=0)]
    assert ids(made(tokens), "unseen") == [0]
    assert ids(made(tokens, corpus=False), "unseen") == []


def test_the_toy(toy):
    """MILK is new and the source has Milk; the mask token has another name."""
    assert ids(toy, "spelt-alike") == [id_of(toy, "▁MILK")]
    assert ids(toy, "specials-by-role") == [id_of(toy, "[MASK]")]


def test_lists_are_made_once_and_say_what_they_are(toy):
    first = overlap_lists(toy)
    assert overlap_lists(toy) is first
    assert len({found.key for found in first}) == len(first) == 10
    assert all(found.title and found.meaning.endswith(".") and found.remedy.endswith(".") for found in first)
    assert all(isinstance(found.ids, tuple) for found in first), "nobody changes a list that is kept"


@pytest.mark.parametrize("name", ["sw-8k", "ar-8k"])
def test_the_demo(name):
    run = open_run(DEMO / name)
    counts, corpus = run.manifest["counts"], run.manifest["corpus"]
    assert int(anchors(run).sum()) == counts["n_anchors"]
    shares = text_shares(run)
    assert shares.target_both + shares.target_only == corpus["n_tokens"]
    whole = shares.target_both + shares.target_only
    assert shares.target_both / whole == pytest.approx(corpus["share_overlap_occurrences"])
    assert shares.source_only + shares.source_both == int(run.column("source_tokens", "frequency").sum())


def test_the_text_on_either_vocabulary():
    """Source: 5 of 8 occurrences on shared tokens; target: 2 of 6. Without a corpus there are none."""
    tokens = [copied("a", 0, seen=2), new("b", seen=4)]
    source = [("a", "normal", 5), ("c", "normal", 3)]
    candidates = {"target_id": [0, 0], "source_id": [0, 1], "rank": [0, 1]}
    shares = text_shares(made(tokens, source, candidates))
    assert (shares.source_only, shares.source_both, shares.target_both, shares.target_only) == (3, 5, 2, 4)
    assert text_shares(made(tokens, source, candidates, corpus=False)) is None
