"""The inputs of a small initialisation, as files: model, target tokenizer, corpus, ready vectors.

The vectors are drawn from a seed, one row a target id, special tokens without one: no test of the command line
needs fastText to know where its numbers go.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from focus_core.artifacts import write_arrays
from focus_core.tokenization.identity import SPECIAL
from focus_core.tokenization.vocabulary import load_vocabulary
from tests.tiny_models import TARGET_LINES, target_tokenizer, tiny_model


@dataclass(frozen=True)
class SmallInputs:
    """Where the files are."""

    source: Path
    target: Path
    corpus: Path
    auxiliary: Path

    def arguments(self, output: Path, *more: str) -> list[str]:
        """Return the words of an `init` from ready vectors."""
        return [
            "init",
            "--source",
            str(self.source),
            "--target-tokenizer",
            str(self.target),
            "--corpus",
            str(self.corpus),
            "--auxiliary",
            str(self.auxiliary),
            "--output",
            str(output),
            *more,
        ]


def write_vectors(path: Path, n: int, special: np.ndarray) -> Path:
    """Write seeded vectors of 8 numbers for ``n`` ids; special tokens have none."""
    vectors = np.random.default_rng(0).normal(size=(n, 8)).astype(np.float32)
    vectors[special] = 0
    write_arrays(path, {"vectors": vectors})
    return path


def make_small_inputs(folder: Path, family: str = "roberta") -> SmallInputs:
    """Write the files of one family below a folder."""
    source = tiny_model(family, folder / "source")
    target = target_tokenizer(family, folder / "target")
    corpus = folder / "corpus.txt"
    corpus.write_text("\n".join(TARGET_LINES) + "\n", encoding="utf-8")
    vocabulary = load_vocabulary(target)
    auxiliary = write_vectors(folder / "vectors.safetensors", vocabulary.n, vocabulary.kinds == SPECIAL)
    return SmallInputs(source=source, target=target, corpus=corpus, auxiliary=auxiliary)
