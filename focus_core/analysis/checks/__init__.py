"""Numbered diagnostics of a finished run: what may be wrong with an initialisation, how much, and what to do."""
