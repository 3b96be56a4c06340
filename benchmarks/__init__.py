"""Benchmarks: each asserts equality first, then measures; ``python -m benchmarks`` runs all of them."""
