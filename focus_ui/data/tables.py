"""Tables that the pages show, drawn from a run's own tables.

Everything is kept with ``RunFolder.remember``: a run never changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.runs.folder import RunFolder
from focus_core.runs.legend import CATEGORIES, category_of
from focus_core.runs.tokens import anchors
from focus_core.tokenization.display import show_token
from focus_core.types import Origin, Rule

if TYPE_CHECKING:
    import pandas as pd

MAX_GROUPS = 12
OTHER = "other"
GROUPINGS = {
    "rule": "rule",
    "script": "script",
    "length": "length in characters",
    "band": "occurrences in the text",
    "kind": "kind of token",
    "contributors": "support",
}
RULE_NAMES = {
    Rule.USER: "your map",
    Rule.SPECIAL: "control token by its type",
    Rule.EXACT: "exact",
    Rule.FUZZY: "fuzzy",
    Rule.SYMBOL: "symbol",
    Rule.NONE: "no match",
}
LENGTHS = ((1, "1"), (2, "2"), (3, "3"), (4, "4"), (6, "5–6"), (8, "7–8"), (12, "9–12"), (10**9, "13 and more"))
SUPPORTS = ((1, "1 source token"), (3, "2–3"), (10, "4–10"), (30, "11–30"), (100, "31–100"), (10**9, "over 100"))
FREQUENCIES = (
    (0, "never"), (1, "once"), (9, "2–9"), (99, "10–99"), (999, "100–999"), (9999, "1,000–9,999"),
    (10**18, "10,000 and more"),
)  # fmt: skip


def token_table(run: RunFolder) -> pd.DataFrame:
    """Return one row per target token, ids without a token left out."""
    return run.remember("app token table", lambda: _token_table(run))


def _token_table(run: RunFolder) -> pd.DataFrame:
    import pandas as pd

    table = run.tokens().to_pydict()
    kept = [i for i, kind in enumerate(table["kind"]) if kind is not None]
    pick: dict[str, list[Any]] = {name: [values[i] for i in kept] for name, values in table.items()}
    frequency = np.array([f if f is not None else 0 for f in pick["frequency"]], dtype=np.int64)
    sources = np.array(pick["source_id"], dtype=np.int64)
    names, fed = run.column("source_tokens", "token"), run.column("source_tokens", "n_fed")
    candidates = np.bincount(run.column("candidates", "target_id"), minlength=len(table["id"]))
    return pd.DataFrame(
        {
            "id": np.array(pick["id"], dtype=np.int64),
            "shown": [show_token(t, word_start=w) for t, w in zip(pick["text"], pick["word_start"], strict=True)],
            "token": [show_token(t) for t in pick["token"]],
            "category": [category_of(o, r).key for o, r in zip(pick["origin"], pick["rule"], strict=True)],
            "rule": [RULE_NAMES[Rule(rule)] for rule in pick["rule"]],
            "source_id": sources,
            "source": [show_token(str(names[i])) if i >= 0 else "" for i in sources.tolist()],
            "frequency": frequency,
            "script": pick["script"],
            "kind": pick["kind"],
            "length": [_band(len(t), LENGTHS) for t in pick["text"]],
            "band": [_band(n, FREQUENCIES) for n in frequency.tolist()],
            "contributors": [_band(n, SUPPORTS) if n else "none" for n in pick["n_contributors"]],
            "n_contributors": np.array(pick["n_contributors"], dtype=np.int64),
            "max_weight": np.nan_to_num(np.array(pick["max_weight"], dtype=np.float64)),
            "anchor": anchors(run)[kept],
            "feeds": np.where(sources >= 0, fed[sources], 0).astype(np.int64),
            "candidates": candidates[kept],
        }
    )


def _band(number: int, bands: Sequence[tuple[int, str]]) -> str:
    return next(name for high, name in bands if number <= high)


def has_frequency(run: RunFolder) -> bool:
    """Whether the run knows how often tokens occur in a corpus."""
    return bool(run.manifest.get("corpus"))


def group_sizes(frame: pd.DataFrame, by: str, *, occurrences: bool) -> list[tuple[str, dict[str, int]]]:
    """Return how many tokens, or corpus occurrences, each category has in every group."""
    weights = frame["frequency"] if occurrences else 1
    sizes = frame.assign(size=weights).groupby([by, "category"], observed=True)["size"].sum()
    groups: dict[str, dict[str, int]] = {}
    for (group, category), size in sizes.items():
        groups.setdefault(str(group), {})[str(category)] = int(size)
    return _fold(_ordered(by, groups))


def _ordered(by: str, groups: dict[str, dict[str, int]]) -> list[tuple[str, dict[str, int]]]:
    bands = {"length": LENGTHS, "contributors": SUPPORTS, "band": FREQUENCIES}.get(by)
    if bands is None:
        return sorted(groups.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    names = [name for _, name in bands] + ["none"]
    return [(name, groups[name]) for name in names if name in groups]


def _fold(groups: list[tuple[str, dict[str, int]]]) -> list[tuple[str, dict[str, int]]]:
    """Put the groups after the eleventh together, where there are more than twelve."""
    if len(groups) <= MAX_GROUPS:
        return groups
    rest: dict[str, int] = {}
    for _, sizes in groups[MAX_GROUPS - 1 :]:
        for category, size in sizes.items():
            rest[category] = rest.get(category, 0) + size
    return [*groups[: MAX_GROUPS - 1], (OTHER, rest)]


def filter_tokens(
    frame: pd.DataFrame, *, by: str = "", group: str = "", category: str = "", ids: Sequence[int] | None = None
) -> pd.DataFrame:
    """Return the rows of one group, one category, or both; most frequent first."""
    keep = np.ones(len(frame), dtype=bool)
    if ids is not None:
        keep &= frame["id"].isin(list(ids)).to_numpy()
    if group:
        keep &= _in_group(frame, by, group)
    if category:
        new = frame["category"].isin([Origin.COMBINED, Origin.FALLBACK]).to_numpy()
        named = {"new": new, "both": ~new}.get(category)
        keep &= (frame["category"] == category).to_numpy() if named is None else named
    return frame[keep].sort_values(["frequency", "id"], ascending=[False, True])


def _in_group(frame: pd.DataFrame, by: str, group: str) -> np.ndarray:
    values = frame[by].astype(str)
    if group == OTHER and group not in set(values):
        named = {name for name, _ in group_sizes(frame, by, occurrences=False)}
        return np.asarray(~values.isin(named))
    return np.asarray(values == group)


def neighbouring_id(frame: pd.DataFrame, target_id: int, step: int) -> int:
    """Return the id before (-1) or after (+1) a token, in a circle."""
    ids = frame["id"].to_numpy()
    place = int(np.searchsorted(ids, target_id, side="left" if step < 0 else "right"))
    return int(ids[(place - 1 if step < 0 else place) % len(ids)])


def random_id(frame: pd.DataFrame, generator: np.random.Generator, *, category: str = "") -> int:
    """Return the id of a random token, of one category where that has any."""
    ids = filter_tokens(frame, category=category)["id"].to_numpy() if category else frame["id"].to_numpy()
    return int(generator.choice(ids if len(ids) else frame["id"].to_numpy()))


def kpis(manifest: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the numbers of the Start page from a run's manifest."""
    counts, corpus = manifest["counts"], manifest.get("corpus") or {}
    n_target = counts["n_target"]
    return {
        "overlap": counts["n_overlap"] / n_target if n_target else None,
        "exact": counts["by_rule"].get("exact", 0),
        "fuzzy": counts["by_rule"].get("fuzzy", 0),
        "new": counts["n_new"],
        "combined": counts["by_origin"].get("combined", 0),
        "fallback": counts["by_origin"].get("fallback", 0),
        "occurrences": corpus.get("share_overlap_occurrences"),
    }


def category_totals(frame: pd.DataFrame, *, occurrences: bool) -> dict[str, int]:
    """Return the size of every category that has one, in the order of the legend."""
    sizes = frame.assign(size=frame["frequency"] if occurrences else 1).groupby("category")["size"].sum()
    return {key: int(sizes[key]) for key in CATEGORIES if key in sizes.index}
