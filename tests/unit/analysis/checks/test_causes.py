"""Too few anchors are the first cause: later checks name it, and what they pass then says nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from focus_core.analysis.checks import rows
from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.causes import foreign_script, has_few_anchors, has_scarce_anchors
from focus_core.analysis.checks.registry import CHECKS, run_checks
from focus_core.analysis.comparison.lists import token_lists
from focus_core.analysis.provenance.explain import explain_token
from focus_core.analysis.provenance.verdicts import verdicts_of
from focus_core.initialization.health import FEW_ANCHORS
from focus_core.runs.folder import RunFolder
from tests.toy_run import altered


def with_anchors(run: RunFolder, n: int, *, dim: int = 16, **columns: Any) -> RunFolder:
    """Return a run of so many anchors, told by its manifest."""
    manifest = {"counts": {"n_anchors": n}, "auxiliary": {"dim": dim}}
    return altered(run, manifest=manifest, columns={name.replace("__", "."): value for name, value in columns.items()})


@pytest.mark.parametrize(("n", "dim", "few", "scarce"), [(0, 4, 1, 1), (19, 16, 1, 1), (20, 16, 0, 0), (20, 21, 0, 1)])
def test_few_is_a_number_and_scarce_is_beside_the_dimensions(
    run: RunFolder, n: int, dim: int, few: bool, scarce: bool
) -> None:
    found = with_anchors(run, n, dim=dim)
    assert (has_few_anchors(found), has_scarce_anchors(found)) == (bool(few), bool(scarce))


def test_nothing_is_few_where_nothing_is_new_or_compared(run: RunFolder) -> None:
    assert not has_few_anchors(altered(run, manifest={"counts": {"n_anchors": 0, "n_new": 0}}))
    assert not has_few_anchors(altered(run, manifest={"counts": {"n_anchors": 0}, "auxiliary": None}))


@pytest.mark.parametrize("n", [1, 2, 9, FEW_ANCHORS - 1])
def test_with_few_anchors_the_first_check_is_a_problem_and_no_later_one_passes_on_them(run: RunFolder, n: int) -> None:
    results = {result.code: result for result in run_checks(with_anchors(run, n)) if result.code != "FOC012"}
    assert results["FOC001"].status is Status.PROBLEM
    assert results["FOC001"].headline == "Shared tokens and anchors: too few anchors"
    for code in ("FOC002", "FOC003", "FOC004", "FOC005", "FOC011"):
        result = results[code]
        assert result.status is not Status.PASSED
        assert f"only {n} anchor" in result.summary
        assert "(FOC001)" in result.summary
        for cure in ("--temperature", "--epochs", "--top-k"):
            assert cure not in result.tip


def test_one_anchor_is_a_hub_and_never_a_thousand_per_cent(run: RunFolder) -> None:
    weights = np.zeros(40)
    weights[6] = 3.0
    result = CHECKS["FOC003"].run(with_anchors(run, 1, source_tokens__weight_fed=weights))
    assert result.status is Status.PROBLEM
    assert "1 source token carries more than 10 % of the weight; the largest share is 100 %" in result.summary
    assert "1000 %" not in result.summary
    assert result.tip == "get more anchors first, as FOC001 says"


def test_one_of_one_is_no_coverage(run: RunFolder) -> None:
    result = CHECKS["FOC005"].run(with_anchors(run, 1))
    assert result.status is Status.NOT_APPLICABLE
    assert result.summary.startswith("there is only 1 anchor to mix from (FOC001)")


def test_between_few_and_the_dimensions_a_later_remedy_comes_second(run: RunFolder) -> None:
    """30 anchors in 100 dimensions: FOC001 first, but two contributors an embedding are FOC004's own too."""
    n_rows = len(run.column("tokens", "id"))
    found = with_anchors(run, 30, dim=100, tokens__n_contributors=np.ones(n_rows), tokens__max_weight=np.ones(n_rows))
    result = CHECKS["FOC004"].run(found)
    assert result.status is Status.WARNING
    assert result.tip.startswith("get more anchors first, as FOC001 says; then raise --temperature")
    assert CHECKS["FOC011"].run(found).status is Status.PASSED


