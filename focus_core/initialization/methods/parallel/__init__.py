"""Methods that learn from parallel text: its words are linked, and links of words become weights of tokens."""
