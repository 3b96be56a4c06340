"""How often two German paraphrases lie nearer than unrelated sentences, before and after an encoder is adapted.

Usage: ``python -m benchmarks.bench_sentences [--data DIR] [--vocab-size 16000] [--threads 1]``.

The source is a sentence-transformers folder of static English embeddings (potion-base-4m-int8 as float32). It is
given a German vocabulary that is trained on the German texts, and exported; sentence-transformers loads every export
and encodes the 40 pairs of `paraphrases_de.tsv`, written for this. A pair counts by the share of sentences of other
pairs that lie farther from its halves than the halves from one another; 50 % is chance. The interval is that of the
mean over pairs.

Four encoders: the source itself, one with a cased vocabulary, one with the source's case, and the same with a
dictionary of word pairs as `--map`. One thread gives the same figures again.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import facts, write_result
from focus_core.api import run_to_folder
from focus_core.export.model_folder import export_model
from focus_core.initialization.config import InitConfig
from focus_core.initialization.request import InitRequest
from focus_core.runs.folder import RunFolder
from focus_core.tokenization.vocabulary import Vocabulary, load_vocabulary
from focus_core.types import Normalization

PAIRS = Path(__file__).parent / "paraphrases_de.tsv"
MODEL, TEXTS, DICTIONARY = "models/potion-base-4m-int8", "corpora/de", "dict/wiktionary_en-de.tsv"
N_DRAWS, SEED = 2_000, 7


def write_source(model: Path, folder: Path) -> Path:
    """Write the source as sentence-transformers lays static embeddings out, in float32."""
    from safetensors.torch import load_file, save_file

    inside = folder / "0_StaticEmbedding"
    inside.mkdir(parents=True)
    (folder / "1_Normalize").mkdir()
    matrix = load_file(model / "model.safetensors")["embeddings"].float()
    save_file({"embedding.weight": matrix}, inside / "model.safetensors")
    (inside / "tokenizer.json").write_bytes((model / "tokenizer.json").read_bytes())
    modules = [
        {"idx": i, "name": str(i), "path": f"{i}_{name}", "type": f"sentence_transformers.models.{name}"}
        for i, name in enumerate(("StaticEmbedding", "Normalize"))
    ]
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    return folder


def read_pairs() -> list[list[str]]:
    """Return the pairs of paraphrases."""
    return [line.split("\t") for line in PAIRS.read_text(encoding="utf-8").splitlines()]


def encode(folder: Path, texts: list[str]) -> np.ndarray:
    """Return what the library makes of texts, each of length 1."""
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    vectors: np.ndarray = encoder.encode(texts, normalize_embeddings=True)
    return vectors


def measure(folder: Path) -> dict[str, Any]:
    """Return the share with its interval, and how often a paraphrase is the nearest of all."""
    one, other = (encode(folder, list(texts)) for texts in zip(*read_pairs(), strict=True))
    cosines = one @ other.T
    own, strange = np.diag(cosines), ~np.eye(len(cosines), dtype=bool)
    farther = [(own[:, None] > c)[strange].reshape(len(c), -1).mean(axis=1) for c in (cosines, cosines.T)]
    shares = np.mean(farther, axis=0)
    drawn = np.random.default_rng(SEED).integers(0, len(shares), (N_DRAWS, len(shares)))
    low, high = np.quantile(shares[drawn].mean(axis=1), (0.025, 0.975))
    nearest = [(c.argmax(axis=1) == np.arange(len(c))).mean() for c in (cosines, cosines.T)]
    return {"share": float(shares.mean()), "low": float(low), "high": float(high), "nearest": float(np.mean(nearest))}


def write_map(dictionary: Path, source: Vocabulary, target: Vocabulary, path: Path) -> int:
    """Write the pairs of words that are one token on both sides, the most frequent where there are several."""
    pairs: dict[int, int] = {}
    with dictionary.open(encoding="utf-8", newline="") as stream:
        for english, german in csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
            new, old = _one_token(target, german), _one_token(source, english.removeprefix("to "))
            if new is not None and old is not None:
                pairs[new] = min(old, pairs.get(new, old))  # a BERT vocabulary is in the order of frequency
    path.write_text("".join(f"#{new}\t#{old}\n" for new, old in sorted(pairs.items())), encoding="utf-8")
    return len(pairs)


def _one_token(vocabulary: Vocabulary, word: str) -> int | None:
    """Return the id of a word that is a single token; ``None`` for any other."""
    ids = vocabulary.backend.encode(word, add_special_tokens=False).ids
    return ids[0] if len(ids) == 1 else None


def adapt(request: InitRequest, place: Path) -> tuple[RunFolder, dict[str, Any]]:
    """Make a run and its export, and measure that."""
    run = run_to_folder(request, place / "run")
    origins, counts = run.manifest["counts"]["by_origin"], run.manifest["target"]["n"]
    measured = measure(export_model(run, place / "export"))
    return run, {**measured, "tokens": counts, "copied": origins["copied"], "combined": origins["combined"]}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("FOCUS_LAB_DATA"))
    parser.add_argument("--vocab-size", type=int, default=16_000)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if options.data is None:
        raise SystemExit("name the folder of real data with --data or FOCUS_LAB_DATA")
    environment = facts(options.threads)
    with tempfile.TemporaryDirectory(prefix="focus-lab-sentences-") as name:
        rows = compare(options.data, Path(name), options.vocab_size, InitConfig(threads=options.threads))
    write_result("sentences", environment, rows)


def compare(data: Path, place: Path, vocab_size: int, config: InitConfig) -> list[dict[str, Any]]:
    """Return a row an encoder, printed as it comes."""
    source = write_source(data / MODEL, place / "source")
    given: dict[str, Any] = {"source": str(source), "corpus": (data / TEXTS,), "config": config}
    trained = {**given, "train_tokenizer": "wordpiece", "vocab_size": vocab_size}
    rows = [say({"encoder": "the source, before", **measure(source)})]
    cased = InitRequest(**trained, normalization=Normalization.NONE)
    rows.append(say({"encoder": "FOCUS, a cased vocabulary", **adapt(cased, place / "cased")[1]}))
    run, measured = adapt(InitRequest(**trained), place / "inherited")
    rows.append(say({"encoder": "FOCUS, the source's case", **measured}))
    target = run.path / "target_tokenizer"
    pairs = write_map(data / DICTIONARY, load_vocabulary(source), load_vocabulary(target), place / "map.tsv")
    mapped = InitRequest(**given, target_tokenizer=str(target), user_map=place / "map.tsv")
    encoder = f"FOCUS, the source's case, {pairs:,} words of a dictionary"
    rows.append(say({"encoder": encoder, **adapt(mapped, place / "dictionary")[1]}))
    return rows


def say(row: dict[str, Any]) -> dict[str, Any]:
    """Print a row and return it."""
    interval = f"{row['low']:.1%} to {row['high']:.1%}"
    print(f"{row['encoder']}: {row['share']:.1%} ({interval}), nearest {row['nearest']:.1%}", flush=True)
    return row


if __name__ == "__main__":
    main()
