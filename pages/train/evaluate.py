"""The part of the page Train that evaluates: the form, the job at work, and what was measured, found again later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from focus_core.artifacts import dump_json
from focus_core.jobs.process import delete_run
from focus_core.jobs.record import Job
from focus_core.numerics.formats import count
from focus_core.runs.folder import RunFolder
from focus_core.tokenization.display import markdown_escape
from focus_ui.charts.download import draw_chart, save_file, save_table
from focus_ui.data.catalog import evaluations_root
from focus_ui.jobs.beside import draw_unfinished, title_of, unfinished_jobs
from focus_ui.jobs.evaluations import kept_evaluations
from focus_ui.session import state
from focus_ui.session.errors import if_sound
from focus_ui.widgets.choice import choose
from pages.train.evaluate_figures import evaluation_figure, evaluation_table, measured_states
from pages.train.evaluate_form import evaluate_form


def evaluated_section(run: RunFolder) -> None:
    """Draw what was measured of a run, and what is being measured; nothing where nothing was."""
    found = kept_evaluations(run)
    if found or any(unfinished_jobs(evaluations_root())):
        st.header("Evaluated", anchor=False)
    draw_unfinished(evaluations_root(), name="evaluation", all_lines="the box of the form", quiet=True)
    if found:
        _results(run, found)


def evaluate_section(run: RunFolder) -> None:
    """Draw the form that starts an evaluation, once it is opened."""
    with st.expander("Evaluate on a text", icon=":material/speed:", key="_evaluate_box", on_change="rerun") as box:
        if box.open:
            evaluate_form(run)


def _results(run: RunFolder, found: Sequence[tuple[Job, dict[str, Any]]]) -> None:
    """Draw one evaluation, the newest unless another is chosen."""
    reports = {job.id: (job, report) for job, report in found}
    titles = {job.id: f"{title_of(job)} ({place})" for place, (job, _) in enumerate(reversed(found), start=1)}
    chosen = next(iter(reports))
    if len(reports) > 1:
        chosen = choose("Evaluation", {job_id: titles[job_id] for job_id in reports}, "_evaluation") or chosen
    job, report = reports.get(chosen) or found[0]
    _draw(run, job, report)


def _draw(run: RunFolder, job: Job, report: Mapping[str, Any]) -> None:
    states = measured_states(report, run.digest)
    figure, key = evaluation_figure(states), f"evaluation_chart_{job.id}"
    if any(found.bits for found in states):
        words = "; ".join(f"{s.name} {s.bits['value']:.3f}" for s in states if s.bits)
        draw_chart(figure, key=key, alt=f"Bits per character with 95 % intervals: {words}", name="Evaluation")
    corpus = report["corpus"]
    words = markdown_escape(title_of(job))
    st.caption(
        f"{words}: {count(corpus['n_measured_lines'])} of {count(corpus['n_lines'])} lines. Whiskers hold 95 % "
        "of what other lines of the same kind would have given; a difference is paired by line: it can be sure where "
        "whiskers overlap."
    )
    number = st.column_config.NumberColumn
    table = evaluation_table(states)
    st.dataframe(
        table,
        hide_index=True,
        placeholder="–",
        column_config={
            name: number(format="%.3f") for name, values in table.items() if any(isinstance(v, float) for v in values)
        },
        alt="Table of the measured states",
    )
    for found in states:
        for text in found.entry.get("notes") or []:
            st.caption(f"{markdown_escape(found.name)}: {markdown_escape(str(text))}")
    with st.container(horizontal=True):
        save_table(lambda: table, key=f"evaluation_{job.id}", name="evaluation")
        build = partial(dump_json, dict(report))
        save_file("JSON", build, "evaluation.json", "application/json", key="_evaluation_json")
        st.button("Delete", icon=":material/delete:", key="_evaluation_delete", on_click=_delete, args=(job,))


def _delete(job: Job) -> None:
    if_sound(lambda: delete_run(job, owner=state.owner()))
