"""The model folder on the page Check and export: made by a child process, then one zip to download.

Finished zips lie below the folder of all runs, one a state of a run, under a name made of its content.
"""

from __future__ import annotations

import shlex
import shutil
import time
from pathlib import Path

import streamlit as st

from focus_core.export.abilities import abilities_of
from focus_core.export.archive import ZIP, ModelZip, open_model_zip, zip_key
from focus_core.export.states import model_states, states_left_out
from focus_core.jobs.process import is_owner, job_state
from focus_core.jobs.record import Job, JobState, failure, list_jobs, read_job
from focus_core.numerics.formats import count, size
from focus_core.runs.additions import TrainingFolder
from focus_core.runs.folder import RunFolder
from focus_core.tokenization.display import markdown_escape, show_token
from focus_ui.charts.download import save_file
from focus_ui.data import catalog
from focus_ui.data.catalog import path_in_command
from focus_ui.data.training_tables import state_names
from focus_ui.data.uploads import safe_name
from focus_ui.jobs.form import begin, cancel_button, has_source, progress_bar
from focus_ui.jobs.panel import POLL_S
from focus_ui.session import state
from focus_ui.session.errors import if_sound, in_words
from focus_ui.widgets.choice import choose
from focus_ui.widgets.command import show_command
from focus_ui.widgets.training_choice import current_training

MODELS = ".models"
INITIALISED = "right after initialisation"
TITLES = {True: "Model folder", False: "Embeddings folder"}
MAKE = {True: "Make the model folder", False: "Make the embeddings folder"}
MEANINGS = {
    True: "The whole model with its new vocabulary, tokenizer and card: the folder that `from_pretrained` loads.",
    False: "The new embedding matrix with its tokenizer and card. It was made from a matrix alone: no model is around "
    "it, and `from_pretrained` makes none of it.",
}
"""What the folder is and holds: a whole model, or not."""
ICONS = {True: ":material/deployed_code:", False: ":material/grid_on:"}
INSTEAD = "on the command line, which takes its place"
MAX_NAMED = 3
MAX_DOWNLOAD = 2 << 30
"""Bytes; the server holds a download in memory while it sends it."""

MAX_AGE_S = 7 * 24 * 3600
MAX_KEPT = 20 << 30
"""Seconds and bytes: a finished zip is made again at a click, so old ones go, and the oldest where all are large."""


def models_root() -> Path:
    """Return the folder of finished zips, below the folder of all runs."""
    return catalog.runs_root() / MODELS


def model_section(run: RunFolder) -> None:
    """Draw the choice of a state, what makes its model folder, the download once that is there, and the command."""
    whole = abilities_of(run).whole
    st.header(TITLES[whole], anchor=False)
    st.markdown(MEANINGS[whole])
    training = _choose_state(run)
    _say_left_out(run)
    _folder(run, training, whole=whole)
    st.caption("The same folder from the command line:")
    show_command(export_command(run, training))


def export_command(run: RunFolder, training: TrainingFolder | None) -> str:
    """Return the command that exports a state, to be called in the project's folder; it names no absolute path."""
    state_of_run = path_in_command(run.path) + ("" if training is None else shlex.quote(f":{training.name}"))
    return f".venv/bin/python -m focus_core export {state_of_run} build/model"


def _say_left_out(run: RunFolder) -> None:
    """Say which states are not offered, and why, once a reason."""
    names: dict[str, list[str]] = {}
    for found in states_left_out(run):
        names.setdefault(found.why_not, []).append(show_token(str(found.name), limit=40))
    for reason, listed in names.items():
        more = f" and {count(len(listed) - MAX_NAMED)} more" if len(listed) > MAX_NAMED else ""
        text = markdown_escape(f"Not offered: {', '.join(listed[:MAX_NAMED])}{more}: {reason}.")
        st.caption(text)


def _folder(run: RunFolder, training: TrainingFolder | None, *, whole: bool) -> None:
    """Draw the button that makes the model folder of a state, and the download once that is there."""
    key = zip_key(run, training)
    if (models_root() / key).is_dir():
        _download(run, training, key)
        return
    gone = "the parts that the run left as they were are missing. The new embeddings can still be downloaded below."
    if not has_source(run, gone):
        return
    job = read_job(models_root(), key)
    running = job is not None and job_state(job) is JobState.RUNNING
    if job is not None and not running:
        _say_why(job)
    if running:
        st.fragment(_watch, run_every=POLL_S)(key)
    elif st.button(MAKE[whole], type="primary", icon=ICONS[whole], key="_make_model"):
        _start(run, training, key)


