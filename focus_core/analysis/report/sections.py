"""The parts of a report that a run itself fills: recipe, origins, hubs, lists, distributions, tokens.

They are plain values and charts for the templates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from focus_core.analysis.comparison.distributions import MEASURE_WORDS, Distribution
from focus_core.analysis.comparison.lists import Hub
from focus_core.analysis.comparison.runs import embedding_kinds
from focus_core.analysis.provenance.explain import explain_token
from focus_core.analysis.provenance.explanation import Explanation
from focus_core.analysis.provenance.formula import show_contributor
from focus_core.analysis.report import svg
from focus_core.analysis.token_list import TokenList
from focus_core.numerics.formats import plain_percent
from focus_core.runs.folder import RunFolder
from focus_core.runs.legend import CATEGORIES, category_of
from focus_core.runs.summary import chosen_options, differing_options, option_words
from focus_core.runs.tokens import frequency, row_name, table_rows
from focus_core.tokenization.display import show_token
from focus_core.types import Rule

N_LISTED = 10
N_CONTRIBUTORS = 8


def facts(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the numbers at the head of a report, each after its words."""
    counts, corpus = manifest["counts"], manifest.get("corpus") or {}
    return [
        ("target tokens", f"{counts['n_target']:,}"),
        ("shared with the source", plain_percent(counts["n_overlap"] / max(1, counts["n_target"]))),
        ("combined", f"{counts['by_origin'].get('combined', 0):,}"),
        ("fallback", f"{counts['by_origin'].get('fallback', 0):,}"),
        ("anchors", f"{counts['n_anchors']:,}"),
        ("text on shared tokens", plain_percent(corpus.get("share_overlap_occurrences"))),
    ]


def recipe(run: RunFolder, command: str) -> dict[str, Any]:
    """Return the options of a run, and how to make it again."""
    chosen = chosen_options(run.manifest)
    options = sorted((name, option_words(value, chosen.get(name))) for name, value in run.manifest["config"].items())
    versions = sorted((run.manifest.get("versions") or {}).items())
    return {
        "options": ", ".join(f"{name} {value}" for name, value in options),
        "differing": differing_options(run.manifest),
        "command": command,
        "versions": ", ".join(f"{name} {value}" for name, value in versions),
    }


def origins(run: RunFolder) -> dict[str, Any]:
    """Return where rows come from: by number of tokens, by occurrence, and by script."""
    counts = run.manifest["counts"]
    sizes = {**counts["by_rule"], **{k: counts["by_origin"].get(k, 0) for k in ("combined", "fallback")}}
    named = {f"k-{key}": f"{CATEGORIES[key].label} {sizes[key]:,}" for key in CATEGORIES if sizes.get(key)}
    seen = _occurrences(run)
    rows = [("tokens", sizes), *([("occurrences in the corpus", seen)] if seen else [])]
    drawn = [(name, [(found.get(look[2:], 0), look) for look in named]) for name, found in rows]
    chart = svg.cut_bars(drawn, f"Embeddings by origin: {', '.join(named.values())}")
    return {"chart": chart, "legend": named.items(), "scripts": _by_script(run)}


def _occurrences(run: RunFolder) -> dict[str, float]:
    """Return occurrences in the corpus by kind of row; empty where the run had no corpus."""
    if not run.manifest.get("corpus"):
        return {}
    kinds = embedding_kinds(run)
    seen = np.nan_to_num(frequency(run))
    return {kind: float(seen[kinds == kind].sum()) for kind in CATEGORIES}


def _by_script(run: RunFolder) -> dict[str, Any] | None:
    """Return how much of the largest scripts is shared."""
    groups = (run.manifest.get("overlap_statistics") or {}).get("by_script") or {}
    sizes = [(name, group["overlapping"], group["new"]) for name, group in groups.items()]
    largest = sorted(sizes, key=lambda found: (-found[1] - found[2], found[0]))[:N_LISTED]
    if not largest:
        return None
    drawn = [(name, [(shared, "k-exact"), (new, "k-combined")]) for name, shared, new in largest]
    words = "; ".join(f"{name} {shared:,} of {shared + new:,} shared" for name, shared, new in largest)
    return {
        "chart": svg.cut_bars(drawn, f"Overlap by script: {words}"),
        "rows": [(n, f"{s:,}", f"{new:,}", plain_percent(s / max(1, s + new))) for n, s, new in largest],
    }


