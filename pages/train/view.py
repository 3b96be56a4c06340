"""The parts of the page Train: curves, starts, what each training was, the tokens that drifted, and importing."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from focus_core.artifacts import sha256_file
from focus_core.numerics.formats import count
from focus_core.runs.additions import TrainingFolder
from focus_core.runs.folder import RunFolder
from focus_core.runs.legend import CATEGORIES
from focus_core.tokenization.display import markdown_escape
from focus_ui.charts.download import draw_chart, save_table
from focus_ui.data import cache, catalog
from focus_ui.data.training_curves import measured_lines_of
from focus_ui.data.training_tables import (
    DISTANCE,
    MethodCurves,
    began_elsewhere,
    curve_points,
    curves,
    most_changed,
    starts,
    summary_for_unit,
    summary_rows,
    training_words,
    units_of,
    with_changes,
)
from focus_ui.session.errors import if_sound
from focus_ui.widgets.choice import choose, switch
from focus_ui.widgets.command import show_command
from focus_ui.widgets.pick import pick_token, share_column
from focus_ui.widgets.training_choice import choose_training
from pages.train.figures import curves_figure, starts_figure

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 1000
YOUR_TEXT = "YOUR-TEXT.txt"
"""Stands for a text that only its owner has: a run knows a cleaned name of an upload, which no folder holds."""
TABLE_ORDER = (
    "training", "loss at start", "bits at start", "distance at start", "loss at end", "bits at end", "distance at end",
    "neighbour overlap", "foreseen", "initialised by", "seed", "tokens", "trained", "ended",
)  # fmt: skip
"""What a narrow page shows comes first."""
JACCARD = (
    "Jaccard index of the ten nearest tokens before and after: those in both lists over all in either. Where 1 of 10 "
    "stayed, both lists have 19 tokens together: 1/19 = 0.05; 5 of 10 are 5/15 = 0.33. The page Token gives both."
)
"""What a share of kept neighbours is, beside the count that the page Token gives."""
DISTANCE_HELP = "Squared distance of sentence embeddings on held-out pairs, the mean over pairs."
FREQUENCIES = (0, 3, 10, 30, 100, 300, 1000, 3000)
DEFAULT_FREQUENCY = 10


def empty_state(run: RunFolder) -> None:
    """Say that nothing was trained yet, and with which command it is."""
    st.info(
        "This run has not been trained yet, so there is nothing to compare its embeddings with.", icon=":material/info:"
    )
    st.markdown("Train it from the command line, in the project's folder; `--steps` or `--tokens` says how long:")
    show_command(adapt_command(run))
    st.caption("It can be stopped at any time and continued with `--resume`. Or train it here, or import a checkpoint:")


def adapt_command(run: RunFolder) -> str:
    """Return the command that trains a run further, to be called in the project's folder."""
    where = catalog.path_in_command(run.path)
    texts = [entry for entry in run.manifest["inputs"] if entry.get("role") == "corpus"]
    samples = {sha256_file(path): path for path in catalog.sample_corpora().values()}
    found = [samples.get(str(entry.get("sha256"))) for entry in texts] or [None]
    files = [str(path.relative_to(catalog.ROOT)) if path else YOUR_TEXT for path in found]
    corpus = " ".join(shlex.quote(file) for file in dict.fromkeys(files))
    return f".venv/bin/python -m focus_core adapt {where} --name first --corpus {corpus} --tokens 1000000"


def curves_section(run: RunFolder, trainings: Sequence[TrainingFolder]) -> None:
    """Draw the curves of all methods, the loss right after initialisation, and the numbers as a table."""
    offered = units_of(trainings)
    key = "_train_unit" if DISTANCE not in offered else f"_train_unit_{len(offered)}"  # what is pressed stays so
    unit = switch("Loss in", offered, key, default=offered[0])
    # which trainings there are may change while the run is kept in memory; what each of them holds may not
    kept = f"{unit} {' '.join(training.digest[:12] for training in trainings)}"
    groups = run.remember(f"app curves {kept}", lambda: curves(trainings, unit))
    if groups:
        figure = run.remember(f"app curves figure {kept}", lambda: curves_figure(groups, unit=unit))
        key = f"curves_{run.digest[:12]}_{unit}"
        words = f"Loss on held-out text in {unit} against tokens of training: {curve_words(groups)}"
        table = partial(curve_points, groups, unit)
        draw_chart(figure, key=key, alt=words, name=f"Loss curves in {unit}", table=table)
        where = measured_lines_of(trainings)
        st.caption(
            "Lower is better. Every line starts right after initialisation, before any training; thin lines are single "
            f"seeds. The held-out text is never trained on; the curve is taken on {markdown_escape(where)}, "
            "`evaluate` on all, so its numbers differ a little. A good start may lose a little while the learning rate "
            "is high, and wins it back."
        )
    found = starts(groups)
    if found:
        st.header("Right after initialisation", anchor=False)
        figure = run.remember(f"app starts figure {kept}", lambda: starts_figure(found, unit=unit))
        key = f"starts_{run.digest[:12]}_{unit}"
        name = f"Loss right after initialisation in {unit}"
        words = "; ".join(f"{start.method.label} {start.mean:.2f}" for start in found)
        draw_chart(figure, key=key, alt=f"{name}: {words}", name=name)
    with st.expander("Every training in numbers", icon=":material/table_rows:", expanded=not groups):
        summary_table(trainings, unit)


def curve_words(groups: Sequence[MethodCurves]) -> str:
    """Return the curves in words, for those who do not see them."""
    ends = [(group.method.label, group.curves[0].values) for group in groups]
    return "; ".join(f"{label} from {values[0]:.2f} to {values[-1]:.2f}" for label, values in ends)


