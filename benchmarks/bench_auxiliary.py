"""Time and peak memory of the auxiliary space by counts beside fastText's, and of a whole ``init`` by each.

Usage: ``python -m benchmarks.bench_auxiliary --data DIR [--runs 1] [--megabytes 50] [--part space|init]``. DIR
(default: the environment variable FOCUS_LAB_DATA) holds ``corpora/de`` and ``tokenizers/``. The German text is repeated
up to that size: real enough for time and memory, and for nothing else. One part alone leaves the other's row as it was.

The space: from the ids of every line, in memory, to vectors; fastText from the file of names that it reads, at our
automatic settings. Each in a fresh process, so that compiling and importing numba are in the time. Before a ratio is
given, the counted space has to cover every token that fastText's covers, and to have the same bytes on one thread and
on two. The whole ``init``: the command line from the demo's source, without a cache. Peak memory is that of the
largest process, everything in it counted. Beside the clock stands the processors' time, which a busy machine leaves
nearly as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import facts, in_child, median, read_rows, write_result

TOKENIZER = "focus-de-xlmr-unigram-50k"
SOURCE = "assets/demo/source"
SPACE_RATIO, INIT_RATIO, MOST_MIB = 5.0, 3.0, 2048
WAYS = ("counts", "fasttext")
PARTS = {
    "space": "auxiliary space by counts, from ids to vectors",
    "init": "a whole `init` by counts, from the demo's source",
}
"""What each part measures."""


def write_text(data: Path, megabytes: float, path: Path) -> None:
    """Write the German text as often as it takes to reach a size."""
    lines = [x for file in sorted((data / "corpora" / "de").glob("*.txt")) for x in file.read_bytes().splitlines(True)]
    left = int(megabytes * 1e6)
    with path.open("wb") as stream:
        while left > 0:
            for line in lines:
                left -= stream.write(line)
                if left <= 0:
                    break


def make_space(way: str, corpus: Path, tokenizer: Path, folder: Path, threads: int) -> dict[str, Any]:
    """Make the vectors of one space in this process; reading and tokenising are not timed."""
    from focus_core.corpus.corpus import open_corpus
    from focus_core.initialization.auxiliary.token_stream import tokenise_corpus
    from focus_core.initialization.auxiliary.vectors import train_auxiliary
    from focus_core.tokenization.vocabulary import load_vocabulary

    vocabulary = load_vocabulary(tokenizer)
    if way == "counts":
        seconds, made = _counted(open_corpus([corpus]), vocabulary, threads)
    else:
        stream = tokenise_corpus(open_corpus([corpus]), vocabulary, folder / "stream.txt", examples=False)
        start, used = time.perf_counter(), cpu_seconds()
        made = train_auxiliary(stream, vocabulary, cache=False)
        seconds = time.perf_counter() - start, cpu_seconds() - used
    np.save(folder / f"{way}-{threads}.npy", made.has_vector)
    peaks = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "seconds": seconds[0],
        "cpu_seconds": seconds[1],
        "mib": round(max(peaks) / 1024),
        "digest": hashlib.sha256(made.vectors.tobytes()).hexdigest(),
        "n_tokens": made.settings["n_tokens"],
        "n_vectors": made.n_vectors,
    }


def cpu_seconds() -> float:
    """Return the processors' time of this process and of its children that have ended."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _counted(corpus: Any, vocabulary: Any, threads: int) -> tuple[tuple[float, float], Any]:
    """Return the seconds from ids to vectors, by the clock and by the processors, and the vectors."""
    from focus_core.corpus.corpus import iter_batches
    from focus_core.initialization.auxiliary.counted import WINDOW, count_auxiliary
    from focus_core.initialization.auxiliary.counting import PairCounter
    from focus_core.initialization.auxiliary.token_stream import TokenStream
    from focus_core.tokenization.encoding import make_encoder

    encoder, batches = None, []
    for lines in iter_batches(corpus):
        encoder = encoder or make_encoder(vocabulary.backend, None, lines[:512])
        batches.append(encoder.encode(lines))
    frequency = sum(np.bincount(batch.ids, minlength=vocabulary.n) for batch in batches)
    start, used = time.perf_counter(), cpu_seconds()
    counter = PairCounter(vocabulary.n, WINDOW)
    for batch in batches:
        counter.add(batch.ids, batch.line_of)
    pairs = counter.finish()
    stream = TokenStream(
        frequency=frequency, n_lines=0, n_characters=0, n_bytes=0, n_tokens=int(frequency.sum()), unknown=0,
        digest=pairs.digest, pairs=pairs,
    )  # fmt: skip
    made = count_auxiliary(stream, vocabulary, threads=threads, cache=False)
    return (time.perf_counter() - start, cpu_seconds() - used), made


