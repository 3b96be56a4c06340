"""Train the demo after every initialisation: all methods, three seeds, equal text, equal tokens.

Every piece is a call of our own command line on one thread, two of them at a time. What is finished is not done again,
what was interrupted goes on, so the whole may be made in parts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

METHODS = ("focus", "random", "script", "subword-mean", "overlap", "multivariate-normal", "mean")
SEEDS = (42, 43, 44)
LANGUAGES = ("sw", "ar")
TOKENS = 600_000
PASSES = 3
NAME = "adapted"
LONG = "long"
SOURCE = "assets/demo/source"
OPTIONS = ("--batch-tokens", "2048", "--max-seq-length", "64", "--learning-rate", "1e-3")
OPTIONS += ("--threads", "1", "--snapshots", "0")


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One initialisation and what is trained on it."""

    language: str
    method: str
    seed: int
    work: Path

    @property
    def run(self) -> Path:
        """The folder of the run."""
        return self.work / self.language / f"{self.method}-{self.seed}"

    def trained(self, name: str = NAME) -> Path:
        """Return the folder of a training."""
        return self.run / "training" / name


def demo_run(language: str) -> Path:
    """Return the demo's own run of a language: its tokenizer and vectors serve every method."""
    return Path("assets/demo/runs") / f"{language}-8k"


def all_pieces(work: Path) -> list[Piece]:
    """Return all pieces in the order in which they are made."""
    return [
        Piece(language=language, method=method, seed=seed, work=work)
        for language in LANGUAGES
        for seed in SEEDS
        for method in METHODS
    ]


def focus_core(*arguments: str | Path, log: Path) -> None:
    """Run our own command line on one thread, its progress going to a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    with log.open("a", encoding="utf-8") as file:
        subprocess.run(
            [sys.executable, "-m", "focus_core", *map(str, arguments)],
            check=True,
            stdout=file,
            stderr=file,
            env=environment,
        )


def initialise(piece: Piece) -> None:
    """Make the run of a piece; FOCUS with the first seed is the demo's own."""
    if piece.run.is_dir():
        return
    demo = demo_run(piece.language)
    if piece.method == "focus" and piece.seed == SEEDS[0]:
        shutil.copytree(demo, piece.run, ignore=shutil.ignore_patterns("training", "projection"))
        return
    vectors = ("--auxiliary", demo / "auxiliary.safetensors") if piece.method == "focus" else ()
    tokenizer = demo / "target_tokenizer"
    options = ("--method", piece.method, "--seed", str(piece.seed), *vectors, "--output", piece.run)
    focus_core("init", "--source", SOURCE, "--target-tokenizer", tokenizer, *options, log=log_of(piece))


def log_of(piece: Piece) -> Path:
    """Return the file that a piece's progress goes to."""
    return piece.work / "log" / f"{piece.language}-{piece.method}-{piece.seed}.txt"


def adapt(piece: Piece, data: Path, name: str, *options: str) -> None:
    """Train a piece, or go on training it."""
    if piece.trained(name).is_dir():
        return
    unfinished = (piece.run / "training" / f"{name}.part" / "checkpoint.safetensors").is_file()
    resume = ("--resume",) if unfinished else ()
    corpus = data / "corpora" / piece.language
    common = ("--name", name, "--corpus", corpus, "--seed", str(piece.seed), *OPTIONS)
    focus_core("adapt", piece.run, *common, *options, *resume, log=log_of(piece))


def make(piece: Piece, data: Path, deadline: float) -> None:
    """Initialise and train a piece, unless time is up."""
    if time.monotonic() > deadline:
        return
    initialise(piece)
    adapt(piece, data, NAME, "--tokens", str(TOKENS), "--evaluations", "12")
    print(time.strftime("%H:%M:%S"), piece.language, piece.method, piece.seed, flush=True)


def make_long(piece: Piece, data: Path, deadline: float) -> None:
    """Train random rows until they are as good as FOCUS's at the start, for three passes at most."""
    focus = Piece(language=piece.language, method="focus", seed=piece.seed, work=piece.work)
    if time.monotonic() > deadline or not focus.trained().is_dir():
        return
    start = pq.read_table(focus.trained() / "curve.parquet")["held_out_loss"][0].as_py()
    passes = PASSES * n_tokens(focus)
    options = ("--tokens", str(passes), "--evaluations", "60", "--stop-below", f"{start:.6f}")
    adapt(piece, data, LONG, *options)
    print(time.strftime("%H:%M:%S"), piece.language, "long", piece.seed, flush=True)


def n_tokens(piece: Piece) -> int:
    """Return the tokens of one pass over the text, from the manifest of a training."""
    import json

    manifest = json.loads((piece.trained() / "manifest.json").read_text(encoding="utf-8"))
    return int(manifest["corpus"]["n_tokens"])


def compare(
    data: Path,
    work: Path,
    *,
    minutes: float,
    methods: Sequence[str] = METHODS,
    languages: Iterable[str] = LANGUAGES,
    workers: int = 2,
) -> None:
    """Make all pieces of the methods, and of random rows the long training, until all are made or time is up."""
    deadline = time.monotonic() + 60 * minutes
    with ThreadPoolExecutor(workers) as pool:
        done = []
        for language in languages:
            pieces = [piece for piece in all_pieces(work) if piece.language == language and piece.method in methods]
            done += [pool.submit(make, piece, data, deadline) for piece in pieces]
        if "random" in methods:
            long = [Piece(language=language, method="random", seed=SEEDS[0], work=work) for language in languages]
            done += [pool.submit(make_long, piece, data, deadline) for piece in long]
        for future in done:
            future.result()
