"""What the page Train draws: means over seeds, the order of starts, labels that keep apart."""

from __future__ import annotations

import shutil

import pytest

from focus_core.analysis.provenance.change import changed_tokens
from focus_core.runs.additions import open_training
from focus_core.runs.folder import open_run
from focus_core.runs.legend import CATEGORIES, METHOD_LOOKS, method_of
from focus_core.types import MethodName
from focus_ui.data import training_tables
from focus_ui.data.training_curves import measured_lines, measured_lines_of
from focus_ui.data.training_tables import (
    BITS,
    NATS,
    curve_points,
    curves,
    readable_trainings,
    starts,
    summary_for_unit,
    summary_rows,
    training_words,
)
from pages.train.figures import curves_figure, starts_figure
from tests.tiny_runs import add_training, train_toy
from tests.toy_run import id_of, write_toy_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "toy"
    train_toy(write_toy_run(path))
    return path


@pytest.fixture
def run(folder, tmp_path):
    return open_run(shutil.copytree(folder, tmp_path / "toy"))


def test_every_method_has_a_look_of_its_own():
    assert list(METHOD_LOOKS) == [str(name) for name in MethodName]
    assert len({look.label for look in METHOD_LOOKS.values()}) == len(METHOD_LOOKS)
    assert {look.color for look in METHOD_LOOKS.values()} == {c.color for c in CATEGORIES.values()}
    assert method_of("something new").label == "something new"


def test_own_trainings_with_a_matrix_come_first(run):
    found, errors = readable_trainings(run)
    assert [t.name for t in found] == ["focus-seed-1", "focus-seed-2", "random-seed-1"]
    assert errors == []
    (run.path / "training" / "focus-seed-2" / "manifest.json").write_text("[]")
    found, errors = readable_trainings(run)
    assert [t.name for t in found] == ["focus-seed-1", "random-seed-1"]
    assert len(errors) == 1


def test_the_mean_is_over_seeds_that_were_measured_at_the_same_points(run):
    """4.5 and 4.7 nats end in a mean of 4.6; a seed measured elsewhere leaves no mean."""
    focus, random = curves(readable_trainings(run)[0], NATS)
    assert focus.method.key == "focus"
    assert focus.mean.tolist() == pytest.approx([6.1, 5.1, 4.6])
    assert random.mean.tolist() == [10.0, 8.0, 7.0]
    add_training(run, "focus-seed-3", seed=3, losses=(6.0, 5.0, 4.0, 3.0), run_digest="0" * 64)
    focus, _ = curves(readable_trainings(run)[0], NATS)
    assert focus.mean is None
    drawn = [line for line in curves_figure([focus], unit=NATS).data if line.y[0] is not None]
    assert len(drawn) == 3


def test_names_stand_below_the_curves_in_the_order_of_their_ends(run):
    """So that they take nothing of the width; one entry a method, with the colour and the dash of its lines."""
    groups = curves(readable_trainings(run)[0], NATS)
    figure = curves_figure(groups[::-1], unit=NATS)
    named = [line for line in figure.data if line.showlegend]
    assert [line.name for line in named] == ["FOCUS", "random"]
    assert [line.legendrank for line in named] == sorted(line.legendrank for line in named)
    assert [(line.line.color, line.line.dash) for line in named] == [(g.method.color, g.method.dash) for g in groups]
    assert {line.legendgroup for line in figure.data} == {"focus", "random"}
    assert (figure.layout.legend.orientation, figure.layout.legend.yref) == ("h", "container")
    assert figure.layout.margin.r < 40
    assert not figure.layout.annotations


def test_starts_are_ordered_and_say_how_far_seeds_lie_apart(run):
    focus, random = starts(curves(readable_trainings(run)[0], BITS))
    assert (focus.method.key, focus.mean, focus.low, focus.high, focus.n_seeds) == (
        "focus", pytest.approx(3.05), 3.0, pytest.approx(3.1), 2,
    )  # fmt: skip
    assert random.mean == 5.0
    figure = starts_figure([focus, random], unit=BITS)
    assert list(figure.data[0].error_x.array) == pytest.approx([0.05, 0.0])
    assert figure.layout.yaxis.type == "category"


