"""The parts of a report that a run itself fills: recipe, origins, overlap, checks, hubs, lists, distributions, tokens.

Owns which rows are shown and how they are worded. Refuses to compute what another module computes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from focus_core.analysis.checks.base import CheckResult, Status, by_frequency, has_origin
from focus_core.analysis.comparison.distributions import Distribution
from focus_core.analysis.comparison.lists import Hub, TokenList
from focus_core.analysis.comparison.runs import row_kinds
from focus_core.analysis.provenance.explanation import explain_token
from focus_core.analysis.provenance.formula import show_contributor
from focus_core.analysis.report import svg as drawing
from focus_core.analysis.report.markup import Markup, join, note, section, table, tag
from focus_core.analysis.report.style import KIND_LABELS
from focus_core.numerics.formats import plain_percent
from focus_core.runs.folder import RunFolder
from focus_core.runs.summary import chosen_options, differing_options, option_words
from focus_core.tokenization.display import show_token
from focus_core.types import Origin

N_LISTED = 10
N_EXAMPLES = 10
N_CONTRIBUTORS = 8
VERDICTS = {
    Status.PASSED: "passed",
    Status.WARNING: "warned",
    Status.PROBLEM: "problem",
    Status.NOT_APPLICABLE: "none",
}
"""The class of each verdict's colour; the word itself stands there, too."""

MEASURES = {
    "n_contributors": "contributors a row",
    "max_weight": "largest weight of a row",
    "norm": "length of a row",
    "cosine": "cosine of two rows",
    "frequency": "occurrences in the corpus",
}


def name_of(value: object, limit: int = 80) -> str:
    """Return a name that a user chose, as one visible line."""
    return show_token(str(value), limit=limit).replace("␣", " ")


def tokens_of(run: RunFolder, ids: Sequence[int], side: str = "target") -> list[str]:
    """Return some tokens of a run, each with its id, readable."""
    rows = (run.token_rows if side == "target" else run.source_rows)(list(ids))
    return [
        f"{show_token(str(row['text']), word_start=bool(row['word_start']), limit=40)} #{row['id']}" for row in rows
    ]


def summary(run: RunFolder) -> Markup:
    """Return the numbers at the head of a report, and the run's warnings."""
    manifest = run.manifest
    counts, corpus = manifest["counts"], manifest.get("corpus") or {}
    facts = [
        ("target tokens", f"{counts['n_target']:,}"),
        ("shared with the source", plain_percent(counts["n_overlap"] / max(1, counts["n_target"]))),
        ("combined", f"{counts['by_origin'].get('combined', 0):,}"),
        ("fallback", f"{counts['by_origin'].get('fallback', 0):,}"),
        ("anchors", f"{counts['n_anchors']:,}"),
        ("text on shared tokens", plain_percent(corpus.get("share_overlap_occurrences"))),
    ]
    shown = tag("ul", *(tag("li", tag("b", value), tag("span", words)) for words, value in facts), class_="facts")
    warned = [tag("p", name_of(text, 400), class_="warning") for text in manifest["warnings"]]
    return join([shown, *warned])


def recipe(run: RunFolder, command: str) -> Markup:
    """Return what a run was made from, its options, and how to make it again."""
    manifest = run.manifest
    inputs = [(e["role"], name_of(e["name"]), tag("code", e["sha256"])) for e in manifest["inputs"]]
    chosen = chosen_options(manifest)
    options = sorted((name, option_words(value, chosen.get(name))) for name, value in manifest["config"].items())
    versions = ", ".join(f"{name} {value}" for name, value in sorted((manifest.get("versions") or {}).items()))
    return section(
        "Recipe",
        tag("h3", "Inputs"),
        table(("role", "name", "SHA-256"), inputs),
        tag("h3", "Options"),
        note(", ".join(f"{name} {value}" for name, value in options)),
        tag("h3", "Where they differ from the paper"),
        table(("option", "paper", "this run"), differing_options(manifest)),
        tag("h3", "Make it again"),
        tag("pre", command),
        note("Files go by the names above; equal inputs, options and seed give equal bytes."),
        note(f"Versions: {versions}."),
        key="recipe",
    )


