"""Check and export: what the run is made of, how to make it again, and everything of it that can be taken away."""

from focus_ui.shell.guards import require_run
from focus_ui.shell.sidebar import page_head, warnings
from pages.export import files, view
from pages.export.model import model_section

page_head("Check and export", "What this run is made of, how to make it again, and what to take away.")
run = require_run()
warnings(run)
view.checks(run)
files.report_section(run)
model_section(run)
files.atlas_section(run)
files.files_section(run)
view.recipe(run)
