"""What a comparison is said to take before it starts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from focus_core.experiments.probe import RATES
from focus_core.tokenization.corpus_statistics import CorpusStatistics
from pages.methods.estimate import PREPARE_S, estimate_comparison, measured_lines


def text(n_lines: int) -> CorpusStatistics:
    n = 50 * n_lines
    return CorpusStatistics(n_bytes=n, n_lines=n_lines, n_characters=n, complete=True, sample=())


def estimate(methods: tuple[str, ...] = ("overlap", "mean"), n_lines: int = 10_000, **changed: int):
    options = {"n_seeds": 3, "probe_tokens": 60_000, "n_parameters": 7_000_000, "vocab_size": 8000} | changed
    return estimate_comparison(methods, text(n_lines), **options)


@pytest.mark.parametrize(("n_lines", "expected"), [(99, 0), (100, 10), (1999, 200), (2000, 200), (10_000, 500)])
def test_lines_to_measure_on_follow_the_rule_of_comparisons(n_lines: int, expected: int) -> None:
    assert measured_lines(text(n_lines)) == expected


def test_the_first_seed_tries_every_rate_and_the_others_one() -> None:
    found = estimate()
    assert found.n_runs == 6
    assert found.trained_tokens == 2 * (len(RATES) + 2) * 60_000


def test_the_methods_and_the_source_are_all_of_it() -> None:
    found = estimate()
    rest = found.seconds - sum(found.by_method.values())
    assert rest > PREPARE_S, "the source is measured too, once a seed"
    alone = estimate(("mean",))
    assert alone.by_method["mean"] == pytest.approx(found.by_method["mean"])


def test_a_method_that_reads_the_text_takes_longer() -> None:
    found = estimate(("focus", "mean"))
    assert found.by_method["focus"] > found.by_method["mean"]


@given(
    st.sampled_from(["n_seeds", "probe_tokens", "n_parameters"]),
    st.integers(min_value=1, max_value=50),
    st.integers(min_value=1, max_value=50),
)
def test_more_of_anything_never_takes_less(name: str, one: int, other: int) -> None:
    scale = {"n_seeds": 1, "probe_tokens": 10_000, "n_parameters": 1_000_000}[name]
    less, more = sorted((one * scale, other * scale))
    assert estimate(**{name: less}).seconds <= estimate(**{name: more}).seconds
