"""The part of the page Compare that sets three to seven runs side by side, in small pictures of the same kind."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st

from focus_core.analysis.checks.base import CheckResult
from focus_core.analysis.comparison.distributions import Distribution
from focus_core.analysis.comparison.runs import KINDS, embedding_kinds
from focus_core.numerics.formats import count
from focus_core.runs.folder import RunFolder
from focus_core.runs.legend import CATEGORIES
from focus_core.tokenization.display import markdown_escape
from focus_ui.charts.csv_export import as_columns
from focus_ui.charts.download import draw_chart
from focus_ui.charts.figures import shorten
from focus_ui.data import cache
from focus_ui.session.errors import reported
from pages.compare.choice import Compared
from pages.compare.difference import summary
from pages.compare.figures import distribution_rows
from pages.compare.several_figures import counts_figure, small_multiples, turned_figure, verdicts_figure, with_values
from pages.compare.view import CHARTS, check_lines, difference, spread


def side_by_side_section(run: RunFolder, sides: Sequence[Compared]) -> None:
    """Draw three to seven runs side by side, the current one first."""
    words = {3: "Three", 4: "Four", 5: "Five", 6: "Six", 7: "Seven"}
    st.header(f"{words[len(sides)]} runs side by side", anchor=False)
    st.markdown("  \n".join(f"**{side.letter}** {markdown_escape(side.name)}" for side in sides))
    with reported():
        _counts(sides)
        _differences(run, sides)
    _checks(sides)
    _spread(run, sides)


def _key(name: str, sides: Sequence[Compared]) -> str:
    return f"{name}_{'_'.join(side.run.digest[:8] for side in sides)}"


def _kinds(run: RunFolder) -> dict[str, int]:
    """Return how many rows of a run come from each place."""
    kinds = run.remember("app row kinds", lambda: embedding_kinds(run))
    return {kind: int(np.count_nonzero(kinds == kind)) for kind in KINDS}


def _counts(sides: Sequence[Compared]) -> None:
    """Draw where the rows of every run come from."""
    counts = [_kinds(side.run) for side in sides]
    names = [f"{side.letter} {shorten(side.name, 24)}" for side in sides]
    rows = [(CATEGORIES[kind].label, *(found[kind] for found in counts)) for kind in KINDS]
    rows = [row for row in rows if any(row[1:])]
    words = "; ".join(f"{row[0]} " + ", ".join(map(str, row[1:])) for row in rows)
    draw_chart(
        counts_figure(names, counts), key=_key("counts", sides), name="Embeddings by origin",
        alt=f"Embeddings by origin, run by run: {words}", table=lambda: as_columns(("embeddings", *names), rows),
    )  # fmt: skip


def _differences(run: RunFolder, sides: Sequence[Compared]) -> None:
    """Draw how far the embeddings of every other run point from this one's, and say what cannot be compared."""
    st.header("Each against this run", anchor=False)
    found = [(side, difference(run, side)) for side in sides[1:]]
    lines = []
    for side, one in found:
        said = " ".join(map(markdown_escape, one.limits)) or summary(one, side.label)
        lines.append(f"- **{side.letter}** {said}")
    st.markdown("\n".join(lines))
    drawn = [(side, one) for side, one in found if one.cosine is not None and len(one.turned)]
    if not drawn:
        return
    letters = [side.letter for side, _ in drawn]
    st.caption(
        "The embeddings that point in another direction than in this run, as a share of all that both runs have, by "
        "the cosine of the two; the number stands above. Equal ones are not drawn."
    )
    words = "; ".join(f"{side.letter} {count(len(one.turned))} point elsewhere" for side, one in drawn)
    rows = [(side.letter, len(one.turned), one.n_equal) for side, one in drawn]
    draw_chart(
        turned_figure(letters, [one for _, one in drawn]), key=_key("turned", sides), name="Embeddings that turned",
        alt=f"Cosines of embeddings that turned: {words}",
        table=lambda: as_columns(("run", "point elsewhere", "equal"), rows),
    )  # fmt: skip


def _checks(sides: Sequence[Compared]) -> None:
    """Draw the verdicts of all checks as a grid, and in words those that warn of some runs alone."""
    st.header("Checks", anchor=False)
    with reported():
        columns = [cache.checks(side.run) for side in sides]
    rows = list(zip(*columns, strict=True))
    letters = [side.letter for side in sides]
    words = "; ".join(f"{row[0].code} " + ", ".join(str(r.status) for r in row) for row in rows)
    head = ("check", "title", *letters)
    draw_chart(
        verdicts_figure(letters, rows), key=_key("checks", sides), name="Verdicts of checks",
        alt=f"Verdicts of checks, run by run: {words}",
        table=lambda: as_columns(head, [(r[0].code, r[0].title, *(str(x.status) for x in r)) for r in rows]),
    )  # fmt: skip
    apart = [row for row in rows if any(r.fired for r in row) and len({r.status for r in row}) > 1]
    names = [f"run {letter}" for letter in letters]
    if apart:
        st.markdown("**What is a warning or a problem of some runs alone**\n\n" + _lines(apart, names))
    with st.expander("What every check found", icon=":material/checklist:", key="_checks_box", on_change="rerun") as b:
        if b.open:
            st.markdown(_lines(rows, names))


def _lines(rows: Sequence[Sequence[CheckResult]], names: Sequence[str]) -> str:
    return "\n".join(check_lines(row, names) for row in rows)


def _spread(run: RunFolder, sides: Sequence[Compared]) -> None:
    """Draw the distributions of every run below each other, over the same bins."""
    st.header("Distributions", anchor=False)
    with reported():
        found = spread(run, sides[1:])
    st.caption(
        "A row a run, over the same bins: which share of the embeddings of each origin lies where. The line in every "
        "other row is this run, A. In the row of A the dotted line is embeddings drawn by chance like the source's, "
        "the triangle the source's mean embedding."
    )
    letters = [side.letter for side in sides]
    for title, measures in CHARTS.items():
        panels = [panel for panel in found if panel.measure in measures]
        if panels:
            places = with_values(panels, letters)
            none = ", ".join(letter for i, letter in enumerate(letters) if i not in places)
            st.markdown(f"**{title}**" + (f" :gray[none in {markdown_escape(none)}]" if none else ""))
            key = _key(f"spread_{measures[0]}", sides)
            figure = run.remember(f"app {key}", partial(small_multiples, panels, letters))
            words = "; ".join(_medians(panel, letters) for panel in panels)
            draw_chart(figure, key=key, alt=words, name=title, table=partial(distribution_rows, panels, letters))


def _medians(panel: Distribution, letters: Sequence[str]) -> str:
    words = ", ".join(f"run {letter} {s.median:.3g}" for letter, s in zip(letters, panel.series, strict=True))
    return f"Distribution of {panel.measure.replace('_', ' ')} of {panel.origin} embeddings, medians: {words}"
