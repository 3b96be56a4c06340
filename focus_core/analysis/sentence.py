"""A sentence as both tokenizers of a run read it, subword above subword on the same characters.

The text is tokenized with the tokenizers that lie in the run folder, and nothing is computed anew.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.analysis.token_alignment import Placed, Span, Stretch, blocks, graphemes, links, stretches, tile
from focus_core.corpus.fertility import Segmentation, tokens_of_words, word_spans
from focus_core.models.hub import locate_tokenizer
from focus_core.runs.folder import RunFolder
from focus_core.runs.layout import SOURCE_TOKENIZER, TARGET_TOKENIZER
from focus_core.runs.tokens import TABLES, row_name
from focus_core.tokenization.display import WORD_START, mark_word_start, opens_word, show_token
from focus_core.tokenization.formats import load_backend
from focus_core.types import TokenKind

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

MAX_SENTENCE = 300
FOLDERS = {"source": SOURCE_TOKENIZER, "target": TARGET_TOKENIZER}
LABEL = 40
JOINER = "\u200d"


@dataclass(frozen=True, kw_only=True)
class Subword:
    """One token of a sentence.

    Parameters
    ----------
    id : int
        Its id in its own vocabulary.
    label, native : str
        Its readable and its native form; both have passed `show_token`.
    origin, rule : str
        Where its row came from; of a source subword, that of the row it is copied to, "" where it is copied nowhere.
    partner : int
        Id in the other vocabulary that it is copied from or to; -1 for none.
    unknown : bool
        Whether it is the unknown token: the characters are lost.
    frequency : int or None
        Occurrences in the run's corpus; ``None`` where it had none.
    links : tuple of int
        Positions of the other side's subwords that cover the same characters.
    """

    id: int
    label: str
    native: str
    origin: str
    rule: str
    partner: int
    unknown: bool
    frequency: int | None
    links: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Tokenization:
    """A sentence in the subwords of one tokenizer.

    Parameters
    ----------
    subwords : tuple of Piece
        In order, without special tokens around them.
    measures : Segmentation
        How finely it is tokenized.
    """

    subwords: tuple[Subword, ...]
    measures: Segmentation


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A sentence and its two tokenizations.

    Parameters
    ----------
    text : str
        What was read.
    source, target : Cut
        Of either tokenizer.
    stretches : tuple of Stretch
        The text from border to border; ``upper`` is the tokenization of the source.
    """

    text: str
    source: Tokenization
    target: Tokenization
    stretches: tuple[Stretch, ...]

    def shown(self, side: str, placed: Placed) -> str:
        """Return the characters of a block as one visible line.

        Parameters
        ----------
        side : {"source", "target"}
            Whose block.
        placed : Placed
            One of a stretch.

        Returns
        -------
        str
            With a leading ``▁`` where a word begins; the token's own form where it stands for no character.
        """
        block = placed.block
        subwords = getattr(self, side).subwords
        covered = self.text[block.start : block.end]
        if not covered:
            return str(subwords[block.subwords[0]].label)
        opens = bool(block.subwords) and opens_word(subwords[block.subwords[0]].label)
        if covered[0] == " " and (opens or len(covered) > 1):
            covered, opens = covered[1:], True
        if not covered:
            return WORD_START
        visible = _visible(covered)
        return mark_word_start(visible) if opens else visible


def _visible(text: str) -> str:
    """Return text as `show_token` does, but emoji that are joined of several as the one picture that they are."""
    if JOINER not in text:
        return show_token(text, limit=LABEL)
    parts = [text[begin:end] for begin, end in pairwise(graphemes(text))]
    return "".join(part if _is_joined_emoji(part) else show_token(part) for part in parts)


def _is_joined_emoji(grapheme: str) -> bool:
    """Whether several emoji, and nothing that is hidden, are joined to one."""
    bare = grapheme.replace(JOINER, "")
    return JOINER in grapheme[1:-1] and unicodedata.category(grapheme[0]) == "So" and show_token(bare) == bare


def clean_sentence(text: str) -> str:
    """Return what of a text is read: its first 300 characters, lone surrogates replaced.

    Parameters
    ----------
    text : str
        Any text, such as a part of an address.

    Returns
    -------
    str
        Valid Unicode.
    """
    return text[:MAX_SENTENCE].encode("utf-8", errors="replace").decode("utf-8")