def test_near_means_in_a_collapsed_space_name_the_space_and_no_temperature(run: RunFolder) -> None:
    n_rows = len(run.column("tokens", "id"))
    health = {"mean_cosine": 0.96, "collapsed": True, "remedy": "raise --epochs to 40, or give more text"}
    sizes, shares = np.full(n_rows, 470), np.full(n_rows, 1 / 470)
    found = altered(
        run,
        manifest={"counts": {"n_anchors": 1541}, "health": health},
        columns={"tokens.n_contributors": sizes, "tokens.max_weight": shares},
    )
    result = CHECKS["FOC004"].run(found)
    assert result.status is Status.PROBLEM
    assert "first cause: mean cosine 0.96" in result.summary
    assert result.tip == "raise --epochs to 40, or give more text"


def test_a_mixture_of_all_of_nine_anchors_is_near_their_mean(run: RunFolder) -> None:
    n_rows = len(run.column("tokens", "id"))
    found = with_anchors(run, 9, tokens__n_contributors=np.full(n_rows, 9), tokens__max_weight=np.full(n_rows, 0.12))
    result = CHECKS["FOC004"].run(found)
    assert result.status is Status.WARNING
    assert result.headline == "Contributors of an embedding: too many"


def test_the_script_that_the_source_lacks_is_named_and_what_gives_anchors(run: RunFolder) -> None:
    n_rows, n_source = len(run.column("tokens", "id")), len(run.column("source_tokens", "id"))
    columns = {"tokens__script": ["Han"] * n_rows, "source_tokens__script": ["Latin"] * n_source}
    found = with_anchors(run, 9, **columns)
    foreign = foreign_script(found)
    assert foreign is not None
    assert (foreign.name, foreign.share, foreign.n_source) == ("Han", 1.0, 0)
    result = CHECKS["FOC001"].run(found)
    assert "the source has no token in Han, the script of 100 % of the target's tokens of text" in result.summary
    assert "--map" in result.tip or "larger corpus" in result.tip
    assert "--dim" not in result.tip  # fewer dimensions make no choice of nine anchors
    assert foreign_script(run) is None  # the toy's main script is Latin, as the source's


def test_the_verdict_on_a_token_gives_the_remedy_of_the_first_check(run: RunFolder) -> None:
    """85 % of the tokens are shared, and a text for 400 tokens has vectors for few of 1,000: no other source helps."""
    counts = {"n_overlap": 850, "n_target": 1000, "n_new": 150, "n_anchors": 4}
    few = altered(run, manifest={"counts": counts, "health": {"supported_size": 400}})
    token = int(np.flatnonzero(run.column("tokens", "origin").astype(str) == "combined")[0])
    advice = verdicts_of(explain_token(run, token), few)[0].advice
    tip = CHECKS["FOC001"].run(few).tip
    assert tip.startswith("choose a target vocabulary of about 400 tokens")
    assert advice.lower() == f"{tip}.".lower()
    assert "--map" not in advice


def test_the_verdict_on_a_token_names_the_few_anchors_and_blames_no_punctuation(run: RunFolder) -> None:
    found = explain_token(run, run.find("▁nyumba")[0])
    found = dataclasses.replace(
        found, contributors=tuple(dataclasses.replace(one, text="!", script="Common") for one in found.contributors)
    )
    said = [str(verdict) for verdict in verdicts_of(found, with_anchors(run, 4))]
    assert "there are only 4 anchors to mix from (FOC001)" in said[0]
    assert not any("punctuation" in one or "cosine of" in one for one in said)
    usual = [str(verdict) for verdict in verdicts_of(found, run)]
    assert any("4 of 4 contributors are punctuation or symbols. The corpus uses it" in one for one in usual)


def test_punctuation_is_not_blamed_where_most_anchors_are(run: RunFolder) -> None:
    found = explain_token(run, run.find("▁nyumba")[0])
    found = dataclasses.replace(
        found, contributors=tuple(dataclasses.replace(one, text="!", script="Common") for one in found.contributors)
    )
    texts = ["!"] * len(run.column("tokens", "text"))
    said = [str(verdict) for verdict in verdicts_of(found, altered(run, columns={"tokens.text": texts}))]
    assert any("as are 23 of the 23 anchors that there are. The shared tokens are mostly" in one for one in said)


