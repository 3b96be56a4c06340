"""The state of a browser session: who it is, which run and which token it looks at.

Every key of ``st.session_state`` that outlives a page is here, the page's address, and who a session belongs to: the
browser keeps the owner's secret in a cookie (`focus_ui.shell.browser_script` sets it), and it never stands in an
address; a second cookie keeps which chapters are solved (`pages/learn/progress.py` sets it). Widget keys begin with
"_".
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from focus_core.jobs.record import hash_owner
from focus_ui.data.catalog import RunEntry, demo_runs, find_run, own_runs


class Key(StrEnum):
    """Keys of the session."""

    OWNER = "focus_owner"
    RUN = "focus_run"
    TOKEN = "focus_token"
    SOURCE = "focus_source"
    JOB = "focus_job"
    CLICKS = "focus_clicks"
    CHAPTER = "focus_chapter"
    LEARNT = "focus_learnt"
    OPENED = "focus_opened"
    FORGOT = "focus_forgot"
    VIEW = "focus_view"
    N_VIEWS = "focus_n_views"


RUN_PARAM, TOKEN_PARAM, SOURCE_PARAM = "run", "token", "source"
CHAPTER_PARAM, WITH_PARAM, COMPARISON_PARAM = "chapter", "with", "comparison"
COUNT_PARAM, VIEW_PARAM, LAYOUT_PARAM = "count", "view", "layout"
TEMPERATURE_PARAM, TOP_K_PARAM, MAP_PARAM = "temperature", "top_k", "map"
AXIS_PARAMS = ("x", "y")
MOVED_PARAMS = (TEMPERATURE_PARAM, TOP_K_PARAM, MAP_PARAM, *AXIS_PARAMS)
"""What is turned step by step: the browser's way back leads past these steps (`focus_ui.shell.copy_link`)."""
_TOKEN_VIEW = (VIEW_PARAM, TEMPERATURE_PARAM, TOP_K_PARAM, MAP_PARAM)
_WRITTEN = "focus_written_"
OWNER_COOKIE = "focus_lab_owner"
SECRET = re.compile(r"[0-9a-f]{32}")
"""What an owner's secret looks like: 128 random bits."""
LEARNT_COOKIE = "focus_lab_learnt"
_LEARNT = re.compile(r"([0-9a-f]{8})\.([0-9]{1,2}(?:-[0-9]{1,2}){0,31})")
"""How solved chapters are kept: whose they are, and their numbers."""


def init_state() -> None:
    """Fill the state of a new session; take the owner from the browser, and the run from the page's address."""
    if Key.OWNER not in st.session_state:
        st.session_state[Key.OWNER] = _kept_owner() or secrets.token_hex(16)
    named = st.query_params.get(RUN_PARAM)
    if named:
        if named != st.session_state.get(Key.RUN):
            _enter_run(named)
    elif Key.RUN not in st.session_state:
        demos = demo_runs()
        st.session_state[Key.RUN] = demos[0].id if demos else None
    run = st.session_state[Key.RUN]
    if run and named != run:
        st.query_params[RUN_PARAM] = run


def _enter_run(run_id: str) -> None:
    st.session_state[Key.RUN] = run_id[:200]
    st.session_state.pop(Key.TOKEN, None)
    st.session_state.pop(Key.SOURCE, None)


def _kept_owner() -> str | None:
    """Return the secret that the browser kept from an earlier session; ``None`` where it keeps none."""
    kept = st.context.cookies.get(OWNER_COOKIE)
    return kept if isinstance(kept, str) and SECRET.fullmatch(kept) else None


def owner() -> str:
    """Return the secret of the session's owner, one per browser: whoever holds it owns its jobs and runs."""
    return str(st.session_state[Key.OWNER])


def adopt_owner(secret: object) -> None:
    """Become the owner that another tab of the same browser made in the meantime."""
    if isinstance(secret, str) and SECRET.fullmatch(secret) and not own_runs(owner()):
        st.session_state[Key.OWNER] = secret


def forget_owner() -> None:
    """Become nobody known: the browser keeps a new secret, and its runs live on under their links alone."""
    st.session_state[Key.OWNER] = secrets.token_hex(16)
    st.session_state[Key.FORGOT] = True
    st.session_state.pop(Key.LEARNT, None)
    watch_job(None)


def has_forgotten() -> bool:
    """Whether this session's secret replaces the one that the browser keeps."""
    return bool(st.session_state.get(Key.FORGOT))


def run_id() -> str | None:
    """Return the id of the current run; ``None`` where there is no run at all."""
    value = st.session_state.get(Key.RUN)
    return str(value) if value else None


def current_run() -> RunEntry | None:
    """Return the current run; ``None`` where its id leads nowhere."""
    wanted = run_id()
    return find_run(wanted, owner()) if wanted else None


def note_opened(entry_id: str) -> None:
    """Take note that a run could be opened: should it be missing later, it was deleted."""
    st.session_state[Key.OPENED] = entry_id


def was_opened(entry_id: str | None) -> bool:
    """Whether this session had a run open before it went missing."""
    return entry_id is not None and st.session_state.get(Key.OPENED) == entry_id


def choose_run(new_id: str) -> None:
    """Make another run the current one, in the state and in the page's address."""
    _enter_run(new_id)
    st.query_params.clear()
    st.query_params[RUN_PARAM] = new_id


def leave_run() -> None:
    """Go back to the first demo run, or to no run where there is none."""
    demos = demo_runs()
    if demos:
        choose_run(demos[0].id)
    else:
        st.session_state[Key.RUN] = None
        st.query_params.clear()


def link(**parameters: object) -> dict[str, str | list[str]]:
    """Return the address parameters of a link that stays in the current run; a list is a parameter several times."""
    run = run_id()
    named: dict[str, str | list[str]] = {RUN_PARAM: run} if run else {}
    for name, value in parameters.items():
        named[name] = [*map(str, value)] if isinstance(value, list) else str(value)
    return named


