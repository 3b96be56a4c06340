"""Sentences found by their translations: accuracy of an encoder on parallel text."""
