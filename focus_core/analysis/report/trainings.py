"""The parts of a report that came later: curves of trainings, evaluations with their intervals, a map.

They are plain values and charts for the templates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from focus_core.analysis.comparison.runs import embedding_kinds
from focus_core.analysis.report import svg
from focus_core.analysis.report.markup import name_of
from focus_core.analysis.report.style import method_class
from focus_core.evaluation.comparable import why_not_comparable
from focus_core.evaluation.stored import state_name
from focus_core.numerics.formats import numbered
from focus_core.runs.additions import ProjectionFolder, TrainingFolder
from focus_core.runs.folder import RunFolder
from focus_core.runs.legend import CATEGORIES, METHOD_LOOKS, method_of

DASH = "–"
MAX_NAME = 24
"""Letters of a state's name before its bar."""


def _method(training: TrainingFolder) -> str:
    """Return the method of the rows that a training began from; ``unknown`` where it says none."""
    entry = training.manifest.get("initialisation")
    return str(entry.get("method", "unknown")) if isinstance(entry, dict) else "unknown"


def trainings(found: Sequence[TrainingFolder]) -> dict[str, Any]:
    """Return the curves of all trainings, and a row for each."""
    order = {key: place for place, key in enumerate(METHOD_LOOKS)}
    ranked = sorted(found, key=lambda t: (order.get(_method(t), len(order)), t.name))
    return {"rows": [_row(training) for training in ranked], **_curves(ranked)}


def _row(training: TrainingFolder) -> tuple[str, ...]:
    result, drift = (training.manifest.get(key) or {} for key in ("result", "movement"))
    values = [result.get("held_out_bits_start"), result.get("held_out_bits_end"), drift.get("mean_kept"),
              drift.get("foreseen")]  # fmt: skip
    tokens = result.get("tokens")
    numbers = (DASH if value is None else f"{round(value, 3) + 0.0:.3f}" for value in values)
    return training.name, method_of(_method(training)).label, DASH if tokens is None else f"{tokens:,}", *numbers


def _curves(found: Sequence[TrainingFolder]) -> dict[str, Any]:
    """Return the curves of held-out bits; a thin line a training, a thick one for the mean of each method."""
    grouped: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for training in found:
        if (curve := training.measured("held_out_bits")) is not None:
            grouped.setdefault(_method(training), []).append(curve)
    if not grouped:
        return {"chart": None}
    drawn = [(method, *_lines(method, points)) for method, points in grouped.items()]
    ends = "; ".join(
        f"{method_of(m).label} from {line.y[0]:.2f} to {line.y[-1]:.2f}" for m, _, thick in drawn for line in thick
    )
    lines = [line for _, thin, thick in drawn for line in (*thin, *thick)]
    entries = [(_look(m, thick=True), method_of(m).strokes, method_of(m).label) for m in grouped]
    chart = svg.curves(lines, "tokens of training", f"Bits per character on held-out text: {ends}")
    return {"chart": chart, "legend": entries}


def _lines(method: str, points: list[tuple[np.ndarray, np.ndarray]]) -> tuple[list[svg.Line], list[svg.Line]]:
    """Return the thin lines of a method and its thick ones: the mean, or every curve where they share no points."""

    def lines(curves: list[tuple[np.ndarray, np.ndarray]], *, thick: bool) -> list[svg.Line]:
        look, dash = _look(method, thick=thick), method_of(method).strokes
        return [svg.Line(x=x, y=y, look=look, dash=dash) for x, y in curves]

    first = points[0][0]
    if len(points) == 1 or not all(np.array_equal(x, first) for x, _ in points):
        return [], lines(points, thick=True)
    return lines(points, thick=False), lines([(first, np.mean([y for _, y in points], axis=0))], thick=True)


def _look(method: str, *, thick: bool) -> str:
    own = " focus" if method == "focus" and thick else ""
    return f"curve s-{method_class(method)}{own}{'' if thick else ' seed'}"


