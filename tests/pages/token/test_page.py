"""The Token page: hand-derived numbers, every hostile token, clicks, and the way back."""

import dataclasses
import json

import pytest

from focus_core.analysis.provenance.baselines import start_neighbours
from focus_core.errors import RunFolderError
from focus_core.tokenization.display import show_token
from focus_ui.data.token_names import source_label
from pages.token.examples import marked_line
from pages.token.flow import Flow, FlowNode, clicked_id, flow_height, flow_option, with_rest
from pages.token.walk import problem_lists
from tests.hostile_tokens import HOSTILE_TOKENS
from tests.pages.conftest import PAGES, links, param, texts
from tests.tiny_runs import add_training, train_toy
from tests.toy_run import altered, id_of, source_id_of, toy_result, write_toy_run


def chart(at, place=0):
    """Return the figure of a chart as plotly's JSON."""
    return json.loads(at.get("plotly_chart")[place].proto.spec)


def plain(at):
    """Return the texts of a page without the marks that keep Markdown from reading them."""
    return texts(at).replace("\\", "").replace("\u2060", "")


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


def test_an_output_with_weights_of_its_own_is_told_beside_the_input(open_app, tmp_path, monkeypatch, empty_caches):
    """Its two weights are those of the input the other way round."""
    del empty_caches
    plain = toy_result()
    rows, own = plain.embeddings["input"], plain.weights
    i = plain.target.tokens.index("▁mkulima")
    data, part = own.matrix.data.copy(), slice(*own.matrix.indptr[i : i + 2])
    data[part] = data[part][::-1]
    matrix = type(own.matrix)((data, own.matrix.indices, own.matrix.indptr), shape=own.matrix.shape)
    other = dataclasses.replace(own, matrix=matrix)
    sides = {"tied": False, "embeddings": {"input": rows, "output": rows + 1}, "output_weights": other}
    write_toy_run(tmp_path / "toy", result=dataclasses.replace(plain, **sides))
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path))
    at = open_app("token", token=i)
    assert "0.60 e(▁farmer) + 0.40 e(▁market)" in at.code[0].value
    assert at.code[1].value == "output of ▁mkulima = 0.60 e(▁market) + 0.40 e(▁farmer)"
    assert "All contributors to the output" in [box.label for box in at.expander]
    assert "The output embedding has weights of its own" in texts(at)


def test_corpus_lines_mark_the_token(open_app, toy):
    at = open_app("token", token=id_of(toy, "▁mkulima"))
    assert "Kila :orange-background[**mkulima**] ana shamba" in texts(at)


def test_a_token_that_occurs_but_kept_no_line_says_so(open_app, toy):
    seen, kept = toy.column("tokens", "frequency"), set(toy.column("examples", "target_id").tolist())
    without = next(i for i in toy.column("tokens", "id").tolist() if seen[i] > 0 and i not in kept)
    at = open_app("token", token=without)
    assert f"It occurs {int(seen[without]):,} ×. No line with it was kept with this run." in texts(at)
    assert "No line with it was kept" not in texts(open_app("token", token=id_of(toy, "▁mkulima")))


def test_a_combined_token_says_what_the_method_of_its_run_combines(open_app, toy):
    words = texts(open_app("token", token=id_of(toy, "▁mkulima")))
    assert "of the shared tokens that are used alike" in words
    assert "its own subwords" not in words


def test_a_fallback_token_says_what_its_row_was_drawn_from(open_app, toy):
    words = plain(open_app("token", token=id_of(toy, "▁nadra")))
    assert (
        "Neither copied nor combined. The embedding was drawn from N(mean, std) of the source embeddings, per dimension"
        in words
    )
    assert "drawn or averaged" not in words


def test_a_combined_token_of_a_collapsed_run_is_not_praised(open_app, toy, tmp_path, monkeypatch, empty_caches):
    """The run's own report says that the space has collapsed: the first verdict warns, none is green."""
    del empty_caches
    run = write_toy_run(tmp_path / "runs" / "toy")
    manifest = json.loads((run.path / "manifest.json").read_text())
    manifest["health"] |= {"mean_cosine": 0.97, "collapsed": True, "remedy": "raise --epochs to 214"}
    (run.path / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "runs"))
    at = open_app("token", token=id_of(toy, "▁nyumba"))
    words = plain(at)
    assert "mean cosine 0.97 between new tokens and anchors (FOC011)" in words
    assert "Raise “Epochs” to 214." in words
    assert "used alike" not in words
    (told,) = [m.value for m in at.markdown if "FOC011" in m.value]
    assert told.startswith(":orange[")
    assert ":green[" not in told


