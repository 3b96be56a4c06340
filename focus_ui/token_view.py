"""The parts of the Token page: a token's head, its contributors, its formula, its lines, what it feeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from focus_core.domain import Origin
from focus_core.provenance import Contributor, Explanation, Fed
from focus_core.run_folder import RunFolder
from focus_core.token_text import markdown_escape, show_token
from focus_ui import cache, navigation, state
from focus_ui.components import category_badge
from focus_ui.figures import CONFIG, Bar, contributors_figure, fed_figure
from focus_ui.tables import neighbouring_id, random_id, token_table
from focus_ui.theme import CATEGORIES, Category, category_of, count

MAX_BARS = 15
MAX_ROWS = 200


def token_head(run: RunFolder, explanation: Explanation) -> None:
    """Draw a target token's name, origin and facts.

    Parameters
    ----------
    run : RunFolder
        The run.
    explanation : Explanation
        The token.
    """
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            st.title(markdown_escape(explanation.display), anchor=False, width="content")
            category_badge(category_of(explanation.origin, explanation.rule))
        _walk(run, explanation)
    facts = [
        ("Id", f"#{explanation.id}"),
        ("Script", explanation.script),
        ("Kind", explanation.kind),
        ("Begins a word", "yes" if explanation.word_start else "no"),
        ("In the corpus", "–" if explanation.frequency is None else f"{count(explanation.frequency)} ×"),
        ("Length of the row", f"{explanation.norm:.2f} (source: {explanation.source_norm:.2f})"),
        ("Native form", show_token(explanation.token)),
    ]
    with st.container(horizontal=True, gap="medium"):
        for name, value in facts:
            st.markdown(f":gray[{name}]  \n{markdown_escape(value)}", width="content")


def _walk(run: RunFolder, explanation: Explanation) -> None:
    """Draw the buttons that lead to other tokens."""
    frame = token_table(run)
    key = category_of(explanation.origin, explanation.rule).key
    steps = {"Previous": neighbouring_id(frame, explanation.id, -1), "Next": neighbouring_id(frame, explanation.id, 1)}
    icons = {"Previous": ":material/chevron_left:", "Next": ":material/chevron_right:"}
    with st.container(horizontal=True, width="content", gap="xsmall"):
        for name, target_id in steps.items():
            st.button(name, icon=icons[name], key=f"_{name}", on_click=state.show_target, args=(target_id,))
        st.button("Random", icon=":material/shuffle:", key="_Random", on_click=_show_random, args=(frame, key))


def _show_random(frame: Any, category: str) -> None:
    state.show_target(random_id(frame, np.random.default_rng(), category=category))


def contributor_bars(run: RunFolder, contributors: Sequence[Contributor]) -> list[Bar]:
    """Return contributors as bars, coloured by how their own rows came into the new vocabulary.

    Parameters
    ----------
    run : RunFolder
        The run.
    contributors : sequence of Contributor
        Largest weight first.

    Returns
    -------
    list of Bar
        The first fifteen.
    """
    return [
        Bar(
            id=c.source_id,
            label=source_label(run, c.source_id),
            weight=c.weight,
            similarity=c.similarity,
            color=source_category(run, c.source_id).color,
        )
        for c in contributors[:MAX_BARS]
    ]


def source_label(run: RunFolder, source_id: int) -> str:
    """Return a source token as a visible line; its own tokenizer's marks tell whether it begins a word."""
    row = run.source_rows([source_id])[0]
    return show_token(str(row["text"]), word_start=bool(row["word_start"]))


def source_category(run: RunFolder, source_id: int) -> Category:
    """Return how a source token's row came into the new vocabulary; grey where no target token is its copy."""
    target_id = int(run.column("source_tokens", "target_id")[source_id])
    if target_id < 0:
        return CATEGORIES["fallback"]
    return category_of(*(str(run.column("tokens", name)[target_id]) for name in ("origin", "rule")))


def contributors_chart(run: RunFolder, explanation: Explanation, *, key: str, clickable: bool = True) -> None:
    """Draw a token's contributors; a click on a bar opens that source token.

    Parameters
    ----------
    run : RunFolder
        The run.
    explanation : Explanation
        The token.
    key : str
        The chart's key.
    clickable : bool, default=True
        Whether a click opens the source token.
    """
    bars = contributor_bars(run, explanation.contributors)
    if not bars:
        return
    first = ", ".join(f"{bar.label} {bar.weight:.2f}" for bar in bars[:5])
    event = st.plotly_chart(
        contributors_figure(bars),
        key=state.once_key(f"{key}_{run.digest[:12]}_{explanation.id}"),
        on_select="rerun" if clickable else "ignore",
        selection_mode="points",
        config=CONFIG,
        alt=f"Contributors of {explanation.display} with their weights: {first}",
    )
    hidden = len(explanation.contributors) - len(bars)
    if hidden > 0:
        st.caption(f"The largest {len(bars)} of {len(explanation.contributors)} contributors; all are in the table.")
    clicked = _clicked(event) if clickable else None
    if clicked is not None:
        navigation.go(navigation.TOKEN, token=explanation.id, source=clicked)