def test_a_curve_without_a_measurement_is_left_out(run):
    add_training(run, "empty", method="mean", losses=(float("nan"), float("nan")))
    assert [group.method.key for group in curves(readable_trainings(run)[0], NATS)] == ["focus", "random"]


def test_imported_embeddings_have_no_curve_and_say_where_they_come_from(run):
    path = add_training(
        run, "mine", kind="attached", config={}, corpus={}, result={}, trained=run.embeddings(),
        inputs=[{"name": "mine.safetensors"}],
    ).path  # fmt: skip
    (path / "curve.parquet").unlink()
    training = open_training(run, "mine")
    assert "mine.safetensors" in training_words(training)
    assert len(curves([training], NATS)) == 0
    rows = summary_rows([training])
    assert rows["ended"] == ["imported"]
    assert rows["tokens"] == [None]


def test_what_all_trainings_share_is_said_once_and_one_loss_is_enough(run):
    trainings = readable_trainings(run)[0]
    rows = summary_rows(trainings)
    columns, words = summary_for_unit(rows, BITS)
    assert "tokens" not in columns
    assert words.startswith("All of them: 200 tokens; trained: the embeddings first, then everything")
    assert {"bits at start", "bits at end"} <= set(columns)
    assert not {"loss at start", "loss at end"} & set(columns)
    assert {"loss at start", "loss at end"} <= set(summary_for_unit(rows, NATS)[0])
    alone, nothing = summary_for_unit(summary_rows(trainings[:1]), BITS)
    assert alone["tokens"] == [200]
    assert nothing == ""


def test_the_lines_of_a_loss_are_counted_beside_all_that_were_held_out(tmp_path):
    """A curve is taken on a part; where trainings differ, no number is given for all."""
    run = write_toy_run(tmp_path / "toy")
    part = add_training(run, "part", corpus={"n_held_out_lines": 785, "n_measured_lines": 366})
    whole = add_training(run, "whole", corpus={"n_held_out_lines": 785})
    silent = add_training(run, "silent", corpus={})
    assert measured_lines(part) == "366 of 785 held-out lines"
    assert measured_lines(whole) == "785 held-out lines"
    assert measured_lines(silent) == ""
    assert measured_lines_of([part, silent]) == "366 of 785 held-out lines"
    assert measured_lines_of([part, whole]) == "a part of the held-out lines"


def test_every_point_of_every_curve_is_a_row(run):
    points = curve_points(curves(readable_trainings(run)[0], BITS), BITS)
    assert len(set(map(len, points.values()))) == 1
    first = list(zip(*points.values(), strict=True))[:3]
    assert first == [
        ("focus-seed-1", "FOCUS", 1, 0, 3.0), ("focus-seed-1", "FOCUS", 1, 100, 2.5),
        ("focus-seed-1", "FOCUS", 1, 200, 2.25),
    ]  # fmt: skip


def test_a_manifest_that_says_little_is_no_obstacle(run):
    training = add_training(run, "bare", initialisation=None, config=None, corpus=None, result=None, movement=None)
    assert training_words(training) == ""
    assert summary_rows([training])["seed"] == [None]
    assert training_tables.training_label(training).startswith("bare · unknown")


def test_the_table_of_changes_keeps_its_order_and_the_runs_columns(run):
    training = open_training(run, "focus-seed-1")
    changed = changed_tokens(run, training)
    frame = training_tables.change_table(run, changed)
    assert frame["id"].tolist() == changed.id.tolist()
    row = frame[frame["id"] == id_of(run, "▁mkulima")].iloc[0]
    assert row["category"] == "combined"
    assert row["shown"] == "▁mkulima"
    few = training_tables.most_changed(frame, category="combined", min_frequency=10)
    assert set(few["category"]) == {"combined"}
    assert few["frequency"].min() >= 10
    assert few["score"].is_monotonic_decreasing
