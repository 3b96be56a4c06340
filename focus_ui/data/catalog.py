"""What there is to choose from: runs, sample corpora, folders that the operator named.

A name that comes from a browser is only ever compared with names found on disk, or is a run's random id; it never
becomes part of a path otherwise.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from focus_core.jobs.process import is_owner, job_state
from focus_core.jobs.record import RUN_ID, Job, JobState, list_jobs, read_job
from focus_core.models.hub import is_hub_id

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "assets"
DEMO_SOURCE = ASSETS / "demo" / "source"
ENGLISH_SOURCE = ASSETS / "demo" / "english"
DICTIONARIES = ASSETS / "dictionaries"
"""A second source that ships, which has read English alone."""
FIRST_DEMO = "sw-8k"
CORPUS_SUFFIXES = (".txt", ".jsonl", ".csv", ".tsv", ".parquet")
LANGUAGES = {"sw": "Swahili", "de": "German", "ar": "Arabic"}
MAX_ENTRIES = 500
MAX_DEPTH = 3


class RunKind(StrEnum):
    """Whose run it is."""

    DEMO = "demo"
    OWN = "yours"
    SHARED = "shared"
    LINK = "by link"
    COMPARED = "of a comparison"


@dataclass(frozen=True, kw_only=True)
class RunEntry:
    """A run that this session may open."""

    id: str
    kind: RunKind
    path: Path
    title: str = ""
    created: float | None = None


def runs_root() -> Path:
    """Return the folder of all runs: ``FOCUS_LAB_RUNS``, else ``runs`` in the project."""
    return Path(os.environ.get("FOCUS_LAB_RUNS") or ROOT / "runs")


def evaluations_root() -> Path:
    """Return the folder of kept evaluations, below the folder of all runs: an evaluation is no run."""
    return runs_root() / ".evaluations"


def comparisons_root() -> Path:
    """Return the folder of kept comparisons, below the folder of all runs: a comparison holds runs and is none."""
    return runs_root() / ".comparisons"


def bundled_comparisons_root() -> Path:
    """Return the folder of the comparisons that ship: ``FOCUS_LAB_DEMO_COMPARISONS``, else the project's own."""
    return Path(os.environ.get("FOCUS_LAB_DEMO_COMPARISONS") or ASSETS / "demo" / "comparisons")


def demo_root() -> Path:
    """Return the folder of the demo runs: ``FOCUS_LAB_DEMO_RUNS``, else the ones that ship."""
    return Path(os.environ.get("FOCUS_LAB_DEMO_RUNS") or ASSETS / "demo" / "runs")


def _run_folders(folder: Path) -> list[Path]:
    """Return the finished runs directly in a folder, by name."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if (path / "manifest.json").is_file() and path.suffix != ".part")


def demo_runs() -> list[RunEntry]:
    """Return the runs that ship with the app, the first demo first."""
    entries = [
        RunEntry(id=path.name, kind=RunKind.DEMO, path=path, title=path.name) for path in _run_folders(demo_root())
    ]
    return sorted(entries, key=lambda entry: (entry.id != FIRST_DEMO, entry.id))


def shared_runs() -> list[RunEntry]:
    """Return the runs that the operator put into ``runs/shared/``."""
    folders = _run_folders(runs_root() / "shared")
    return [RunEntry(id=f"shared/{path.name}", kind=RunKind.SHARED, path=path, title=path.name) for path in folders]


def own_runs(owner: str) -> list[RunEntry]:
    """Return the finished runs of one owner, newest first."""
    return [_own(job) for job in list_jobs(runs_root(), owner=owner) if job_state(job) is JobState.DONE]


def _own(job: Job) -> RunEntry:
    return RunEntry(id=job.id, kind=RunKind.OWN, path=job.run, title=job.title, created=job.created)


def listed_runs(owner: str) -> list[RunEntry]:
    """Return what a session's list of runs shows: its own, the demos, the shared ones."""
    return [*own_runs(owner), *demo_runs(), *shared_runs()]


def find_run(run_id: str, owner: str) -> RunEntry | None:
    """Return the run of an id, also one that no list shows, for whoever holds its id."""
    listed = next((entry for entry in (*demo_runs(), *shared_runs()) if entry.id == run_id), None)
    if listed is not None or not RUN_ID.fullmatch(run_id):
        return listed or _compared_run(run_id)
    job = read_job(runs_root(), run_id)
    if job is not None and is_owner(job, owner) and job_state(job) is JobState.DONE:
        return _own(job)
    path = runs_root() / run_id
    return RunEntry(id=run_id, kind=RunKind.LINK, path=path) if (path / "manifest.json").is_file() else None


@dataclass(frozen=True, kw_only=True)
class ComparisonEntry:
    """A finished comparison that this session may open."""

    id: str
    kind: RunKind
    path: Path
    title: str = ""
    created: float | None = None


