"""The Map page: both states in one layout, what the canvas is sent and answers, marks, selections, honest words."""

import json
import shutil
import struct

import numpy as np
import pytest

from focus_core.analysis.provenance.change import neighbour_change
from focus_core.runs.additions import open_projection, open_training
from focus_core.runs.folder import open_run
from focus_core.runs.tokens import showcase
from focus_core.tokenization.display import markdown_escape, show_token
from focus_ui.data.tables import token_table
from pages.map.view import MAX_LISTED
from tests.pages.conftest import PAGES, links, param, texts
from tests.tiny_runs import add_projection
from tests.toy_run import id_of

UMAP = "umap-focus-seed-1"


def components(at):
    return [e.proto for e in at.get("bidi_component") if e.proto.component_name.startswith("focus_map")]


def canvas(at):
    """Return what the canvas is sent beside the points."""
    (found,) = [json.loads(proto.json) for proto in components(at) if proto.json]
    return found


def points(at):
    """Return the points as the browser unpacks them: header, and arrays by name."""
    (data,) = [proto.bytes for proto in components(at) if proto.bytes]
    (length,) = struct.unpack("<I", data[:4])
    header = json.loads(data[4 : 4 + length])
    start = -(-(4 + length) // 8) * 8
    arrays = {
        name: np.frombuffer(data, dtype=f"<{kind}", count=header["n"], offset=start + offset)
        for name, kind, offset in header["arrays"]
    }
    return header, arrays


def places(at, member):
    """Return id and coordinates of every point of a member."""
    header, arrays = points(at)
    x0, y0, x1, y1 = header["box"]
    x, y = (arrays[f"{axis}{member}"] / 65535 for axis in "xy")
    return {i: (x0 + a * (x1 - x0), y0 + b * (y1 - y0)) for i, a, b in zip(arrays["id"].tolist(), x, y, strict=True)}


def report(at, run, **said):
    """Let the canvas report, as a browser does."""
    at.session_state[f"map_{run.digest[:12]}"] = said
    at.run()
    assert not at.exception, [e.message for e in at.exception]


def first_axes(run):
    """Return the readable names of the tokens that the boxes of the axes begin with."""
    ids = [*showcase(run)[:2], *token_table(run)["id"].head(2).tolist()][:2]
    named = ([run.column("tokens", name)[i] for name in ("text", "word_start")] for i in ids)
    return [show_token(text, word_start=start, limit=24) for text, start in named]


def choose(at, run, layout):
    at.get_by_key(f"_map_layout_{run.digest[:12]}").set_value(layout).run()
    assert not at.exception, [e.message for e in at.exception]


def test_both_states_are_sent_in_one_stored_layout(open_app, trained_toy):
    at = open_app("map")
    header, _ = points(at)
    assert header["members"] == ["initialised", "trained:focus-seed-1"]
    assert header["digest"] == canvas(at)["digest"]
    stored = open_projection(trained_toy, UMAP).points().to_pylist()
    width = header["box"][2] - header["box"][0]
    for place, member in enumerate(header["members"]):
        found = places(at, place)
        rows = [r for r in stored if r["member"] == member]
        assert len(found) == len(rows)
        assert all(found[r["id"]] == pytest.approx((r["x"], r["y"]), abs=width / 60_000) for r in rows)


def test_what_one_must_know_stands_below_the_map(open_app, trained_toy):
    at = open_app("map")
    words = texts(at)
    n = len(trained_toy.column("tokens", "id"))
    assert f"UMAP of all {n} tokens, seed 42." in words
    assert "laid out together" in words
    assert "Trustworthiness 0.91" in words
    assert "original space" in words
    assert canvas(at)["words"] in words, "a saved picture says the same"
    assert canvas(at)["alt"] == f"Map of {n} tokens by UMAP: initialised and trained:focus-seed-1"


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


def test_points_carry_what_training_did_to_them(open_app, trained_toy):
    at = open_app("map")
    _, arrays = points(at)
    table = open_training(trained_toy, "focus-seed-1").tokens().to_pydict()
    assert arrays["id"].tolist() == table["id"]
    for name, low in (("kept", 0), ("cosine", -1)):
        found = low + arrays[name] / 65534 * (1 - low)
        assert found == pytest.approx(np.array(table[name]), abs=2e-5)
    assert "Neighbour overlap (Jaccard@10): of all tokens" in canvas(at)["keptWords"]


def test_the_search_marks_tokens_and_each_can_be_chosen(open_app, trained_toy):
    target = id_of(trained_toy, "▁mkulima")
    at = open_app("map")
    assert canvas(at)["marked"] == []
    at.text_input(key="_map_query").set_value("mkul").run()
    assert canvas(at)["marked"] == [target]
    assert "1 marked" in texts(at)
    at.button(key=f"_map_hit_{target}").click().run()
    assert param(at, "token") == str(target)
    assert canvas(at)["token"] == {"id": target, "at": 0}
    assert "Nearest tokens after training" in texts(at)


def test_every_marked_token_can_be_reached_those_beyond_the_first_folded(open_app, trained_toy):
    del trained_toy
    at = open_app("map")
    at.text_input(key="_map_query").set_value("a").run()
    marked = canvas(at)["marked"]
    assert len(marked) > MAX_LISTED
    assert [int(b.key.rsplit("_", 1)[1]) for b in at.button if str(b.key).startswith("_map_hit_")] == marked
    (more,) = [e for e in at.expander if e.label == f"and {len(marked) - MAX_LISTED} more"]
    assert [int(b.key.rsplit("_", 1)[1]) for b in more.button] == marked[MAX_LISTED:]


def test_the_search_says_when_nothing_fits(open_app, trained_toy):
    del trained_toy
    at = open_app("map")
    at.text_input(key="_map_query").set_value("qqqqqq").run()
    assert "No token on this map fits." in texts(at)


def test_a_click_chooses_the_token_and_shows_what_training_did_to_it(open_app, trained_toy):
    target = id_of(trained_toy, "▁mkulima")
    at = open_app("map")
    sent = points(at)
    report(at, trained_toy, token={"id": target, "at": 5})
    assert param(at, "token") == str(target)
    assert canvas(at)["token"] == {"id": target, "at": 5}
    assert points(at)[0] == sent[0], "the points are not sent in another form: the browser has them"
    kept = open_training(trained_toy, "focus-seed-1").tokens()["kept"][target].as_py()
    assert f"Neighbour overlap (Jaccard@10) **{kept:.2f}**" in texts(at)
    assert [link for link in links(at) if "Everything about this token" in link.label]
    at.switch_page(PAGES["token"]).run()
    assert "mkulima" in at.title[0].value


def test_lines_lead_to_the_nearest_tokens_of_the_original_space(open_app, trained_toy):
    target = id_of(trained_toy, "▁mkulima")
    assert canvas(open_app("map"))["near"] is None
    at = open_app("map", token=target)
    near = canvas(at)["near"]
    change = neighbour_change(trained_toy, open_training(trained_toy, "focus-seed-1"), target)
    assert near["members"] == [[n.id for n in change.before], [n.id for n in change.after]]
    assert set(near["kept"]) == set(near["members"][0]) & set(near["members"][1])
    assert "Lines lead from the chosen token to its ten nearest" in texts(at)


def test_an_old_report_undoes_nothing(open_app, trained_toy):
    first, second = id_of(trained_toy, "▁mkulima"), id_of(trained_toy, "▁maziwa")
    at = open_app("map")
    report(at, trained_toy, token={"id": first, "at": 9}, selection={"ids": [first], "total": 1, "at": 9})
    report(at, trained_toy, token={"id": second, "at": 8}, selection={"ids": [second], "total": 1, "at": 9})
    assert param(at, "token") == str(first)
    assert canvas(at)["selection"] == {"ids": [first], "at": 9}


@pytest.mark.parametrize(
    "said",
    [
        {"token": {"id": 10**9, "at": 1}},
        {"token": {"id": "<b>", "at": 1}, "selection": {"ids": "all", "at": 1}},
        {"selection": {"ids": [-1, True, 1.5, None, 10**9], "total": 10**12, "at": 1}},
        {"brush": {"range": [float("nan"), 1], "at": 1}},
        {"brush": {"range": ["0", "1"], "at": "1"}, "selection": 5, "token": []},
    ],
)
def test_what_no_canvas_would_report_does_nothing(open_app, trained_toy, said):
    at = open_app("map")
    report(at, trained_toy, **said)
    assert canvas(at)["selection"]["ids"] == []
    assert canvas(at)["brush"]["range"] is None
    assert canvas(at)["token"]["id"] == -1


def test_a_lasso_lists_the_tokens_and_what_feeds_them(open_app, trained_toy):
    names = ("▁mkulima", "▁maziwa", "▁nyumba", "▁farmer")
    ids = [id_of(trained_toy, name) for name in names]
    at = open_app("map")
    report(at, trained_toy, selection={"ids": ids, "total": 4, "at": 3})
    assert "**4** tokens on this map" in texts(at)
    table = at.dataframe[0].value
    assert sorted(table["id"]) == sorted(ids)
    assert table["occurrences"].tolist() == sorted(table["occurrences"], reverse=True)
    assert "3 combined embeddings, fed by 7 source tokens; 1 copied" in texts(at)
    fed = [link.label for link in links(at) if "of the weight" in link.label]
    assert fed[0].startswith("▁milk :gray[33.3 % of the weight, in 1 of 3]")


def test_a_brush_lists_the_tokens_in_its_range_and_narrows_a_selection(open_app, trained_toy):
    kept = open_training(trained_toy, "focus-seed-1").tokens()["kept"].to_pylist()
    inside = [i for i, k in enumerate(kept) if 0.2 - 0.003 <= k <= 0.4 + 0.003]
    assert 1 < len(inside) < len(kept)
    at = open_app("map")
    report(at, trained_toy, brush={"range": [0.2, 0.4], "at": 3})
    assert sorted(at.dataframe[0].value["id"]) == inside
    assert "with neighbour overlap (Jaccard@10) from 0.20 to 0.40" in texts(at)
    outside = next(i for i in range(len(kept)) if i not in inside)
    both = {"ids": [inside[0], outside], "total": 2, "at": 4}
    report(at, trained_toy, brush={"range": [0.2, 0.4], "at": 3}, selection=both)
    assert at.dataframe[0].value["id"].tolist() == [inside[0]]
    assert "of 2 selected" in texts(at)


def test_a_selection_beyond_the_limit_says_so(open_app, trained_toy, monkeypatch):
    from pages.map import selection as map_selection

    monkeypatch.setattr(map_selection, "MAX_SELECTED", 3)
    at = open_app("map")
    report(at, trained_toy, selection={"ids": list(range(10)), "total": 10, "at": 3})
    assert "More than 3: the most frequent 3 are taken." in texts(at)
    assert len(at.dataframe[0].value) == 3


def test_a_selection_is_saved_chosen_again_and_deleted(open_app, trained_toy):
    ids = [id_of(trained_toy, name) for name in ("▁mkulima", "▁maziwa")]
    at = open_app("map")
    report(at, trained_toy, selection={"ids": ids, "total": 2, "at": 3})
    at.text_input(key="_map_save_name").set_value("![x](https://e/x.png)")
    at.button(key="_map_save").click().run()
    assert at.selectbox(key="_map_saved").options == ["![x](https://e/x.png) · 2"]
    at.button(key="_map_clear").click().run()
    assert canvas(at)["selection"]["ids"] == []
    assert not at.dataframe
    at.switch_page(PAGES["overlap"]).run()
    at.switch_page(PAGES["map"]).run()
    at.selectbox(key="_map_saved").set_value("![x](https://e/x.png)").run()
    at.button(key="_map_again").click().run()
    assert not at.exception
    assert sorted(canvas(at)["selection"]["ids"]) == sorted(ids)
    at.button(key="_map_forget").click().run()
    assert not [box for box in at.selectbox if box.key == "_map_saved"]


def test_the_address_may_name_the_token(open_app, trained_toy):
    at = open_app("map", token=id_of(trained_toy, "▁maziwa"))
    assert any("maziwa" in header.value for header in at.header)
    for wrong in ("999999", "x", "-1", ""):
        at = open_app("map", token=wrong)
        assert not at.header
        assert canvas(at)["token"]["id"] == -1


def test_principal_components_are_there_at_once(open_app, trained_toy):
    at = open_app("map")
    choose(at, trained_toy, "PCA, laid out at once")
    assert "PCA of all 135 tokens" in texts(at)
    assert "of the variance" in texts(at)
    assert len(points(at)[0]["members"]) == 2


def test_axes_may_be_cosines_to_two_tokens(open_app, trained_toy):
    a, b = id_of(trained_toy, "▁mkulima"), id_of(trained_toy, "▁maziwa")
    at = open_app("map")
    choose(at, trained_toy, "Cosine to two tokens: no projection")
    for name, term in (("x", "mkulima"), ("y", f"#{b}")):
        at.text_input(key=f"_map_axis_{name}_{trained_toy.digest[:12]}").set_value(term).run()
    assert not at.exception
    assert points(at)[0]["axes"] == ["cosine to ▁mkulima", "cosine to ▁maziwa"]
    trained = open_training(trained_toy, "focus-seed-1")
    for member, source in enumerate((trained_toy, trained)):
        x, y = (source.rows("input", [i])[0].astype(float) for i in (a, b))
        cosine = x @ y / np.linalg.norm(x) / np.linalg.norm(y)
        assert places(at, member)[b] == pytest.approx((cosine, 1), abs=1e-4)
    assert "nothing was projected" in texts(at)
    at.text_input(key=f"_map_axis_x_{trained_toy.digest[:12]}").set_value("mkulima - maziwa").run()
    assert points(at)[0]["axes"][0] == "cosine to ▁mkulima − ▁maziwa"


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("qqqqq", "No target token fits qqqqq."),
        ("", "Name a token."),
        ("mkulima - mkulima", "a sum of length 0"),
    ],
)
def test_an_axis_that_is_none_is_said(open_app, trained_toy, formula, said):
    at = open_app("map")
    choose(at, trained_toy, "Cosine to two tokens: no projection")
    at.text_input(key=f"_map_axis_x_{trained_toy.digest[:12]}").set_value(formula).run()
    assert not at.exception
    assert said in texts(at)
    a, b = (f"cosine to {name}" for name in first_axes(trained_toy))
    assert points(at)[0]["axes"] == [a, b], "the last map that could be drawn stays"
    assert len(at.error) == (said == "a sum of length 0")


