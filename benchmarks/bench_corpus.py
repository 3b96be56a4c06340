"""Tokens a second from a corpus file to fastText's input, beside the reference implementation.

Usage: ``python -m benchmarks.bench_corpus --data DIR [--runs 5] [--json FILE]``, in an environment with
requirements-bench.txt. DIR (default: the environment variable FOCUS_LAB_DATA) holds ``corpora/`` and ``tokenizers/``.

The reference is deepfocus's own function with fastText's training taken out: a line at a time through
``tokenizer.tokenize`` in ``datasets.map`` with as many processes as cores, then written out. Ours writes the same
lines and counts every token, and keeps example lines, on the way. Both files are compared first, token by token;
only the unknown token may differ: the reference writes the text it stands for.
Each run is a fresh process with fresh caches; imports and the loading of the tokenizer are not timed.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import facts, in_child, median

CASES = (("sw", "focus-sw-xlmr-unigram-50k"), ("de", "focus-de-xlmr-unigram-50k"), ("sw", "focus-sw-bpe-50k"))
TARGET_RATIO = 2.5


def tokenise_reference(corpus: Path, tokenizer: Path, folder: Path) -> dict[str, Any]:
    """Write the stream as the reference does, its caches in ``folder``."""
    os.environ |= {"HF_HOME": str(folder), "XDG_CACHE_HOME": str(folder), "HF_HUB_OFFLINE": "1"}
    from datasets import disable_progress_bars
    from deepfocus import fasttext_embs
    from transformers import PreTrainedTokenizerFast

    disable_progress_bars()
    wrapped = PreTrainedTokenizerFast(tokenizer_file=str(tokenizer / "tokenizer.json"))
    fasttext_embs.fasttext.train_unsupervised = lambda path, **settings: path
    start = time.perf_counter()
    written = fasttext_embs.train_fasttext(str(corpus), wrapped, 3, 100, 10, processes=os.cpu_count())
    return {"seconds": time.perf_counter() - start, "stream": str(written)}


def tokenise_ours(corpus: Path, tokenizer: Path, folder: Path) -> dict[str, Any]:
    """Write the stream as this library does, from opening the corpus on."""
    from focus_core.corpus.corpus import open_corpus
    from focus_core.initialization.auxiliary.token_stream import tokenise_corpus
    from focus_core.tokenization.vocabulary import load_vocabulary

    vocabulary = load_vocabulary(tokenizer)
    start = time.perf_counter()
    stream = tokenise_corpus(open_corpus([corpus]), vocabulary, folder / "stream.txt")
    return {"seconds": time.perf_counter() - start, "stream": str(stream.path), "n_tokens": stream.n_tokens}


WAYS = {"ours": tokenise_ours, "reference": tokenise_reference}


def run(way: str, corpus: Path, tokenizer: Path, folder: Path) -> dict[str, Any]:
    """Run one way in a process of its own."""
    arguments = ["--child", way, "--corpus", str(corpus), "--tokenizer", str(tokenizer), "--folder", str(folder)]
    return in_child("benchmarks.bench_corpus", *arguments, threads=os.cpu_count() or 1)


def join_corpus(data: Path, language: str, path: Path) -> None:
    """Write the files of a language as one, since the reference takes one.

    Lines of more tokens than fastText takes are left out: we cut them, the reference leaves that to fastText.
    """
    files = sorted((data / "corpora" / language).glob("*.txt"))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").split("\n")]
    path.write_text("\n".join(line for line in lines if line and len(line) < 1024) + "\n", encoding="utf-8")


def check_equal(ours: bytes, theirs: bytes, tokenizer: Path) -> None:
    """Stop unless both streams hold the same tokens, the reference's text of unknown ones read as unknown."""
    from tokenizers import Tokenizer

    known = Tokenizer.from_file(str(tokenizer / "tokenizer.json")).get_vocab()
    pairs = list(zip(ours.split(b"\n"), theirs.split(b"\n"), strict=True))
    for number, (line, other) in enumerate(pairs, 1):
        if line == other:
            continue
        read = [token if token in known else "<unk>" for token in other.decode().split(" ")]
        if line.decode().split(" ") != read:
            raise SystemExit(f"{tokenizer.name}: the streams differ in line {number}: {line!r}, {other!r}")


def measure(data: Path, language: str, name: str, runs: int) -> dict[str, Any]:
    """Check that both write the same, then time them in turn."""
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    answers: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        corpus = Path(scratch) / f"{language}.txt"
        join_corpus(data, language, corpus)
        for turn in range(runs):
            for way in WAYS:
                with tempfile.TemporaryDirectory() as folder:
                    answers[way] = run(way, corpus, data / "tokenizers" / name, Path(folder))
                    answers[way]["bytes"] = Path(answers[way]["stream"]).read_bytes() if turn == 0 else b""
                seconds[way].append(answers[way]["seconds"])
            if turn == 0:
                check_equal(*(answers[way]["bytes"] for way in WAYS), data / "tokenizers" / name)
        size = corpus.stat().st_size
    ours, theirs = median(seconds["ours"]), median(seconds["reference"])
    n_tokens = answers["ours"]["n_tokens"]
    return {
        "what": "corpus file to fastText's input",
        "size": f"{language}, {size / 1e6:.0f} MB, {n_tokens / 1e6:.1f} M tokens, {name}",
        "target": f"≥ {TARGET_RATIO} × faster",
        "n_tokens": n_tokens,
        "seconds": ours,
        "reference_seconds": theirs,
        "tokens_per_second": round(n_tokens / ours),
        "reference_tokens_per_second": round(n_tokens / theirs),
        "ratio": round(theirs / ours, 2),
    }


def print_table(rows: list[dict[str, Any]]) -> None:
    """Print one line per case."""
    print(f"{'corpus and tokenizer':<62}{'ours tokens/s':>14}{'reference':>11}{'ratio':>7}")
    for row in rows:
        rates = f"{row['tokens_per_second']:>14,}{row['reference_tokens_per_second']:>11,}"
        print(f"{row['size']:<62}{rates}{row['ratio']:>7.2f}")


def main() -> None:
    """Run every case and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("FOCUS_LAB_DATA"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, default=None)
    for name in ("child", "corpus", "tokenizer", "folder"):
        parser.add_argument(f"--{name}", default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        answer = WAYS[options.child](Path(options.corpus), Path(options.tokenizer), Path(options.folder))
        print(json.dumps(answer))
        return
    if options.data is None:
        parser.error("give --data or set FOCUS_LAB_DATA")
    before = facts(os.cpu_count() or 1)
    rows = [measure(Path(options.data), *case, options.runs) for case in CASES]
    print_table(rows)
    print(f"smallest ratio: {min(row['ratio'] for row in rows)} (target {TARGET_RATIO})")
    print(f"load before {before['load']}, after {os.getloadavg()}, {before['cores']} cores")
    if options.json:
        text = json.dumps({"environment": before, "rows": rows}, indent=1, ensure_ascii=False) + "\n"
        options.json.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
