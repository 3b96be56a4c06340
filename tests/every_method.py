"""One small model initialised by every method of the registry, each given everything that a method may be given."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from focus_core.api import run_to_folder
from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.request import InitRequest
from focus_core.runs.folder import RunFolder, open_run
from focus_core.tokenization.vocabulary import load_vocabulary, save_tokenizer_folder
from tests.tiny_models import SOURCE_LINES, TARGET_LINES, target_tokenizer, tiny_model

WORDS = {"market": "Markt", "bread": "Brot", "milk": "Milch", "farmer": "Bauer", "children": "Kinder", "house": "Haus"}
N_PAIRS = 24
"""More than the least that an aligner is given."""
DIM, DONOR_DIM = 8, 5


def donor_of(folder: Path, tokenizer: Path) -> Path:
    """Return a model that has the target tokenizer: static rows, a seeded one for every id."""
    donor = folder / "donor"
    vocabulary = load_vocabulary(tokenizer)
    save_tokenizer_folder(vocabulary, donor)
    rows = np.random.default_rng(3).normal(size=(vocabulary.n, DONOR_DIM)).astype(np.float32)
    save_file({"embeddings": rows}, donor / "model.safetensors")
    return donor


def whole_request(folder: Path) -> InitRequest:
    """Return a request that gives everything, for the seven words of each language that it names as translations."""
    source, target = tiny_model("roberta", folder / "source"), target_tokenizer("roberta", folder / "target")
    spoken = sorted({word for line in (*SOURCE_LINES, *TARGET_LINES) for word in line.replace(",", "").split()})
    rows = np.random.default_rng(5).normal(size=(len(spoken), DIM)).round(3)
    vectors = [f"{word} {' '.join(map(str, row))}" for word, row in zip(spoken, rows.tolist(), strict=True)]
    english, german = zip(*WORDS.items(), strict=True)
    pairs = [(english[i % 6], german[i % 6], english[i // 4], german[i // 4]) for i in range(N_PAIRS)]
    files = {
        "words.tsv": "".join(f"{one}\t{other}\n" for one, other in WORDS.items()),
        "lines.tsv": "".join(f"{a} and {c} {i}\t{b} und {d} {i}\n" for i, (a, b, c, d) in enumerate(pairs)),
        "both.vec": "\n".join([f"{len(spoken)} {DIM}", *vectors]),
        "text.txt": "".join(f"{line}\n" for line in TARGET_LINES * 3),
    }
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return InitRequest(
        source=str(source), target_tokenizer=str(target), corpus=(folder / "text.txt",),
        dictionary=folder / "words.tsv", parallel=folder / "lines.tsv", source_vectors=folder / "both.vec",
        donor=str(donor_of(folder, target)),
    )  # fmt: skip


def config_of(name: str) -> InitConfig:
    """Return options that let a method run on so little."""
    method, config = METHODS[name], InitConfig(method=name, threads=1, dim=DIM)
    config = dataclasses.replace(config, least_pairs=1, top_k=3) if "least_pairs" in method.options else config
    return dataclasses.replace(config, rank=6) if method.rank else config


def write_every_run(folder: Path) -> dict[str, RunFolder]:
    """Write a run of every method into ``folder/runs``, named by method and seed, and return them."""
    request = whole_request(folder)
    (folder / "runs").mkdir(exist_ok=True)
    made = {}
    for name in METHODS:
        path = folder / "runs" / f"{name}-1"
        run_to_folder(dataclasses.replace(request, config=config_of(name)), path)
        made[name] = open_run(path)
    return made
