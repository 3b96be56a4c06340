"""The page Compare as Markdown, to be pasted into a report of a fault or a letter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from focus_core.analysis.checks.base import CheckResult
from focus_core.analysis.comparison.distributions import Distribution
from focus_core.analysis.comparison.lists import Hub
from focus_core.analysis.comparison.neighbour_groups import NeighbourGroups
from focus_core.analysis.comparison.runs import RunComparison
from focus_core.analysis.token_list import TokenList
from focus_core.numerics.formats import decimal, plain_percent
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import row_name, table_rows
from focus_core.tokenization.display import markdown_escape, show_name, show_token

N_TOKENS = 5
N_GROUPS = 10
LETTERS = tuple("ABCDEFG")
"""How runs are called, the one that the report is about first."""
ACTIVE = frozenset("\\`*_[]<>|#!&~$")
MEASURES = {
    "n_contributors": "contributors an embedding",
    "max_weight": "largest weight",
    "norm": "embedding norm",
    "cosine": "cosine of two embeddings",
    "frequency": "occurrences in the corpus",
}
"""What every measure of `distributions` is called."""


def comparison_report(
    run: RunFolder,
    results: Sequence[CheckResult],
    *,
    lists: Sequence[TokenList],
    hubs: Sequence[Hub],
    spread: Sequence[Distribution],
    others: Sequence[RunFolder] = (),
    differences: Sequence[RunComparison] = (),
    verdicts: Sequence[Sequence[CheckResult]] = (),
    together: NeighbourGroups | None = None,
) -> str:
    """Return what the page Compare shows as Markdown.

    Parameters
    ----------
    run : RunFolder
        The run, called A.
    results : sequence of CheckResult
        Of `run_checks` on it.
    lists : sequence of TokenList
        Of `token_lists`.
    hubs : sequence of Hub
        Of `hub_anchors`.
    spread : sequence of Distribution
        Of `distributions`, of the run and of the others.
    others : sequence of RunFolder, default=()
        The other runs, called B, C and so on.
    differences : sequence of RunComparison, default=()
        Of `compare_runs` on the run and each of the others.
    verdicts : sequence of sequence of CheckResult, default=()
        Of `run_checks` on each of the others; where they are given, the report holds a table of all verdicts.
    together : NeighbourGroups, default=None
        Of `training_groups` or `changed_groups`.

    Returns
    -------
    str
        Markdown; every token and every name in it is escaped.
    """
    names = LETTERS[: 1 + len(others)]
    parts = [["# Report on an initialisation", ""]]
    parts += [_recipe(name, found) for name, found in zip(names, (run, *others), strict=True)]
    parts.append(_checks(results))
    if verdicts:
        parts.append(_verdicts(names, [results, *verdicts]))
    parts += [_lists(run, lists), _hubs(hubs), _spread(spread, names)]
    parts += [_difference(run, found, name) for name, found in zip(names[1:], differences, strict=True)]
    if together is not None and together.groups:
        parts.append(_together(run, together))
    return "\n".join(line for part in parts for line in part).rstrip() + "\n"


def _plain(text: object) -> str:
    return markdown_escape(show_name(str(text), limit=60))


def _token(run: RunFolder, target_id: int, *, side: str = "target") -> str:
    name = row_name(table_rows(run, [target_id], side)[0], limit=40)
    return f"{markdown_escape(name)} (#{target_id})"


def _number(value: float | None, digits: int = 3) -> str:
    return decimal(value, digits, unknown="–", group=",")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|{'|'.join('---' for _ in head)}|",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
    ]


def _recipe(name: str, run: RunFolder) -> list[str]:
    config, manifest = run.manifest["config"], run.manifest
    options = ", ".join(f"{key} {config[key]}" for key in ("method", "match", "preset", "seed") if key in config)
    versions = ", ".join(f"{key} {value}" for key, value in sorted(manifest.get("versions", {}).items()))
    lines = [
        f"- run {name}: {_plain(manifest['source']['name'])} → {_plain(manifest['target']['name'])}, digest "
        f"`{run.digest[:16]}`",
        f"- options of {name}: {_sentence(options)}",
    ]
    return [*lines, *([f"- versions of {name}: {_sentence(versions)}"] if versions else []), ""]


def _sentence(text: str) -> str:
    """Return words of our own, with numbers in them, as Markdown that stays readable."""
    shown = show_name(text, limit=600)
    return "".join(f"\\{character}" if character in ACTIVE else character for character in shown)


def _checks(results: Sequence[CheckResult]) -> list[str]:
    rows = [(r.code, _sentence(r.headline), str(r.status), _sentence(r.summary)) for r in results]
    return ["## Checks of A", "", *_table(("check", "title", "verdict", "found"), rows)]


def _verdicts(names: Sequence[str], columns: Sequence[Sequence[CheckResult]]) -> list[str]:
    rows = [(row[0].code, _sentence(row[0].title), *(str(r.status) for r in row)) for row in zip(*columns, strict=True)]
    return ["## Checks of all", "", *_table(("check", "title", *names), rows)]


def _lists(run: RunFolder, lists: Sequence[TokenList]) -> list[str]:
    lines = ["## Tokens to look at in A", ""]
    for found in lists:
        size = f"{found.n_total:,} ranked" if not found.status else f"{found.status}, {found.n_total:,} named"
        shown = ", ".join(_token(run, i, side=found.side) for i in found.ids[:N_TOKENS])
        lines.append(f"- **{_sentence(found.title)}** ({size}): {shown}")
    return [*lines, ""] if lists else []


def _hubs(hubs: Sequence[Hub]) -> list[str]:
    rows = [
        (
            f"{markdown_escape(show_token(hub.text, word_start=hub.word_start, limit=40))} (#{hub.id})",
            plain_percent(hub.share, digits=2),
            f"{hub.n_fed:,}",
        )
        for hub in hubs[:N_GROUPS]
    ]
    return (
        ["## Hub anchors of A", "", *_table(("source token", "share of all weight", "embeddings fed"), rows)]
        if rows
        else []
    )


def _spread(spread: Sequence[Distribution], names: Sequence[str]) -> list[str]:
    counted = [word for name in names for word in (f"embeddings in {name}", f"median in {name}")]
    head = ("measure", "embeddings", *counted, "random embeddings", "mean embedding")
    rows = [
        (
            MEASURES[d.measure],
            str(d.origin),
            *(w for s in d.series for w in (f"{s.n:,}", _number(s.median, 0 if d.is_whole else 3))),
            _number(d.drawn.median if d.drawn else None),
            _number(d.mean_embedding),
        )
        for d in spread
    ]
    return ["## Distributions", "", *_table(head, rows)]


def _difference(run: RunFolder, difference: RunComparison, name: str) -> list[str]:
    counts = [(o.kind, f"{o.before:,}", f"{o.after:,}", f"{o.after - o.before:+,}") for o in difference.origins]
    lines = [f"## A against {name}", "", *_table(("rows", "A", name, f"{name} − A"), counts)]
    lines += [f"{_sentence(limit)}\n" for limit in difference.limits]
    if difference.changed is not None:
        moved, equal = f"{len(difference.changed.id):,}", f"{difference.n_equal:,}"
        lines += [f"Tokens of another origin in {name}: {moved}. Embeddings equal bit for bit: {equal}.", ""]
    rows = [
        (
            group.before if group.before == group.after else f"{group.before} → {group.after}",
            _plain(group.script),
            f"{group.n:,}",
            _number(group.median_cosine),
            ", ".join(_token(run, i) for i in group.ids[:N_TOKENS]),
        )
        for group in difference.groups[:N_GROUPS]
    ]
    return [*lines, *_table(("origin", "script", "tokens", "median cosine", "examples"), rows)] if rows else lines


def _together(run: RunFolder, together: NeighbourGroups) -> list[str]:
    rows = [
        (
            f"{len(group.ids):,}",
            f"{group.agreement:.2f}",
            *(
                ", ".join(_token(run, i) for i in ids[:N_TOKENS]) or "–"
                for ids in (group.ids, group.gained, group.lost)
            ),
        )
        for group in together.groups[:N_GROUPS]
    ]
    head = ("tokens", "agreement", "the first of them", "towards", "away from")
    compared = f"{together.n_compared:,} of {together.n_total:,} tokens compared, {len(together.groups):,} groups."
    return ["## Tokens of A that changed together", "", compared, "", *_table(head, rows)]
