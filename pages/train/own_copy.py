"""Adding to a run from the app: in place where it is the session's own, else in a private copy.

The demo, shared runs and runs opened by a link never change.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from focus_core.jobs.record import Job, hash_owner, new_run_id, record_folder, write_record
from focus_core.runs.folder import RunFolder
from focus_core.training.import_checkpoint import copy_run, import_checkpoint
from focus_core.types import ProgressHook, no_progress
from focus_ui.data.catalog import RunEntry, RunKind, runs_root

NO_PROCESS = -1
"""The start time of no process: a record with it belongs to a run that no job made."""


def import_to(
    entry: RunEntry,
    run: RunFolder,
    path: Path,
    *,
    owner: str,
    name: str,
    tensor: str | None = None,
    whole: bool = False,
    shown_name: str | None = None,
    progress: ProgressHook = no_progress,
) -> str:
    """Attach trained embeddings to a run of the session, or to a private copy of another."""

    def import_into(target: RunFolder) -> None:
        options: dict[str, Any] = {"name": name, "tensor": tensor, "whole": whole, "shown_name": shown_name}
        import_checkpoint(target, path, progress=progress, **options)

    if entry.kind is RunKind.OWN:
        import_into(run)
        return entry.id
    return _in_copy(run, owner, f"{entry.title or run.manifest['target']['name']} with {name}", import_into)


def _in_copy(run: RunFolder, owner: str, title: str, change: Callable[[RunFolder], None]) -> str:
    """Copy a run under a random id, change the copy, and only then let the session own it."""
    root, run_id = runs_root().resolve(), new_run_id()
    root.mkdir(parents=True, exist_ok=True)
    copy = copy_run(run, root / run_id)
    try:
        change(copy)
    except BaseException:
        shutil.rmtree(copy.path, ignore_errors=True)
        raise
    record_folder(root, run_id).mkdir(parents=True, mode=0o700)
    write_record(
        Job(
            id=run_id,
            root=root,
            title=title,
            arguments=("import",),
            owner=hash_owner(owner),
            pid=0,
            pid_start=NO_PROCESS,
            created=time.time(),
        )
    )
    return run_id
