"""The parts of a report that came later: curves of trainings, evaluations with their intervals, a map.

Owns which of them are shown and how they are worded. Refuses to measure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from focus_core.analysis.comparison.runs import row_kinds
from focus_core.analysis.report import svg as drawing
from focus_core.analysis.report.markup import Markup, join, note, section, table, tag
from focus_core.analysis.report.sections import name_of
from focus_core.analysis.report.style import DASHES, KIND_LABELS, METHOD_LABELS, method_class, method_label
from focus_core.evaluation.stored import state_name
from focus_core.runs.additions import ProjectionFolder, TrainingFolder
from focus_core.runs.folder import RunFolder

DASH = "–"
MAX_NAME = 24
"""Letters of a state's name before its bar."""


def method_of(training: TrainingFolder) -> str:
    """Return the method of the rows that a training began from; ``unknown`` where it says none."""
    entry = training.manifest.get("initialisation")
    return str(entry.get("method", "unknown")) if isinstance(entry, dict) else "unknown"


def trainings(found: Sequence[TrainingFolder]) -> Markup:
    """Return the curves of all trainings, and a row for each."""
    if not found:
        return section("Trainings", note("This run has not been trained."), key="trainings")
    order = {key: place for place, key in enumerate(METHOD_LABELS)}
    ranked = sorted(found, key=lambda t: (order.get(method_of(t), len(order)), t.name))
    parts: list[Markup] = [_curves(ranked)]
    rows = [_row(training) for training in ranked]
    head = ("training", "initialised by", "tokens", "bits at start", "bits at end", "neighbours kept", "foreseen")
    parts.append(table(head, rows, numbers=range(2, len(head))))
    parts.append(note("Bits per character on held-out text; lower is better. Every training began from the same body."))
    return section("Trainings", *parts, key="trainings")


def _row(training: TrainingFolder) -> tuple[str, ...]:
    result, movement = (training.manifest.get(key) or {} for key in ("result", "movement"))
    values = [result.get("held_out_bits_start"), result.get("held_out_bits_end"), movement.get("mean_kept"),
              movement.get("foreseen")]  # fmt: skip
    tokens = result.get("tokens")
    numbers = (DASH if value is None else f"{round(value, 3) + 0.0:.3f}" for value in values)
    return training.name, method_label(method_of(training)), DASH if tokens is None else f"{tokens:,}", *numbers


def _curves(found: Sequence[TrainingFolder]) -> Markup:
    """Return the curves of held-out bits; a thin line a training, a thick one for the mean of each method."""
    grouped: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for training in found:
        curve = training.curve()
        if curve is None:
            continue
        bits = np.asarray(curve.column("held_out_bits").to_numpy(zero_copy_only=False), dtype=np.float64)
        known = np.isfinite(bits)
        if known.any():
            seen = np.asarray(curve.column("tokens").to_numpy(), dtype=np.float64)[known]
            grouped.setdefault(method_of(training), []).append((seen, bits[known]))
    if not grouped:
        return note("No training of this run recorded a curve.")
    drawn_lines = [(method, *_lines(method, points)) for method, points in grouped.items()]
    lines = [line for _, thin, thick in drawn_lines for line in (*thin, *thick)]
    ends = "; ".join(
        f"{method_label(method)} from {line.y[0]:.2f} to {line.y[-1]:.2f}"
        for method, _, thick in drawn_lines
        for line in thick
    )
    drawn = drawing.curves(lines, "tokens of training", f"Bits per character on held-out text: {ends}")
    entries = [(_look(m, thick=True), DASHES.get(m), method_label(m)) for m in grouped]
    return tag("figure", drawn, drawing.line_legend(entries))


def _lines(method: str, points: list[tuple[np.ndarray, np.ndarray]]) -> tuple[list[drawing.Line], list[drawing.Line]]:
    """Return the thin lines of a method and its thick ones: the mean, or every curve where they share no points."""
    same = all(np.array_equal(x, points[0][0]) for x, _ in points)
    if len(points) == 1 or not same:
        return [], [drawing.Line(x=x, y=y, look=_look(method, thick=True), dash=DASHES.get(method)) for x, y in points]
    mean = np.mean([y for _, y in points], axis=0)
    thin = [drawing.Line(x=x, y=y, look=_look(method, thick=False), dash=DASHES.get(method)) for x, y in points]
    return thin, [drawing.Line(x=points[0][0], y=mean, look=_look(method, thick=True), dash=DASHES.get(method))]


def _look(method: str, *, thick: bool) -> str:
    own = " focus" if method == "focus" and thick else ""
    return f"curve s-{method_class(method)}{own}{'' if thick else ' seed'}"


