"""The live pictures of the chapters of Learn: what can be moved in each, and what can be saved of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from focus_core.analysis.checks.causes import anchors_in_words, has_few_anchors
from focus_core.analysis.comparison.lists import hub_anchors
from focus_core.analysis.overlap_lists import sizes_of
from focus_core.analysis.worked_examples import first_sentence, worked_tokens
from focus_core.numerics.formats import count
from focus_core.runs.folder import RunFolder
from focus_core.runs.legend import ACCENT, CATEGORIES, SOURCE_ALONE, UNKNOWN, category_of
from focus_core.tokenization.display import ISOLATE_END, markdown_escape
from focus_ui.charts.csv_export import as_columns
from focus_ui.charts.download import draw_chart, save_table
from focus_ui.charts.figures import Segment, groups_figure, overlap_segments, proportion_figure
from focus_ui.data import cache
from focus_ui.widgets.sentence_strip.strip import direction
from pages.learn import figures as pictures
from pages.learn.lessons import judging, one_row, space, vocabularies
from pages.learn.lessons.base import label

OLD, NEW = "Old tokenizer", "New tokenizer"
ASKED = "  · asked in the task"
BY_ENTRY, BY_USE = "Entries of the vocabulary", "Occurrences in the text"
RIGHT_TO_LEFT = "\u2067"
"""Opens an isolate in which the first piece stands on the right; each piece is an isolate of its own within."""
RARE, HUBS, SPACE = "Rare tokens", "Hubs", "Space"
N_HUBS = 10


def _draw(figure: Any, key: str, alt: str, *, name: str, table: Callable[[], Mapping[str, Sequence[Any]]]) -> None:
    draw_chart(figure, key=f"learn_{key}", alt=alt, name=name, table=table)


def _table(table: Mapping[str, Sequence[Any]], key: str, alt: str, *, name: str) -> None:
    st.dataframe(table, hide_index=True, key=f"learn_{key}", alt=alt)
    save_table(lambda: table, key=f"learn_{key}", name=name)


def _segments(segments: Sequence[Segment]) -> dict[str, list[Any]]:
    return {"group": [segment.label for segment in segments], "size": [segment.value for segment in segments]}


def _choose_token(run: RunFolder, ids: Sequence[int], title: str, key: str, *, asked: int = -1) -> int:
    """Draw the choice of a token, the asked one marked; a list's own texts are no Markdown."""
    names = {i: f"{label(run, 'tokens', i)}  #{i}{ASKED if i == asked else ''}" for i in ids}
    chosen = st.selectbox(
        title, list(ids), format_func=lambda i: names.get(i, str(i)), key=f"_learn_token_{key}", width=360
    )
    return int(chosen) if chosen in names else ids[0]


def _sentence(run: RunFolder, key: str) -> None:
    first = first_sentence(run)
    sentence = st.text_input("A sentence, or a single word", value=first, max_chars=300, key=f"_learn_sentence_{key}")
    unknown = False
    for title, side in ((OLD, "source"), (NEW, "target")):
        subwords = vocabularies.read_sentence(run, side, sentence)
        st.markdown(f"**{title}**: {count(len(subwords))} tokens")
        unknown |= any(subword.unknown for subword in subwords)
        shown = " ".join(_subword(subword, side) for subword in subwords)
        if shown and direction(sentence) == "rtl":
            st.markdown(RIGHT_TO_LEFT + shown + ISOLATE_END, text_alignment="right")
        else:
            st.markdown(shown or "–")
    st.caption(
        "Blue: in both vocabularies. Grey: in the old one alone. Orange: in the new one alone. ▁ marks the beginning "
        "of a word."
    )
    if unknown:
        st.caption("Red, with a question mark: unknown here, the characters are lost.")


def _subword(subword: vocabularies.Subword, side: str) -> str:
    if subword.unknown:
        return _boxed(f"{subword.label} ?", UNKNOWN.badge)
    alone = SOURCE_ALONE if side == "source" else CATEGORIES["combined"]
    return _boxed(subword.label, (CATEGORIES["exact"] if subword.shared else alone).badge)


def _boxed(text: str, color: str) -> str:
    return f":{color}-background[{markdown_escape(text)}]"


def _ids(run: RunFolder, key: str) -> None:
    n_target = len(run.column("tokens", "id"))
    first = st.number_input("Show from id", 0, n_target - 1, 0, step=8, key=f"_learn_id_{key}", width=240)
    rows = vocabularies.same_ids(run, int(first))
    table = as_columns(
        ("id", "the old vocabulary calls it", "the new vocabulary calls it", "the same"),
        [(row.id, row.source, row.target, row.source == row.target) for row in rows],
    )
    _table(table, key, "Eight ids and the tokens that carry them", name="the same ids in both vocabularies")


