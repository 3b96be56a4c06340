"""Save what is on the screen: a chart as PNG, SVG or HTML, a table as CSV.

PNG and SVG are drawn in the browser by plotly itself, through the camera of the chart's own bar; the HTML file holds
plotly and the chart, fetches nothing and sends nothing. Every table leaves through `csv_bytes`; Streamlit's own CSV
button is switched off in the configuration, since it disarms no formula.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from focus_ui.charts.component_files import component_from_files
from focus_ui.charts.csv_export import csv_bytes
from focus_ui.charts.figures import CONFIG

HTML_CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "showSendToCloud": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["sendChartToCloud"],
}
"""plotly options of a chart in a file of its own: no button that sends it anywhere."""

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
"""What the browser lets the file do: run the plotly inside it and draw; nothing is fetched."""

_picture_buttons = component_from_files(
    "focus_picture_buttons", Path(__file__).parent, "download.html", "download.css", "download.js"
)


def chart_html(figure: go.Figure, title: str) -> bytes:
    """Return a chart as one HTML file with plotly inside, that fetches nothing and has no button to send it away."""
    shown = go.Figure(figure).update_layout(
        template="plotly_white", paper_bgcolor="white", plot_bgcolor="white", font_family="Arial, sans-serif"
    )
    chart = shown.to_html(config=HTML_CONFIG, include_plotlyjs=True, full_html=False, div_id="chart")
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    head += f'<meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>'
    page = f"<!DOCTYPE html><html><head>{head}</head><body>{chart}</body></html>\n"
    return page.encode("utf-8", errors="backslashreplace")


def draw_chart(
    figure: go.Figure,
    *,
    key: str,
    alt: str,
    name: str,
    table: Callable[[], Mapping[str, Sequence[Any]]] | None = None,
) -> None:
    """Draw a chart, and below it the menu that saves it."""
    st.plotly_chart(figure, key=key, config=CONFIG, alt=alt)
    save_chart(figure, key=key, name=name, table=table)


def save_chart(
    figure: go.Figure, *, key: str, name: str, table: Callable[[], Mapping[str, Sequence[Any]]] | None = None
) -> None:
    """Draw the small menu that saves a chart; call it right below the chart."""
    stem = file_stem(name)
    with (
        st.container(horizontal=True, horizontal_alignment="right"),
        st.popover("Save", icon=":material/download:", type="tertiary", key=f"_save_{key}"),
    ):
        _picture_buttons(key=f"_picture_{key}", data={"chart": css_name(key), "name": stem})
        st.download_button(
            "HTML", lambda: chart_html(figure, name), stem + ".html", "text/html", key=f"_html_{key}",
            on_click="ignore", width="stretch", help="One file that works without a network.",
        )  # fmt: skip
        if table is not None:
            save_table(table, key=f"{key}_numbers", name=name, width="stretch")


def save_table(
    table: Callable[[], Mapping[str, Sequence[Any]]],
    *,
    key: str,
    name: str,
    width: str = "content",
    label: str = "CSV",
    words: str = "All rows",
) -> None:
    """Draw the button that downloads a table as CSV."""
    st.download_button(
        label, lambda: csv_bytes(table()), file_stem(name) + ".csv", "text/csv", key=f"_csv_{key}",
        icon=None if width == "stretch" else ":material/download:", on_click="ignore",
        width=width,  # type: ignore[arg-type]
        help=f"{words}, safe to open in a spreadsheet.",
    )  # fmt: skip


def save_file(
    label: str, build: Any, file: str, kind: str, *, key: str, primary: bool = False, disabled: bool = False
) -> None:
    """Draw the button that downloads a file, which is built when it is asked for."""
    st.download_button(
        label, build, file, kind, key=key, icon=":material/download:", on_click="ignore",
        type="primary" if primary else "secondary", disabled=disabled,
    )  # fmt: skip


def file_stem(name: str) -> str:
    """Return the name of a file made of words: ASCII letters, digits and hyphens.

    Examples
    --------
    >>> file_stem("Hub anchors (sw-8k)")
    'hub-anchors-sw-8k'
    """
    return "-".join(re.findall(r"[a-z0-9]+", name.lower()))[:80] or "chart"


def css_name(key: str) -> str:
    """Return a widget's key as Streamlit writes it into the name of a class.

    Examples
    --------
    >>> css_name("hubs_0a/1")
    'hubs_0a-1'
    """
    return re.sub(r"[^a-zA-Z0-9_-]", "-", key.strip())
