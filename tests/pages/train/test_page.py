"""The Train page: curves, starts and tables from a run's own trainings; importing, and what is said where it fails."""

import json
import shutil

import numpy as np
import pytest

from focus_core.artifacts import write_arrays
from focus_core.numerics.drift import token_change
from focus_core.runs.additions import list_trainings, open_training
from focus_core.runs.folder import open_run
from focus_ui.data import catalog
from tests.pages.conftest import PAGES, links, param, texts
from tests.tiny_models import target_tokenizer, tiny_model
from tests.tiny_runs import add_training
from tests.toy_run import id_of, write_toy_run


def chart(at, place=0):
    return json.loads(at.get("plotly_chart")[place].proto.spec)


def values(array):
    """Return the numbers of an array of a figure, which travels as bytes or as a list."""
    if isinstance(array, dict):
        import base64

        return np.frombuffer(base64.b64decode(array["bdata"]), dtype=array["dtype"]).tolist()
    return list(array)


def unescaped(text):
    return text.replace("\\", "").replace("\u2060", "")


def test_the_share_of_kept_neighbours_is_explained_beside_the_count(open_app, trained_toy):
    """1 of 10 on the page Token is 1/19 here."""
    del trained_toy
    at = open_app("train")
    assert "1/19 = 0.05" in at.dataframe[-1].proto.columns
    assert "most changed first: by (1 − cosine) · (1 − neighbour overlap)" in texts(at)


def test_a_run_without_training_says_with_which_command_it_is_trained(open_app, toy):
    at = open_app("train")
    assert "has not been trained yet" in texts(at)
    command = at.code[0].value
    assert "-m focus_core adapt" in command
    assert "--corpus YOUR-TEXT.txt --tokens" in command
    assert "toy.txt" not in command, "a cleaned name that no folder holds"
    assert "--name first" in command
    assert str(toy.path.parent) not in command
    assert not at.get("plotly_chart")


