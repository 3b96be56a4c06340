"""The parts of the page Methods that show a comparison: the answer, pictures with intervals, curves, the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from focus_core.experiments.render import unmeasured_answer
from focus_core.numerics.formats import count
from focus_core.runs.legend import method_of
from focus_core.tokenization.display import markdown_escape
from focus_ui.charts.download import draw_chart, save_file, save_table
from focus_ui.data import catalog
from focus_ui.data.catalog import RunKind, compared_run_id
from focus_ui.session import navigation, state
from focus_ui.session.errors import if_sound
from pages.methods import results
from pages.methods.choice import Shown, delete_button, load_comparison
from pages.methods.figures import curves_figure, difference_figure, standing_figure

MOST_SIDE_BY_SIDE = 7
ICONS = {
    results.METHOD: ":material/check_circle:",
    results.KEEP: ":material/undo:",
    results.FEW_LINES: ":material/warning:",
    results.REGIME: ":material/help:",
}


def nothing_measured() -> None:
    """Say what can be said before anything was measured: the rule, and what was found in the examples that ship."""
    loaded = [if_sound(partial(load_comparison, entry.path)) for entry in catalog.bundled_comparisons()]
    found = unmeasured_answer([one.table for one in loaded if one is not None])
    st.info(markdown_escape(found["sentence"]), icon=":material/info:")
    if found["reasons"]:
        with st.expander("What was found where it was measured", icon=":material/lightbulb:"):
            st.markdown("\n".join(f"- {markdown_escape(reason)}" for reason in found["reasons"]))


def answer_section(found: Shown) -> None:
    """Draw the answer in words, its reasons, and what was not tested."""
    table = found.comparison.table
    recommendation = table["recommendation"]
    if found.entry.kind is RunKind.DEMO:
        st.caption("An example that ships with the app. On another text and another model it can be another method.")
    with st.container(border=True, key="methods_answer"):
        icon = ICONS.get(recommendation["kind"], ICONS[results.REGIME])
        where = "In this example: " if found.is_example else ""
        st.header(f"{icon} {markdown_escape(where + results.headline(table))}", anchor=False)
        words = results.cheapest(table)
        if words:
            st.markdown(f"**{markdown_escape(words)}**")
        sentence = str(recommendation["sentence"])
        if found.is_example:
            sentence = sentence.replace("On this text", "On the example’s text", 1)
        st.markdown(markdown_escape(sentence))
        reasons = [f"- {markdown_escape(str(reason))}" for reason in recommendation["reasons"]]
        if reasons:
            st.markdown("\n".join(reasons))
        st.caption(markdown_escape(results.about_lines(table)))
    with st.container(horizontal=True, vertical_alignment="center"):
        _runs_link(found)
        delete_button(found.entry)


def _runs_link(found: Shown) -> None:
    """Draw the link that opens the runs of the first seed side by side on the page Compare, where they are kept."""
    comparison = found.comparison
    seed = comparison.seeds[0]
    names = [str(entry["method"]) for entry in results.measured(comparison.table)]
    pieces = [f"{name}-{seed}" for name in names if (comparison.layout.run(f"{name}-{seed}")).is_dir()]
    if not pieces:
        return
    first, *others = [compared_run_id(found.entry.id, piece) for piece in pieces[:MOST_SIDE_BY_SIDE]]
    words = "Look into the runs on the page Compare"
    navigation.link(navigation.COMPARE, words, parameters={state.RUN_PARAM: first, state.WITH_PARAM: others})


def picture_section(found: Shown) -> None:
    """Draw bits per character at once and after the probe, and the differences to the best."""
    table = found.comparison.table
    entries = results.measured(table)
    if not entries:
        return
    less_than = results.reference(table)
    st.header("Bits per character", anchor=False)
    words = f"after {count(table['settings']['probe_tokens'])} tokens of training, embeddings alone"
    st.caption(
        f"Hollow: right after initialisation. Filled: {words}. Whiskers hold 95 % of what other lines would have "
        f"given. {markdown_escape(_tinted(entries))}A dashed line in a grey band is the source under its own "
        "tokenizer, where that was measured."
    )
    ways = (f"{results.look_of(e).label} {e['start']['value']:.3f}, then {e['probe']['value']:.3f}" for e in entries)
    draw_chart(
        standing_figure(table), key=_key(found, "standing"), name="Bits per character by method",
        alt=f"Bits per character at once and after training: {'; '.join(ways)}",
        table=partial(results.table_columns, table),
    )  # fmt: skip
    st.caption(
        f"The same after training, less {markdown_escape(less_than + results.why_reference(table))}: paired by line, "
        "so a difference can be sure where the whiskers above overlap. Intervals are simultaneous over all methods; "
        f"the grey band is ±{table['settings']['near']:g} bits, too little to matter."
    )
    more = (f"{results.look_of(e).label} {e['probe_minus_best']['value']:+.3f}" for e in entries)
    draw_chart(
        difference_figure(table), key=_key(found, "difference"), name="Difference between methods",
        alt=f"Bits per character more than {less_than} after training: {'; '.join(more)}",
        table=partial(results.table_columns, table),
    )  # fmt: skip


def _tinted(entries: Sequence[Mapping[str, Any]]) -> str:
    """Say what the tinted rows are, where there are any."""
    n_tied = sum(bool(entry["tied"]) for entry in entries)
    return "The tinted rows are the tie. " if n_tied > 1 else "The tinted row is ahead. " if n_tied else ""


def _key(found: Shown, name: str) -> str:
    return f"methods_{name}_{found.entry.id[:24]}"


def curves_section(found: Shown) -> None:
    """Draw the course of every method's training."""
    table = found.comparison.table
    entries = [entry for entry in results.measured(table) if entry["curve"]]
    if not entries:
        return
    st.header("On the way", anchor=False)
    words = "; ".join(
        f"{results.look_of(e).label} from {e['curve'][0]['held_out_loss']:.2f} to {e['curve'][-1]['held_out_loss']:.2f}"
        for e in entries
    )
    draw_chart(
        curves_figure(table), key=_key(found, "curves"), name="Held-out loss by method",
        alt=f"Held-out loss against tokens of training: {words}", table=partial(results.curve_rows, table),
    )  # fmt: skip
    st.caption(
        "Loss on lines that this training kept aside, and no line that is measured above; the mean over seeds. Every "
        "method has the learning rate that suited it best."
    )


