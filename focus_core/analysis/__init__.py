"""Questions to a finished run: checks, provenance, comparison, lists, sentences, the report."""