def test_an_axis_that_is_none_offers_tokens_spelt_like_it_and_leaves_the_last_map(open_app, trained_toy):
    maziwa = id_of(trained_toy, "▁maziwa")
    at = open_app("map")
    choose(at, trained_toy, "Cosine to two tokens: no projection")
    key = f"_map_axis_x_{trained_toy.digest[:12]}"
    at.text_input(key=key).set_value("mkulima").run()
    at.text_input(key=key).set_value("mkulima - <b>mazywa").run()
    assert f"No target token fits {markdown_escape('<b>mazywa')}." in texts(at)
    assert "The map still shows: cosine to ▁mkulima." in texts(at)
    assert points(at)[0]["axes"][0] == "cosine to ▁mkulima"
    at.text_input(key=key).set_value("mkulima - mazywa").run()
    assert "Did you mean" in texts(at)
    at.button(key=f"{key}_{maziwa}").click().run()
    assert not at.exception
    assert at.text_input(key=key).value == f"mkulima - #{maziwa}"
    assert points(at)[0]["axes"][0] == "cosine to ▁mkulima − ▁maziwa"
    at.text_input(key=f"_map_axis_y_{trained_toy.digest[:12]}").set_value("mkulima - mkulima").run()
    assert points(at)[0]["axes"][0] == "cosine to ▁mkulima − ▁maziwa", "nor does one that points nowhere"


