"""Auxiliary vectors that the user gives: fastText ``.bin``, text ``.vec``, or ``.safetensors`` by id.

A ``.bin`` is opened in a child process under a memory limit only.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from focus_core.artifacts import map_array, sha256_file, tensor_names, to_float32
from focus_core.errors import AuxiliaryError, bad_input, phrase
from focus_core.initialization.auxiliary.fasttext_format import check_bin
from focus_core.initialization.auxiliary.fasttext_process import read_answer, run_child
from focus_core.initialization.auxiliary.token_stream import token_names
from focus_core.initialization.auxiliary.vectors import ANSWER, AuxiliaryVectors
from focus_core.tokenization.encoding import plain_backend
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import KINDS, AuxiliaryKind, TokenKind
from focus_core.validation import check_finite, check_matrix

TENSOR = "vectors"
MAX_DIM = 4096
MAX_WORD_BYTES = 4096
WORDS_PER_BATCH = 8192
SPARE_MEMORY = 3 << 30
"""Address space a child needs beside the file: the interpreter, its libraries and the buffers of reading."""
SPARE_SECONDS, BYTES_PER_SECOND = 300, 10 << 20
"""Processor time a child gets: so much, and a second more for so many bytes of the file."""


def load_auxiliary(
    path: Path | str, vocabulary: Vocabulary, *, kind: AuxiliaryKind = AuxiliaryKind.TOKEN
) -> AuxiliaryVectors:
    """Read auxiliary vectors from a file.

    Parameters
    ----------
    path : Path or str
        ``.bin`` (fastText), ``.vec`` (text), or ``.safetensors`` with a tensor ``vectors`` of one row per target id.
    vocabulary : Vocabulary
        The target vocabulary.
    kind : AuxiliaryKind, default="token"
        What a ``.bin`` or ``.vec`` is keyed by. ``token``: native token strings. ``word``: words of the language;
        a ``.bin`` composes a vector for the readable text of each token from its n-grams (as WECHSEL does), a
        ``.vec`` gives each token the weighted mean of the words that contain it (see `word_means`).

    Returns
    -------
    AuxiliaryVectors
        Tokens without a row, or with a row of zeros, have no vector.

    Raises
    ------
    AuxiliaryError
        If the file is none of these, is damaged, does not fit the vocabulary, holds NaN or infinity, or knows none
        of its tokens.
    """
    path = Path(path)
    if not path.is_file():
        raise _refuse(str(path), expected="a file of vectors", got="nothing there", remedy="check the path")
    readers = {".bin": _read_bin, ".vec": _read_vec, ".safetensors": _read_safetensors}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise _refuse(path.name, ".bin, .vec or .safetensors", f"the suffix {path.suffix!r}", "convert it")
    vectors = reader(path, vocabulary, kind)
    check_finite(path.name, vectors, tokens=vocabulary.tokens, error=AuxiliaryError)
    has_vector = np.asarray(vectors.any(axis=1)) & vocabulary.present
    if not has_vector.any():
        remedy = phrase("see whether it is keyed by tokens or by words ({auxiliary_kind})")
        raise _refuse(path.name, "vectors of tokens of the target vocabulary", "none", remedy)
    settings = {
        "method": "given",
        "file": path.name,
        "sha256": sha256_file(path),
        "keyed_by": "id" if path.suffix.lower() == ".safetensors" else str(kind),
        "dim": int(vectors.shape[1]),
    }
    return AuxiliaryVectors(vectors=vectors, has_vector=has_vector, kind=str(kind), settings=settings)


def _refuse(subject: str, expected: str, got: str, remedy: str) -> AuxiliaryError:
    return bad_input(subject, expected=expected, got=got, remedy=remedy, error=AuxiliaryError)


def _read_safetensors(path: Path, vocabulary: Vocabulary, kind: AuxiliaryKind) -> np.ndarray:
    """Return the tensor ``vectors`` as float32."""
    del kind  # rows are numbered
    found = tensor_names(path, error=AuxiliaryError)
    if TENSOR not in found:
        got = ", ".join(sorted(found)) or "no tensor"
        raise _refuse(path.name, expected=f"a tensor {TENSOR!r}", got=got, remedy="save the vectors under that name")
    array, dtype = map_array(path, TENSOR)
    if dtype not in {"F64", "F32", "F16", "BF16"}:
        raise _refuse(path.name, expected="numbers with a fraction", got=dtype, remedy="save them as float32")
    remedy = "give one row per id of the target tokenizer"
    check_matrix(path.name, array, n_rows=vocabulary.n, remedy=remedy, error=AuxiliaryError)
    return np.array(to_float32(array, dtype))


def _read_bin(path: Path, vocabulary: Vocabulary, kind: AuxiliaryKind) -> np.ndarray:
    """Ask a child process for the vectors of all tokens."""
    check_bin(path)
    size = path.stat().st_size
    keys = _bin_keys(vocabulary, kind)
    with tempfile.TemporaryDirectory(prefix="focus-lab-") as scratch:
        folder = Path(scratch)
        names = folder / "names.txt"
        names.write_bytes("\n".join(keys).encode())
        request = {
            "task": "tokens" if kind is AuxiliaryKind.TOKEN else "words",
            "input": str(path.resolve()),
            "names": str(names),
            "output": str(folder / ANSWER),
            "memory_bytes": 2 * size + SPARE_MEMORY,
            "cpu_seconds": SPARE_SECONDS + size // BYTES_PER_SECOND,
        }
        run_child(request, folder)
        found, rows = read_answer(folder / ANSWER)
        vectors = np.zeros((vocabulary.n, rows.shape[1]), dtype=np.float32)
        for name, row in zip(found, rows, strict=True):
            vectors[keys[name]] = row
    return vectors


def _bin_keys(vocabulary: Vocabulary, kind: AuxiliaryKind) -> dict[str, list[int]]:
    """Return what to ask a ``.bin`` for, with the ids that the answer is for."""
    keys: dict[str, list[int]] = {}
    if kind is AuxiliaryKind.TOKEN:
        pairs = zip(map(bytes.decode, token_names(vocabulary)), vocabulary.tokens, strict=True)
        for i, names in enumerate(pairs):
            for name in dict.fromkeys(names) if vocabulary.present[i] else ():
                if name and "\n" not in name:
                    keys.setdefault(name, []).append(i)
        return keys
    for i, text in _word_texts(vocabulary):
        keys.setdefault(text, []).append(i)
    return keys


def _word_texts(vocabulary: Vocabulary) -> Iterator[tuple[int, str]]:
    """Yield the tokens that are text, with that text."""
    normal = vocabulary.present & (vocabulary.kinds == KINDS.index(TokenKind.NORMAL))
    for i in np.flatnonzero(normal).tolist():
        text = vocabulary.texts[i].strip()
        if text and not any(character in "\n\0" for character in text):
            yield i, text


def _read_vec(path: Path, vocabulary: Vocabulary, kind: AuxiliaryKind) -> np.ndarray:
    if kind is AuxiliaryKind.WORD:
        return word_means(path, vocabulary)
    ids = vocabulary.ids_of_tokens
    escaped = {name.decode(): i for i, name in enumerate(token_names(vocabulary)) if vocabulary.present[i]}
    vectors: np.ndarray | None = None
    seen = np.zeros(vocabulary.n, dtype=bool)
    for word, row in read_vec(path, wanted=lambda word: word in ids or word in escaped):
        vectors = np.zeros((vocabulary.n, row.size), dtype=np.float32) if vectors is None else vectors
        place = ids.get(word, escaped.get(word, -1))
        if not seen[place]:  # fastText writes the most frequent first
            vectors[place], seen[place] = row, True
    return np.zeros((vocabulary.n, 1), dtype=np.float32) if vectors is None else vectors


def word_means(path: Path, vocabulary: Vocabulary) -> np.ndarray:
    """Give each token the mean of the words whose tokenisation contains it."""
    # ``v_i = sum_w f_w v_w / sum_w f_w`` over words ``w``, each tokenised at the start of a text and after a space; a
    # word counts once for each of the two in which the token occurs (WECHSEL's way without n-grams). A ``.vec`` holds
    # no frequencies but lists words from the most frequent on, so ``f_w = 1 / rank`` (Zipf's law).
    backend = plain_backend(vocabulary.backend)
    sums: np.ndarray | None = None
    totals = np.zeros((vocabulary.n, 1))
    rank = 1
    for words, rows in _batches(path):
        mixing = mix_words(backend, words, vocabulary.n, 1.0 / np.arange(rank, rank + len(words)))
        rank += len(words)
        sums = np.zeros((vocabulary.n, rows.shape[1])) if sums is None else sums
        sums += mixing @ rows
        totals += mixing.sum(axis=1)[:, None]
    if sums is None:
        return np.zeros((vocabulary.n, 1), dtype=np.float32)
    sums[vocabulary.kinds == KINDS.index(TokenKind.SPECIAL)] = 0
    return np.asarray((sums / np.where(totals == 0, 1, totals)).astype(np.float32))


def mix_words(backend: Any, words: Sequence[str], n: int, frequency: np.ndarray) -> sparse.csr_array:
    """Return the weights of some words in the sums of the tokens that occur in them.

    Parameters
    ----------
    backend : tokenizers.Tokenizer
        Cuts each word at the start of a text and after a space.
    words : sequence of str
        The words.
    n : int
        Tokens of the vocabulary.
    frequency : ndarray of shape (n_words,)
        What a word counts, once for each of the two in which a token occurs.

    Returns
    -------
    scipy.sparse.csr_array of shape (n, n_words), dtype float64
        Rows are tokens.
    """
    rows: list[int] = []
    columns: list[int] = []
    for prefix in ("", " "):
        encoded = backend.encode_batch_fast([prefix + word for word in words], add_special_tokens=False)
        for column, encoding in enumerate(encoded):
            distinct = set(encoding.ids)
            rows.extend(distinct)
            columns.extend([column] * len(distinct))
    weights = frequency[np.array(columns, dtype=np.int64)]
    return sparse.csr_array((weights, (rows, columns)), shape=(n, len(words)))


def _batches(path: Path) -> Iterator[tuple[list[str], np.ndarray]]:
    words: list[str] = []
    rows: list[np.ndarray] = []
    for word, row in read_vec(path):
        words.append(word)
        rows.append(row)
        if len(words) == WORDS_PER_BATCH:
            yield words, np.stack(rows)
            words, rows = [], []
    if words:
        yield words, np.stack(rows)


def read_vec(path: Path, *, wanted: Any = None) -> Iterator[tuple[str, np.ndarray]]:
    """Yield word and vector of each line of a ``.vec``, streamed.

    Parameters
    ----------
    path : Path
        The file.
    wanted : callable, default=None
        Tells of a word whether it is yielded; the numbers of others are not looked at. ``None`` takes all.

    Yields
    ------
    word : str
        As it stands there.
    vector : ndarray of shape (dim,), dtype float32
        Finite numbers.

    Raises
    ------
    AuxiliaryError
        If the first line names no size, or a line holds something else than a word and so many finite numbers.
    """
    with path.open("rb") as stream:
        dim = _dim_of(path, stream.readline(256))
        longest = MAX_WORD_BYTES + 32 * dim
        number = 1
        while line := stream.readline(longest):
            number += 1
            head = line.rstrip(b" \r\n").rsplit(b" ", dim)
            if len(head) != dim + 1:
                if not line.strip():
                    continue
                raise _bad_line(path, number, dim, f"{len(head) - 1}")
            word = head[0].decode("utf-8", errors="replace")
            if wanted is None or wanted(word):
                yield word, _numbers(path, number, dim, head[1:])


def _dim_of(path: Path, first: bytes) -> int:
    parts = first.split()
    dim = int(parts[1]) if len(parts) == 2 and all(part.isdigit() for part in parts) else 0
    if not 1 <= dim <= MAX_DIM:
        expected = f"a first line with the number of words and the length of vectors, at most {MAX_DIM}"
        got = repr(first[:40].decode("utf-8", errors="replace"))
        raise _refuse(path.name, expected, got, "save it in fastText's text format")
    return dim


def _numbers(path: Path, number: int, dim: int, parts: list[bytes]) -> np.ndarray:
    try:
        row = np.array(parts, dtype=np.float64).astype(np.float32)
    except ValueError as reason:
        raise _bad_line(path, number, dim, "something that is no number") from reason
    if not np.isfinite(row).all():
        raise _bad_line(path, number, dim, "NaN or infinity")
    return row


def _bad_line(path: Path, number: int, dim: int, got: str) -> AuxiliaryError:
    return _refuse(path.name, f"{dim} finite numbers in line {number:,}", got, "repair or remove that line")
