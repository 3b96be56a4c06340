"""Sources that people gave: kept beside the runs as long as a run of theirs needs them.

A source lies in ``RUNS/.sources/ID/NAME/``; beside it stands whose it is. What needs it is found from the runs' own
records, so that nothing has to be counted along: a run made again, or a trained copy, needs the same folder.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from focus_core.artifacts import link_file, staged
from focus_core.errors import FocusError, ModelError, bad_input
from focus_core.jobs.record import Job, list_jobs, new_run_id, request_of_job
from focus_core.models.tensors import read_json
from focus_core.numerics.formats import size

SOURCES, OWNER = ".sources", "owner"
MOST_BYTES = 8 << 30
"""Bytes of sources that are kept for one owner."""
FORGOTTEN_S = 24 * 3600
"""Seconds after which a source that no run came to need is removed."""


def keep_source(folder: Path, *, root: Path, owner: str) -> Path:
    """Keep a model folder for the runs that will be made from it.

    Parameters
    ----------
    folder : Path
        The model folder; it stays where it is.
    root : Path
        The folder of all runs.
    owner : str
        Whose it is, as a job's record says it: the hash of a secret.

    Returns
    -------
    Path
        The folder to name as the source; its files are hard links where the file system allows.

    Raises
    ------
    ModelError
        If the owner keeps too much already.
    """
    root = root.resolve()
    _remove_forgotten(root, owner)
    wanted, kept = _bytes_in([folder]), _bytes_in(_own(root, owner))
    if kept + wanted > MOST_BYTES:
        got = f"{size(kept)} kept and {size(wanted)} more"
        remedy = "delete a run that was made from another source of yours"
        raise bad_input("your source models", f"at most {size(MOST_BYTES)} of them", got, remedy, ModelError)
    place = root / SOURCES / new_run_id()
    with staged(place, folder=True) as part:
        part.chmod(0o700)
        (part / OWNER).write_text(owner, "utf-8")
        shutil.copytree(folder, part / folder.name, copy_function=link_file)
    return place / folder.name


def sources_of(job: Job) -> set[Path]:
    """Return the places of kept sources that a job needs: what it was asked for, and what its run's log remembers."""
    asked = request_of_job(job)
    specs = [str(asked.source)] if asked is not None and asked.source else []
    specs += [value for name, value in pairwise(job.arguments) if name == "--source"]
    for folder in (job.run, job.part, job.part / "copy"):
        with contextlib.suppress(FocusError, OSError):
            specs.append(str((read_json(folder / "log" / "source.json") or {}).get("spec") or ""))
    above = job.root / SOURCES
    return {Path(spec).parent for spec in specs if Path(spec).parent.parent == above}


def release_sources(root: Path, owner: str, places: Iterable[Path]) -> None:
    """Remove kept sources of an owner that none of the owner's jobs needs any more.

    Parameters
    ----------
    root : Path
        The folder of all runs.
    owner : str
        As `keep_source`.
    places : iterable of Path
        The sources in question, such as `sources_of` a job that was deleted; others stay.
    """
    own = set(_own(root.resolve(), owner)).intersection(places)
    if own:
        for place in own - _needed(root.resolve(), owner):
            shutil.rmtree(place, ignore_errors=True)


def _own(root: Path, owner: str) -> list[Path]:
    """Return the places of an owner's sources."""
    found = []
    for note in (root / SOURCES).glob(f"*/{OWNER}"):
        with contextlib.suppress(OSError):
            if note.read_text("utf-8") == owner:
                found.append(note.parent)
    return found


def _needed(root: Path, owner: str) -> set[Path]:
    return {place for job in list_jobs(root) if job.owner == owner for place in sources_of(job)}


def _remove_forgotten(root: Path, owner: str) -> None:
    """Remove sources whose run was never started: a day is more than a start takes."""
    old = [place for place in _own(root, owner) if time.time() - place.stat().st_mtime > FORGOTTEN_S]
    release_sources(root, owner, old)


def _bytes_in(folders: Iterable[Path]) -> int:
    return sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())
