"""The table of a comparison: its keys, its order, its numbers, what it says, and its Markdown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from focus_core.artifacts import dump_json
from focus_core.experiments.render import NOT_TESTED, render_table, unmeasured_answer
from focus_core.experiments.table import build_table
from focus_core.types import NEED_SUMMARIES, Need
from tests.made_comparison import LEVELS, made_comparison

SAMPLE = Path(__file__).parents[2] / "data" / "comparison" / "table.json"
MISSING = {"multivariate-normal": ["donor"]}


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    return build_table(made_comparison(missing=MISSING))


def row(table: dict[str, Any], method: str) -> dict[str, Any]:
    return next(one for one in table["methods"] if one["method"] == method)


def nearly(value: Any) -> Any:
    """Return plain values whose numbers are compared with a tolerance."""
    if isinstance(value, dict):
        return {name: nearly(one) for name, one in value.items()}
    if isinstance(value, list):
        return [nearly(one) for one in value]
    return pytest.approx(value, rel=1e-4, abs=1e-5) if isinstance(value, float) else value


def test_the_sample_that_other_tests_read_is_what_is_built(table: dict[str, Any]) -> None:
    """To write it anew: `dump_json(build_table(made_comparison(missing=MISSING)))`."""
    assert json.loads(SAMPLE.read_text("utf-8")) == nearly(table)


def test_equal_measurements_give_equal_bytes(table: dict[str, Any]) -> None:
    assert dump_json(build_table(made_comparison(missing=MISSING))) == dump_json(table)


def test_measured_methods_stand_by_value_and_before_those_that_lack_an_input(table: dict[str, Any]) -> None:
    *measured, last = table["methods"]
    values = [one["probe"]["value"] for one in measured]
    assert values == sorted(values)
    assert {one["method"] for one in measured} == set(LEVELS)
    assert (last["method"], last["status"], last["missing"]) == ("multivariate-normal", "missing", ["donor"])


def test_differences_are_those_of_the_values_beside_them(table: dict[str, Any]) -> None:
    best = row(table, table["recommendation"]["best"])
    for one in table["methods"][:-1]:
        for name in ("start", "probe"):
            apart = one[name]["value"] - best[name]["value"]
            assert one[f"{name}_minus_best"]["value"] == pytest.approx(apart, abs=2e-6)
            assert one[name]["seed_low"] <= one[name]["value"] <= one[name]["seed_high"]
            assert one[name]["low"] < one[name]["value"] < one[name]["high"]


def test_values_are_those_of_the_lines_that_do_not_choose(table: dict[str, Any]) -> None:
    made = made_comparison(missing=MISSING)
    from focus_core.experiments.recommendation import choosing_lines

    shown = ~choosing_lines(made.lines)
    assert table["measured"]["n_reporting"] == shown.sum()
    assert table["measured"]["n_choosing"] + shown.sum() == table["measured"]["n_lines"] == 420
    value = made.probe[0][:, shown].sum() / made.characters[:, shown].sum()
    assert row(table, "focus")["probe"]["value"] == pytest.approx(value, abs=1e-6)


def test_a_tie_is_called_a_tie_and_its_cheapest_is_named(table: dict[str, Any]) -> None:
    found = table["recommendation"]
    assert (found["kind"], found["method"], found["tied"]) == ("method", "overlap", ["overlap", "focus"])
    assert found["sentence"].startswith(
        "On this text (420 lines), after 60,000 tokens: overlap and focus cannot be told apart; script is worse than "
    )
    assert "Take overlap, the cheapest of these." in found["sentence"]
    assert found["sentence"].endswith(
        "Not tested: longer training, training more than the embeddings, larger models, other texts, "
        "multivariate-normal, which lacks an input."
    )
    assert (
        "overlap is the cheapest of those that cannot be told apart: it reads nothing and copies or draws every row."
        in (found["reasons"])
    )


def test_what_is_worse_is_said_with_its_interval(table: dict[str, Any]) -> None:
    found = {one["method"]: one for one in table["recommendation"]["worse"]}
    assert set(found) == {"script", "subword-mean", "mean", "random"}
    one = found["random"]
    assert one["low"] < 0.55 < one["high"]
    assert (
        f"random by {one['value']:.2f} ({one['low']:.2f} to {one['high']:.2f})." in table["recommendation"]["sentence"]
    )
    assert not any(re.search(r"\d ?%|percent|confiden", text) for text in table["recommendation"]["reasons"])
    assert not re.search(r"\d ?%|percent|confiden|probab", table["recommendation"]["sentence"])


def test_what_lacks_an_input_is_listed_with_where_to_get_it(table: dict[str, Any]) -> None:
    expected = f"multivariate-normal was not run. It lacks donor ({NEED_SUMMARIES[Need.DONOR]})."
    assert expected in table["recommendation"]["reasons"]


def test_two_equal_methods_are_tied() -> None:
    made = made_comparison({"focus": 2.0, "script": 2.0, "mean": 2.5})
    made.probe[1] = made.probe[0]
    table = build_table(made)
    assert table["recommendation"]["tied"] == ["focus", "script"]
    assert "focus and script cannot be told apart" in table["recommendation"]["sentence"]
    assert row(table, "script")["probe_minus_best"]["value"] == 0


def test_keep_your_tokenizer_where_the_source_is_better() -> None:
    table = build_table(made_comparison(source=1.8))
    found = table["recommendation"]
    assert (found["kind"], found["method"], found["otherwise"]) == ("keep", None, "overlap")
    assert (
        "Keep your tokenizer; what speaks against it is the length of sequences, 2.40 tokens a word where the new"
        in (found["sentence"])
    )
    assert "If you change it all the same: overlap and focus cannot be told apart" in found["sentence"]
    assert table["reference"]["minus_best"]["high"] < 0


def test_a_source_that_does_not_know_the_characters_is_not_held_against_methods() -> None:
    """The unknown token is easy to predict: a low loss on it is no knowledge."""
    few, most = (build_table(made_comparison(source=1.0, n_unknown=n)) for n in (50, 600))
    assert few["recommendation"]["kind"] == most["recommendation"]["kind"] == "method"
    assert few["reference"]["bits_per_character"] is not None
    assert (most["reference"]["bits_per_character"], most["reference"]["regime"]) == (None, "unknown")
    assert most["recommendation"]["reasons"][0].endswith("its tokenizer does not know 60 % of it.")
    assert "source, own tokenizer" not in render_table(most)


@pytest.mark.parametrize(
    ("source", "regime", "says"), [(2.2, "knows", "has read"), (5, "does-not-know", "does not seem")]
)
def test_the_regime_comes_first(source: float, regime: str, says: str) -> None:
    table = build_table(made_comparison(source=source))
    assert table["reference"]["regime"] == regime
    assert table["recommendation"]["reasons"][0].startswith(f"The source {says}")


def test_few_lines_give_a_table_and_no_recommendation() -> None:
    few, enough = (build_table(made_comparison(n_lines=n)) for n in (199, 200))
    assert enough["recommendation"]["kind"] == "method"
    found = few["recommendation"]
    assert (found["kind"], found["method"], found["tied"], found["worse"]) == ("few-lines", None, [], [])
    assert "199 lines" in found["sentence"]
    assert [one["tied"] for one in few["methods"]] == [False] * len(LEVELS)
    assert row(few, "random")["probe_minus_best"]["low"] > 0
    assert "| random |" in render_table(few)


def test_lines_that_all_fall_to_one_part_are_shown_whole() -> None:
    made = made_comparison(n_lines=3)
    made.characters[:, 1:] = 0
    for bits in (made.start, made.probe, made.source, made.unigram):
        bits[..., 1:] = 0
    table = build_table(made)
    assert (table["measured"]["n_choosing"], table["measured"]["n_reporting"]) == (0, 3)
    assert table["recommendation"]["kind"] == "few-lines"
    json.loads(dump_json(table))


def test_one_method_with_one_seed() -> None:
    table = build_table(made_comparison({"focus": 2.0}, n_seeds=1))
    assert "only focus was measured." in table["recommendation"]["sentence"]
    assert table["recommendation"]["not_tested"] == [*NOT_TESTED, "other seeds"]
    assert row(table, "focus")["probe_minus_best"] == {"value": 0, "low": 0, "high": 0}
    assert "what another seed would give is in none of them." in render_table(table)


def test_one_that_is_ahead_and_one_that_is_open() -> None:
    made = made_comparison({"focus": 2.0, "overlap": 2.2, "mean": 2.0})
    from focus_core.experiments.recommendation import choosing_lines

    made.probe[2] += 0.2 * made.characters * choosing_lines(made.lines)
    found = build_table(made)["recommendation"]
    assert "focus is ahead; overlap is worse by 0.2" in found["sentence"]
    assert re.search(r"whether mean is worse is open: -?0\.0\d \(-0\.0\d to 0\.0\d\)\. Take focus\.", found["sentence"])
    assert "mean is worse on the lines that choose, and not on the others." in found["reasons"]


def test_numbers_have_six_digits_and_no_negative_zero(table: dict[str, Any]) -> None:
    text = dump_json({"methods": [one["probe_minus_best"] for one in table["methods"][:-1]]})
    assert not re.search(r"\.\d{7}|-0\.0[,\n]", text)


def test_the_markdown_holds_answer_table_and_reasons(table: dict[str, Any]) -> None:
    text = render_table(table)
    assert text.startswith("# made-up-source → made-up-tokenizer\n\nOn this text (420 lines)")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows}) == 1
    assert len(rows) == 2 + 7 + 2
    assert "| multivariate-normal | - | - | - | - | - | lacks donor | - | - |" in rows
    assert "3 for parallel" in text
    assert "| minus `focus` |" in rows[0]
    assert "count what 3 seeds add" in text
    assert (
        "* The methods ran with different fallback: normal (overlap, focus, subword-mean, mean, random) and script"
        in text
    )
    assert all(f"* {reason}" in text for reason in table["recommendation"]["reasons"])


def test_where_nothing_was_measured_the_rule_and_its_examples_stand() -> None:
    examples = [build_table(made_comparison(source=source)) for source in (2.2, 5)]
    found = unmeasured_answer(examples)
    assert (found["kind"], found["method"]) == ("regime", None)
    assert "depends on whether the source has read the language" in found["sentence"]
    knows, not_knows = found["reasons"]
    assert knows.startswith(
        "Where the source has read the language (made-up-source → made-up-tokenizer, made-up.txt): On"
    )
    assert not_knows.startswith("Where the source has not read the language (made-up-source")
    assert set(found) == set(examples[0]["recommendation"])


def test_a_number_that_is_none_is_refused() -> None:
    made = made_comparison()
    made.probe[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity"):
        build_table(made)
