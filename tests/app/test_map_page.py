"""The Map page: both states in one layout, what one points at, marks, the chosen token, and honest words."""

import base64
import json
import re
import shutil

import numpy as np
import pytest

from focus_core.run_folder import open_projection, open_run, open_training
from tests.app.conftest import PAGES, links, param, texts
from tests.tiny_runs import add_projection
from tests.toy_run import id_of

UMAP = "umap-focus-seed-1"


def chart(at):
    return json.loads(at.get("plotly_chart")[0].proto.spec)


def values(array):
    """Return the numbers of an array of a figure, which travels as bytes or as a list."""
    if isinstance(array, dict):
        return np.frombuffer(base64.b64decode(array["bdata"]), dtype=array["dtype"]).tolist()
    return list(array)


def traces(at, **wanted):
    return [t for t in chart(at)["data"] if all(t.get(key) == value for key, value in wanted.items())]


def test_both_states_stand_side_by_side_in_one_stored_layout(open_app, trained_toy):
    at = open_app("map")
    titles = [a["text"] for a in chart(at)["layout"]["annotations"]]
    assert titles == ["initialised", "trained:focus-seed-1"]
    points = open_projection(trained_toy, UMAP).points()
    for axis, member in (("x", "initialised"), ("x2", "trained:focus-seed-1")):
        found = {
            i: x for t in traces(at, xaxis=axis) for i, x in zip(values(t["customdata"]), values(t["x"]), strict=True)
        }
        rows = [r for r in points.to_pylist() if r["member"] == member]
        assert found == {r["id"]: pytest.approx(r["x"]) for r in rows}


def test_both_panes_have_the_same_axes_at_one_scale(open_app, trained_toy):
    del trained_toy
    layout = chart(open_app("map"))["layout"]
    assert layout["xaxis2"]["matches"] == layout["xaxis"]["matches"] == "x"
    assert layout["xaxis"]["range"] == layout["xaxis2"]["range"]
    assert layout["yaxis"]["range"] == layout["yaxis2"]["range"]
    assert layout["yaxis"]["scaleanchor"] == "x"


def test_what_one_must_know_stands_below_the_map(open_app, trained_toy):
    words = texts(open_app("map"))
    n = len(trained_toy.column("tokens", "id"))
    assert f"UMAP of all {n} tokens, seed 42." in words
    assert "laid out together" in words
    assert "Trustworthiness 0.91" in words
    assert "original space" in words


def test_a_sample_says_of_how_many(open_app, trained_toy, tmp_path, monkeypatch):
    folder = tmp_path / "demo" / "toy"
    shutil.copytree(trained_toy.path, folder)
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    shutil.rmtree(folder / "projection")
    run = open_run(folder)
    plane = np.random.default_rng(0).normal(size=(40, 2))
    add_projection(run, "umap-sample", {"initialised": plane, "trained:focus-seed-1": plane + 1}, np.arange(40))
    at = open_app("map", token=100)
    assert "UMAP of 40 of 135 tokens" in texts(at)
    assert "It is not in the sample of this map." in texts(at)


def test_colours_may_say_how_many_neighbours_were_kept(open_app, trained_toy):
    at = open_app("map")
    at.get_by_key("_map_color").set_value("neighbours kept").run()
    assert not at.exception
    (left,) = traces(at, xaxis="x")
    table = open_training(trained_toy, "focus-seed-1").tokens()["kept"].to_pylist()
    found = dict(zip(values(left["customdata"]), values(left["marker"]["color"]), strict=True))
    assert found == {i: pytest.approx(kept) for i, kept in enumerate(table)}
    shown = values(left["marker"]["color"])
    assert shown == sorted(shown, reverse=True), "what changed most is drawn last"


def test_one_over_the_other_draws_the_way_of_the_most_changed(open_app, trained_toy):
    del trained_toy
    at = open_app("map")
    at.get_by_key("_map_view").set_value("one over the other").run()
    at.get_by_key("_map_trails").set_value(50).run()
    assert not at.exception
    (way,) = traces(at, name="way")
    assert len(values(way["x"])) == 3 * 50
    assert np.isnan(values(way["x"])[2])
    at.get_by_key("_map_trails").set_value(0).run()
    assert traces(at, name="way") == []


def test_the_search_marks_tokens_in_both_panes_and_each_can_be_chosen(open_app, trained_toy):
    target = id_of(trained_toy, "▁mkulima")
    at = open_app("map")
    at.text_input(key="_map_query").set_value("mkul").run()
    marks = traces(at, name="marked")
    assert [values(mark["customdata"]) for mark in marks] == [[target], [target]]
    assert [mark["xaxis"] for mark in marks] == ["x", "x2"]
    names = [a["text"] for a in chart(at)["layout"]["annotations"]]
    assert names.count("▁mkulima") == 2
    at.button(key=f"_map_hit_{target}").click().run()
    assert param(at, "token") == str(target)
    assert "Nearest tokens after training" in texts(at)


def test_the_search_says_when_nothing_fits(open_app, trained_toy):
    del trained_toy
    at = open_app("map")
    at.text_input(key="_map_query").set_value("qqqqqq").run()
    assert "No token on this map fits." in texts(at)


