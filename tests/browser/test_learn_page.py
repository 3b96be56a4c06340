"""Learn in a real browser: every chapter refuses a wrong answer and accepts a right one; links, sliders, marks."""

from __future__ import annotations

import pytest

from focus_core.runs.folder import open_run
from pages.learn.lessons.base import TaskKind
from pages.learn.lessons.chapters import CHAPTERS

WAIT_MS = 60_000


@pytest.fixture(scope="session")
def trained(folder):
    """Return the trained toy, a demo run."""
    return open_run(folder / "demo" / "trained")


def give(visitor, task, given):
    """Answer a task and press the button."""
    if task.kind is TaskKind.CHOICE:
        place = task.options.index(given)
        visitor.page.locator('[data-testid="stRadio"] label[data-baseweb="radio"], [data-testid="stRadioOption"]').nth(
            place
        ).click()
    else:
        visitor.page.get_by_label("Your answer").fill(given)
        visitor.page.get_by_label("Your answer").press("Tab")
    visitor.page.get_by_role("button", name="Check", exact=True).click()
    visitor.settle()


def answers(task):
    """Return a right and a wrong answer as one would type them."""
    if task.kind is TaskKind.CHOICE:
        return next(iter(task.answers)), next(option for option in task.options if option not in task.answers)
    if task.kind is TaskKind.NUMBER:
        return f"{task.number:.4f}", f"{task.number + 3 * task.tolerance + 1:.4f}"
    return sorted(task.answers)[0], '"><img src=https://example.org/x.png>'


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda c: c.short)
def test_a_wrong_answer_is_refused_and_a_right_one_accepted(user, trained, chapter):
    task = chapter.task(trained)
    right, wrong = answers(task)
    visitor = user(width=900 if chapter.number % 2 else 1600, scheme="dark" if chapter.number % 3 else "light")
    visitor.open("learn", run="trained", chapter=chapter.number)
    visitor.page.get_by_role("heading", name=chapter.title).wait_for(timeout=WAIT_MS)
    assert f"chapter={chapter.number}" in visitor.page.url
    give(visitor, task, wrong)
    visitor.page.get_by_text("Not yet.").wait_for(timeout=WAIT_MS)
    assert visitor.page.get_by_text("Right.").count() == 0
    give(visitor, task, right)
    visitor.page.get_by_text("Right.").wait_for(timeout=WAIT_MS)
    visitor.page.get_by_text("1 of 8 tasks solved").wait_for(timeout=WAIT_MS)


def test_from_the_door_of_the_start_page_through_the_chapters(user):
    visitor = user()
    visitor.open()
    visitor.page.locator(".st-key-doors").get_by_role("link", name="Learn").click()
    visitor.page.get_by_role("heading", name=CHAPTERS[0].title).wait_for(timeout=WAIT_MS)
    assert "chapter=1" in visitor.page.url
    for chapter in CHAPTERS[1:3]:
        visitor.page.get_by_role("button", name="Next:").click()
        visitor.page.get_by_role("heading", name=chapter.title).wait_for(timeout=WAIT_MS)
        visitor.settle()
        assert f"chapter={chapter.number}" in visitor.page.url
    visitor.page.get_by_role("button", name="7 Pitfalls").click()
    visitor.page.get_by_role("heading", name=CHAPTERS[6].title).wait_for(timeout=WAIT_MS)


def test_a_link_to_a_chapter_shows_it_to_somebody_else(user):
    first = user()
    first.open("learn", run="trained", chapter=5)
    first.page.get_by_role("button", name="Next:").click()
    first.page.get_by_role("heading", name=CHAPTERS[5].title).wait_for(timeout=WAIT_MS)
    first.settle()
    second = user()
    second.page.goto(first.page.url)
    second.page.get_by_role("heading", name=CHAPTERS[5].title).wait_for(timeout=WAIT_MS)
    second.page.get_by_text("0 of 8 tasks solved").wait_for(timeout=WAIT_MS)


def test_a_similarity_is_moved_with_keys_and_the_threshold_follows(user, trained):
    """Three similarities of 0.5 have τ = (1.5 - 1) / 3; with the third at 0.3 it is (1.3 - 1) / 3."""
    del trained
    visitor = user()
    visitor.open("learn", run="trained", chapter=5)
    chart = visitor.page.locator('[data-testid="stPlotlyChart"]').first
    chart.get_by_text("τ = 0.17").wait_for(timeout=WAIT_MS)
    thumb = visitor.page.get_by_role("slider").nth(2)
    thumb.focus()
    for _ in range(20):
        visitor.page.keyboard.press("ArrowLeft")
    chart.get_by_text("τ = 0.10").wait_for(timeout=WAIT_MS)


def test_a_sentence_of_hostile_tokens_does_nothing(user):
    visitor = user()
    visitor.open("learn", run="trained", chapter=1)
    box = visitor.page.get_by_label("A sentence, or a single word")
    box.fill("mkulima <img src=https://example.org/x.png> ![x](https://example.org/y.png) $\\alpha$ :red[z] **bold**")
    box.press("Enter")
    visitor.page.get_by_text("New tokenizer", exact=True).wait_for(timeout=WAIT_MS)
    visitor.settle()
    assert visitor.page.locator('[data-testid="stMain"] img').count() == 0
    assert visitor.page.locator('[data-testid="stMain"] .katex').count() == 0
