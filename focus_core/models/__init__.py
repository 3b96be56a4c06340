"""Models on disk: where each architecture keeps its embeddings, read without loading the rest."""