def _clicked(event: Any) -> int | None:
    """Return the id that the clicked bar carries."""
    points = event["selection"]["points"] if event else []
    data = points[0].get("customdata") if points else None
    return int(data[0]) if data else None


def origin_text(run: RunFolder, explanation: Explanation) -> None:
    """Draw one sentence on how the row came to be.

    Parameters
    ----------
    run : RunFolder
        The run.
    explanation : Explanation
        The token.
    """
    category = category_of(explanation.origin, explanation.rule)
    st.markdown(category.meaning)
    if explanation.origin == Origin.COPIED and explanation.source_id is not None:
        label = markdown_escape(source_label(run, explanation.source_id))
        navigation.link(
            navigation.TOKEN,
            f"Source token {label} :gray[#{explanation.source_id}]",
            icon=":material/content_copy:",
            token=explanation.id,
            source=explanation.source_id,
        )


def formula(explanation: Explanation) -> None:
    """Draw the sum with its numbers, and the threshold that made it sparse.

    Parameters
    ----------
    explanation : Explanation
        The token.
    """
    st.subheader("Formula", anchor=False)
    st.code(explanation.formula, language=None, wrap_lines=True)
    if explanation.threshold is not None:
        divided = "" if explanation.temperature == 1 else f" / {explanation.temperature:g}"
        tau = f"{explanation.threshold:.3f}"
        st.caption(
            f"Sparsemax: weight = similarity{divided} − τ with τ = {tau}; nothing below τ has a weight. "
            f"The {count(explanation.n_contributors)} weights that remain sum to 1; they count as much as "
            f"{explanation.effective_contributors:.1f} equal ones."
        )


def verdicts(explanation: Explanation) -> None:
    """Draw what is worth knowing about the row, in sentences.

    Parameters
    ----------
    explanation : Explanation
        The token.
    """
    if not explanation.verdicts:
        return
    st.subheader("Verdict", anchor=False)
    for verdict in explanation.verdicts:
        st.markdown(f":material/arrow_right: {markdown_escape(verdict.text)} :gray[{markdown_escape(verdict.advice)}]")


def contributors_table(run: RunFolder, explanation: Explanation) -> None:
    """Draw every contributor as a table; choosing a row opens that source token.

    Parameters
    ----------
    run : RunFolder
        The run.
    explanation : Explanation
        The token.
    """
    shown = explanation.contributors[:MAX_ROWS]
    rows: dict[str, list[Any]] = {
        "source token": [source_label(run, c.source_id) for c in shown],
        "weight": [c.weight for c in shown],
        "similarity": [c.similarity for c in shown],
        "script": [c.script for c in shown],
        "id": [c.source_id for c in shown],
    }
    chosen = _pick_row(rows, key=f"contributors_{run.digest[:12]}_{explanation.id}", alt="Table of contributors")
    if chosen is not None:
        navigation.go(navigation.TOKEN, token=explanation.id, source=rows["id"][chosen])


def candidates_table(run: RunFolder, explanation: Explanation) -> None:
    """Draw the source tokens that could have been copied.

    Parameters
    ----------
    run : RunFolder
        The run.
    explanation : Explanation
        The token.
    """
    shown = explanation.candidates[:MAX_ROWS]
    rows: dict[str, list[Any]] = {
        "source token": [source_label(run, c.source_id) for c in shown],
        "rule": [CATEGORIES[c.rule].label if c.rule in CATEGORIES else c.rule for c in shown],
        "chosen": [c.source_id == explanation.source_id for c in shown],
        "id": [c.source_id for c in shown],
    }
    chosen = _pick_row(rows, key=f"candidates_{run.digest[:12]}_{explanation.id}", alt="Table of candidates")
    if chosen is not None:
        navigation.go(navigation.TOKEN, token=explanation.id, source=rows["id"][chosen])


def _pick_row(rows: dict[str, list[Any]], *, key: str, alt: str) -> int | None:
    """Draw a table and return the row that the user chose."""
    event = st.dataframe(
        rows,
        key=state.once_key(key),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        height=min(38 + 35 * len(next(iter(rows.values()))), 320),
        column_config={
            "weight": st.column_config.ProgressColumn(format="%.3f", min_value=0.0, max_value=1.0),
            "similarity": st.column_config.NumberColumn(format="%.3f"),
            "id": st.column_config.NumberColumn(format="%d", width="small"),
        },
        alt=alt,
    )
    chosen = event["selection"]["rows"]
    return int(chosen[0]) if chosen else None


