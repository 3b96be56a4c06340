"""Start: what FOCUS does in one picture of the current run, and every run of this browser."""
