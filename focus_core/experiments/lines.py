"""Which lines methods and probe may read, and which are measured on: those that no input of any method holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from focus_core.artifacts import staged
from focus_core.corpus.corpus import Corpus, iter_batches
from focus_core.corpus.held_out import (
    LEAST_LINES,
    SECOND_SLICE,
    SHARES,
    distinct_lines,
    held_out_percent,
    is_held_out,
    measured_percent,
)
from focus_core.errors import CorpusError, bad_input
from focus_core.tokenization.encoding import plain_backend
from focus_core.tokenization.identity import SPECIAL
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import ProgressHook, no_progress

FIT, HELD_OUT, PROBE_TEXT = "fit.txt", "held_out.txt", "probe.txt"
GIVEN_PAIRS = "dictionary.tsv"
"""The pairs of a dictionary that methods may read."""
SPARE = 1.2
"""How much more text than the probe reads is put before it: a share of the lines is only about as long."""
SAMPLE_CHARACTERS = 1 << 18


@dataclass(frozen=True, kw_only=True)
class Split:
    """How the lines of a corpus were divided.

    Parameters
    ----------
    n_lines : int
        Different lines of the corpus.
    n_fit_lines : int
        Lines that methods may read, those that stand there several times counted as often.
    n_measured_lines : int
        Different lines that are measured on.
    percent : int
        How many lines in a hundred were held out.
    removed : dict of str to int
        Held-out lines that an input holds, by the first input that does: they are measured on no more.
    """

    n_lines: int
    n_fit_lines: int
    n_measured_lines: int
    percent: int
    removed: dict[str, int] = field(default_factory=dict)


def split_corpus(
    corpus: Corpus,
    target: Vocabulary,
    inputs: Mapping[str, Iterable[str]],
    folder: Path,
    *,
    probe_tokens: int,
    progress: ProgressHook = no_progress,
) -> Split:
    """Divide a corpus into lines to fit on and lines to measure on, and write both.

    Parameters
    ----------
    corpus : Corpus
        The text.
    target : Vocabulary
        Whose tokens are counted.
    inputs : mapping of str to iterable of str
        What else a method may read, by name: sentences of parallel text, entries of a dictionary.
    folder : Path
        An existing folder; it gets ``fit.txt``, ``held_out.txt`` and ``probe.txt``.
    probe_tokens : int
        How many tokens a probe reads: its text is a share of ``fit.txt`` with about so many, and the lines of the
        second held-out slice, on which its learning rate is chosen.
    progress : ProgressHook, default=no_progress
        Told the parts done as stage ``split``.

    Returns
    -------
    Split
        The numbers.

    Raises
    ------
    CorpusError
        If the text is too small to hold anything out, nothing in it occurs twice, or an input holds all held-out lines.

    Notes
    -----
    A line counts as held by an input where both are equal but for case and white space. Lines of the text to fit on are
    such an input too.
    """
    progress("split", 0, 3)
    n_lines, percent, candidates = _held_out(corpus)
    progress("split", 1, 3)
    n_fit_lines = _write_fit(corpus, percent, folder / FIT)
    fit = stream_lines(folder / FIT)
    _refuse_all_different(fit, target)
    kept, removed = remove_held(candidates, {"corpus": stream_lines(folder / FIT), **inputs})
    progress("split", 2, 3)
    if not kept:
        got = ", ".join(f"{n:,} held by {name}" for name, n in removed.items())
        remedy = "give another text, or inputs without these lines"
        raise bad_input("held-out lines", "some that no input holds", got, remedy, CorpusError)
    _write(folder / HELD_OUT, kept)
    _write_probe(folder, target, held_out_percent(n_lines), probe_tokens)
    progress("split", 3, 3)
    return Split(n_lines=n_lines, n_fit_lines=n_fit_lines, n_measured_lines=len(kept), percent=percent, removed=removed)


def _held_out(corpus: Corpus) -> tuple[int, int, list[str]]:
    """Return how many different lines there are, how many in a hundred are held out, and these, each once."""
    n_lines, kept = distinct_lines(_stripped(corpus), max(SHARES))
    percent = measured_percent(n_lines)
    held = [line for line in kept if is_held_out(line, percent)]
    if not held:
        expected, remedy = f"lines among the {percent} % that are held out", "give more text, one sentence a line"
        raise bad_input("corpus", expected, f"none of {n_lines:,}", remedy, CorpusError)
    return n_lines, percent, held


def _stripped(corpus: Corpus) -> Iterator[str]:
    return (text for line in chain.from_iterable(iter_batches(corpus)) if (text := line.strip()))


def _write_fit(corpus: Corpus, percent: int, path: Path) -> int:
    return _write(path, (line for line in _stripped(corpus) if not is_held_out(line, percent)))


def _write(path: Path, lines: Iterable[str]) -> int:
    """Write lines so that the file is whole or absent; return how many."""
    with staged(path, replace=True) as part, part.open("w", encoding="utf-8", newline="\n") as stream:
        return sum(stream.write(f"{line}\n") > 0 for line in lines)


def write_pairs(pairs: Iterable[tuple[str, str]], path: Path) -> int:
    """Write the pairs of a dictionary that methods may read; return how many."""
    return _write(path, ("\t".join(pair) for pair in pairs))


def stream_lines(path: Path) -> Iterator[str]:
    """Yield the lines of one of the files that `split_corpus` writes."""
    with path.open(encoding="utf-8", newline="\n") as stream:
        yield from (line.rstrip("\n") for line in stream)


def read_lines(path: Path) -> list[str]:
    """Return the lines of one of the files that `split_corpus` writes."""
    return list(stream_lines(path))


def same_line(line: str) -> str:
    """Return what two lines share that are equal but for case and white space.

    Examples
    --------
    >>> same_line("  Soko  la Samaki ")
    'soko la samaki'
    """
    return " ".join(line.split()).casefold()


def remove_held(lines: Iterable[str], inputs: Mapping[str, Iterable[str]]) -> tuple[list[str], dict[str, int]]:
    """Return the lines that no input holds, and how many each input held.

    Parameters
    ----------
    lines : iterable of str
        Held-out lines.
    inputs : mapping of str to iterable of str
        Texts by the name of their input, each read once.

    Returns
    -------
    kept : list of str
        In their order.
    removed : dict of str to int
        One entry an input; a line that several hold counts for the first.

    Examples
    --------
    >>> remove_held(["a b", "c"], {"parallel": ["A  B"], "dictionary": ["d"]})
    (['c'], {'parallel': 1, 'dictionary': 0})
    """
    waiting: dict[str, list[str]] = {}
    for line in lines:
        waiting.setdefault(same_line(line), []).append(line)
    removed: dict[str, int] = {}
    for name, texts in inputs.items():
        removed[name] = sum(len(waiting.pop(same_line(text), ())) for text in texts)
    return [line for group in waiting.values() for line in group], removed


def _refuse_all_different(lines: Iterator[str], target: Vocabulary) -> None:
    """Refuse a text in which no token occurs twice: there is nothing to learn from it, and nothing to count."""
    seen = np.zeros(target.n, bool)
    for ids in _encoded(lines, target):
        ordinary = ids[target.kinds[ids] != SPECIAL]
        if seen[ordinary].any() or len(np.unique(ordinary)) < len(ordinary):
            return
        seen[ordinary] = True
    expected = "tokens that occur more than once"
    raise bad_input("corpus", expected, "a text in which nothing occurs twice", "give running text", CorpusError)


def _encoded(lines: Iterable[str], target: Vocabulary, *, at_once: int = 256) -> Iterator[np.ndarray]:
    backend = plain_backend(target.backend)
    part: list[str] = []
    for line in lines:
        part.append(line)
        if len(part) == at_once:
            yield from _ids(backend, part)
            part = []
    yield from _ids(backend, part)


def _ids(backend: Any, lines: list[str]) -> Iterator[np.ndarray]:
    for encoding in backend.encode_batch_fast(lines, add_special_tokens=False) if lines else ():
        yield np.array(encoding.ids, np.int64)


def _write_probe(folder: Path, target: Vocabulary, percent: int, tokens: int) -> None:
    """Write the text of the probe: its own held-out slice, and a share of the rest that is long enough."""
    lines = dict.fromkeys(stream_lines(folder / FIT))
    if len(lines) < LEAST_LINES:
        expected = f"at least {LEAST_LINES} different lines beside those that are held out"
        raise bad_input("corpus", expected, f"{len(lines)}", "give more text, one sentence a line", CorpusError)
    share = max(SPARE * tokens / _n_tokens(folder / FIT, target), 2 * LEAST_LINES / len(lines))
    _write(folder / PROBE_TEXT, (line for line in lines if _in_probe(line, percent, share)))


def _in_probe(line: str, percent: int, share: float) -> bool:
    if is_held_out(line, percent, first=SECOND_SLICE):
        return True
    if is_held_out(line, max(SHARES), first=SECOND_SLICE):  # a smaller text than all of it would keep these aside too
        return False
    digest = hashlib.blake2b(f"probe\0{line}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def _n_tokens(path: Path, target: Vocabulary) -> float:
    """Estimate the tokens of a file from its beginning."""
    total, sample, characters = 0, [], 0
    for line in stream_lines(path):
        total += len(line)
        if characters < SAMPLE_CHARACTERS:
            sample.append(line)
            characters += len(line)
    found = sum(map(len, _encoded(sample, target)))
    return max(1.0, found * total / max(1, characters))
