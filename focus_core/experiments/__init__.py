"""Initialisation methods side by side on a text: what is run, what is measured, and what can be said from that."""
