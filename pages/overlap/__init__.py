"""Overlap: what the two vocabularies share."""
