"""The parts of the page Check and export: the numbered checks, and the recipe of a run."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from focus_core.analysis.checks.base import CheckResult
from focus_core.numerics.formats import size
from focus_core.runs.folder import RunFolder
from focus_core.runs.summary import differing_options
from focus_core.tokenization.display import markdown_escape, show_name
from focus_ui.charts.csv_export import as_columns
from focus_ui.charts.download import save_table
from focus_ui.data import cache
from focus_ui.data.token_names import source_label, token_label
from focus_ui.jobs.verdict import STATUS_COLORS
from focus_ui.session import navigation
from focus_ui.session.errors import in_words

STATUS_ICONS = {
    "passed": ":material/check_circle:",
    "warning": ":material/warning:",
    "problem": ":material/error:",
    "not applicable": ":material/remove:",
}
MAX_TOKENS = 6


def checks(run: RunFolder) -> None:
    """Draw the numbered checks of a run: what they found, what to do, and tokens to look at."""
    st.header("Checks", anchor=False)
    results = cache.checks(run)
    for result in results:
        status = str(result.status)
        badge = f":{STATUS_COLORS[status]}-badge[{status}]"
        label = f"{STATUS_ICONS[status]} **{result.code}** {markdown_escape(result.headline)} {badge}"
        with st.expander(label, expanded=status == "problem"):
            st.markdown(markdown_escape(result.summary))
            if status in {"warning", "problem"} and result.tip:
                st.markdown(f"**What to do:** {markdown_escape(in_words(result.tip))}")
            for token_id in list(result.tokens)[:MAX_TOKENS]:
                _token_link(run, int(token_id), of_source=result.side == "source")
    save_table(lambda: check_rows(results), key="checks", name="checks")


def check_rows(results: Sequence[CheckResult]) -> dict[str, list[str]]:
    """Return checks as columns: code, title, verdict, what was found, what to do, ids of tokens."""
    rows = [
        (r.code, r.headline, str(r.status), r.summary, in_words(r.tip), r.side, " ".join(map(str, r.tokens)))
        for r in results
    ]
    return as_columns(("check", "title", "verdict", "found", "what to do", "vocabulary", "tokens"), rows)


def _token_link(run: RunFolder, token_id: int, *, of_source: bool) -> None:
    """Draw a link to a token that a check names: one of the target vocabulary, or of the source's."""
    if of_source:
        label = markdown_escape(source_label(run, token_id))
        navigation.link(navigation.TOKEN, label, icon="", source=token_id)
    else:
        navigation.link(navigation.TOKEN, token_label(run, token_id), icon="", token=token_id)


def recipe(run: RunFolder) -> None:
    """Draw what the run was made from, and the options it was made with."""
    st.header("Recipe", anchor=False)
    inputs = run.manifest["inputs"]
    if inputs:
        table = {
            "role": [entry["role"] for entry in inputs],
            "name": [show_name(str(entry["name"]), limit=80) for entry in inputs],
            "size": [size(entry["bytes"]) if entry.get("bytes") else "" for entry in inputs],
            "SHA-256": [entry["sha256"] for entry in inputs],
        }
        st.dataframe(
            table | {"SHA-256": [f"{digest[:16]}…" for digest in table["SHA-256"]]},
            hide_index=True,
            column_config={
                "SHA-256": st.column_config.TextColumn(help="The CSV file and the manifest hold all of it.")
            },
            alt="Inputs of the run with their digests",
        )
        save_table(lambda: table, key="inputs", name="inputs")
    differing = differing_options(run.manifest)
    if differing:
        options = as_columns(("option", "paper", "this run"), differing)
        st.caption("Where the options differ from the paper")
        st.dataframe(options, hide_index=True, alt="Options that differ from the paper")
        save_table(lambda: options, key="options", name="options")
