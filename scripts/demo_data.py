"""The demo's source models and their training text: languages, a fixed held-out rule, blocks of tokens.

The text lives outside the project, under ``DIR/corpora/<language>/*.txt`` (one sentence a line).
Nothing of it is copied; only the tokenizer and the weights derived from it are committed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

HELD_OUT_PERCENT = 2
BLOCK_LENGTH = 128


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source model of the demo: what it reads, how large its vocabulary is, where it is kept and what it is for."""

    languages: tuple[str, ...]
    vocab_size: int
    folder: Path
    title: str
    purpose: str
    text: str
    amount: str


SOURCES = {
    "multilingual": Source(
        languages=("en", "de", "ar", "ha", "xh", "sw"),
        vocab_size=16_000,
        folder=Path("assets/demo/source"),
        title="FOCUS Lab demo source",
        purpose="A small multilingual masked language model, trained to be the source model of FOCUS Lab's demo",
        text="English, German, Arabic, Hausa, isiXhosa and Swahili: public-domain and CC-licensed Bibles, news, "
        "speeches, laws and web text",
        amount="tens of megabytes, half of them scripture, laws and government text",
    ),
    "english": Source(
        languages=("en",),
        vocab_size=8_000,
        folder=Path("assets/demo/english"),
        title="FOCUS Lab English source",
        purpose="A small masked language model that has read English alone, trained to be a source whose backbone "
        "knows nothing of the target language",
        text="English: a public-domain Bible, speeches and web text",
        amount="seven megabytes, more than half of them scripture",
    ),
}
"""The source models by the name that ``build_demo.py --which`` takes."""


def is_held_out(line: str) -> bool:
    """Tell whether a line is kept aside: by a hash of its text, so duplicates fall on one side."""
    digest = hashlib.blake2b(line.strip().encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 100 < HELD_OUT_PERCENT


def read_lines(data: Path, language: str, *, held_out: bool) -> Iterator[str]:
    """Yield the lines of one language that are (or are not) held out, in file order."""
    for path in sorted((data / "corpora" / language).glob("*.txt")):
        with path.open(encoding="utf-8") as stream:
            for line in stream:
                if is_held_out(line) == held_out and line.strip():
                    yield line.strip()


def encode_stream(tokenizer: Tokenizer, lines: Iterator[str]) -> np.ndarray:
    """Return one stream of ids, shape (n_tokens,), every line closed by ``</s>``."""
    close = tokenizer.token_to_id("</s>")
    encodings = tokenizer.encode_batch_fast(list(lines), add_special_tokens=False)
    return np.concatenate([np.array([*e.ids, close], dtype=np.int32) for e in encodings])


def cut_blocks(stream: np.ndarray, *, open_id: int) -> np.ndarray:
    """Cut a stream into rows of shape (n_blocks, BLOCK_LENGTH), each opened by ``<s>``."""
    width = BLOCK_LENGTH - 1
    n_blocks = len(stream) // width
    body = stream[: n_blocks * width].reshape(n_blocks, width)
    return np.concatenate([np.full((n_blocks, 1), open_id, dtype=np.int32), body], axis=1)


def unigram_entropy(stream: np.ndarray) -> float:
    """Return the entropy in nats of the token distribution of a stream."""
    counts = np.bincount(stream).astype(np.float64)
    probabilities = counts[counts > 0] / counts.sum()
    return float(-(probabilities * np.log(probabilities)).sum())
