"""The token stream: names that fastText cannot mangle, counts, and example lines."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from focus_core.corpus.corpus import Corpus, empty_corpus, iter_batches
from focus_core.corpus.readers import refuse
from focus_core.errors import VocabularyError, bad_input
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
    """A tokenised corpus: fastText's input and what was counted while writing it.

    Parameters
    ----------
    path : Path
        One corpus line a line, token names separated by a space.
    frequency : ndarray of shape (n_target,), dtype int64
        Occurrences of each id.
    n_lines, n_characters, n_bytes, n_tokens : int
        Size of the text; bytes are those of its UTF-8 form, without line ends.
    unknown : int
        Occurrences of the unknown token.
    digest : str
        SHA-256 of the stream.
    examples : list of (int, str)
        At most three lines an id, sorted by id, shortest first; empty where they were not asked for.
    source_frequency : ndarray of shape (n_source,), dtype int64, default=None
        Occurrences of each id of the source; ``None`` where no source was given.
    """

    path: Path
    frequency: np.ndarray
    n_lines: int
    n_characters: int
    n_bytes: int
    n_tokens: int
    unknown: int
    digest: str
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


class StreamWriter:
    """Writes token names and counts them."""

    def __init__(self, vocabularies: Sequence[Vocabulary], output: BinaryIO, *, examples: bool) -> None:
        self._vocabulary = vocabulary = vocabularies[0]
        self._output = output
        self._digest = hashlib.sha256()
        self._examples = ExampleLines(vocabulary.texts) if examples else None
        self._counts = [np.zeros(one.n, dtype=np.int64) for one in vocabularies]
        self.n_lines = self.n_characters = self.n_bytes = 0

    def add(self, lines: Sequence[str], encoded: Sequence[EncodedLines]) -> None:
        """Count a batch as each vocabulary reads it, and write it as the first does."""
        for counts, found in zip(self._counts, encoded, strict=True):
            counts += np.bincount(found.ids, minlength=counts.size)
        text = "".join(lines)
        self.n_lines += len(lines)
        self.n_characters += len(text)
        self.n_bytes += len(text.encode())
        data = b"\n".join([*map(_cut_row, encoded[0].rows), b""])
        self._digest.update(data)
        self._output.write(data)
        if self._examples is not None:
            self._examples.add(lines, encoded[0])

    def finish(self, path: Path) -> TokenStream:
        """Return the stream."""
        unknown = self._vocabulary.special_token_types.get(SpecialTokenType.UNK)
        for counts in self._counts:
            counts.setflags(write=False)
        frequency, *others = self._counts
        return TokenStream(
            path=path,
            frequency=frequency,
            n_lines=self.n_lines,
            n_characters=self.n_characters,
            n_bytes=self.n_bytes,
            n_tokens=int(frequency.sum()),
            unknown=0 if unknown is None else int(frequency[unknown]),
            digest=self._digest.hexdigest(),
            examples=[] if self._examples is None else self._examples.collected(),
            source_frequency=others[0] if others else None,
        )


def _cut_row(row: bytes) -> bytes:
    """Cut a row of more than ``MAX_ROW`` tokens into several, where fastText would."""
    if len(row) < 2 * MAX_ROW or row.count(b" ") < MAX_ROW:
        return row
    names = row.split(b" ")
    return b"\n".join(b" ".join(names[i : i + MAX_ROW]) for i in range(0, len(names), MAX_ROW))


def tokenise_corpus(
    corpus: Corpus,
    vocabulary: Vocabulary,
    output: Path,
    *,
    source: Vocabulary | None = None,
    examples: bool = True,
    progress: ProgressHook = no_progress,
) -> TokenStream:
    """Write a corpus as token names for fastText, counting on the way; the files are read once.

    The tokenizer's own threads use all cores; the result does not depend on their number.

    Parameters
    ----------
    corpus : Corpus
        The text.
    vocabulary : Vocabulary
        The target vocabulary.
    output : Path
        The file to write.
    source : Vocabulary, default=None
        The source vocabulary, whose tokens are counted in the same pass.
    examples : bool, default=True
        Whether to keep up to three lines a token.
    progress : ProgressHook
        Told the bytes read, of all bytes, as stage ``tokenise``.

    Returns
    -------
    TokenStream
        The file and the counts.

    Raises
    ------
    CorpusError
        If the corpus cannot be read, holds no text, or none of its tokens is one of the vocabulary.
    """
    vocabularies = [vocabulary] if source is None else [vocabulary, source]
    with output.open("wb") as stream:
        writer = StreamWriter(vocabularies, stream, examples=examples)
        for batch, encoded in _encoded(corpus, vocabularies, progress):
            writer.add(batch, encoded)
    result = writer.finish(output)
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
    corpus: Corpus, vocabularies: Sequence[Vocabulary], progress: ProgressHook
) -> Iterator[tuple[list[str], list[EncodedLines]]]:
    """Yield batches as each vocabulary reads them, telling progress after each."""
    done = 0

    def on_read(n_bytes: int) -> None:
        nonlocal done
        done += n_bytes

    encoders: list[LineEncoder] = []
    for batch in iter_batches(corpus, on_read=on_read):
        encoders = encoders or [make_encoder(v.backend, token_names(v), batch[:512]) for v in vocabularies]
        yield batch, [encoder.encode(batch) for encoder in encoders]
        progress("tokenise", min(done, corpus.n_bytes), corpus.n_bytes)
