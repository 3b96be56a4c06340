"""Continued training of a run: a plain torch loop that can be stopped at any moment and goes on as if it had not."""
