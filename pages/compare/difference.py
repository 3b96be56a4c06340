"""The part of the page Compare that sets two runs against each other: counts, groups and tokens that changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from focus_core.analysis.comparison.runs import ChangedGroup, RunComparison
from focus_core.numerics.formats import count
from focus_core.runs.folder import RunFolder
from focus_core.runs.legend import CATEGORIES
from focus_core.runs.tokens import row_name
from focus_core.tokenization.display import markdown_escape
from focus_ui.charts.csv_export import as_columns
from focus_ui.charts.download import save_table
from focus_ui.data.token_names import target_names
from focus_ui.session.errors import reported
from pages.compare.choice import Compared
from pages.compare.view import choice_table, difference, kind_labels, open_token

MAX_ROWS = 2000
N_EXAMPLES = 5
ORIGIN, TURNED = "embeddings from elsewhere", "embeddings that turned most"


def difference_section(run: RunFolder, other: Compared) -> None:
    """Draw what differs between two runs, and say what cannot be compared."""
    if other.is_alone:
        st.header("This run against the second", anchor=False)
    with reported():
        found = difference(run, other)
    for limit in found.limits:
        st.info(markdown_escape(limit), icon=":material/info:")
    _counts(found, other.label)
    if found.changed is None:
        return
    st.markdown(summary(found, f"the {other.label}" if other.is_alone else other.label))
    if not found.groups:
        return
    group = _groups(run, found.groups, other)
    _tokens(run, other, found, group)


def _counts(found: RunComparison, label: str) -> None:
    """Draw the rows by origin in both runs."""
    rows = [(CATEGORIES[e.kind].label, e.before, e.after, e.after - e.before) for e in found.origins]
    table = as_columns(("embeddings", "this run", label, "difference"), rows)
    st.dataframe(
        table | {"difference": [f"{n:+,}" for n in table["difference"]]},
        hide_index=True,
        column_config={name: st.column_config.NumberColumn(format="localized") for name in ("this run", label)},
        alt="Embeddings by origin in both runs",
    )
    save_table(lambda: table, key="origins", name="embeddings by origin")


def summary(found: RunComparison, name: str) -> str:
    """Return the differences in one sentence; Markdown."""
    n_changed = 0 if found.changed is None else len(found.changed.id)
    if not n_changed and not len(found.turned) and found.cosine is not None:
        return "**No difference:** every embedding comes from the same place and points the same way in both runs."
    words = f"**{count(n_changed)}** tokens have an embedding from elsewhere in {name}"
    if found.cosine is None:
        return f"{words}."
    return f"{words}; **{count(len(found.turned))}** embeddings point elsewhere, **{count(found.n_equal)}** are equal."


def _groups(run: RunFolder, groups: Sequence[ChangedGroup], other: Compared) -> ChangedGroup | None:
    """Draw what changed together; return the group that was chosen."""
    st.markdown(
        "**Changed together**  \n:gray[same origin before and after, same script; choose a row to see its tokens]"
    )
    table: dict[str, list[Any]] = {
        "origin": [_step(group.before, group.after) for group in groups],
        "script": [group.script for group in groups],
        "tokens": [group.n for group in groups],
        "in the corpus": [group.occurrences for group in groups],
        "median cosine": [group.median_cosine for group in groups],
        "the most frequent": ["  ".join(target_names(run, group.ids[:N_EXAMPLES])) for group in groups],
    }
    place = choice_table(
        table,
        f"groups_{run.digest[:12]}_{other.run.digest[:12]}",
        alt="Groups of tokens that changed together",
        once=False,
    )
    save_table(lambda: table, key="groups", name="changed together by origin")
    return None if place is None else groups[place]


def _step(before: str, after: str) -> str:
    one, two = CATEGORIES[before].label, CATEGORIES[after].label
    return one if before == after else f"{one} → {two}"


def _tokens(run: RunFolder, other: Compared, found: RunComparison, group: ChangedGroup | None) -> None:
    """Draw the tokens of a group, or of one of the two rankings; choosing one opens its page."""
    if found.changed is None:
        return
    rankings = {ORIGIN: found.changed.id.tolist(), TURNED: found.turned.tolist()}
    rankings = {name: ids for name, ids in rankings.items() if ids}
    if group is not None:
        words, ids = f"{_step(group.before, group.after)}, {group.script}", list(group.ids)
        st.markdown(f"**Tokens of the group** {markdown_escape(words)}")
    else:
        words = st.segmented_control(
            "Tokens", list(rankings), default=next(iter(rankings)), required=True, key="_compare_tokens"
        )
        words = words if words in rankings else next(iter(rankings))
        ids = rankings[words]
    shown = ids[:MAX_ROWS]
    place = choice_table(
        _columns(run, other, found, shown),
        f"changed_{run.digest[:12]}_{other.run.digest[:12]}_{len(ids)}_{shown[0]}",
        alt=f"Tokens: {words}",
    )
    save_table(lambda: _columns(run, other, found, ids), key="changed", name="changed tokens")
    if len(ids) > len(shown):
        st.caption(f"The first {count(len(shown))} of {count(len(ids))}.")
    if place is not None:
        open_token(shown[place])


def _columns(run: RunFolder, other: Compared, found: RunComparison, ids: Sequence[int]) -> dict[str, Any]:
    """Return the columns of a table of tokens: both origins, frequency, cosine."""
    rows = run.token_rows(list(ids))
    return {
        "token": [row_name(row) for row in rows],
        "this run": kind_labels(run, ids),
        other.label: kind_labels(other.run, ids),
        "cosine": [float("nan") if found.cosine is None else float(found.cosine[i]) for i in ids],
        "in the corpus": [row["frequency"] for row in rows],
        "script": [row["script"] for row in rows],
        "id": list(ids),
    }