def summary_table(trainings: Sequence[TrainingFolder], unit: str) -> None:
    """Draw one row per training, and say once what is the same in all."""
    number = st.column_config.NumberColumn
    rows = summary_rows(trainings)
    columns, words = summary_for_unit(rows, unit)
    st.dataframe(
        columns,
        hide_index=True,
        column_order=[name for name in TABLE_ORDER if name in columns],
        placeholder="–",
        column_config={
            "training": st.column_config.TextColumn(pinned=True),
            "seed": number(width="small"),
            "tokens": number(format="localized"),
            "loss at start": number("at start", width="small", format="%.3f", help="Nats per token on held-out text."),
            "loss at end": number("at end", width="small", format="%.3f", help="Nats per token on held-out text."),
            "bits at start": number(
                "at start", width="small", format="%.3f", help="Bits per character on held-out text."
            ),
            "bits at end": number("at end", width="small", format="%.3f", help="Bits per character on held-out text."),
            "distance at start": number("at start", width="small", format="%.3f", help=DISTANCE_HELP),
            "distance at end": number("at end", width="small", format="%.3f", help=DISTANCE_HELP),
            "foreseen": number(
                width="small",
                format="%.2f",
                help="How much of the way from the mean embedding to the trained ones the initialisation had "
                "foreseen: 1 leaves nothing to train, 0 is no better than the mean.",
            ),
            "neighbour overlap": number(
                "Jaccard@10", width=110, format="%.2f", help=f"Neighbour overlap, the mean over all tokens. {JACCARD}"
            ),
        },
        alt=f"Table of trainings with their losses in {unit}",
    )
    if words:
        st.caption(markdown_escape(words))
    save_table(lambda: rows, key="trainings", name="trainings")


def change_section(run: RunFolder, trainings: Sequence[TrainingFolder]) -> None:
    """Draw the table of the tokens that a training moved, most changed first, each linked to its page."""
    st.header("What drifted most", anchor=False)
    offered = with_changes(trainings)
    if not offered:
        st.caption("No training of this run recorded how far each embedding drifted.")
        return
    training = choose_training(run, offered)
    if training is None:
        return
    st.markdown(markdown_escape(training_words(training)))
    if began_elsewhere(run, training):
        st.caption(
            "It began from the embeddings of another initialisation, not from this run's: drift counts from there, "
            "while the origins in the table are this run's."
        )
    for warning in training.manifest.get("warnings") or []:
        st.caption(markdown_escape(str(warning)))
    frame = if_sound(lambda: cache.changes(run, training))
    if frame is not None:
        change_table(run, training, _filtered(frame))


def _filtered(frame: pd.DataFrame) -> pd.DataFrame:
    """Draw the filters of the table and return what passes them."""
    left, right = st.columns(2)
    present = {key: category.label for key, category in CATEGORIES.items() if (frame["category"] == key).any()}
    category = choose(
        "Origin", present, "_train_category", place=left, index=None, placeholder="all", persist_state="session",
        width="stretch",
    )  # fmt: skip
    least = right.select_slider(
        "In the corpus, at least",
        FREQUENCIES,
        value=DEFAULT_FREQUENCY,
        format_func=lambda n: f"{count(n)} ×",
        key="_train_frequency",
        persist_state="session",
        help="Embeddings of rare tokens drift much and say little: training hardly ever saw them.",
    )
    return most_changed(frame, category=category or "", min_frequency=int(least))


def change_table(run: RunFolder, training: TrainingFolder, frame: pd.DataFrame) -> None:
    """Draw the rows that passed the filters; choosing one opens its page."""
    shown = frame.head(MAX_ROWS)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        words = f", the first {count(MAX_ROWS)} are shown" if len(frame) > MAX_ROWS else ""
        st.markdown(
            f"**{count(len(frame))}** tokens{words}, most changed first: by (1 − cosine) · (1 − neighbour overlap). "
            "Choose a row to see why.",
            width="content",
        )
        save_table(lambda: frame, key="train", name="change")
    number = st.column_config.NumberColumn
    pick_token(
        shown,
        {
            "token": shown["shown"].tolist(),
            "kept": shown["kept"].tolist(),
            "cosine": shown["cosine"].tolist(),
            "frequency": shown["frequency"].tolist(),
            "length": shown["norm_ratio"].tolist(),
            "origin": [CATEGORIES[key].label for key in shown["category"]],
            "id": shown["id"].tolist(),
        },
        f"moved_{run.digest[:12]}_{training.digest[:12]}_{len(frame)}",
        config={
            "frequency": number("in the corpus", format="localized"),
            "cosine": number(format="%.3f", help="Cosine of the initialised embedding with the trained one."),
            "length": number(
                "norm ratio", format="%.2f", help="Norm of the trained embedding over the initialised one."
            ),
            "kept": share_column("neighbour overlap (Jaccard@10)", meaning=JACCARD),
        },
        alt="Table of the tokens whose embedding drifted most; choose a row to open its page",
    )


def what_am_i_looking_at() -> None:
    """Explain the page in three sentences, one formula and one limit."""
    st.markdown(
        "An initialisation is a guess; continued pretraining shows how good it was. All methods start from the same "
        "pretrained backbone and see the same tokens, so what differs at zero tokens is the initialisation alone. An "
        "embedding drifted when it points elsewhere afterwards **and** its nearest tokens are others; the table is "
        "ordered by the product:"
    )
    st.latex(r"(1 - \cos(e_{\mathrm{initialised}},\, e_{\mathrm{trained}}))\,\cdot\,(1 - \mathrm{neighbour\ overlap})")
    st.caption(
        "A limit: a token that the text hardly holds is hardly trained; its embedding drifts by weight decay and noise."
    )