def test_a_copied_token_links_to_its_source(open_app, toy):
    at = open_app("token", token=id_of(toy, "▁farmer"))
    copied = [link for link in links(at) if "Source token" in link.label]
    assert f"source={source_id_of(toy, '▁farmer')}" in copied[0].query_string
    assert "copied: exact" in texts(at)


def test_a_copied_token_shows_what_it_feeds(open_app, toy):
    """``▁farmer`` feeds ``▁mkulima`` with 0.6; one bar of its own row would say nothing."""
    at = open_app("token", token=id_of(toy, "▁farmer"))
    assert chart(at)["data"][0]["text"] == ["0.600"]
    assert chart(at)["layout"]["yaxis"]["ticktext"] == ["▁mkulima"]
    assert "No combined token takes anything from it" in texts(open_app("token", token=id_of(toy, "▁the")))


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


@pytest.mark.parametrize("name", ["999999", "-1", "+5", "qqqqqq", "", "1e3", "9" * 400, "<b>", "x" * 900, "٣"])
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


# --- a token named by its text ----------------------------------------------------------------------------------


def test_a_token_named_by_its_text_is_found_and_the_address_settles(open_app, toy):
    at = open_app("token", token="mkulima")
    assert "▁mkulima" in at.title[0].value
    assert param(at, "token") == str(id_of(toy, "▁mkulima"))


def test_a_misspelt_token_is_offered_what_is_spelt_like_it(open_app, toy):
    at = open_app("token", token="mkulmia")
    assert "mkulmia" in texts(at)
    assert "Did you mean" in texts(at)
    offered = [link for link in links(at) if f"token={id_of(toy, '▁mkulima')}" in link.query_string]
    assert "mkulima" in offered[0].label


def test_a_name_with_markup_is_shown_as_text(open_app):
    at = open_app("token", token="![x](https://example.org/x.png)q")
    assert "![x](" not in texts(at)


# --- verdicts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("▁mkulima", "One contributor has 60 %"),
        ("▁farmer", "As an anchor it feeds 1 combined embedding"),
        ("▁nadra", "Neither shared nor combined: no auxiliary vector"),
        ("[MASK]", "by its special-token type"),
    ],
)
def test_every_kind_of_token_has_a_verdict(open_app, toy, token, sentence):
    at = open_app("token", token=id_of(toy, token))
    shown = plain(at)
    assert sentence in shown
    assert any(f":material/{icon}:" in shown for icon in ("check_circle", "info", "warning"))


def test_what_training_did_is_among_the_verdicts(open_app, trained_toy):
    at = open_app("token", token=id_of(trained_toy, "▁mkulima"))
    shown = plain(at)
    assert "of its 10 nearest tokens (Jaccard" in shown
    assert "Training turned its embedding " in shown


# --- the flow ---------------------------------------------------------------------------------------------------


def option(at):
    return json.loads(at.get("echarts_chart")[0].proto.spec)


def selected(place, kind="node"):
    group = {"series_index": 0, "series_id": None, "series_name": None, "data_type": kind, "data_indices": [place]}
    return {"selection": {"selected": [group], "areas": []}}


def as_flow(at):
    at.session_state["_token_shape"] = "flow"
    at.run()
    assert not at.exception
    return at


def test_the_flow_shows_the_contributors_with_their_weights(open_app, toy):
    at = as_flow(open_app("token", token=id_of(toy, "▁mkulima")))
    series = option(at)["series"][0]
    assert [node["name"] for node in series["data"]] == ["▁mkulima", "▁farmer  0.600", "▁market  0.400"]
    assert [link["value"] for link in series["links"]] == [pytest.approx(0.6), pytest.approx(0.4)]
    assert {link["target"] for link in series["links"]} == {"▁mkulima"}
    assert series["data"][1]["itemStyle"]["color"] == "#1C5FD0", "the colour of a copied row"
    assert "▁farmer 0.60" in at.get("echarts_chart")[0].proto.alt


@pytest.mark.parametrize(("place", "kind"), [(2, "node"), (1, "edge")])
def test_a_click_on_a_node_or_a_ribbon_opens_the_source_token(open_app, toy, place, kind):
    target = id_of(toy, "▁mkulima")
    at = as_flow(open_app("token", token=target))
    at.session_state[f"token_{toy.digest[:12]}_{target}_flow_0"] = selected(place, kind)
    at.run()
    assert not at.exception
    assert param(at, "source") == str(source_id_of(toy, "▁market"))


