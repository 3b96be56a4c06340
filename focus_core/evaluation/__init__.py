"""Measures of a run before and after training: loss, segmentation, change, alignment; one report."""

from __future__ import annotations

from focus_core.evaluation.render import render_evaluation
from focus_core.evaluation.report import evaluate_runs
from focus_core.evaluation.stored import concerns, evaluate_to_folder, read_evaluation, state_name

__all__ = ["concerns", "evaluate_runs", "evaluate_to_folder", "read_evaluation", "render_evaluation", "state_name"]
