"""From a command line to a started job of this session, and what it will take.

Owns the hand-over of uploads and what the session remembers of a job: nothing about a run itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from focus_core.jobs.estimate import Estimate, estimate_run
from focus_core.jobs.record import new_run_id
from focus_core.runs.layout import TARGET_TOKENIZER
from focus_core.tokenization.corpus_survey import Survey
from focus_core.types import Preset
from focus_ui.data import catalog
from focus_ui.data.uploads import hand_over, lend_folder
from focus_ui.jobs.form import begin
from pages.data.recipe import needs_vectors
from pages.data.vector_options import AUTO, standard

ORIGINALS = "originals"
"""Where the session keeps which run a job makes again: a run's id by a job's."""
NO_TEXT = Survey(n_bytes=0, n_lines=0, n_characters=0, complete=True, sample=())


def estimate(
    survey: Survey | None,
    *,
    n_tokens: int,
    options: Mapping[str, str],
    trains_tokenizer: bool,
    reuses_vectors: bool = False,
) -> Estimate:
    """Return what a run will take."""
    vectors = standard(options.get("--preset", Preset.DEFAULT)) | dict(options)
    return estimate_run(
        survey or NO_TEXT,
        vocab_size=n_tokens,
        dim=int(vectors["--dim"]),
        epochs=None if vectors["--epochs"] == AUTO else int(vectors["--epochs"]),
        trains_tokenizer=trains_tokenizer,
        trains_vectors=survey is not None and needs_vectors(options) and not reuses_vectors,
        reads_text=survey is not None,
    )


def start(words: Sequence[str | Path], *, title: str, original: str | None = None, tokenizer_name: str = "") -> None:
    """Start a job, watch it and draw the page anew; what the library refuses is drawn as an error."""
    root, job_id = catalog.runs_root(), new_run_id()
    arguments = []
    for word in words:
        if isinstance(word, Path) and word.name == TARGET_TOKENIZER and word.is_dir():
            word = lend_folder(word, tokenizer_name, root, job_id)
        elif isinstance(word, Path):
            word = hand_over([word], root, job_id)[0]
        arguments.append(str(word))
    if original is not None:
        st.session_state.setdefault(ORIGINALS, {})[job_id] = original
    begin(arguments, root=root, title=title, job_id=job_id, watch=True)


def original_of(job_id: str) -> str | None:
    """Return the run that a job of this session makes again, if it does."""
    found = st.session_state.get(ORIGINALS, {}).get(job_id)
    return str(found) if found else None
