"""Read tokenizer files into one kind of object, a ``tokenizers.Tokenizer``, and write folders of them.

The formats: ``tokenizer.json``, SentencePiece ``.model``, ``vocab.json`` + ``merges.txt``, ``vocab.txt``. Never asks
AutoTokenizer, which refuses folders whose files are sound, and never runs code of a repository.
"""

from __future__ import annotations

import json
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from focus_core.errors import phrase
from focus_core.models.hub import TokenizerFiles
from focus_core.tokenization.classes.layouts import BERT, BERT_LAYOUT, WORDPIECES
from focus_core.tokenization.classes.model_types import class_of, layout_of, roles_of
from focus_core.tokenization.merge_files import load_merges
from focus_core.tokenization.parts import (
    ITS_JSON,
    added_entries,
    check_sizes,
    check_vocabulary,
    contradiction,
    declare_added,
    not_a_tokenizer,
    parse_backend,
    read_json_object,
    read_text,
    switch_off_dropout,
    template_of,
    with_added,
)
from focus_core.tokenization.sentencepiece_model import load_sentencepiece

BERT_SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def load_backend(files: TokenizerFiles, *, notes: list[str] | None = None) -> Tokenizer:
    """Read a tokenizer from its files, whatever their format.

    Parameters
    ----------
    files : TokenizerFiles
        Found by `locate_tokenizer`.
    notes : list of str, default=None
        Gets a sentence for whatever was changed.

    Returns
    -------
    tokenizers.Tokenizer
        Without truncation, padding and BPE dropout, which belong to a use and not to a vocabulary.

    Raises
    ------
    VocabularyError
        If the files are no tokenizer, too large, or contradict themselves.
    """
    check_sizes(files)
    reader = {
        "tokenizer.json": _load_tokenizer_json,
        "sentencepiece": lambda files: load_sentencepiece(files.paths["model"], files.config, files.paths.get("vocab")),
        "gpt2": load_merges,
        "wordpiece": _load_wordpiece,
    }[files.kind]
    backend = reader(files)
    backend.no_truncation()
    backend.no_padding()
    switch_off_dropout(backend, files.name, [] if notes is None else notes)
    return backend


def _load_tokenizer_json(files: TokenizerFiles) -> Tokenizer:
    """Read a ``tokenizer.json`` of any model."""
    path = files.paths["tokenizer"]
    state = read_json_object(path)
    model = state.get("model")
    if not isinstance(model, dict) or not isinstance(model.get("vocab"), dict | list) or not model["vocab"]:
        raise not_a_tokenizer(path.name, "no model.vocab")
    if isinstance(model["vocab"], list) and not all(map(_is_piece, model["vocab"])):
        raise not_a_tokenizer(path.name, "pieces without scores")
    check_vocabulary(path.name, model["vocab"])
    backend = parse_backend(path.name, read_text(path))
    added = state.get("added_tokens") or []
    if any(backend.token_to_id(entry["content"]) != entry["id"] for entry in added):
        backend = _place_added_tokens(path.name, state)
    _add_configured(backend, files)
    return backend


def _add_configured(backend: Tokenizer, files: TokenizerFiles) -> None:
    """Add what the configuration lists with ids and the file does not have, as transformers does."""
    for i, entry in added_entries(files.config):
        token = entry["content"]
        if backend.token_to_id(token) is None:
            declare_added(backend, {"added_tokens_decoder": {str(i): entry}}, ())
            if backend.token_to_id(token) != i:
                got = (
                    f"added token {token!r} with id {i}, where the tokenizer has room for {backend.token_to_id(token)}"
                )
                raise contradiction("tokenizer_config.json", got)


def _is_piece(piece: Any) -> bool:
    """Whether a value is a piece of a Unigram model with its score."""
    return isinstance(piece, list) and len(piece) == 2 and isinstance(piece[0], str)


def _place_added_tokens(name: str, state: dict[str, Any]) -> Tokenizer:
    """Build a tokenizer whose added tokens do not follow the vocabulary, by giving them a place in it."""
    # The library ignores the ids of added tokens and counts on from the size of the model's vocabulary, so a gap before
    # them would shift every one, silently.
    vocab, added = state["model"]["vocab"], state["added_tokens"]
    if isinstance(vocab, dict):
        for entry in added:
            vocab.setdefault(entry["content"], entry["id"])
        check_vocabulary(name, vocab)
    backend = parse_backend(name, json.dumps(state))
    for entry in added:
        found = backend.token_to_id(entry["content"])
        if found != entry["id"]:
            raise contradiction(name, f"added token {entry['content']!r} with id {entry['id']}, elsewhere {found}")
    return backend


def _load_wordpiece(files: TokenizerFiles) -> Tokenizer:
    """Read ``vocab.txt``, the format of BERT: one token a line, the line's number its id."""
    path, config = files.paths["vocab"], files.config
    layout = layout_of(config, WORDPIECES)
    if layout is None:
        got, expected = f"the file of {class_of(config)}", "a vocab.txt as BERT's class reads it"
        raise not_a_tokenizer(path.name, got, expected=expected, remedy=ITS_JSON)
    layout = layout if layout.roles else BERT_LAYOUT
    lines = read_text(path).replace("\r\n", "\n").removesuffix("\n").split("\n")
    vocab = {token: i for i, token in enumerate(lines) if token}
    unknown = roles_of(layout, config).get("unk", "[UNK]")
    if unknown not in vocab or any(" " in token or "\t" in token for token in vocab):
        got = phrase("lines of another kind (text is given with {corpus})")
        raise not_a_tokenizer(path.name, got, expected=f"one WordPiece a line, {unknown} among them")
    if len(vocab) != sum(map(bool, lines)):
        twice = next(token for i, token in enumerate(lines) if token and vocab[token] != i)
        raise contradiction(path.name, f"{twice!r} on two lines")
    backend = Tokenizer(models.WordPiece(vocab=with_added(vocab, config), unk_token=unknown))
    lower = config.get("do_lower_case", not any(t != t.lower() for t in vocab if t not in BERT_SPECIALS))
    chinese = config.get("tokenize_chinese_chars", True)
    accents = config.get("strip_accents")
    backend.normalizer = normalizers.BertNormalizer(
        lowercase=bool(lower), handle_chinese_chars=bool(chinese), strip_accents=accents
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    backend.post_processor = template_of(backend, layout.template or BERT, roles_of(layout, config))
    declare_added(backend, config, BERT_SPECIALS)
    return backend
