"""What the charts of Compare hold as tables, and how rows that know nothing are drawn."""

from __future__ import annotations

import pytest

from focus_core.analysis.comparison.distributions import distributions
from focus_core.analysis.comparison.lists import hub_anchors
from focus_core.runs.folder import RunFolder
from focus_core.tokenization.display import show_token
from pages.compare.figures import CHANCE, distribution_rows, distributions_figure, hub_rows
from tests.toy_run import write_toy_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return write_toy_run(tmp_path_factory.mktemp("tables") / "toy")


def test_every_bin_of_every_distribution_is_a_row(run: RunFolder) -> None:
    panels = distributions([run, run])
    table = distribution_rows(panels, ["this run", "<b>other</b>"])
    assert list(table) == ["measure", "embeddings", "from", "to", "this run", "<b>other</b>", CHANCE]
    assert len(table["from"]) == sum(len(panel.edges) - 1 for panel in panels)
    assert table["this run"] == table["<b>other</b>"]
    assert sum(n for n in table["this run"] if isinstance(n, int)) == sum(panel.series[0].n for panel in panels)
    assert {name for name, n in zip(table["measure"], table[CHANCE], strict=True) if n is not None} == {
        "embedding norm", "cosine of two embeddings",
    }  # fmt: skip


def test_hubs_are_rows_with_readable_tokens(run: RunFolder) -> None:
    hubs = hub_anchors(run)
    table = hub_rows(hubs)
    assert table["id"] == [hub.id for hub in hubs]
    assert table["token"] == [show_token(hub.text, word_start=hub.word_start) for hub in hubs]


def test_rows_by_chance_are_dotted_and_the_mean_row_stands_on_the_axis(run: RunFolder) -> None:
    panels = [panel for panel in distributions([run]) if panel.measure == "cosine"]
    traces = distributions_figure(panels, ["this run"]).data
    dotted = [trace for trace in traces if trace.type == "scatter" and trace.line.dash == "dot"]
    marks = [trace for trace in traces if trace.type == "scatter" and trace.mode == "markers"]
    assert len(dotted) == len(marks) == len(panels)
    assert all(sum(trace.y) == pytest.approx(100) for trace in dotted)
    for mark, panel in zip(marks, panels, strict=True):
        assert mark.x[0] == len(panel.edges) - 1.5, "a cosine of 1 is the right end of the axis"
