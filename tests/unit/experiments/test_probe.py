"""The probe's choice of a learning rate, with trainings that are made up; and the options of a real one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from focus_core.experiments import probe
from focus_core.experiments.layout import write_json
from focus_core.experiments.probe import probe_config, run_probe
from focus_core.runs.folder import RunFolder
from focus_core.training.loop import DivergedError
from focus_core.training.options import TrainConfig
from focus_core.types import no_progress
from tests.toy_run import write_toy_run

LOSSES = {0.001: 5.0, 0.002: 4.0, 0.004: 4.5}


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let a training be a folder with the loss of its rate; one above 0.01 runs away."""
    rates: list[float] = []

    def adapt(run: RunFolder, *, name: str, config: TrainConfig, **options: Any) -> None:
        rates.append(config.learning_rate)
        assert options["held_out_from"] == 10
        folder = run.path / "training" / name
        if config.learning_rate > 0.01:
            folder.with_name(f"{name}.part").mkdir(parents=True)
            raise DivergedError("away")
        loss = LOSSES[config.learning_rate]
        write_json(folder / "manifest.json", {"result": {"held_out_loss_end": loss}, "rate": config.learning_rate})

    monkeypatch.setattr(probe, "adapt_run", adapt)
    return rates


def configs(*rates: float) -> list[TrainConfig]:
    return [probe_config(1000, rate, 1, device="cpu", threads=1) for rate in rates]


def choose(run: RunFolder, kept: Path, *rates: float) -> list[dict[str, Any]]:
    return run_probe(run, Path("text"), configs(*rates), kept, source="source", progress=no_progress)


def test_the_lowest_loss_is_kept(trained: list[float], tmp_path: Path) -> None:
    run = write_toy_run()
    found = choose(run, tmp_path / "kept", *LOSSES)
    assert found == [{"learning_rate": rate, "held_out_loss": loss} for rate, loss in LOSSES.items()]
    assert '"rate": 0.002' in (run.path / "training" / "probe" / "manifest.json").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.json"]


def test_a_choice_that_was_made_is_not_made_again(trained: list[float], tmp_path: Path) -> None:
    run = write_toy_run()
    first = choose(run, tmp_path / "kept", *LOSSES)
    trained.clear()
    assert choose(run, tmp_path / "kept", *LOSSES) == first
    assert trained == []


@pytest.mark.parametrize("done", [1, 2])
def test_a_choice_that_was_killed_goes_on(
    trained: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    run, real = write_toy_run(), probe.adapt_run

    def killed(*arguments: Any, **options: Any) -> None:
        if len(trained) == done:
            (run.path / "training" / "probe.part").mkdir(parents=True)  # what a kill leaves
            raise KeyboardInterrupt
        real(*arguments, **options)

    monkeypatch.setattr(probe, "adapt_run", killed)
    with pytest.raises(KeyboardInterrupt):
        choose(run, tmp_path / "kept", *LOSSES)
    before, trained[:] = list(trained), []
    monkeypatch.setattr(probe, "adapt_run", real)
    found = choose(run, tmp_path / "kept", *LOSSES)
    assert [one["held_out_loss"] for one in found] == list(LOSSES.values())
    assert before + trained == list(LOSSES)
    assert [path.name for path in (run.path / "training").iterdir()] == ["probe"]


def test_a_rate_at_which_the_loss_runs_away_is_told_and_not_taken(trained: list[float], tmp_path: Path) -> None:
    run = write_toy_run()
    found = choose(run, tmp_path / "kept", 0.001, 0.5)
    assert found[1] == {"learning_rate": 0.5, "held_out_loss": None}
    assert '"rate": 0.001' in (run.path / "training" / "probe" / "manifest.json").read_text()


def test_a_loss_that_runs_away_at_every_rate_is_an_error(trained: list[float], tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"runs away at every rate \(0.5, 0.6\)"):
        choose(write_toy_run(), tmp_path / "kept", 0.5, 0.6)


def test_nothing_of_a_probe_is_left_to_the_load_of_the_machine() -> None:
    """Two probes with equal options are to give equal bytes: arithmetic and threads are named."""
    config = probe_config(1000, 0.001, 3, device="cpu", threads=2)
    assert (config.precision, config.threads, config.train, config.seed) == ("float32", 2, "embeddings", 3)
