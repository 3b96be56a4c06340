"""The picture on the Start page says what the run holds, in every method and for every token."""

import pytest

from focus_core.analysis.provenance.explain import explain_token
from focus_core.runs.legend import CATEGORIES, DARK_INK, LIGHT_INK
from pages.start.picture import N_ANCHORS, picture_data
from tests.toy_run import write_toy_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_toy_run(tmp_path_factory.mktemp("runs") / "toy")


@pytest.fixture(scope="module")
def picture(run):
    return picture_data(run, explain_token)


def test_each_side_is_the_whole_of_its_vocabulary(run, picture):
    counts = run.manifest["counts"]
    assert sum(part["n"] for part in picture["source"]["parts"]) == counts["n_source"]
    assert sum(part["n"] for part in picture["target"]["parts"]) == counts["n_target"]
    assert [part["key"] for part in picture["source"]["parts"]] == ["shared", "only"]
    assert [part["key"] for part in picture["target"]["parts"]] == ["exact", "special", "combined", "fallback"]


def test_colours_are_the_legends_and_can_be_written_on(picture):
    for part in picture["target"]["parts"]:
        assert part["color"] == CATEGORIES[part["key"]].color
        assert part["ink"] in {LIGHT_INK, DARK_INK}


def test_the_weights_are_those_of_the_run(run, picture):
    assert len(picture["tokens"]) >= 3
    for token in picture["tokens"]:
        contributors = explain_token(run, token["id"]).contributors
        assert [anchor["id"] for anchor in token["anchors"]] == [c.source_id for c in contributors[:N_ANCHORS]]
        assert [anchor["weight"] for anchor in token["anchors"]] == [c.weight for c in contributors[:N_ANCHORS]]
        assert token["rest"]["n"] == max(0, len(contributors) - N_ANCHORS)
        whole = sum(anchor["weight"] for anchor in token["anchors"]) + token["rest"]["weight"]
        assert whole == pytest.approx(1.0, abs=1e-5)


def test_anchors_of_focus_are_shared_tokens(picture):
    assert all(anchor["shared"] for token in picture["tokens"] for anchor in token["anchors"])


def test_the_picture_has_a_text_for_those_who_do_not_see_it(picture):
    first = picture["tokens"][0]
    assert "28 shared" in picture["alt"]
    assert f"new token {first['text']}" in picture["alt"]
    assert f"{first['anchors'][0]['weight']:.2f} of {first['anchors'][0]['text']}" in picture["alt"]


def test_a_run_that_combined_nothing_has_a_picture_without_a_token(run, monkeypatch):
    from pages.start import picture as start_picture

    monkeypatch.setattr(start_picture, "showcase", lambda run: [])
    bare = start_picture._picture(run, explain_token)
    assert bare["tokens"] == []
    assert "Contributors" not in bare["alt"]
    assert sum(part["n"] for part in bare["target"]["parts"]) == 135
