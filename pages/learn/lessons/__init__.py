"""The chapters, their tasks and what is right; draws nothing, reads the run folder alone."""
