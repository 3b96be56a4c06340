"""The parts of the page Check and export: the numbered checks, the recipe of a run, its files."""

from __future__ import annotations

import shlex
from typing import Any

import streamlit as st

from focus_core.artifacts import dump_json
from focus_core.run_folder import RunFolder
from focus_core.token_text import markdown_escape
from focus_ui import cache, catalog, navigation
from focus_ui.components import token_label
from focus_ui.tables import token_table, tokens_csv
from focus_ui.theme import size
from focus_ui.token_view import source_label

STATUS_ICONS = {
    "passed": ":material/check_circle:",
    "warning": ":material/warning:",
    "problem": ":material/error:",
    "not applicable": ":material/remove:",
}
STATUS_COLORS = {"passed": "green", "warning": "yellow", "problem": "red", "not applicable": "gray"}
MAX_TOKENS = 6


def checks(run: RunFolder) -> None:
    """Draw the numbered checks of a run: what they found, what to do, and tokens to look at.

    Parameters
    ----------
    run : RunFolder
        The current run.
    """
    st.subheader("Checks", anchor=False)
    for result in cache.checks(run):
        status = str(result.status)
        badge = f":{STATUS_COLORS[status]}-badge[{status}]"
        label = f"{STATUS_ICONS[status]} **{result.code}** {markdown_escape(result.title)} {badge}"
        with st.expander(label, expanded=status == "problem"):
            st.markdown(markdown_escape(result.summary))
            if status in {"warning", "problem"} and result.tip:
                st.markdown(f"**What to do:** {markdown_escape(result.tip)}")
            for token_id in list(result.tokens)[:MAX_TOKENS]:
                _token_link(run, int(token_id), of_source=result.side == "source")


def _token_link(run: RunFolder, token_id: int, *, of_source: bool) -> None:
    """Draw a link to a token that a check names: one of the target vocabulary, or of the source's."""
    if of_source:
        label = markdown_escape(source_label(run, token_id))
        navigation.link(navigation.TOKEN, label, icon="", source=token_id)
    else:
        navigation.link(navigation.TOKEN, token_label(run, token_id), icon="", token=token_id)


def recipe(run: RunFolder) -> None:
    """Draw what the run was made from, and the options it was made with.

    Parameters
    ----------
    run : RunFolder
        The current run.
    """
    st.subheader("Recipe", anchor=False)
    inputs = run.manifest["inputs"]
    if inputs:
        st.dataframe(
            {
                "role": [entry["role"] for entry in inputs],
                "name": [str(entry["name"]) for entry in inputs],
                "size": [size(entry["bytes"]) if entry.get("bytes") else "" for entry in inputs],
                "SHA-256": [entry["sha256"] for entry in inputs],
            },
            hide_index=True,
            alt="Inputs of the run with their digests",
        )
    differences = run.manifest.get("differences_from_paper") or {}
    if differences:
        st.caption("Where the options differ from the paper")
        chosen = (run.manifest.get("auxiliary") or {}).get("settings") or {}
        st.dataframe(
            {
                "option": list(differences),
                "paper": [_word(pair[0]) for pair in differences.values()],
                "this run": [_word(pair[1], chosen.get(name)) for name, pair in differences.items()],
            },
            hide_index=True,
            alt="Options that differ from the paper",
        )


def _word(value: Any, chosen: Any = None) -> str:
    """Write an option; one that was left open shows what was chosen for it."""
    if value is not None:
        return str(value)
    return "none" if chosen is None else f"{chosen} (chosen by the size of the text)"


def downloads(run: RunFolder) -> None:
    """Draw the downloads and the command that writes the model.

    Parameters
    ----------
    run : RunFolder
        The current run.
    """
    st.subheader("Take away", anchor=False)
    with st.container(horizontal=True):
        st.download_button(
            "Manifest", lambda: dump_json(run.manifest), "manifest.json", "application/json", key="_manifest",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Tokens (CSV)", lambda: tokens_csv(token_table(run)), "tokens.csv", "text/csv", key="_tokens_csv",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Contributions (Parquet)", lambda: (run.path / "contributions.parquet").read_bytes(),
            "contributions.parquet", "application/octet-stream", key="_contributions", icon=":material/download:",
            on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Embeddings (safetensors)", lambda: (run.path / "embeddings.safetensors").read_bytes(),
            "embeddings.safetensors", "application/octet-stream", key="_embeddings", icon=":material/download:",
            on_click="ignore",
        )  # fmt: skip
    st.caption("The model folder from the command line:")
    st.code(export_command(run), language="bash")


def export_command(run: RunFolder) -> str:
    """Return the command that exports a run, to be called in the project's folder; it names no absolute path."""
    path = run.path.resolve()
    inside = path.is_relative_to(catalog.ROOT)
    where = shlex.quote(str(path.relative_to(catalog.ROOT))) if inside else f'"$FOCUS_LAB_RUNS"/{path.name}'
    return f".venv/bin/python -m focus_core export {where} build/model"