def _choose_state(run: RunFolder) -> TrainingFolder | None:
    """Draw the choice between the initialised model and those trained further, where there are any."""
    whole = model_states(run)
    if not whole:
        return None
    labels = {INITIALISED: "right after the initialisation", **state_names(whole)}
    names = list(labels)
    latest = current_training(run, whole)
    index = names.index(latest.name) if latest is not None else 0
    chosen = choose("Which state", labels, "_model_state", index=index)
    return next((training for training in whole if training.name == chosen), None)


def _say_why(job: Job) -> None:
    """Say why there is no zip though one was asked for."""
    if job_state(job) is JobState.FAILED:
        words = in_words(failure(job).text, source=INSTEAD).replace(f"with {INSTEAD}", INSTEAD)
        st.error(markdown_escape(words), icon=":material/error:")
    elif job_state(job) is JobState.CANCELLED:
        st.caption("Cancelled; nothing was left behind.")


def _start(run: RunFolder, training: TrainingFolder | None, key: str) -> None:
    """Start the child process; it writes the whole zip or nothing."""
    path = run.path.resolve()
    target = str(path) if training is None else f"{path}:{training.name}"
    clear_old_models()
    begin(["pack", target], root=models_root(), title="model folder", job_id=key)


def clear_old_models(*, now: float | None = None) -> list[str]:
    """Remove finished zips that are a week old, and the oldest ones where all together are too large."""
    moment = time.time() if now is None else now
    done = [job for job in list_jobs(models_root()) if job_state(job) is not JobState.RUNNING]  # the newest first
    removed, kept = [], 0
    for job in done:
        kept += _bytes_of(job)
        if moment - job.created > MAX_AGE_S or kept > MAX_KEPT:
            shutil.rmtree(job.run, ignore_errors=True)
            shutil.rmtree(job.record, ignore_errors=True)
            removed.append(job.id)
    return removed


def _bytes_of(job: Job) -> int:
    path = job.run / ZIP
    return path.stat().st_size if path.is_file() else 0


def _watch(key: str) -> None:
    """Draw how far the zip is; once it has ended, draw the whole page again."""
    job = read_job(models_root(), key)
    if job is None or job_state(job) is not JobState.RUNNING:
        st.rerun()
    with st.container(border=True):
        progress_bar(job)
        if is_owner(job, state.owner()):
            cancel_button(job)


def _download(run: RunFolder, training: TrainingFolder | None, key: str) -> None:
    """Draw the download and how its content is loaded."""
    found = if_sound(lambda: open_model_zip(models_root() / key))
    if found is None:
        return
    if found.n_bytes > MAX_DOWNLOAD:
        st.warning(f"At {size(found.n_bytes)} this model is too large for the browser; the command below writes it.")
        return
    name = _file_name(run, training)
    label = f"Download the {'embeddings' if found.loader is None else 'model'} ({size(found.n_bytes)})"
    save_file(label, found.path.read_bytes, name, "application/zip", key="_model_zip", primary=True)
    st.caption(f"{name} · {len(found.files)} files. Unpack it; in Python then:")
    st.code(_loading(found), language="python")


def _file_name(run: RunFolder, training: TrainingFolder | None) -> str:
    """Return a name that says whose model it is: the run's target, its training, the beginning of its digest."""
    words = [str(run.manifest["target"]["name"]), *([training.name] if training is not None else []), run.digest[:8]]
    return safe_name("-".join(words), Path("model.txt")).removesuffix(".txt") + ".zip"


def _loading(found: ModelZip) -> str:
    if found.loader is None:
        lines = ["from safetensors.numpy import load_file", "from tokenizers import Tokenizer", ""]
        lines += ['tokenizer = Tokenizer.from_file("model/tokenizer.json")']
        return "\n".join([*lines, 'tensors = load_file("model/model.safetensors")'])
    lines = [f"from transformers import AutoTokenizer, {found.loader}", ""]
    lines += ['tokenizer = AutoTokenizer.from_pretrained("model")', f'model = {found.loader}.from_pretrained("model")']
    return "\n".join(lines)