def _overlap(run: RunFolder, key: str) -> None:
    sizes = sizes_of(run)
    units = [BY_ENTRY] if sizes.occurrences is None else [BY_ENTRY, BY_USE]
    unit = st.segmented_control("Count by", units, default=BY_ENTRY, required=True, key=f"_learn_unit_{key}")
    by_entry = overlap_segments(sizes.source_only, sizes.both, sizes.target_only)
    if unit == BY_USE and sizes.occurrences is not None:
        part = 100 * sizes.occurrences
        by_use = [
            Segment(key=s.key, label=f"{s.label}, %", value=v, color=s.color)
            for s, v in zip(by_entry[1:], (part, 100 - part), strict=True)
        ]
        _draw(
            proportion_figure([("the text", by_use)], unit="of 100 tokens"),
            f"{key}_use",
            f"{part:.1f} per cent of the text falls on tokens in both vocabularies",
            name="the text on both vocabularies",
            table=lambda: _segments(by_use),
        )
        st.caption(f"Of 100 tokens of the text, {part:.1f} are in both vocabularies.")
        return
    words = ", ".join(f"{segment.label} {count(segment.value)}" for segment in by_entry)
    figure = proportion_figure([("vocabularies", by_entry)], unit="tokens")
    table = partial(_segments, by_entry)
    _draw(figure, f"{key}_entry", f"Proportional bar: {words}", name="both vocabularies", table=table)


def _alike(run: RunFolder, key: str) -> None:
    asked = space.asked_alike(run)
    others = [i for i in worked_tokens(run) if i != asked]
    chosen = _choose_token(run, [asked, *others], "A new token", key, asked=asked)
    name = markdown_escape(label(run, "tokens", asked))
    st.markdown(f"The task asks about {name}" + ("." if chosen == asked else ", which is not the one shown here."))
    rule = run.column("tokens", "rule")
    near = space.alike(run, chosen)
    rows = [(n.id, label(run, "tokens", n.id), n.cosine, category_of(n.origin, rule[n.id])) for n in near]
    first = ", ".join(f"{name} {cosine:.2f}" for _, name, cosine, _ in rows[:5])
    _draw(
        pictures.bars_figure(
            [row[:3] for row in rows],
            colors=[category.color for *_, category in rows],
            digits=".2f",
            title="cosine in the auxiliary space",
        ),
        f"{key}_{chosen}",
        f"Tokens used most like {label(run, 'tokens', chosen)}: {first}",
        name=f"tokens used most like token {chosen}",
        table=lambda: as_columns(
            ("token", "id", "cosine", "origin"), [(name, i, cosine, c.label) for i, name, cosine, c in rows]
        ),
    )
    _colors([category.key for *_, category in rows], {category.key: category for *_, category in rows})


def _colors(keys: Sequence[str], categories: Mapping[str, Any]) -> None:
    """Write what the colours of a picture mean."""
    used = [categories[key] for key in dict.fromkeys(keys)]
    st.markdown(" ".join(f":{category.badge}-badge[{category.label}]" for category in used))


def _sparsemax(run: RunFolder, key: str) -> None:
    names, similarities = [], []
    start = space.first_similarities(run)
    whose = label(run, "tokens", space.asked_similarities(run))
    st.markdown(f"How alike three copied tokens are to {markdown_escape(whose)}")
    for place, (column, (name, similarity)) in enumerate(zip(st.columns(3), start, strict=True)):
        with column:
            title = f"{place + 1}. {markdown_escape(name)}"
            similarities.append(st.slider(title, -1.0, 1.0, similarity, 0.01, key=f"_learn_similarity_{key}_{place}"))
        names.append(name)
    found = space.sparsemax_of(similarities)
    words = ", ".join(f"{s:.2f} weighs {w:.3f}" for s, w in zip(similarities, found.weights, strict=True))
    figure = pictures.sparsemax_figure(names, similarities, found.weights, found.threshold)
    _draw(
        figure,
        key,
        f"Threshold {found.threshold:.2f}; similarity {words}",
        name="similarities and weights",
        table=lambda: {"token": names, "similarity": similarities, "weight": list(found.weights)},
    )
    st.caption(
        "Dashed: τ. What stands out above it, in full colour, is the weight, to three digits; "
        "before they are rounded, the weights sum to exactly 1."
    )


