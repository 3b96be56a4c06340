"""What the browser is sent of a map: the points of two members as small numbers, and the names to write among them.

Texts are display texts of ``show_token`` and travel as JSON strings; the canvas draws them as text and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.runs.legend import CATEGORIES
from focus_core.runs.tokens import reads_as_word
from focus_core.tokenization.display import ISOLATE_END, ISOLATE_START, WORD_START
from pages.map.tables import BRUSH_MARGIN, MapLayout

if TYPE_CHECKING:
    import pandas as pd

FORM = 1
"""Changes with the form of the bytes, so that a browser never reads an old one as a new one."""

NONE = 65535
"""Stands for a measure that is not there."""

STEPS = 65534
LEVELS = 7
FIRST_CELLS = 3
"""Cells of the coarsest grid of landmarks, each way; every level has twice as many."""

NO_LANDMARK = 255
FEW_TRAILS = 400


def payload_digest(layout: MapLayout, left: str, right: str, measured: str) -> str:
    """Return the name of the bytes that `pack_points` makes."""
    text = json.dumps([FORM, layout.digest, left, right, measured])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def pack_points(layout: MapLayout, frame: pd.DataFrame, left: str, right: str, digest: str) -> bytes:
    """Return the points of one or two members of a map for the browser."""
    keys = list(dict.fromkeys((left, right)))
    planes = [layout.points[key] for key in keys]
    box = _box(planes)
    arrays: dict[str, np.ndarray] = {
        "id": layout.ids.astype("<u4"),
        "frequency": np.clip(frame["frequency"].to_numpy(), 0, 2**32 - 1).astype("<u4"),
        "kept": _steps(frame["kept"].to_numpy(dtype=np.float64), 0.0, 1.0),
        "cosine": _steps(frame["cosine"].to_numpy(dtype=np.float64), -1.0, 1.0),
    }
    for place, plane in enumerate(planes):
        for axis, name in enumerate("xy"):
            share = (plane[:, axis].astype(np.float64) - box[axis]) / (box[axis + 2] - box[axis])
            arrays[f"{name}{place}"] = np.rint(share * 65535).astype("<u2")
    order = {key: place for place, key in enumerate(CATEGORIES)}
    arrays["category"] = np.array([order[key] for key in frame["category"]], dtype=np.uint8)
    arrays["level"] = landmark_levels(frame, planes, box)
    header = {
        "digest": digest,
        "n": len(layout.ids),
        "members": [layout.members[key] for key in keys],
        "box": box,
        "axes": list(layout.axes) or None,
        "shown": frame["shown"].tolist(),
    }
    return _join(header, arrays)


def _box(planes: list[np.ndarray]) -> list[float]:
    """Return left, bottom, right, top of all points; no side is empty."""
    low = np.min([plane.min(axis=0) for plane in planes], axis=0).astype(np.float64)
    high = np.max([plane.max(axis=0) for plane in planes], axis=0).astype(np.float64)
    high = np.maximum(high, low + 1e-6)
    return [float(v) for v in (*low, *high)]


def _steps(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return measures in equal steps between two bounds; NaN as ``NONE``."""
    known = ~np.isnan(values)
    steps = np.full(len(values), NONE, dtype="<u2")
    steps[known] = np.rint(np.clip((values[known] - low) / (high - low), 0, 1) * STEPS).astype("<u2")
    return steps


def _join(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> bytes:
    parts: list[bytes] = []
    listed: list[tuple[str, str, int]] = []
    at = 0
    for name, array in arrays.items():
        data = array.tobytes()
        data += b"\0" * (-len(data) % 8)
        listed.append((name, f"u{array.dtype.itemsize}", at))
        parts.append(data)
        at += len(data)
    text = json.dumps({**header, "arrays": listed}, ensure_ascii=False).encode("utf-8", errors="backslashreplace")
    head = struct.pack("<I", len(text)) + text
    return b"".join([head, b"\0" * (-len(head) % 8), *parts])


def landmark_levels(frame: pd.DataFrame, planes: list[np.ndarray], box: list[float]) -> np.ndarray:
    """Choose the tokens whose names are written on a map: in each cell of ever finer grids the most frequent word."""
    levels = np.full(len(frame), NO_LANDMARK, dtype=np.uint8)
    named = zip(frame["shown"], frame["script"], strict=True)
    words = np.flatnonzero([readable(shown, script) for shown, script in named])
    frequency = frame["frequency"].to_numpy()[words]
    words = words[np.lexsort((frame["id"].to_numpy()[words], -frequency))]
    low, size = np.array(box[:2]), np.array(box[2:]) - np.array(box[:2])
    for plane in planes:
        share = (plane[words].astype(np.float64) - low) / size
        for level in reversed(range(LEVELS)):
            n_cells = FIRST_CELLS * 2**level
            cell = np.minimum((share * n_cells).astype(np.int64), n_cells - 1)
            first = words[np.unique(cell[:, 1] * n_cells + cell[:, 0], return_index=True)[1]]
            levels[first] = np.minimum(levels[first], level)
    return levels


def readable(shown: str, script: str) -> bool:
    """Say whether a token as it is shown reads as a word.

    Examples
    --------
    >>> readable("▁shule", "Latin"), readable("ing2", "Latin"), readable("水", "Han")
    (True, False, True)
    """
    return reads_as_word(shown.replace(WORD_START, "").strip(ISOLATE_START + ISOLATE_END), script)


def few_trails(frame: pd.DataFrame, *, n: int = FEW_TRAILS) -> float:
    """Return how many neighbours kept a token may have at most, so that only the most changed ones draw a trail."""
    kept = np.sort(frame["kept"].dropna().to_numpy())
    counts = np.searchsorted(kept, np.arange(101) / 100 + BRUSH_MARGIN, side="right")
    fitting = np.flatnonzero(counts <= n)
    return float(fitting[-1]) / 100 if len(fitting) else 0.0
