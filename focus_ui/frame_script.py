"""What no widget offers: a browser that knows its own runs again, a key for the search, links past the navigation.

Owns one component without a picture of its own, drawn on every page, and the cookie that holds the owner's secret. The
cookie goes to this server alone (``SameSite=Strict``), is never part of an address, and names nothing but a random
number. Decision 0024.
"""

from __future__ import annotations

import streamlit as st

from focus_ui import state

KEY = "_frame_script"
KEEP_S = 180 * 24 * 3600
"""How long a browser keeps the owner's secret after its last visit."""

_JS = """
const SEARCH = '.st-key-_search input';

function readCookie(name) {
  const found = document.cookie.split('; ').find((pair) => pair.startsWith(name + '='));
  return found ? found.slice(name.length + 1) : '';
}

function keepOwner(data, setTriggerValue) {
  const kept = readCookie(data.cookie);
  if (!data.replace && /^[0-9a-f]{32}$/.test(kept) && kept !== data.secret) {
    if (window.focusLabReported !== kept) {
      window.focusLabReported = kept;
      setTriggerValue('owner', kept);
    }
    return;
  }
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  document.cookie = `${data.cookie}=${data.secret}; Path=/; Max-Age=${data.keep}; SameSite=Strict${secure}`;
}

function toSearch() {
  const box = document.querySelector(SEARCH);
  if (!box) return false;
  box.focus();
  box.select();
  return true;
}

function toPage() {
  const page = document.querySelector('[data-testid="stMain"]');
  if (!page) return;
  page.setAttribute('tabindex', '-1');
  page.focus();
}

function onKey(event) {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.composedPath()[0];
  if (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName)) return;
  if (toSearch()) event.preventDefault();
}

function skipLink(label, act) {
  const link = document.createElement('button');
  link.type = 'button';
  link.textContent = label;
  link.style.cssText = 'position:fixed;top:8px;left:-10000px;z-index:1000001;padding:8px 14px;border-radius:8px;'
    + 'font:600 15px sans-serif;color:#ffffff;background:#1f5fa8;border:2px solid #ffffff';
  link.onfocus = () => { link.style.left = '8px'; };
  link.onblur = () => { link.style.left = '-10000px'; };
  link.onclick = act;
  return link;
}

function addSkipLinks() {
  if (document.getElementById('focus-lab-skip')) return;
  const box = document.createElement('div');
  box.id = 'focus-lab-skip';
  box.append(skipLink('Skip to the page', toPage), skipLink('Find a token', toSearch));
  document.body.prepend(box);
}

export default function ({ data, setTriggerValue }) {
  keepOwner(data, setTriggerValue);
  addSkipLinks();
  if (window.focusLabKeys) document.removeEventListener('keydown', window.focusLabKeys);
  window.focusLabKeys = onKey;
  document.addEventListener('keydown', onKey);
}
"""

_component = st.components.v2.component("focus_lab_frame", js=_JS)


def frame_script() -> None:
    """Let the browser keep the owner's secret, and listen for the keys of the frame."""
    _component(
        key=KEY,
        data={
            "cookie": state.OWNER_COOKIE,
            "secret": state.owner(),
            "keep": KEEP_S,
            "replace": state.has_forgotten(),
        },
        height="content",
        on_owner_change=_adopt,
    )


def _adopt() -> None:
    state.adopt_owner(getattr(st.session_state[KEY], "owner", None))
