"""A sentence in the tokens of two tokenizers, linked: an element drawn by its own script."""
