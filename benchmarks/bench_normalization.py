"""What a German tokenizer shares with an uncased English source, with and without the source's case and accents.

Usage: ``python -m benchmarks.bench_normalization --data DIR [--vocab-size 8000]``. DIR (default: the environment
variable FOCUS_LAB_DATA) holds ``models/potion-base-4m-int8`` and ``corpora/de/``.

Each case trains a tokenizer on the same German text, once as it is written (``--normalization none``) and once in the
source's form (``inherit``), and matches it exactly. Shared are tokens of equal identity and special tokens of equal
type; occurrences are those of the text that the tokenizer was trained on. There is no reference.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from benchmarks.common import facts, write_result
from focus_core.api import run_focus_from_pretrained
from focus_core.initialization.config import InitConfig
from focus_core.initialization.result import FocusResult
from focus_core.types import MethodName, Normalization

SOURCE = "potion-base-4m-int8"
TEXTS = ("ud_web.txt", "bible_luther1912.txt")
KINDS = ("wordpiece", "unigram", "bpe")


def initialise(data: Path, kind: str, vocab_size: int, normalization: Normalization) -> FocusResult:
    """Train a tokenizer and match it; new tokens are left to the fallback, since nothing depends on them."""
    return run_focus_from_pretrained(
        source=data / "models" / SOURCE,
        train_tokenizer=kind,
        vocab_size=vocab_size,
        normalization=normalization,
        corpus=[data / "corpora" / "de" / name for name in TEXTS],
        config=InitConfig(method=MethodName.OVERLAP, examples=False),
    )


def measure(data: Path, kind: str, vocab_size: int) -> dict[str, Any]:
    """Return the shares of both ways."""
    row: dict[str, Any] = {"source": SOURCE, "texts": list(TEXTS), "kind": kind, "vocab_size": vocab_size}
    for way in (Normalization.NONE, Normalization.INHERIT):
        result = initialise(data, kind, vocab_size, way)
        row[f"{way}_shared"] = result.overlap.n_overlap
        row[f"{way}_share"] = round(result.overlap.n_overlap / result.overlap.n_target, 4)
        row[f"{way}_occurrences"] = round(float(result.occurrence_shares["share_overlap_occurrences"] or 0.0), 4)
        row["reads"] = result.notes["normalization"]["source"]
    return row


def main() -> None:
    """Measure every kind of tokenizer and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("FOCUS_LAB_DATA"))
    parser.add_argument("--vocab-size", type=int, default=8000)
    options = parser.parse_args()
    if options.data is None:
        parser.error("give --data or set FOCUS_LAB_DATA")
    before = facts(os.cpu_count() or 1)
    rows = [measure(Path(options.data), kind, options.vocab_size) for kind in KINDS]
    for row in rows:
        print(f"{row['kind']}: {row['none_share']:.1%} -> {row['inherit_share']:.1%} of {row['vocab_size']:,} tokens")
    write_result("normalization", before, rows)


if __name__ == "__main__":
    main()
