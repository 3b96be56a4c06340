"""Kept evaluations: a folder with the whole report, found by the run's digest, refused where it is none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from focus_core.cli import main as cli
from focus_core.errors import InvalidInputError
from focus_core.evaluation.report import evaluate_runs
from focus_core.evaluation.stored import concerns, evaluate_to_folder, read_evaluation, state_name
from focus_core.runs.folder import open_run
from tests.unit.export.test_run_model import corpus_of, small_run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a run, a text, and ``kept``: their evaluation."""
    folder = tmp_path_factory.mktemp("stored")
    run = small_run(folder, "roberta")
    corpus_of(folder)
    evaluate_to_folder([str(run.path)], folder / "kept", corpus=folder / "text.txt", all_lines=True, device="cpu")
    return folder


def test_the_report_is_kept_whole_and_names_its_states(made: Path) -> None:
    run = open_run(made / "run")
    kept = read_evaluation(made / "kept")
    assert kept.pop("states") == [{"run": run.digest, "training": None}]
    fresh = evaluate_runs([str(run.path)], corpus=made / "text.txt", all_lines=True, device="cpu")
    assert kept == json.loads(json.dumps(fresh))
    assert not (made / "kept.part").exists()


def test_it_is_found_by_the_run_wherever_that_lies(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "run", tmp_path / "elsewhere")
    kept = read_evaluation(made / "kept")
    assert concerns(kept, open_run(tmp_path / "elsewhere").digest)
    assert not concerns(kept, "0" * 64)


def test_what_was_printed_can_be_read_too(made: Path, tmp_path: Path) -> None:
    report = {name: value for name, value in read_evaluation(made / "kept").items() if name != "states"}
    (tmp_path / "printed.json").write_text(json.dumps(report))
    assert read_evaluation(tmp_path / "printed.json")["states"] == []


@pytest.mark.parametrize("content", ["", "[]", "{", '{"kind": "evaluation"}', '{"kind": "run", "targets": []}'])
def test_anything_else_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(InvalidInputError, match=r"x\.json: expected an evaluation, got none"):
        read_evaluation(tmp_path / "x.json")


@pytest.mark.parametrize(
    "change",
    [
        {"corpus": None},
        {"corpus": {"files": "a.txt", "n_lines": 1, "n_measured_lines": 1}},
        {"corpus": {"files": [], "n_lines": "1", "n_measured_lines": 1}},
        {"targets": ["toy"]},
        {"targets": [{"method": "focus"}]},
        {"targets": [{"target": "toy", "loss": {"bits_per_character": {"value": None, "low": 1, "high": 2}}}]},
        {"targets": [{"target": "toy", "loss": 2.5}]},
        {"differences": [{"target": "toy", "bits_per_character": {"value": 1}}]},
        {"sources": {}},
        {"states": [None]},
        {"states": [{}, {}]},
    ],
    ids=str,
)
def test_a_report_that_lacks_what_its_readers_need_is_refused(made: Path, tmp_path: Path, change: object) -> None:
    whole = read_evaluation(made / "kept")
    (tmp_path / "x.json").write_text(json.dumps(whole))
    assert read_evaluation(tmp_path / "x.json") == whole
    (tmp_path / "x.json").write_text(json.dumps(whole | change))
    with pytest.raises(InvalidInputError, match=r"x\.json: expected an evaluation, got none"):
        read_evaluation(tmp_path / "x.json")


def test_states_are_named_without_a_path(made: Path) -> None:
    (entry,), (source,) = (read_evaluation(made / "kept")[name] for name in ("targets", "sources"))
    assert state_name(entry) == "initialised (overlap)"
    assert state_name(source, source=True) == f"source model ({source['target']})"
    assert str(made) in entry["target"], "the path is how it was asked for"


def test_the_command_line_keeps_it_in_a_new_folder(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(made / "run"), "--corpus", str(made / "text.txt"), "--all-lines", "--device", "cpu"]
    assert cli.run([*words, "--output", str(tmp_path / "kept")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'kept'}\n"
    assert read_evaluation(tmp_path / "kept") == read_evaluation(made / "kept")
    assert cli.run([*words, "--output", str(tmp_path / "kept")]) == 2
    assert cli.run(["evaluate", str(made / "none"), *words[2:], "--output", str(tmp_path / "other")]) == 2
    assert not (tmp_path / "other").exists()
    assert not (tmp_path / "other.part").exists()
