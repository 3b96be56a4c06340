"""Methods that learn: from shared tokens, from a text, or through the source's backbone."""