def test_a_source_token_flows_into_what_it_feeds(open_app, toy):
    source = source_id_of(toy, "▁farmer")
    at = as_flow(open_app("token", source=source))
    series = option(at)["series"][0]
    assert [node["name"] for node in series["data"]] == ["▁farmer", "▁mkulima  0.600"]
    assert series["links"][0]["source"] == "▁farmer"
    at.session_state[f"fed_{toy.digest[:12]}_{source}_flow_0"] = selected(1)
    at.run()
    assert param(at, "token") == str(id_of(toy, "▁mkulima"))
    assert param(at, "source") is None


def node(i, weight=0.1, label="x"):
    return FlowNode(id=i, label=label, weight=weight, color="#000000")


def test_more_than_fit_are_one_node_that_leads_nowhere():
    others = with_rest([node(i, 0.1) for i in range(9)], most=6)
    assert [n.id for n in others] == [0, 1, 2, 3, 4, 5, None]
    assert others[-1].label == "3 more"
    assert others[-1].weight == pytest.approx(0.3)
    flow = Flow(label="y", color="#000000", others=others, inward=True)
    assert clicked_id(selected(7)["selection"], flow) is None
    assert clicked_id(selected(0)["selection"], flow) is None, "the token itself"
    assert clicked_id(selected(6, "edge")["selection"], flow) is None
    assert clicked_id(selected(99)["selection"], flow) is None
    assert clicked_id({"selected": [], "areas": []}, flow) is None
    assert clicked_id(selected(3)["selection"], flow) == 2
    assert with_rest([node(1)], most=6) == (node(1),)


def test_two_tokens_that_look_alike_stay_two_nodes():
    flow = Flow(label="x", color="#000000", others=(node(1), node(2), node(3)), inward=False)
    names = [n["name"] for n in flow_option(flow)["series"][0]["data"]]
    assert len(set(names)) == 4
    assert flow_height(flow) > 100


@pytest.mark.parametrize("token", HOSTILE_TOKENS, ids=range(len(HOSTILE_TOKENS)))
def test_no_hostile_token_stands_in_a_template_of_the_flow(token):
    """ECharts reads braces in formatters and HTML in tooltips made by them; a name is neither."""
    shown = show_token(token)
    flow = Flow(label=shown, color="#000000", others=(node(1, label=shown), node(2, label=shown)), inward=True)
    found = flow_option(flow)
    json.dumps(found).encode()
    assert "formatter" not in json.dumps({**found, "series": [{**found["series"][0], "data": [], "links": []}]})
    assert len({n["name"] for n in found["series"][0]["data"]}) == 3


# --- the walk ---------------------------------------------------------------------------------------------------


def test_next_problem_walks_the_lists_and_says_where_it_is(open_app, toy):
    at = open_app("token", token=id_of(toy, "▁mkulima"))
    assert "What to do" not in texts(at), "no list is made before somebody asks"
    at.button(key="_next_problem").click().run()
    assert not at.exception
    entry = next(iter(problem_lists(toy).values()))
    assert f"**1 of {len(entry.ids)}" in texts(at)
    assert param(at, "source" if entry.side == "source" else "token") == str(entry.ids[0])
    at.button(key="_next_problem").click().run()
    assert param(at, "source" if entry.side == "source" else "token") == str(entry.ids[1 % len(entry.ids)])
    at.button(key="_previous_problem").click().run()
    assert f"**1 of {len(entry.ids)}" in texts(at)
    at.button(key="_walk_end").click().run()
    assert "Problem to walk through" not in [box.label for box in at.selectbox]


@pytest.mark.parametrize("key", ["diffuse", "length", "one-contributor"])
def test_another_problem_is_walked_from_its_first_token(open_app, toy, key):
    entry = problem_lists(toy)[key]
    at = open_app("token", token=id_of(toy, "▁mkulima"))
    at.button(key="_next_problem").click().run()
    at.selectbox(key=f"_walk_list_{toy.digest[:12]}").set_value(key).run()
    assert not at.exception
    assert param(at, "token") == str(entry.ids[0])
    assert entry.measure in texts(at)


def test_a_list_of_source_tokens_is_walked_on_their_pages(open_app, toy, monkeypatch):
    from focus_core.analysis.token_list import TokenList

    ids = (source_id_of(toy, "▁milk"), source_id_of(toy, "▁farmer"))
    hubs = TokenList(key="FOC003", title="Hubs", meaning="m", remedy="r", side="source", ids=ids)
    monkeypatch.setattr("pages.token.walk.problem_lists", lambda run: {"FOC003": hubs})
    at = open_app("token", token=id_of(toy, "▁mkulima"))
    at.button(key="_next_problem").click().run()
    assert param(at, "source") == str(ids[0])
    assert "**1 of 2**" in texts(at)
    at.button(key="_next_problem").click().run()
    assert param(at, "source") == str(ids[1])


