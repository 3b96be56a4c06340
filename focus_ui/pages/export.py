"""Check and export: what the run is made of, how to make it again, and its files."""

from focus_ui import export_view as view
from focus_ui.components import page_head, warnings
from focus_ui.guards import require_run
from focus_ui.model_view import model_section

page_head("Check and export", "What this run is made of, how to make it again, and what to take away.")
run = require_run()
warnings(run)
view.checks(run)
model_section(run)
view.recipe(run)
view.downloads(run)
