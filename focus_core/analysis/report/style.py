"""How a report looks: colours, type, light and dark, paper; and what a browser lets it do.

Owns the style sheet, which names every colour once, and the policy of the page. The colours are those of the app.
"""

from __future__ import annotations

import base64
import hashlib

from focus_core.types import MethodName

KIND_COLORS = {
    "exact": "#1C5FD0",
    "fuzzy": "#3B9AD9",
    "special": "#B23A9E",
    "symbol": "#1F7F57",
    "user": "#87592F",
    "combined": "#D5700B",
    "fallback": "#8C8C8C",
}
"""Where a row comes from."""

KIND_LABELS = {
    "exact": "copied: exact",
    "fuzzy": "copied: fuzzy",
    "special": "copied: special",
    "symbol": "copied: symbol",
    "user": "copied: your map",
    "combined": "combined",
    "fallback": "fallback",
}
METHOD_COLORS = {
    str(MethodName.FOCUS): "#D5700B",
    str(MethodName.SCRIPT): "#1C5FD0",
    str(MethodName.SUBWORD_MEAN): "#3B9AD9",
    str(MethodName.OVERLAP): "#1F7F57",
    str(MethodName.MULTIVARIATE_NORMAL): "#B23A9E",
    str(MethodName.MEAN): "#87592F",
    str(MethodName.RANDOM): "#8C8C8C",
}
METHOD_LABELS = {
    str(MethodName.FOCUS): "FOCUS",
    str(MethodName.SCRIPT): "script-wise",
    str(MethodName.SUBWORD_MEAN): "subword mean",
    str(MethodName.OVERLAP): "overlap only",
    str(MethodName.MULTIVARIATE_NORMAL): "multivariate normal",
    str(MethodName.MEAN): "mean",
    str(MethodName.RANDOM): "random",
}
DASHES = {
    str(MethodName.FOCUS): None,
    str(MethodName.SCRIPT): "9 5",
    str(MethodName.SUBWORD_MEAN): "2 4",
    str(MethodName.OVERLAP): "9 4 2 4",
    str(MethodName.MULTIVARIATE_NORMAL): "14 5",
    str(MethodName.MEAN): "14 4 2 4",
    str(MethodName.RANDOM): "2 3",
}
"""A line is told from another without its colour."""

_LAYOUT = """
:root { color-scheme: light dark; --ink: #1b2330; --soft: #5f6672; --line: #d8dee8; --paper: #fff; --box: #f4f6fa;
  --good: #1b7350; --bad: #b3261e; --warn: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf2; --soft: #b4bac6; --line: #323c4e; --paper: #12161f;
  --box: #1b2130; --good: #6fd3a6; --bad: #ff8f86; --warn: #ffc966; } }
@media print { :root { --ink: #000; --soft: #444; --line: #ccc; --paper: #fff; --box: #fff; --good: #1b7350;
  --bad: #b3261e; --warn: #8a5a00; } section, figure, tr { break-inside: avoid; } nav { display: none; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", Roboto, Arial, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .3rem; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; }
nav { margin: 1rem 0; font-size: .9rem; } nav a { margin-right: .9rem; white-space: nowrap; color: inherit; }
p { margin: .4rem 0; } .note { color: var(--soft); font-size: .9rem; }
.facts { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0; padding: 0; list-style: none; }
.facts li { flex: 1 1 9rem; border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .8rem; }
.facts b { display: block; font-size: 1.35rem; font-weight: 600; }
.facts span { color: var(--soft); font-size: .85rem; }
.warning { border-left: 4px solid var(--warn); background: var(--box); padding: .5rem .9rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .28rem .7rem .28rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 600; } .n { text-align: right; font-variant-numeric: tabular-nums; }
code, pre { font-family: ui-monospace, "Noto Sans Mono", monospace; font-size: .85em; }
pre { background: var(--box); border: 1px solid var(--line); border-radius: .5rem; padding: .7rem .9rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.passed { color: var(--good); } .problem { color: var(--bad); } .warned { color: var(--warn); }
.none { color: var(--soft); }
.verdict { font-weight: 600; } .verdict, .fixed { white-space: nowrap; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; list-style: none; margin: .5rem 0; padding: 0;
  font-size: .9rem; }
.legend svg { width: .8rem; height: .8rem; margin-right: .4rem; vertical-align: -.08rem; }
.legend .line { width: 2.2rem; }
figure { margin: .8rem 0; } figcaption { color: var(--soft); font-size: .9rem; }
.pair { display: flex; flex-wrap: wrap; gap: 1rem; } .pair figure { flex: 1 1 19rem; min-width: 0; }
figure > svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--ink); font-size: 13px; } svg .soft { fill: var(--soft); font-size: 12px; }
svg .right { text-anchor: end; } svg .middle { text-anchor: middle; }
svg .grid { stroke: var(--line); stroke-width: 1; fill: none; } svg .frame { stroke: var(--line); fill: none; }
svg .whisker { stroke: var(--ink); stroke-width: 1.5; }
svg .curve { fill: none; stroke-width: 2; } svg .focus { stroke-width: 3.2; }
svg .seed { opacity: .38; stroke-width: 1; }
svg .cloud { fill: none; stroke-width: 5; stroke-linecap: round; stroke-opacity: .65; }
"""


def _colors() -> str:
    """Return a class a colour: one to fill with, one to draw with."""
    pairs = [(f"k-{key}", color) for key, color in KIND_COLORS.items()]
    pairs += [(f"m-{key}", color) for key, color in METHOD_COLORS.items()]
    pairs += [("m-other", "#8C8C8C"), ("k-other", "#A9B2C0")]
    fills = "".join(f".{name} {{ fill: {color}; }}\n" for name, color in pairs)
    return fills + "".join(f".s-{name} {{ stroke: {color}; }}\n" for name, color in pairs)


STYLE = f"{_LAYOUT}{_colors()}"
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'"
"""No script, no request, no style but the one inside."""


def method_class(method: str) -> str:
    """Return the class of a method's colour; one that is not ours is grey."""
    return f"m-{method}" if method in METHOD_COLORS else "m-other"


def method_label(method: str) -> str:
    """Return what a method is called in charts."""
    return METHOD_LABELS.get(method, method[:40])
