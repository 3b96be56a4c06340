"""Headings tell how a page is built: one of the first level, which comes first, and no level is skipped below it."""

from itertools import pairwise

import pytest
from streamlit.testing.v1.element_tree import HeadingBase

from pages.learn.lessons.chapters import CHAPTERS
from tests.pages.conftest import PAGES
from tests.toy_run import id_of, write_toy_run


def levels(at):
    """Return the level of every heading, in the order of the page."""
    return [int(element.tag[1]) for element in at.main if isinstance(element, HeadingBase)]


def orderly(at):
    found = levels(at)
    assert found[:1] == [1], found
    assert found.count(1) == 1, found
    assert all(after - before <= 1 for before, after in pairwise(found)), found
    return found


@pytest.mark.parametrize("page", PAGES)
def test_no_page_skips_a_level(open_app, trained_toy, page):
    found = orderly(open_app(page))
    assert 2 in found or page in {"map"}, "every page but that of one picture has parts"


def test_no_kind_of_token_page_skips_a_level(open_app, trained_toy):
    for word in ("▁mkulima", "▁milk", "<s>"):
        assert 2 in orderly(open_app("token", token=id_of(trained_toy, word)))
    assert 2 in orderly(open_app("token", source=8))


def test_the_card_of_a_token_on_the_map_is_a_part_of_the_page(open_app, trained_toy):
    assert orderly(open_app("map", token=id_of(trained_toy, "▁maziwa"))) == [1, 2]


@pytest.mark.parametrize("number", [chapter.number for chapter in CHAPTERS])
def test_no_chapter_skips_a_level(open_app, trained_toy, number):
    assert orderly(open_app("learn", chapter=number)) == [1, 2]


@pytest.mark.parametrize("page", [page for page in PAGES if page != "data"])
def test_a_page_without_its_run_skips_none_either(open_app, page, tmp_path, monkeypatch):
    assert orderly(open_app(page, run="nothing"))[:2] == [1, 2]
    write_toy_run(tmp_path / "broken")
    (tmp_path / "broken" / "tokens.parquet").unlink()
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path))
    orderly(open_app(page))


@pytest.mark.parametrize("address", [{"token": "999999"}, {"token": "▁mkulimaa"}, {"source": "999999"}])
def test_a_token_that_is_none_is_what_the_page_is_about(open_app, toy, address):
    assert orderly(open_app("token", **address)) == [1]
