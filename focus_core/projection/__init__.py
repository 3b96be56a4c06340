"""Maps of a run's rows in the plane: everything that is compared lies in one layout, fitted once.

Owns sampling, the exact PCA, the joint UMAP and how faithful a layout is; the only place that knows umap. Refuses
to measure movement in the plane: measures come from the original space (`focus_core.numerics.drift`).
"""
