"""Before a run: the first lines in both tokenizers, and what another match rule would change.

What is drawn is found by `focus_core.jobs.preview`. No text of a user reaches Markdown unescaped.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from focus_core.errors import FocusError, phrase, sentence
from focus_core.initialization.config import InitConfig
from focus_core.initialization.foresight import few_shared, foresee_text
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.overlap.preview import MatchDifference, MatchPreview
from focus_core.jobs.preview import Preview
from focus_core.numerics.formats import count, percent
from focus_core.tokenization.display import ISOLATE_END, ISOLATE_START, markdown_escape
from focus_core.tokenization.preview import TokenizerView
from focus_core.types import MatchMode
from focus_ui.charts.csv_export import as_columns
from focus_ui.charts.download import save_table
from focus_ui.data import input_cache
from focus_ui.session.errors import in_words
from focus_ui.widgets.corpus_choice import CorpusChoice, in_the_form
from focus_ui.widgets.tokenizer_choice import Choice

NOTHING = "–"
MATCHES_LABEL = "What another match rule would change"
RIGHT_TO_LEFT = "\u2067"
"""Begins a stretch that is read from right to left, whatever stands around it."""
SHOWN = 2
"""Lines that are shown."""
SOURCE, TARGET, UNKNOWN = "gray", "blue", "red"


def tokenizer_of(choice: Choice, *, side: str) -> str | None:
    """Return where the tokenizer of a choice lies on this server; ``None`` where it is elsewhere, or not made yet."""
    value = choice.fields.get(f"{side}_tokenizer", choice.fields.get(side))
    return value if value is not None and Path(value).exists() else None


def look(corpus: CorpusChoice | None, source: str | None, target: str | None) -> Preview | None:
    """Look at the chosen tokenizers; what is wrong with one is drawn as a warning: the run itself has the last word."""
    if source is None:
        return None
    try:
        return input_cache.preview(source, target, corpus.statistics.lines if corpus is not None else ())
    except FocusError as error:
        told = in_the_form(error)
        hint = phrase(" {}", sentence(told.hint)) if told.hint else ""
        said = phrase("No first look: {}.{}", told.message, hint)
        st.warning(markdown_escape(in_words(said)), icon=":material/warning:")
        return None


def draw_subwords(preview: Preview) -> None:
    """Draw the first lines in the pieces of both tokenizers, one above the other, and how finely each cuts."""
    source, target = preview.source, preview.target
    if not source.n_tokens:
        return
    with st.container(border=True, key="pieces"):
        st.markdown(_sentence(source, target))
        for line in range(min(SHOWN, len(source.lines))):
            with st.container(gap="xsmall"):
                st.markdown(_row("Source", source, line, SOURCE))
                if target is not None:
                    st.markdown(_row("New", target, line, TARGET))
        if target is None:
            st.caption(
                "The new tokenizer is trained with the run. Its subwords, and what another match rule would change, "
                "can be seen then."
            )


def draw_foreseen(preview: Preview, config: InitConfig) -> None:
    """Warn of what a run with these options would end in: a text that the source does not know, no shared tokens."""
    method, matches = METHODS[config.method], preview.matches
    found = [foresee_text(preview.reading, method)] if preview.reading is not None else []
    if matches is not None and matches.shared[config.match] < matches.n_target:
        found.append(few_shared(matches.shared_text[config.match], matches.n_target, method))
    for foreseen in found:
        if foreseen is not None:
            st.warning(markdown_escape(in_words(foreseen.words)), icon=":material/translate:")


def _row(name: str, view: TokenizerView, line: int, color: str) -> str:
    """Return one line in pieces as safe Markdown; what the tokenizer does not know is red."""
    subwords = view.lines[line]
    shown = " ".join(
        f":{UNKNOWN if subword.unknown else color}-background[{markdown_escape(subword.text)}]" for subword in subwords
    )
    worded = [subword.text for subword in subwords if any(map(str.isalpha, subword.text))]
    if 2 * sum(ISOLATE_START in text for text in worded) > len(worded):
        shown = f"{RIGHT_TO_LEFT}{shown}{ISOLATE_END}"
    return f":gray[{name}, {count(len(subwords))} tokens]  {shown}"


def _sentence(source: TokenizerView, target: TokenizerView | None) -> str:
    """Say how finely the tokenizers cut the lines that were looked at."""
    start = f"On the first **{count(source.n_lines)}** lines the source's tokenizer splits a word into"
    words = f"{start} **{source.tokens_per_word:.2f}** tokens{_unknown(source)}"
    if target is None:
        return f"{words}."
    return f"{words}; the new one into **{target.tokens_per_word:.2f}**{_unknown(target)}."


def _unknown(view: TokenizerView) -> str:
    return f" ({percent(view.unknown_share)} of them unknown)" if view.n_unknown else ""


def draw_matches(matches: MatchPreview, chosen: MatchMode) -> None:
    """Draw what every other match rule would change."""
    shared = matches.shared[chosen]
    st.markdown(
        f"**{chosen.value}** copies **{count(shared)}** of {count(matches.n_target)} embeddings "
        f"({percent(shared / max(1, matches.n_target))})."
    )
    found = matches.against(chosen)
    for place, difference in zip(st.columns(len(found)), found, strict=True):
        with place:
            _draw_difference(difference)


def _draw_difference(difference: MatchDifference) -> None:
    parts = (
        (difference.gained, ":green[+{}] copied"),
        (difference.lost, ":orange[−{}] no longer copied"),
        (difference.other, "{} from another source token"),
    )
    words = ", ".join(form.format(count(n)) for n, form in parts if n) or "no difference"
    st.markdown(f"**{difference.after}** instead of {difference.before}: {words}")
    key = f"difference_{difference.before}_{difference.after}"
    before, after = f"copied from, {difference.before} (chosen)", f"copied from, {difference.after}"
    if difference.tokens:
        rows = [(token.target, token.before or NOTHING, token.after or NOTHING) for token in difference.tokens]
        table = as_columns(("token", before, after), rows)
        st.dataframe(
            table,
            hide_index=True,
            height=212,
            key=f"_{key}",
            alt=f"Tokens whose source token differs between match {difference.before} and {difference.after}.",
        )
        name = f"match {difference.after} instead of {difference.before}, examples"
        save_table(lambda: table, key=key, name=name, words="The examples that are shown")
