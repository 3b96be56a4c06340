"""What a page's address holds of what it shows, and what becomes of a walk that one leaves."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from streamlit.elements.lib import policies

from focus_core.analysis.token_list import TokenList
from focus_core.runs.folder import open_run
from focus_ui.session import state
from tests.pages.conftest import links, param, texts
from tests.pages.map.test_page import points
from tests.toy_run import id_of, source_id_of, write_toy_run

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


SETTINGS = {"temperature": "0.5", "top_k": "2", "map": "softmax"}


def settings_of(at, run):
    return {name: at.session_state[f"_what_if_{name}_{run.digest[:12]}"] for name in SETTINGS}


def in_address(at, names=tuple(SETTINGS)):
    return {name: param(at, name) for name in names if param(at, name) is not None}


def test_other_weights_stand_in_the_address_and_come_back_from_it(open_app, toy):
    """Settings, their link, the same settings for a new user; the stored settings leave nothing in the address."""
    token = id_of(toy, "▁mkulima")
    at = open_app("token", token=token)
    own = settings_of(at, toy)
    assert in_address(at) == {}
    wanted = {"temperature": 0.5, "top_k": 2, "map": "softmax"}
    for name, value in wanted.items():
        at.session_state[f"_what_if_{name}_{toy.digest[:12]}"] = value
    at.run()
    assert in_address(at) == SETTINGS
    guest = open_app("token", token=token, **in_address(at))
    assert settings_of(guest, toy) == wanted
    assert in_address(guest) == SETTINGS
    said = [[line for line in texts(user).splitlines() if "What if:" in line] for user in (at, guest)]
    assert len(said[1]) == 1
    assert said[0] == said[1]
    guest.button(key="_what_if_back").click().run()
    assert settings_of(guest, toy) == own
    assert in_address(guest) == {}
    guest.run()
    assert settings_of(guest, toy) == own, "what was in the address is not taken again"


def test_other_weights_stay_in_the_address_from_token_to_token(open_app, toy):
    at = open_app("token", token=id_of(toy, "▁mkulima"), temperature="0.5")
    at.query_params.clear()
    at.query_params["token"] = str(id_of(toy, "▁nyumba"))
    at.run()
    assert settings_of(at, toy)["temperature"] == 0.5, "a link within the page names none"
    assert in_address(at) == {"temperature": "0.5"}
    at.query_params["token"] = str(id_of(toy, "▁nadra"))
    at.run()
    assert "Nothing to recompute" in texts(at)
    at.query_params["token"] = str(id_of(toy, "▁mkulima"))
    at.run()
    assert settings_of(at, toy)["temperature"] == 0.5
    at.query_params["temperature"] = "2"
    at.run()
    assert settings_of(at, toy)["temperature"] == 2.0, "the way back of the browser leads to another link"


def test_another_page_in_between_does_not_lose_what_a_link_says(open_app, toy):
    at = open_app("token", token=id_of(toy, "▁mkulima"), temperature="0.5")
    at = open_app("overlap", user=at)
    at = open_app("token", user=at, token=id_of(toy, "▁mkulima"), temperature="0.5")
    assert settings_of(at, toy)["temperature"] == 0.5


@pytest.mark.parametrize(
    "value",
    ["", "0", "-1", "nan", "inf", "1e400", "0.5000001", "９", "1" * 4000, "1000001", "All", "<img src=x>", "\0"],
)
def test_weights_that_the_address_cannot_mean_are_the_stored_ones(open_app, toy, value):
    at = open_app("token", token=id_of(toy, "▁mkulima"), **dict.fromkeys(SETTINGS, value))
    assert "These are the stored weights" in texts(at)
    assert not at.warning
    assert in_address(at) == {}
    assert "img src" not in texts(at)


def test_all_anchors_instead_of_the_runs_own_top_k_can_be_said(open_app, tmp_path, monkeypatch):
    run = write_toy_run(tmp_path / "demo" / "toy")
    manifest = json.loads((run.path / "manifest.json").read_text("utf-8"))
    manifest["config"]["top_k"] = 4
    (run.path / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    run = open_run(run.path)
    at = open_app("token", token=id_of(run, "▁mkulima"))
    assert settings_of(at, run)["top_k"] == 4
    assert in_address(at) == {}
    at.number_input(key=f"_what_if_top_k_{run.digest[:12]}").set_value(None).run()
    assert in_address(at) == {"top_k": "all"}
    guest = open_app("token", token=id_of(run, "▁mkulima"), top_k="all")
    assert settings_of(guest, run)["top_k"] is None


def axes(at, run):
    return tuple(at.text_input(key=f"_map_axis_{name}_{run.digest[:12]}").value for name in ("x", "y"))


def test_the_axes_of_the_map_stand_in_the_address_and_come_back_from_it(open_app, trained_toy):
    at = open_app("map", layout="axes")
    first = axes(at, trained_toy)
    assert in_address(at, ("x", "y")) == {}
    at.text_input(key=f"_map_axis_x_{trained_toy.digest[:12]}").set_value("mkulima - maziwa").run()
    assert in_address(at, ("x", "y")) == {"x": "mkulima - maziwa"}
    guest = open_app("map", layout="axes", x="mkulima - maziwa", y="#7 + nyumba")
    assert axes(guest, trained_toy) == ("mkulima - maziwa", "#7 + nyumba")
    assert points(guest)[0]["axes"][0] == points(at)[0]["axes"][0] == "cosine to ▁mkulima − ▁maziwa"
    assert in_address(guest, ("x", "y")) == {"x": "mkulima - maziwa", "y": "#7 + nyumba"}
    (box,) = [box for box in guest.selectbox if box.label == "Layout"]
    box.select_index(0).run()
    assert in_address(guest, ("x", "y")) == {}, "another layout is on the map"
    box = next(box for box in guest.selectbox if box.label == "Layout")
    box.select_index(len(box.options) - 1).run()
    assert in_address(guest, ("x", "y")) == {"x": "mkulima - maziwa", "y": "#7 + nyumba"}
    for name, value in zip("xy", first, strict=True):
        guest.text_input(key=f"_map_axis_{name}_{trained_toy.digest[:12]}").set_value(value).run()
    assert in_address(guest, ("x", "y")) == {}


@pytest.mark.parametrize(
    "value", ["", "qqqqq", "<img src=x onerror=q>", "![a](https://example.org/q.png)", "\0\0q", "z" * 5000, "#999999"]
)
def test_an_axis_that_the_address_cannot_mean_is_said_and_the_first_map_drawn(open_app, trained_toy, value):
    plain = points(open_app("map", layout="axes"))[0]["axes"]
    at = open_app("map", layout="axes", x=value)
    assert points(at)[0]["axes"] == plain
    assert "The map still shows" in texts(at)
    assert len(axes(at, trained_toy)[0]) <= 300
    assert in_address(at, ("x", "y")) == {}
    assert "](https://" not in texts(at)
    assert "<img" not in texts(at)
    at.text_input(key=f"_map_axis_x_{trained_toy.digest[:12]}").set_value("mkulima").run()
    assert in_address(at, ("x", "y")) == {"x": "mkulima"}


def test_an_axis_that_names_none_leaves_the_one_that_is_drawn_in_the_address(open_app, trained_toy):
    at = open_app("map", layout="axes", x="mkulima")
    at.text_input(key=f"_map_axis_x_{trained_toy.digest[:12]}").set_value("qqqqq").run()
    assert in_address(at, ("x", "y")) == {"x": "mkulima"}
    at.run()
    assert axes(at, trained_toy)[0] == "qqqqq", "what was typed is not taken back"


@pytest.mark.parametrize("part", [True, False])
def test_the_address_that_comes_with_a_rerun_of_a_part_is_not_read(monkeypatch, part):
    """It may be older than what the server wrote last: a slider that is being moved would jump back."""
    session, address = {"_key": 0.5, "focus_written_temperature": "0.5"}, {"temperature": "0.6"}
    context = SimpleNamespace(fragment_ids_this_run=["a"] if part else None)
    monkeypatch.setattr(state, "get_script_run_ctx", lambda: context)
    monkeypatch.setattr(state, "st", SimpleNamespace(session_state=session, query_params=address))
    state.take_choice(state.TEMPERATURE_PARAM, "_key", {"0.5": 0.5, "0.6": 0.6})
    assert session["_key"] == (0.5 if part else 0.6)


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
    entry = TokenList(key="FOC009", title="Listed", meaning="m", remedy="r", side=side, ids=tuple(ids))
    monkeypatch.setattr("pages.token.walk.problem_lists", lambda run: {"FOC009": entry})


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
    monkeypatch.setattr("pages.token.walk.problem_lists", lambda run: {})
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
    (way,) = [link for link in links(at) if link.label.startswith("Back to the target token looked at last")]
    assert "mkulima" in way.label
    assert f"token={mkulima}" in way.query_string


def test_a_source_token_reached_from_elsewhere_leads_back_to_no_target_token(open_app, toy):
    """Nobody looked at a target token yet: none is named, neither now nor after a click on the page."""
    at = open_app("token", source=source_id_of(toy, "▁farmer"))
    assert not [link for link in links(at) if "looked at last" in link.label]
    at.run()
    assert not [link for link in links(at) if "looked at last" in link.label]
    assert param(at, "token") is None


def test_no_choice_from_the_address_of_a_token_fights_with_a_default(open_app, toy, monkeypatch):
    """The server would log that a widget has both; it does so once in its life."""
    logged = []
    monkeypatch.setattr(policies, "_shown_default_value_warning", False)
    monkeypatch.setattr(policies._LOGGER, "warning", lambda words, *_, **__: logged.append(words))
    at = open_app("token", token=id_of(toy, "▁mkulima"), view="flow", **SETTINGS)
    assert not at.exception
    assert settings_of(at, toy) == {"temperature": 0.5, "top_k": 2, "map": "softmax"}
    assert at.session_state["_token_shape"] == "flow"
    at.run()
    assert logged == []
