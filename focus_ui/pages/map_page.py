"""Map: every token where its row lies, right after initialisation and after training, in one layout."""

from focus_ui.components import page_head
from focus_ui.guards import require_run
from focus_ui.map_view import map_section

page_head("Map", "Every token where its row lies, right after initialisation and after training, in one layout.")
map_section(require_run())
