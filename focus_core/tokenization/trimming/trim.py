"""Trimming a vocabulary (Ushio et al., EMNLP Findings 2023): a tokenizer without the tokens that a text does not use.

What is left is a tokenizer of the same kind with ids from 0 on. It cuts a text as before wherever the tokens of the cut
were all kept: Unigram keeps its scores, and the least of them, on which that of the unknown hangs; BPE keeps the merges
by which each kept token is made, and loses those that name a dropped one; WordPiece takes the longest token that there
is, and that one was kept. Where a dropped token stood, smaller ones stand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import setitem
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from focus_core.errors import InvalidInputError, bad_input, option, phrase
from focus_core.tokenization.identity import ALPHABET, BYTE, SPECIAL, single_bytes
from focus_core.tokenization.trimming.closure import MergeTable, needs_of, pair_of
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend

MIN_FREQUENCY = 2
"""Occurrences below which a token is dropped, unless another number is asked for."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trimmed:
    """A tokenizer cut to what a text uses.

    Parameters
    ----------
    vocabulary : Vocabulary
        The tokenizer.
    source_ids : ndarray of shape (n,), dtype int32
        The id that each of its tokens had, ascending but for tokens that were added to the model.
    report : mapping
        How many tokens there were, were used and are kept; the share of the text's tokens that are kept; the bounds.
    """

    vocabulary: Vocabulary
    source_ids: np.ndarray
    report: Mapping[str, Any]

    def __post_init__(self) -> None:
        self.source_ids.setflags(write=False)


def trim_vocabulary(
    source: Vocabulary, frequency: np.ndarray, *, vocab_size: int | None = None, min_frequency: int | None = None
) -> Trimmed:
    """Cut a tokenizer to the tokens that a text uses.

    Parameters
    ----------
    source : Vocabulary
        The tokenizer.
    frequency : ndarray of shape (n_source,), dtype int64
        Occurrences of each token in the text.
    vocab_size : int, default=None
        Most tokens that are kept, the most frequent ones; ``None``: all that are frequent enough.
    min_frequency : int, default=None
        Occurrences below which a token is dropped; ``None`` is 2.

    Returns
    -------
    Trimmed
        Special and added tokens and single bytes are kept always, and with every token what it cannot be made
        without: the parts that its merges join, its letters.

    Raises
    ------
    InvalidInputError
        If ``vocab_size`` is less than what is kept always, or the text has no token that is frequent enough.
    """
    least = MIN_FREQUENCY if min_frequency is None else min_frequency
    content = json.loads(source.backend.to_str())
    always = set(_always(source, content))
    if vocab_size is not None and vocab_size <= len(always):
        expected = f"more than {len(always):,}: the special tokens, bytes and letters that are always kept"
        raise bad_input(option("vocab_size"), expected, f"{vocab_size:,}", phrase("give more, or leave it out"))
    wanted = [i for i in np.lexsort((np.arange(source.n), -frequency)).tolist() if frequency[i] >= least]
    kept = _choose((source.tokens[i] for i in wanted), needs_of(content["model"]), always, vocab_size or source.n)
    if kept == always:
        raise _nothing(least)
    backend, ids = _without_others(content, kept, source)
    vocabulary = vocabulary_from_backend(backend, name=f"{source.name}-trimmed", config=source.chat_and_config)
    report = {
        "n_source": source.n_present,
        "n_used": int((frequency > 0).sum()),
        "n_kept": vocabulary.n,
        "kept_share": float(frequency[ids].sum() / max(1, frequency.sum())),
        "min_frequency": least,
        "vocab_size": vocab_size,
    }
    return Trimmed(vocabulary=vocabulary, source_ids=ids, report=report)


def _nothing(least: int) -> InvalidInputError:
    expected, got = f"text in which the source's tokens occur {least:,} times or more", "none that does"
    return bad_input("corpus", expected, got, phrase("give more text, or a lower {min_frequency}"))


def _always(source: Vocabulary, content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the tokens that are kept whatever the text: what no text shows, and what no text may be without."""
    names, model = source.ids_of_tokens, content["model"]
    is_kept = source.kinds == SPECIAL
    if source.marks.byte_level:
        yield from (character for character in ALPHABET if character in names)
    elif source.marks.byte_pieces:
        is_kept = is_kept | ((source.kinds == BYTE) & (single_bytes(source) >= 0))
    yield from (source.tokens[i] for i in np.flatnonzero(is_kept & source.present).tolist())
    yield from (token["content"] for token in content["added_tokens"])
    yield from (name for name, _ in _named_ids(content.get("post_processor")))
    if model["type"] == "Unigram":
        yield min(model["vocab"], key=lambda entry: entry[1])[0]
        unknown = None if model.get("unk_id") is None else model["vocab"][model["unk_id"]][0]
    else:
        unknown = model.get("unk_token")
    padding = (content.get("padding") or {}).get("pad_token")
    yield from (str(token) for token in (unknown, padding) if token in names)


def _choose(wanted: Iterable[str], needs: Callable[[str], set[str]], always: set[str], most: int) -> set[str]:
    """Return what is kept: the tokens that are wanted most, each with what it needs, while there is room."""
    kept = set(always)
    for token in wanted:
        if token in kept:
            continue
        more = ({token} | needs(token)) - kept
        if len(kept) + len(more) <= most:
            kept |= more
    return kept


def _without_others(content: dict[str, Any], kept: set[str], source: Vocabulary) -> tuple[Tokenizer, np.ndarray]:
    """Return the tokenizer of the kept tokens, and the id that each of them had, in the order of the new ids."""
    model = content["model"]
    if model["type"] == "Unigram":
        vocab = [entry for entry in model["vocab"] if entry[0] in kept]
        names = [token for token, _ in vocab]
        unknown = None if model["unk_id"] is None else names.index(model["vocab"][model["unk_id"]][0])
        model |= {"vocab": vocab, "unk_id": unknown}
    else:
        names = [token for token in sorted(model["vocab"], key=model["vocab"].get) if token in kept]
        if model["type"] == "BPE":
            model["merges"] = _merges(model, set(names))
        model["vocab"] = {token: i for i, token in enumerate(names)}
    ids = {token: i for i, token in enumerate(names)}
    for token in content["added_tokens"]:
        token["id"] = ids.setdefault(token["content"], len(ids))
    for named, place in _named_ids(content.get("post_processor")):
        place(ids[named])
    if content.get("padding"):
        content["padding"]["pad_id"] = ids[content["padding"]["pad_token"]]
    before = np.array([source.ids_of_tokens[token] for token in ids], np.int32)
    return Tokenizer.from_str(json.dumps(content)), before


def _merges(model: Mapping[str, Any], kept: set[str]) -> list[Any]:
    """Return the merges of which neither part nor what they make was dropped."""
    table = MergeTable(model)
    pairs = ((merge, pair_of(merge)) for merge in model["merges"])
    return [merge for merge, pair in pairs if {*pair, table.made(pair)} <= kept]


def _named_ids(processor: Mapping[str, Any] | None) -> Iterator[tuple[str, Callable[[int], None]]]:
    """Yield every token that a post-processor names beside its id, and what writes another id there."""
    for part in (processor, *(processor.get("processors") or ())) if processor else ():
        for name in ("sep", "cls"):
            if isinstance(part.get(name), list):
                yield part[name][0], partial(setitem, part[name], 1)
        special = part.get("special_tokens")
        for entry in special.values() if isinstance(special, Mapping) else ():
            for at, token in enumerate(entry["tokens"]):
                yield token, partial(setitem, entry["ids"], at)
