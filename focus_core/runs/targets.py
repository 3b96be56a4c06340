"""How a person names a state of a run: ``RUN``, or ``RUN:NAME`` for one of its trainings."""

from __future__ import annotations

from pathlib import Path


def split_target(text: str) -> tuple[Path, str | None]:
    """Split ``RUN:NAME``.

    Parameters
    ----------
    text : str
        A run folder, with or without a colon and the name of a training.

    Returns
    -------
    run : Path
        The folder.
    trained : str or None
        The training; ``None`` names the run as it was initialised.

    Notes
    -----
    A folder whose own name holds a colon is taken as it is where it exists.

    Examples
    --------
    >>> split_target("runs/first:adapted")
    (PosixPath('runs/first'), 'adapted')
    >>> split_target("runs/first")
    (PosixPath('runs/first'), None)
    """
    folder, colon, name = text.rpartition(":")
    if not colon or not folder or "/" in name or Path(text).is_dir():
        return Path(text), None
    return Path(folder), name
