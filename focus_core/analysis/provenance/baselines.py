"""What would be near a token if its embedding alone had been made another way: drawn at random, or the mean of all.

No other embedding is remade: all three of a token are asked for their nearest among the same others, so the lists can
be compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from focus_core.analysis.provenance.neighbours import Neighbour, _blocks_of, _cosines, _nearest
from focus_core.analysis.provenance.occurrence import bytes_of
from focus_core.runs.folder import RunFolder
from focus_core.types import KINDS, MethodName, TokenKind

BASELINES = (MethodName.RANDOM, MethodName.MEAN)
"""The registered methods that a row is compared with."""


@dataclass(frozen=True, kw_only=True)
class StartNeighbours:
    """The tokens that are near one token's row under one method.

    Parameters
    ----------
    method : str
        The registered method that makes the row.
    neighbours : tuple of Neighbour
        Nearest first, equal ones by id; empty for a row of zeros.
    """

    method: str
    neighbours: tuple[Neighbour, ...]

    def among(self, ids: Iterable[int]) -> int:
        """Return how many of the neighbours are among some ids."""
        wanted = set(ids)
        return sum(near.id in wanted for near in self.neighbours)


def start_neighbours(run: RunFolder, target_id: int, *, k: int = 10) -> tuple[StartNeighbours, ...]:
    """Return the nearest tokens of a row as the run has it, and as the random and the mean method would have made it.

    Parameters
    ----------
    run : RunFolder
        The run.
    target_id : int
        The token.
    k : int, default=10
        How many neighbours.

    Returns
    -------
    tuple of StartNeighbours
        The run's own method first, then ``random`` and ``mean``; by cosine, exact, in the original space. Every other
        row is the run's own. Empty where the id holds no token.

    Notes
    -----
    The random row is the very one that ``--method random`` draws for this token at the run's seed. One pass over the
    matrix serves all three.
    """
    kept = run.present()
    if not kept[target_id]:
        return ()
    rows = np.stack([run.rows("input", [target_id])[0], baseline_embedding(run, target_id, MethodName.RANDOM),
                     baseline_embedding(run, target_id, MethodName.MEAN)])  # fmt: skip
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    units = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    cosines = _cosines(_blocks_of(run, "input"), units, len(kept))
    methods = (str(run.manifest["config"]["method"]), *BASELINES)
    return tuple(
        StartNeighbours(
            method=str(method),
            neighbours=tuple(_nearest(run, cosines[:, place], kept, target_id, k)) if lengths[place, 0] else (),
        )
        for place, method in enumerate(methods)
    )


def baseline_embedding(run: RunFolder, target_id: int, method: MethodName) -> np.ndarray:
    """Return the input row that a baseline would have given a token."""
    from focus_core.initialization.methods.fallback import standard_normal_embeddings

    statistics = run.statistics()
    if method is MethodName.MEAN:
        return np.array(statistics["mean"])
    seed, size = int(run.manifest["config"]["seed"]), len(statistics["mean"])
    drawn = standard_normal_embeddings(seed, "input", [_identity(run, target_id)], size)[0]
    return np.asarray(drawn * statistics["std"] + statistics["mean"], dtype=np.float32)


def _identity(run: RunFolder, target_id: int) -> bytes:
    """Return a token's identity as its vocabulary has it: a byte for kind and word start, then its content."""
    kind, text, start = (run.column("tokens", name)[target_id] for name in ("kind", "text", "word_start"))
    content = bytes_of(text) if kind == TokenKind.BYTE else str(text).encode()
    return bytes([KINDS.index(TokenKind(kind)) * 2 + bool(start)]) + content