def run_query(run_id: str) -> str:
    """Return what the address of a run ends in."""
    return "?" + urlencode({RUN_PARAM: run_id})


def chosen_token() -> str | None:
    """Return the target token that the page's address or, after it, the session names."""
    named = st.query_params.get(TOKEN_PARAM)
    if named is not None:
        st.session_state[Key.TOKEN] = named
    value = st.session_state.get(Key.TOKEN)
    return None if value is None else str(value)


def chosen_source() -> str | None:
    """Return the source token that the page's address names."""
    return st.query_params.get(SOURCE_PARAM)


def show_target(target_id: int) -> None:
    """Make a target token the chosen one."""
    st.session_state[Key.TOKEN] = str(target_id)
    st.query_params.pop(SOURCE_PARAM, None)
    st.query_params[TOKEN_PARAM] = str(target_id)


def show_source(source_id: int) -> None:
    """Make a source token the one that the page is about."""
    st.query_params[SOURCE_PARAM] = str(source_id)


def settle_address(target_id: int | None, source_id: int | None) -> None:
    """Make the page's address say what the page shows: a link within one page leaves the old one standing."""
    shown = {TOKEN_PARAM: target_id, SOURCE_PARAM: source_id}
    shown = {name: number for name, number in shown.items() if number is not None}
    if target_id is not None:
        st.session_state[Key.TOKEN] = str(target_id)
    kept: dict[str, str | list[str]] = {n: st.query_params[n] for n in _TOKEN_VIEW if n in st.query_params}
    st.query_params.from_dict(link(**shown) | kept)
    st.session_state[Key.VIEW] = _asked_view()


def count_view() -> int:
    """Return how often another token, source token or chapter has been asked for: each is read from its top."""
    asked = _asked_view()
    if asked != st.session_state.get(Key.VIEW):
        st.session_state[Key.VIEW] = asked
        st.session_state[Key.N_VIEWS] = st.session_state.get(Key.N_VIEWS, 0) + 1
    return int(st.session_state.get(Key.N_VIEWS, 0))


def _asked_view() -> tuple[str | None, str | None, str]:
    named = st.query_params.get(TOKEN_PARAM, st.session_state.get(Key.TOKEN))
    return named, chosen_source(), chosen_chapter()


def chosen_chapter() -> str:
    """Return the chapter that the page's address or, after it, the session names; else the first."""
    named = st.query_params.get(CHAPTER_PARAM)
    return str(named if named is not None else st.session_state.get(Key.CHAPTER, "1"))


def show_chapter(number: int) -> None:
    """Make a chapter the chosen one, and the page's address its link."""
    st.session_state[Key.CHAPTER] = str(number)
    st.query_params.from_dict(link(**{CHAPTER_PARAM: number}))


def named_anew(parameter: str, key: str) -> str | None:
    """Return what the page's address says of a widget that is about to be drawn, once, where that is new."""
    # A rerun of a part of the page brings nothing new: the address that comes with it may be older than what the last
    # such rerun wrote, and would turn a slider back that is being moved.
    named, noted = st.query_params.get(parameter), f"{_WRITTEN}{parameter}"
    if named is None or _in_part() or (key in st.session_state and named == st.session_state.get(noted)):
        return None
    st.session_state[noted] = named
    return named


def _in_part() -> bool:
    """Whether a part of the page runs again by itself."""
    context = get_script_run_ctx()
    return context is not None and bool(context.fragment_ids_this_run)


def take_choice(parameter: str, key: str, values: Mapping[str, object]) -> None:
    """Let a widget that is about to be drawn show what the page's address names, where that is new."""
    named = named_anew(parameter, key)
    if named is not None and named in values:
        st.session_state[key] = values[named]


def write_choice(parameter: str, word: str | None) -> None:
    """Make the page's address say what a widget shows."""
    if word is None:
        st.query_params.pop(parameter, None)
    elif st.query_params.get(parameter) != word:
        st.query_params[parameter] = word
    st.session_state[f"{_WRITTEN}{parameter}"] = word


def learnt() -> set[int]:
    """Return the chapters whose task this browser has solved, as far as it keeps that; add to it to mark one."""
    if Key.LEARNT not in st.session_state:
        st.session_state[Key.LEARNT] = _kept_chapters()
    done: set[int] = st.session_state[Key.LEARNT]
    return done


def owner_mark() -> str:
    """Return what tells this owner's chapters from those of one whom the browser was made to forget."""
    return hash_owner(owner())[:8]


def _kept_chapters() -> set[int]:
    """Return the numbers that the browser kept for this owner; they may name no chapter."""
    kept = st.context.cookies.get(LEARNT_COOKIE)
    found = _LEARNT.fullmatch(kept) if isinstance(kept, str) else None
    return {int(number) for number in found[2].split("-")} if found and found[1] == owner_mark() else set()


def once_key(name: str) -> str:
    """Return the key of a chart or table whose selection leads to another page."""
    # A browser keeps a selection and would send it again when one comes back, and so lead away at once; every such step
    # (`count_click`) gives the next drawing another key.
    return f"{name}_{st.session_state.setdefault(Key.CLICKS, 0)}"


def count_click() -> None:
    """Take note that a selection has been followed."""
    st.session_state[Key.CLICKS] = st.session_state.get(Key.CLICKS, 0) + 1


def chosen_job() -> str | None:
    """Return the id of the job that the session watches."""
    value = st.session_state.get(Key.JOB)
    return str(value) if value else None


def watch_job(job_id: str | None) -> None:
    """Choose the job to watch."""
    st.session_state[Key.JOB] = job_id
