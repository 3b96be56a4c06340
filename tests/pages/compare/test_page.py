"""The Compare page: verdicts, lists, hubs, distributions, a second run, and the report."""

import json
import shutil

import numpy as np
import pytest

from focus_core.analysis.checks.base import CheckResult, Status
from focus_core.analysis.checks.registry import run_checks
from focus_core.analysis.comparison.lists import HubOrder, hub_anchors, token_lists
from focus_core.artifacts import write_arrays
from focus_core.runs.folder import open_run
from focus_core.tokenization.display import show_token
from focus_ui.data import cache, catalog
from tests.pages.conftest import PAGES, param, texts
from tests.toy_run import id_of, source_id_of, write_toy_run


def chart(at, place):
    return json.loads(at.get("plotly_chart")[place].proto.spec)


def select_row(at, key, place):
    at.session_state[key] = {"selection": {"rows": [place], "columns": [], "cells": []}}
    at.run()
    assert not at.exception
    return at


@pytest.fixture
def second(demo_folder, tmp_path, monkeypatch):
    """Return a second demo run of the same vocabulary: one row turned round."""
    for name in ("toy", "other"):
        shutil.copytree(demo_folder / "toy", tmp_path / "demo" / name)
    run = open_run(tmp_path / "demo" / "other")
    rows = run.embeddings().copy()
    rows[id_of(run, "▁mkulima")] *= -1
    write_arrays(run.path / "embeddings.safetensors", {"input": rows})
    manifest = json.loads((run.path / "manifest.json").read_text("utf-8"))
    manifest["config"]["seed"] = 7
    (run.path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    return open_run(run.path)


def with_second(open_app, name="other", run="toy"):
    at = open_app("compare", run=run)
    at.multiselect(key="_compare_with").set_value([name]).run()
    assert not at.exception
    return at


def test_every_check_stands_there_with_its_verdict(open_app, toy):
    shown = texts(open_app("compare"))
    for result in run_checks(toy):
        assert f"**{result.code}**" in shown
        assert f"-badge[{result.status}]" in shown
    assert "second run |" not in shown


def test_a_list_says_what_it_means_and_its_rows_open_token_pages(open_app, toy):
    at = open_app("compare")
    found = {entry.key: entry for entry in token_lists(toy, run_checks(toy))}
    at.selectbox(key="_compare_list").set_value("one-contributor").run()
    assert "One source token has half the weight or more" in texts(at)
    frame = at.dataframe[0].value
    assert frame["id"].tolist() == list(found["one-contributor"].ids)
    assert frame["largest weight"].tolist() == pytest.approx(list(found["one-contributor"].values))
    at = select_row(at, f"list_{toy.digest[:12]}_one-contributor_0", 0)
    assert param(at, "token") == str(found["one-contributor"].ids[0])


def test_what_a_check_named_in_the_source_opens_source_tokens(open_app, toy, monkeypatch):
    hub = source_id_of(toy, "▁milk")
    found = CheckResult(
        code="FOC003", title="Hub tokens", status=Status.WARNING, summary="one hub", tip="open it", tokens=[hub],
        side="source",
    )  # fmt: skip
    monkeypatch.setattr(cache, "checks", lambda run: [found])
    at = open_app("compare")
    assert "one hub" in texts(at)
    assert "**What to do:** open it" in texts(at)
    assert at.dataframe[0].value["token"].tolist() == ["▁milk"]
    at = select_row(at, f"list_{toy.digest[:12]}_FOC003_0", 0)
    assert param(at, "source") == str(hub)


def test_hubs_are_bars_with_their_source_ids(open_app, toy):
    figure = chart(open_app("compare"), 0)
    hubs = hub_anchors(toy)
    assert [int(data[0]) for data in figure["data"][0]["customdata"]] == [hub.id for hub in hubs]
    assert [note["text"] for note in figure["layout"]["annotations"]] == ["tokens fed", "share of all weight, %"]


def test_hubs_can_be_ranked_by_weight_and_the_page_says_which(open_app, toy):
    at = open_app("compare")
    assert "by number of tokens fed" in texts(at)
    at.segmented_control(key="_compare_hubs").set_value("weight").run()
    figure = chart(at, 0)
    by_weight = [hub.id for hub in hub_anchors(toy, by=HubOrder.WEIGHT)]
    assert [int(data[0]) for data in figure["data"][0]["customdata"]] == by_weight
    assert figure["layout"]["annotations"][0]["text"] == "share of all weight, %"
    assert "together: by weight" in texts(at)


def test_charts_have_words_for_those_who_do_not_see_them(open_app):
    described = [element.proto.alt for element in open_app("compare").get("plotly_chart")]
    assert len(described) == 5
    assert "share of all weight" in described[0]
    assert all("medians: this run" in words for words in described[1:])
    assert sum("embeddings drawn by chance" in words for words in described) == 2


def test_without_a_second_run_it_says_so(open_app):
    at = open_app("compare")
    assert "no second run yet" in texts(at)
    assert "This run against the second" not in texts(at)


def test_a_second_run_of_the_same_vocabulary_is_compared_token_by_token(open_app, second):
    at = with_second(open_app)
    assert param(at, "with") == "other"
    assert "**0** tokens have an embedding from elsewhere in the second run; **1** embeddings point elsewhere" in texts(
        at
    )
    groups, tokens = at.dataframe[1].value, at.dataframe[2].value
    assert groups["tokens"].tolist() == [1]
    assert groups["median cosine"].tolist() == pytest.approx([-1.0])
    assert tokens["id"].tolist() == [id_of(second, "▁mkulima")]
    toy = open_run(second.path.parent / "toy")
    key = f"changed_{toy.digest[:12]}_{second.digest[:12]}_1_{id_of(second, '▁mkulima')}_0"
    assert param(select_row(at, key, 0), "token") == str(id_of(second, "▁mkulima"))


def test_the_second_run_is_set_against_this_one_before_all_else(open_app, second):
    del second
    titles = [element.value for element in with_second(open_app).header]
    assert titles[:3] == ["This run against the second", "Checks", "Tokens to look at"]


def test_every_check_says_what_it_found_in_both_runs(open_app, second, monkeypatch):
    def checks(run):
        summary = "7 of 9 rows" if run.digest == second.digest else "1 of 8 rows"
        return [CheckResult(code="FOC002", title="t", status=Status.PASSED, summary=summary)]

    monkeypatch.setattr(cache, "checks", checks)
    shown = texts(with_second(open_app))
    here, there = (
        "this run :green-badge[passed] :gray[1 of 8 rows]",
        "second run :green-badge[passed] :gray[7 of 9 rows]",
    )
    assert f"**FOC002** t  \n  {here}  \n  {there}" in shown
    assert "second run :" not in texts(open_app("compare", run="toy"))


def test_verdicts_reached_on_other_bases_are_said_to_be(open_app, second, monkeypatch):
    def checks(run):
        basis = "occurrences" if run.digest == second.digest else "entries"
        return [CheckResult(code="FOC002", title="t", status=Status.PASSED, summary="s", basis=basis)]

    words = "this run is judged by entries, the second by occurrences"
    monkeypatch.setattr(cache, "checks", checks)
    assert words in texts(with_second(open_app))
    monkeypatch.setattr(cache, "checks", lambda run: checks(second))
    assert "is judged by" not in texts(with_second(open_app))


def test_a_chosen_group_shows_its_tokens(open_app, second):
    at = with_second(open_app)
    toy = open_run(second.path.parent / "toy")
    at = select_row(at, f"groups_{toy.digest[:12]}_{second.digest[:12]}", 0)
    assert "**Tokens of the group**" in texts(at)
    assert at.dataframe[2].value["id"].tolist() == [id_of(second, "▁mkulima")]


def test_distributions_of_both_runs_share_a_chart(open_app, second):
    del second
    figure = chart(with_second(open_app), 2)
    assert [trace["type"] for trace in figure["data"]].count("bar") == 3
    lines = [trace["line"] for trace in figure["data"] if trace.get("mode") == "lines"]
    assert [line.get("dash") for line in lines].count("dot") == 3, "embeddings drawn by chance"
    assert len(lines) == 6
    assert [trace["mode"] for trace in figure["data"] if "mode" in trace].count("markers") == 3, "the mean embedding"


def test_the_second_run_can_be_named_by_the_address(open_app, second):
    del second
    at = open_app("compare", run="toy", **{"with": "other"})
    assert at.multiselect(key="_compare_with").value == ["other"]
    at.multiselect(key="_compare_with").set_value([]).run()
    assert at.multiselect(key="_compare_with").value == []
    assert param(at, "with") is None


def test_an_address_that_names_no_run_compares_with_none(open_app, second):
    del second
    at = open_app("compare", run="toy", **{"with": "../../etc"})
    assert at.multiselect(key="_compare_with").value == []
    assert [w.value for w in at.warning if "is not here" in w.value]
    at.run()
    assert [w.value for w in at.warning if "is not here" in w.value], "until another is chosen"
    at.multiselect(key="_compare_with").set_value(["other"]).run()
    assert param(at, "with") == "other"
    assert not [w.value for w in at.warning if "is not here" in w.value]


@pytest.mark.parametrize("earlier", [None, "third"])
def test_a_link_of_the_app_is_followed_whatever_was_chosen_before(open_app, second, earlier):
    shutil.copytree(second.path, second.path.parent / "third")
    at = open_app("compare", run="toy")
    at.multiselect(key="_compare_with").set_value([earlier] if earlier else []).run()
    at.switch_page(PAGES["data"]).run()
    at = open_app("compare", user=at, run="toy", **{"with": "other"})
    assert at.multiselect(key="_compare_with").value == ["other"]
    assert param(at, "with") == "other"
    assert "This run against the second" in texts(at)
    at.multiselect(key="_compare_with").set_value([]).run()
    at.switch_page(PAGES["data"]).run()
    at = open_app("compare", user=at, run="toy", **{"with": "other"})
    assert at.multiselect(key="_compare_with").value == ["other"], "the same link once more"


def test_two_runs_without_a_difference_say_so(open_app, demo_folder, tmp_path, monkeypatch):
    for name in ("toy", "twin"):
        shutil.copytree(demo_folder / "toy", tmp_path / "demo" / name)
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    assert "**No difference:**" in texts(with_second(open_app, "twin"))


def test_of_another_vocabulary_it_says_what_cannot_be_compared(open_app, second):
    manifest = json.loads((second.path / "manifest.json").read_text("utf-8"))
    manifest["target"]["digest"] = "f" * 64
    (second.path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    at = with_second(open_app)
    assert any("different target vocabularies" in info.value for info in at.info)
    assert "embeddings point elsewhere" not in texts(at)
    assert len(at.get("plotly_chart")) == 5


def test_a_damaged_second_run_ends_nothing_but_itself(open_app, second):
    (second.path / "manifest.json").write_text("{", encoding="utf-8")
    at = with_second(open_app)
    assert any("JSON" in error.value for error in at.error)
    assert len(at.get("plotly_chart")) == 5
    assert "# Report on an initialisation" in at.code[-1].value


def test_the_report_is_what_the_page_shows(open_app, second):
    at = with_second(open_app)
    report = at.code[-1].value
    assert report.startswith("# Report on an initialisation")
    assert "## A against B" in report
    assert second.digest[:16] in report
    assert f"#{id_of(second, '▁mkulima')}" in report


def test_a_private_run_of_somebody_else_is_not_offered(open_app, second):
    del second
    write_toy_run(catalog.runs_root() / ("b" * 32))
    at = open_app("compare", run="toy")
    assert at.multiselect(key="_compare_with").options
    assert not any("by link" in option for option in at.multiselect(key="_compare_with").options)
    assert np.all([("b" * 32) not in option for option in at.multiselect(key="_compare_with").options])


# --- groups of tokens that changed together ---------------------------------------------------------------------


def test_without_another_state_there_is_nothing_to_group(open_app):
    at = open_app("compare")
    assert "no training of this run kept its embeddings" in texts(at)


def test_groups_are_made_when_asked_for_and_lead_to_their_tokens(open_app, trained_toy, monkeypatch):
    from focus_core.analysis.comparison.neighbour_groups import NeighbourGroup, NeighbourGroups

    ids = tuple(id_of(trained_toy, token) for token in ("▁mkulima", "▁maziwa", "=1+1", "<b>bold</b>"))
    group = NeighbourGroup(ids=ids, agreement=0.5, gained=(ids[3],), lost=(ids[2],), kept=0.25, occurrences=120.0)
    found = NeighbourGroups(groups=(group,), n_compared=40, n_total=130)
    asked = []
    monkeypatch.setattr("pages.compare.groups.training_groups", lambda *given: asked.append(given) or found)
    at = open_app("compare")
    assert not asked, "nothing is compared before it is asked for"
    at.session_state["_groups_box"] = True
    at.run()
    assert not at.exception
    assert len(asked) == 1
    assert "**1** groups among **40** of 130 tokens" in texts(at)
    training = asked[0][1]
    key = f"together_{trained_toy.digest[:12]}_{training.digest[:12]}"
    table = next(frame.value for frame in at.dataframe if "towards" in frame.value)
    assert table["tokens"].tolist() == [4]
    assert table["towards"].tolist() == [show_token("<b>bold</b>")]
    assert any(button.key == f"_csv_{key}" for button in at.get("download_button"))
    at = select_row(at, key, 0)
    members = next(
        frame.value
        for frame in at.dataframe
        if list(frame.value)[:2] == ["token", "in the corpus"] and len(frame.value) == 4
    )
    assert members["id"].tolist() == list(ids)
    assert len(asked) == 1, "once is enough"
    report = at.code[-1].value
    assert "## Tokens of A that changed together" in report
    assert "40 of 130 tokens compared, 1 groups." in report
    assert "<b>" not in report


def test_a_second_run_is_grouped_too(open_app, second):
    at = with_second(open_app)
    at.session_state["_groups_box"] = True
    at.run()
    assert not at.exception
    assert "tokens: those seen often enough in the corpus" in texts(at)
    assert second.digest
