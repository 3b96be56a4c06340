"""An explanation as plain text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from focus_core.analysis.provenance.explanation import Candidate, Contributor, Explanation
from focus_core.analysis.provenance.formula import show_contributor
from focus_core.tokenization.display import show_name
from focus_core.types import Origin

BAR = 24
EIGHTHS = " ▏▎▍▌▋▊▉█"
MAX_ROWS = 20


def render_text(explanation: Explanation, *, max_rows: int = MAX_ROWS) -> str:
    """Return an explanation as lines for a terminal, with a bar for every weight.

    Parameters
    ----------
    explanation : Explanation
        What `explain_token` returned.
    max_rows : int, default=20
        Most contributors to list; the rest is counted.

    Returns
    -------
    str
        Several lines; every token is shown by `show_token`, so none can disturb the terminal.
    """
    lines = [_title(explanation), f"  {explanation.formula}"]
    lines += [f"  - {verdict}" for verdict in explanation.verdicts]
    if explanation.origin != Origin.COPIED:
        lines += _contributors(explanation.contributors, max_rows)
        lines += _threshold(explanation)
    if explanation.output_contributors:
        lines += [f"  {explanation.output_formula}", *_contributors(explanation.output_contributors, max_rows)]
    if len(explanation.candidates) > 1:
        lines += ["  candidates:", *(f"    #{c.source_id} {_shown(c)} ({c.rule})" for c in explanation.candidates)]
    if explanation.examples:
        lines += ["  in the corpus:", *(f"    {show_name(line, limit=100)}" for line in explanation.examples)]
    return "\n".join(lines)


def _title(explanation: Explanation) -> str:
    seen = "" if explanation.frequency is None else f", {explanation.frequency:,} x in the corpus"
    rule = f" ({explanation.rule})" if explanation.origin == Origin.COPIED else ""
    return f"#{explanation.id} {explanation.display}  {explanation.origin}{rule}, {explanation.script}{seen}"


def _shown(token: Contributor | Candidate) -> str:
    return show_contributor(token, limit=28)


def _contributors(contributors: Sequence[Contributor], max_rows: int) -> list[str]:
    shown = contributors[:max_rows]
    if not shown:
        return []
    names = [_shown(c) for c in shown]
    width = max(len(name) for name in names)
    lines = [
        f"    {name:<{width}} {c.weight:6.1%} {draw_bar(abs(c.weight))} {_similarity(c)} #{c.source_id}"
        for name, c in zip(names, shown, strict=True)
    ]
    rest = contributors[max_rows:]
    if rest:
        lines.append(f"    {len(rest)} more with {sum(c.weight for c in rest):.1%}")
    return lines


def _threshold(explanation: Explanation) -> list[str]:
    if explanation.threshold is None:
        return []
    return [
        f"    weight = {_scaled(explanation.temperature)} - {explanation.threshold:.3f}; "
        f"{explanation.effective_contributors:.1f} effective contributors"
    ]


def _scaled(temperature: float) -> str:
    return "similarity" if temperature == 1 else f"(similarity / {temperature:g})"


def _similarity(contributor: Contributor) -> str:
    return "          " if contributor.similarity is None else f"cos {contributor.similarity:+.3f}"


def draw_bar(share: float, *, width: int = BAR) -> str:
    """Return a bar of block characters.

    Examples
    --------
    >>> draw_bar(0.5, width=4)
    '██  '
    """
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    full, part = divmod(eighths, 8)
    return ("█" * full + EIGHTHS[part] * (part > 0)).ljust(width)
