"""Methods that need one space of both vocabularies' tokens: the same lines, cut by both tokenizers, are counted."""
