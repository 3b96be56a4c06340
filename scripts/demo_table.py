"""Measure the comparison on held-out lines and write its table: three seeds, intervals, both languages."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from demo_compare import LONG, METHODS, NAME, SEEDS, Piece

from focus_core.artifacts import dump_json

RESULTS = Path("assets/demo/results")
START, END = "<!-- comparison:start -->", "<!-- comparison:end -->"
LANGUAGE_NAMES = {"sw": "Swahili", "ar": "Arabic"}
LABELS = {
    "focus": "FOCUS",
    "script": "script-wise",
    "subword-mean": "subword mean",
    "overlap": "overlap only",
    "multivariate-normal": "multivariate normal",
    "mean": "mean",
    "random": "random",
}


def measure(language: str, data: Path, work: Path, methods: tuple[str, ...]) -> dict[str, Any]:
    """Evaluate the methods' runs before and after training on the lines kept aside, and how long random rows take.

    What is kept of other methods stays: values are of the same lines and the same masked words whichever are measured.
    """
    from focus_core.evaluation.report import evaluate_runs

    pieces = [Piece(language=language, method=m, seed=s, work=work) for m in methods for s in SEEDS]
    targets = [str(piece.run) for piece in pieces] + [f"{piece.run}:{NAME}" for piece in pieces]
    dictionary = data / "dict" / f"wiktionary_en-{language}.tsv"
    report = evaluate_runs(targets, corpus=data / "corpora" / language, dictionary=dictionary, progress=tell)
    kept = ("bits_per_character", "method", "state", "trained_tokens")
    groups = [only(group, kept) for group in report["groups"]]
    for group in groups:
        group["nats_per_token"] = mean_nats(report, group)
    before = load_results().get(language, {"groups": [], "alignment": {}})
    groups += [only(group, (*kept, "nats_per_token")) for group in before["groups"] if group["method"] not in methods]
    return {
        "corpus": report["corpus"],
        "settings": report["settings"],
        "seeds": list(SEEDS),
        "groups": groups,
        "alignment": before["alignment"] | {m: alignment(report, m) for m in ("focus", "random") if m in methods},
        "source": [entry | {"notes": []} for entry in report["sources"]],
        "worth": worth(Piece(language=language, method="focus", seed=SEEDS[0], work=work), work, before.get("worth")),
    }


def only(group: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return some entries of a group."""
    return {name: group[name] for name in names}


def tell(stage: str, done: float, total: float, note: str = "") -> None:
    """Print which target is measured."""
    if stage == "evaluate":
        print(stage, int(done), int(total), note, flush=True)


def mean_nats(report: Mapping[str, Any], group: Mapping[str, Any]) -> float:
    """Return nats per masked token, over the seeds of a group."""
    own = [e for e in report["targets"] if e["method"] == group["method"] and e["state"] == group["state"]]
    return math.fsum(entry["loss"]["nats_per_token"] for entry in own) / len(own)


def alignment(report: Mapping[str, Any], method: str) -> dict[str, Any]:
    """Return translation retrieval of a method's first seed, before and after training."""
    own = [entry for entry in report["targets"] if entry["method"] == method and entry["seed"] == SEEDS[0]]
    return {entry["state"]: entry["alignment"] for entry in own}


