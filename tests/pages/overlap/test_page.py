"""The Overlap page: its bars, what a click filters, its lists, its chips, its table and its download."""

import json

import pytest
from streamlit.elements.lib import policies

from focus_core.analysis.overlap_lists import overlap_lists
from focus_ui.data.tables import token_table
from pages.overlap.filter import TABLE_ANCHOR, Filter
from pages.overlap.view import bar_rows, file_words
from tests.pages.conftest import param, texts
from tests.toy_run import altered, id_of

ENTRIES, OCCURRENCES = "vocabulary entries", "corpus occurrences"


def mixed(color, background, opacity):
    """Return a colour as it looks over a background."""
    pairs = [(int(color[i : i + 2], 16), int(background[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(opacity * front + (1 - opacity) * back):02X}" for front, back in pairs)


def luminance(color):
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def figures(at):
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]


def selection(*data):
    points = [{"customdata": list(data)}] if data else []
    return {"selection": {"points": points, "point_indices": [], "box": [], "lasso": []}}


def click(at, key, *data):
    at.session_state[key] = selection(*data)
    at.run()
    assert not at.exception


def bar(toy, generation=0, unit=ENTRIES):
    return f"bar_{toy.digest[:12]}_{unit}_{generation}"


def groups(toy, by="script", generation=0):
    return f"groups_{toy.digest[:12]}_{ENTRIES}_{by}_{generation}"


def table(at):
    return at.dataframe[0].value


def plain(label):
    return label.replace("\\", "").replace("\u2060", "")


def chips(at):
    return [plain(b.label) for b in at.button if str(b.key).startswith("_overlap_chip")]


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
    assert chips(at) == []


def test_a_click_on_the_bar_filters_the_table(open_app, toy):
    at = open_app("overlap")
    click(at, bar(toy), "both", 28, "in both")
    assert len(table(at)) == 28
    assert chips(at) == ["in both vocabularies"]
    click(at, bar(toy), "fallback", 2, "fallback")
    assert set(table(at)["origin"]) == {"fallback"}
    click(at, bar(toy))
    assert len(table(at)) == 135


def test_a_click_on_a_group_filters_by_group_and_origin(open_app, toy):
    at = open_app("overlap")
    click(at, groups(toy), "Arabic", "combined", 4)
    assert set(table(at)["script"]) == {"Arabic"}
    assert set(table(at)["origin"]) == {"combined"}
    assert at.selectbox(key="_overlap_group").value == "Arabic"
    assert chips(at) == ["combined", "script: Arabic"]


def note(at):
    """Return the words of what stands beneath the chart that was clicked, and its chips."""
    (words,) = [e.value for e in at.markdown if "The table holds" in e.value] or [""]
    return words, [plain(b.label) for b in at.button if str(b.key).startswith("_overlap_note")]


def test_a_click_says_at_once_beneath_its_chart_what_the_table_holds(open_app, toy):
    at = open_app("overlap")
    assert note(at) == ("", [])
    click(at, bar(toy), "both", 28, "in both")
    assert note(at) == ("The table holds **28** tokens:", ["in both vocabularies"])
    assert f"(#{TABLE_ANCHOR})" in texts(at)
    assert next(e.proto.anchor for e in at.header if e.value == "Tokens") == TABLE_ANCHOR
    click(at, groups(toy, generation=1), "Arabic", "combined", 4)
    assert note(at) == ("The table holds **4** tokens:", ["combined", "script: Arabic"])
    at.button(key="_overlap_note_group").click().run()
    assert note(at) == ("The table holds **105** tokens:", ["combined"])
    at.button(key="_overlap_list_same-text").click().run()
    assert note(at) == ("", []), "the list that was clicked stands right above the table"


def test_what_is_not_chosen_fades_so_little_that_it_is_read(open_app):
    at = open_app("overlap")
    for trace in (trace for figure in figures(at) for trace in figure["data"]):
        faded = trace["unselected"]
        assert 0.45 <= faded["marker"]["opacity"] < 1
        color, ink = trace["marker"]["color"], faded["textfont"]["color"]
        for background in ("#FFFFFF", "#0E1117"):
            assert contrast(mixed(color, background, faded["marker"]["opacity"]), ink) >= 3, (color, background)


def test_the_last_click_counts_on_whichever_chart(open_app, toy):
    """The group's bar gets a new key, so that it is drawn without its selection."""
    at = open_app("overlap")
    click(at, groups(toy), "Arabic", "combined", 4)
    click(at, bar(toy, generation=1), "both", 28, "in both")
    assert len(table(at)) == 28
    click(at, groups(toy, generation=1), "Arabic", "combined", 4)
    assert set(table(at)["script"]) == {"Arabic"}


def test_a_chip_takes_its_part_away(open_app, toy):
    at = open_app("overlap")
    click(at, groups(toy), "Arabic", "combined", 4)
    at.button(key="_overlap_chip_group").click().run()
    assert not at.exception
    assert chips(at) == ["combined"]
    assert len(table(at)) == 105
    at.button(key="_overlap_chip_origin").click().run()
    assert len(table(at)) == 135


def test_the_filters_work_by_hand_too(open_app):
    at = open_app("overlap")
    at.selectbox(key="_overlap_origin").set_value("fallback").run()
    assert len(table(at)) == 2
    at.selectbox(key="_overlap_origin").set_value(None).run()
    assert len(table(at)) == 135


def test_occurrences_count_instead_of_tokens(open_app, toy):
    """25,094 occurrences of target tokens; the source's have falling occurrences from 39."""
    at = open_app("overlap")
    at.segmented_control(key="_overlap_unit").set_value(OCCURRENCES).run()
    assert not at.exception
    sizes = {}
    for trace in figures(at)[0]["data"]:
        sizes.setdefault(trace["y"][0], []).append(trace["customdata"][0][1])
    assert sum(sizes["target by origin"]) == sum(sizes["text in target tokens"]) == 25094
    assert sum(sizes["text in source tokens"]) == sum(range(40))
    click(at, bar(toy, unit=OCCURRENCES), "new", 16883, "target only")
    assert len(table(at)) == 107


def test_a_run_without_a_corpus_counts_tokens_alone(toy):
    bare = altered(toy)
    bare.manifest["corpus"] = None
    assert bar_rows(bare, occurrences=True) == bar_rows(bare, occurrences=False)


def test_every_grouping_draws_and_filters(open_app, toy):
    at = open_app("overlap")
    frame = token_table(toy)
    for by in ("rule", "length", "band", "kind", "contributors", "script"):
        at.pills(key="_overlap_by").set_value(by).run()
        assert not at.exception, by
        assert len(figures(at)) == 2
        group, category = frame[by].iloc[50], frame["category"].iloc[50]
        n_rows = int(((frame[by] == group) & (frame["category"] == category)).sum())
        click(at, groups(toy, by=by), group, category, n_rows)
        assert len(table(at)) == n_rows, by


def test_bars_by_size(open_app):
    at = open_app("overlap")
    at.pills(key="_overlap_by").set_value("rule").run()
    at.segmented_control(key="_overlap_scale").set_value("sizes").run()
    exact = next(trace for trace in figures(at)[1]["data"] if trace["name"] == "copied: exact")
    shown = dict(zip(exact["y"], exact["customdata"], strict=True))
    assert shown["exact"][2:] == [27, 100]
    assert figures(at)[1]["layout"]["xaxis"].get("range") is None


def test_a_list_fills_the_table_and_goes_again(open_app, toy):
    at = open_app("overlap")
    assert "Empty here: several candidates" in texts(at)
    at.button(key="_overlap_list_same-text").click().run()
    assert not at.exception
    wanted = next(found for found in overlap_lists(toy) if found.key == "same-text")
    assert table(at)["id"].tolist() == list(wanted.ids)
    assert chips(at) == ["Read the same"]
    assert param(at, "list") == "same-text"
    at.button(key="_overlap_list_same-text").click().run()
    assert len(table(at)) == 135
    assert param(at, "list") is None


def test_a_list_says_what_it_is_and_why_it_matters(open_app):
    at = open_app("overlap")
    assert "differs only in upper and lower case" in texts(at)
    assert "**Why it matters.** Fuzzy matching would copy these embeddings." in texts(at)


def test_the_address_names_the_filter(open_app):
    at = open_app("overlap", by="length", group="1", origin="both")
    assert set(table(at)["origin"]) <= {"copied: exact", "copied: special"}
    assert chips(at) == ["in both vocabularies", "length in characters: 1"]
    assert param(at, "group") == "1"


@pytest.mark.parametrize("bad", [{"by": "nothing"}, {"group": "Klingon"}, {"origin": "x"}, {"list": "<b>"}])
def test_an_address_of_nothing_filters_nothing(open_app, bad):
    at = open_app("overlap", **bad)
    assert len(table(at)) == 135
    assert chips(at) == []


def test_the_filter_is_still_there_after_a_token(open_app, toy):
    at = open_app("overlap")
    at.button(key="_overlap_list_spelt-alike").click().run()
    (milk,) = table(at)["id"].tolist()
    at.session_state[f"tokens_{toy.digest[:12]}_1_{milk}_0"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    at.run()
    assert param(at, "token") == str(milk)
    back = open_app("overlap", user=at)
    assert table(back)["id"].tolist() == [milk]


def test_anchors_and_candidates_stand_in_the_table(open_app, toy):
    at = open_app("overlap")
    rows = table(at).set_index("id")
    assert int(rows["anchor"].sum()) == toy.manifest["counts"]["n_anchors"]
    farmer = rows.loc[id_of(toy, "▁farmer")]
    assert (bool(farmer["anchor"]), farmer["candidates"], farmer["source token"]) == (True, 1, "▁farmer")
    assert farmer["feeds"] >= 1
    assert rows.loc[id_of(toy, "▁maziwa"), "candidates"] == 0


def test_the_search_of_the_table(open_app):
    at = open_app("overlap")
    at.text_input(key="_overlap_query").set_value("maziwa").run()
    assert table(at)["token"].tolist() == ["▁maziwa"]
    assert chips(at) == ["search: maziwa"]
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


def test_the_download_names_the_filter(toy):
    wanted = Filter(by="script", group="Arabic", origin="combined", listed="unseen")
    named = file_words(toy, wanted.words(toy))
    assert named == "tokens toy-target Never in the text combined script: Arabic"


def test_words_and_heads_of_the_table_have_room(open_app, toy):
    """Words of ten letters in both columns of tokens, and the longest head, are not cut off."""
    del toy
    table = next(frame for frame in open_app("overlap").dataframe if "source token" in frame.value.columns)
    columns = json.loads(table.proto.columns)
    assert columns["token"]["width"] >= 120
    assert columns["source token"]["width"] >= 120
    assert columns["n_contributors"]["width"] >= 110


def test_a_choice_from_the_address_does_not_fight_with_a_default(open_app, monkeypatch):
    """The server would log that a widget has both; it does so once in its life."""
    logged = []
    monkeypatch.setattr(policies, "_shown_default_value_warning", False)
    monkeypatch.setattr(policies._LOGGER, "warning", lambda words, *_, **__: logged.append(words))
    at = open_app("overlap", count="occurrences", by="length", origin="both")
    assert at.session_state["_overlap_unit"] == OCCURRENCES
    at.query_params["count"] = "entries"
    at.run()
    assert at.session_state["_overlap_unit"] == ENTRIES
    at.session_state["_overlap_scale"] = "sizes"
    at.run()
    assert not at.exception
    assert logged == []
