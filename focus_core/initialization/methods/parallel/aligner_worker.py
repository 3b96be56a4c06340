"""The aligner in a process of its own: ``python -m focus_core.initialization.methods.parallel.aligner_worker FOLDER``.

Owns every call of SIL Thot. Reads ``lines.safetensors`` and ``request.json`` in the folder (``aligner``, ``n_iter``),
writes ``links.safetensors``, and notes in ``done`` which share of the work is done.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from focus_core.artifacts import read_array, write_arrays

FAILED = 3
"""Exit status when the aligner itself refused; the reason is the last line of standard error."""
BATCH = 2000
"""Pairs aligned between two notes of progress."""
Lines = list[list[str]]


def main(arguments: Sequence[str]) -> int:
    """Answer the request in a folder."""
    folder = Path(arguments[0])
    threading.Thread(target=_die_with_parent, daemon=True).start()
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    try:
        sides = [_lines(folder / "lines.safetensors", side) for side in ("source", "target")]
        source, target, counts = links(*sides, **request, folder=folder)
    except (ValueError, RuntimeError, MemoryError, OSError) as reason:
        sys.stderr.write(f"\n{type(reason).__name__}: {' '.join(str(reason).split())}\n")
        return FAILED
    write_arrays(folder / "links.safetensors", {"source": source, "target": target, "counts": counts})
    return 0


def _die_with_parent() -> None:
    """End this process when the other end of standard input is closed, which a killed parent does too."""
    while os.read(0, 4096):
        continue
    os._exit(1)


def _lines(path: Path, side: str) -> Lines:
    """Return the lines of one side; the aligner takes words as text, so their numbers are spelled."""
    words = np.asarray(read_array(path, side)).tolist()
    names = [str(number) for number in range(max(words, default=-1) + 1)]
    ends = np.asarray(read_array(path, f"{side}_ends")).tolist()
    return [[names[word] for word in words[a:b]] for a, b in zip([0, *ends], ends, strict=False)]


def links(
    source: Lines, target: Lines, *, aligner: str, n_iter: int, folder: Path
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Align in both directions and count the links that both give after symmetrisation.

    Parameters
    ----------
    source, target : list of list of str
        The two sides, line by line; numbers of words as text.
    aligner : str
        ``fast_align`` or ``ibm1``.
    n_iter : int
        Iterations in each direction.
    folder : Path
        Where to note how much is done.

    Returns
    -------
    source, target, counts : ndarray of shape (n_links,), dtype int64
        Numbers of words, ascending by target and then source, and how often they are linked.
    """
    from thot import alignment

    models = {"fast_align": alignment.FastAlignModel, "ibm1": alignment.Ibm1AlignmentModel}
    direct, inverse = models[aligner](), models[aligner]()
    longest = direct.max_sentence_length
    pairs = [(a, b) for a, b in zip(source, target, strict=True) if a and b and max(len(a), len(b)) <= longest]
    for one, other in pairs:
        direct.add_sentence_pair(one, other, 1)
        inverse.add_sentence_pair(other, one, 1)
    steps, note = 2 * n_iter + max(1, n_iter // 2), folder / "done"
    for model_number, model in enumerate((direct, inverse)):
        _train(model, n_iter, note, model_number * n_iter, steps)
    symmetrized = alignment.SymmetrizedAligner(direct, inverse)
    symmetrized.heuristic = alignment.SymmetrizationHeuristic.GROW_DIAG_FINAL_AND
    found = [np.zeros((0, 2), np.int64)]
    for done, part in enumerate(_batches(pairs)):
        found += [_linked(symmetrized, *pair) for pair in part]
        note.write_text(str((2 * n_iter + done * BATCH / max(1, len(pairs)) * (steps - 2 * n_iter)) / steps))
    return _counted(np.concatenate(found))


def _train(model: Any, n_iter: int, note: Path, before: int, steps: int) -> None:
    model.start_training()
    for number in range(n_iter):
        model.train()
        note.write_text(str((before + number + 1) / steps), encoding="ascii")
    model.end_training()


def _batches(pairs: list[tuple[list[str], list[str]]]) -> Iterator[list[tuple[list[str], list[str]]]]:
    for start in range(0, len(pairs), BATCH):
        yield pairs[start : start + BATCH]


def _linked(symmetrized: Any, one: list[str], other: list[str]) -> np.ndarray:
    """Return the numbers of the words that are linked in one pair of lines, shape (n, 2): target, source."""
    places = np.argwhere(symmetrized.get_best_alignment(one, other)[1].to_numpy())
    return np.array([(int(other[j]), int(one[i])) for i, j in places.tolist()], np.int64).reshape(-1, 2)


def _counted(pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    distinct, counts = np.unique(pairs, axis=0, return_counts=True)
    return distinct[:, 1], distinct[:, 0], counts.astype(np.int64)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
