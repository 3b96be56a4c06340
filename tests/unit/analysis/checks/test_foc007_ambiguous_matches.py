"""FOC007: the lowest id decided between source tokens that fit equally well."""

from __future__ import annotations

import dataclasses

from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.registry import CHECKS
from focus_core.initialization.overlap.matching import match_vocabularies
from focus_core.runs.folder import RunFolder
from focus_core.types import MatchMode
from tests.toy_run import altered, id_of, toy_result, toy_weights, write_toy_run

check = CHECKS["FOC007"]


def candidates(run: RunFolder, *rows: tuple[int, str, str]) -> RunFolder:
    """Return a run of 20 matched tokens; rows are (target id, source text, rule), in the order of their rank."""
    ranks: list[int] = []
    for i, (target, *_) in enumerate(rows):
        ranks.append(ranks[-1] + 1 if i and rows[i - 1][0] == target else 0)
    columns = {
        "candidates.target_id": [target for target, *_ in rows],
        "candidates.source_id": list(range(len(rows))),
        "candidates.rule": [rule for *_, rule in rows],
        "candidates.rank": ranks,
        "source_tokens.token": [f"▁{text}" for _, text, _ in rows],
        "source_tokens.text": [text for _, text, _ in rows],
        "tokens.token": ["▁Maji", "▁the", "▁a"],
        "tokens.text": ["Maji", "the", "a"],
        "tokens.frequency": [1, 5, 9],
    }
    return altered(run, manifest={"counts": {"n_overlap": 20}}, columns=columns)


def test_fires_where_only_the_id_tells_candidates_apart(run: RunFolder) -> None:
    """``Maji`` has ``maji`` and ``MAJI``, both fuzzy and neither in its case: one tie among 20 tokens, 5 %."""
    result = check.run(candidates(run, (0, "maji", "fuzzy"), (0, "MAJI", "fuzzy"), (2, "a", "exact")))
    assert result.status == Status.WARNING
    assert result.tokens == [0]
    assert "1 of 20 matched tokens have several candidates; in 1 cases the lowest id decided (5 %)" in result.summary


def test_is_silent_where_the_string_decided(run: RunFolder) -> None:
    """``the`` itself outranks ``The``; an exact candidate outranks a fuzzy one."""
    result = check.run(candidates(run, (1, "the", "fuzzy"), (1, "The", "fuzzy"), (2, "A", "exact"), (2, "A", "fuzzy")))
    assert result.status == Status.PASSED
    assert "2 of 20 matched tokens have several candidates; in 0 cases" in result.summary


def test_lists_the_more_frequent_first(run: RunFolder) -> None:
    rows = [(0, "maji", "fuzzy"), (0, "MAJI", "fuzzy"), (1, "THE", "fuzzy"), (1, "tHE", "fuzzy")]
    assert check.run(candidates(run, *rows)).tokens == [1, 0]


def test_fires_on_a_real_fuzzy_match() -> None:
    """``▁MILK`` fits ``▁milk`` and ``▁Milk`` alike."""
    result = toy_result()
    overlap = match_vocabularies(result.source, result.target, mode=MatchMode.FUZZY)
    weights = toy_weights(result.source, result.target, overlap, result.auxiliary)
    fuzzy = write_toy_run(result=dataclasses.replace(result, overlap=overlap, weights=weights))
    assert id_of(fuzzy, "▁MILK") in check.run(fuzzy).tokens


def test_passes_on_the_toy(run: RunFolder) -> None:
    assert check.run(run).status == Status.PASSED


def test_is_not_applicable_without_matches(run: RunFolder) -> None:
    assert check.run(altered(run, manifest={"counts": {"n_overlap": 0}})).status == Status.NOT_APPLICABLE
