"""The form that lays out a map of a run: how, what of it, how much; and the wish to see the map once it is there."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from focus_core.jobs.process import job_state
from focus_core.jobs.record import JobState, read_job
from focus_core.numerics.formats import count
from focus_core.projection.layout import METHODS
from focus_core.projection.project import DEFAULT_ROWS, map_name
from focus_core.projection.sampling import MIN_TOKENS
from focus_core.runs.additions import TrainingFolder, list_projections
from focus_core.runs.folder import RunFolder
from focus_ui.data.catalog import RunKind
from focus_ui.data.training_tables import state_names
from focus_ui.jobs.form import seed_input
from focus_ui.jobs.map_jobs import map_is_made, maps_root, start_map
from focus_ui.session import state
from focus_ui.session.errors import if_sound
from focus_ui.widgets.training_choice import current_training
from pages.map.tables import METHOD_WORDS

BOX, CLOSE, AWAITED = "_project_box", "_project_close", "awaited_maps"
OFFER = "Lay out a map"
NOT_YOURS = (
    "Bundled runs, shared ones and those that a link opened stay as they are. A run of your own can get any number of "
    "maps: make one on Data and run, or import a checkpoint into this one on Train, which gives you a copy."
)


def map_offer(run: RunFolder, trainings: Sequence[TrainingFolder]) -> None:
    """Draw the button that opens the form; behind it one line where the run is not the session's."""
    if st.session_state.pop(CLOSE, False):
        st.session_state[BOX] = False
    with st.popover(OFFER, icon=":material/add_chart:", key=BOX, on_change="rerun") as box:
        if not box.open:
            return
        entry = state.current_run()
        if entry is None or entry.kind is not RunKind.OWN:
            st.caption(NOT_YOURS)
        elif int(run.present().sum()) < MIN_TOKENS:
            st.caption(f"A map needs at least {count(MIN_TOKENS)} tokens.")
        else:
            _form(run, trainings)


def _form(run: RunFolder, trainings: Sequence[TrainingFolder]) -> None:
    """Draw the settings, and start the job when asked."""
    if map_is_made(run.path, owner=state.owner()):
        st.caption("A map of this run is being laid out; its progress stands among the jobs in the sidebar.")
    method = st.segmented_control(
        "Method", METHODS, default=METHODS[0], format_func=lambda m: METHOD_WORDS.get(m, m), key="_project_method",
        required=True, help="UMAP keeps neighbours together; PCA is exact, and the same for every seed.",
    )  # fmt: skip
    trained = _trained(run, trainings)
    n_tokens, usual = int(run.present().sum()), max(MIN_TOKENS, DEFAULT_ROWS // (1 + len(trained)))
    left, right = st.columns(2)
    sample = left.number_input(
        "Tokens", min_value=MIN_TOKENS, max_value=n_tokens, value=min(n_tokens, usual), step=1,
        key=f"_project_sample_{run.digest[:12]}_{len(trained)}",
        help=f"Drawn evenly over frequency, those of checks and the most changed among them. Of {count(DEFAULT_ROWS)} "
        "embeddings with all members, a UMAP takes half a minute or more, a PCA seconds.",
    )  # fmt: skip
    seed = seed_input(right, key="_project_seed", meaning="Of sample and layout.")
    st.caption("It lies in the run's folder then, and Check and export makes an Embedding Atlas file of it.")
    if st.button("Lay it out", type="primary", icon=":material/play_arrow:", key="_project"):
        _launch(run, str(method), trained, int(sample), seed)


def _trained(run: RunFolder, trainings: Sequence[TrainingFolder]) -> list[str]:
    """Draw the choice of trainings where there are some; return their names."""
    if not trainings:
        st.caption("The run has no trained embeddings, so the map shows the initialised ones alone.")
        return []
    names = state_names(trainings)
    current = current_training(run, trainings)
    chosen = st.multiselect(
        "Beside the initialised embeddings", list(names), default=[current.name] if current is not None else [],
        format_func=lambda name: names.get(name, name), key=f"_project_trained_{run.digest[:12]}_{len(names)}",
        placeholder="None",
    )  # fmt: skip
    return [name for name in names if name in chosen]


def _launch(run: RunFolder, method: str, trained: Sequence[str], sample: int, seed: int) -> None:
    """Start the job, or show the map that is there already; what the library refuses is drawn as an error."""
    entry = state.current_run()
    name = map_name(method, trained, sample, seed)
    if entry is None:
        st.rerun()
    if name in list_projections(run):
        st.toast("This map was laid out before; here it is.")
        _await(run, name, "")
    else:
        owner = state.owner()
        job = if_sound(
            lambda: start_map(entry, owner=owner, name=name, method=method, trained=trained, sample=sample, seed=seed)
        )
        if job is None:
            return
        _await(run, name, job.id)
    st.session_state[CLOSE] = True
    st.rerun()


def _await(run: RunFolder, name: str, job_id: str) -> None:
    st.session_state.setdefault(AWAITED, {})[str(run.path.resolve())] = (name, job_id)


def take_awaited(run: RunFolder) -> str | None:
    """Return the map that this session asked for, the first time that the page is drawn with it there."""
    awaited: dict[str, tuple[str, str]] = st.session_state.get(AWAITED, {})
    place = str(run.path.resolve())
    if place not in awaited:
        return None
    name, job_id = awaited[place]
    if name in list_projections(run):
        del awaited[place]
        return name
    job = read_job(maps_root(), job_id)
    if job is None or job_state(job) is not JobState.RUNNING:
        del awaited[place]
    return None
