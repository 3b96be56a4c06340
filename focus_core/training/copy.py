"""Training in a copy of a run: the run itself stays as it is, and no half copy is left."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import IO, Any

from focus_core.runs.folder import RunFolder, open_run
from focus_core.runs.log import growing_run
from focus_core.training.import_checkpoint import copy_run
from focus_core.training.train import adapt_run
from focus_core.types import ProgressHook, no_progress, stage_of, tell_all

COPY = "copy"
SOURCE_NOTE = "source.json"


def adapt_copy(
    run: str | Path | RunFolder,
    output: str | Path,
    *,
    terminal: IO[str] | None = None,
    progress: ProgressHook = no_progress,
    **options: Any,
) -> Path:
    """Copy a run and train the copy.

    Parameters
    ----------
    run : str, Path or RunFolder
        A finished run whose source has a backbone and a language-model head.
    output : str or Path
        The run folder to make.
    terminal : file, default=None
        Where progress is printed; ``None`` prints none.
    progress : ProgressHook, default=no_progress
        Told the same; raising from it cancels.
    **options : Any
        Of `adapt_run`; the training's folder is ``output/training/NAME``.

    Returns
    -------
    Path
        ``output``. Its files are hard links to those of the run where the file system allows.

    Raises
    ------
    InvalidInputError
        If ``output`` exists, or as `adapt_run`; nothing is left then.
    """
    run = run if isinstance(run, RunFolder) else open_run(run)
    output = Path(output)
    with growing_run(output, terminal=terminal) as (part, log):
        tell = tell_all(log, progress)
        with stage_of(tell, "copy the run"):
            copy = copy_run(run, part / COPY)
        adapt_run(copy, progress=tell, **options)
        _move_up(copy.path, part)
    return output


def _move_up(copy: Path, part: Path) -> None:
    """Turn the growing folder into the trained copy; its log is its own, with the note of where the source is."""
    for path in copy.iterdir():
        if path.name != "log":
            path.rename(part / path.name)
    note = copy / "log" / SOURCE_NOTE
    if note.is_file():
        note.rename(part / "log" / SOURCE_NOTE)
    shutil.rmtree(copy)
