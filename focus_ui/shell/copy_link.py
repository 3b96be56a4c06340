"""A button that copies a link: of what is on the screen, or of a run.

The address is the browser's own; nothing in it is written on the page. One deed of a reader is one step of the
browser's history, however often the address changes until the page stands; what is moved by and by, such as a slider,
is none: the way back leads to what one looked at before. Decision 0027.
"""

from __future__ import annotations

import streamlit as st

from focus_ui.session import state

_CSS = """
.copy { font: 400 0.875rem var(--st-font); color: var(--st-text-color); background: transparent; cursor: pointer;
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius); padding: 0.25rem 0.75rem;
  min-height: 2.5rem; white-space: nowrap; display: inline-flex; gap: 0.45rem; align-items: center; }
.copy.wide { width: 100%; justify-content: center; }
.copy:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
.copy:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
.copy svg { width: 1em; height: 1em; flex: none; }
.address { margin-top: 0.3rem; width: 100%; font: 400 0.8rem var(--st-code-font); color: var(--st-text-color);
  background: var(--st-secondary-background-color); border: 1px solid var(--st-border-color); padding: 0.3rem; }
[hidden] { display: none; }
"""

_HTML = """
<button class="copy" type="button">
  <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" aria-hidden="true">
    <path d="M10 14a4 4 0 0 0 5.7 0l3.5-3.5a4 4 0 0 0-5.7-5.7L12 6.3"/>
    <path d="M14 10a4 4 0 0 0-5.7 0l-3.5 3.5a4 4 0 0 0 5.7 5.7L12 17.7"/></svg>
  <span class="words" aria-live="polite"></span>
</button>
<input class="address" readonly hidden aria-label="The link">
"""

_JS = """
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch (refused) {
    return false;
  }
}

function lastingPart(search, moved) {
  const kept = [...new URLSearchParams(search)].filter(([name]) => !moved.includes(name));
  return JSON.stringify(kept.sort(([a], [b]) => (a < b ? -1 : Number(a > b))));
}

function sparesHistory(moved) {
  if (window.focusLabMoved) return;
  window.focusLabMoved = true;
  const push = history.pushState.bind(history);
  let acted = false;
  for (const kind of ['pointerdown', 'keydown']) addEventListener(kind, () => { acted = true; }, true);
  addEventListener('popstate', () => { acted = false; }, true);
  history.pushState = (state, title, url) => {
    const next = new URL(url ?? location.href, location.href);
    const same = next.pathname === location.pathname
      && lastingPart(next.search, moved) === lastingPart(location.search, moved);
    if (same || !acted) history.replaceState(state, title, url);
    else push(state, title, url);
    if (!same) acted = false;
  };
}

export default function ({ data, parentElement }) {
  sparesHistory(data.moved);
  const button = parentElement.querySelector('.copy');
  const words = parentElement.querySelector('.words');
  const address = parentElement.querySelector('.address');
  words.textContent = data.label;
  button.title = data.help;
  button.classList.toggle('wide', data.wide);
  button.onclick = async () => {
    const url = data.query === null ? location.href : location.origin + location.pathname + data.query;
    const done = await copy(url);
    words.textContent = done ? 'Link copied' : 'Copy it from here';
    address.hidden = done;
    address.value = url;
    if (!done) address.select();
    setTimeout(() => { words.textContent = data.label; }, 2500);
  };
}
"""

_component = st.components.v2.component("focus_lab_copy_link", html=_HTML, css=_CSS, js=_JS)


def copy_link(
    key: str, *, query: str | None = None, label: str = "Copy link", help_text: str = "", wide: bool = False
) -> None:
    """Draw the button."""
    data = {"query": query, "label": label, "help": help_text, "wide": wide, "moved": list(state.MOVED_PARAMS)}
    _component(key=key, data=data, width="stretch" if wide else "content")
