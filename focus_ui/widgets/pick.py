"""Tables and charts of which a row or a mark can be chosen: a click leads to another page, or draws more below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
import streamlit as st

from focus_ui.charts.figures import CONFIG
from focus_ui.session import navigation, state

if TYPE_CHECKING:
    import pandas as pd

MAX_HEIGHT = 320


def id_column() -> Any:
    """Return how ids stand in a table: narrow, and without groups of three."""
    return st.column_config.NumberColumn(format="%d", width="small")


def share_column(label: str | None = None, *, form: str = "%.2f", meaning: str | None = None) -> Any:
    """Return how a number between 0 and 1 stands in a table: as a bar."""
    return st.column_config.ProgressColumn(label, format=form, min_value=0.0, max_value=1.0, help=meaning)


def pick_row(
    columns: Mapping[str, Any] | pd.DataFrame,
    key: str,
    *,
    alt: str,
    config: Mapping[str, Any],
    height: int | None = None,
    once: bool = True,
    placeholder: str | None = None,
) -> int | None:
    """Draw a table of which a row can be chosen; where the choice leads away, it counts once."""
    n_rows = len(next(iter(dict(columns).values())))
    event = st.dataframe(
        columns, key=state.once_key(key) if once else key, hide_index=True, on_select="rerun",
        selection_mode="single-row", height=height or min(MAX_HEIGHT, 38 + 35 * max(1, n_rows)),
        column_config={**config, "id": id_column()}, placeholder=placeholder, alt=alt,
    )  # fmt: skip
    chosen = event["selection"]["rows"]
    return int(chosen[0]) if chosen and chosen[0] < n_rows else None


def pick_token(frame: pd.DataFrame, columns: Mapping[str, Any] | pd.DataFrame, key: str, **options: Any) -> None:
    """Draw target tokens as a table; choosing one opens its page."""
    chosen = pick_row(columns, key, height=420, **options)
    if chosen is not None:
        navigation.go(navigation.TOKEN, token=int(frame["id"].iloc[chosen]))


def pick_mark(figure: go.Figure, key: str, *, alt: str) -> Any:
    """Draw a chart of which a mark can be clicked; return what the mark stands for, ``None`` without a click."""
    event = st.plotly_chart(figure, key=key, on_select="rerun", selection_mode="points", config=CONFIG, alt=alt)
    points = event["selection"]["points"] if event else []
    return points[0].get("customdata") if points else None
