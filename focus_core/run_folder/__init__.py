"""Reading run folders; writing them is `focus_core.store`'s."""

from __future__ import annotations

from focus_core.run_folder.folder import RunFolder, open_run
from focus_core.run_folder.layout import COLUMNS, ID_QUERY

__all__ = ["COLUMNS", "ID_QUERY", "RunFolder", "open_run"]
