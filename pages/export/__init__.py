"""Check and export: what leaves the app."""
