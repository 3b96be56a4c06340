"""Map: every token where its embedding lies, right after initialisation and after training, in one layout."""

from focus_ui.shell.guards import require_run
from focus_ui.shell.sidebar import page_head
from pages.map.view import map_section

page_head("Map", "Every token where its embedding lies, right after initialisation and after training, in one layout.")
map_section(require_run())