def origins(run: RunFolder) -> Markup:
    """Return where rows come from: by number of tokens, by occurrence, and by script."""
    counts = run.manifest["counts"]
    sizes = {**counts["by_rule"], **{k: counts["by_origin"].get(k, 0) for k in ("combined", "fallback")}}
    present = [key for key in KIND_LABELS if sizes.get(key)]
    rows: list[tuple[str, list[tuple[float, str]]]] = [("tokens", [(sizes[key], f"k-{key}") for key in present])]
    seen = _occurrences(run)
    if seen:
        rows.append(("occurrences in the corpus", [(seen.get(key, 0), f"k-{key}") for key in present]))
    words = ", ".join(f"{KIND_LABELS[key]} {sizes[key]:,}" for key in present)
    entries = [(f"k-{key}", f"{KIND_LABELS[key]} {sizes[key]:,}") for key in present]
    figure = tag("figure", drawing.cut_bars(rows, f"Rows by origin: {words}"), drawing.legend(entries))
    return section("Where the rows come from", figure, *_by_script(run), key="origins")


def _occurrences(run: RunFolder) -> dict[str, float]:
    """Return occurrences in the corpus by kind of row; empty where the run had no corpus."""
    if not run.manifest.get("corpus"):
        return {}
    kinds = row_kinds(run)
    seen = np.nan_to_num(np.asarray(run.column("tokens", "frequency"), dtype=np.float64))
    return {kind: float(seen[kinds == kind].sum()) for kind in KIND_LABELS}


def _by_script(run: RunFolder) -> list[Markup]:
    groups = (run.manifest.get("overlap_statistics") or {}).get("by_script") or {}
    largest = sorted(groups.items(), key=lambda item: (-item[1]["overlapping"] - item[1]["new"], item[0]))[:N_LISTED]
    if not largest:
        return []
    rows = [(name, [(g["overlapping"], "k-exact"), (g["new"], "k-combined")]) for name, g in largest]
    words = "; ".join(f"{name} {g['overlapping']:,} of {g['overlapping'] + g['new']:,} shared" for name, g in largest)
    cells = [
        (
            name,
            f"{g['overlapping']:,}",
            f"{g['new']:,}",
            plain_percent(g["overlapping"] / max(1, g["overlapping"] + g["new"])),
        )
        for name, g in largest
    ]
    legend = drawing.legend([("k-exact", "in both vocabularies"), ("k-combined", "target only")])
    return [
        tag("h3", "Overlap by script"),
        tag("figure", drawing.cut_bars(rows, f"Overlap by script: {words}"), legend),
        table(("script", "shared", "new", "share"), cells, numbers=(1, 2, 3)),
    ]


def checks(results: Sequence[CheckResult]) -> Markup:
    """Return the numbered checks with their verdicts and what to do."""
    rows = [
        (
            tag("span", r.code, class_="fixed"),
            r.title,
            tag("span", str(r.status), class_=f"verdict {VERDICTS[r.status]}"),
            join(
                [
                    name_of(r.summary, 400),
                    *([tag("div", "What to do: ", name_of(r.tip, 400), class_="note")] * bool(r.tip)),
                ]
            ),
        )
        for r in results
    ]
    return section("Checks", table(("check", "title", "verdict", "found"), rows), key="checks")


def hubs(found: Sequence[Hub]) -> Markup:
    """Return the source tokens that feed most, as bars."""
    if not found:
        return section("Hub anchors", note("No row of this run was combined from source rows."), key="hubs")
    drawn = [
        drawing.Bar(
            name=show_token(hub.text, word_start=hub.word_start, limit=24),
            value=hub.share,
            words=f"{plain_percent(hub.share, digits=2)}, {hub.n_fed:,} rows",
            look="k-combined",
        )
        for hub in found
    ]
    words = ", ".join(f"{bar.name} {bar.words}" for bar in drawn[:5])
    return section(
        "Hub anchors",
        note("The source tokens with the largest share of all weight in combined rows."),
        tag("figure", drawing.bars(drawn, f"Hub anchors: {words}")),
        key="hubs",
    )


