"""Map: every token where its embedding lies, initialised and trained."""
