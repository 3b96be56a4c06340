"""Tokenizers: every format in one kind of object, what each token is, how lines are encoded, new ones trained."""
