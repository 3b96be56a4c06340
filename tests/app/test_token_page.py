"""The Token page: hand-derived numbers, every hostile token, clicks, and the way back."""

import json

import pytest

from focus_ui.token_view import source_label
from tests.app.conftest import PAGES, links, param, texts
from tests.toy_run import altered, id_of, source_id_of


def chart(at, place=0):
    """Return the figure of a chart as plotly's JSON."""
    return json.loads(at.get("plotly_chart")[place].proto.spec)


def test_contributors_stand_with_their_weights(open_app, toy):
    """``▁mkulima``: cosines 0.8 and 0.6, tau = (1.4 - 1) / 2 = 0.2, weights 0.6 and 0.4 (tests/toy_run.py)."""
    at = open_app("token", token=id_of(toy, "▁mkulima"))
    assert "▁mkulima" in at.title[0].value
    assert chart(at)["data"][0]["text"] == ["0.600", "0.400"]
    assert chart(at)["data"][1]["text"] == ["0.800", "0.600"]
    assert chart(at)["layout"]["yaxis"]["ticktext"] == ["▁farmer", "▁market"]
    assert chart(at)["layout"]["yaxis"]["type"] == "category"
    assert "0.60 e(▁farmer) + 0.40 e(▁market)" in at.code[0].value
    assert "τ = 0.200" in texts(at)


def test_corpus_lines_mark_the_token(open_app, toy):
    at = open_app("token", token=id_of(toy, "▁mkulima"))
    assert "Kila :orange-background[**mkulima**] ana shamba" in texts(at)


def test_a_copied_token_links_to_its_source(open_app, toy):
    at = open_app("token", token=id_of(toy, "▁farmer"))
    copied = [link for link in links(at) if "Source token" in link.label]
    assert f"source={source_id_of(toy, '▁farmer')}" in copied[0].query_string
    assert "copied: exact" in texts(at)


def test_a_fallback_says_how_it_was_drawn(open_app, toy):
    at = open_app("token", token=id_of(toy, "▁nadra"))
    assert "N(mean, std)" in at.code[0].value
    assert not at.get("plotly_chart")


def test_every_target_token_has_a_page_however_hostile(open_app, toy):
    """No exception, no raw token in Markdown: an image, a link or a tag of a token never reaches it unescaped."""
    at = open_app("token")
    for target_id in range(len(toy.column("tokens", "id"))):
        at.query_params["token"] = str(target_id)
        at.run()
        assert not at.exception, (target_id, toy.column("tokens", "token")[target_id])
        assert len(at.title) == 1, target_id
        for forbidden in ("![x](", "](https://", "<script>", "<img", "<b>bold"):
            assert forbidden not in at.title[0].value.replace("\\", "\0")


def test_every_source_token_has_a_page_however_hostile(open_app, toy):
    at = open_app("token")
    for source_id in range(len(toy.column("source_tokens", "id"))):
        at.query_params["source"] = str(source_id)
        at.run()
        assert not at.exception, source_id
        assert len(at.title) == 1, source_id


def test_a_source_tokens_word_start_is_read_by_its_own_tokenizers_marks(toy):
    """WordPiece marks what continues a word: with "##" as the mark, every toy token without it begins one."""
    marks = {"word_start": "", "continuation": "##"}
    run = altered(toy, manifest={"source": {"marks": marks}})
    assert source_label(run, source_id_of(toy, "ing")) == "▁ing"
    assert source_label(toy, source_id_of(toy, "ing")) == "ing"
    assert source_label(toy, source_id_of(toy, "▁farmer")) == "▁farmer"


def test_hostile_text_in_a_figure_is_escaped(open_app, toy):
    """A source token ``<b>bold</b>`` feeds or is shown as text; plotly must not read it as a tag."""
    at = open_app("token", source=source_id_of(toy, "▁milk"))
    assert "<b>" not in json.dumps(chart(at)["layout"])
    assert chart(at)["data"][0]["y"][0].isdigit()


@pytest.mark.parametrize("name", ["999999", "-1", "abc", "", "1e3", "9" * 400, "<b>"])
def test_an_unknown_token_is_said_with_a_way_out(open_app, name):
    at = open_app("token", token=name)
    assert "No such token" in texts(at)
    at.button(key="_a_token").click().run()
    assert not at.exception
    assert "No such token" not in texts(at)


@pytest.mark.parametrize("name", ["999999", "-1", "abc", ""])
def test_an_unknown_source_token_is_said_with_a_way_out(open_app, name):
    at = open_app("token", source=name)
    assert "No such source token" in texts(at)
    assert any("Back to the target token" in link.label for link in links(at))


def test_next_previous_and_random_walk_through_the_vocabulary(open_app, toy):
    first = id_of(toy, "▁mkulima")
    at = open_app("token", token=first)
    at.button(key="_Next").click().run()
    assert param(at, "token") == str(first + 1)
    at.button(key="_Previous").click().run()
    assert param(at, "token") == str(first)
    at.button(key="_Random").click().run()
    assert not at.exception
    assert toy.column("tokens", "origin")[int(param(at, "token"))] == "combined"


def test_the_walk_goes_round_at_both_ends(open_app, toy):
    last = len(toy.column("tokens", "id")) - 1
    at = open_app("token", token=0)
    at.button(key="_Previous").click().run()
    assert param(at, "token") == str(last)
    at.button(key="_Next").click().run()
    assert param(at, "token") == "0"


def test_a_click_on_a_contributor_opens_the_source_token(open_app, toy):
    target, source = id_of(toy, "▁mkulima"), source_id_of(toy, "▁farmer")
    at = open_app("token", token=target)
    key = f"token_{toy.digest[:12]}_{target}_0"
    at.session_state[key] = {
        "selection": {"points": [{"customdata": [source, "▁farmer"]}], "point_indices": [0], "box": [], "lasso": []}
    }
    at.run()
    assert not at.exception
    assert param(at, "source") == str(source)
    assert param(at, "token") == str(target)


def test_a_row_of_the_table_opens_the_source_token(open_app, toy):
    target, source = id_of(toy, "▁mkulima"), source_id_of(toy, "▁market")
    at = open_app("token", token=target)
    at.session_state[f"contributors_{toy.digest[:12]}_{target}_0"] = {
        "selection": {"rows": [1], "columns": [], "cells": []}
    }
    at.run()
    assert param(at, "source") == str(source)


def test_a_source_token_shows_what_it_feeds(open_app, toy):
    """``▁milk`` feeds ``▁maziwa`` with weight 1."""
    at = open_app("token", source=source_id_of(toy, "▁milk"))
    assert "1.000" in chart(at)["data"][0]["text"]
    assert str(id_of(toy, "▁maziwa")) in chart(at)["data"][0]["y"]


def test_the_token_is_kept_when_the_page_changes(open_app, toy):
    at = open_app("token", token=id_of(toy, "▁mkulima"))
    at.query_params.clear()
    at.switch_page(PAGES["overlap"]).run()
    at.switch_page(PAGES["token"]).run()
    assert "▁mkulima" in at.title[0].value


def test_another_run_forgets_the_token(open_app, toy, tmp_path, monkeypatch):
    at = open_app("token", token=id_of(toy, "▁mkulima"))
    at.query_params["run"] = "nothing"
    at.run()
    assert "focus_token" not in at.session_state
