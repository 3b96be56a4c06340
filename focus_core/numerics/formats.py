"""How numbers are written, for the terminal, reports and pages.

Owns digits, units and what stands for a number that is not known. Refuses to round what is compared or stored.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any


def ratio(part: Any, whole: Any) -> float | None:
    """Return part / whole; ``None`` where there is nothing to take a share of."""
    return float(part) / float(whole) if whole else None


def percent(share: float | None, *, digits: int = 1) -> str:
    """Write a share as per cent; ``None`` as a dash, and one that the digits would hide as less than they can show.

    Examples
    --------
    >>> percent(0.4567), percent(None), percent(0.0004)
    ('45.7 %', '–', '< 0.1 %')
    """
    if share is None:
        return "–"
    return f"< {10**-digits:g} %" if 0 < share < 0.5 * 10 ** -(digits + 2) else plain_percent(share, digits=digits)


def plain_percent(share: float | None, *, digits: int = 1) -> str:
    """Write a share as per cent, for a terminal.

    Examples
    --------
    >>> plain_percent(0.256), plain_percent(None), plain_percent(0.0004)
    ('25.6 %', '-', '0.0 %')
    """
    return "-" if share is None else f"{100 * share:.{digits}f} %"


def rough_percent(share: float) -> str:
    """Write a share as per cent with two digits at least.

    Examples
    --------
    >>> rough_percent(0.256), rough_percent(0.0123)
    ('26 %', '1.2 %')
    """
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.2g} %"


def cut_percent(share: float) -> str:
    """Write a share as whole per cent, never rounded up to 100.

    Examples
    --------
    >>> cut_percent(0.256), cut_percent(0.999), cut_percent(1.0)
    ('26 %', '99 %', '100 %')
    """
    return f"{100 if share >= 1 - 1e-6 else min(99, round(100 * share))} %"


def decimal(value: float | None, digits: int, *, unknown: str = "-", group: str = "") -> str:
    """Write a number with so many digits after the point.

    Parameters
    ----------
    value : float or None
        The number; ``None`` and NaN are not known.
    digits : int
        Digits after the point.
    unknown : str, default="-"
        What stands for a number that is not known.
    group : str, default=""
        What parts its thousands: "" or ",".

    Returns
    -------
    str
        The number in words.

    Examples
    --------
    >>> decimal(1234.5, 2), decimal(1234.5, 0, group=","), decimal(None, 2), decimal(float("nan"), 2, unknown="–")
    ('1234.50', '1,234', '-', '–')
    """
    return unknown if value is None or math.isnan(value) else f"{value:{group}.{digits}f}"


def with_bounds(value: float, low: float, high: float, *, digits: int = 2) -> str:
    """Write a number with the bounds of its interval.

    Parameters
    ----------
    value, low, high : float
        The number and its bounds.
    digits : int, default=2
        Digits after the point; up to three more where a bound that is not 0 would look as if it were.

    Returns
    -------
    str
        The three numbers, the bounds in brackets.

    Examples
    --------
    >>> with_bounds(0.114, 0.088, 0.131), with_bounds(0.02, -0.011, 0.05), with_bounds(0.009, 0.002, 0.016)
    ('0.11 (0.09 to 0.13)', '0.02 (-0.01 to 0.05)', '0.009 (0.002 to 0.016)')
    """
    bounds = [bound for bound in (low, high) if bound]
    fits = (n for n in range(digits, digits + 3) if all(round(bound, n) for bound in bounds))
    n = next(fits, digits + 3)
    # adding 0 takes the sign from a zero
    value, low, high = (round(number, n) + 0.0 for number in (value, low, high))
    return f"{value:.{n}f} ({low:.{n}f} to {high:.{n}f})"


def listed(names: Iterable[str]) -> str:
    """Write names as a sentence lists them.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def short_weight(weight: float) -> str:
    """Write a weight with two digits, or with one significant digit where these would be zero.

    Examples
    --------
    >>> short_weight(0.256), short_weight(0.0012)
    ('0.26', '0.001')
    """
    return f"{weight:.2f}" if abs(weight) >= 0.005 else f"{weight:.1g}"


def count(number: float) -> str:
    """Write a whole number with thin groups of three.

    Examples
    --------
    >>> count(1234567)
    '1,234,567'
    """
    return f"{int(number):,}"


def duration(seconds: float) -> str:
    """Write a span of time.

    Examples
    --------
    >>> duration(42.2), duration(310), duration(7260)
    ('42 s', '5 min 10 s', '2 h 1 min')
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(n_bytes: float) -> str:
    """Write a number of bytes.

    Examples
    --------
    >>> size(900), size(2_500_000)
    ('900 B', '2.5 MB')
    """
    for unit in ("B", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} B" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"


def numbered(names: Iterable[str]) -> list[str]:
    """Return names of which no two are the same: those that came before get no number, later ones do.

    Examples
    --------
    >>> numbered(["a", "b", "a", "a"])
    ['a', 'b', 'a (2)', 'a (3)']
    """
    found: dict[str, None] = {}
    for name in names:
        tries = (name, *(f"{name} ({i})" for i in range(2, len(found) + 3)))
        found[next(one for one in tries if one not in found)] = None
    return list(found)
