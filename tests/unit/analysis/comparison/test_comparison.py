"""Ranked lists, hubs, distributions and the comparison of two runs: numbers that the toy lets one derive by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from focus_core.analysis.checks.base import CheckResult, Status
from focus_core.analysis.checks.registry import run_checks
from focus_core.analysis.comparison.distributions import distributions
from focus_core.analysis.comparison.lists import HubOrder, hub_anchors, token_lists
from focus_core.analysis.comparison.report import comparison_report
from focus_core.analysis.comparison.runs import compare_runs, embedding_kinds
from focus_core.artifacts import write_arrays
from focus_core.runs.folder import RunFolder, open_run
from focus_core.runs.tokens import frequency
from focus_core.types import Origin
from tests.toy_run import D_MODEL, HAND_WEIGHTS, altered, id_of, source_id_of, write_toy_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return write_toy_run(tmp_path_factory.mktemp("comparison") / "toy")


@pytest.fixture
def copy_of(run: RunFolder, tmp_path: Path):
    """Return a function that gives a copy of the run with another input matrix."""

    def make(rows: np.ndarray) -> RunFolder:
        folder = Path(shutil.copytree(run.path, tmp_path / "other"))
        write_arrays(folder / "embeddings.safetensors", {"input": rows.astype(np.float32)})
        return open_run(folder)

    return make


def with_columns(run: RunFolder, **changes: dict[str, object]) -> RunFolder:
    """Return the run with some values of its tokens replaced: column name to {token: value}."""
    columns = {}
    for name, values in changes.items():
        column = np.array(run.column("tokens", name))
        for token, value in values.items():
            column[id_of(run, token)] = value
        columns[f"tokens.{name}"] = column
    return altered(run, columns=columns)


def list_of(found, key):
    return next(entry for entry in found if entry.key == key)


# --- lists ------------------------------------------------------------------------------------------------------


def test_fallback_rows_are_ranked_by_frequency(run):
    """Tokens without an auxiliary vector fall back; made frequent, one of them comes first."""
    entry = list_of(token_lists(run, []), "fallback")
    seen = run.column("tokens", "frequency")
    assert [seen[i] for i in entry.ids] == sorted((seen[i] for i in entry.ids), reverse=True)
    assert {id_of(run, "▁nadra"), id_of(run, "\x00")} <= set(entry.ids)
    assert entry.n_total == run.manifest["counts"]["by_origin"]["fallback"]
    loud = with_columns(run, frequency={"▁nadra": 999})
    louder = list_of(token_lists(loud, []), "fallback")
    assert louder.ids[0] == id_of(run, "▁nadra")
    assert frequency(loud, louder.side)[louder.ids[0]] == 999


def test_one_contributor_decides_where_it_has_half_the_weight(run):
    """▁maziwa has one of weight 1, ▁mkulima one of 0.6; ▁nyumba has four of 0.25 and is no such token."""
    entry = list_of(token_lists(run, []), "one-contributor")
    values = dict(zip(entry.ids, entry.values, strict=True))
    assert values[id_of(run, "▁maziwa")] == pytest.approx(1.0)
    assert values[id_of(run, "▁mkulima")] == pytest.approx(0.6)
    assert id_of(run, "▁nyumba") not in values
    assert list(entry.values) == sorted(entry.values, reverse=True)


def test_rows_of_unusual_length_are_ranked_by_ratio_both_ways(run):
    """A row of a tenth of the usual length stands before one of five times, which stands before one of twice."""
    norms = np.ones(run.tokens().num_rows)
    for token, norm in (("▁mkulima", 2.0), ("▁maziwa", 5.0), ("▁nyumba", 0.1)):
        norms[id_of(run, token)] = norm
    entry = list_of(token_lists(altered(run, columns={"tokens.norm": norms}), []), "length")
    assert entry.ids[:3] == tuple(id_of(run, token) for token in ("▁nyumba", "▁maziwa", "▁mkulima"))
    assert entry.values[:3] == pytest.approx((0.1, 5.0, 2.0))


def test_diffuse_mixtures_are_ranked_by_effective_contributors(run):
    wide = with_columns(run, effective_contributors={"▁nyumba": 900.0, "▁mkulima": 800.0})
    entry = list_of(token_lists(wide, []), "diffuse")
    assert entry.ids[:2] == (id_of(run, "▁nyumba"), id_of(run, "▁mkulima"))
    assert entry.values[:2] == (900.0, 800.0)


def test_rows_fed_by_control_or_byte_tokens_are_found(run):
    """Where ▁market were a control token, 0.4 of ▁mkulima would be its; without one there is no such list."""
    assert "no-text" not in {entry.key for entry in token_lists(run, [])}
    kinds = np.array(run.column("source_tokens", "kind"))
    kinds[source_id_of(run, "▁market")] = "special"
    entry = list_of(token_lists(altered(run, columns={"source_tokens.kind": kinds}), []), "no-text")
    assert dict(zip(entry.ids, entry.values, strict=True))[id_of(run, "▁mkulima")] == pytest.approx(0.4)


def test_what_checks_named_comes_first_and_the_worst_verdict_before_the_others(run):
    def result(code, status, **entries):
        return CheckResult(code=code, title="t", status=status, summary="s", tip="do", **entries)

    results = [
        result("FOC001", Status.WARNING, tokens=[7]),
        result("FOC002", Status.PASSED),
        result("FOC003", Status.PROBLEM, tokens=[9, 8], side="source"),
    ]
    found = token_lists(run, results)
    assert [entry.key for entry in found[:3]] == ["FOC003", "FOC001", "fallback"]
    assert found[0].ids == (9, 8)
    assert frequency(run, found[0].side)[[9, 8]].tolist() == run.column("source_tokens", "frequency")[[9, 8]].tolist()
    assert (found[1].meaning, found[1].remedy, found[1].status) == ("s", "do", Status.WARNING)


def test_no_list_is_longer_than_fifty_and_says_how_many_fit(run):
    everything = altered(run, columns={"tokens.origin": np.full(run.tokens().num_rows, "fallback", dtype=object)})
    entry = list_of(token_lists(everything, []), "fallback")
    assert len(entry.ids) == 50
    assert entry.n_total == run.tokens().num_rows


# --- hubs -------------------------------------------------------------------------------------------------------


def test_hubs_carry_the_shares_of_all_weight(run):
    weight = np.zeros(run.source_tokens().num_rows)
    weight[[5, 9, 6]] = 6.0, 3.0, 1.0
    hubs = hub_anchors(altered(run, columns={"source_tokens.weight_fed": weight}), by=HubOrder.WEIGHT)
    assert [hub.id for hub in hubs] == [5, 9, 6]
    assert [hub.share for hub in hubs] == pytest.approx([0.6, 0.3, 0.1])


def test_hubs_are_ranked_by_tokens_fed_unless_weight_is_asked_for(run):
    n_source = run.source_tokens().num_rows
    weight, fed = np.zeros(n_source), np.zeros(n_source, dtype=np.int64)
    weight[[5, 9]], fed[[5, 9]] = (6.0, 3.0), (2, 7)
    changed = altered(run, columns={"source_tokens.weight_fed": weight, "source_tokens.n_fed": fed})
    assert [hub.id for hub in hub_anchors(changed)] == [9, 5]
    assert [hub.id for hub in hub_anchors(changed, by=HubOrder.WEIGHT)] == [5, 9]


def test_hubs_are_the_source_tokens_that_feed_most(run):
    fed = run.column("source_tokens", "n_fed")
    most = sorted((-int(n), i) for i, n in enumerate(fed) if n)[:15]
    assert most
    assert [(hub.id, hub.n_fed) for hub in hub_anchors(run)] == [(i, -n) for n, i in most]


def test_hubs_agree_with_the_stored_weights(run):
    """▁milk feeds at least ▁maziwa, with weight 1; the shares of all hubs are those of the contributions."""
    combined = np.flatnonzero(run.column("tokens", "origin").astype(str) == "combined")
    target, source, weight = (run.column("contributions", name) for name in ("target_id", "source_id", "weight"))
    kept = np.isin(target, combined)
    sums = np.bincount(source[kept], weights=weight[kept])
    for hub in hub_anchors(run, n=100):
        assert hub.weight == pytest.approx(sums[hub.id], rel=1e-5)
        assert hub.n_fed == (source[kept] == hub.id).sum()
    assert "▁milk" in HAND_WEIGHTS["▁maziwa"]
    assert source_id_of(run, "▁milk") in {hub.id for hub in hub_anchors(run, n=100)}


def test_without_combined_rows_there_are_no_hubs(run):
    assert hub_anchors(altered(run, columns={"source_tokens.weight_fed": np.zeros(run.source_tokens().num_rows)})) == []


# --- distributions ----------------------------------------------------------------------------------------------


def test_every_row_is_in_one_bin(run):
    for found in distributions([run, run]):
        for series in found.series:
            assert series.counts.sum() == series.n
            assert len(series.counts) == len(found.edges) - 1


def test_two_runs_share_their_bins(run):
    """The second run has ten times the lengths: bins reach over both, and each run fills its own part."""
    longer = altered(run, columns={"tokens.norm": run.column("tokens", "norm") * 2.0})
    both = [d for d in distributions([run, longer]) if d.measure == "norm"]
    assert len({d.edges.tobytes() for d in both}) == 1
    chance = np.random.default_rng(0).normal(run.statistics()["mean"], run.statistics()["std"], size=(2000, D_MODEL))
    longest = max(np.nanmax(longer.column("tokens", "norm")), np.linalg.norm(chance, axis=1).max())
    assert both[0].edges[-1] == pytest.approx(float(longest))
    assert [s.run for s in both[0].series] == [0, 1]
    assert both[0].series[1].median == pytest.approx(2 * both[0].series[0].median)


def test_rows_that_know_nothing_stand_beside_lengths_and_cosines(run):
    found = distributions([run])
    assert {d.measure for d in found if d.drawn is not None} == {"norm", "cosine"}
    for panel in found:
        if panel.drawn is not None:
            assert panel.drawn.n == 2000
            assert panel.drawn.counts.sum() == 2000
    lengths = next(d for d in found if d.measure == "norm")
    assert lengths.mean_embedding == pytest.approx(float(np.linalg.norm(run.statistics()["mean"])))
    assert all(d.mean_embedding == 1.0 for d in found if d.measure == "cosine")


def test_cosines_are_of_pairs_of_rows_of_one_origin(run):
    """Rows (1, 0), (0, 1) and (1, 0): in a circle two of the three pairs are at right angles, one is equal."""
    rows = np.zeros((3, D_MODEL), dtype=np.float32)
    rows[[0, 2], 0], rows[1, 1] = 1, 2
    columns = {"tokens.origin": np.array(["combined"] * 3, dtype=object), "tokens.norm": np.ones(3)}
    columns |= {name: np.ones(3) for name in ("tokens.max_weight", "tokens.n_contributors", "tokens.frequency")}
    small = altered(run, columns=columns)
    small.remember("matrix input", lambda: (rows, "F32"))
    found = next(d for d in distributions([small]) if d.measure == "cosine")
    assert found.series[0].n == 3
    place = np.flatnonzero(found.series[0].counts)
    assert found.series[0].counts[place].tolist() == [2, 1]
    assert found.edges[place[0]] <= 0.0 < found.edges[place[0] + 1]
    assert found.edges[place[1] + 1] == 1.0
    assert [d.series for d in distributions([small]) if d.measure == "cosine" and d.origin == Origin.COPIED] == []


def test_bins_of_frequency_begin_at_round_numbers(run):
    """Occurrences 0, 1, 4, 5 and 12 of copied rows fall into the bins from 0, 1, 3, 5 and 10."""
    seen, origin = np.full(6, 30.0), np.array(["copied"] * 5 + ["combined"], dtype=object)
    seen[:5] = 0, 1, 4, 5, 12
    columns = {"tokens.frequency": seen, "tokens.origin": origin, "tokens.norm": seen, "tokens.max_weight": seen / 30}
    found = distributions([altered(run, columns={**columns, "tokens.n_contributors": np.ones(6)})])
    copied = next(d for d in found if d.measure == "frequency" and d.origin == Origin.COPIED)
    assert copied.edges.tolist() == [0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50]
    assert copied.series[0].counts.tolist() == [1, 1, 0, 1, 1, 0, 1, 0, 0, 0]
    assert copied.series[0].median == 4


def test_one_far_value_does_not_empty_the_chart(run):
    norms = np.array(run.column("tokens", "norm"), dtype=np.float64)
    usual = float(np.nanmax(norms))
    norms[id_of(run, "▁mkulima")] = 1e6
    found = next(d for d in distributions([altered(run, columns={"tokens.norm": norms})]) if d.origin == "combined")
    lengths = [d for d in distributions([altered(run, columns={"tokens.norm": norms})]) if d.measure == "norm"]
    assert found.series[0].n
    assert all(d.is_open and d.edges[-1] < 10 * usual for d in lengths)
    combined = next(d for d in lengths if d.origin == Origin.COMBINED)
    assert combined.series[0].counts[-1] == 1
    assert combined.series[0].counts.sum() == combined.series[0].n


def test_measures_that_no_run_has_are_left_out(run):
    silent = altered(run, columns={"tokens.frequency": np.full(run.tokens().num_rows, np.nan)})
    assert "frequency" not in {d.measure for d in distributions([silent])}
    assert "frequency" in {d.measure for d in distributions([silent, run])}


# --- one run against another ------------------------------------------------------------------------------------


def test_a_run_equals_itself(run):
    same = compare_runs(run, run)
    present = run.column("tokens", "kind") != None  # noqa: E711
    assert same.same_vocabulary
    assert same.limits == same.groups == ()
    assert len(same.changed.id) == 0
    assert same.n_equal == present.sum()
    assert (same.cosine[present] == 1.0).all()
    assert all(count.before == count.after for count in same.origins)


def test_tokens_whose_origin_changed_are_listed_most_frequent_first(run):
    other = with_columns(run, origin={"▁mkulima": "fallback", "▁nadra": "combined", "▁the": "combined"})
    found = compare_runs(run, other)
    seen = run.column("tokens", "frequency")
    ids = [id_of(run, token) for token in ("▁the", "▁mkulima", "▁nadra")]
    assert [seen[i] for i in ids] == sorted((seen[i] for i in ids), reverse=True)
    assert found.changed.id.tolist() == ids
    assert found.changed.before.tolist() == ["exact", "combined", "fallback"]
    assert found.changed.after.tolist() == ["combined", "fallback", "combined"]
    assert found.changed.cosine.tolist() == [1.0, 1.0, 1.0]
    counts = {count.kind: count.after - count.before for count in found.origins}
    assert counts == {"exact": -1, "special": 0, "combined": 1, "fallback": 0}


def test_another_rule_is_another_origin(run):
    found = compare_runs(run, with_columns(run, rule={"▁the": "fuzzy"}))
    assert found.changed.before.tolist() == ["exact"]
    assert found.changed.after.tolist() == ["fuzzy"]


def test_cosines_are_those_of_the_rows(run, copy_of):
    """A row turned round has -1, a longer one 1, one that is zero none, an untouched one exactly 1."""
    rows = run.embeddings().copy()
    turned, longer, zero, mixed = (id_of(run, t) for t in ("▁mkulima", "▁maziwa", "▁nyumba", "▁sokoni"))
    rows[turned] *= -1
    rows[longer] *= 3
    rows[zero] = 0
    rows[mixed] = run.embeddings()[mixed][::-1]
    found = compare_runs(run, copy_of(rows))
    expected = float(rows[mixed] @ run.embeddings()[mixed] / np.linalg.norm(rows[mixed]) ** 2)
    assert found.cosine[[turned, longer, mixed]] == pytest.approx([-1.0, 1.0, expected], abs=1e-6)
    assert np.isnan(found.cosine[zero])
    assert found.n_equal == len(rows) - 4
    assert found.cosine[id_of(run, "▁the")] == 1.0
    assert found.turned.tolist() == [turned, mixed]


def test_groups_hold_what_changed_together(run, copy_of):
    rows = run.embeddings().copy()
    latin = [id_of(run, t) for t in ("▁mkulima", "▁maziwa", "▁nyumba", "▁sokoni", "▁mvua", "▁mkate")]
    rows[latin] *= -1
    arabic = id_of(run, "▁الأطفال")
    rows[arabic] *= -1
    other = copy_of(rows)
    other = with_columns(other, origin={"▁nadra": "combined"})
    found = compare_runs(run, other)
    assert [(g.before, g.after, g.script, g.n) for g in found.groups] == [
        ("fallback", "combined", "Latin", 1),
        ("combined", "combined", "Latin", 6),
        ("combined", "combined", "Arabic", 1),
    ]
    assert found.groups[1].median_cosine == pytest.approx(-1.0)
    assert found.groups[1].ids == tuple(latin)
    assert found.groups[1].occurrences == run.column("tokens", "frequency")[latin].sum()


def test_runs_of_other_widths_compare_origins_alone(run, copy_of):
    found = compare_runs(run, with_columns(copy_of(run.embeddings()[:, :5].copy()), origin={"▁nadra": "combined"}))
    assert found.same_vocabulary
    assert found.cosine is None
    assert found.n_equal == 0
    assert "8 dimensions" in found.limits[0]
    assert [(g.before, g.after, g.n) for g in found.groups] == [("fallback", "combined", 1)]
    assert np.isnan(found.groups[0].median_cosine)


@pytest.mark.parametrize("told_by", ["digest", "statistics"])
def test_rows_of_another_source_model_are_not_compared(run, copy_of, told_by):
    other = copy_of(run.embeddings())
    if told_by == "digest":
        models = [{"role": "source_model", "name": "m", "sha256": letter * 64, "bytes": 1} for letter in "ab"]
        pair = [altered(r, manifest={"inputs": [m]}) for r, m in zip((run, other), models, strict=True)]
    else:
        numbers = {name: values + 1 for name, values in other.statistics().items()}
        write_arrays(other.path / "statistics.safetensors", numbers)
        pair = [run, open_run(other.path)]
    found = compare_runs(*pair)
    assert found.cosine is None
    assert "different source models" in found.limits[0]


def test_of_other_vocabularies_only_counts_are_compared(run):
    other = altered(run, manifest={"target": {"digest": "f" * 64}})
    found = compare_runs(run, other)
    assert not found.same_vocabulary
    assert found.changed is None
    assert found.cosine is None
    assert found.groups == ()
    assert "different target vocabularies" in found.limits[0]
    assert sum(count.before for count in found.origins) == (embedding_kinds(run) != "").sum()


# --- the report -------------------------------------------------------------------------------------------------


def report(run, *others):
    results = run_checks(run)
    return comparison_report(
        run,
        results,
        lists=token_lists(run, results),
        hubs=hub_anchors(run),
        spread=distributions([run, *others]),
        others=others,
        differences=[compare_runs(run, other) for other in others],
        verdicts=[run_checks(other) for other in others] if len(others) > 1 else [],
    )


def test_the_report_holds_what_the_page_shows(run):
    text = report(run)
    assert run.digest[:16] in text
    assert all(result.code in text for result in run_checks(run))
    assert "## Hub anchors of A" in text
    assert "A against B" not in text
    both = report(run, with_columns(run, origin={"▁nadra": "combined"}))
    assert "Tokens of another origin in B: 1. Embeddings equal" in both
    assert "fallback → combined" in both
    assert f"(#{id_of(run, '▁nadra')})" in both


def test_the_report_of_three_runs_holds_the_verdicts_of_all_and_each_against_the_first(run):
    text = report(run, with_columns(run, origin={"▁nadra": "combined"}), run)
    codes = [result.code for result in run_checks(run)]
    table = text.partition("## Checks of all")[2].partition("##")[0]
    assert "| check | title | A | B | C |" in table
    assert all(f"| {code} |" in table for code in codes)
    assert "Tokens of another origin in B: 1." in text
    assert "Tokens of another origin in C: 0." in text
    assert "median in C" in text


def test_no_token_writes_markdown_into_the_report(run):
    """Every hostile token is once the most frequent fallback row, and so the first that the report names."""
    for target_id, text in enumerate(run.column("tokens", "text")):
        loud = np.array(run.column("tokens", "frequency"))
        loud[target_id] = 10**9
        origin = np.array(run.column("tokens", "origin"))
        origin[target_id] = "fallback"
        changed = altered(run, columns={"tokens.frequency": loud, "tokens.origin": origin})
        lists = token_lists(changed, [])
        shown = comparison_report(changed, [], lists=lists, hubs=[], spread=[])
        assert f"(#{target_id})" in shown
        lines = [line for line in shown.splitlines() if f"(#{target_id})" in line and "Fallback" in line]
        assert len(lines) == 1, f"a line break in {text!r}"
        for sign in ("](", "<script", "<img", "<b>", "**bold", "$$", "http://", "https://", "www."):
            assert sign not in lines[0].replace("- **Fallback embeddings, most frequent first**", "")


def test_a_name_with_signs_is_escaped(run):
    named = altered(run, manifest={"target": {"name": "![x](https://example.org/a.png)|`"}})
    assert "](" not in report(named)
