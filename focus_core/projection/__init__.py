"""Maps of a run's embeddings in the plane: everything that is compared lies in one layout, fitted once.

The only place that knows umap. Drift is never measured in the plane: `focus_core.numerics.drift` does it in the
original space.
"""
