"""Reading run folders and what grew in them; writing them is `focus_core.store`'s and the later steps'."""

from __future__ import annotations

from focus_core.run_folder.additions import (
    CHANGE_COLUMNS,
    CURVE_COLUMNS,
    POINT_COLUMNS,
    ProjectionFolder,
    TrainingFolder,
    list_projections,
    list_trainings,
    new_addition,
    open_projection,
    open_training,
)
from focus_core.run_folder.folder import RunFolder, open_run
from focus_core.run_folder.layout import COLUMNS, ID_QUERY

__all__ = [
    "CHANGE_COLUMNS",
    "COLUMNS",
    "CURVE_COLUMNS",
    "ID_QUERY",
    "POINT_COLUMNS",
    "ProjectionFolder",
    "RunFolder",
    "TrainingFolder",
    "list_projections",
    "list_trainings",
    "new_addition",
    "open_projection",
    "open_run",
    "open_training",
]
