"""Charts as inline SVG: bars, stacked bars, steps, curves, points; no script, no style attribute, no picture file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from focus_core.analysis.report.markup import tag

WIDTH = 880
ROW = 27
NAMES = 190
PER_LETTER = 7
"""Width of a digit or a Latin letter, at the most as a mean over a few words."""
PAPER = 1000
"""Width of a map in its own units; points stand on whole ones."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar of a chart: words before and behind it, the class of its colour, and the ends of its whisker."""

    name: str
    value: float
    words: str
    look: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """One curve of a chart: its points, the classes of how it is drawn, and its dashes."""

    x: np.ndarray
    y: np.ndarray
    look: str
    dash: str | None = None


def _svg(width: float, height: float, words: str, *parts: object) -> Markup:
    return tag("svg", *parts, viewBox=f"0 0 {_n(width)} {_n(height)}", role="img", aria_label=words)


def _n(number: float) -> str:
    """Write a coordinate: at most one digit behind the point."""
    return f"{number:.1f}".rstrip("0").rstrip(".")


def _label(words: str, x: float, y: float, look: str | None = None) -> Markup:
    return tag("text", words, x=_n(x), y=_n(y), class_=look)


def bars(found: Sequence[Bar], words: str) -> Markup:
    """Return horizontal bars from zero, the first at the top."""
    longest = max([bar.high or bar.value for bar in found] + [1e-12])
    room = WIDTH - NAMES - max([PER_LETTER * len(bar.words) + 16 for bar in found] + [130])
    parts: list[Markup] = []
    for place, bar in enumerate(found):
        top = place * ROW
        end = NAMES + room * max(0.0, bar.value) / longest
        parts.append(_label(bar.name, NAMES - 10, top + 18, "right"))
        parts.append(tag("rect", x=NAMES, y=top + 4, width=_n(max(0.5, end - NAMES)), height=ROW - 8, class_=bar.look))
        if bar.low is not None and bar.high is not None:
            left, right = (NAMES + room * max(0.0, edge) / longest for edge in (bar.low, bar.high))
            middle = top + ROW / 2
            whisker = f"M{_n(left)} {middle}H{_n(right)}M{_n(left)} {middle - 5}v10M{_n(right)} {middle - 5}v10"
            parts.append(tag("path", d=whisker, class_="whisker"))
            end = max(end, right)
        parts.append(_label(bar.words, end + 8, top + 18))
    return _svg(WIDTH, ROW * max(1, len(found)), words, *parts)


def cut_bars(rows: Sequence[tuple[str, Sequence[tuple[float, str]]]], words: str) -> Markup:
    """Return bars of full width, each cut in proportion."""
    parts: list[Markup] = []
    room = WIDTH - NAMES
    for place, (name, pieces) in enumerate(rows):
        top, left = place * ROW, float(NAMES)
        whole = sum(size for size, _ in pieces) or 1.0
        parts.append(_label(name, NAMES - 10, top + 18, "right"))
        for size, look in pieces:
            width = room * size / whole
            if size:
                parts.append(tag("rect", x=_n(left), y=top + 3, width=_n(width), height=ROW - 6, class_=look))
            left += width
    return _svg(WIDTH, ROW * max(1, len(rows)), words, *parts)


def steps(shares: Sequence[float], labels: Sequence[tuple[float, str]], look: str, words: str) -> Markup:
    """Return a histogram."""
    width, height, base = 400.0, 150.0, 128.0
    step = width / max(1, len(shares))
    top = max([*shares, 1e-12])
    parts = [
        tag("rect", x=_n(i * step + 0.5), y=_n(base - 118 * share / top), width=_n(max(0.5, step - 1)),
            height=_n(118 * share / top), class_=look)
        for i, share in enumerate(shares)
        if share
    ]  # fmt: skip
    parts.append(tag("path", d=f"M0 {base}H{width}", class_="grid"))
    for place, label in labels:
        side = "soft right" if place >= len(shares) else ("soft middle" if place else "soft")
        parts.append(_label(label, place * step, height - 4, side))
    return _svg(width, height, words, *parts)


def curves(lines: Sequence[Line], x_words: str, words: str) -> Markup:
    """Return curves over one pair of axes."""
    left, right, top, base = 52.0, WIDTH - 12.0, 10.0, 300.0
    every = np.concatenate([line.y for line in lines])
    marks = _round_marks(float(every.min()), float(every.max()))
    low, high = min(marks[0], float(every.min())), max(marks[-1], float(every.max()))
    last = max(float(line.x[-1]) for line in lines) or 1.0

    def x(value: float) -> str:
        return _n(left + (right - left) * value / last)

    def y(value: float) -> str:
        return _n(base - (base - top) * (value - low) / ((high - low) or 1.0))

    parts: list[Markup] = []
    for mark in marks:
        parts.append(tag("path", d=f"M{_n(left)} {y(mark)}H{_n(right)}", class_="grid"))
        parts.append(_label(f"{mark:g}", left - 8, float(y(mark)) + 4, "soft right"))
    for line in lines:
        path = "".join(f"{'L' if i else 'M'}{x(a)} {y(b)}" for i, (a, b) in enumerate(zip(line.x, line.y, strict=True)))
        parts.append(tag("path", d=path, class_=line.look, stroke_dasharray=line.dash))
    parts += [_label("0", left, base + 20, "soft"), _label(f"{last:,.0f}", right, base + 20, "soft right")]
    parts.append(_label(x_words, (left + right) / 2, base + 20, "soft middle"))
    return _svg(WIDTH, 328, words, *parts)


def _round_marks(low: float, high: float) -> list[float]:
    """Return about five round numbers within a range."""
    span = (high - low) or 1.0
    size = 10 ** math.floor(math.log10(span / 4))
    step = next(size * factor for factor in (1, 2, 5, 10) if span / (size * factor) <= 6)
    first = math.ceil(low / step)
    return [round(step * i, 10) for i in range(first, math.floor(high / step) + 1)] or [low]


def cloud(groups: Sequence[tuple[np.ndarray, str]], box: tuple[float, float, float, float], words: str) -> Markup:
    """Return points in a square, a path a group, later ones above; the box is what all pictures of a scale share."""
    low_x, low_y, high_x, high_y = box
    scale = (PAPER - 40) / (max(high_x - low_x, high_y - low_y) or 1.0)
    parts: list[Markup] = [tag("path", d=f"M1 1H{PAPER - 1}V{PAPER - 1}H1Z", class_="frame")]
    for points, look in groups:
        x = np.rint(20 + (points[:, 0] - low_x) * scale).astype(int).tolist()
        y = np.rint(PAPER - 20 - (points[:, 1] - low_y) * scale).astype(int).tolist()
        dots = "".join(f"M{a} {b}h0" for a, b in sorted(set(zip(x, y, strict=True))))
        parts.append(tag("path", d=dots, class_=f"cloud {look}"))
    return _svg(PAPER, PAPER, words, *parts)