def test_an_untrained_run_has_one_pane_and_a_way_on(open_app, toy):
    at = open_app("map", token=id_of(toy, "▁mkulima"))
    assert "initialised ones alone" in texts(at)
    assert any(link.page == "train" for link in links(at))
    header, arrays = points(at)
    assert len(header["members"]) == 1
    assert set(arrays["kept"].tolist()) == {65535}
    assert "laid out together" not in texts(at)


def test_hostile_tokens_travel_as_data_alone(open_app, trained_toy):
    """Names are JSON strings of the points; what the canvas runs is the same for every run."""
    at = open_app("map")
    assert "<b>bold</b>" in points(at)[0]["shown"]
    at.text_input(key="_map_query").set_value("b").run()
    for proto in components(at):
        assert "bold" not in proto.html_content + proto.css_content
        assert "<b>bold</b>" not in proto.js_content
    assert "bold" not in json.dumps(canvas(at))
    assert len(points(at)[0]["shown"]) == len(trained_toy.column("tokens", "id"))


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
    choose(at, trained_toy, "PCA, laid out at once")
    assert points(at)[0]["n"] == 135


def test_too_few_tokens_to_project_are_said(open_app, toy, monkeypatch):
    from focus_core.errors import bad_input
    from pages.map import cache

    del toy

    def refuse(*arguments):
        del arguments
        raise bad_input("tokens to project", expected="at least 20", got="3", remedy="project a larger vocabulary")

    monkeypatch.setattr(cache, "quick_layout", refuse)
    at = open_app("map")
    assert "project a larger vocabulary" in at.error[0].value


