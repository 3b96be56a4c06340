"""Data and run: inputs, what a run would make of them, the run itself."""