def listed_comparisons(owner: str) -> list[ComparisonEntry]:
    """Return the finished comparisons of one owner, newest first, then those that ship."""
    jobs = [job for job in list_jobs(comparisons_root(), owner=owner) if job_state(job) is JobState.DONE]
    own = [
        ComparisonEntry(id=job.id, kind=RunKind.OWN, path=job.run, title=job.title, created=job.created) for job in jobs
    ]
    return own + bundled_comparisons()


def bundled_comparisons() -> list[ComparisonEntry]:
    """Return the comparisons that ship, by name."""
    return [
        ComparisonEntry(id=path.name, kind=RunKind.DEMO, path=path, title=path.name)
        for path in _run_folders(bundled_comparisons_root())
    ]


def find_comparison(comparison_id: str, owner: str) -> ComparisonEntry | None:
    """Return the comparison of an id, also one that no list shows, for whoever holds its id."""
    listed = next((entry for entry in listed_comparisons(owner) if entry.id == comparison_id), None)
    if listed is not None or not RUN_ID.fullmatch(comparison_id):
        return listed
    path = comparisons_root() / comparison_id
    is_there = (path / "manifest.json").is_file()
    return ComparisonEntry(id=comparison_id, kind=RunKind.LINK, path=path) if is_there else None


def compared_run_id(comparison_id: str, piece: str) -> str:
    """Return the id of a run of a comparison, by which every page opens it."""
    return f"{comparison_id}/{piece}"


def _compared_run(run_id: str) -> RunEntry | None:
    """Return a run of a comparison: whoever holds the id of the one may open the other, and nobody else lists it."""
    comparison_id, _, piece = run_id.partition("/")
    found = find_comparison(comparison_id, "") if piece else None
    paths = {} if found is None else {path.name: path for path in _run_folders(found.path / "runs")}
    if piece not in paths:
        return None
    method, _, seed = piece.rpartition("-")
    return RunEntry(id=run_id, kind=RunKind.COMPARED, path=paths[piece], title=f"{method}, seed {seed}")


def sample_corpora() -> dict[str, Path]:
    """Return the corpora that ship with the app by language."""
    paths = sorted((ASSETS / "corpora").glob("*.txt"), key=lambda path: (path.stem != "sw", path.stem))
    return {LANGUAGES.get(path.stem, path.stem): path for path in paths}


def has_demo_source() -> bool:
    """Whether the demo source model is there."""
    return (DEMO_SOURCE / "model.safetensors").is_file()


def has_english_source() -> bool:
    """Whether the source model that has read English alone is there."""
    return (ENGLISH_SOURCE / "model.safetensors").is_file()


def is_corpus(path: Path) -> bool:
    """Whether a file name is that of a corpus: a known suffix, plain, ``.gz`` or ``.zst``."""
    name = path.name.lower().removesuffix(".gz").removesuffix(".zst")
    return name.endswith(CORPUS_SUFFIXES)


def operator_folders() -> list[Path]:
    """Return the folders named in ``FOCUS_LAB_PATHS``, as many as exist."""
    named = os.environ.get("FOCUS_LAB_PATHS", "").split(os.pathsep)
    return [Path(name).resolve() for name in named if name and Path(name).is_dir()]


def operator_entries(kind: str) -> dict[str, Path]:
    """Return what lies in the operator's folders, at most 500 entries and three levels deep."""
    found: dict[str, Path] = {}
    for folder in operator_folders():
        for path in _walk(folder, MAX_DEPTH):
            if len(found) >= MAX_ENTRIES:
                return found
            if _is_a(kind, path):
                found[f"{folder.name}/{path.relative_to(folder)}".removesuffix("/.")] = path
    return found


def _walk(folder: Path, depth: int) -> list[Path]:
    """Return a folder and what is in it, sorted, without hidden names and without following links out of it."""
    found = [folder]
    if depth == 0:
        return found
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_symlink():
            continue
        found.extend(_walk(path, depth - 1) if path.is_dir() else [path])
    return found


def _is_a(kind: str, path: Path) -> bool:
    if kind == "corpus":
        return path.is_file() and is_corpus(path)
    if kind == "model":
        return path.is_dir() and (path / "config.json").is_file() and any(path.glob("*.safetensors"))
    names = ("tokenizer.json", "sentencepiece.bpe.model", "tokenizer.model", "spiece.model", "vocab.txt", "vocab.json")
    return path.is_dir() and any((path / name).is_file() for name in names)


def allows_hub() -> bool:
    """Whether the operator lets users name models of the Hugging Face Hub."""
    return os.environ.get("FOCUS_LAB_ALLOW_HUB") == "1"


def names_hub_model(text: str) -> bool:
    """Whether a visitor's text names a model of the Hub, and cannot be taken for a place on this server."""
    return is_hub_id(text) and not (ROOT / text).exists()


def path_in_command(run: Path) -> str:
    """Return how a command names a run: relative to the project, or below the folder of runs; no absolute path."""
    path = run.resolve()
    inside = path.is_relative_to(ROOT)
    return shlex.quote(str(path.relative_to(ROOT))) if inside else f'"$FOCUS_LAB_RUNS"/{path.name}'