def table_section(found: Shown) -> None:
    """Draw every number as a table, and what the methods lack that did not run."""
    table = found.comparison.table
    st.header("In numbers", anchor=False)
    columns = results.table_columns(table)
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    config = {
        name: number(format="%.3f") for name in ("after training", f"minus {results.reference(table)}", "at once")
    }
    config |= {name: number(format="localized") for name in ("copied", "combined", "fallback", "trained by itself")}
    st.dataframe(
        columns, hide_index=True, placeholder="–", column_config=config | {"method": text(pinned=True)},
        alt="Table of methods with their bits per character, intervals and the options in which they differ",
    )  # fmt: skip
    save_table(lambda: columns, key=_key(found, "table"), name="methods")
    lines = [_missing_line(str(entry["method"]), entry["missing"]) for entry in results.missing(table)]
    if lines:
        st.markdown("**Not run, for want of an input**\n\n" + "\n".join(lines))


def _missing_line(method: str, needs: Sequence[str]) -> str:
    label = markdown_escape(method_of(method).label)
    return f"- **{label}** lacks {markdown_escape(results.what_is_missing(needs))}"


def copy_section(found: Shown) -> None:
    """Draw the table as Markdown, to copy or to download."""
    st.header("Copy as Markdown", anchor=False)
    words = found.comparison.markdown()
    save_file("Table (Markdown)", words, "methods.md", "text/markdown", key="_methods_markdown")
    st.code(words, language="markdown", height=240)


def what_am_i_looking_at() -> None:
    """Draw what the page shows, a formula, and where it ends; fixed words."""
    st.markdown(
        "Every method makes the embeddings of the new vocabulary from the same model, tokenizer and text; each is "
        "measured **at once** and after a **probe**: a short training of the embeddings alone, on equally many tokens, "
        "at the learning rate of a small grid that suits it. What is measured are the same masked words of the same "
        "held-out lines, which neither the text of the methods nor a dictionary or parallel text holds:"
    )
    st.latex(r"\mathrm{bits\ per\ character} = -\frac{\sum_w \log_2 p(w)}{\sum_w \mathrm{characters}(w)}")
    st.markdown(
        "Methods that cannot be told apart are a **tie**: the interval of their difference to the best, simultaneous "
        "over all methods, holds 0, or the difference is too small to matter. Of a tie the cheapest is named. The "
        "lines that choose are not those that report."
    )
    st.caption(
        "A limit: it is one text, one short training and one model. What was not tested is said with the answer; a "
        "longer training can turn the order of what lies close together."
    )
