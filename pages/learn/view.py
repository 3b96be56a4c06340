"""The parts of the Learn page: the choice of a chapter, its words, the frame of its picture, its task.

A chapter is told on the current run, else on the first demo run that has what the chapter needs.
"""

from __future__ import annotations

import streamlit as st

from focus_core.runs.folder import RunFolder
from focus_core.tokenization.display import markdown_escape
from focus_ui.data import cache, catalog
from focus_ui.session import navigation, state
from focus_ui.session.errors import reported
from pages.learn.lessons.base import Chapter, Reply, Task, TaskKind, check_answer
from pages.learn.lessons.chapters import CHAPTERS
from pages.learn.lessons.judging import own_training
from pages.learn.pictures import PICTURES

TEXT_WIDTH = 780


def choose_chapter() -> Chapter:
    """Return the chapter that the address names; a number that is none is said to be none, and the first is shown."""
    named = state.chosen_chapter()
    found = next((chapter for chapter in CHAPTERS if str(chapter.number) == named), None)
    if found is None:
        st.warning(f"The address names no chapter: there are {len(CHAPTERS)}. This is the first.")
    chosen = found or CHAPTERS[0]
    state.show_chapter(chosen.number)
    return chosen


def chapter_bar(current: Chapter) -> None:
    """Draw one button a chapter, with a mark where its task is solved."""
    done = state.learnt() & {chapter.number for chapter in CHAPTERS}
    with st.container(horizontal=True, gap="xsmall", key="chapters"):
        for chapter in CHAPTERS:
            st.button(
                f"{chapter.number} {chapter.short}",
                key=f"_chapter_{chapter.number}",
                icon=":material/check_circle:" if chapter.number in done else None,
                type="primary" if chapter is current else "secondary",
                help=chapter.title,
                on_click=state.show_chapter,
                args=(chapter.number,),
            )
    st.caption(
        f"{len(done)} of {len(CHAPTERS)} tasks solved; this browser remembers which. Each chapter has its own link: "
        "the address of this page."
    )


def chapter_section(run: RunFolder, chapter: Chapter) -> None:
    """Draw a chapter: its words, its picture, its task."""
    title = chapter.title
    st.header(f"{chapter.number}. {title}", anchor=False)
    st.markdown(chapter.words, width=TEXT_WIDTH)
    with reported():
        told = _run_for(run, chapter)
        if told is None:
            return
        task = told.remember(_task_name(told, chapter), lambda: chapter.task(told))
        with st.container(border=True):
            _picture(told, chapter)
    _task_form(told, chapter, task)


def _task_name(run: RunFolder, chapter: Chapter) -> str:
    """Name a chapter's task in the run's memory; trainings come later than a run and are part of the name."""
    training = own_training(run) if chapter is CHAPTERS[-1] else None
    return f"lesson task {chapter.number} {training.digest if training else ''}"


def _run_for(run: RunFolder, chapter: Chapter) -> RunFolder | None:
    """Return the run that a chapter is told on; say so where it is not the current one."""
    if chapter.fits(run):
        return run
    for entry in catalog.demo_runs():
        demo = cache.load_run(entry.path)
        if demo.digest != run.digest and chapter.fits(demo):
            name = markdown_escape(entry.id)
            st.info(f"This chapter needs {chapter.needs}, which the current run lacks: it is told on the demo {name}.")
            return demo
    st.info(f"This chapter needs {chapter.needs}. Neither the current run nor a demo has that.")
    return None


@st.fragment
def _picture(run: RunFolder, chapter: Chapter) -> None:
    """Draw the picture; what is moved in it redraws it alone."""
    with reported():
        PICTURES[chapter.number](run, f"{run.digest[:12]}_{chapter.number}")


def _task_form(run: RunFolder, chapter: Chapter, task: Task) -> None:
    """Draw the task, the place for an answer, and what was said to the last one."""
    name = f"{run.digest[:12]}_{chapter.number}"
    key, said = f"_answer_{name}", f"_reply_{name}"
    with st.form(f"_task_{name}"):
        st.markdown("**Your task**")
        st.markdown(markdown_escape(task.question))
        if task.kind is TaskKind.CHOICE:
            st.radio(
                "Your answer", task.options, index=None, key=key, format_func=markdown_escape, persist_state="session"
            )
        else:
            words = "A number" if task.kind is TaskKind.NUMBER else "A token, or #ID"
            st.text_input("Your answer", key=key, placeholder=words, width=360, persist_state="session")
        st.form_submit_button(
            "Check", type="primary", icon=":material/done:", on_click=_judge, args=(task, chapter.number, key, said)
        )
    reply: Reply | None = st.session_state.get(said)
    if reply is None:
        return
    if reply.accepted:
        st.success(f"**Right.** {markdown_escape(reply.text)}", icon=":material/check_circle:")
    else:
        st.warning(f"**Not yet.** {markdown_escape(reply.text)}", icon=":material/lightbulb:")


def _judge(task: Task, number: int, key: str, said: str) -> None:
    reply = check_answer(task, st.session_state.get(key))
    st.session_state[said] = reply
    if reply.accepted:
        state.learnt().add(number)


def turn_pages(current: Chapter) -> None:
    """Draw the ways to the chapters beside this one, and on to the token page after the last."""
    place = CHAPTERS.index(current)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        if place > 0:
            _turn(CHAPTERS[place - 1], "Back", ":material/arrow_back:")
        if place + 1 < len(CHAPTERS):
            _turn(CHAPTERS[place + 1], "Next", ":material/arrow_forward:")
        else:
            navigation.link(navigation.TOKEN, "Now look up tokens of your own")


def _turn(chapter: Chapter, word: str, icon: str) -> None:
    label = f"{word}: {chapter.number}. {chapter.title}"
    st.button(label, icon=icon, key=f"_turn_{word}", on_click=state.show_chapter, args=(chapter.number,))
