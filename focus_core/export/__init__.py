"""What leaves: a model folder that `from_pretrained` loads, its card, an archive, a map for Embedding Atlas."""
