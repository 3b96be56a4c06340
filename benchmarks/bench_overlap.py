"""Time from two loaded tokenizers to matched pairs, beside the reference implementation.

Usage: ``python -m benchmarks.bench_overlap --data DIR [--runs 5] [--json FILE]``, in an environment with
requirements-bench.txt. DIR (default: the environment variable FOCUS_LAB_DATA) holds ``tokenizers/``.

Equality is asserted before anything is timed: both sides match the same target tokens, and our source token is
among the reference's, but for pairs that the reference gets wrong. Those are counted and named; they are the
tokens that ``decode`` turns into something else.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from benchmarks.common import facts, median, take_turns
from focus_core.initialization.overlap.matching import Overlap, match_vocabularies
from focus_core.models.hub import locate_tokenizer
from focus_core.tokenization.formats import load_backend
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend
from focus_core.types import KINDS, MatchMode, TokenKind

SOURCE = "xlm-roberta-base-rebuilt"
CASES = (
    (SOURCE, "focus-sw-xlmr-unigram-50k"),
    (SOURCE, "focus-de-xlmr-unigram-50k"),
    (SOURCE, "focus-sw-bpe-50k"),
    (SOURCE, "focus-de-bpe-50k"),
    ("focus-de-bpe-50k", "focus-ar-bpe-50k"),
)
MODES = (MatchMode.EXACT, MatchMode.FUZZY)
TARGET_RATIO = 10.0


def wrap(backend: Tokenizer) -> Any:
    """Wrap a tokenizer in the class that the reference expects."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(tokenizer_object=backend)


def match_reference(source: Any, target: Any, mode: MatchMode) -> dict[str, Any]:
    """Match as the reference does; returns its record by native target form."""
    from deepfocus.focus import get_overlapping_tokens

    fuzzy = mode is MatchMode.FUZZY
    overlap, _ = get_overlapping_tokens(
        target, source, match_symbols=False, exact_match_all=True, fuzzy_match_all=fuzzy
    )
    return dict(overlap)


def match_ours(source: Tokenizer, target: Tokenizer, mode: MatchMode) -> tuple[Vocabulary, Vocabulary, Overlap]:
    """Match as this library does, reading of both vocabularies included."""
    ours, theirs = vocabulary_from_backend(source, name="source"), vocabulary_from_backend(target, name="target")
    return ours, theirs, match_vocabularies(ours, theirs, mode=mode)


def known_error(source: Vocabulary, target: Vocabulary, target_id: int, source_ids: list[int]) -> str | None:
    """Name the reason why a pair of the reference is wrong, or nothing."""
    if KINDS[target.kinds[target_id]] is TokenKind.BYTE:
        return "a partial UTF-8 token, decoded to U+FFFD"
    content = target.contents[target_id]
    if target.word_start[target_id] and content[:1] == b" ":
        return "several spaces, stripped to one mark"
    if not content.decode().isprintable() or content.decode().strip() != content.decode():
        return "a control character or white space, stripped by decode"
    others = [source.contents[i] for i in source_ids]
    if any(
        KINDS[source.kinds[i]] is TokenKind.BYTE or not c.decode().isprintable()
        for i, c in zip(source_ids, others, strict=True)
    ):
        return "a source token that decode changes"
    return None


def check_equal(source: Vocabulary, target: Vocabulary, overlap: Overlap, reference: dict[str, Any]) -> dict[str, int]:
    """Assert that both sides say the same; return the number of the reference's errors by reason."""
    ours = dict(zip(overlap.target_ids.tolist(), overlap.source_ids.tolist(), strict=True))
    theirs = {record.target.id: [token.id for token in record.source] for record in reference.values()}
    errors: dict[str, int] = {}
    for target_id in sorted(ours.keys() | theirs.keys()):
        if target_id in ours and ours[target_id] in theirs.get(target_id, ()):
            continue
        reason = known_error(source, target, target_id, theirs.get(target_id, []))
        if reason is None:
            got = f"ours {ours.get(target_id)}, the reference {theirs.get(target_id)}"
            raise SystemExit(f"not equal at {target_id} ({target.tokens[target_id]!r}): {got}")
        errors[reason] = errors.get(reason, 0) + 1
    return errors


def measure(data: Path, origin: str, name: str, mode: MatchMode, runs: int) -> dict[str, Any]:
    """Check and time one pair of tokenizers in one mode."""
    source = load_backend(locate_tokenizer(data / "tokenizers" / origin))
    target = load_backend(locate_tokenizer(data / "tokenizers" / name))
    wrapped = wrap(source), wrap(target)
    vocabularies = match_ours(source, target, mode)
    errors = check_equal(*vocabularies, match_reference(*wrapped, mode))
    calls = {
        "ours": lambda: match_ours(source, target, mode),
        "reference": lambda: match_reference(*wrapped, mode),
    }
    seconds = {name: median(times) for name, times in take_turns(calls, runs=runs, warm_up=False).items()}
    return {
        "source": origin,
        "target": name,
        "match": mode.value,
        "n_overlap": vocabularies[2].n_overlap,
        "reference_errors": errors,
        "seconds": seconds["ours"],
        "reference_seconds": seconds["reference"],
        "ratio": round(seconds["reference"] / seconds["ours"], 2),
    }


def print_table(rows: list[dict[str, Any]]) -> None:
    """Print one line per case."""
    print(f"{'source':<26}{'target':<27}{'match':<7}{'overlap':>8}{'ours s':>8}{'ref s':>7}{'ratio':>7}  its errors")
    for row in rows:
        errors = "; ".join(f"{count} × {reason}" for reason, count in row["reference_errors"].items()) or "none"
        print(
            f"{row['source']:<26}{row['target']:<27}{row['match']:<7}{row['n_overlap']:>8,}{row['seconds']:>8.3f}"
            f"{row['reference_seconds']:>7.2f}{row['ratio']:>7.1f}  {errors}"
        )


def main() -> None:
    """Run every case and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("FOCUS_LAB_DATA"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args()
    if options.data is None:
        parser.error("give --data or set FOCUS_LAB_DATA")
    before = facts(1)
    rows = [measure(Path(options.data), *case, mode, options.runs) for case in CASES for mode in MODES]
    print_table(rows)
    worst = min(row["ratio"] for row in rows if row["source"] == SOURCE)
    print(f"smallest ratio with {SOURCE}: {worst:.1f} (target {TARGET_RATIO:.0f})")
    print(f"load before {before['load']}, after {facts(1)['load']}, {before['cores']} cores")
    if options.json:
        options.json.write_text(
            json.dumps({"environment": before, "rows": rows}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
