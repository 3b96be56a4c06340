"""Jobs that lay out a map: started, found again by the run that they add to, and forgotten with it.

The owner of a run may start one, in place. A bundled run, a shared one and one that a link opened never change.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from focus_core.errors import InvalidInputError, bad_input
from focus_core.jobs.process import delete_run, job_state, start_job
from focus_core.jobs.record import Job, JobState, list_jobs
from focus_core.runs.additions import new_addition
from focus_ui.data.catalog import RunEntry, RunKind, runs_root

MAP_VERB = "project"
KIND = "projection"


def maps_root() -> Path:
    """Return where the records of these jobs lie, below the folder of all runs; the maps lie in their runs."""
    return runs_root() / ".maps"


def map_jobs(run_path: Path, *, owner: str) -> list[Job]:
    """Return the jobs of an owner that lay out, or have laid out, a map of a run, newest first."""
    folder = run_path.resolve() / KIND
    return [job for job in list_jobs(maps_root(), owner=owner) if job.run.parent == folder]


def map_is_made(run_path: Path, *, owner: str) -> bool:
    """Whether a map of a run is being laid out right now."""
    return any(job_state(job) is JobState.RUNNING for job in map_jobs(run_path, owner=owner))


def run_id_of(job: Job) -> str:
    """Return the id of the run that a job adds a map to."""
    return job.run.parents[1].name


def start_map(
    entry: RunEntry, *, owner: str, name: str, method: str, trained: Sequence[str], sample: int, seed: int
) -> Job:
    """Start a job that lays out a map of a run of the session."""
    if entry.kind is not RunKind.OWN:
        remedy = "make a run of your own, which can get further maps"
        raise bad_input("map", expected="a run of yours", got=f"one that is {entry.kind}", remedy=remedy)
    path = entry.path.resolve()
    target = new_addition(path, KIND, name)
    _make_way(target, path, owner)
    arguments = [MAP_VERB, str(path), "--name", name, "--method", method]
    for training in trained:
        arguments += ["--trained", training]
    arguments += ["--sample", str(sample), "--seed", str(seed)]
    title = f"map of {entry.title or path.name}"
    return start_job(arguments, runs_root=maps_root(), owner=owner, title=title, output=target)


def _make_way(target: Path, run_path: Path, owner: str) -> None:
    """Forget earlier attempts at the same map, which came to nothing; raise where one is at work."""
    for job in map_jobs(run_path, owner=owner):
        if job.run != target:
            continue
        if job_state(job) is JobState.RUNNING:
            remedy = "wait for it, or choose other settings"
            raise bad_input(f"map {target.name}", expected="a new map", got="one being laid out", remedy=remedy)
        delete_run(job, owner=owner)


def refuse_while_made(run_path: Path, *, owner: str) -> None:
    """Raise where a map of a run is being laid out: the run cannot go away under it."""
    if map_is_made(run_path, owner=owner):
        raise bad_input(
            "run", expected="one that nothing is being added to", got="one whose map is being laid out",
            remedy="wait for the map, or cancel it among the jobs", error=InvalidInputError,
        )  # fmt: skip


def forget_maps(run_path: Path, *, owner: str) -> None:
    """Remove what is written about the maps of a run that was deleted."""
    for job in map_jobs(run_path, owner=owner):
        delete_run(job, owner=owner)
