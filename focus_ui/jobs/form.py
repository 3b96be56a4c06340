"""What every form that starts a job shares: what it needs, its common fields, the start, and what is said of its job.

Owns how a job is begun for this session. A form owns its own fields and the options that they amount to.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from focus_core.errors import FocusError
from focus_core.export.abilities import abilities_of
from focus_core.export.archive import source_is_named
from focus_core.initialization.request import InitRequest
from focus_core.jobs.process import cancel_job, start_job
from focus_core.jobs.record import Job, failure, read_progress
from focus_core.numerics.formats import count, duration
from focus_core.runs.folder import RunFolder
from focus_core.tokenization.display import markdown_escape
from focus_ui.data.uploads import hand_over
from focus_ui.session import state
from focus_ui.session.errors import in_words, show_error

SOURCE_IS_GONE = "The source model of this run is no longer on this server, so "


def has_source(run: RunFolder, lack: str) -> bool:
    """Whether the run's source model is still there; where it is not, draw what cannot be done."""
    if not source_is_named(run):
        st.warning(SOURCE_IS_GONE + lack, icon=":material/warning:")
        return False
    return True


def can_predict(run: RunFolder) -> bool:
    """Whether a run has a model that can be trained on text and evaluated; where it has none, draw why."""
    able = abilities_of(run)
    about = able.hindrance
    if about:
        can = "it can learn from pairs of lines, but neither be trained on a text nor evaluated on one"
        words = can if able.distills else "it can be neither trained nor evaluated"
        st.info(f"{about}, so {words}.", icon=":material/info:")
    return not about


def seed_input(
    place: DeltaGenerator, *, key: str, meaning: str | None = None, value: int = 0, **options: Any
) -> int:  # fmt: skip
    """Draw the field of a seed."""
    return int(place.number_input("Seed", 0, 2**31 - 1, value, 1, key=key, help=meaning, **options))


def file_options(option: str, files: Sequence[Path], root: Path, job_id: str) -> list[str]:
    """Return an option once for each of some files, which are handed over to the job."""
    return [word for path in hand_over(files, root, job_id) for word in (option, str(path))]


def begin(
    arguments: Sequence[str],
    *,
    root: Path,
    title: str,
    job_id: str | None = None,
    watch: bool = False,
    request: InitRequest | None = None,
) -> None:
    """Start a job of this session and draw the page anew; what the library refuses is drawn as an error."""
    try:
        job = start_job(arguments, runs_root=root, owner=state.owner(), title=title, job_id=job_id, request=request)
    except FocusError as error:
        show_error(error)
        return
    if watch:
        state.watch_job(job.id)
    st.rerun()


def progress_bar(job: Job, *, quiet: bool = False) -> None:
    """Draw the stage at work, how much of it is done, and the time since the start."""
    progress = read_progress(job)
    fraction, note = progress.fraction, "" if quiet else progress.note  # notes of some jobs name files of this server
    words = [progress.stage or "starting"]
    if progress.total > 1 and not note:
        words.append(f"{count(progress.done)} of {count(progress.total)}")
    if note:
        words.append(note)
    words.append(duration(time.time() - job.created))
    st.progress(0.0 if fraction is None else fraction, text=markdown_escape(" · ".join(words)))


def cancel_button(job: Job) -> None:
    """Draw the button that ends a job."""
    st.button("Cancel", icon=":material/cancel:", key=f"_cancel_{job.id}", on_click=cancel_job, args=(job,))


def say_failure(job: Job, **said: str) -> None:
    """Say why a job has made nothing, options called as its form calls them."""
    st.error(markdown_escape(in_words(failure(job).text, **said)), icon=":material/error:")
