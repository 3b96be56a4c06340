"""The token stream: what is counted of a text in one pass, example lines, and names that fastText cannot mangle."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from focus_core.corpus.corpus import Corpus, empty_corpus, iter_batches
from focus_core.corpus.readers import refuse
from focus_core.errors import VocabularyError, bad_input
from focus_core.initialization.auxiliary.counting import PairCounter, PairCounts
from focus_core.initialization.auxiliary.example_lines import ExampleLines
from focus_core.tokenization.encoding import EncodedLines, LineEncoder, make_encoder
from focus_core.tokenization.identity import SPECIAL
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import KINDS, ProgressHook, SpecialTokenType, TokenKind, no_progress

ESCAPE = "␛"
"""Begins the name of a token that fastText would not read as it is."""
MAX_ROW = 1024
"""Tokens that fastText takes from one line; a longer one is written as several."""
TYPICAL_SHARE = 0.5
"""Characters a token of text in the right language has at least, of those a token of the vocabulary has."""
UNKNOWN_SHARE = 0.01

PICTURES = {" ": "␠", "\t": "␉", "\n": "␊", "\v": "␋", "\f": "␌", "\r": "␍", "\0": "␀"}
_MANGLED = re.compile(r"[ \t\n\v\f\r\0]|^</s>$|^__label__|^␛|^$")


def escape_name(token: str) -> str:
    """Return the name of a token in fastText's input; nearly always the token itself.

    fastText splits at ASCII white space and NUL, reads ``</s>`` as the end of a line and ``__label__...`` as a
    label. Such a token is written as ``␛`` and itself, with pictures for the characters that split
    (``␠`` for a space) and ``␛`` before any picture that was in it. A token that begins with ``␛`` is
    escaped too, so that no two tokens share a name.

    Examples
    --------
    >>> escape_name("▁kitabu"), escape_name("</s>"), escape_name("a b")
    ('▁kitabu', '␛</s>', '␛a␠b')
    """
    if not _MANGLED.search(token):
        return token
    pictures = {c: ESCAPE + c for c in (ESCAPE, *PICTURES.values())} | PICTURES
    return ESCAPE + "".join(pictures.get(character, character) for character in token)


def token_names(vocabulary: Vocabulary) -> list[bytes]:
    """Return the name of every id in fastText's input, as UTF-8; gaps included."""
    return [escape_name(token).encode() for token in vocabulary.tokens]


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenStream:
    """A tokenised corpus: what was counted of it, and fastText's input where that was written.

    Parameters
    ----------
    frequency : ndarray of shape (n_target,), dtype int64
        Occurrences of each id.
    n_lines, n_characters, n_bytes, n_tokens : int
        Size of the text; bytes are those of its UTF-8 form, without line ends.
    unknown : int
        Occurrences of the unknown token.
    digest : str
        SHA-256 of what vectors are made from: the names, or the counts of pairs; empty where there is neither.
    path : Path, default=None
        One corpus line a line, token names separated by a space; ``None`` where no names were written.
    pairs : PairCounts, default=None
        Counts of tokens near each other; ``None`` where they were not asked for.
    examples : list of (int, str)
        At most three lines an id, sorted by id, shortest first; empty where they were not asked for.
    source_frequency : ndarray of shape (n_source,), dtype int64, default=None
        Occurrences of each id of the source; ``None`` where no source was given.
    """

    frequency: np.ndarray
    n_lines: int
    n_characters: int
    n_bytes: int
    n_tokens: int
    unknown: int
    digest: str
    path: Path | None = None
    pairs: PairCounts | None = None
    examples: list[tuple[int, str]] = field(default_factory=list)
    source_frequency: np.ndarray | None = None

    @property
    def characters_per_token(self) -> float:
        """Characters of text that one token stands for."""
        return self.n_characters / max(1, self.n_tokens)

    @property
    def unknown_share(self) -> float:
        """Share of the tokens that are the unknown token."""
        return self.unknown / max(1, self.n_tokens)


class _Reader:
    """Counts batches of lines, and writes or counts what vectors are made from."""

    def __init__(
        self, vocabularies: Sequence[Vocabulary], names: _NamesWriter | None, pairs: PairCounter | None, examples: bool
    ) -> None:
        self._vocabulary = vocabulary = vocabularies[0]
        self._names, self._pairs = names, pairs
        self._examples = ExampleLines(vocabulary.texts) if examples else None
        self._counts = [np.zeros(one.n, dtype=np.int64) for one in vocabularies]
        self.n_lines = self.n_characters = self.n_bytes = 0

    def add(self, lines: Sequence[str], encoded: Sequence[EncodedLines]) -> None:
        """Count a batch as each vocabulary reads it, and take up how the first does."""
        for counts, found in zip(self._counts, encoded, strict=True):
            counts += np.bincount(found.ids, minlength=counts.size)
        text = "".join(lines)
        self.n_lines += len(lines)
        self.n_characters += len(text)
        self.n_bytes += len(text.encode())
        if self._names is not None:
            self._names.add(encoded[0])
        if self._pairs is not None:
            self._pairs.add(encoded[0].ids, encoded[0].line_of)
        if self._examples is not None:
            self._examples.add(lines, encoded[0])

    def finish(self, path: Path | None) -> TokenStream:
        """Return the stream."""
        unknown = self._vocabulary.special_token_types.get(SpecialTokenType.UNK)
        for counts in self._counts:
            counts.setflags(write=False)
        frequency, *others = self._counts
        pairs = None if self._pairs is None else self._pairs.finish()
        digests = [made.digest for made in (self._names, pairs) if made is not None]
        return TokenStream(
            frequency=frequency,
            n_lines=self.n_lines,
            n_characters=self.n_characters,
            n_bytes=self.n_bytes,
            n_tokens=int(frequency.sum()),
            unknown=0 if unknown is None else int(frequency[unknown]),
            digest=" ".join(digests),
            path=path,
            pairs=pairs,
            examples=[] if self._examples is None else self._examples.collected(),
            source_frequency=others[0] if others else None,
        )


