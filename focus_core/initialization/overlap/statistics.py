"""Count an overlap by rule, script, length and kind, in tokens and in occurrences of a corpus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from focus_core.initialization.overlap.matching import Overlap
from focus_core.numerics.formats import ratio
from focus_core.tokenization.identity import NORMAL
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import KINDS, RULES, Rule
from focus_core.validation import check_matrix


def overlap_statistics(
    source: Vocabulary, target: Vocabulary, overlap: Overlap, frequency: np.ndarray | None = None
) -> dict[str, Any]:
    """Describe an overlap in numbers.

    Parameters
    ----------
    source, target : Vocabulary
        The two vocabularies.
    overlap : Overlap
        Their overlap.
    frequency : ndarray of int, shape (target.n,), default=None
        Occurrences of every target token in a corpus; ``None`` leaves the shares of occurrences out.

    Returns
    -------
    dict
        JSON values. ``by_rule``, ``by_script``, ``by_length`` (characters of the readable text) and ``by_kind``
        give for each value ``overlapping`` and ``new`` in tokens, and ``occurrences_overlapping`` and
        ``occurrences_new`` where a frequency is given; ``ambiguous`` counts tokens with several candidates;
        ``share_overlapping`` and ``share_occurrences_overlapping`` are in [0, 1].

    Raises
    ------
    InvalidInputError
        If ``frequency`` has not one entry per target id.
    """
    if frequency is not None:
        check_matrix("frequency", frequency.reshape(-1, 1), n_rows=target.n, remedy="count with this target tokenizer")
    rules = np.zeros(target.n, dtype=np.int64)
    rules[overlap.target_ids] = overlap.rules
    ids = np.flatnonzero(target.present)
    groups = {
        "by_rule": [RULES[code].value for code in rules[ids].tolist()],
        "by_script": [target.scripts[i] for i in ids.tolist()],
        "by_length": [str(len(target.texts[i])) for i in ids.tolist()],
        "by_kind": [KINDS[code].value for code in target.kinds[ids].tolist()],
    }
    matched = rules[ids] != RULES.index(Rule.NONE)
    counts = None if frequency is None else np.asarray(frequency, dtype=np.int64)[ids]
    result: dict[str, Any] = {
        "n_source": source.n_present,
        "n_target": target.n_present,
        "n_overlap": overlap.n_overlap,
        "n_new": overlap.n_new,
        "share_overlapping": ratio(overlap.n_overlap, target.n_present) or 0.0,
        "ambiguous": int(np.unique(overlap.candidates.target_id[overlap.candidates.rank > 0]).size),
        **{name: _count_groups(names, matched, counts) for name, names in groups.items()},
    }
    if counts is not None:
        result["occurrences"] = int(counts.sum())
        result["share_occurrences_overlapping"] = ratio(counts[matched].sum(), counts.sum()) or 0.0
    return result


def _count_groups(names: Sequence[str], matched: np.ndarray, counts: np.ndarray | None) -> dict[str, dict[str, int]]:
    """Count tokens (and occurrences) per name, the largest group first, then by name."""
    values, inverse, sizes = np.unique(np.array(names, dtype=object), return_inverse=True, return_counts=True)
    columns = {"overlapping": matched.astype(np.int64), "new": (~matched).astype(np.int64)}
    if counts is not None:
        columns |= {"occurrences_overlapping": counts * matched, "occurrences_new": counts * ~matched}
    table = np.zeros((len(columns), len(values)), dtype=np.int64)
    for row, column in zip(table, columns.values(), strict=True):
        np.add.at(row, inverse, column)
    order = sorted(range(len(values)), key=lambda k: (-sizes[k], values[k]))
    return {str(values[k]): dict(zip(columns, table[:, k].tolist(), strict=True)) for k in order}


def shared_text(overlap: Overlap, target: Vocabulary) -> int:
    """Return how many shared target tokens are text, no special tokens and no single bytes: what can be an anchor."""
    return int((target.kinds[overlap.target_ids] == NORMAL).sum())
