"""The source's vocabulary without added tokens that its model has no embedding for.

A released tokenizer may serve several models: that of Gemma 3 declares an image token with the id after the last row of
the models that read text alone. Such a token can be neither copied nor compared, so the vocabulary is read without it.
"""

from __future__ import annotations

import dataclasses
import json

from focus_core.tokenization.parts import parse_backend
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend


def without_rowless_tokens(vocabulary: Vocabulary, n_rows: int) -> Vocabulary:
    """Return the vocabulary of a model's tokenizer without added tokens after its last row.

    Parameters
    ----------
    vocabulary : Vocabulary
        As its files say.
    n_rows : int
        Rows of the model's input embeddings.

    Returns
    -------
    Vocabulary
        The same where every id has a row, or where an id without one is no added token: then the two do not belong
        together, which is for others to say. Otherwise a vocabulary of at most ``n_rows`` ids, with a note.
    """
    beyond = {i: vocabulary.tokens[i] for i in range(n_rows, vocabulary.n) if vocabulary.present[i]}
    if not beyond or not beyond.keys() <= vocabulary.backend.get_added_tokens_decoder().keys():
        return vocabulary
    state = json.loads(vocabulary.backend.to_str())
    state["added_tokens"] = [entry for entry in state["added_tokens"] if entry["id"] < n_rows]
    vocab = state["model"]["vocab"]
    if isinstance(vocab, dict):
        state["model"]["vocab"] = {token: i for token, i in vocab.items() if i < n_rows}
    backend = parse_backend(vocabulary.name, json.dumps(state))
    kept = vocabulary_from_backend(backend, name=vocabulary.name, config=vocabulary.chat_and_config)
    shown = ", ".join(repr(token) for token in list(beyond.values())[:3]) + (" …" if len(beyond) > 3 else "")
    note = f"The source's model has no embedding for {len(beyond)} of its tokenizer's added tokens ({shown}); left out."
    return dataclasses.replace(kept, notes=(*vocabulary.notes, note))