def lists(run: RunFolder, found: Sequence[TokenList]) -> Markup:
    """Return the first tokens of every list of tokens to look at."""
    parts: list[Markup] = []
    for entry in found:
        ids = entry.ids[:N_LISTED]
        shown = tokens_of(run, ids, entry.side)
        values = [[f"{v:.3f}"] for v in entry.values[: len(ids)]] if entry.measure else [[] for _ in ids]
        seen = ["–" if math.isnan(n) else f"{n:,.0f}" for n in entry.frequency[: len(ids)]]
        head = ("token", *([entry.measure] if entry.measure else []), "in the corpus")
        rows = [(name, *value, n) for name, value, n in zip(shown, values, seen, strict=True)]
        title = f"{entry.title}, the first {len(ids)} of {entry.n_total:,}"
        parts += [tag("h3", title), note(name_of(entry.meaning, 400)), note("What to do: ", name_of(entry.remedy, 400))]
        parts.append(table(head, rows, numbers=range(1, len(head))))
    return section("Tokens to look at", *(parts or [note("No token stands out.")]), key="lists")


def spread(found: Sequence[Distribution]) -> Markup:
    """Return the distributions, a picture a measure and origin."""
    figures = []
    for panel in found:
        one = panel.series[0]
        words = f"{MEASURES[panel.measure]}, {panel.origin} rows"
        shares = (one.counts / max(1, one.n)).tolist()
        first, last = (f"{e:,.0f}" if panel.is_whole else f"{e:.3g}" for e in (panel.edges[0], panel.edges[-1]))
        labels = [(0.0, first), (float(len(shares)), f"{last} and more" if panel.is_open else last)]
        caption = f"{words}: {one.n:,} {'pairs' if panel.measure == 'cosine' else 'rows'}, median {one.median:.3g}"
        if panel.drawn is not None and panel.mean_row is not None:
            caption += f" (drawn by chance {panel.drawn.median:.3g}, mean row {panel.mean_row:.3g})"
        look = f"k-{'exact' if panel.origin is Origin.COPIED else panel.origin}"
        drawn = drawing.steps(shares, labels, look, f"Distribution of {caption}")
        figures.append(tag("figure", drawn, tag("figcaption", caption)))
    return section("Distributions", tag("div", *figures, class_="pair"), key="distributions")


def example_ids(run: RunFolder) -> list[int]:
    """Return combined tokens that show the method well: frequent words of a handful of contributors."""
    ids = by_frequency(run, np.flatnonzero(has_origin(run, Origin.COMBINED)))
    text = run.column("tokens", "text")
    n = np.asarray(run.column("tokens", "n_contributors"))
    words = [int(i) for i in ids if str(text[i]).isalpha() and len(text[i]) >= 4 and 3 <= n[i] <= 12]
    return (words if len(words) >= 3 else [int(i) for i in ids])[:N_EXAMPLES]


def examples(run: RunFolder) -> Markup:
    """Return some new tokens with what they were made of."""
    parts: list[Markup] = []
    for target_id in example_ids(run):
        found = explain_token(run, target_id)
        seen = "" if found.frequency is None else f"{found.frequency:,} times in the corpus. "
        shown = found.contributors[:N_CONTRIBUTORS]
        drawn = [
            drawing.Bar(
                name=show_contributor(c, limit=24), value=abs(c.weight), words=f"{c.weight:.3f}", look="k-combined"
            )
            for c in shown
        ]
        words = ", ".join(f"{bar.name} {bar.words}" for bar in drawn)
        more = f" The largest {len(shown)} are drawn." if found.n_contributors > len(shown) else ""
        parts.append(tag("h3", f"{found.display} #{found.id}"))
        parts.append(note(seen, " ".join(map(str, found.verdicts)), more))
        parts.append(tag("figure", drawing.bars(drawn, f"Contributors: {words}")))
    shown_parts = parts or [note("No row of this run was combined from source rows.")]
    return section("New tokens and what they were made of", *shown_parts, key="tokens")
