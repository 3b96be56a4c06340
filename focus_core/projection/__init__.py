"""Maps of a run's rows in the plane: everything that is compared lies in one layout, fitted once.

Owns sampling, the exact PCA, the joint UMAP and how faithful a layout is; the only place that knows umap. Refuses
to measure movement in the plane: measures come from the original space (`focus_core.movement`).
"""

from __future__ import annotations

from focus_core.projection.axes import Direction, cosine_axes
from focus_core.projection.joint_umap import joint_umap
from focus_core.projection.layout import METHODS, Layout, lay_out
from focus_core.projection.members import Member, members_of
from focus_core.projection.pca import principal_components
from focus_core.projection.project import DEFAULT_ROWS, map_name, project_run
from focus_core.projection.quality import displacement, trustworthiness
from focus_core.projection.sampling import MIN_TOKENS, frequency_sample

__all__ = [
    "DEFAULT_ROWS",
    "METHODS",
    "MIN_TOKENS",
    "Direction",
    "Layout",
    "Member",
    "cosine_axes",
    "displacement",
    "frequency_sample",
    "joint_umap",
    "lay_out",
    "map_name",
    "members_of",
    "principal_components",
    "project_run",
    "trustworthiness",
]
