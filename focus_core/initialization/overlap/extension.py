"""Extend a tokenizer: the source keeps every id, and target tokens it lacks are appended.

Two models of one kind give subwords of the model's own: scores (Unigram) or merges (BPE, over bytes or characters) come
along, WordPiece and word-level need neither. Other pairs give added tokens, which are taken out of a text before the
model sees it.

Limits
------
* A token that the source's own normaliser changes (a cased word under a lower-casing model) can never be
  produced; it is left out and counted.
* A BPE subword whose parts cannot be joined through tokens of the vocabulary is left out, unless it is a whole word
  of a byte-level model.
* Bytes that are not valid UTF-8 can be a subword of byte-level BPE only; elsewhere they are left out.
* An added token is found wherever its text stands, inside a longer word too, and the longest one wins. Where there
  are some, a SentencePiece source marks the start of the text alone, drops a space that the text begins with, and
  keeps one that it ends with.
* A text of the source's own language may be tokenized differently than before, since there are more tokens
  to choose from. Ids of the source never change.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from focus_core.errors import VocabularyError, bad_input
from focus_core.initialization.overlap.matching import Overlap, match_vocabularies
from focus_core.initialization.overlap.merges import plan_merges
from focus_core.tokenization.encoding import OUTER_SPACES
from focus_core.tokenization.identity import ALPHABET
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend
from focus_core.types import Family, MatchMode, SpecialTokenType, TokenKind

BPE_FAMILIES = (Family.BPE, Family.BYTE_LEVEL_BPE)
SPACE = "▁"
FROM_LATIN = {byte: character for character, byte in ALPHABET.items()}


@dataclass(frozen=True, kw_only=True, eq=False)
class Extension:
    """A source tokenizer with what a target tokenizer adds.

    Parameters
    ----------
    vocabulary : Vocabulary
        The extended one; ids below ``n_source`` are the source's.
    target_ids : ndarray of shape (n_mapped,), dtype int32
        Every target id that has a place in it, ascending.
    extended_ids : ndarray of shape (n_mapped,), dtype int32
        Its place: an id of the source, or a new one.
    appended : ndarray of shape (n_mapped,), dtype bool
        Whether the place is new.
    left_out : ndarray of shape (n_left_out,), dtype int32
        Target ids without a place, ascending.
    n_pieces, n_added_tokens : int
        New ids that are vocabulary pieces, and new ids that are added tokens.
    score_shift : float, default=0.0
        Unigram: what was added to the target's scores, the median difference over shared pieces.
    """

    vocabulary: Vocabulary
    target_ids: np.ndarray
    extended_ids: np.ndarray
    appended: np.ndarray
    left_out: np.ndarray
    n_pieces: int
    n_added_tokens: int
    score_shift: float = 0.0

    def __post_init__(self) -> None:
        for array in (self.target_ids, self.extended_ids, self.appended, self.left_out):
            array.setflags(write=False)

    @property
    def report(self) -> dict[str, Any]:
        """What the manifest says about the extension."""
        return {
            "n_shared": int((~self.appended).sum()),
            "n_pieces": self.n_pieces,
            "n_added_tokens": self.n_added_tokens,
            "n_left_out": len(self.left_out),
            "score_shift": self.score_shift,
        }


def extend_tokenizer(source: Vocabulary, target: Vocabulary, *, exact: Overlap | None = None) -> Extension:
    """Append to the source tokenizer what the target tokenizer has and it lacks.

    Tokens are compared by identity, special tokens by type (``MatchMode.EXACT``).

    Parameters
    ----------
    source : Vocabulary
        Its ids are kept; it must have no gaps.
    target : Vocabulary
        Gives the new tokens.
    exact : Overlap, default=None
        How they match exactly, without a user's map, where the caller knows it already.

    Returns
    -------
    Extension
        The extended tokenizer and where every target token is in it.

    Raises
    ------
    VocabularyError
        If the source has ids without a token, or one of them marks where words end.
    """
    remedy = "replace the vocabulary instead of extending it"
    for vocabulary in (source, target):
        if vocabulary.marks.word_end:
            subject, got = f"the tokenizer {vocabulary.name}", f"a mark at its end ({vocabulary.marks.word_end})"
            raise bad_input(subject, "a mark where a word begins", got, remedy, VocabularyError)
    if not source.present.all():
        gap = int(np.flatnonzero(~source.present)[0])
        subject = f"the source tokenizer {source.name}"
        raise bad_input(subject, "a token for every id", f"none for id {gap}", remedy, VocabularyError)
    overlap = exact or match_vocabularies(source, target, mode=MatchMode.EXACT)
    places = dict(zip(overlap.target_ids.tolist(), overlap.source_ids.tolist(), strict=True))
    builder = _Builder(source, target)
    builder.sort_new_tokens(overlap.new_ids.tolist(), places)
    return builder.build(places)


class _Builder:
    """Collects new tokens as pieces or added tokens, then builds the extended tokenizer."""

    def __init__(self, source: Vocabulary, target: Vocabulary) -> None:
        self.source, self.target = source, target
        self.state: dict[str, Any] = json.loads(source.backend.to_str())
        self.target_state: dict[str, Any] = json.loads(target.backend.to_str())
        self.literals = {entry["id"] for entry in self.target_state["added_tokens"]}
        self.one_kind = _are_one_kind(source, target)
        self.pieces: dict[str, int] = {}
        self.added: dict[str, int] = {}
        self.left_out: list[int] = []
        self.taken: set[int] = set()
        self.merges: list[tuple[str, str]] = []
        self.whole_words = False
        self.score_shift = 0.0

    def sort_new_tokens(self, new_ids: list[int], places: dict[int, int]) -> None:
        """Decide for every new target id whether it becomes a piece, an added token, or stays out."""
        known = self.source.ids_of_tokens
        self.taken = set(places.values())
        for i in new_ids:
            special = self.target.kind_of(i) == TokenKind.SPECIAL
            form = self.target.tokens[i] if special else self._respell(i)
            if form in known and (special or self.one_kind):
                self._offer_place(i, known[form], places)
            elif special:
                self.added[form] = i
            elif self.one_kind and i not in self.literals:
                self._offer_piece(i, form)
            else:
                self._offer_added(i)
        if self.source.family in BPE_FAMILIES and self.pieces:
            self._plan_merges()

    def _offer_place(self, i: int, place: int, places: dict[int, int]) -> None:
        """Take the place of the same string, there as another kind of token, unless a better match has it."""
        if place in self.taken:
            self.left_out.append(i)
        else:
            places[i] = place
            self.taken.add(place)

    def _respell(self, i: int) -> str:
        """Return a target token as the source's model would write it; ``""`` where it cannot."""
        start, marks = bool(self.target.word_start[i]), self.source.marks
        if self.source.family == self.target.family:
            return self.target.tokens[i]
        if marks.byte_level:
            return (b" " * start + self.target.contents[i]).decode("latin-1").translate(FROM_LATIN)
        if not self._is_text(i):
            return ""
        return marks.space * start + self.target.texts[i].replace(" ", marks.space)

    def _is_text(self, i: int) -> bool:
        return self.target.kind_of(i) == TokenKind.NORMAL

    def _offer_piece(self, i: int, form: str) -> None:
        """Take a token as a piece, unless the source's normaliser or pre-tokenizer never leaves it whole."""
        if not form or form in self.pieces or (self._is_text(i) and not self._survives(self.target.texts[i])):
            self.left_out.append(i)
        elif self._is_text(i) and not self._stays_whole(i):
            self._offer_added(i)
        else:
            self.pieces[form] = i

    def _survives(self, text: str) -> bool:
        """Whether the source's normaliser leaves a text as it is, marks of spaces apart."""
        normalizer = self.source.backend.normalizer
        if normalizer is None:
            return True
        return bool(normalizer.normalize_str(text).replace(SPACE, " ").strip() == text.replace(SPACE, " ").strip())

    def _stays_whole(self, i: int) -> bool:
        """Whether the source's pre-tokenizer gives a token to the model in one part."""
        splitter = self.source.backend.pre_tokenizer
        if splitter is None or self.source.family == Family.BPE:
            return True
        text = self.target.texts[i]
        parts = [part for part, _ in splitter.pre_tokenize_str(f" {text}" if self.target.word_start[i] else text)]
        return len([part for part in parts if part not in {SPACE, "Ġ"}]) <= 1

    def _offer_added(self, i: int) -> None:
        """Take a token as an added one; what is no text, or would be decoded wrongly, stays out."""
        text = self.target.texts[i]
        spaced = self.target.word_start[i] and self.source.family not in {Family.WORDPIECE, Family.WORDLEVEL}
        content = f" {text}" if spaced else text
        taken = content in self.added or content in self.source.ids_of_tokens
        usable = self._is_text(i) and text.strip() and self._survives(text) and self._decodes(content)
        if taken or not usable:
            self.left_out.append(i)
        else:
            self.added[content] = i

    def _decodes(self, content: str) -> bool:
        """Whether a byte-level decoder gives an added token back."""
        # subtle: it reads a token as GPT-2's alphabet wherever every character is in it, so ``ö`` becomes a lone byte.
        if not self.source.marks.byte_level or any(c not in ALPHABET for c in content):
            return True
        return content.isascii()

    def _plan_merges(self) -> None:
        """Find merges for the pieces of a BPE model."""
        # A whole word that no merges reach is found by its string, as Llama 3 does (``ignore_merges``); other pieces
        # stay out: as added tokens they would cut the words of the source's languages apart.
        merges = [(left, right) for left, right in self.state["model"]["merges"]]
        _, self.merges, unreached = plan_merges(self.state["model"]["vocab"], merges, self.pieces)
        mark = "Ġ" if self.source.marks.byte_level else self.source.marks.space
        separable = self.source.marks.byte_level or self._words_are_separable()
        for token in unreached:
            if separable and token.startswith(mark):
                self.whole_words = True
            else:
                self.left_out.append(self.pieces.pop(token))

    def _words_are_separable(self) -> bool:
        """Whether cutting a text before its word marks changes nothing: no token crosses one, nothing cuts yet."""
        mark = self.source.marks.space
        splitter = self.state.get("pre_tokenizer")
        uncut = splitter is None or (splitter["type"] == "Metaspace" and not splitter.get("split", True))
        return uncut and not any(mark in token.lstrip(mark) for token in self.source.tokens)

    def build(self, places: dict[int, int]) -> Extension:
        """Build the extended tokenizer and the map into it; pieces come before added tokens, each by target id."""
        pieces = sorted(self.pieces, key=self.pieces.__getitem__)
        added = sorted(self.added, key=self.added.__getitem__)
        n = self.source.n
        self._write_pieces(pieces)
        backend = self._load(added)
        new = {self.pieces[token]: n + k for k, token in enumerate(pieces)}
        new |= {self.added[token]: n + len(pieces) + k for k, token in enumerate(added)}
        ids = places | new
        target_ids = np.array(sorted(ids), dtype=np.int32)
        return Extension(
            vocabulary=vocabulary_from_backend(
                backend, name=f"{self.source.name} + {self.target.name}", config=self._config()
            ),
            target_ids=target_ids,
            extended_ids=np.array([ids[i] for i in target_ids.tolist()], dtype=np.int32),
            appended=np.array([i in new for i in target_ids.tolist()], dtype=bool),
            left_out=np.array(sorted(self.left_out), dtype=np.int32),
            n_pieces=len(pieces),
            n_added_tokens=len(added),
            score_shift=self.score_shift,
        )

    def _write_pieces(self, pieces: list[str]) -> None:
        """Append pieces to the model's vocabulary, after the source's own added tokens."""
        model = self.state["model"]
        if isinstance(model["vocab"], list):
            self._write_scores(pieces)
            return
        vocab = {token: i for i, token in enumerate(self.source.tokens)}
        model["vocab"] = vocab | {token: self.source.n + k for k, token in enumerate(pieces)}
        if self.source.family in BPE_FAMILIES:
            model["merges"] = [*model["merges"], *map(list, self.merges)]
            model["ignore_merges"] = bool(model.get("ignore_merges")) or self.whole_words
        if self.whole_words and not self.source.marks.byte_level:
            mark = self.source.marks.space
            words = {"type": "Split", "pattern": {"Regex": f"{mark}*[^{mark}]+|{mark}+"}, "invert": False}
            parts = [p for p in (self.state.get("pre_tokenizer"), words | {"behavior": "Isolated"}) if p]
            self.state["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": parts}

    def _write_scores(self, pieces: list[str]) -> None:
        """Append Unigram pieces with their scores, shifted onto the source's scale."""
        vocab = self.state["model"]["vocab"]
        own: dict[str, float] = dict(vocab)
        theirs: dict[str, float] = dict(self.target_state["model"]["vocab"])
        # a piece for an added token: no text reaches it, since added tokens are cut out first
        vocab += [[token, 0.0] for token in self.source.tokens[len(vocab) :]]
        ordinary = [t for t in own.keys() & theirs.keys() if own[t] < 0 and theirs[t] < 0]
        if ordinary:
            self.score_shift = float(np.median([own[token] - theirs[token] for token in ordinary]))
        vocab += [[token, theirs[token] + self.score_shift] for token in pieces]

    def _load(self, added: list[str]) -> Tokenizer:
        """Declare the added tokens and build the tokenizer."""
        n_model = len(self.state["model"]["vocab"])
        flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
        for k, content in enumerate(added):
            special = self.target.kind_of(self.added[content]) == TokenKind.SPECIAL
            self.state["added_tokens"].append({"id": n_model + k, "content": content, **flags, "special": special})
        if any(not entry["special"] for entry in self.state["added_tokens"][-len(added) :] if added):
            _mark_only_the_first(self.state)
        return Tokenizer.from_str(json.dumps(self.state))

    def _config(self) -> Mapping[str, Any]:
        """Return the source's configuration; special-token types that only the target fills are added."""
        config = dict(self.source.chat_and_config)
        for type_ in SpecialTokenType:
            i = self.target.special_token_types.get(type_)
            token = None if i is None else self.target.tokens[i]
            if type_ not in self.source.special_token_types and token in self.added:
                config[f"{type_}_token"] = token
        return config


