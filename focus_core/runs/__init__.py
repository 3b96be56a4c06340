"""Reading run folders and what grew in them; writing them is `focus_core.runs.writer`'s and the later steps'."""
