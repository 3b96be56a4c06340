"""Why a token has these weights: its anchors with the threshold that cuts them, and what other settings would give."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from focus_core.analysis.provenance.neighbours import auxiliary_neighbours
from focus_core.analysis.provenance.simplex import SimplexMap
from focus_core.analysis.provenance.what_if import (
    WhatIf,
    WhatIfSettings,
    anchor_ids,
    nothing_to_recompute,
    stored_settings,
    what_if,
)
from focus_core.initialization.config import RANGES
from focus_core.numerics.formats import count, percent
from focus_core.runs.folder import RunFolder
from focus_core.tokenization.display import markdown_escape
from focus_core.types import MethodName
from focus_ui.charts.csv_export import as_columns
from focus_ui.charts.download import draw_chart, save_chart
from focus_ui.charts.figures import CONFIG
from focus_ui.data import cache
from focus_ui.data.token_names import source_names
from focus_ui.session import state
from focus_ui.shell.guards import guarded
from focus_ui.widgets.training_choice import near_link
from pages.token.view import source_category
from pages.token.what_if_figures import Ranked, WeightPair, pairs_figure, similarities_figure

TEMPERATURES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0)
N_BARS = 8
N_NEIGHBOURS = 10
MAX_TOP_K = int(RANGES["top_k"][1])
TOP_K = re.compile(r"[1-9][0-9]{0,6}")
ALL = "all"
"""How the address says that every anchor takes part, where the run's own top-k lets only some."""
COLUMN_PX = 380

MEANINGS = {
    SimplexMap.SPARSEMAX: "Sparsemax: the weight is the height above the threshold, divided by the temperature; "
    "nothing at or below it has one.",
    SimplexMap.ENTMAX15: "Entmax 1.5: the weight grows with the square of the height above the threshold; "
    "nothing at or below it has one.",
    SimplexMap.SOFTMAX: "Softmax: no threshold. Every anchor gets something, so the embedding blurs towards "
    "their mean.",
}
TEMPERATURE_WORDS = (
    "Similarities are divided by the temperature first. A lower one pulls them apart: the threshold rises, fewer "
    "anchors stay above it, and the nearest take more. A higher one lets more in and evens them out."
)


def weights_section(run: RunFolder, target_id: int) -> None:
    """Draw why a token has its weights, with the settings to turn; without weights, why there are none."""
    st.header("Why these weights", anchor=False)
    reason = nothing_to_recompute(run, target_id)
    if reason:
        st.caption(f"Nothing to recompute: {markdown_escape(reason)}")
        return
    _live(run, target_id)


@st.fragment
@guarded()
def _live(run: RunFolder, target_id: int) -> None:
    """Draw the settings and everything that follows from them; only this part runs again when one is turned."""
    answer = what_if(run, target_id, _settings(run))
    _answer_text(answer)
    labels = source_names(run, answer.source_ids.tolist())
    ranked = Ranked(
        labels=labels,
        similarities=answer.similarities,
        weights=answer.weights,
        threshold=answer.threshold,
        stems=answer.settings.map is SimplexMap.SPARSEMAX,
    )
    cut = "no threshold" if answer.threshold is None else f"threshold {answer.threshold:.3f}"
    figure, key = similarities_figure(ranked), f"what_if_similarities_{run.digest[:12]}_{target_id}"
    alt = f"The {len(labels)} most similar anchors by rank; {cut}; {answer.n_contributors} contributors"
    st.plotly_chart(figure, key=key, config=CONFIG, alt=alt)
    words = f" The {count(len(labels))} most similar are drawn." if answer.n_anchors > len(labels) else ""
    if answer.settings.top_k is not None:
        words += f" Top-k: only the first {count(answer.settings.top_k)} may have a weight."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{MEANINGS[answer.settings.map]} Compared with all {count(answer.n_anchors)} anchors.{words}")
        save_chart(figure, key=key, name="similarities of anchors", table=lambda: _ranked_columns(labels, answer))
    if answer.is_stored:
        return
    pairs = _pairs(run, answer)
    first = ", ".join(f"{pair.label} {pair.stored:.2f} and {pair.other:.2f}" for pair in pairs[:4])
    figure, key = pairs_figure(pairs, title="with these settings"), f"what_if_weights_{run.digest[:12]}_{target_id}"
    draw_chart(
        figure,
        key=key,
        alt=f"Weights stored in the run and with these settings: {first}",
        name="weights with other settings",
        table=lambda: as_columns(
            ("source token", "id", "stored", "with these settings"),
            [(pair.label, pair.id, pair.stored, pair.other) for pair in pairs],
        ),
    )


def _ranked_columns(labels: list[str], answer: WhatIf) -> dict[str, list[Any]]:
    """Return the drawn anchors as columns of a table."""
    return {
        "anchor": labels,
        "similarity": answer.similarities.tolist(),
        "weight": answer.weights.tolist(),
        "source id": answer.source_ids.tolist(),
        "target id": answer.target_ids.tolist(),
    }


