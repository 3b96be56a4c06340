"""From a request to a started job of this session.

Owns the hand-over of uploads and what the session remembers of a job: nothing about a run itself.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import streamlit as st

from focus_core.initialization.request import InitRequest
from focus_core.jobs.record import new_run_id
from focus_ui.data import catalog
from focus_ui.data.source_uploads import keep_for_runs
from focus_ui.data.uploads import hand_over, lend_folder
from focus_ui.jobs.form import begin
from focus_ui.session import state
from focus_ui.session.errors import if_sound

ORIGINALS = "originals"
"""Where the session keeps which run a job makes again: a run's id by a job's."""


def start(request: InitRequest, *, title: str, original: str | None = None, lend_as: str | None = None) -> None:
    """Start a job, watch it and draw the page anew; what the library refuses is drawn as an error."""
    root, job_id = catalog.runs_root(), new_run_id()
    if request.source is not None:
        source = request.source
        kept = if_sound(lambda: keep_for_runs(source, root, state.owner()))
        if kept is None:
            return
        request = dataclasses.replace(request, source=kept)
    names = ("source_tokenizer", "source_embeddings", "target_tokenizer", "dictionary", "parallel", "source_vectors")
    given = {name: getattr(request, name) for name in names if getattr(request, name) is not None}
    handed = {name: type(value)(hand_over([Path(value)], root, job_id)[0]) for name, value in given.items()}
    if lend_as is not None:
        # A target tokenizer that an earlier run keeps is lent under the name that it has there.
        handed["target_tokenizer"] = str(lend_folder(Path(given["target_tokenizer"]), lend_as, root, job_id))
    request = dataclasses.replace(request, corpus=tuple(hand_over(request.corpus, root, job_id)), **handed)
    if original is not None:
        st.session_state.setdefault(ORIGINALS, {})[job_id] = original
    begin(["init"], request=request, root=root, title=title, job_id=job_id, watch=True)


def original_of(job_id: str) -> str | None:
    """Return the run that a job of this session makes again, if it does."""
    found = st.session_state.get(ORIGINALS, {}).get(job_id)
    return str(found) if found else None