def evaluations(found: Sequence[Mapping[str, Any]]) -> Markup:
    """Return every evaluation: states side by side, with intervals."""
    parts = [part for report in found for part in _evaluation(report)]
    return section("Evaluations", *parts, key="evaluations") if parts else Markup("")


def _evaluation(report: Mapping[str, Any]) -> list[Markup]:
    corpus = report["corpus"]
    files = ", ".join(name_of(name) for name in corpus["files"])
    states = [*report["targets"], *report["sources"]]
    words_of = [state_name(e) for e in report["targets"]] + [state_name(e, source=True) for e in report["sources"]]
    short = _distinct([name_of(words, MAX_NAME) for words in words_of])
    drawn = [bar for entry, name in zip(states, short, strict=True) if (bar := _bar(entry, name))]
    parts = [tag("h3", f"On {corpus['n_measured_lines']:,} of {corpus['n_lines']:,} lines of {files}")]
    if drawn:
        words = "; ".join(f"{bar.name} {bar.words}" for bar in drawn)
        caption = "Bits per character with 95 % intervals; lower is better."
        parts.append(tag("figure", drawing.bars(drawn, f"Bits per character: {words}"), tag("figcaption", caption)))
    whole = _distinct([name_of(words) for words in words_of])
    names = {entry["target"]: name for entry, name in zip(report["targets"], whole, strict=False)}
    rows = [
        (names.get(entry["target"], DASH), f"{d['value']:+.3f}", f"{d['low']:+.3f} to {d['high']:+.3f}")
        for entry in report["differences"]
        if (d := entry["bits_per_character"])
    ]
    if rows:
        head = (f"against {next(iter(names.values()))}", "difference", "95 % interval")
        parts.append(table(head, rows, numbers=(1, 2)))
    notes = [f"{names[e['target']]}: {name_of(text, 300)}" for e in report["targets"] for text in e.get("notes") or []]
    return [*parts, *map(note, notes)]


def _distinct(names: Sequence[str]) -> list[str]:
    """Return names of which no two are the same: those that came before get no number, later ones do."""
    found: list[str] = []
    for name in names:
        numbered = (name, *(f"{name} ({i})" for i in range(2, len(found) + 3)))
        found.append(next(n for n in numbered if n not in found))
    return found


def _bar(entry: Mapping[str, Any], name: str) -> drawing.Bar | None:
    """Return the bar of a state, ``None`` where its loss was not measured."""
    bits = (entry.get("loss") or {}).get("bits_per_character")
    if not bits:
        return None
    return drawing.Bar(
        name=name,
        value=bits["value"],
        words=f"{bits['value']:.3f} [{bits['low']:.3f}, {bits['high']:.3f}]",
        look=method_class(str(entry["method"])) if entry.get("method") else "k-other",
        low=bits["low"],
        high=bits["high"],
    )


def maps(run: RunFolder, projection: ProjectionFolder | None) -> Markup:
    """Return a projection of the run, a picture a member, on one scale."""
    if projection is None:
        return Markup("")
    points, manifest = projection.points(), projection.manifest
    member = np.asarray(points.column("member").to_pylist(), dtype=object)
    ids = points.column("id").to_numpy()
    plane = np.stack([points.column(axis).to_numpy() for axis in ("x", "y")], axis=1).astype(np.float64)
    (low_x, low_y), (high_x, high_y) = plane.min(axis=0).tolist(), plane.max(axis=0).tolist()
    kinds = row_kinds(run)
    present = [kind for kind in reversed(KIND_LABELS) if (kinds[ids] == kind).any()]
    figures = []
    for entry in manifest["members"]:
        mine = member == entry["key"]
        groups = [(plane[mine & (kinds[ids] == kind)], f"s-k-{kind}") for kind in present]
        title = name_of(entry.get("title") or entry["key"])
        words = f"Map of {int(mine.sum()):,} rows, {title}"
        figures.append(
            tag("figure", drawing.cloud(groups, (low_x, low_y, high_x, high_y), words), tag("figcaption", title))
        )
    total, trust = (manifest.get(key) for key in ("n_total", "trustworthiness"))
    facts = [
        f"{manifest.get('method')}, seed {manifest.get('seed')}",
        f"{len(np.unique(ids)):,} {'' if total is None else f'of {total:,} '}tokens",
        *([] if trust is None else [f"trustworthiness {trust:.2f}"]),
        "all panes from one joint layout",
    ]
    legend = drawing.legend([(f"k-{kind}", KIND_LABELS[kind]) for kind in reversed(present)])
    return section("Map", tag("div", join(figures), class_="pair"), legend, note("; ".join(facts), "."), key="map")