def test_every_option_of_the_shown_command_exists(open_app):
    from typer.main import get_command

    from focus_core.cli.main import app as command_line

    words = open_app("train").code[0].value.split()
    verb = get_command(command_line).commands[words[3]]
    known = {option for parameter in verb.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_curves_of_all_methods_stand_on_one_chart(open_app, trained_toy):
    """Seeds of FOCUS end at 4.5 / 2 and 4.7 / 2 bits, their mean at 2.3; random ends at 7 / 2 (tests/tiny_runs.py)."""
    del trained_toy
    at = open_app("train")
    traces = {trace["name"]: values(trace["y"]) for trace in chart(at)["data"]}
    assert traces["FOCUS, seed 1"] == [3.0, 2.5, 2.25]
    assert traces["FOCUS, mean of 2 seeds"] == pytest.approx([3.05, 2.55, 2.3])
    assert traces["random, seed 1"] == [5.0, 4.0, 3.5]
    assert [trace["name"] for trace in chart(at)["data"] if trace["showlegend"]] == ["FOCUS", "random"]


def test_the_unit_can_be_nats(open_app, trained_toy):
    del trained_toy
    at = open_app("train")
    at.get_by_key("_train_unit").set_value("nats per token").run()
    assert not at.exception
    traces = {trace["name"]: values(trace["y"]) for trace in chart(at)["data"]}
    assert traces["FOCUS, seed 1"] == [6.0, 5.0, 4.5]
    assert "nats per token" in chart(at)["layout"]["yaxis"]["title"]["text"]


def test_the_loss_right_after_initialisation_is_a_bar_a_method_the_lowest_first(open_app, trained_toy):
    del trained_toy
    bars = chart(open_app("train"), 1)["data"][0]
    assert list(bars["y"]) == ["focus", "random"]
    assert values(bars["x"]) == pytest.approx([3.05, 5.0])


def test_charts_have_words_for_those_who_do_not_see_them(open_app, trained_toy):
    del trained_toy
    described = [element.proto.alt for element in open_app("train").get("plotly_chart")]
    assert "FOCUS from 3.00 to 2.25" in described[0]
    assert "random 5.00" in described[1]


def test_the_training_is_described_in_words(open_app, trained_toy):
    del trained_toy
    words = unescaped(texts(open_app("train")))
    assert "200 tokens, predicting masked tokens, training the embeddings first, then everything" in words
    assert "loss taken on 90 held-out lines" in words


def test_the_table_begins_with_what_drifted_most_and_a_row_opens_its_page(open_app, trained_toy):
    at = open_app("train")
    at.get_by_key("_train_frequency").set_value(0).run()
    frame = at.dataframe[-1].value
    table = open_training(trained_toy, "focus-seed-1").tokens()
    score = (1 - table["cosine"].to_numpy()) * (1 - table["kept"].to_numpy())
    assert frame["id"].tolist()[0] == int(np.argmax(score))
    assert frame["kept"].tolist()[0] == pytest.approx(table["kept"][int(np.argmax(score))].as_py())
    training = open_training(trained_toy, "focus-seed-1")
    key = f"moved_{trained_toy.digest[:12]}_{training.digest[:12]}_{len(frame)}_0"
    at.session_state[key] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    at.run()
    assert not at.exception
    assert param(at, "token") == str(frame["id"].tolist()[0])


def test_rare_tokens_are_left_out_until_asked_for(open_app, trained_toy):
    at = open_app("train")
    usual = at.dataframe[-1].value
    assert usual["frequency"].min() >= 10
    assert id_of(trained_toy, "▁nadra") not in usual["id"].tolist()
    at.get_by_key("_train_frequency").set_value(0).run()
    assert id_of(trained_toy, "▁nadra") in at.dataframe[-1].value["id"].tolist()


def test_the_table_can_show_one_origin(open_app, trained_toy):
    del trained_toy
    at = open_app("train")
    at.get_by_key("_train_category").set_value("exact").run()
    assert set(at.dataframe[-1].value["origin"]) == {"copied: exact"}


def test_a_training_from_another_initialisation_says_so(open_app, trained_toy):
    at = open_app("train")
    assert "another initialisation" not in texts(at)
    at.selectbox(key=f"_training_{trained_toy.digest[:12]}").set_value("random-seed-1").run()
    assert "It began from the embeddings of another initialisation" in texts(at)


def test_a_damaged_training_is_said_and_the_others_are_shown(open_app, trained_toy, tmp_path, monkeypatch):
    shutil.copytree(trained_toy.path, tmp_path / "demo" / "toy")
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    (tmp_path / "demo" / "toy" / "training" / "focus-seed-2" / "manifest.json").write_text("{")
    at = open_app("train")
    assert any("focus" in error.value and "JSON" in error.value for error in at.error)
    assert chart(at)["data"]


def test_a_damaged_table_ends_nothing_but_itself(open_app, trained_toy, tmp_path, monkeypatch):
    shutil.copytree(trained_toy.path, tmp_path / "demo" / "toy")
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    (tmp_path / "demo" / "toy" / "training" / "focus-seed-1" / "tokens.parquet").write_bytes(b"x")
    at = open_app("train")
    assert any("tokens" in error.value for error in at.error)
    assert len(at.get("plotly_chart")) == 2


# --- importing --------------------------------------------------------------------------------------------------


@pytest.fixture
def trained_file(toy, tmp_path):
    """Return a function that writes a matrix as safetensors and gives its bytes."""

    def write(matrix, name="input"):
        write_arrays(tmp_path / "x.safetensors", {name: matrix})
        return (tmp_path / "x.safetensors").read_bytes()

    return write


def import_file(at, data, name="mine"):
    at.file_uploader(key="_attach_upload").upload("../trained.safetensors", data, "application/octet-stream").run()
    at.text_input(key="_attach_name").set_value(name).run()
    at.button(key="_attach").click().run()
    return at


def test_an_upload_makes_a_private_copy_of_the_demo(open_app, toy, trained_file):
    trained = toy.embeddings() + np.random.default_rng(1).normal(size=toy.embeddings().shape).astype(np.float32)
    at = import_file(open_app("train"), trained_file(trained))
    assert not at.exception
    assert not at.error
    run_id = param(at, "run")
    assert run_id != "toy"
    assert list_trainings(toy) == []
    own = open_run(catalog.runs_root() / run_id)
    assert np.array_equal(open_training(own, "mine").embeddings(), trained)
    assert [entry.id for entry in catalog.own_runs(at.session_state["focus_owner"])] == [run_id]
    assert catalog.own_runs("somebody else") == []
    frame = at.dataframe[-1].value
    assert len(frame)
    assert at.get_by_key("_run_choice").value == run_id


def test_importing_into_ones_own_run_makes_no_second_copy(open_app, toy, trained_file):
    at = import_file(open_app("train"), trained_file(toy.embeddings() * 2), "first")
    run_id = param(at, "run")
    at = import_file(at, trained_file(-toy.embeddings()), "second")
    assert not at.error
    assert param(at, "run") == run_id
    assert list_trainings(open_run(catalog.runs_root() / run_id)) == ["first", "second"]
    assert len(catalog.own_runs(at.session_state["focus_owner"])) == 1


def test_what_is_imported_beside_several_trainings_is_shown_at_once(open_app, trained_file, tmp_path, monkeypatch):
    """The choice among trainings stands on the page already when the upload is imported."""
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    toy = write_toy_run(tmp_path / "demo" / "toy")
    for number, name in enumerate(("adapted", "longer")):
        rows = toy.embeddings() + np.float32(0.1 * (number + 1))
        change = token_change(toy.embeddings(), rows, present=np.ones(len(rows), bool))
        add_training(toy, name, trained=rows, changes={n: getattr(change, n) for n in ("cosine", "norm_ratio", "kept")})
    at = open_app("train")
    key = f"_training_{toy.digest[:12]}"
    assert at.get_by_key(key).value == "adapted"
    at = import_file(at, trained_file(-toy.embeddings()))
    assert not at.exception
    assert param(at, "run") != "toy"
    assert at.get_by_key(key).value == "mine"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[:-1], "134 × 8"),
        (lambda rows: rows[:, :5].copy(), "135 × 5"),
        (lambda rows: np.where(np.arange(len(rows))[:, None] == 7, np.nan, rows).astype(np.float32), "NaN"),
    ],
)
def test_embeddings_that_do_not_fit_are_refused_with_a_way_out(open_app, toy, trained_file, change, words):
    at = import_file(open_app("train"), trained_file(change(toy.embeddings())))
    assert not at.exception
    assert len(at.error) == 1
    said = unescaped(at.error[0].value)
    assert words in said
    assert "What to do" in said
    assert param(at, "run") == "toy"
    assert catalog.own_runs(at.session_state["focus_owner"]) == []
    assert [path.name for path in catalog.runs_root().glob("*")] == []