def encode_sentence(run: RunFolder, side: str, text: str) -> Encoding:
    """Tokenize a text with one of the run's own tokenizers, which is loaded the first time.

    Parameters
    ----------
    run : RunFolder
        The run.
    side : {"source", "target"}
        Whose tokenizer.
    text : str
        The text.

    Returns
    -------
    tokenizers.Encoding
        Without special tokens around it.

    Raises
    ------
    VocabularyError
        If the run folder holds no such tokenizer.
    """
    path = run.path / FOLDERS[side]
    backend: Tokenizer = run.remember(f"tokenizer {side}", lambda: load_backend(locate_tokenizer(path)))
    return backend.encode(text, add_special_tokens=False)


def has_tokenizers(run: RunFolder) -> bool:
    """Whether a run folder holds both tokenizers."""
    return all((run.path / folder).is_dir() for folder in FOLDERS.values())


def unknown_id(run: RunFolder, side: str) -> int:
    """Return the id of the token that stands for characters unknown to a tokenizer; -1 where it has none."""
    return int(run.manifest[side]["roles"].get("unk", -1))


def read_both(run: RunFolder, sentence: str) -> Reading:
    """Read a sentence with both tokenizers of a run.

    Parameters
    ----------
    run : RunFolder
        The run.
    sentence : str
        Any text; what `clean_sentence` leaves out is not read.

    Returns
    -------
    Reading
        Both tokenizations, laid above each other.

    Raises
    ------
    VocabularyError
        If the run folder lacks a tokenizer.
    """
    text = clean_sentence(sentence)
    borders = graphemes(text)
    rows, told, spans = {}, {}, {}
    for side in FOLDERS:
        encoding = encode_sentence(run, side, text)
        kept = [k for k, i in enumerate(encoding.ids) if i < len(run.column(TABLES[side], "id"))]
        rows[side] = _rows(run, side, [encoding.ids[k] for k in kept])
        told[side] = [encoding.offsets[k] for k in kept]
        spans[side] = tile(text, told[side], [_is_bare(row) for row in rows[side]])
    tokenizations = {}
    for side, other in (("source", "target"), ("target", "source")):
        linked = links(spans[side], spans[other])
        unknown = unknown_id(run, side)
        subwords = tuple(_subword(row, ids, unknown) for row, ids in zip(rows[side], linked, strict=True))
        tokenizations[side] = Tokenization(subwords=subwords, measures=_measure(text, told[side], subwords))
    upper, lower = (blocks(text, spans[side], borders) for side in ("source", "target"))
    return Reading(text=text, stretches=tuple(stretches(upper, lower, borders)), **tokenizations)


def _rows(run: RunFolder, side: str, ids: list[int]) -> list[dict[str, Any]]:
    """Return what is known of some tokens, each looked up once; of source tokens, the row that they are copied to."""
    distinct = sorted(set(ids))
    if side == "target":
        found = {
            row["id"]: row | {"partner": row["source_id"] if row["origin"] == "copied" else -1}
            for row in run.token_rows(distinct)
        }
    else:
        copies = {row["id"]: int(row["target_id"]) for row in run.source_rows(distinct)}
        targets = sorted({i for i in copies.values() if i >= 0})
        origin = {row["id"]: {"origin": row["origin"], "rule": row["rule"]} for row in run.token_rows(targets)}
        nothing = {"origin": "", "rule": ""}
        found = {
            row["id"]: row | origin.get(copies[row["id"]], nothing) | {"partner": copies[row["id"]]}
            for row in run.source_rows(distinct)
        }
    return [found[i] for i in ids]


def _is_bare(row: dict[str, Any]) -> bool:
    """Whether a token is the mark of a word's start, or a space, and nothing else."""
    return row["kind"] == TokenKind.NORMAL and not str(row["text"]).strip()


def _subword(row: dict[str, Any], linked: tuple[int, ...], unknown: int) -> Subword:
    seen = row["frequency"]
    return Subword(
        id=int(row["id"]),
        label="–" if row["kind"] is None else row_name(row, limit=LABEL),
        native=show_token(str(row["token"]), limit=LABEL),
        origin=str(row["origin"]),
        rule=str(row["rule"]),
        partner=int(row["partner"]),
        unknown=int(row["id"]) == unknown,
        frequency=None if seen is None else int(seen),
        links=linked,
    )


def _measure(text: str, offsets: list[Span], subwords: tuple[Subword, ...]) -> Segmentation:
    """Count how finely a text is tokenized."""
    counts = tokens_of_words(word_spans(text), offsets, text)
    return Segmentation(
        n_characters=len(text),
        n_words=len(counts),
        n_tokens=len(subwords),
        n_word_tokens=int(np.sum(counts)),
        n_continued=int(np.sum(counts > 1)),
        n_unknown=sum(subword.unknown for subword in subwords),
    )
