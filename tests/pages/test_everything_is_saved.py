"""Every chart and every table of every page has the button that saves it, and its numbers make a file."""

import numpy as np
import pytest

from focus_ui.charts.csv_export import csv_bytes
from pages.learn import pictures as learn_pictures
from pages.learn.lessons.chapters import CHAPTERS
from tests.pages.conftest import PAGES

NUMBERS = [chapter.number for chapter in CHAPTERS]


def saved(at):
    return {button.key for button in at.get("download_button")}


def charts(at):
    return [chart.proto.id for chart in at.get("plotly_chart")]


def unsaved_charts(at):
    keys = [key.removeprefix("_html_") for key in saved(at) if key.startswith("_html_")]
    return [chart for chart in charts(at) if not any(chart.endswith(f"-{key}") for key in keys)]


@pytest.fixture
def learnt(monkeypatch):
    """Return the tables that Learn offers, by the name of their file."""
    tables = {}
    draw_chart, save_table = learn_pictures.draw_chart, learn_pictures.save_table

    def chart(figure, *, key, alt, name, table):
        tables[name] = dict(table())
        draw_chart(figure, key=key, alt=alt, name=name, table=table)

    def rows(table, *, key, name):
        tables[name] = dict(table())
        save_table(table, key=key, name=name)

    monkeypatch.setattr(learn_pictures, "draw_chart", chart)
    monkeypatch.setattr(learn_pictures, "save_table", rows)
    return tables


@pytest.mark.parametrize("page", PAGES)
def test_every_chart_and_table_of_a_page_is_saved(open_app, trained_toy, page):
    at = open_app(page)
    assert unsaved_charts(at) == []
    assert len([key for key in saved(at) if "csv" in key]) >= len(at.dataframe)


@pytest.mark.parametrize("number", NUMBERS)
def test_every_picture_of_a_chapter_is_saved_with_its_numbers(open_app, trained_toy, learnt, number):
    at = open_app("learn", chapter=number)
    assert unsaved_charts(at) == []
    assert len([key for key in saved(at) if key.startswith("_csv_")]) == len(charts(at)) + len(at.dataframe)
    assert len(learnt) == len(charts(at)) + len(at.dataframe) >= (number > 1)
    for table in learnt.values():
        assert len(csv_bytes(table).splitlines()) > 1


@pytest.mark.parametrize("shown", ["Hubs", "Space"])
def test_every_trouble_is_saved_too(open_app, trained_toy, learnt, shown):
    at = open_app("learn", chapter=7)
    next(control for control in at.get("button_group") if control.label == "What to look at").set_value(shown).run()
    assert not at.exception
    assert unsaved_charts(at) == []
    assert len(learnt) == 2


def test_saved_numbers_are_those_of_the_picture(open_app, trained_toy, learnt):
    open_app("learn", chapter=6)
    name = next(name for name in learnt if name.endswith("as a sum"))
    rows = np.array([values for column, values in learnt[name].items() if column.startswith("dimension")])
    np.testing.assert_allclose(rows[:, :-1].sum(axis=1), rows[:, -1], atol=1e-3)
    assert learnt[name]["term"][-1].endswith("as it is stored")
    weights = learnt[name]["weight"]
    assert weights[-1] is None
    assert sum(weights[:-1]) == pytest.approx(1, abs=1e-3)
    open_app("learn", chapter=8)
    kept = learnt["neighbours that stayed"]
    assert kept["from"] == [n - 0.5 for n in range(len(kept["to"]))]
    assert kept["to"] == [n + 0.5 for n in range(len(kept["to"]))]
