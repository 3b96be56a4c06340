"""What a page's address holds of what it shows, and what becomes of a walk that one leaves."""

from __future__ import annotations

import pytest

from focus_core.comparison import TokenList
from focus_ui import state
from tests.app.conftest import links, param, texts
from tests.toy_run import id_of, source_id_of

OCCURRENCES = "corpus occurrences"
WALK = "Problem to walk through"


def labels(at):
    return [box.label for box in at.selectbox]


def unit(at):
    return at.session_state["_overlap_unit"]


def test_the_address_chooses_what_overlap_counts_and_follows_the_choice(open_app):
    at = open_app("overlap", count="occurrences")
    assert unit(at) == OCCURRENCES
    assert "text in target tokens" in next(e.proto.spec for e in at.get("plotly_chart"))
    assert not at.warning
    at.run()
    assert unit(at) == OCCURRENCES
    at.session_state["_overlap_unit"] = "vocabulary entries"
    at.run()
    assert param(at, "count") is None
    assert unit(at) == "vocabulary entries", "what was in the address is not taken again"
    at.session_state["_overlap_unit"] = OCCURRENCES
    at.run()
    assert param(at, "count") == "occurrences"
    assert unit(at) == OCCURRENCES


@pytest.mark.parametrize(("page", "name"), [("overlap", "count"), ("token", "view")])
def test_a_word_that_the_address_cannot_mean_is_ignored(open_app, page, name):
    at = open_app(page, **{name: "<b>no</b>"})
    assert not at.exception
    assert not at.warning
    assert param(at, name) is None
    assert "<b>no</b>" not in texts(at)


def test_the_address_chooses_the_flow_which_stays_for_the_next_token(open_app, toy):
    at = open_app("token", token=id_of(toy, "▁mkulima"), view="flow")
    assert len(at.get("echarts_chart")) == 1
    assert param(at, "view") == "flow"
    at.button(key="_Next").click().run()
    assert param(at, "view") == "flow"
    at.query_params.clear()
    at.query_params["token"] = str(id_of(toy, "▁mkulima"))
    at.run()
    assert len(at.get("echarts_chart")) == 1, "a link within the page names none"
    assert param(at, "view") == "flow"
    at.session_state["_token_shape"] = "bars"
    at.run()
    assert param(at, "view") is None
    assert not at.get("echarts_chart")


def test_the_address_chooses_the_layout_of_the_map_and_follows_the_choice(open_app, trained_toy):
    at = open_app("map", layout="axes")
    (box,) = [box for box in at.selectbox if box.label == "Layout"]
    assert "no projection" in box.value
    assert param(at, "layout") == "axes"
    box.select_index(0).run()
    (box,) = [box for box in at.selectbox if box.label == "Layout"]
    assert "at once" not in box.value
    assert "no projection" not in box.value
    assert param(at, "layout") is None
    box.select_index(len(box.options) - 2).run()
    assert param(at, "layout") == "quick"
    at = open_app("map", layout="<b>no</b>")
    assert not at.warning
    assert param(at, "layout") is None


def test_a_view_is_counted_once_and_not_at_other_reruns(open_app, toy):
    at = open_app("token")
    first = at.session_state[state.Key.N_VIEWS]
    at.run()
    assert at.session_state[state.Key.N_VIEWS] == first, "the address was settled in between"
    at.button(key="_Next").click().run()
    assert at.session_state[state.Key.N_VIEWS] == first + 1
    at.run()
    assert at.session_state[state.Key.N_VIEWS] == first + 1


def walk_of(monkeypatch, side, ids):
    entry = TokenList(
        key="FOC009", title="Listed", meaning="m", remedy="r", status=None, side=side, measure="", n_total=len(ids),
        ids=tuple(ids), values=(), frequency=(1.0,) * len(ids),
    )  # fmt: skip
    monkeypatch.setattr("focus_ui.token_walk.problem_lists", lambda run: {"FOC009": entry})


def test_a_walk_ends_at_a_token_that_is_no_step_of_it(open_app, toy, monkeypatch):
    mkulima, maziwa = id_of(toy, "▁mkulima"), id_of(toy, "▁maziwa")
    walk_of(monkeypatch, "target", [mkulima])
    at = open_app("token", token=maziwa)
    at.button(key="_next_problem").click().run()
    assert WALK in labels(at)
    at.query_params["source"] = str(source_id_of(toy, "▁farmer"))
    at.run()
    assert WALK not in labels(at)
    del at.query_params["source"]
    at.run()
    assert "**1 of 1**" in texts(at), "the way back from a source token leads back into the walk"
    at.query_params["token"] = str(maziwa)
    at.run()
    assert WALK not in labels(at)
    at.query_params["token"] = str(mkulima)
    at.run()
    assert WALK not in labels(at), "it has ended"


def test_that_nothing_stands_out_is_said_once(open_app, toy, monkeypatch):
    monkeypatch.setattr("focus_ui.token_walk.problem_lists", lambda run: {})
    at = open_app("token", token=id_of(toy, "▁mkulima"))
    at.button(key="_next_problem").click().run()
    assert "No token stands out" in texts(at)
    at.button(key="_Next").click().run()
    assert "No token stands out" not in texts(at)
    at.button(key="_next_problem").click().run()
    assert "No token stands out" in texts(at)


def test_the_way_from_a_source_token_names_the_target_token_it_leads_to(open_app, toy):
    mkulima = id_of(toy, "▁mkulima")
    at = open_app("token", token=mkulima, source=source_id_of(toy, "▁farmer"))
    (way,) = [link for link in links(at) if link.label.startswith("Open target token")]
    assert "mkulima" in way.label
    assert f"token={mkulima}" in way.query_string