def test_a_click_chooses_the_token_and_shows_what_training_did_to_it(open_app, trained_toy):
    target = id_of(trained_toy, "▁mkulima")
    at = open_app("map")
    at.session_state[f"map_{trained_toy.digest[:12]}_0"] = {
        "selection": {"points": [{"customdata": target}], "point_indices": [0], "box": [], "lasso": []}
    }
    at.run()
    assert not at.exception
    assert param(at, "token") == str(target)
    kept = open_training(trained_toy, "focus-seed-1").tokens()["kept"][target].as_py()
    assert f"Neighbours kept **{kept:.2f}**" in texts(at)
    assert [link for link in links(at) if "Everything about this token" in link.label]
    at.switch_page(PAGES["token"]).run()
    assert "mkulima" in at.title[0].value


def test_the_address_may_name_the_token(open_app, trained_toy):
    at = open_app("map", token=id_of(trained_toy, "▁maziwa"))
    assert any("maziwa" in header.value for header in at.subheader)
    for wrong in ("999999", "x", "-1", ""):
        at = open_app("map", token=wrong)
        assert not at.subheader


def test_principal_components_are_there_at_once(open_app, trained_toy):
    at = open_app("map")
    at.get_by_key(f"_map_layout_{trained_toy.digest[:12]}").set_value("PCA, laid out at once").run()
    assert not at.exception
    assert "PCA of all 135 tokens" in texts(at)
    assert "of the variance" in texts(at)
    assert len(traces(at, xaxis="x2")) > 1


def test_an_untrained_run_has_one_pane_and_a_way_on(open_app, toy):
    at = open_app("map", token=id_of(toy, "▁mkulima"))
    assert "initialised rows alone" in texts(at)
    assert any(link.page == "train" for link in links(at))
    assert traces(at, xaxis="x2") == []
    assert "laid out together" not in texts(at)


def test_hostile_tokens_are_text_on_the_map(open_app, trained_toy):
    del trained_toy
    at = open_app("map")
    at.text_input(key="_map_query").set_value("b").run()
    said = [text for trace in chart(at)["data"] for text in trace.get("text", [])]
    said += [annotation["text"] for annotation in chart(at)["layout"]["annotations"]]
    assert any("&lt;b&gt;bold&lt;/b&gt;" in text for text in said)
    tags = {tag for text in said for tag in re.findall(r"<[^>]*>", text)}
    assert tags == {"<br>"}


@pytest.mark.parametrize("damage", ["manifest", "points", "ids", "nan"])
def test_a_damaged_projection_is_said_and_another_can_be_taken(open_app, trained_toy, tmp_path, monkeypatch, damage):
    folder = tmp_path / "demo" / "toy"
    shutil.copytree(trained_toy.path, folder)
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    broken = folder / "projection" / UMAP
    plane = np.random.default_rng(0).normal(size=(30, 2))
    if damage == "manifest":
        (broken / "manifest.json").write_text("{")
    elif damage == "points":
        (broken / "points.parquet").write_bytes(b"x")
    else:
        shutil.rmtree(broken)
        members = {"initialised": plane, "trained:focus-seed-1": plane * (np.nan if damage == "nan" else 1)}
        add_projection(open_run(folder), UMAP, members, np.arange(30) + (1000 if damage == "ids" else 0))
    at = open_app("map")
    assert len(at.error) == 1
    assert "umap" in at.error[0].value
    layout = at.get_by_key(f"_map_layout_{trained_toy.digest[:12]}")
    layout.set_value("PCA, laid out at once").run()
    assert not at.exception
    assert at.get("plotly_chart")


def test_too_few_tokens_to_project_are_said(open_app, toy, monkeypatch):
    from focus_core.errors import bad_input
    from focus_ui import cache

    del toy

    def refuse(*arguments):
        del arguments
        raise bad_input("tokens to project", expected="at least 20", got="3", remedy="project a larger vocabulary")

    monkeypatch.setattr(cache, "quick_layout", refuse)
    at = open_app("map")
    assert "project a larger vocabulary" in at.error[0].value


def test_another_run_may_lie_on_the_map(open_app, trained_toy, tmp_path, monkeypatch):
    """Its title is its maker's: shown as text, never as a tag or Markdown."""
    folder = tmp_path / "demo" / "toy"
    shutil.copytree(trained_toy.path, folder)
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    shutil.rmtree(folder / "projection")
    plane = np.random.default_rng(0).normal(size=(135, 2))
    members = {"initialised": plane, "trained:focus-seed-1": plane + 1, "other:<b>x</b>": plane + 2}
    add_projection(open_run(folder), "umap-three", members, np.arange(135))
    at = open_app("map")
    beside = next(box for box in at.selectbox if box.label == "Beside the initialised rows")
    beside.set_value("other:<b>x</b>").run()
    assert not at.exception
    titles = [a["text"] for a in chart(at)["layout"]["annotations"]]
    assert titles == ["initialised", "other:&lt;b&gt;x&lt;/b&gt;"]
    assert not [button for button in at.get("button_group") if getattr(button, "key", "") == "_map_color"]