def test_no_safetensors_file_is_refused(open_app):
    at = import_file(open_app("train"), b"\x80\x04 a pickle")
    assert not at.exception
    assert at.error
    assert catalog.own_runs(at.session_state["focus_owner"]) == []


def test_a_hostile_name_is_refused(open_app, toy, trained_file):
    at = import_file(open_app("train"), trained_file(toy.embeddings()), "../../evil")
    assert any("choose another name" in error.value for error in at.error)


def test_of_several_matrices_one_is_chosen(open_app, toy, tmp_path):
    rows = toy.embeddings()
    write_arrays(tmp_path / "x.safetensors", {"a": rows, "![b](https://example.org/x.png)": rows * 3})
    at = open_app("train")
    data = (tmp_path / "x.safetensors").read_bytes()
    at.file_uploader(key="_attach_upload").upload("x.safetensors", data, "application/octet-stream").run()
    assert not at.exception
    at.selectbox(key="_attach_tensor").set_value("![b](https://example.org/x.png)").run()
    at.button(key="_attach").click().run()
    assert not at.error
    own = open_run(catalog.runs_root() / param(at, "run"))
    assert np.array_equal(open_training(own, "imported").embeddings(), rows * 3)


def test_a_checkpoint_folder_of_the_operator_is_offered_and_another_vocabulary_refused(open_app, tmp_path, monkeypatch):
    model = tiny_model("roberta", tmp_path / "offered" / "tiny")
    target_tokenizer("roberta", tmp_path / "unused")
    monkeypatch.setenv("FOCUS_LAB_PATHS", str(model.parent))
    at = open_app("train")
    at.get_by_key("_attach_from").set_value("On this server").run()
    at.selectbox(key="_attach_folder").set_value("offered/tiny").run()
    at.button(key="_attach").click().run()
    assert not at.exception
    said = unescaped(at.error[0].value)
    assert "the run's 135 tokens" in said


def test_a_run_of_somebody_else_opened_by_its_link_is_never_changed(open_app, toy, trained_file):
    write_toy_run(catalog.runs_root() / ("a" * 32))
    at = open_app("train", run="a" * 32)
    at = import_file(at, trained_file(toy.embeddings() * 2))
    assert not at.error
    assert param(at, "run") != "a" * 32
    assert list_trainings(open_run(catalog.runs_root() / ("a" * 32))) == []


# --- the other pages --------------------------------------------------------------------------------------------


def test_the_token_page_lists_neighbours_kept_lost_and_gained(open_app, trained_toy):
    at = open_app("token", token=id_of(trained_toy, "▁mkulima"))
    words = texts(at)
    assert "Before and after training" in words
    for title in ("**Kept**", "**Lost**", "**Gained**"):
        assert title in words
    near = [link for link in links(at) if "→" in link.label]
    assert len(near) >= 10
    assert all("token=" in link.query_string for link in near)


def test_the_token_page_of_an_untrained_run_says_nothing_of_training(open_app, toy):
    assert "Before and after training" not in texts(open_app("token", token=id_of(toy, "▁mkulima")))


def test_start_shows_trained_neighbours_beside_initialised_ones(open_app, trained_toy):
    del trained_toy
    at = open_app("start")
    words = texts(at)
    assert "Nearest tokens right after initialisation" in words
    assert "Nearest tokens after training" in words
    pages = {link.page for link in links(at)}
    assert {"map", "train"} <= pages


def test_every_hostile_token_has_its_neighbours_shown(open_app, trained_toy):
    """No exception, and no image, link or tag of a token reaches Markdown unescaped."""
    at = open_app("token")
    for target_id in range(0, len(trained_toy.column("tokens", "id")), 3):
        at.query_params["token"] = str(target_id)
        at.run()
        assert not at.exception, target_id
        for link in links(at):
            assert "![x](" not in link.label.replace("\\", "\0")


def test_the_chosen_training_holds_on_every_page(open_app, trained_toy, tmp_path, monkeypatch):
    folder = tmp_path / "demo" / "toy"
    shutil.copytree(trained_toy.path, folder)
    shutil.copytree(folder / "training" / "focus-seed-1", folder / "training" / "again")
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    at = open_app("train")
    key = f"_training_{trained_toy.digest[:12]}"
    at.selectbox(key=key).set_value("focus-seed-1").run()
    at.switch_page(PAGES["token"]).run()
    assert at.selectbox(key=key).value == "focus-seed-1"
