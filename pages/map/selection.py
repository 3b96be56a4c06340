"""The selection on the page Map: what the canvas reported, the table of it, what feeds it, and saved selections.

Selections are kept by run and outlive the page. A range of neighbour overlap and a selection hold together: the table
lists what is in both.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from focus_core.analysis.provenance.selection import common_contributors
from focus_core.numerics.formats import count, percent
from focus_core.runs.folder import RunFolder
from focus_core.runs.legend import CATEGORIES
from focus_core.tokenization.display import markdown_escape, show_name, show_token
from focus_ui.charts.csv_export import csv_bytes
from focus_ui.charts.download import save_file
from focus_ui.session import navigation, state
from focus_ui.widgets.choice import choose
from focus_ui.widgets.pick import share_column
from pages.map.component import answer, whole_numbers
from pages.map.tables import KEPT_MEANING, KEPT_NAME, listed

if TYPE_CHECKING:
    import pandas as pd

MAX_SELECTED = 5000
MAX_SAVED = 50
N_CONTRIBUTORS = 10
NAME_LIMIT = 60
TABLE_PX, LIST_WIDTH_PX = 400, 340


@dataclass(frozen=True, kw_only=True)
class Picked:
    """What is selected on the maps of a run."""

    ids: tuple[int, ...] = ()
    total: int = 0
    brush: tuple[float, float] | None = None
    token_at: int = 0
    selection_at: int = 0
    brush_at: int = 0


def _picked_key(run: RunFolder) -> str:
    return f"focus_map_picked_{run.digest[:12]}"


def _saved_key(run: RunFolder) -> str:
    return f"focus_map_saved_{run.digest[:12]}"


def take_reports(run: RunFolder, key: str) -> Picked:
    """Take over what the canvas reported since the last rerun; a chosen token becomes the page's."""
    picked: Picked = st.session_state.get(_picked_key(run), Picked())
    kinds = run.column("tokens", "kind")
    n_ids = len(kinds)
    token, selection, brush = (answer(key, name) for name in ("token", "selection", "brush"))
    if _number(token) > picked.token_at:
        chosen = whole_numbers([token.get("id")], limit=1, below=n_ids)
        if chosen:
            state.show_target(chosen[0])
        picked = replace(picked, token_at=_number(token))
    if _number(selection) > picked.selection_at:
        named = whole_numbers(selection.get("ids"), limit=MAX_SELECTED, below=n_ids)
        ids = tuple(dict.fromkeys(i for i in named if kinds[i] is not None))
        total = selection.get("total")
        total = max(len(ids), total) if isinstance(total, int) and total <= n_ids else len(ids)
        picked = replace(picked, ids=ids, total=total, selection_at=_number(selection))
    if _number(brush) > picked.brush_at:
        picked = replace(picked, brush=_range(brush.get("range")), brush_at=_number(brush))
    st.session_state[_picked_key(run)] = picked
    return picked


def _number(report: object) -> int:
    at = report.get("at") if isinstance(report, dict) else None
    return at if isinstance(at, int) and not isinstance(at, bool) and 0 < at < 2**53 else 0


def _range(value: object) -> tuple[float, float] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    if not all(isinstance(v, int | float) and math.isfinite(v) for v in value):
        return None
    return max(0.0, float(value[0])), min(1.0, float(value[1]))


def select(run: RunFolder, ids: tuple[int, ...]) -> None:
    """Make some tokens the selection, and lift the range of neighbours kept."""
    picked: Picked = st.session_state.get(_picked_key(run), Picked())
    now = int(time.time() * 1000)
    st.session_state[_picked_key(run)] = replace(
        picked,
        ids=ids,
        total=len(ids),
        brush=None,
        selection_at=max(now, picked.selection_at + 1),
        brush_at=max(now, picked.brush_at + 1),
    )


def selection_panel(run: RunFolder, frame: pd.DataFrame, picked: Picked, *, measured: bool) -> None:
    """Draw the table of what is selected and what feeds it; below, the saved selections."""
    rows = listed(frame, picked.ids, picked.brush)
    if picked.ids or picked.brush:
        with st.container(border=True, key="map_selection"):
            _head(picked, rows)
            if len(rows):
                with st.container(horizontal=True, gap="medium"):
                    with st.container():
                        _table(rows.head(MAX_SELECTED), measured=measured)
                    with st.container(width=LIST_WIDTH_PX):
                        _contributors(run, rows)
                _save(run, rows)
    _saved(run, frame)


def _head(picked: Picked, rows: pd.DataFrame) -> None:
    how = [f"of {count(picked.total)} selected"] if picked.ids and picked.total != len(rows) else []
    if picked.brush:
        how.append(f"with {KEPT_NAME} from {picked.brush[0]:.2f} to {picked.brush[1]:.2f}")
    st.header("Selection", anchor=False)
    words = f"**{count(len(rows))}** tokens on this map" + (f" ({', '.join(how)})." if how else ".")
    if picked.total > len(picked.ids) or len(rows) > MAX_SELECTED:
        words += f" More than {count(MAX_SELECTED)}: the most frequent {count(MAX_SELECTED)} are taken."
    st.markdown(words)


