"""Learn: eight short chapters, each with a live picture of the current run and a task that is checked."""

from focus_ui.shell.guards import require_run
from focus_ui.shell.sidebar import page_head
from pages.learn import view
from pages.learn.progress import keep_learnt

page_head(
    "Learn",
    "Eight short chapters, told on the current run wherever it has what a chapter needs. Each has a picture made from "
    "the run's numbers, and ends in a task that is checked.",
)
run = require_run()
chapter = view.choose_chapter()
view.chapter_bar(chapter)
view.chapter_section(run, chapter)
view.turn_pages(chapter)
keep_learnt()