def worth(focus: Piece, work: Path, kept: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return how many tokens random rows took to become as good as FOCUS's were at the start.

    Where they were not trained again, their kept curve tells it: a lower start is reached later on it, or not at all.
    """
    start = pq.read_table(focus.trained() / "curve.parquet")["held_out_loss"][0].as_py()
    one_pass, rows = long_curve(focus, work, kept)
    found: dict[str, Any] = {"focus_at_start": start, "one_pass": one_pass, "last_tokens": rows[-1][0]}
    found |= {"last_loss": rows[-1][1], "best_loss": min(loss for _, loss in rows)}
    found |= {"reached": when_below(rows, start)}
    found["curve"] = [{"tokens": tokens, "held_out_loss": loss} for tokens, loss in rows]
    return found


def long_curve(focus: Piece, work: Path, kept: Mapping[str, Any] | None) -> tuple[int, list[tuple[int, float]]]:
    """Return the tokens of one pass over the text, and the losses of random rows on the way."""
    long = Piece(language=focus.language, method="random", seed=SEEDS[0], work=work).trained(LONG)
    if kept is not None and not long.is_dir():
        return kept["one_pass"], [(row["tokens"], row["held_out_loss"]) for row in kept["curve"]]
    curve = pq.read_table(long / "curve.parquet")
    manifest = json.loads((long / "manifest.json").read_text(encoding="utf-8"))
    rows = list(zip(curve["tokens"].to_pylist(), curve["held_out_loss"].to_pylist(), strict=True))
    return manifest["corpus"]["n_tokens"], rows


def when_below(rows: Sequence[tuple[int, float]], level: float) -> int | None:
    """Return after how many tokens a curve first falls below a level, on the line between two rows; None if never."""
    for (t0, l0), (t1, l1) in itertools.pairwise(rows):
        if l1 < level:
            return round(t0 + (t1 - t0) * (l0 - level) / (l0 - l1))
    return None


def table_of(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table and the sentences below it."""
    names = [LANGUAGE_NAMES[language] for language in results]
    tokens = {group["trained_tokens"] for found in results.values() for group in found["groups"]} - {None}
    budget = ", ".join(f"{count / 1000:,.0f}k tokens" for count in sorted(tokens))
    head = ["bits per character", *(f"{name}, at once | {name}, after {budget}" for name in names)]
    lines = [f"| {' | '.join(head)} |", "|---" + "|---:" * (2 * len(names)) + "|"]
    order = sorted(METHODS, key=lambda method: sum(value_of(found, method, None) for found in results.values()))
    for method in order:
        cells = [cell(found, method, state) for found in results.values() for state in (False, True)]
        lines.append(f"| {LABELS[method]} | {' | '.join(cells)} |")
    own = [source_cell(found) for found in results.values()]
    lines.append("| *the source under its own tokenizer* | " + " | ".join(f"{text} | —" for text in own) + " |")
    return "\n".join([*lines, "", *(sentence(language, found) for language, found in results.items())])


def group_of(found: Mapping[str, Any], method: str, trained: bool) -> Mapping[str, Any]:
    """Return the measures of a method before or after training."""
    return next(g for g in found["groups"] if g["method"] == method and (g["trained_tokens"] is not None) == trained)


def value_of(found: Mapping[str, Any], method: str, trained: bool | None) -> float:
    """Return bits per character."""
    return float(group_of(found, method, bool(trained))["bits_per_character"]["value"])


def cell(found: Mapping[str, Any], method: str, trained: bool) -> str:
    """Write a value with its interval."""
    bits = group_of(found, method, trained)["bits_per_character"]
    text = f"{bits['value']:.2f} ({bits['low']:.2f}–{bits['high']:.2f})"
    return f"**{text}**" if method == "focus" else text


def source_cell(found: Mapping[str, Any]) -> str:
    """Write what the source model itself needs for the same words."""
    bits = found["source"][0]["loss"]["bits_per_character"]
    return f"{bits['value']:.2f} ({bits['low']:.2f}–{bits['high']:.2f})"


def sentence(language: str, found: Mapping[str, Any]) -> str:
    """Say what FOCUS is worth in tokens of training against random rows, and what its loss is in nats."""
    worth_of, name = found["worth"], LANGUAGE_NAMES[language]
    nats = [
        f"{group_of(found, m, False)['nats_per_token']:.2f} for {LABELS[m]}" for m in ("focus", "overlap", "random")
    ]
    start = f"- {name}: nats per masked token at once are {nats[0]}, {nats[1]} and {nats[2]}. "
    passes = worth_of["last_tokens"] / worth_of["one_pass"]
    if worth_of["reached"] is None:
        return start + (
            f"Random rows do not reach FOCUS's loss at the start ({worth_of['focus_at_start']:.2f}) within "
            f"{worth_of['last_tokens']:,} tokens, {passes:.1f} passes over the text: "
            f"they end at {worth_of['last_loss']:.2f}."
        )
    return start + (
        f"Random rows reach FOCUS's loss at the start ({worth_of['focus_at_start']:.2f}) after {worth_of['reached']:,} "
        f"tokens of training: that is what FOCUS is worth here."
    )


def load_results() -> dict[str, dict[str, Any]]:
    """Read the committed measures."""
    paths = {language: RESULTS / f"{language}.json" for language in LANGUAGE_NAMES}
    return {language: json.loads(path.read_text(encoding="utf-8")) for language, path in paths.items() if path.exists()}


def write_table(document: Path) -> None:
    """Put the table between its marks."""
    text = document.read_text(encoding="utf-8")
    before, rest = text.split(START, 1)
    after = rest.split(END, 1)[1]
    document.write_text(f"{before}{START}\n{table_of(load_results())}\n{END}{after}", encoding="utf-8")


def measure_all(data: Path, work: Path, languages: tuple[str, ...], methods: tuple[str, ...]) -> None:
    """Measure the languages and keep the results."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    for language in languages:
        text = dump_json(measure(language, data, work, methods)) + "\n"
        (RESULTS / f"{language}.json").write_text(text, encoding="utf-8", newline="\n")
