"""Solved chapters outlive a reload: the browser keeps their numbers in a cookie of its own.

The component shows nothing. What a session takes from the cookie, `focus_ui.session.state` reads. Decision 0027.
"""

from __future__ import annotations

import streamlit as st

from focus_ui.session import state
from focus_ui.shell.browser_script import KEEP_S

_JS = """
const KEPT = /^([0-9a-f]{8})\\.(\\d{1,2}(?:-\\d{1,2}){0,31})$/;

function keptBy(name, mark) {
  const pair = document.cookie.split('; ').find((found) => found.startsWith(name + '='));
  const kept = pair ? KEPT.exec(pair.slice(name.length + 1)) : null;
  return kept && kept[1] === mark ? kept[2].split('-').map(Number) : [];
}

export default function ({ data }) {
  const solved = [...new Set([...data.solved, ...keptBy(data.cookie, data.mark)])].sort((a, b) => a - b);
  if (!solved.length) return;
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  const value = `${data.mark}.${solved.join('-')}`;
  document.cookie = `${data.cookie}=${value}; Path=/; Max-Age=${data.keep}; SameSite=Strict${secure}`;
}
"""

_component = st.components.v2.component("focus_lab_learnt", js=_JS)


def keep_learnt() -> None:
    """Let the browser keep which chapters are solved; what another tab of it has kept stays."""
    solved = sorted(state.learnt())
    data = {"cookie": state.LEARNT_COOKIE, "mark": state.owner_mark(), "solved": solved, "keep": KEEP_S}
    _component(key="_keep_learnt", data=data, height="content")
