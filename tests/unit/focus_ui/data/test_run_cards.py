"""What a list of runs says of each, and in what order."""

import json
import time

import pytest

from focus_core.runs.folder import open_run
from focus_ui.data.catalog import RunEntry, RunKind
from focus_ui.data.run_cards import RunCard, Trained, category_sizes, date_words, read_card, training_names
from pages.start.gallery import BY_BITS, BY_COVER, BY_OWNER, sort_runs
from tests.tiny_runs import train_toy
from tests.toy_run import write_toy_run


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return write_toy_run(tmp_path_factory.mktemp("runs") / "toy").path


def test_a_card_holds_the_numbers_of_the_manifest(toy):
    card = read_card(toy)
    manifest = open_run(toy).manifest
    assert card.problem == ""
    assert (card.n_source, card.n_target) == (manifest["counts"]["n_source"], 135)
    assert card.overlap == pytest.approx(28 / 135)
    assert (card.combined, card.fallback) == (105, 2)
    assert card.method == "FOCUS"
    assert card.options == "match exact · preset default · seed 42"
    assert card.trained is None
    assert sum(card.sizes.values()) == 135


def test_sizes_stand_in_the_order_of_the_legend_without_empty_ones(toy):
    assert list(category_sizes(open_run(toy)).items()) == [("exact", 27), ("special", 1), ("combined", 105),
                                                           ("fallback", 2)]  # fmt: skip


@pytest.mark.parametrize("content", ["", "[]", "{", '{"schema_version": 9}', '{"schema_version": 1, "kind": "x"}'])
def test_what_is_no_run_has_a_problem_and_nothing_else(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content, "utf-8")
    card = read_card(tmp_path)
    assert card.problem
    assert card.n_target == 0
    assert read_card(tmp_path / "nothing").problem


def test_a_training_of_the_runs_own_rows_is_told_and_makes_another_card(tmp_path):
    run = write_toy_run(tmp_path / "toy")
    folder = run.path
    assert training_names(folder) == ()
    train_toy(run)
    assert len(training_names(folder)) >= 2
    told = read_card(folder).trained
    own = folder / "training" / told.name / "manifest.json"
    manifest = json.loads(own.read_text("utf-8"))
    assert manifest["run_digest"] == open_run(folder).digest, "not one that began from another initialisation"
    assert told.start == manifest["result"]["held_out_bits_start"]
    assert told.end == manifest["result"]["held_out_bits_end"]
    assert told.lines == f"{manifest['corpus']['n_held_out_lines']} held-out lines"


def test_runs_are_sorted_and_those_without_a_number_come_last():
    def entry(name):
        return RunEntry(id=name, kind=RunKind.OWN, path=None)

    entries = [entry(name) for name in "abc"]
    cards = {
        "a": RunCard(covered=0.5, trained=Trained(name="t", start=4.0, end=3.0)),
        "b": RunCard(problem="damaged"),
        "c": RunCard(covered=0.9, trained=Trained(name="t", start=4.0, end=3.5)),
    }
    assert [e.id for e in sort_runs(entries, cards, BY_OWNER)] == ["a", "b", "c"]
    assert [e.id for e in sort_runs(entries, cards, BY_COVER)] == ["c", "a", "b"]
    assert [e.id for e in sort_runs(entries, cards, BY_BITS)] == ["a", "c", "b"]


def test_the_clock_is_asked_where_no_time_is_given():
    assert date_words(time.time()) == "just now"
    assert date_words(time.time() + 5) == "just now", "clocks differ"