def example_lines(explanation: Explanation) -> None:
    """Draw the corpus lines that hold the token, the token marked.

    Parameters
    ----------
    explanation : Explanation
        The token.
    """
    if not explanation.examples:
        return
    st.subheader("In the corpus", anchor=False)
    for line in explanation.examples:
        st.markdown(marked_line(line, explanation.text, color=category_of(explanation.origin, explanation.rule).badge))


def marked_line(line: str, text: str, *, color: str) -> str:
    """Return a corpus line as Markdown, the first place of a token marked.

    Parameters
    ----------
    line, text : str
        The line, and the token's readable text; both may hold anything.
    color : str
        A colour of Streamlit's palette.

    Returns
    -------
    str
        Safe Markdown; without a mark where the token is not found as it reads.

    Examples
    --------
    >>> marked_line("Habari ya leo", "ya", color="orange")
    'Habari :orange-background[**ya**] leo'
    """
    before, found, after = line.partition(text) if text.strip() else (line, "", "")
    if not found:
        return markdown_escape(_readable(line))
    head, tail = markdown_escape(_readable(before)), markdown_escape(_readable(after))
    return f"{head}:{color}-background[**{markdown_escape(_readable(found))}**]{tail}"


def _readable(line: str) -> str:
    """Make what cannot be seen visible, but keep plain spaces."""
    return show_token(line, limit=400).replace("␣", " ") if line else ""


def source_section(run: RunFolder, source_id: int) -> None:
    """Draw a source token: its facts and the target tokens that it feeds.

    Parameters
    ----------
    run : RunFolder
        The run.
    source_id : int
        The source token.
    """
    row = run.source_tokens().slice(source_id, 1).to_pylist()[0]
    st.title(markdown_escape(source_label(run, source_id)), anchor=False)
    used = f"{count(row['frequency'])} ×" if row["frequency"] is not None else "–"
    st.markdown(
        f"Source token :gray[#{source_id}], {markdown_escape(row['script'] or '')} script, {row['kind']}; "
        f"in the corpus {used} (source tokenizer). It feeds **{count(row['n_fed'])}** combined tokens "
        f"with a total weight of **{row['weight_fed'] or 0:.2f}**."
    )
    _copy_link(run, int(row["target_id"]))
    _fed_chart(run, source_id, cache.fed_tokens(run, source_id))


def _copy_link(run: RunFolder, target_id: int) -> None:
    if target_id >= 0:
        text, start = (run.column("tokens", name)[target_id] for name in ("text", "word_start"))
        label = markdown_escape(show_token(str(text), word_start=bool(start)))
        icon = ":material/content_copy:"
        navigation.link(
            navigation.TOKEN, f"Copied to target token {label} :gray[#{target_id}]", icon=icon, token=target_id
        )


def _fed_chart(run: RunFolder, source_id: int, fed: Sequence[Fed]) -> None:
    """Draw the target tokens that a source token feeds; a click opens one."""
    bars = [_fed_bar(run, f) for f in fed if f.origin != Origin.COPIED]
    if not bars:
        st.caption("No combined token takes anything from it.")
        return
    st.subheader("What it feeds", anchor=False)
    event = st.plotly_chart(
        fed_figure(bars[:MAX_BARS]),
        key=state.once_key(f"fed_{run.digest[:12]}_{source_id}"),
        on_select="rerun",
        selection_mode="points",
        config=CONFIG,
        alt=f"Target tokens fed by source token {source_id}, with its weight in each",
    )
    clicked = _clicked(event)
    rows: dict[str, list[Any]] = {
        "target token": [bar.label for bar in bars[:MAX_ROWS]],
        "weight": [bar.weight for bar in bars[:MAX_ROWS]],
        "id": [bar.id for bar in bars[:MAX_ROWS]],
    }
    chosen = _pick_row(rows, key=f"fed_table_{run.digest[:12]}_{source_id}", alt="Table of fed tokens")
    if clicked is None and chosen is not None:
        clicked = rows["id"][chosen]
    if clicked is not None:
        navigation.go(navigation.TOKEN, token=clicked)


def _fed_bar(run: RunFolder, fed: Fed) -> Bar:
    label = show_token(fed.text, word_start=fed.word_start)
    rule = str(run.column("tokens", "rule")[fed.target_id])
    return Bar(
        id=fed.target_id,
        label=label,
        weight=fed.weight,
        similarity=fed.similarity,
        color=category_of(fed.origin, rule).color,
    )
