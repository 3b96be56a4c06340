"""Measures of a run before and after training: loss, segmentation, change, alignment; one report."""

from __future__ import annotations

from focus_core.evaluation.render import render_evaluation
from focus_core.evaluation.report import evaluate_runs

__all__ = ["evaluate_runs", "render_evaluation"]
