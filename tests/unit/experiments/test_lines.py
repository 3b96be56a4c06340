"""Which lines are fitted on, probed with and measured on: divided by hand, and what an input holds removed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from focus_core.corpus.corpus import open_corpus
from focus_core.corpus.held_out import held_out_percent, is_held_out
from focus_core.errors import CorpusError
from focus_core.experiments.lines import (
    FIT,
    HELD_OUT,
    PROBE_TEXT,
    Split,
    read_lines,
    remove_held,
    same_line,
    split_corpus,
)
from focus_core.tokenization.vocabulary import vocabulary_from_backend
from tests.toy_run import unigram

TARGET = vocabulary_from_backend(unigram(("▁soko", "▁la", "▁kale", *"0123456789")), name="toy", config={})


def lines_of(n: int) -> list[str]:
    return [f"soko la {i}" for i in range(n)]


def split(folder: Path, lines: list[str], *, tokens: int = 200, **inputs: list[str]) -> Split:
    path = folder / "text.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return split_corpus(open_corpus([path]), TARGET, inputs, folder, probe_tokens=tokens)


def test_a_line_is_measured_or_read_and_never_both(tmp_path: Path) -> None:
    lines = lines_of(300)
    found = split(tmp_path, [*lines, *lines[:50]])
    fit, held = read_lines(tmp_path / FIT), read_lines(tmp_path / HELD_OUT)
    assert held == [line for line in lines if is_held_out(line, 10)]
    assert set(fit) == set(lines) - set(held)
    repeated = sum(line in set(fit) for line in lines[:50])
    assert (found.n_lines, found.n_fit_lines, found.n_measured_lines) == (300, 300 - len(held) + repeated, len(held))
    assert found.percent == 10


def test_a_large_text_holds_out_two_lines_in_a_hundred(tmp_path: Path) -> None:
    found = split(tmp_path, lines_of(25_000))
    assert found.percent == 2
    assert read_lines(tmp_path / HELD_OUT) == [line for line in lines_of(25_000) if is_held_out(line, 2)]


def test_a_text_of_some_thousand_lines_holds_out_enough_to_recommend(tmp_path: Path) -> None:
    assert split(tmp_path, lines_of(3000)).n_measured_lines > 200


@pytest.mark.parametrize("n", [300, 2500])
def test_the_probe_keeps_aside_what_is_not_measured(tmp_path: Path, n: int) -> None:
    """Its text holds its whole slice, whichever share of the rest it takes, and keeps nothing else aside."""
    split(tmp_path, lines_of(n), tokens=500)
    probe, held = read_lines(tmp_path / PROBE_TEXT), set(read_lines(tmp_path / HELD_OUT))
    assert set(probe) <= set(read_lines(tmp_path / FIT))
    aside = {line for line in lines_of(n) if is_held_out(line, held_out_percent(n), first=10)}
    assert aside <= set(probe)
    assert not aside & held
    later = {line for line in probe if is_held_out(line, 2 if len(probe) >= 2000 else 10, first=10)}
    assert later == aside


def test_the_probe_reads_about_as_much_as_its_tokens(tmp_path: Path) -> None:
    split(tmp_path, lines_of(5000), tokens=3000)
    trained = [line for line in read_lines(tmp_path / PROBE_TEXT) if not is_held_out(line, 2, first=10)]
    n_tokens = sum(len(e) for e in TARGET.backend.encode_batch(trained, add_special_tokens=False))
    assert 3000 < n_tokens < 4200


def test_what_an_input_holds_is_not_measured(tmp_path: Path) -> None:
    held = [line for line in lines_of(300) if is_held_out(line, 10)]
    found = split(tmp_path, lines_of(300), parallel=["x", held[0].upper()], dictionary=[held[0], f" {held[1]}  "])
    assert found.removed == {"corpus": 0, "parallel": 1, "dictionary": 1}
    assert read_lines(tmp_path / HELD_OUT) == held[2:]


def test_a_line_that_the_text_holds_in_another_case_is_not_measured(tmp_path: Path) -> None:
    lines = lines_of(300)
    other = next(line for line in lines if is_held_out(line, 10) and not is_held_out(line.upper(), 10))
    found = split(tmp_path, [*lines, other.upper()])
    assert found.removed["corpus"] == 1
    assert other not in read_lines(tmp_path / HELD_OUT)


def test_a_text_whose_held_out_lines_all_stand_in_an_input_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"^held-out lines: expected some that no input holds, got 0 held by corpus"):
        split(tmp_path, lines_of(300), parallel=lines_of(300))


def test_a_text_in_which_nothing_occurs_twice_is_refused(tmp_path: Path) -> None:
    names = [f"neno{i}" for i in range(120)]
    target = vocabulary_from_backend(unigram(tuple(f"▁{name}" for name in names)), name="toy", config={})
    path = tmp_path / "text.txt"
    path.write_text("\n".join(names), encoding="utf-8")
    with pytest.raises(CorpusError, match="corpus: expected tokens that occur more than once"):
        split_corpus(open_corpus([path]), target, {}, tmp_path, probe_tokens=1000)


def test_a_short_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="at least 100 different lines"):
        split(tmp_path, lines_of(99))


def test_a_text_that_leaves_too_little_to_train_on_is_refused(tmp_path: Path) -> None:
    lines = [line for line in lines_of(150) if not is_held_out(line, 10)][:95]
    held = [line for line in lines_of(150) if is_held_out(line, 10)][:8]
    with pytest.raises(CorpusError, match="at least 100 different lines beside those that are held out, got 95"):
        split(tmp_path, [*lines, *held])


def test_long_lines_leave_enough_of_them_to_the_probe(tmp_path: Path) -> None:
    """A training wants a hundred lines, however few tokens it reads."""
    split(tmp_path, [f"{line} {'soko ' * 50}" for line in lines_of(500)], tokens=100)
    assert len(read_lines(tmp_path / PROBE_TEXT)) >= 100


@given(st.lists(st.text("ab A", max_size=6)), st.lists(st.text("ab A", max_size=6)), st.lists(st.text("ab A")))
def test_every_line_is_kept_or_counted_once(lines: list[str], first: list[str], second: list[str]) -> None:
    kept, removed = remove_held(lines, {"first": first, "second": second})
    assert len(kept) + sum(removed.values()) == len(lines)
    assert not {same_line(line) for line in kept} & {same_line(text) for text in (*first, *second)}
