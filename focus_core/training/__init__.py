"""Continued training of a run: a plain torch loop that can be stopped at any moment and goes on as if it had not."""

from focus_core.training.adapt import adapt_run
from focus_core.training.copy import adapt_copy
from focus_core.training_options import TrainConfig

__all__ = ["TrainConfig", "adapt_copy", "adapt_run"]
