"""What a saved chart holds: plotly itself, no address that is fetched, no button that sends, no markup of a token."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import plotly.graph_objects as go
import pytest

from focus_core.tokenization.display import plotly_escape, show_token
from focus_ui.charts.download import POLICY, chart_html, css_name, file_stem
from focus_ui.charts.figures import CONFIG
from tests.hostile_tokens import HOSTILE_TOKENS


class Tags(HTMLParser):
    """The tags of a page with their attributes; what stands in a script is no tag."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def page() -> str:
    labels = [plotly_escape(show_token(token)) for token in HOSTILE_TOKENS]
    figure = go.Figure(go.Bar(x=list(range(len(labels))), y=list(map(str, range(len(labels)))), text=labels))
    return chart_html(figure, "<img src=x> & so on").decode("utf-8")


def test_nothing_is_loaded_from_elsewhere(page: str) -> None:
    tags = Tags()
    tags.feed(page)
    assert {name for name, _ in tags.found} == {"html", "head", "meta", "title", "body", "div", "script"}
    assert [attributes for _, attributes in tags.found if {"src", "href"} & set(attributes)] == []
    policies = [a["content"] for name, a in tags.found if name == "meta" and a.get("http-equiv")]
    assert policies == [POLICY]
    assert "default-src 'none'" in POLICY
    assert "http" not in POLICY


def test_there_is_no_button_that_sends_the_chart_away(page: str) -> None:
    config = re.search(r'\{[^{}]*"showSendToCloud"[^{}]*\}', page)
    assert config is not None
    assert re.search(r'"showSendToCloud":\s*false', config.group())
    assert re.search(r'"displaylogo":\s*false', config.group())
    assert CONFIG["showSendToCloud"] is False


def test_equal_charts_make_equal_files() -> None:
    figure = go.Figure(go.Bar(x=[1], y=["a"]))
    assert chart_html(figure, "t") == chart_html(go.Figure(figure), "t")


def test_the_figure_on_the_screen_stays_as_it_is() -> None:
    figure = go.Figure(go.Bar(x=[1], y=["a"]))
    before = figure.to_json()
    chart_html(figure, "t")
    assert figure.to_json() == before


def test_names_of_files_and_classes_are_plain() -> None:
    assert file_stem("../../etc/passwd\x00<b>") == "etc-passwd-b"
    assert file_stem("المخطط") == "chart"
    assert css_name("a b/c_1") == "a-b-c_1"