def _table(rows: pd.DataFrame, *, measured: bool) -> None:
    shown = {
        "token": rows["shown"].to_numpy(),
        "id": rows["id"].to_numpy(),
        "origin": [CATEGORIES[key].label for key in rows["category"]],
        "occurrences": rows["frequency"].to_numpy(),
    }
    if measured:
        shown |= {"kept": rows["kept"].to_numpy(), "cosine": rows["cosine"].to_numpy()}
    key, ids, number = state.once_key("map_table"), rows["id"].tolist(), st.column_config.NumberColumn
    st.dataframe(
        shown,
        key=key,
        hide_index=True,
        on_select=lambda: _follow(key, ids),
        selection_mode="single-row",
        height=min(TABLE_PX, 38 + 35 * len(rows)),
        column_config={
            "token": st.column_config.TextColumn("token", pinned=True),
            "id": number("id", format="%d"),
            "occurrences": number("occurrences", format="localized"),
            "kept": share_column(KEPT_NAME, meaning=KEPT_MEANING),
            "cosine": number("cosine", help="of the embedding before and after", format="%.2f"),
        },
        alt=f"{count(len(rows))} selected tokens",
    )


def _follow(key: str, ids: list[int]) -> None:
    """Choose the token of the row that was clicked; the table forgets the click, so that it can be clicked again."""
    chosen = st.session_state[key]["selection"]["rows"]
    if chosen and chosen[0] < len(ids):
        state.show_target(ids[chosen[0]])
        state.count_click()


def _contributors(run: RunFolder, rows: pd.DataFrame) -> None:
    found = common_contributors(run, rows["id"].to_numpy()[:MAX_SELECTED], n=N_CONTRIBUTORS)
    st.markdown("**Common contributors of the selection**")
    parts = [f"{count(found.n_combined)} combined embeddings, fed by {count(found.n_sources)} source tokens"]
    parts += [f"{count(found.n_copied)} copied, each from a source token of its own"] if found.n_copied else []
    parts += [f"{count(found.n_fallback)} fallback, fed by none"] if found.n_fallback else []
    st.caption("; ".join(parts) + ".")
    for contributor in found.contributors:
        name = markdown_escape(show_token(contributor.text, word_start=contributor.word_start, limit=32))
        about = (
            f"{percent(contributor.share)} of the weight, in {count(contributor.n_fed)} of {count(found.n_combined)}"
        )
        navigation.link(navigation.TOKEN, f"{name} :gray[{about}]", icon="", source=contributor.id)


def _save(run: RunFolder, rows: pd.DataFrame) -> None:
    ids = tuple(int(i) for i in rows["id"].to_numpy()[:MAX_SELECTED])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Save selection as", key="_map_save_name", max_chars=NAME_LIMIT, width=260, placeholder="A name of your own"
        )
        st.button("Save", key="_map_save", icon=":material/bookmark_add:", on_click=_keep, args=(run, ids))
        save_file("CSV", lambda: csv_bytes(rows.head(MAX_SELECTED)), "selection.csv", "text/csv", key="_map_csv")
        st.button("Clear", key="_map_clear", icon=":material/close:", type="tertiary", on_click=select, args=(run, ()))


def saved(run: RunFolder) -> dict[str, tuple[int, ...]]:
    """Return the saved selections of a run in this session, by name, in the order of saving."""
    kept: dict[str, tuple[int, ...]] = st.session_state.get(_saved_key(run), {})
    return kept


def _keep(run: RunFolder, ids: tuple[int, ...]) -> None:
    kept = saved(run)
    name = str(st.session_state.get("_map_save_name") or "").strip()[:NAME_LIMIT] or f"selection {len(kept) + 1}"
    rest = {key: value for key, value in kept.items() if key != name}
    st.session_state[_saved_key(run)] = dict(list(rest.items())[-(MAX_SAVED - 1) :]) | {name: ids}
    st.session_state["_map_save_name"] = ""
    st.session_state["_map_saved"] = name


def _saved(run: RunFolder, frame: pd.DataFrame) -> None:
    kept = saved(run)
    if not kept:
        return
    names = {name: f"{show_name(name, limit=NAME_LIMIT)} · {count(len(kept[name]))}" for name in kept}
    with st.container(horizontal=True, vertical_alignment="bottom", key="map_saved"):
        chosen = choose(
            "Saved selections", names, "_map_saved", index=None, placeholder="Choose one", width=320,
            help="Kept until this browser session ends, for this run.",
        )  # fmt: skip
        off = chosen not in kept
        st.button(
            "Select again", key="_map_again", icon=":material/select_all:", disabled=off, on_click=select,
            args=(run, kept.get(chosen or "", ())),
        )  # fmt: skip
        save_file(
            "CSV", lambda: csv_bytes(listed(frame, kept.get(chosen or "", ()), None)), "saved-selection.csv",
            "text/csv", key="_map_saved_csv", disabled=off,
        )  # fmt: skip
        st.button("Delete", key="_map_forget", icon=":material/delete:", disabled=off, on_click=_forget, args=(run,))


def _forget(run: RunFolder) -> None:
    name = st.session_state.get("_map_saved")
    st.session_state[_saved_key(run)] = {key: value for key, value in saved(run).items() if key != name}
    st.session_state["_map_saved"] = None
