"""The factors of a run whose embeddings were cut to a rank, as one file of two tensors a matrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from focus_core.artifacts import staged, write_arrays
from focus_core.errors import RunFolderError, bad_input, phrase
from focus_core.initialization.methods.low_rank.factors import coordinates_of
from focus_core.runs.folder import RunFolder

SIDES = ("input", "output")


def export_factors(run: RunFolder, trained: str | None, destination: str | Path) -> Path:
    """Write coordinates and primitives of a run: their product is its matrix, to the rounding of float32.

    Parameters
    ----------
    run : RunFolder
        A run of a rank below the width.
    trained : str or None
        One of its trainings, which has no factors.
    destination : str or Path
        The ``.safetensors`` to make: ``coordinates_input`` (n_target × rank) and ``primitives_input`` (rank × d),
        float32; ``coordinates_output`` and ``primitives_output`` where the output embeddings are apart.

    Returns
    -------
    Path
        ``destination``.

    Raises
    ------
    RunFolderError
        If it is a training, nothing was cut, or the file is called otherwise or exists.
    """
    path = Path(destination)
    if trained is not None or run.cut_rank is None:
        got = f"training {trained}, which left that space" if trained is not None else "embeddings that are whole"
        remedy = phrase("name a run that was made with {rank} below the width")
        raise bad_input(f"run {run.path.name}", "embeddings of low rank", got, remedy, RunFolderError)
    if path.suffix != ".safetensors" or path.exists():
        got = "a path that exists" if path.exists() else repr(path.suffix)
        raise bad_input(path.name, "a .safetensors file to make", got, "choose another name", RunFolderError)
    with staged(path) as part:
        write_arrays(part, _factors(run), metadata={"format": "pt"})
    return path


def _factors(run: RunFolder) -> dict[str, np.ndarray]:
    """Return the tensors of the file."""
    found: dict[str, np.ndarray] = {}
    for side in SIDES:
        primitives = run.statistics().get(f"primitives_{side}")
        if primitives is not None:
            rows = run.rows(side, slice(0, run.tokens().num_rows))
            found |= {f"coordinates_{side}": coordinates_of(rows, primitives), f"primitives_{side}": primitives}
    return found