def _settings(run: RunFolder) -> WhatIfSettings:
    """Draw the three settings, at first those of the run, and the way back to these; the address follows them."""
    own = stored_settings(run)
    keys = {name: f"_what_if_{name}_{run.digest[:12]}" for name in ("temperature", "top_k", "map")}
    temperatures = sorted({*TEMPERATURES, own.temperature})
    _take_from_address(keys, temperatures)
    start = {keys["temperature"]: own.temperature, keys["top_k"]: own.top_k, keys["map"]: own.map.value}
    for key, value in start.items():
        st.session_state.setdefault(key, value)  # as a widget's own value it would come back where it is emptied
    with st.container(horizontal=True, vertical_alignment="bottom", key="what_if_settings"):
        temperature = st.select_slider(
            "Temperature",
            temperatures,
            format_func=_short_number,
            key=keys["temperature"],
            help=TEMPERATURE_WORDS,
            width=300,
        )
        top_k = st.number_input(
            "Top-k",
            min_value=1,
            max_value=MAX_TOP_K,
            value=None,
            step=1,
            placeholder="all",
            key=keys["top_k"],
            help="Only the k most similar anchors take part. Empty: all of them.",
            width=130,
        )
        kind = st.segmented_control(
            "Map",
            [kind.value for kind in SimplexMap],
            required=True,
            key=keys["map"],
            help="How similarities become weights that sum to 1.",
        )
        st.button("Stored settings", icon=":material/undo:", key="_what_if_back", on_click=_go_back, args=(start,))
    settings = replace(own, temperature=float(temperature), top_k=top_k, map=SimplexMap(kind or own.map))
    _write_address(settings, own)
    return settings


def _take_from_address(keys: Mapping[str, str], temperatures: Sequence[float]) -> None:
    """Let the settings be those that the page's address names, where that is new; what can be none is ignored."""
    state.take_choice(state.TEMPERATURE_PARAM, keys["temperature"], {_short_number(t): t for t in temperatures})
    state.take_choice(state.MAP_PARAM, keys["map"], {kind.value: kind.value for kind in SimplexMap})
    named = state.named_anew(state.TOP_K_PARAM, keys["top_k"])
    if named == ALL:
        st.session_state[keys["top_k"]] = None
    elif named is not None and TOP_K.fullmatch(named) and int(named) <= MAX_TOP_K:
        st.session_state[keys["top_k"]] = int(named)


def _write_address(settings: WhatIfSettings, own: WhatIfSettings) -> None:
    """Make the page's address say what the run's own settings are not."""
    top_k = ALL if settings.top_k is None else str(settings.top_k)
    words = {
        state.TEMPERATURE_PARAM: None
        if settings.temperature == own.temperature
        else _short_number(settings.temperature),
        state.TOP_K_PARAM: None if settings.top_k == own.top_k else top_k,
        state.MAP_PARAM: None if settings.map is own.map else settings.map.value,
    }
    for parameter, word in words.items():
        state.write_choice(parameter, word)


def _short_number(number: float) -> str:
    return f"{number:g}"


def _go_back(start: dict[str, Any]) -> None:
    """Put the run's own settings back."""
    st.session_state.update(start)


def _answer_text(answer: WhatIf) -> None:
    """Say what the settings give, beside what is stored."""
    words = f"which count as much as {answer.effective_contributors:,.1f} equal ones"
    if answer.is_stored:
        st.markdown(f"**These are the stored weights:** {count(answer.n_contributors)} contributors, {words}.")
    else:
        hint = f"{count(answer.n_contributors)} contributors instead of {count(len(answer.stored))}"
        about = f"{percent(answer.shared, digits=0)} of the weight stays where it is. {_row_words(answer)}"
        st.markdown(f"**What if:** {hint}, {words}. {about}")


def _row_words(answer: WhatIf) -> str:
    if answer.embedding_cosine is None or answer.length_ratio is None:
        return "There is no embedding to compare."
    return (
        f"The embedding would have the cosine {answer.embedding_cosine:.3f} with the stored one and "
        f"{answer.length_ratio:.2f} times its norm."
    )


def _pairs(run: RunFolder, answer: WhatIf) -> list[WeightPair]:
    """Return the largest contributors of either side, by their stored weight, then by the other."""
    both = {*list(answer.stored)[:N_BARS], *list(answer.contributors)[:N_BARS]}
    weights = {i: (answer.stored.get(i, 0.0), answer.contributors.get(i, 0.0)) for i in both}
    ids = sorted(both, key=lambda i: (-weights[i][0], -weights[i][1], i))
    return [
        WeightPair(id=i, label=label, stored=weights[i][0], other=weights[i][1], color=source_category(run, i).color)
        for i, label in zip(ids, source_names(run, ids), strict=True)
    ]


def auxiliary_section(run: RunFolder, target_id: int) -> None:
    """Draw the tokens that are nearest in the auxiliary space, anchors marked; a line where the run has no vectors."""
    if run.auxiliary() is None:
        if run.manifest["config"]["method"] == MethodName.FOCUS:
            st.caption("This run keeps no auxiliary vectors, so nothing can be said of neighbours in their space.")
        return
    st.header("Nearest tokens in the auxiliary space", anchor=False)
    found = auxiliary_neighbours(run, target_id, k=N_NEIGHBOURS)
    if not found:
        st.caption("This token has no auxiliary vector: it is too rare in the corpus, or not ordinary text.")
        return
    anchors = set(anchor_ids(run).tolist())
    weights = {c.source_id: c.weight for c in cache.explain(run, target_id).contributors}
    st.caption("By cosine, exact. Anchors are copied tokens with an auxiliary vector; only they can be contributors.")
    with st.container(horizontal=True, gap="small"):
        columns = [st.container(width=COLUMN_PX, gap="xsmall") for _ in range(2)]
    for place, near in enumerate(found):
        rule = str(run.column("tokens", "rule")[near.id])
        about = _anchor_words(run, near.id, weights) if near.id in anchors else ""
        with columns[place * 2 // len(found)]:
            near_link(near, rule, f"{near.cosine:.2f}", limit=32, about=about)


def _anchor_words(run: RunFolder, anchor_id: int, weights: Mapping[int, float]) -> str:
    """Return what marks an anchor, with the weight of its source token in the row."""
    weight = weights.get(int(run.column("tokens", "source_id")[anchor_id]))
    return " · **anchor**" if weight is None else f" · **anchor**, weight {weight:.3f}"
