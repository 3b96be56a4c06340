"""The report as a whole: small runs of real architectures, before and after a short training."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from focus_core.api import run_to_folder
from focus_core.artifacts import write_arrays
from focus_core.corpus.held_out import is_held_out
from focus_core.errors import CorpusError, InvalidInputError, RunFolderError
from focus_core.evaluation.fertility import measure_segmentation
from focus_core.evaluation.masked import score_masked
from focus_core.evaluation.render import render_evaluation
from focus_core.evaluation.report import evaluate_runs, settings_of
from focus_core.export.run_model import load_model_folder, load_run_model
from focus_core.initialization.config import InitConfig
from focus_core.initialization.request import InitRequest
from focus_core.models.source import load_source
from focus_core.numerics.drift import drift_foreseen
from focus_core.runs.additions import open_training
from focus_core.runs.folder import RunFolder, open_run
from focus_core.training.import_checkpoint import import_checkpoint
from focus_core.training.options import TrainConfig
from focus_core.training.train import adapt_run
from tests.unit.export.test_run_model import corpus_of, small_run

DICTIONARY = (
    "market\tMarkt\nbread\tBrot\nbread\tbread\nhouse\tHaus\nrain\tregnet\nfield\tMarktplatz\nthe\tder\nthe\tdie\n"
)


def train(run: RunFolder, name: str, corpus: Path, **options: Any) -> Path:
    start = {"steps": 8, "batch_tokens": 64, "max_seq_length": 16, "learning_rate": 1e-2, "evaluations": 1}
    start |= {"snapshots": 0, "threads": 1}
    return adapt_run(run, name=name, corpus=[corpus], config=TrainConfig(**(start | options)))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with ``run``, its trainings ``mine`` and ``head``, the source, a corpus and a dictionary."""
    folder = tmp_path_factory.mktemp("evaluation")
    run, corpus = small_run(folder, "roberta"), corpus_of(folder)
    train(run, "mine", corpus)
    train(run, "head", corpus, train="embeddings", seed=7)
    (folder / "en-de.tsv").write_text(DICTIONARY, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def report(made: Path) -> dict[str, Any]:
    run = str(made / "run")
    return evaluate_runs(
        [run, f"{run}:mine", f"{run}:head"], corpus=made / "text.txt", dictionary=made / "en-de.tsv", device="cpu"
    )


def held_out(made: Path, percent: int = 10) -> list[str]:
    return [line for line in (made / "text.txt").read_text().splitlines() if is_held_out(line, percent)]


def test_only_lines_kept_aside_are_measured(made: Path, report: dict[str, Any]) -> None:
    assert report["corpus"]["n_lines"] == 300
    assert report["corpus"]["percent"] == 10
    assert report["corpus"]["n_measured_lines"] == len(held_out(made))
    training = open_training(open_run(made / "run"), "mine").manifest
    assert training["corpus"]["n_held_out_lines"] == len(held_out(made))
    everything = evaluate_runs([str(made / "run")], corpus=[made / "text.txt"], all_lines=True, device="cpu")
    assert everything["corpus"]["n_measured_lines"] == 300
    assert everything["corpus"]["percent"] is None


def test_losses_are_those_of_the_models_themselves(made: Path, report: dict[str, Any]) -> None:
    lines, run = held_out(made), open_run(made / "run")
    models = [load_run_model(run, trained=name) for name in (None, "mine", "head")]
    models.append(load_model_folder(made / "model"))
    for entry, model in zip([*report["targets"], *report["sources"]], models, strict=True):
        scores = score_masked(model, lines)
        bits = entry["loss"]["bits_per_character"]
        assert bits["value"] == pytest.approx(scores.bits.sum() / scores.characters.sum(), rel=1e-6)
        assert bits["low"] < bits["value"] < bits["high"]
        assert entry["loss"]["nats_per_token"] == pytest.approx(scores.nats_per_token, rel=1e-6)
        cut = measure_segmentation(model.vocabulary, lines)
        assert entry["segmentation"]["tokens_per_word"] == cut.tokens_per_word
    words = {entry["loss"]["n_words"] for entry in [*report["targets"], *report["sources"]]}
    assert len(words) == 1
    first, second, third = (entry["loss"]["bits_per_character"]["value"] for entry in report["targets"])
    assert second < first
    assert [d["bits_per_character"]["value"] for d in report["differences"]] == pytest.approx(
        [second - first, third - first]
    )


def test_targets_say_what_they_are(report: dict[str, Any]) -> None:
    named = [(e["state"], e["training"], e["method"], e["objective"]) for e in report["targets"]]
    assert named == [
        ("initialised", None, "overlap", "mlm"),
        ("trained", "mine", "overlap", "mlm"),
        ("trained", "head", "overlap", "mlm"),
    ]
    assert [e["trained_tokens"] for e in report["targets"]] == [None, 512, 512]
    assert report["groups"] == []  # the trainings differ in more than a seed


def test_change_is_that_of_the_trainings_table(made: Path, report: dict[str, Any]) -> None:
    run = open_run(made / "run")
    training = open_training(run, "mine")
    table, change = training.tokens(), report["targets"][1]["change"]
    assert table is not None
    assert report["targets"][0]["change"] is None
    assert change["all"]["n"] == run.manifest["target"]["n"]
    assert change["all"]["cosine"] == pytest.approx(np.nanmean(table["cosine"].to_numpy()), rel=1e-6)
    assert change["copied"]["n"] + change["combined"]["n"] + change["fallback"]["n"] == change["all"]["n"]
    rows = np.flatnonzero(run.column("tokens", "origin") != "copied")
    expected = drift_foreseen(run.embeddings(), training.embeddings(), run.statistics()["mean"], rows)
    assert change["foreseen"] == pytest.approx(expected)


def test_alignment_stands_beside_each_state(report: dict[str, Any]) -> None:
    for entry in report["targets"]:
        found = entry["alignment"]
        assert (found["n_listed"], found["n_pairs"], found["n_words"]) == (8, 5, 4)
        assert found["identical"]["n_pairs"] == 1
    assert report["targets"][0]["alignment"]["identical"]["mean_cosine"] == pytest.approx(1)  # copied, bit for bit
    assert report["targets"][1]["alignment"]["mean_cosine"] != report["targets"][0]["alignment"]["mean_cosine"]


def test_the_report_is_json_and_can_be_repeated(made: Path, report: dict[str, Any]) -> None:
    written = json.dumps(report, allow_nan=False)
    assert str(Path.home()) not in written.replace(str(made), "")
    again = evaluate_runs(
        [e["target"] for e in report["targets"]],
        corpus=[made / "text.txt"],
        dictionary=made / "en-de.tsv",
        device="cpu",
    )
    assert again == report


def test_the_report_in_lines(made: Path, report: dict[str, Any]) -> None:
    lines = render_evaluation(report)
    run = str(made / "run")
    assert lines[0].startswith(f"text.txt: {len(held_out(made))} of 300 different lines (the 10 % kept aside")
    value = report["targets"][1]["loss"]["bits_per_character"]["value"]
    row = next(line for line in lines if line.startswith(f"{run}:mine "))
    assert f"{value:.3f}" in row
    assert any(line.startswith("model") and "source model" in line for line in lines)
    assert any(line.startswith(f"{run}:mine: drift foreseen") and "copied" in line for line in lines)
    assert any(
        "5 of 8 dictionary pairs (4 words" in line and "1 pairs of one form apart: 100.0 %" in line for line in lines
    )
    assert any(line.startswith(f"{run}:mine minus {run}: -") for line in lines)
    assert all("\n" not in line and "None" not in line and "nan" not in line for line in lines)


def test_a_training_of_an_older_version_repeats_one_of_this_version(made: Path) -> None:
    """Equal options are equal under their old names too."""
    run = open_run(made / "run")
    now, before = ({"mlm_probability": 0.15, "seed": 1}, {"mask_share": 0.15, "seed": 2})
    trainings = [SimpleNamespace(manifest={"config": config}) for config in (now, before, {"mask_share": 0.3})]
    found = [settings_of(SimpleNamespace(run=run, training=training)) for training in trainings]  # type: ignore[arg-type]
    assert found[0] == found[1] != found[2]


def test_runs_that_differ_in_the_seed_are_a_group(made: Path, tmp_path: Path) -> None:
    request = InitRequest(source=str(made / "model"), target_tokenizer=str(made / "target"))
    names = []
    for method in ("overlap", "mean"):
        for seed in (1, 2):
            asked = dataclasses.replace(request, config=InitConfig(method=method, seed=seed))
            names.append(str(run_to_folder(asked, tmp_path / f"{method}-{seed}").path))
    report = evaluate_runs(names, corpus=made / "text.txt", device="cpu")
    first, second = report["groups"]
    assert (first["method"], first["targets"], first["minus_first_group"]) == ("overlap", names[:2], None)
    values = [entry["loss"]["bits_per_character"]["value"] for entry in report["targets"]]
    assert first["bits_per_character"]["value"] == pytest.approx(np.mean(values[:2]))
    assert second["minus_first_group"]["value"] == pytest.approx(np.mean(values[2:]) - np.mean(values[:2]))
    assert any(line.startswith("mean, initialised, 2 runs: ") for line in render_evaluation(report))
    assert len(report["sources"]) == 1


def test_a_causal_run_pays_for_all_characters(tmp_path: Path) -> None:
    run, corpus = small_run(tmp_path, "llama"), corpus_of(tmp_path)
    report = evaluate_runs([str(run.path)], corpus=corpus, device="cpu")
    (entry,) = report["targets"]
    assert entry["objective"] == "clm"
    assert entry["loss"]["n_characters"] == sum(map(len, held_out(tmp_path)))
    assert entry["loss"]["n_tokens"] == entry["segmentation"]["n_tokens"]


def test_embeddings_alone_get_the_measures_that_need_no_model(made: Path, tmp_path: Path) -> None:
    rows = load_source(made / "model").input.float().numpy()
    write_arrays(tmp_path / "rows.safetensors", {"input": rows})
    request = InitRequest(
        source_tokenizer=str(made / "model"),
        source_embeddings=tmp_path / "rows.safetensors",
        target_tokenizer=str(made / "target"),
        config=InitConfig(method="overlap"),
    )
    run = run_to_folder(request, tmp_path / "bare")
    reports = [
        evaluate_runs([str(run.path)], corpus=made / "text.txt", dictionary=made / "en-de.tsv", source=source)
        for source in (None, tmp_path / "rows.safetensors")
    ]
    for report in reports:
        (entry,) = report["targets"]
        assert entry["loss"] is None
        assert entry["segmentation"]["n_tokens"] > 0
        assert entry["notes"] == [
            "The source is a matrix of embeddings without a backbone, so there is no loss to measure."
        ]
        assert any(line.endswith("so there is no loss to measure.") for line in render_evaluation(report))
    assert reports[0]["targets"][0]["alignment"] is None
    assert reports[1]["targets"][0]["alignment"]["n_pairs"] == 5


def test_imported_embeddings_are_compared_without_a_loss(made: Path, tmp_path: Path) -> None:
    run = open_run(shutil.copytree(made / "run", tmp_path / "run"))
    rows = run.embeddings() + np.float32(0.1) * np.random.default_rng(0).normal(size=run.embeddings().shape)
    write_arrays(tmp_path / "rows.safetensors", {"input": rows.astype(np.float32)})
    import_checkpoint(run, tmp_path / "rows.safetensors", name="theirs")
    (entry,) = evaluate_runs([f"{run.path}:theirs"], corpus=made / "text.txt", device="cpu")["targets"]
    assert entry["loss"] is None
    assert entry["change"]["all"]["cosine"] < 1
    assert entry["notes"] == ["These embeddings were imported without a backbone, so there is no loss to measure."]


def test_a_training_of_another_initialisation_is_not_compared_with_this_run(made: Path, tmp_path: Path) -> None:
    run = open_run(shutil.copytree(made / "run", tmp_path / "run"))
    path = run.path / "training" / "mine" / "manifest.json"
    manifest = json.loads(path.read_text()) | {
        "run_digest": "0" * 64,
        "initialisation": {"method": "random", "seed": 2},
    }
    path.write_text(json.dumps(manifest | {"movement": {"foreseen": 0.25}}))
    (entry,) = evaluate_runs([f"{run.path}:mine"], corpus=made / "text.txt", device="cpu")["targets"]
    assert (entry["method"], entry["seed"]) == ("random", 2)
    assert entry["change"]["foreseen"] == 0.25
    assert set(entry["change"]) == {"all", "foreseen"}


def test_no_line_is_measured_that_a_training_on_a_larger_text_has_read(made: Path, tmp_path: Path) -> None:
    """Of 300 lines 10 % are kept aside, of a large text 2 %: a training on a large one has read some of the 10 %."""
    run = open_run(shutil.copytree(made / "run", tmp_path / "run"))
    path = run.path / "training" / "mine" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["corpus"]["held_out_percent"] = 2
    path.write_text(json.dumps(manifest))
    names = [str(run.path), f"{run.path}:mine"]
    report = evaluate_runs(names, corpus=made / "text.txt", device="cpu")
    assert report["corpus"]["percent"] == 2
    assert 0 < report["corpus"]["n_measured_lines"] == len(held_out(made, 2)) < len(held_out(made, 10))
    few = tmp_path / "few.txt"
    few.write_text("\n".join(f"Markt {i}" for i in range(200) if not is_held_out(f"Markt {i}", 2)), encoding="utf-8")
    message = refused(lambda: evaluate_runs(names, corpus=few), CorpusError)
    assert "expected lines among the 2 % that are kept aside from training, got none of" in message


def refused(call: Callable[[], Any], error: type[InvalidInputError]) -> str:
    with pytest.raises(error) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_cannot_be_measured_is_refused_in_one_line(made: Path, tmp_path: Path) -> None:
    run, text = str(made / "run"), made / "text.txt"
    assert "at least one run" in refused(lambda: evaluate_runs([], corpus=text), InvalidInputError)
    message = refused(lambda: evaluate_runs([f"{run}:none"], corpus=text), RunFolderError)
    assert "'head', 'mine'" in message
    small = tmp_path / "small.txt"
    small.write_text("ein Haus\n" * 500 + "ein Markt\n", encoding="utf-8")
    message = refused(lambda: evaluate_runs([run], corpus=small), CorpusError)
    assert "at least 100 different lines" in message
    assert message.endswith("got 2; give more text, one sentence a line")
    empty = tmp_path / "empty.txt"
    empty.write_text("\n \n", encoding="utf-8")
    for all_lines in (False, True):
        message = refused(lambda: evaluate_runs([run], corpus=empty, all_lines=all_lines), CorpusError)  # noqa: B023
        assert "expected some text, got none" in message
    words = tmp_path / "words.tsv"
    words.write_text("\n", encoding="utf-8")
    message = refused(lambda: evaluate_runs([run], corpus=text, dictionary=words), InvalidInputError)
    assert "words.tsv: expected pairs of words, got none" in message


def test_a_training_without_its_backbone_is_refused_before_anything_is_measured(made: Path, tmp_path: Path) -> None:
    run = open_run(shutil.copytree(made / "run", tmp_path / "run"))
    (run.path / "training" / "mine" / "body.safetensors").unlink()
    stages: list[str] = []
    target = f"{run.path}:mine"
    message = refused(
        lambda: evaluate_runs(
            [str(run.path), target], corpus=made / "text.txt", progress=lambda stage, *_: stages.append(stage)
        ),
        RunFolderError,
    )
    assert "training mine: expected one that keeps a whole model, got embeddings alone" in message
    assert stages == []


def test_another_source_is_refused(made: Path, tmp_path: Path) -> None:
    from tests.tiny_models import tiny_model

    other = tiny_model("roberta", tmp_path / "other", seed=5)
    message = refused(
        lambda: evaluate_runs([str(made / "run")], corpus=made / "text.txt", source=other), InvalidInputError
    )
    assert "give the model that the run was made from with --source" in message