def initialise(way: str, corpus: Path, tokenizer: Path, folder: Path) -> dict[str, Any]:
    """Run the whole ``init`` in a process of its own, its cache empty."""
    words = ["init", "--source", SOURCE, "--target-tokenizer", str(tokenizer), "--corpus", str(corpus)]
    words += ["--auxiliary-space", way, "--output", str(folder / f"run-{way}")]
    environment = os.environ | {"FOCUS_LAB_CACHE": str(folder / f"cache-{way}")}
    start = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "focus_core", *words],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"init by {way} ended with {os.waitstatus_to_exitcode(status)}")
    return {"seconds": seconds, "cpu_seconds": used.ru_utime + used.ru_stime, "mib": round(used.ru_maxrss / 1024)}


def check_spaces(made: dict[str, dict[str, Any]], folder: Path) -> None:
    """Stop unless the counted space covers what fastText's covers, and has the same bytes on any number of threads."""
    if made["counts"]["digest"] != made["counts on one thread"]["digest"]:
        raise SystemExit("the bytes by counts depend on the number of threads")
    counted, trained = (np.load(path) for path in (folder / "counts-2.npy", folder / "fasttext-2.npy"))
    if (trained & ~counted).any():
        raise SystemExit(f"{int((trained & ~counted).sum())} tokens have a vector by fastText and none by counts")


def measure(data: Path, megabytes: float, runs: int, parts: tuple[str, ...]) -> list[dict[str, Any]]:
    """Take turns, check, and return the rows of the table."""
    tokenizer = data / "tokenizers" / TOKENIZER
    spaces: dict[str, list[dict[str, Any]]] = {way: [] for way in (*WAYS, "counts on one thread")}
    whole: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as name:
        corpus = Path(name) / "text.txt"
        write_text(data, megabytes, corpus)
        for _ in range(runs):
            with tempfile.TemporaryDirectory() as scratch:
                for way, made in spaces.items() if "space" in parts else ():
                    threads = 1 if way.endswith("one thread") else 2
                    given = ("--child", way.split(" ")[0], "--corpus", str(corpus), "--tokenizer", str(tokenizer))
                    more = ("--folder", scratch, "--threads", str(threads))
                    made.append(in_child("benchmarks.bench_auxiliary", *given, *more, threads=1))
                    print(way, made[-1], flush=True)
                if "space" in parts:
                    check_spaces({way: made[-1] for way, made in spaces.items()}, Path(scratch))
                for way in WAYS if "init" in parts else ():
                    whole[way].append(initialise(way, corpus, tokenizer, Path(scratch)))
                    print("init", way, whole[way][-1], flush=True)
    size = f"German, repeated to {megabytes:g} MB, {TOKENIZER}"
    rows = {
        "space": lambda: _row(PARTS["space"], size, spaces, SPACE_RATIO, f", ≤ {MOST_MIB:,} MiB"),
        "init": lambda: _row(PARTS["init"], size, whole, INIT_RATIO, ""),
    }
    return [rows[part]() for part in parts]


def _row(what: str, size: str, made: dict[str, list[dict[str, Any]]], ratio: float, more: str) -> dict[str, Any]:
    """Return one row of the table of results."""
    ours, theirs = (median(one["seconds"] for one in made[way]) for way in WAYS)
    peaks = [max(one["mib"] for one in made[way]) for way in WAYS]
    return {
        "what": what,
        "size": size,
        "target": f"≥ {ratio:g} × faster{more}",
        "seconds": ours,
        "reference": "by fastText",
        "reference_seconds": theirs,
        "ratio": round(theirs / ours, 2),
        "cpu_seconds": median(one["cpu_seconds"] for one in made["counts"]),
        "reference_cpu_seconds": median(one["cpu_seconds"] for one in made["fasttext"]),
        "mib": peaks[0],
        "reference_mib": peaks[1],
    }


def main() -> None:
    """Measure both, print a table and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("FOCUS_LAB_DATA"))
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--megabytes", type=float, default=50)
    parser.add_argument("--part", choices=[*PARTS], default=None, help="measure one alone; without it both")
    parser.add_argument("--keep", action=argparse.BooleanOptionalAction, default=True, help="in benchmarks/results")
    for name in ("child", "corpus", "tokenizer", "folder", "threads"):
        parser.add_argument(f"--{name}", default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        paths = (Path(given.corpus), Path(given.tokenizer), Path(given.folder))
        print(json.dumps(make_space(given.child, *paths, int(given.threads))))
        return
    if given.data is None:
        parser.error("give --data or set FOCUS_LAB_DATA")
    before = facts(os.cpu_count() or 1)
    rows = measure(Path(given.data), given.megabytes, given.runs, (given.part,) if given.part else tuple(PARTS))
    for row in rows:
        print(
            f"{row['what']}: {row['size']}: {row['seconds']:.3g} s beside {row['reference_seconds']:.3g} s by "
            f"fastText, {row['ratio']} times faster ({row['target']}); {row['mib']:,} MiB beside "
            f"{row['reference_mib']:,} MiB; {row['cpu_seconds']:.3g} s of processors beside "
            f"{row['reference_cpu_seconds']:.3g} s"
        )
    if given.keep:
        found = {row["what"]: row for row in [*read_rows("auxiliary"), *rows]}
        write_result("auxiliary", before, [found[what] for what in PARTS.values() if what in found])


if __name__ == "__main__":
    main()
