"""Reading a token with the source tokenizer: the mean of the embeddings of its subwords.

As FVT (Gee et al., EMNLP industry 2022), but the word start is kept, the unknown token is left out, and a token without
a subword is left to the fallback.
"""

from __future__ import annotations

import numpy as np

from focus_core.initialization.weights import SparseRows
from focus_core.tokenization.identity import ALPHABET, BYTE, SPECIAL, without_end
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import Fallback, Family, SpecialTokenType

_TO_CHARACTER = {byte: character for character, byte in ALPHABET.items()}


def fallback_rows(ids: np.ndarray, *, source: Vocabulary, target: Vocabulary, fallback: Fallback) -> SparseRows:
    """Return the rows of ``W`` of ids that fall back: those of their subwords under ``subwords``, else none."""
    return subword_weights(ids if fallback is Fallback.SUBWORDS else ids[:0], source=source, target=target)


def subword_weights(ids: np.ndarray, *, source: Vocabulary, target: Vocabulary) -> SparseRows:
    """Return a row of ``W`` for every id with source subwords: each counts equally, as often as it occurs."""
    subwords = [subword_ids(int(i), source=source, target=target) for i in ids]
    counts = np.array([len(row) for row in subwords], np.int64)
    kept = counts > 0
    flat = np.array([subword for row in subwords for subword in row], np.int32)
    weights = np.repeat(1 / np.maximum(counts, 1), counts).astype(np.float32)
    return SparseRows(
        rows=ids[kept],
        indptr=np.concatenate([[0], np.cumsum(counts[kept])]),
        source_ids=flat,
        weights=weights,
        similarities=np.full(len(flat), np.nan, np.float32),
    )


def subword_ids(token_id: int, *, source: Vocabulary, target: Vocabulary) -> list[int]:
    """Split one target token into source tokens."""
    kind, content = int(target.kinds[token_id]), without_end(target.contents[token_id], target.marks)
    word_start = bool(target.word_start[token_id])
    if kind == SPECIAL or not target.present[token_id]:
        return []
    if kind == BYTE and not source.marks.byte_level:
        names = [f"<0x{byte:02X}>" for byte in content]
        found = [source.ids_of_tokens[name] for name in names if name in source.ids_of_tokens]
        return found if source.marks.byte_pieces and len(found) == len(names) else []
    if kind == BYTE:
        return _split(source, "".join(_TO_CHARACTER[byte] for byte in b" " * word_start + content))
    return _split(source, _spell(source, content.decode(), word_start))


def _spell(source: Vocabulary, text: str, word_start: bool) -> str:
    """Write text as the source tokenizer's model reads it: normalised, with its own mark of a word start."""
    marks, normaliser = source.marks, source.backend.normalizer
    word_start = word_start and not marks.word_end  # the model itself marks where a word ends
    if normaliser is not None:
        text = normaliser.normalize_str(text)
    if marks.byte_level:
        return "".join(_TO_CHARACTER[byte] for byte in (" " * word_start + text).encode())
    if marks.space:  # the normaliser may have put a mark in front already
        body = text.replace(" ", marks.space).removeprefix(marks.space)
        return marks.space * word_start + body
    return text if word_start else marks.continuation + text


def _split(source: Vocabulary, spelled: str) -> list[int]:
    """Split with the model alone, so that no pre-tokenizer adds or takes away a word start."""
    unknown = source.special_token_types.get(SpecialTokenType.UNK)
    if not spelled:
        return []
    if source.family is Family.WORDLEVEL:
        found = source.ids_of_tokens.get(spelled)
        return [] if found is None or found == unknown else [found]
    if unknown is None and source.family in {Family.UNIGRAM, Family.WORDPIECE}:
        return []  # these models raise at the first character they do not know
    return [token.id for token in source.backend.model.tokenize(spelled) if token.id != unknown]