def test_lists_of_mixtures_name_the_cause(run: RunFolder) -> None:
    found = {entry.key: entry for entry in token_lists(with_anchors(run, 4), [])}
    assert found["fallback"].remedy.startswith("give more text")
    assert all(entry.remedy.startswith("get more anchors first") for key, entry in found.items() if key != "fallback")


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_a_title_reads_with_both_of_its_outcomes(check: Any) -> None:
    passed, fired = (check.result(status, "x").headline for status in (Status.PASSED, Status.PROBLEM))
    assert passed == f"{check.title}: {check.sound}"
    assert fired == f"{check.title}: {check.faulty}"
    assert passed != fired
    assert check.result(Status.NOT_APPLICABLE, "x").headline == check.title


def test_coverage_is_no_matter_where_nothing_is_new(run: RunFolder) -> None:
    result = CHECKS["FOC005"].run(altered(run, manifest={"counts": {"n_new": 0}}))
    assert (result.status, result.tip) == (Status.NOT_APPLICABLE, "")


def test_a_method_that_compares_nothing_names_the_script_that_the_source_lacks(run: RunFolder) -> None:
    """Half of the target is shared by number; none of it is in the source's script."""
    n_rows, n_source = len(run.column("tokens", "id")), len(run.column("source_tokens", "id"))
    columns = {"tokens.script": ["Hebrew"] * n_rows, "source_tokens.script": ["Latin"] * n_source}
    manifest = {"auxiliary": None, "config": {"method": "overlap"}, "counts": {"n_overlap": 10, "n_target": 20}}
    found = altered(run, manifest=manifest, columns=columns)
    first = CHECKS["FOC001"].run(found)
    assert first.status is Status.WARNING
    assert "no token in Hebrew" in first.summary
    assert "--method multivariate-normal" in first.tip
    falls = CHECKS["FOC002"].run(
        altered(
            run,
            manifest=manifest | {"config": {"method": "subword-mean"}},
            columns=columns | {"tokens.origin": ["combined", *["fallback"] * (n_rows - 1)]},
        )
    )
    assert falls.status is Status.PROBLEM
    assert "the first cause: the source has no token in Hebrew" in falls.summary
    assert "--method focus" not in falls.tip


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"method": "mean"}, "choose another --method"),
        ({"method": "overlap", "fallback": "mean"}, "choose another --method"),
        ({"method": "subword-mean"}, "same source subwords"),
        ({"method": "focus"}, "see FOC004"),
    ],
)
def test_equal_embeddings_have_the_remedy_of_what_made_them(
    run: RunFolder, config: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "_has_twin", lambda run, ids: np.ones(len(run.column("tokens", "id")), bool))
    manifest = {"config": config} | ({} if config["method"] == "focus" else {"auxiliary": None})
    result = CHECKS["FOC010"].run(altered(run, manifest=manifest))
    assert result.status is Status.PROBLEM
    assert words in result.tip


def test_single_bytes_are_no_anchors_that_mean_anything(run: RunFolder) -> None:
    """Of 23 anchors 20 are bytes: three are left to choose from, however many dimensions there are."""
    copied = np.flatnonzero(run.column("tokens", "origin") == "copied")
    with_vector = [int(i) for i in copied if run.column("tokens", "has_auxiliary")[i]]
    kinds = run.column("tokens", "kind").astype(object)
    kinds[with_vector[:20]] = "byte"
    found = altered(run, columns={"tokens.kind": kinds.astype(str)})
    assert has_few_anchors(found)
    first = CHECKS["FOC001"].run(found)
    assert first.status is Status.PROBLEM
    assert "(20 of these single bytes)" in first.summary
    assert (
        "there are only 3 anchors to mix from, beside 20 single bytes (FOC001)" in CHECKS["FOC011"].run(found).summary
    )


def test_no_text_is_asked_for_where_the_script_is_the_cause(run: RunFolder) -> None:
    """Many tokens are shared, none of them in the target's own script: more of them would not help."""
    n_rows, n_source = len(run.column("tokens", "id")), len(run.column("source_tokens", "id"))
    columns = {"tokens.script": ["Hebrew"] * n_rows, "source_tokens.script": ["Latin"] * n_source}
    shared = {"counts": {"n_overlap": 900, "n_target": 1000, "n_anchors": 30}}
    enough = CHECKS["FOC001"].run(altered(run, manifest=shared, columns=columns))
    assert (enough.status, enough.outcome) == (Status.WARNING, "not of its script")
    scarce = CHECKS["FOC001"].run(altered(run, manifest=shared | {"auxiliary": {"dim": 100}}, columns=columns))
    assert scarce.status is Status.PROBLEM
    assert "larger corpus" not in scarce.tip
    assert "knows the script" in scarce.tip
