"""A new token is composed: of what covers it in a text, of what its merges join, of its subwords."""
