"""Methods: which initialisation for this model and this text, measured."""