def _mark_only_the_first(state: dict[str, Any]) -> None:
    """Let SentencePiece's word mark open the text, not every stretch after an added token."""
    # Such a stretch begins inside a word or has a space of its own; another mark would be decoded as a space.
    splitter, normalizer = state.get("pre_tokenizer") or {}, state.get("normalizer") or {}
    splits = splitter.get("pretokenizers") or [splitter]
    parts = normalizer.get("normalizers") or [normalizer]
    marks = [part["prepend"] for part in parts if part.get("type") == "Prepend"]
    for part in splits:
        if part.get("type") == "Metaspace" and (marks or part.get("prepend_scheme") == "always"):
            part["prepend_scheme"] = "first"
    if any(part.get("type") == "Metaspace" and part["prepend_scheme"] == "first" for part in splits):
        _keep_spaces(state, splits, parts)
    elif marks and not splitter:
        kept = [part for part in parts if part.get("type") != "Prepend"]
        state["normalizer"] = {"type": "Sequence", "normalizers": kept}
        first = {"type": "Metaspace", "replacement": marks[0], "prepend_scheme": "first", "split": False}
        state["pre_tokenizer"] = first


def _keep_spaces(state: dict[str, Any], splits: list[dict[str, Any]], parts: list[dict[str, Any]]) -> None:
    """Let nothing take the space off a stretch, which is all that says that a word begins behind an added token."""
    strips = [part for part in parts if part.get("type") in {"Strip", "Prepend"} or _takes_outer_spaces(part)]
    cuts = [part for part in splits if part.get("type") == "WhitespaceSplit"]
    if not strips and not cuts:
        return
    one = {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "}
    kept = [part for part in parts if part and part not in strips]
    state["normalizer"] = {"type": "Sequence", "normalizers": [*kept, *([one] if cuts else [])]}
    state["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [part for part in splits if part not in cuts]}


def _takes_outer_spaces(part: Mapping[str, Any]) -> bool:
    """Whether a normaliser's part is the one that does for a SentencePiece model what ``Strip`` does."""
    return part.get("type") == "Replace" and (part.get("pattern") or {}).get("Regex") == OUTER_SPACES


def _are_one_kind(source: Vocabulary, target: Vocabulary) -> bool:
    """Whether tokens of one model can be pieces of the other; BPE over bytes and over characters are one kind."""
    ours, theirs = source.marks, target.marks
    if source.family in BPE_FAMILIES and target.family in BPE_FAMILIES:
        return all(mark.byte_level or mark.space for mark in (ours, theirs))
    return source.family == target.family and (ours.space, ours.continuation) == (theirs.space, theirs.continuation)
