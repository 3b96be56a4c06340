"""Measures of a run before and after training: loss, segmentation, change, alignment; one report."""
