"""Hebrew and Chinese on the demo source: warned before the run, the first cause named first, exits as documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.registry import run_checks
from focus_core.analysis.provenance.explain import explain_token
from focus_core.cli import main as cli
from focus_core.initialization.health import FEW_ANCHORS
from focus_core.runs.folder import open_run
from focus_core.runs.tokens import has_origin
from focus_core.types import Origin
from tests.language_samples import write_sample

SOURCE = Path(__file__).parents[2] / "assets" / "demo" / "source"
SIZES = {"he": 90, "zh": 200}


def words(language: str, folder: Path, *more: str) -> list[str]:
    """Return the command line on a sample of a language, which it writes."""
    text = write_sample(folder, language)
    made = ["--train-tokenizer", "unigram", "--vocab-size", str(SIZES[language])]
    return ["init", "--source", str(SOURCE), "--corpus", str(text), "--output", str(folder / "run"), *made, *more]


@pytest.mark.parametrize("language", SIZES)
def test_it_is_warned_of_before_the_run_and_the_first_cause_comes_first(
    language: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(words(language, tmp_path)) == 0
    streams = capsys.readouterr()
    told = streams.err.splitlines()
    place = {name: next(i for i, line in enumerate(told) if line.startswith(name)) for name in ("warning", "factorise")}
    assert place["warning"] == 0, "before the tokenizer is trained, and long before the vectors"
    assert "100 % of the letters and 100 % of the words of the first 400 lines are unknown to the source" in told[0]
    assert "--method multivariate-normal" in told[0]
    assert "--map" in told[0]
    found = [line for line in streams.out.splitlines() if line.startswith("FOC")]
    assert found[0].startswith("FOC001 problem")
    script = {"he": "Hebrew", "zh": "Han"}[language]
    assert f"the source has no token in {script}" in found[0]

    run = open_run(tmp_path / "run")
    assert 0 < run.manifest["counts"]["n_anchors"] < FEW_ANCHORS
    results = {result.code: result for result in run_checks(run)}
    fired = [result for result in results.values() if result.status in (Status.WARNING, Status.PROBLEM)]
    assert [result.code for result in fired if "(FOC001)" not in result.summary] == ["FOC001"]
    assert all("--temperature" not in result.tip and "--epochs" not in result.tip for result in fired)
    passed = {code for code, result in results.items() if result.status is Status.PASSED}
    assert not passed & {"FOC001", "FOC002", "FOC003", "FOC004", "FOC005", "FOC011"}
    token = int(has_origin(run, Origin.COMBINED).nonzero()[0][0])
    verdicts = [str(verdict) for verdict in explain_token(run, token).verdicts]
    assert "anchors to mix from (FOC001)" in verdicts[0]
    assert not any("punctuation" in verdict for verdict in verdicts)


@pytest.mark.parametrize("language", SIZES)
def test_strict_refuses_it_before_anything_is_spent(
    language: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(words(language, tmp_path, "--strict")) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert len(streams.err.splitlines()) == 1
    assert streams.err.startswith(
        "corpus: expected a text most of whose letters the source's tokenizer knows, got 100 %"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{language}.txt"]


def test_the_method_that_the_warning_names_needs_no_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(words("zh", tmp_path, "--strict", "--method", "multivariate-normal")) == 0
    streams = capsys.readouterr()
    assert "warning" not in streams.err
    assert "checks: no problem found" in streams.out
