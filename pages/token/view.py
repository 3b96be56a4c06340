"""The parts of the Token page that say what a token is: its head, its origin, its formula, the verdicts on it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from focus_core.analysis.checks.causes import has_few_anchors
from focus_core.analysis.provenance.explanation import Explanation, Tone, Verdict
from focus_core.analysis.provenance.formula import fallback_words
from focus_core.analysis.provenance.verdicts import collapse_of
from focus_core.initialization.methods.registry import METHODS
from focus_core.numerics.formats import count
from focus_core.runs.folder import RunFolder
from focus_core.runs.legend import CATEGORIES, Category, category_of
from focus_core.tokenization.display import markdown_escape, show_token
from focus_core.types import Origin
from focus_ui.data.token_names import source_label
from focus_ui.session import navigation
from focus_ui.session.errors import in_words
from focus_ui.shell.sidebar import category_badge

TONES = {Tone.GOOD: ":green[:material/check_circle:]", Tone.NOTE: ":blue[:material/info:]",
         Tone.WARNING: ":orange[:material/warning:]"}  # fmt: skip
"""How a verdict is meant, as an icon of its own shape and colour."""

BLURRED = "A weighted mean of source embeddings: of shared tokens that this run can hardly tell apart."
"""What it is where the auxiliary space has collapsed."""
NO_CHOICE = "A weighted mean of source embeddings: of the few shared tokens that there were, alike or not."
"""What it is where hardly a token is an anchor."""


def token_head(run: RunFolder, explanation: Explanation) -> None:
    """Draw a target token's name, origin and facts."""
    category = category_of(explanation.origin, explanation.rule)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(markdown_escape(explanation.display), anchor=False, width="content")
        category_badge(category)
    facts = [
        ("Id", f"#{explanation.id}"),
        ("Script", explanation.script),
        ("Kind", explanation.kind),
        ("Begins a word", "yes" if explanation.word_start else "no"),
        ("In the corpus", "–" if explanation.frequency is None else f"{count(explanation.frequency)} ×"),
        ("Embedding norm", f"{explanation.norm:.2f} (source embeddings: {explanation.source_norm:.2f} on average)"),
        ("Native form", show_token(explanation.token)),
    ]
    draw_facts(facts)
    st.markdown(_meaning(run, explanation, category))


def draw_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Draw what is known of a token, side by side."""
    with st.container(horizontal=True, gap="medium"):
        for name, value in facts:
            st.markdown(f":gray[{name}]  \n{markdown_escape(value)}", width="content")


def _meaning(run: RunFolder, explanation: Explanation, category: Category) -> str:
    """Return what an origin means in this run: what its method combines, or what a fallback row was drawn from."""
    method = str(run.manifest["config"]["method"])
    if explanation.origin == Origin.COMBINED and has_few_anchors(run):
        return NO_CHOICE
    if explanation.origin == Origin.COMBINED and collapse_of(run) is not None:
        return BLURRED
    if explanation.origin == Origin.FALLBACK and not explanation.contributors:
        return f"Neither copied nor combined. {markdown_escape(fallback_words(run, explanation.script))}"
    made_of = METHODS[method].made_of if method in METHODS and explanation.origin == Origin.COMBINED else ""
    return made_of or category.meaning


def source_category(run: RunFolder, source_id: int) -> Category:
    """Return how a source token's row came into the new vocabulary; grey where no target token is its copy."""
    target_id = int(run.column("source_tokens", "target_id")[source_id])
    if target_id < 0:
        return CATEGORIES["fallback"]
    return category_of(*(str(run.column("tokens", name)[target_id]) for name in ("origin", "rule")))


def copied_from(run: RunFolder, explanation: Explanation) -> None:
    """Draw a link to the source token that a row is a copy of; nothing for other rows."""
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
    """Draw the sum with its numbers, and the threshold that made it sparse."""
    st.header("Formula", anchor=False)
    st.code(explanation.formula, language=None, wrap_lines=True)
    if explanation.output_formula:
        st.caption("The output embedding, by which the token is predicted, is made of:")
        st.code(explanation.output_formula, language=None, wrap_lines=True)
    if explanation.threshold is not None:
        divided = "" if explanation.temperature == 1 else f" / {explanation.temperature:g}"
        tau = f"{explanation.threshold:.3f}"
        st.caption(
            f"Sparsemax: weight = similarity{divided} − τ with τ = {tau}; nothing below τ has a weight. "
            f"The {count(explanation.n_contributors)} weights that remain sum to 1; they count as much as "
            f"{explanation.effective_contributors:,.1f} equal ones."
        )


def verdict_list(verdicts: Sequence[Verdict]) -> None:
    """Draw what is worth knowing about a row: a sentence each, and what to do."""
    lines = []
    for verdict in verdicts:
        advice = f" :gray[{markdown_escape(in_words(verdict.advice))}]" if verdict.advice else ""
        lines.append(f"{TONES[verdict.tone]} {markdown_escape(verdict.text)}{advice}")
    with st.container(border=True, key="token_verdicts"):
        st.markdown("  \n".join(lines))


def what_am_i_looking_at() -> None:
    """Draw what the page shows, a formula, and where it ends; fixed words."""
    with st.expander("What am I looking at?", icon=":material/help:"):
        st.markdown(
            "Every new input embedding is **copied** from a source token, **combined** from several, or a "
            "**fallback**. A token whose embedding is combined is compared with every anchor in the auxiliary space; "
            "sparsemax keeps the few similarities that lie above a threshold, and their heights above it are the "
            "weights:"
        )
        st.latex(
            r"e_{\mathrm{new}} = \sum_j w_j\, e_j,\qquad w_j = \max\left(\frac{s_j}{T} - \tau,\, 0\right),"
            r"\qquad \sum_j w_j = 1"
        )
        st.markdown(
            "The nearest tokens show what came of it, beside those of a random and of the mean embedding. A "
            "limit: neighbours say where an embedding lies, not what it is worth to the model; that is the loss on the "
            "page Train."
        )
