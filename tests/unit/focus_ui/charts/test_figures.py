"""Charts as data: unique ids on token axes, escaped text, shares that sum to 100."""

import json

import pytest

from focus_core.tokenization.display import show_token
from focus_ui.charts.figures import (
    CONFIG,
    Bar,
    Segment,
    contributors_figure,
    fed_figure,
    groups_figure,
    overlap_segments,
    proportion_figure,
)
from tests.hostile_tokens import HOSTILE_TOKENS


def bar(i, label="x", weight=0.5, similarity=0.4):
    return Bar(id=i, label=label, weight=weight, similarity=similarity)


def test_two_tokens_that_look_alike_stay_two_bars():
    figure = contributors_figure([bar(1, "same", 0.6), bar(2, "same", 0.4)])
    assert list(figure.data[0].y) == ["1", "2"]
    assert list(figure.layout.yaxis.ticktext) == ["same", "same"]
    assert figure.layout.yaxis.type == "category"


def test_weights_and_similarities_stand_side_by_side():
    figure = contributors_figure([bar(1, weight=0.6, similarity=0.8), bar(2, weight=0.4, similarity=0.6)])
    assert [list(trace.x) for trace in figure.data] == [[0.6, 0.4], [0.8, 0.6]]
    assert figure.layout.yaxis.autorange == "reversed"


def test_without_similarities_there_is_one_panel():
    assert len(contributors_figure([bar(1, similarity=None)]).data) == 1


def test_a_missing_similarity_is_an_empty_bar_not_a_zero():
    figure = contributors_figure([bar(1), bar(2, similarity=None)])
    assert figure.data[1].text[1] == ""
    assert figure.data[1].x[1] != figure.data[1].x[1]


@pytest.mark.parametrize("token", HOSTILE_TOKENS, ids=range(len(HOSTILE_TOKENS)))
def test_no_hostile_token_reaches_plotly_as_markup(token):
    figure = contributors_figure([bar(1, show_token(token))])
    text = json.dumps(figure.to_plotly_json(), default=str)
    assert not any(tag in text for tag in ("<b>b", "<script", "<img", "<a href", "<s>"))
    figure.to_json()  # lone surrogates would fail here


def test_a_negative_weight_is_drawn_to_the_left():
    axis = contributors_figure([bar(1, weight=-0.2), bar(2, weight=0.8)]).layout.xaxis.range
    assert axis[0] < -0.2
    assert axis[1] > 0.8


def test_the_proportional_bar_sums_to_100():
    """12, 28 and 107 of 147."""
    figure = proportion_figure([("both", overlap_segments(12, 28, 107))], unit="tokens")
    assert [trace.x[0] for trace in figure.data] == pytest.approx([100 * n / 147 for n in (12, 28, 107)])
    assert [trace.customdata[0][0] for trace in figure.data] == ["source", "both", "new"]


def test_an_empty_bar_draws():
    proportion_figure([("none", (Segment(key="a", label="a", value=0, color="#000000"),))], unit="tokens").to_json()


def test_groups_are_shares_of_their_group():
    """Latin: 3 exact and 1 combined are 75 and 25 per cent; Arabic: 2 combined are 100."""
    figure = groups_figure([("Latin", {"exact": 3, "combined": 1}), ("Arabic", {"combined": 2})], unit="tokens")
    assert {trace.name: list(trace.x) for trace in figure.data} == {
        "copied: exact": [75.0, 0.0],
        "combined": [25.0, 100.0],
    }
    assert [list(row) for row in figure.data[1].customdata] == [
        ["Latin", "combined", 1, 25.0],
        ["Arabic", "combined", 2, 100.0],
    ]


def test_groups_can_be_as_long_as_they_are_large():
    figure = groups_figure([("Latin", {"exact": 3, "combined": 1})], unit="tokens", in_shares=False)
    assert [list(trace.x) for trace in figure.data] == [[3], [1]]
    assert figure.layout.xaxis.range is None


def test_a_group_of_nothing_is_no_division_by_zero():
    assert list(groups_figure([("x", {"exact": 0}), ("y", {"exact": 2})], unit="tokens").data[0].x) == [0.0, 100.0]


def test_what_a_token_feeds_has_no_similarities():
    assert len(fed_figure([bar(1), bar(2)]).data) == 1


def test_no_chart_offers_to_send_itself_anywhere():
    assert CONFIG["showSendToCloud"] is False
