"""The page Compare with three to seven runs: side by side, one of them looked into, all of them in the address."""

import json
import shutil

import numpy as np
import pytest

from focus_core.analysis.checks.base import CheckResult, Status
from focus_core.analysis.comparison.distributions import distributions
from focus_core.artifacts import write_arrays
from focus_core.runs.folder import open_run
from focus_ui.data import cache
from pages.compare.several_figures import small_multiples
from tests.pages.conftest import param, texts
from tests.toy_run import id_of

NAMES = ("other", "third", "fourth", "fifth", "sixth", "seventh")


@pytest.fixture
def many(demo_folder, tmp_path, monkeypatch):
    """Return eight demo runs of the same vocabulary: in each but the first one, the rows of more tokens are turned."""
    for n_turned, name in enumerate(("toy", *NAMES, "eighth")):
        shutil.copytree(demo_folder / "toy", tmp_path / "demo" / name)
        run = open_run(tmp_path / "demo" / name)
        rows = run.embeddings().copy()
        rows[[id_of(run, token) for token in ("▁mkulima", "▁maziwa", "▁nadra")[:n_turned]]] *= -1
        write_arrays(run.path / "embeddings.safetensors", {"input": rows})
        manifest = json.loads((run.path / "manifest.json").read_text("utf-8"))
        manifest["config"]["seed"] = 100 + n_turned
        (run.path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    return {name: open_run(tmp_path / "demo" / name) for name in ("toy", *NAMES)}


def with_others(open_app, *names):
    at = open_app("compare", run="toy")
    at.multiselect(key="_compare_with").set_value(list(names)).run()
    assert not at.exception
    return at


def charts(at):
    return {e.proto.alt.partition(":")[0]: json.loads(e.proto.spec) for e in at.get("plotly_chart")}


def test_seven_runs_stand_side_by_side_and_in_the_address(open_app, many):
    at = with_others(open_app, *NAMES)
    assert at.query_params["with"] == list(NAMES)
    titles = [element.value for element in at.header]
    assert titles[:5] == [
        "Seven runs side by side", "Each against this run", "Checks", "Distributions", "This run against one of them",
    ]  # fmt: skip
    shown = texts(at)
    for letter, name in zip("BCDEFG", NAMES, strict=True):
        assert f"**{letter}** {name} · demo" in shown
    assert "- **B** **0** tokens have an embedding from elsewhere in run B; **1** embeddings point elsewhere" in shown
    assert "- **D** **0** tokens have an embedding from elsewhere in run D; **3** embeddings point elsewhere" in shown
    drawn = charts(at)
    counts = drawn["Embeddings by origin, run by run"]
    assert len({trace["y"][0] for trace in counts["data"]}) == 7, "a bar a run"
    assert len(many) == 7


def test_a_link_opens_all_of_them_and_an_eighth_is_left_out_aloud(open_app, many):
    del many
    at = open_app("compare", run="toy")
    at.query_params["with"] = ["third", "other", "fifth"]
    at.run()
    assert at.multiselect(key="_compare_with").value == ["third", "other", "fifth"]
    at.query_params["with"] = [*NAMES, "eighth"]
    at.run()
    assert not at.exception
    assert at.multiselect(key="_compare_with").value == list(NAMES)
    assert any("the others are left out" in warning.value for warning in at.warning)


def test_of_a_link_with_one_run_that_is_gone_the_others_are_shown(open_app, many):
    del many
    at = open_app("compare", run="toy")
    at.query_params["with"] = ["third", "f" * 32, "other", "third"]
    at.run()
    assert at.multiselect(key="_compare_with").value == ["third", "other"]
    assert [w.value for w in at.warning if "is not here" in w.value]
    assert "Three runs side by side" in texts(at)
    at.multiselect(key="_compare_with").set_value(["other"]).run()
    assert param(at, "with") == "other"
    assert not [w.value for w in at.warning if "is not here" in w.value]
    assert "This run against the second" in texts(at)


def test_one_of_several_is_looked_into_token_by_token(open_app, many):
    at = with_others(open_app, "other", "fourth")
    at.segmented_control(key="_compare_into").set_value("C").run()
    assert not at.exception
    run, fourth = many["toy"], many["fourth"]
    tokens = next(frame.value for frame in at.dataframe if "run C" in frame.value and "id" in frame.value)
    assert set(tokens["id"]) == {id_of(run, token) for token in ("▁mkulima", "▁maziwa", "▁nadra")}
    assert fourth.digest != run.digest
    report = at.code[-1].value
    assert "## A against B" in report
    assert "## A against C" in report
    assert "| check | title | A | B | C |" in report


def test_verdicts_are_signs_and_only_what_warns_of_some_is_spelled_out(open_app, many, monkeypatch):
    def checks(run):
        is_bad = run.path.name == "third"
        apart = Status.PROBLEM if is_bad else Status.PASSED
        return [
            CheckResult(code="FOC001", title="one", status=Status.PASSED, summary="as always"),
            CheckResult(code="FOC002", title="two", status=apart, summary="bad rows" if is_bad else "good rows"),
        ]

    monkeypatch.setattr(cache, "checks", checks)
    at = with_others(open_app, "other", "third")
    figure = charts(at)["Verdicts of checks, run by run"]
    signs = {trace["name"]: list(trace["text"]) for trace in figure["data"]}
    assert signs["problem"] == ["✕"]
    assert len(signs["passed"]) == 5
    shown = texts(at)
    assert "run C :red-badge[problem] :gray[bad rows]" in shown
    assert ":gray[as always]" not in shown, "what all runs pass waits in the box"
    assert len(many) == 7


def test_a_damaged_run_among_several_leaves_the_others(open_app, many):
    (many["third"].path / "manifest.json").write_text("{", encoding="utf-8")
    at = with_others(open_app, "other", "third", "fourth")
    assert any("JSON" in error.value for error in at.error)
    assert "Three runs side by side" in texts(at)


def test_small_multiples_hold_every_bar_of_every_run_on_one_scale(many):
    panels = [p for p in distributions([many[name] for name in ("toy", "other", "third")]) if p.measure == "norm"]
    figure = small_multiples(panels, ["A", "B", "C"])
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert len(bars) == sum(series.n > 0 for panel in panels for series in panel.series)
    for column, panel in enumerate(panels):
        ranges = {
            tuple(figure.layout[f"yaxis{row * len(panels) + column + 1 if row + column else ''}"].range)
            for row in range(3)
        }
        assert len(ranges) == 1
        highest = max(100 * series.counts.max() / series.n for series in panel.series if series.n)
        assert ranges.pop()[1] >= highest
    outlines = [trace for trace in figure.data if trace.type == "scatter" and trace.line.color == "#B23A9E"]
    assert len(outlines) == 2 * len(panels), "the first run in every other row"
    assert all(np.isfinite(trace.y).all() for trace in outlines)
