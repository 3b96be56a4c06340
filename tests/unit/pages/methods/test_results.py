"""What the page Methods says of a table: the headline, the columns, the pictures."""

from __future__ import annotations

import copy

import pytest

from pages.methods.figures import curves_figure, difference_figure, standing_figure
from pages.methods.results import about_lines, cheapest, curve_rows, headline, measured, missing, table_columns
from tests.shown_comparison import KEEP, made_table


@pytest.mark.parametrize(
    ("recommendation", "words", "take"),
    [
        ({}, "A tie: overlap only and FOCUS cannot be told apart", "Take overlap only, the cheapest of them."),
        ({"tied": ["focus", "mean", "random"], "method": "mean"}, "A tie: FOCUS, mean and random cannot be told apart",
         "Take mean, the cheapest of them."),
        ({"tied": ["focus"], "method": "focus"}, "Take FOCUS", ""),
        (KEEP, "Keep your tokenizer", ""),
        ({"kind": "few-lines", "method": None, "tied": []}, "Too few lines to recommend a method", ""),
        ({"kind": "regime", "method": None, "tied": []}, "No method is recommended", ""),
    ],
)  # fmt: skip
def test_the_answer_in_a_few_words(recommendation: dict[str, object], words: str, take: str) -> None:
    table = made_table(**recommendation)
    assert headline(table) == words
    assert cheapest(table) == take


def test_measured_and_missing_methods_are_all_of_them() -> None:
    table = made_table()
    assert [entry["method"] for entry in missing(table)] == ["multivariate-normal"]
    assert len(measured(table)) + len(missing(table)) == len(table["methods"])


def test_a_row_holds_its_intervals_and_the_options_that_differ() -> None:
    table = table_columns(made_table())
    assert table["method"][:2] == ["overlap only", "FOCUS"]
    assert table["standing"][1:3] == ["tied", "worse"]
    assert table["after training"][0] == 2.051231
    assert table["its 95 %"][0] == "1.951 to 2.151"
    less = made_table()["methods"][0]["probe_minus_best"]
    assert table["simultaneous 95 %"][0] == f"{less['low']:.3f} to {less['high']:.3f}"
    assert table["option fallback"][:3] == ["normal", "normal", "script"]
    assert len({len(column) for column in table.values()}) == 1


def test_an_option_of_one_method_alone_is_a_column_of_all() -> None:
    table = made_table()
    table["methods"][0]["options"] = {"fallback": "normal", "dim": None, "extend": True}
    columns = table_columns(table)
    assert columns["option dim"][0] == "auto"
    assert columns["option extend"][0] == "yes"


def test_what_was_removed_is_counted_in_words() -> None:
    assert about_lines(made_table()).endswith("removed: 3 lines that parallel holds.")
    table = made_table()
    table["measured"]["removed"] = {"parallel": 0}
    assert about_lines(table).endswith("give the numbers.")


def test_curves_are_a_row_a_point() -> None:
    table = made_table()
    assert len(curve_rows(table)["tokens"]) == sum(len(entry["curve"]) for entry in measured(table))


def test_every_interval_lies_on_the_picture_and_the_tie_is_tinted() -> None:
    table = made_table()
    for figure, names in (
        (standing_figure(table), ("start", "probe")),
        (difference_figure(table), ("probe_minus_best",)),
    ):
        low, high = figure.layout.xaxis.range
        for entry in measured(table):
            for name in names:
                assert low <= entry[name]["low"]
                assert entry[name]["high"] <= high
        rows = [shape for shape in figure.layout.shapes if shape.type == "rect" and shape.xref == "x domain"]
        assert [(shape.y0, shape.y1) for shape in rows] == [(-0.5, 0.5), (0.5, 1.5)]


def test_whiskers_are_the_interval_around_the_value() -> None:
    table = made_table()
    marks = standing_figure(table).data[-1]
    first = measured(table)[0]["probe"]
    assert marks.x[0] + marks.error_x.array[0] == pytest.approx(first["high"])
    assert marks.x[0] - marks.error_x.arrayminus[0] == pytest.approx(first["low"])


def test_the_source_stands_in_the_picture_where_it_was_measured() -> None:
    table = made_table()
    words = [note.text for note in standing_figure(table).layout.annotations]
    assert any("2.254" in text for text in words)
    without = copy.deepcopy(table)
    without["reference"]["bits_per_character"] = None
    assert not standing_figure(without).layout.annotations


def test_every_curve_has_the_colour_and_dash_of_its_method() -> None:
    looks = [(trace.name, trace.line.color, trace.line.dash) for trace in curves_figure(made_table()).data]
    assert len(set(looks)) == len(looks) == 6


@pytest.mark.parametrize(("n_tied", "word"), [(2, "tied"), (1, "best")])
def test_one_alone_is_the_best_and_only_several_are_tied(n_tied: int, word: str) -> None:
    table = copy.deepcopy(made_table())
    for place, entry in enumerate(measured(table)):
        entry["tied"] = place < n_tied
    marked = [text for text in standing_figure(table).layout.yaxis.ticktext if text.startswith("<b>")]
    assert len(marked) == n_tied
    assert all(text.endswith(f"</b> {word}") for text in marked)


def test_one_line_is_no_lines() -> None:
    table = copy.deepcopy(made_table())
    table["measured"]["removed"] = {"corpus": 1, "parallel": 3}
    assert "1 line that corpus holds" in about_lines(table)
    assert "3 lines that parallel holds" in about_lines(table)
