"""From two vocabularies and a text to new embeddings: the steps in their order, and what they result in."""
