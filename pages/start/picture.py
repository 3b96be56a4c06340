"""What the picture on the Start page shows: two vocabularies, what they share, and how new tokens are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from focus_core.analysis.provenance.explanation import Contributor, Explanation
from focus_core.numerics.formats import count
from focus_core.runs.folder import RunFolder
from focus_core.runs.legend import CATEGORIES, SOURCE_ONLY, category_of, ink_on
from focus_core.runs.tokens import row_name, showcase
from focus_core.tokenization.display import show_name, show_token
from focus_core.types import Origin
from focus_ui.data.run_cards import category_sizes

N_TOKENS = 10
N_ANCHORS = 6
N_SAMPLES = 14
MIN_LETTERS = 4


def picture_data(run: RunFolder, explain: Callable[[RunFolder, int], Explanation]) -> dict[str, Any]:
    """Return the picture of a run as plain values, computed once."""
    return run.remember("start picture", lambda: _picture(run, explain))


def _picture(run: RunFolder, explain: Callable[[RunFolder, int], Explanation]) -> dict[str, Any]:
    tokens = [_token(run, explain(run, i)) for i in showcase(run)[:N_TOKENS]]
    source, target = _source(run), _target(run)
    return {"source": source, "target": target, "tokens": tokens, "alt": _alt(source, target, tokens)}


def _source(run: RunFolder) -> dict[str, Any]:
    """Return the source vocabulary: what is shared, then what only it has."""
    counts = run.manifest["counts"]
    ranks, ids = (run.column("candidates", name) for name in ("rank", "source_id"))
    shared = len(np.unique(ids[ranks == 0]))
    unshared = run.column("source_tokens", "target_id") < 0
    parts = [
        _part("shared", "shared", shared, CATEGORIES["exact"].color, _samples(run, "source_tokens", ~unshared)),
        _part("only", "only here", counts["n_source"] - shared, SOURCE_ONLY, _samples(run, "source_tokens", unshared)),
    ]
    return _side(run, "source", parts)


def _target(run: RunFolder) -> dict[str, Any]:
    """Return the target vocabulary by where its rows come from: copied first, as in the legend."""
    origins = run.column("tokens", "origin")
    parts = []
    for key, size in category_sizes(run).items():
        category = CATEGORIES[key]
        origin = key if key in {Origin.COMBINED, Origin.FALLBACK} else Origin.COPIED
        parts.append(_part(key, category.label, size, category.color, _samples(run, "tokens", origins == origin)))
    return _side(run, "target", parts)


def _side(run: RunFolder, side: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    name = show_name(str(run.manifest[side]["name"]), limit=28)
    size = run.manifest["counts"][f"n_{side}"]
    return {"name": name, "size": f"{count(size)} tokens", "parts": [part for part in parts if part["n"]]}


def _part(key: str, label: str, size: int, color: str, samples: list[str]) -> dict[str, Any]:
    numbers, look = {"n": int(size), "size": count(size)}, {"color": color, "ink": ink_on(color)}
    return {"key": key, "label": label, **numbers, **look, "samples": samples}


def _samples(run: RunFolder, table: str, keep: np.ndarray) -> list[str]:
    """Return some words of a part of a vocabulary: the lowest ids that look like words, as they read."""
    texts = run.column(table, "text")
    starts = run.column(table, "word_start") if table == "tokens" else np.zeros(len(texts), dtype=bool)
    found: list[str] = []
    for i in np.flatnonzero(keep):
        text = str(texts[i]) if texts[i] is not None else ""
        if len(text) >= MIN_LETTERS and text.isalpha():
            found.append(show_token(text, word_start=bool(starts[i]), limit=16))
            if len(found) == N_SAMPLES:
                break
    return found


def _token(run: RunFolder, explanation: Explanation) -> dict[str, Any]:
    """Return a new token, its largest contributors, and what the others weigh together."""
    shown = explanation.contributors[:N_ANCHORS]
    rest = explanation.contributors[N_ANCHORS:]
    color = category_of(explanation.origin, explanation.rule).color
    return {
        "id": explanation.id,
        "text": explanation.display,
        "color": color,
        "ink": ink_on(color),
        "anchors": [_anchor(run, contributor) for contributor in shown],
        "rest": {"n": len(rest), "weight": float(sum(c.weight for c in rest))},
    }


def _anchor(run: RunFolder, contributor: Contributor) -> dict[str, Any]:
    row = run.source_rows([contributor.source_id])[0]
    target_id = int(run.column("source_tokens", "target_id")[contributor.source_id])
    if target_id < 0:
        color = SOURCE_ONLY
    else:
        color = category_of(*(str(run.column("tokens", name)[target_id]) for name in ("origin", "rule"))).color
    return {
        "id": contributor.source_id,
        "text": row_name(row),
        "weight": float(contributor.weight),
        "similarity": None if contributor.similarity is None else float(contributor.similarity),
        "shared": target_id >= 0,
        "color": color,
    }


def _alt(source: dict[str, Any], target: dict[str, Any], tokens: Sequence[dict[str, Any]]) -> str:
    """Return the picture in sentences."""
    sides = [
        f"{which} vocabulary, {side['size']}: " + ", ".join(f"{part['size']} {part['label']}" for part in side["parts"])
        for which, side in (("Source", source), ("Target", target))
    ]
    words = [*sides, "Shared embeddings are copied"]
    if tokens:
        first = tokens[0]
        sums = ", ".join(f"{anchor['weight']:.2f} of {anchor['text']}" for anchor in first["anchors"])
        words.append(f"Contributors of the new token {first['text']}: {sums} and {first['rest']['n']} more")
    return ". ".join(words) + "."