class _NamesWriter:
    """Writes token names as fastText reads them."""

    def __init__(self, output: BinaryIO) -> None:
        self._output, self._digest = output, hashlib.sha256()

    def add(self, encoded: EncodedLines) -> None:
        """Write a batch of lines."""
        data = b"\n".join([*map(_cut_row, encoded.rows), b""])
        self._digest.update(data)
        self._output.write(data)

    @property
    def digest(self) -> str:
        """SHA-256 of what was written."""
        return self._digest.hexdigest()


def _cut_row(row: bytes) -> bytes:
    """Cut a row of more than ``MAX_ROW`` tokens into several, where fastText would."""
    if len(row) < 2 * MAX_ROW or row.count(b" ") < MAX_ROW:
        return row
    names = row.split(b" ")
    return b"\n".join(b" ".join(names[i : i + MAX_ROW]) for i in range(0, len(names), MAX_ROW))


def tokenise_corpus(
    corpus: Corpus,
    vocabulary: Vocabulary,
    output: Path | None = None,
    *,
    window: int = 0,
    source: Vocabulary | None = None,
    examples: bool = True,
    progress: ProgressHook = no_progress,
) -> TokenStream:
    """Tokenise a corpus and count its tokens; the files are read once.

    The tokenizer's own threads use all cores; the result does not depend on their number.

    Parameters
    ----------
    corpus : Corpus
        The text.
    vocabulary : Vocabulary
        The target vocabulary.
    output : Path, default=None
        Where to write token names for fastText; ``None`` writes none.
    window : int, default=0
        How many places apart pairs of tokens are counted; 0 counts none.
    source : Vocabulary, default=None
        The source vocabulary, whose tokens are counted in the same pass.
    examples : bool, default=True
        Whether to keep up to three lines a token.
    progress : ProgressHook
        Told the bytes read, of all bytes, as stage ``tokenise``.

    Returns
    -------
    TokenStream
        The counts, and the file where one was written.

    Raises
    ------
    CorpusError
        If the corpus cannot be read, holds no text, or none of its tokens is one of the vocabulary.
    """
    vocabularies = [vocabulary] if source is None else [vocabulary, source]
    names = [None if output is None else token_names(vocabulary), *[None for _ in vocabularies[1:]]]
    pairs = PairCounter(vocabulary.n, window) if window else None
    with nullcontext() if output is None else output.open("wb") as stream:
        reader = _Reader(vocabularies, None if stream is None else _NamesWriter(stream), pairs, examples)
        for batch, encoded in _encoded(corpus, vocabularies, names, progress):
            reader.add(batch, encoded)
    result = reader.finish(output)
    if not result.n_lines:
        raise empty_corpus(corpus.names)
    _check_known(corpus, vocabulary, result)
    return result


def _check_known(corpus: Corpus, vocabulary: Vocabulary, stream: TokenStream) -> None:
    marks = [i for i in range(vocabulary.n) if vocabulary.present[i] and not vocabulary.texts[i].strip()]
    if stream.n_tokens == stream.unknown + int(stream.frequency[marks].sum()):  # a bare word-start mark says nothing
        if not (vocabulary.kinds[vocabulary.present] != SPECIAL).any():
            expected, got = "a vocabulary with tokens of text", f"special tokens alone ({vocabulary.n_present:,})"
            raise bad_input(vocabulary.name, expected, got, "give the tokenizer of a language", VocabularyError)
        got, remedy = f"no token of it in {stream.n_lines:,} lines", "give text in the language of the target tokenizer"
        raise refuse(", ".join(corpus.names), f"text that {vocabulary.name} knows", got, remedy)


def stream_warnings(stream: TokenStream, vocabulary: Vocabulary) -> list[str]:
    """Say whether a corpus looks as if it were not in the tokenizer's language."""
    found = []
    normal = np.flatnonzero(vocabulary.present & (vocabulary.kinds == KINDS.index(TokenKind.NORMAL))).tolist()
    typical = sum(len(vocabulary.texts[i]) for i in normal) / max(1, len(normal))
    if stream.characters_per_token < TYPICAL_SHARE * typical:
        found.append(
            f"Each token stands for only {stream.characters_per_token:.1f} characters of this corpus, where tokens of "
            f"{vocabulary.name} have {typical:.1f} on average; is the corpus in the tokenizer's language?"
        )
    if stream.unknown_share > UNKNOWN_SHARE:
        found.append(
            f"{100 * stream.unknown_share:.1f} % of the tokens of this corpus are the unknown token of "
            f"{vocabulary.name}; is the corpus in the tokenizer's script and encoding?"
        )
    return found


def _encoded(
    corpus: Corpus, vocabularies: Sequence[Vocabulary], names: Sequence[list[bytes] | None], progress: ProgressHook
) -> Iterator[tuple[list[str], list[EncodedLines]]]:
    """Yield batches as each vocabulary reads them, telling progress after each."""
    done = 0

    def on_read(n_bytes: int) -> None:
        nonlocal done
        done += n_bytes

    encoders: list[LineEncoder] = []
    for batch in iter_batches(corpus, on_read=on_read):
        encoders = encoders or [
            make_encoder(v.backend, own, batch[:512]) for v, own in zip(vocabularies, names, strict=True)
        ]
        yield batch, [encoder.encode(batch) for encoder in encoders]
        progress("tokenise", min(done, corpus.n_bytes), corpus.n_bytes)
