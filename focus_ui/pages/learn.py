"""Learn: eight short chapters, each with a live picture of the current run and a task that is checked."""

from focus_ui import learn_view as view
from focus_ui.components import page_head
from focus_ui.guards import require_run
from focus_ui.learn_memory import keep_learnt

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
