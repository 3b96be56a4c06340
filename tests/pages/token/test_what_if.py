"""Why these weights: stored at first, other settings by hand, the way back, hostile anchors, tokens without weights."""

import json

import numpy as np
import pytest

from focus_core.tokenization.display import show_token
from pages.token.what_if_figures import Ranked, WeightPair, pairs_figure, similarities_figure
from tests.hostile_tokens import HOSTILE_TOKENS
from tests.pages.conftest import links, texts
from tests.toy_run import id_of, write_toy_run


def figure(at, name):
    """Return a chart of the what-if as plotly's JSON."""
    return next(json.loads(e.proto.spec) for e in at.get("plotly_chart") if f"what_if_{name}" in e.proto.id)


def setting(at, kind, name):
    return next(e for e in at.get(kind) if str(e.key).startswith(f"_what_if_{name}_"))


def test_at_first_the_weights_are_the_stored_ones(open_app, toy):
    """``▁mkulima``: similarities 0.8 and 0.6, tau 0.2, weights 0.6 and 0.4 (tests/toy_run.py)."""
    at = open_app("token", token=id_of(toy, "▁mkulima"))
    assert "These are the stored weights" in texts(at)
    stems, without, weighted = figure(at, "similarities")["data"]
    assert weighted["customdata"] == [["▁farmer", pytest.approx(0.6)], ["▁market", pytest.approx(0.4)]]
    assert len(without["customdata"]) > 5
    assert stems["name"] == "weight"
    assert figure(at, "similarities")["layout"]["shapes"][0]["y0"] == pytest.approx(0.2)
    said = figure(at, "similarities")["layout"]["annotations"][0]["text"]
    assert said == "threshold 0.200"
    assert "nothing at or below it has one" in texts(at)
    assert not [e for e in at.get("plotly_chart") if "what_if_weights" in e.proto.id], "the same bars twice say nothing"


def test_a_lower_temperature_gives_other_weights_and_a_button_the_stored_ones(open_app, toy):
    """T = 0.5: scores 1.6 and 1.2, tau = 0.9, weights 0.7 and 0.3, the threshold at a similarity of 0.45."""
    at = open_app("token", token=id_of(toy, "▁mkulima"))
    setting(at, "select_slider", "temperature").set_value(0.5).run()
    assert "What if:" in texts(at)
    assert "These are the stored weights" not in texts(at)
    assert "90 % of the weight stays" in texts(at)
    assert figure(at, "similarities")["layout"]["shapes"][0]["y0"] == pytest.approx(0.45)
    assert [t["text"] for t in figure(at, "weights")["data"]] == [["0.600", "0.400"], ["0.700", "0.300"]]
    at.button(key="_what_if_back").click().run()
    assert "These are the stored weights" in texts(at)
    assert setting(at, "select_slider", "temperature").value == 1.0


def test_softmax_draws_no_threshold_and_top_k_bounds_it(open_app, toy):
    at = open_app("token", token=id_of(toy, "▁mkulima"))
    at.session_state[f"_what_if_map_{toy.digest[:12]}"] = "softmax"
    at.run()
    assert not at.exception
    assert "no threshold" in texts(at)
    assert "shapes" not in figure(at, "similarities")["layout"]
    assert len(figure(at, "similarities")["data"][0]["customdata"]) == 0
    setting(at, "number_input", "top_k").set_value(1).run()
    assert figure(at, "weights")["data"][1]["text"] == ["1.000", "–"]
    assert "only the first 1 may have a weight" in texts(at)


def test_settings_stay_when_the_token_changes(open_app, toy):
    """``▁nyumba`` at T = 0.5: four scores of 1, four weights of 0.25, as at T = 1."""
    at = open_app("token", token=id_of(toy, "▁mkulima"))
    setting(at, "select_slider", "temperature").set_value(0.5).run()
    at.query_params["token"] = str(id_of(toy, "▁nyumba"))
    at.run()
    assert "What if:" in texts(at)
    assert "100 % of the weight stays" in texts(at)


@pytest.mark.parametrize(("token", "reason"), [("▁farmer", "a copy"), ("▁nadra", "a fallback")])
def test_a_token_without_weights_says_so(open_app, toy, token, reason):
    at = open_app("token", token=id_of(toy, token))
    assert "Nothing to recompute" in texts(at)
    assert reason in texts(at)
    assert not [e for e in at.get("plotly_chart") if "what_if" in e.proto.id]


def test_neighbours_in_the_auxiliary_space_are_links_with_anchors_marked(open_app, toy):
    at = open_app("token", token=id_of(toy, "▁mkulima"))
    near = [link for link in links(at) if f"token={id_of(toy, '▁farmer')}" in link.query_string]
    assert "0.80" in near[0].label
    assert "weight 0.600" in near[0].label
    assert "anchor" in near[0].label
    combined = [link for link in links(at) if f"token={id_of(toy, '▁nyumba')}" in link.query_string]
    assert all("anchor" not in link.label for link in combined)


def test_a_run_that_keeps_no_vectors_says_so(open_app, tmp_path, monkeypatch):
    run = write_toy_run(tmp_path / "demo" / "toy")
    (run.path / "auxiliary.safetensors").unlink()
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    at = open_app("token", token=id_of(run, "▁mkulima"))
    assert "keeps no auxiliary vectors" in texts(at)
    assert "Nearest tokens in the auxiliary space" not in texts(at)


def test_a_token_without_a_vector_has_no_neighbours_there(open_app, toy):
    assert "no auxiliary vector" in texts(open_app("token", token=id_of(toy, "▁nadra")))


@pytest.mark.parametrize("token", HOSTILE_TOKENS, ids=range(len(HOSTILE_TOKENS)))
def test_no_hostile_anchor_reaches_plotly_as_markup(token):
    shown = show_token(token)
    ranked = Ranked(
        labels=[shown, shown],
        similarities=np.array([0.8, 0.1]),
        weights=np.array([1.0, 0.0]),
        threshold=0.3,
        stems=True,
    )
    figures = [
        similarities_figure(ranked),
        pairs_figure([WeightPair(id=1, label=shown, stored=1.0, other=0.0)], title="x"),
    ]
    for drawn in figures:
        text = json.dumps(drawn.to_plotly_json(), default=str)
        assert not any(tag in text for tag in ("<b>b", "<script", "<img", "<a href", "<s>"))
        drawn.to_json()


def test_a_threshold_outside_the_picture_is_not_drawn_and_the_axis_stands_still():
    values = {
        "labels": ["a", "b"],
        "similarities": np.array([0.8, 0.6]),
        "weights": np.array([1.0, 0.0]),
        "stems": True,
    }
    near, far = (similarities_figure(Ranked(threshold=cut, **values)) for cut in (0.7, -0.2))
    assert len(near.layout.shapes) == 1
    assert not far.layout.shapes
    assert near.layout.yaxis.range == far.layout.yaxis.range
    assert min(y for y in far.data[0].y if y == y) >= far.layout.yaxis.range[0]


def test_one_anchor_alone_can_be_drawn():
    one = Ranked(labels=["a"], similarities=np.array([0.5]), weights=np.array([1.0]), threshold=-0.5, stems=True)
    assert similarities_figure(one).data[2].y.tolist() == [0.5]
