"""The Overlap page: its bars, what a click filters, its table and its download."""

import json

from tests.app.conftest import param, texts
from tests.toy_run import id_of


def figures(at):
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]


def click(at, key, data):
    at.session_state[key] = {
        "selection": {"points": [{"customdata": data}], "point_indices": [0], "box": [], "lasso": []}
    }
    at.run()
    assert not at.exception


def table(at):
    return at.dataframe[0].value


def test_the_bar_is_cut_in_proportion(open_app):
    """40 source and 135 target tokens, 28 shared: 12, 28 and 107 of 147."""
    at = open_app("overlap")
    first = [trace for trace in figures(at)[0]["data"] if trace["y"] == ["both vocabularies"]]
    assert [trace["customdata"][0][1] for trace in first] == [12, 28, 107]
    assert round(sum(trace["x"][0] for trace in first), 6) == 100


def test_the_whole_vocabulary_is_listed_first(open_app):
    at = open_app("overlap")
    assert "**135** tokens" in texts(at)
    assert len(table(at)) == 135


def test_a_click_on_the_bar_filters_the_table(open_app, toy):
    at = open_app("overlap")
    click(at, f"bar_{toy.digest[:12]}_vocabulary entries", ["both", 28, "in both"])
    assert len(table(at)) == 28
    click(at, f"bar_{toy.digest[:12]}_vocabulary entries", ["fallback", 2, "fallback"])
    assert set(table(at)["origin"]) == {"fallback"}


def test_a_click_on_a_group_filters_by_group_and_origin(open_app, toy):
    at = open_app("overlap")
    click(at, f"groups_{toy.digest[:12]}_vocabulary entries_script", ["Arabic", "combined", 4])
    assert set(table(at)["script"]) == {"Arabic"}
    assert set(table(at)["origin"]) == {"combined"}
    assert at.selectbox(key="_overlap_group").value == "Arabic"


def test_the_filters_work_by_hand_too(open_app):
    at = open_app("overlap")
    at.selectbox(key="_overlap_category").set_value("fallback").run()
    assert len(table(at)) == 2
    at.selectbox(key="_overlap_category").set_value(None).run()
    assert len(table(at)) == 135


def test_occurrences_count_instead_of_tokens(open_app):
    at = open_app("overlap")
    at.segmented_control(key="_overlap_unit").set_value("corpus occurrences").run()
    assert not at.exception
    sizes = [trace["customdata"][0][1] for trace in figures(at)[0]["data"]]
    assert sum(sizes) == 25094  # n_tokens of the toy's corpus


def test_every_grouping_draws(open_app):
    at = open_app("overlap")
    for name in ("script", "length", "kind", "contributors"):
        at.segmented_control(key="_overlap_by").set_value(name).run()
        assert not at.exception, name
        assert len(figures(at)) == 2


def test_the_search_of_the_table(open_app):
    at = open_app("overlap")
    at.text_input(key="_overlap_query").set_value("maziwa").run()
    assert table(at)["token"].tolist() == ["▁maziwa"]
    at.text_input(key="_overlap_query").set_value("qqqqqqq").run()
    assert not at.exception
    assert "**0** tokens" in texts(at)


def test_choosing_a_row_opens_the_token(open_app, toy):
    at = open_app("overlap")
    at.text_input(key="_overlap_query").set_value("maziwa").run()
    target = id_of(toy, "▁maziwa")
    at.session_state[f"tokens_{toy.digest[:12]}_1_{target}_0"] = {
        "selection": {"rows": [0], "columns": [], "cells": []}
    }
    at.run()
    assert not at.exception
    assert param(at, "token") == str(target)
    assert "▁maziwa" in at.title[0].value