def _one_row(run: RunFolder, key: str) -> None:
    target_id = _choose_token(run, one_row.summed_tokens(run), "A new token", key)
    found = one_row.row_sum(run, target_id)
    first = ", ".join(f"{w:.2f} times {n}" for n, w in zip(found.names, found.weights.tolist(), strict=True))
    _draw(
        pictures.sum_figure(found),
        f"{key}_{target_id}",
        f"The embedding of {found.label} as a sum: {first}",
        name=f"the embedding of token {target_id} as a sum",
        table=partial(pictures.sum_numbers, found),
    )
    st.caption(
        f"The first 16 of {count(len(found.stored))} dimensions. The sum and the run's embedding differ by at most "
        f"{found.largest_error:.1g}."
    )
    asked = one_row.exercise_of(run)
    st.markdown(
        f"The numbers for the task: {markdown_escape(label(run, 'tokens', asked.id))}, "
        f"dimension {count(asked.dimension)}"
    )
    table = as_columns(("old token", "weight", f"value in dimension {asked.dimension}"), asked.terms)
    _table(table, f"{key}_terms", "Weights and values of the largest contributors", name="the numbers of the task")


def _pitfalls(run: RunFolder, key: str) -> None:
    shown = st.segmented_control(
        "What to look at", [RARE, HUBS, SPACE], default=RARE, required=True, key=f"_learn_trouble_{key}"
    )
    if shown == HUBS:
        hubs = [(hub.id, label(run, "source_tokens", hub.id), hub.n_fed) for hub in hub_anchors(run, n=N_HUBS)]
        _draw(
            pictures.bars_figure(hubs, colors=ACCENT, digits=",d", title="tokens fed: new tokens that have some of it"),
            f"{key}_hubs",
            ", ".join(f"{name} feeds {n_fed}" for _, name, n_fed in hubs),
            name="hubs",
            table=lambda: as_columns(("source token", "id", "tokens fed"), [(name, i, n) for i, name, n in hubs]),
        )
        return
    if shown == SPACE:
        _space(run, key)
        return
    bands = judging.origins_by_band(run)
    words = "; ".join(f"{name}: {sizes['combined']} combined, {sizes['fallback']} fallback" for name, sizes in bands)
    st.markdown("New tokens by how often they occur in the text, and whether they could be combined")
    _draw(
        groups_figure(bands, unit="tokens"),
        f"{key}_rare",
        words,
        name="origins by occurrences",
        table=lambda: (
            {"occurrences": [name for name, _ in bands]}
            | {origin: [sizes[origin] for _, sizes in bands] for origin in ("combined", "fallback")}
        ),
    )
    _colors(["combined", "fallback"], {name: category_of(name, "none") for name in ("combined", "fallback")})


def _space(run: RunFolder, key: str) -> None:
    health = run.manifest.get("health") or {}
    collapsed, cosine = health.get("collapsed"), health.get("mean_cosine")
    if has_few_anchors(run):
        words = anchors_in_words(run)
        st.markdown(f"Of this space nothing can be said: {words}.")
    elif collapsed is not None and cosine is not None:
        words = "collapsed" if collapsed else "sound"
        st.markdown(f"This space is **{words}**: two vectors taken at random have a cosine of {cosine:.2f}.")
    values = judging.effective_contributors(run)
    figure = pictures.histogram_figure(values, title="contributors an embedding, counted as if of equal weight")
    words = f"How many contributors {count(len(values))} combined embeddings have"
    _draw(
        figure,
        f"{key}_space",
        words,
        name="contributors an embedding",
        table=partial(pictures.histogram_numbers, figure),
    )


def _before_and_after(run: RunFolder, key: str) -> None:
    training = judging.own_training(run)
    changes = cache.changes(run, training)
    if training is None or changes is None:
        return
    kept = judging.stayed(changes["kept"].to_numpy())
    st.markdown("How many of their ten nearest tokens all tokens kept through training")
    figure = pictures.histogram_figure(kept, title="neighbours that stayed, of ten", whole_numbers=True)
    words = f"Histogram of how many of ten neighbours each of {count(len(kept))} tokens kept"
    _draw(
        figure, f"{key}_kept", words, name="neighbours that stayed", table=partial(pictures.histogram_numbers, figure)
    )
    chosen = _choose_token(run, [i for i, _ in judging.compared_tokens(run)], "One of the three tokens", key)
    change = cache.neighbours(run, training, chosen)
    both = {near.id for near in change.kept}
    sides = (("Before training", change.before), ("After training", change.after))
    for column, (title, found) in zip(st.columns(2), sides, strict=True):
        with column:
            st.markdown(f"**{title}**")
            names = [_boxed(label(run, "tokens", n.id), "blue" if n.id in both else "gray") for n in found]
            st.markdown("  \n".join(names))
    st.caption(f"Blue: in both lists, {count(len(change.kept))} of {count(len(change.before))}.")


PICTURES: dict[int, Callable[[RunFolder, str], None]] = {
    1: _sentence,
    2: _ids,
    3: _overlap,
    4: _alike,
    5: _sparsemax,
    6: _one_row,
    7: _pitfalls,
    8: _before_and_after,
}
"""The picture of each chapter; a call names the run and a key of its own."""
