"""What the tests of the frame share: what a component was given, a job of a session, a run of one's own."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

from focus_core.jobs.record import Job, hash_owner, new_run_id, record_folder, write_record
from focus_ui.data import catalog

NO_PROCESS = 2**22 + 1
"""The number of a process that no system hands out."""


def components(at: Any, name: str) -> list[Any]:
    """Return what every component of a name was given."""
    protos = [element.proto for element in at.get("bidi_component")]
    return [json.loads(proto.json) for proto in protos if proto.component_name == name]


def picture(at: Any) -> Any:
    """Return what the picture on the Start page shows."""
    (found,) = components(at, "focus_lab_start")
    return found


def write_job(owner: str, *, title: str = "mine", log: str = "", created: float | None = None) -> Job:
    """Write the record of a job whose process is gone."""
    root = catalog.runs_root().resolve()
    job_id = new_run_id()
    record_folder(root, job_id).mkdir(parents=True)
    job = Job(
        id=job_id, root=root, title=title, arguments=("init",), owner=hash_owner(owner), pid=NO_PROCESS,
        pid_start=1, created=time.time() if created is None else created,
    )  # fmt: skip
    write_record(job)
    (job.record / "stderr.log").write_text(log, "utf-8")
    return job


def own_run(owner: str, source: Path, **options: Any) -> Job:
    """Give an owner a finished run: a copy of another."""
    job = write_job(owner, **options)
    shutil.copytree(source, job.run)
    return job


def owner_of(at: Any) -> str:
    """Return the secret of a session."""
    return str(at.session_state["focus_owner"])
