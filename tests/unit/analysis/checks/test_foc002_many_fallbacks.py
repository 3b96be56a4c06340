"""FOC002: new tokens that were drawn instead of combined, weighed by how often the corpus holds them."""

from __future__ import annotations

import pytest

from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.registry import CHECKS
from focus_core.runs.folder import RunFolder
from tests.toy_run import altered

check = CHECKS["FOC002"]


def four_tokens(run: RunFolder, frequency: list[float]) -> RunFolder:
    """Return a run of one copied, one combined and two fallback tokens."""
    origins = ["copied", "combined", "fallback", "fallback"]
    return altered(run, columns={"tokens.origin": origins, "tokens.frequency": frequency})


@pytest.mark.parametrize(
    ("frequency", "status"),
    [
        ([999, 90, 9, 1], Status.PASSED),  # 10 of 100 occurrences: a tenth still passes
        ([999, 89, 10, 1], Status.WARNING),
        ([0, 50, 20, 30], Status.WARNING),  # half still warns
        ([0, 49, 20, 31], Status.PROBLEM),
    ],
)
def test_fires_by_share_of_occurrences(run: RunFolder, frequency: list[float], status: Status) -> None:
    result = check.run(four_tokens(run, frequency))
    assert result.status == status
    assert "2 of 3 new tokens have fallback embeddings" in result.summary
    assert "of the corpus occurrences of new tokens (judged by occurrences)" in result.summary
    assert result.basis == "occurrences"


def test_lists_the_most_frequent_first(run: RunFolder) -> None:
    assert check.run(four_tokens(run, [0, 1, 2, 3])).tokens == [3, 2]


def twenty_new_tokens(run: RunFolder, n_combined: int) -> RunFolder:
    """Return a run of twenty new tokens, of which only the combined ones occur in the corpus."""
    origins = ["combined"] * n_combined + ["fallback"] * (20 - n_combined)
    seen = [100.0] * n_combined + [0.0] * (20 - n_combined)
    return altered(run, columns={"tokens.origin": origins, "tokens.frequency": seen})


def test_warns_where_nearly_all_were_drawn_though_the_corpus_holds_none_of_them(run: RunFolder) -> None:
    """19 of 20 are 95 %; by occurrences it is none."""
    result = check.run(twenty_new_tokens(run, 1))
    assert result.status == Status.WARNING
    assert result.summary.endswith("but 95 % of new tokens: the corpus hardly holds them")
    assert len(result.tokens) == 19


def test_nine_of_ten_that_never_occur_still_pass(run: RunFolder) -> None:
    assert check.run(twenty_new_tokens(run, 2)).status == Status.PASSED


def test_counts_tokens_without_a_corpus(run: RunFolder) -> None:
    """Two of three new tokens: a problem."""
    result = check.run(four_tokens(run, [float("nan")] * 4))
    assert result.status == Status.PROBLEM
    assert "67 % of new tokens (this run counted no tokens: judged by entries)" in result.summary
    assert result.basis == "entries"
    assert result.tokens == [2, 3]


def test_counts_tokens_when_the_corpus_holds_none_of_them(run: RunFolder) -> None:
    result = check.run(four_tokens(run, [5, 0, 0, 0]))
    assert result.status == Status.PROBLEM
    assert "(its corpus holds none of them: judged by entries)" in result.summary


def test_passes_on_the_toy(run: RunFolder) -> None:
    """Two of its tokens are fallback rows, each with one occurrence."""
    result = check.run(run)
    assert result.status == Status.PASSED
    assert result.tokens == []


def test_is_not_applicable_when_nothing_is_new(run: RunFolder) -> None:
    alone = altered(run, columns={"tokens.origin": ["copied"] * 2, "tokens.frequency": [1, 2]})
    assert check.run(alone).status == Status.NOT_APPLICABLE