def evaluation(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return an evaluation: states side by side, with intervals."""
    corpus, targets, sources = report["corpus"], report["targets"], report["sources"]
    words_of = [state_name(e) for e in targets] + [state_name(e, source=True) for e in sources]
    short = numbered([name_of(words, MAX_NAME) for words in words_of])
    bars = [bar for entry, name in zip([*targets, *sources], short, strict=True) if (bar := _bar(entry, name))]
    words = "; ".join(f"{bar.name} {bar.words}" for bar in bars)
    whole = numbered([name_of(words) for words in words_of])
    names = {entry["target"]: name for entry, name in zip(targets, whole, strict=False)}
    return {
        "title": f"On {corpus['n_measured_lines']:,} of {corpus['n_lines']:,} lines of "
        + ", ".join(name_of(name) for name in corpus["files"]),
        "chart": svg.bars(bars, f"Bits per character: {words}") if bars else None,
        "first": next(iter(names.values()), ""),
        "rows": [
            (names.get(entry["target"], DASH), f"{d['value']:+.3f}", f"{d['low']:+.3f} to {d['high']:+.3f}")
            for entry in report["differences"]
            if (d := entry["bits_per_character"])
        ],
        "notes": [f"{names[e['target']]}: {name_of(text, 300)}" for e in targets for text in e.get("notes") or []]
        + [f"{name}: {why}." for name, e in zip(whole[len(targets) :], sources, strict=True) if (why := _why(e))],
    }


def _why(entry: Mapping[str, Any]) -> str:
    """Return why the loss of a state has no number; empty where it has one or was not measured."""
    return why_not_comparable(entry.get("loss"))


def _bar(entry: Mapping[str, Any], name: str) -> svg.Bar | None:
    """Return the bar of a state, ``None`` where its loss was not measured."""
    bits = (entry.get("loss") or {}).get("bits_per_character")
    if not bits:
        return None
    return svg.Bar(
        name=name,
        value=bits["value"],
        words=f"{bits['value']:.3f} [{bits['low']:.3f}, {bits['high']:.3f}]",
        look=method_class(str(entry["method"])) if entry.get("method") else "k-other",
        low=bits["low"],
        high=bits["high"],
    )


def projected_map(run: RunFolder, projection: ProjectionFolder | None) -> dict[str, Any] | None:
    """Return a projection of the run, a picture a member, on one scale."""
    if projection is None:
        return None
    points, manifest = projection.points(), projection.manifest
    member = np.asarray(points.column("member").to_pylist(), dtype=object)
    ids = points.column("id").to_numpy()
    plane = np.stack([points.column(axis).to_numpy() for axis in ("x", "y")], axis=1).astype(np.float64)
    (low_x, low_y), (high_x, high_y) = plane.min(axis=0).tolist(), plane.max(axis=0).tolist()
    kinds = embedding_kinds(run)[ids]
    present = [kind for kind in CATEGORIES if (kinds == kind).any()]
    figures = []
    for entry in manifest["members"]:
        mine = member == entry["key"]
        groups = [(plane[mine & (kinds == kind)], f"s-k-{kind}") for kind in reversed(present)]
        title = name_of(entry.get("title") or entry["key"])
        words = f"Map of {int(mine.sum()):,} embeddings, {title}"
        figures.append((svg.cloud(groups, (low_x, low_y, high_x, high_y), words), title))
    total, trust = (manifest.get(key) for key in ("n_total", "trustworthiness"))
    facts = [
        f"{manifest.get('method')}, seed {manifest.get('seed')}",
        f"{len(np.unique(ids)):,} {'' if total is None else f'of {total:,} '}tokens",
        *([] if trust is None else [f"trustworthiness {trust:.2f}"]),
        "all panes from one joint layout",
    ]
    legend = [(f"k-{kind}", CATEGORIES[kind].label) for kind in present]
    return {"figures": figures, "legend": legend, "facts": "; ".join(facts)}