def test_any_two_members_of_a_layout_may_be_compared(open_app, trained_toy, tmp_path, monkeypatch):
    """The title of another run is its maker's: shown as text, never as a tag or Markdown."""
    folder = tmp_path / "demo" / "toy"
    shutil.copytree(trained_toy.path, folder)
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    shutil.rmtree(folder / "projection")
    plane = np.random.default_rng(0).normal(size=(135, 2))
    members = {"initialised": plane, "trained:focus-seed-1": plane + 1, "other:<b>x</b>": plane + 2}
    add_projection(open_run(folder), "umap-three", members, np.arange(135))
    at = open_app("map")
    assert points(at)[0]["members"] == ["initialised", "trained:focus-seed-1"]
    assert set(points(at)[1]["kept"].tolist()) != {65535}
    at.selectbox(key=f"_map_right_{trained_toy.digest[:12]}_3").set_value("other:<b>x</b>").run()
    assert not at.exception
    assert points(at)[0]["members"] == ["initialised", "other:<b>x</b>"]
    assert set(points(at)[1]["kept"].tolist()) == {65535}, "no training leads from one to the other"
    at.selectbox(key=f"_map_left_{trained_toy.digest[:12]}_3").set_value("trained:focus-seed-1").run()
    assert points(at)[0]["members"] == ["trained:focus-seed-1", "other:<b>x</b>"]


def test_a_file_damaged_after_the_first_drawing_is_said_with_a_way_out(open_app, trained_toy, tmp_path, monkeypatch):
    """The part that runs again alone says it like the page does: once, in words, with buttons."""
    from pages.map import view as map_view

    folder = tmp_path / "demo" / "toy"
    shutil.copytree(trained_toy.path, folder)
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    at = open_app("map")
    assert components(at)
    (folder / "tokens.parquet").write_bytes(b"x")
    monkeypatch.setattr(map_view, "take_reports", lambda run, key: open_run(run.path).tokens())
    at.run()
    assert not at.exception, [e.message for e in at.exception]
    assert len(at.error) == 1
    assert "a damaged file" in at.error[0].value
    assert [link for link in links(at) if link.label == "All runs"]
