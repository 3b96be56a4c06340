"""The part of the page Train that imports a checkpoint that was trained elsewhere."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from focus_core.errors import FocusError
from focus_core.numerics.formats import count
from focus_core.runs.folder import RunFolder
from focus_core.tokenization.display import show_token
from focus_ui.data import catalog, input_cache
from focus_ui.data.catalog import RunKind
from focus_ui.data.uploads import keep_upload
from focus_ui.session import state
from focus_ui.session.errors import if_sound, show_error
from focus_ui.widgets.choice import choose, switch
from focus_ui.widgets.training_choice import want_training
from pages.train.own_copy import import_to

UPLOAD, SERVER = "Upload", "On this server"
DEFAULT_NAME = "imported"


def import_section(run: RunFolder, *, expanded: bool) -> None:
    """Draw the choice of a file or a checkpoint folder, and import it when asked."""
    with st.expander("Import a checkpoint", icon=":material/attach_file:", expanded=expanded):
        rows, width = run.manifest["matrices"]["input"]["shape"]
        st.markdown(
            f"A checkpoint that was trained from this run elsewhere: its **{count(rows)}** input embeddings, "
            f"**{count(width)}** numbers each, in the order of its ids."
        )
        source, shown_name = _source()
        tensor = _tensor(source) if source is not None and source.is_file() else None
        whole = (
            source is not None
            and source.is_dir()
            and st.checkbox(
                "Keep its backbone too",
                key="_attach_whole",
                help="Then the state can also be measured and exported; it takes the memory of the whole model.",
            )
        )
        name = st.text_input("Name", DEFAULT_NAME, max_chars=64, key="_attach_name", width=320)
        if st.button("Import", type="primary", disabled=source is None, key="_attach") and source is not None:
            _import(run, source, name, tensor, shown_name, whole=whole)
        entry = state.current_run()
        if entry is not None and entry.kind is not RunKind.OWN:
            st.caption("This run is not yours and stays as it is: you get a private copy that holds the training.")


def _source() -> tuple[Path | None, str | None]:
    """Draw the choice of where the embeddings come from; return the path, and how messages call it."""
    folders = catalog.operator_entries("model")
    where = UPLOAD
    if folders:
        where = switch("From", [UPLOAD, SERVER], "_attach_from", default=UPLOAD)
    if where == SERVER:
        chosen = st.selectbox(
            "Checkpoint folder on this server", list(folders), index=None, key="_attach_folder",
            placeholder="Choose a folder", help="Folders with config.json that the operator offers.",
        )  # fmt: skip
        return (folders[chosen], chosen) if chosen in folders else (None, None)
    upload = st.file_uploader("A .safetensors file", type=["safetensors"], key="_attach_upload")
    kept = None if upload is None else if_sound(lambda: keep_upload(upload))
    return (None, None) if upload is None or kept is None else (kept, show_token(upload.name, limit=60))


def _tensor(path: Path) -> str | None:
    """Draw the choice of a matrix where the file holds several; ``None`` leaves it to the library."""
    shapes = if_sound(lambda: input_cache.matrices(path))
    if shapes is None or len(shapes) < 2 or "input" in shapes:
        return None
    names = {name: f"{show_token(name, limit=80)}   {shape}" for name, shape in shapes.items()}
    return choose("Tensor of the input embeddings", names, "_attach_tensor", width="stretch")


def _import(
    run: RunFolder, source: Path, name: str, tensor: str | None, shown_name: str | None, *, whole: bool
) -> None:
    """Attach, show how far it is, and go to the run that now has the training."""
    entry = state.current_run()
    if entry is None:
        return
    bar = st.progress(0.0, text="Reading")

    def show(stage: str, done: float, total: float, note: str = "") -> None:
        del note
        bar.progress(min(1.0, done / total) if total else 0.0, text=stage.capitalize())

    try:
        run_id = import_to(
            entry,
            run,
            source,
            owner=state.owner(),
            name=name,
            tensor=tensor,
            whole=whole,
            shown_name=shown_name,
            progress=show,
        )
    except FocusError as error:
        bar.empty()
        show_error(error)
        return
    want_training(run, name)
    st.toast("Imported. Every token now shows its neighbours before and after.", icon=":material/check_circle:")
    if run_id != entry.id:
        state.choose_run(run_id)
    st.rerun()
