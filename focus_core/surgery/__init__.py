"""A source and new tensors come in; a configuration, a model of the new vocabulary and a proof of it go out."""