def test_a_run_in_which_nothing_stands_out_says_so(open_app, toy, monkeypatch):
    monkeypatch.setattr("pages.token.walk.problem_lists", lambda run: {})
    at = open_app("token", token=id_of(toy, "▁mkulima"))
    at.button(key="_next_problem").click().run()
    assert "No token stands out" in texts(at)
    at.button(key="_walk_end").click().run()
    assert "No token stands out" not in texts(at)


def test_a_damaged_run_is_said_when_its_lists_are_asked_for(open_app, tmp_path, monkeypatch):
    run = write_toy_run(tmp_path / "demo" / "toy")
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    at = open_app("token", token=id_of(run, "▁mkulima"))

    def damaged(run):
        raise RunFolderError("tokens.parquet is damaged")

    monkeypatch.setattr("pages.token.walk.problem_lists", damaged)
    at.button(key="_next_problem").click().run()
    assert not at.exception
    assert "is damaged" in plain(at)


# --- neighbours -------------------------------------------------------------------------------------------------


def test_neighbours_stand_beside_those_of_a_random_and_of_the_mean_row(open_app, toy):
    target = id_of(toy, "▁mkulima")
    at = open_app("token", token=target)
    assert "Nearest tokens in the model" in texts(at)
    for found in start_neighbours(toy, target):
        for near in found.neighbours:
            same = [x for x in links(at) if f"token={near.id}" in x.query_string and f"{near.cosine:.2f}" in x.label]
            assert same, (found.method, near.id)


def test_after_training_the_page_names_it_and_counts_what_each_start_had(open_app, trained_toy):
    at = open_app("token", token=id_of(trained_toy, "▁mkulima"))
    shown = plain(at)
    assert "Training shown: **focus-seed-1 · FOCUS, seed 1" in shown
    assert "a random embedding would have had" in shown
    assert all(
        title in shown for title in ("**Kept**", "**Lost**", "**Gained**", "**Random embedding**", "**Mean embedding**")
    )


def test_among_several_trainings_one_is_chosen_and_named(open_app, tmp_path, monkeypatch):
    run = write_toy_run(tmp_path / "demo" / "toy")
    train_toy(run)
    add_training(run, "second", trained=run.embeddings())
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    at = open_app("token", token=id_of(run, "▁mkulima"))
    box = next(b for b in at.selectbox if b.label == "Training")
    box.set_value("second").run()
    assert not at.exception
    shown = plain(at)
    assert "Training shown: **second" in shown
    assert "Training kept 10 of its 10 nearest tokens (Jaccard 1.00)." in shown


def test_a_damaged_training_is_said_and_the_rest_of_the_page_stands(open_app, tmp_path, monkeypatch):
    run = write_toy_run(tmp_path / "demo" / "toy")
    train_toy(run)
    (run.path / "training" / "focus-seed-1" / "tokens.parquet").write_bytes(b"no table")
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    at = open_app("token", token=id_of(run, "▁mkulima"))
    assert "What training did cannot be read" in plain(at)
    assert "Before and after training" in plain(at)


# --- corpus lines -----------------------------------------------------------------------------------------------


def test_a_line_from_right_to_left_is_one_isolate_with_its_mark_inside():
    line = marked_line("قال أمامهم اليوم", "أمامهم", color="orange", word_start=True)
    assert line == "\u2068قال :orange-background[**أمامهم**] اليوم\u2069"


def test_a_mark_inside_an_arabic_word_leaves_its_letters_joined():
    line = marked_line("بطيء", "طي", color="orange")
    assert line == "\u2068ب\u200d:orange-background[**\u200dطي\u200d**]\u200dء\u2069"


def test_the_characters_of_a_byte_token_are_marked():
    assert marked_line("ein é", "<0xA9>", color="blue", kind="byte") == "ein :blue-background[**é**]"


def test_a_line_that_does_not_hold_the_token_is_shown_without_a_mark():
    assert marked_line("nothing", "zebra", color="blue") == "nothing"


@pytest.mark.parametrize("token", HOSTILE_TOKENS, ids=range(len(HOSTILE_TOKENS)))
def test_no_hostile_line_is_markup(token):
    shown = marked_line(f"a {token} b", token, color="orange", word_start=True)
    for forbidden in ("![x](", "](https://", "<script>", "<img", "<b>bold"):
        assert forbidden not in shown.replace("\\", "\0")


# --- files ------------------------------------------------------------------------------------------------------


def test_tables_can_be_downloaded_as_csv(open_app, toy):
    at = open_app("token", token=id_of(toy, "▁mkulima"))
    names = [e.proto.label for e in at.get("download_button")]
    assert "CSV" in names
    at = open_app("token", source=source_id_of(toy, "▁farmer"))
    assert "CSV" in [e.proto.label for e in at.get("download_button")]