def hubs(found: Sequence[Hub]) -> Markup | None:
    """Return the source tokens that feed most, as bars."""
    bars = [
        svg.Bar(
            name=show_token(hub.text, word_start=hub.word_start, limit=24),
            value=hub.share,
            words=f"{plain_percent(hub.share, digits=2)}, {hub.n_fed:,} embeddings",
            look="k-combined",
        )
        for hub in found
    ]
    return svg.bars(bars, f"Hub anchors: {_named(bars[:5])}") if bars else None


def _named(bars: Sequence[svg.Bar]) -> str:
    return ", ".join(f"{bar.name} {bar.words}" for bar in bars)


def token_list(run: RunFolder, found: TokenList) -> dict[str, Any]:
    """Return the first tokens of a list of tokens to look at, as a table."""
    ids = list(found.ids[:N_LISTED])
    columns = {
        "token": [f"{row_name(row, limit=40)} #{row['id']}" for row in table_rows(run, ids, found.side)],
        **({found.measure: [f"{value:.3f}" for value in found.values[: len(ids)]]} if found.measure else {}),
        "in the corpus": ["–" if math.isnan(n) else f"{n:,.0f}" for n in frequency(run, found.side)[ids]],
    }
    return {
        "title": f"{found.title}, the first {len(ids)} of {found.n_total:,}",
        "meaning": found.meaning,
        "remedy": found.remedy,
        "head": list(columns),
        "rows": list(zip(*columns.values(), strict=True)),
    }


def distribution(panel: Distribution) -> tuple[Markup, str]:
    """Return the picture of a measure and an origin, and the words below it."""
    one = panel.series[0]
    words = f"{MEASURE_WORDS[panel.measure]}, {panel.origin} embeddings"
    shares = (one.counts / max(1, one.n)).tolist()
    first, last = (f"{e:,.0f}" if panel.is_whole else f"{e:.3g}" for e in (panel.edges[0], panel.edges[-1]))
    labels = [(0.0, first), (float(len(shares)), f"{last} and more" if panel.is_open else last)]
    caption = f"{words}: {one.n:,} {'pairs' if panel.measure == 'cosine' else 'embeddings'}, median {one.median:.3g}"
    if panel.drawn is not None and panel.mean_embedding is not None:
        caption += f" (drawn by chance {panel.drawn.median:.3g}, mean embedding {panel.mean_embedding:.3g})"
    look = f"k-{category_of(panel.origin, Rule.EXACT).key}"
    return svg.steps(shares, labels, look, f"Distribution of {caption}"), caption


def _output_words(found: Explanation) -> str:
    """Return what the output embedding is made of, where it has weights of its own."""
    return f" {found.output_formula[:1].upper()}{found.output_formula[1:]}." if found.output_formula else ""


def example(run: RunFolder, target_id: int) -> dict[str, Any]:
    """Return a new token with what it was made of."""
    found = explain_token(run, target_id)
    seen = "" if found.frequency is None else f"{found.frequency:,} times in the corpus. "
    shown = found.contributors[:N_CONTRIBUTORS]
    more = f" The largest {len(shown)} are drawn." if found.n_contributors > len(shown) else ""
    bars = [
        svg.Bar(name=show_contributor(c, limit=24), value=abs(c.weight), words=f"{c.weight:.3f}", look="k-combined")
        for c in shown
    ]
    return {
        "title": f"{found.display} #{found.id}",
        "words": f"{seen}{' '.join(map(str, found.verdicts))}{more}{_output_words(found)}",
        "chart": svg.bars(bars, f"Contributors: {_named(bars)}"),
    }
