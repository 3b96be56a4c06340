"""Training: what moves, what an interruption changes (nothing), and what is done when it cannot go on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from focus_core.cli import main
from focus_core.corpus.held_out import is_held_out
from focus_core.errors import CorpusError, FocusError, InvalidInputError, ModelError, RunFolderError, flag
from focus_core.runs.additions import list_trainings, open_training
from focus_core.runs.digests import Changes, changes_of
from focus_core.runs.folder import RunFolder
from focus_core.training import language, loop
from focus_core.training.loop import DivergedError
from focus_core.training.options import OLD_NAMES, Objective, Schedule, TrainConfig, Trained
from focus_core.training.train import adapt_run, unfinished
from tests.unit.export.test_run_model import corpus_of, small_run


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return small_run(tmp_path, "roberta")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return corpus_of(tmp_path)


def options(**changes: Any) -> TrainConfig:
    start = {"steps": 12, "batch_tokens": 64, "max_seq_length": 16, "learning_rate": 1e-2, "evaluations": 3}
    start |= {"precision": "float32"}  # `auto` measures, and what it finds depends on what else the machine does
    return TrainConfig(**(start | {"snapshots": 2, "threads": 1} | changes))


def json_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())  # type: ignore[no-any-return]


def interrupted_at(step: int) -> Callable[..., None]:
    """Return a progress hook that interrupts a training."""

    def hook(stage: str, done: float, total: float, note: str = "") -> None:
        del total, note
        if stage == "train" and done == step:
            raise KeyboardInterrupt

    return hook


def test_what_a_training_leaves(run: RunFolder, corpus: Path) -> None:
    folder = adapt_run(run, name="mine", corpus=[corpus], config=options())
    training = open_training(run, "mine")
    assert list_trainings(run) == ["mine"]
    curve = training.curve()
    assert curve is not None
    assert curve["step"].to_pylist() == [0, 1, 5, 12]
    assert curve["tokens"].to_pylist() == [0, 64, 320, 768]
    assert curve["loss"].null_count == 1
    assert curve["held_out_loss"][-1].as_py() < curve["held_out_loss"][0].as_py()
    manifest = training.manifest
    assert manifest["run_digest"] == run.digest
    assert manifest["initialisation"] == {"method": "overlap", "seed": 42}
    assert manifest["result"]["held_out_loss_end"] == pytest.approx(curve["held_out_loss"][-1].as_py())
    assert manifest["corpus"]["n_lines"] + manifest["corpus"]["n_held_out_lines"] == 300
    assert sorted(p.name for p in (folder / "snapshots").iterdir()) == [
        "step-00000003.safetensors",
        "step-00000006.safetensors",
    ]
    table = training.tokens()
    assert table is not None
    assert table.num_rows == run.manifest["target"]["n"]
    assert (folder / "log" / "events.jsonl").is_file()
    assert not (folder / "options.json").exists()
    assert not (folder / "checkpoint.safetensors").exists()


@pytest.mark.parametrize("train", list(Trained))
def test_what_moves(run: RunFolder, corpus: Path, tmp_path: Path, train: Trained) -> None:
    folder = adapt_run(run, name="mine", corpus=[corpus], config=options(train=train))
    assert not np.array_equal(open_training(run, "mine").embeddings(), run.embeddings())
    assert (folder / "body.safetensors").is_file() == (train is not Trained.EMBEDDINGS)
    if train is Trained.EMBEDDINGS:
        return
    source = load_file(tmp_path / "model" / "model.safetensors")
    name = next(n for n in source if n.endswith("layer.0.attention.self.query.weight"))
    trained = load_file(folder / "body.safetensors")
    assert not torch.equal(trained[name], source[name])


def test_embeddings_first_leaves_the_backbone_alone_at_first() -> None:
    config = options(steps=100, train=Trained.EMBEDDINGS_FIRST)
    assert [config.trains_backbone(step) for step in (0, 19, 20, 99)] == [False, False, True, True]


def test_frozen_backbone_is_the_same_to_the_bit_until_it_thaws(run: RunFolder, corpus: Path) -> None:
    config = options(train=Trained.EMBEDDINGS_FIRST, first_share=1.0)
    folder = adapt_run(run, name="mine", corpus=[corpus], config=config)
    from focus_core.export.run_model import load_run_model

    initial = load_run_model(run).backbone()
    for name, tensor in load_file(folder / "body.safetensors").items():
        assert torch.equal(tensor, initial[name].detach())


@pytest.mark.parametrize("family", ["roberta", "llama"])
@pytest.mark.parametrize("stop", [1, 7, 12])
def test_an_interruption_leaves_no_trace(
    family: str, stop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, corpus = small_run(tmp_path, family), corpus_of(tmp_path)
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    config = options(train=Trained.EMBEDDINGS_FIRST, first_share=0.5)
    whole = adapt_run(run, name="whole", corpus=[corpus], config=config)
    with pytest.raises(KeyboardInterrupt):
        adapt_run(run, name="parts", corpus=[corpus], config=config, progress=interrupted_at(stop))
    assert unfinished(run, "parts")
    assert list_trainings(run) == ["whole"]
    parts = adapt_run(run, name="parts", corpus=[corpus], config=config, resume=True)
    for name in ("trained.safetensors", "body.safetensors", "curve.parquet", "tokens.parquet"):
        assert (whole / name).read_bytes() == (parts / name).read_bytes()
    assert changes_of(whole) == changes_of(parts) == Changes()  # neither checkpoint nor options are files of it


def test_equal_options_give_equal_bytes_and_another_seed_does_not(run: RunFolder, corpus: Path) -> None:
    one, two = (adapt_run(run, name=n, corpus=[corpus], config=options()) for n in ("one", "two"))
    other = adapt_run(run, name="other", corpus=[corpus], config=options(seed=7))
    file = "trained.safetensors"
    assert (one / file).read_bytes() == (two / file).read_bytes()
    assert (one / file).read_bytes() != (other / file).read_bytes()


def test_training_teaches(run: RunFolder, corpus: Path) -> None:
    adapt_run(run, name="mine", corpus=[corpus], config=options(steps=150, evaluations=5, batch_tokens=256))
    result = open_training(run, "mine").manifest["result"]
    assert result["held_out_loss_end"] < result["held_out_loss_start"] - 0.5


def test_stops_where_it_was_asked_to(run: RunFolder, corpus: Path) -> None:
    config = options(steps=150, evaluations=30, batch_tokens=256)
    adapt_run(run, name="mine", corpus=[corpus], config=config)
    wanted = open_training(run, "mine").manifest["result"]["held_out_loss_start"] - 0.2
    adapt_run(run, name="short", corpus=[corpus], config=options(**{**_given(config), "stop_below": wanted}))
    result = open_training(run, "short").manifest["result"]
    assert result["stopped"] == "reached"
    assert result["steps"] < 150
    assert result["held_out_loss_end"] < wanted


def _given(config: TrainConfig) -> dict[str, Any]:
    return {name: getattr(config, name) for name in ("steps", "evaluations", "batch_tokens")}


def test_memory_that_runs_out_halves_the_batch_and_says_so(
    run: RunFolder, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "model" / "config.json"  # without dropout, whose draws depend on the size of a part
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    config.write_text(json.dumps(json.loads(config.read_text()) | none))
    whole = adapt_run(run, name="whole", corpus=[corpus], config=options())
    real = language.summed_loss

    def small_memory(model: Any, inputs: torch.Tensor, *rest: Any) -> torch.Tensor:
        if len(inputs) > 1 and model.model.training:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return real(model, inputs, *rest)

    monkeypatch.setattr(language, "summed_loss", small_memory)
    small = adapt_run(run, name="small", corpus=[corpus], config=options())
    warnings = open_training(run, "small").manifest["warnings"]
    assert warnings == ["Memory ran out; a step now adds up 4 parts of 1 sequences."]
    one, two = (pq.read_table(folder / "curve.parquet") for folder in (whole, small))
    for name in ("loss", "held_out_loss"):  # rows without a gradient to speak of follow the noise of the sums
        assert one[name].to_pylist()[1:] == pytest.approx(two[name].to_pylist()[1:], abs=0.01)


def test_no_memory_for_a_single_sequence(run: RunFolder, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(model: Any, *rest: Any) -> torch.Tensor:
        if model.model.training:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return torch.ones(())

    monkeypatch.setattr(language, "summed_loss", no_memory)
    with pytest.raises(FocusError, match=r"memory for one sequence of 16 tokens.*--max-seq-length"):
        adapt_run(run, name="mine", corpus=[corpus], config=options())


def test_other_errors_of_torch_are_not_taken_for_memory(
    run: RunFolder, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(model: Any, *rest: Any) -> torch.Tensor:
        if model.model.training:
            raise RuntimeError("shapes do not match")
        return torch.ones(())

    monkeypatch.setattr(language, "summed_loss", broken)
    with pytest.raises(ModelError, match=r"expected a model that transformers trains.*RuntimeError: shapes do"):
        adapt_run(run, name="mine", corpus=[corpus], config=options())


def test_a_loss_that_is_no_number_keeps_the_last_good_checkpoint(
    run: RunFolder, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = language.summed_loss
    calls = 0

    def spoiled(model: Any, *rest: Any) -> torch.Tensor:
        nonlocal calls
        calls += model.model.training
        return real(model, *rest) * (float("nan") if calls == 6 else 1.0)  # one is the trial before

    with monkeypatch.context() as patch:
        patch.setattr(language, "summed_loss", spoiled)
        patch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
        with pytest.raises(DivergedError, match=r"got nan nats at step 4.*last good checkpoint is kept"):
            adapt_run(run, name="mine", corpus=[corpus], config=options())
    folder = adapt_run(run, name="mine", corpus=[corpus], config=options(learning_rate=1e-4), resume=True)
    assert torch.isfinite(load_file(folder / "trained.safetensors")["input"]).all()


def test_a_loss_that_runs_away_is_stopped(run: RunFolder, corpus: Path) -> None:
    config = options(steps=200, learning_rate=10.0, max_grad_norm=1e6, schedule=Schedule.CONSTANT, warmup_ratio=0.5)
    with pytest.raises(DivergedError, match=r"expected a falling loss.*lower --learning-rate"):
        adapt_run(run, name="mine", corpus=[corpus], config=config)
    assert unfinished(run, "mine")


# --- bad input --------------------------------------------------------------------------------------------------


def test_text_too_small_to_keep_anything_aside(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"at least 100 different lines.*got 50"):
        adapt_run(run, name="mine", corpus=[corpus_of(tmp_path, 50)], config=options())
    assert not (run.path / "training" / "mine.part").exists()


def test_the_same_line_many_times_is_one_line(run: RunFolder, tmp_path: Path) -> None:
    path = tmp_path / "same.txt"
    path.write_text("der Markt\n" * 500)
    with pytest.raises(CorpusError, match=r"got 1;"):
        adapt_run(run, name="mine", corpus=[path], config=options())


@pytest.mark.parametrize("name", ["", "..", "a/b", "../up", ".hidden", "x.part", "a b", "ä", "x" * 65])
def test_names_that_are_none(run: RunFolder, corpus: Path, name: str) -> None:
    with pytest.raises(RunFolderError, match="--name"):
        adapt_run(run, name=name, corpus=[corpus], config=options())


def test_a_name_that_is_taken(run: RunFolder, corpus: Path) -> None:
    adapt_run(run, name="mine", corpus=[corpus], config=options())
    with pytest.raises(RunFolderError, match="expected a new"):
        adapt_run(run, name="mine", corpus=[corpus], config=options())


def test_resume_without_anything_to_resume(run: RunFolder, corpus: Path) -> None:
    with pytest.raises(RunFolderError, match=r"expected a checkpoint, got none"):
        adapt_run(run, name="mine", corpus=[corpus], config=options(), resume=True)
    assert not (run.path / "training" / "mine.part").exists()


def test_an_unfinished_training_is_not_overwritten(run: RunFolder, corpus: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        adapt_run(run, name="mine", corpus=[corpus], config=options(), progress=interrupted_at(3))
    with pytest.raises(RunFolderError, match=r"an unfinished one of that name; go on with --resume"):
        adapt_run(run, name="mine", corpus=[corpus], config=options())
    with pytest.raises(RunFolderError, match=r"--steps: expected 12, as when the training began, got 13"):
        adapt_run(run, name="mine", corpus=[corpus], config=options(steps=13), resume=True)
    other = corpus.with_name("other.txt")
    other.write_text(corpus.read_text() + "noch ein Markt\n")
    with pytest.raises(RunFolderError, match="--corpus"):
        adapt_run(run, name="mine", corpus=[other], config=options(), resume=True)
    assert unfinished(run, "mine")


def test_a_training_that_an_older_version_began_goes_on_and_may_not_change(run: RunFolder, corpus: Path) -> None:
    """Its options stand under their old names."""
    with pytest.raises(KeyboardInterrupt):
        adapt_run(run, name="mine", corpus=[corpus], config=options(), progress=interrupted_at(3))
    path = run.path / "training" / "mine.part" / "options.json"
    old_of = {new: old for old, new in OLD_NAMES.items()}
    path.write_text(json.dumps({old_of.get(name, name): value for name, value in json.loads(path.read_text()).items()}))
    assert {"mask_share", "warm_up_share", "clip", "length"} <= json.loads(path.read_text()).keys()
    with pytest.raises(RunFolderError, match=r"--max-grad-norm: expected 1\.0, as when the training began, got 2\.0"):
        adapt_run(run, name="mine", corpus=[corpus], config=options(max_grad_norm=2.0), resume=True)
    config = json_of(adapt_run(run, name="mine", corpus=[corpus], config=options(), resume=True))["config"]
    assert config.keys() >= set(OLD_NAMES.values())
    assert not config.keys() & OLD_NAMES.keys()


def test_old_names_of_options_are_understood_and_not_shown(
    run: RunFolder, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["adapt", str(run.path), "--name", "old", "--corpus", str(corpus), "--steps", "1", "--batch-tokens", "64"]
    old = ["--length", "16", "--mask-share=0.3", "--warm-up-share", "0.5", "--clip", "0.5"]
    assert main.run([*given, *old, "--evaluations", "1", "--snapshots", "0"]) == 0
    config = json_of(Path(capsys.readouterr().out.strip()))["config"]
    assert {name: config[name] for name in OLD_NAMES.values()} == {
        "mlm_probability": 0.3, "warmup_ratio": 0.5, "max_grad_norm": 0.5, "max_seq_length": 16,
    }  # fmt: skip
    assert main.run(["adapt", "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(flag(new) in shown and f"{flag(old)} " not in shown for old, new in OLD_NAMES.items())


def test_a_damaged_checkpoint_is_refused(run: RunFolder, corpus: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        adapt_run(run, name="mine", corpus=[corpus], config=options(), progress=interrupted_at(3))
    path = run.path / "training" / "mine.part" / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(RunFolderError, match="expected a checkpoint of this training"):
        adapt_run(run, name="mine", corpus=[corpus], config=options(), resume=True)


def test_an_objective_that_the_head_was_not_made_for(run: RunFolder, corpus: Path) -> None:
    with pytest.raises(InvalidInputError, match="expected a model made for clm, got one made for mlm"):
        adapt_run(run, name="mine", corpus=[corpus], config=options(objective=Objective.CLM))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": None}, "--steps or --tokens, got neither"),
        ({"tokens": 10}, "got both"),
        ({"learning_rate": 0.0}, "--learning-rate"),
        ({"max_seq_length": 2}, "--max-seq-length"),
        ({"mlm_probability": 1.5}, "--mlm-probability"),
        ({"device": "tpu"}, "--device"),
    ],
)
def test_options_out_of_range(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        options(**changes)


def test_learning_rate_rises_and_falls() -> None:
    config = options(steps=100, warmup_ratio=0.1)
    factors = [config.rate_factor(step) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9] == factors[10] == 1.0
    assert factors[99] == pytest.approx(1 / 90)
    cosine = options(steps=100, warmup_ratio=0.1, schedule=Schedule.COSINE)
    assert cosine.rate_factor(55) == pytest.approx(0.5)
    assert options(steps=100, schedule=Schedule.CONSTANT).rate_factor(99) == 1.0


def test_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(loop.time, "monotonic", lambda: now)
    clock = loop._Clock(0, 100)
    assert [clock.left(step) for step in (1, 2)] == ["", ""]
    now = 8.0
    assert clock.left(10) == ", about 90 s left"
    now = 80.0
    assert clock.left(10) == ", about 15 min left"


def test_manifest_names_no_path_and_no_time(run: RunFolder, corpus: Path) -> None:
    folder = adapt_run(run, name="mine", corpus=[corpus], config=options())
    text = (folder / "manifest.json").read_text()
    assert str(run.path.parent) not in text
    assert json.loads(text)["kind"] == "training"
    assert pq.read_table(folder / "curve.parquet").num_rows == 4


def test_another_slice_is_kept_aside_and_noted(run: RunFolder, corpus: Path) -> None:
    """So that a text whose held-out lines were taken out can be trained on."""
    first = json_of(adapt_run(run, name="first", corpus=[corpus], config=options(steps=2)))["corpus"]
    lines = [line for line in corpus.read_text().splitlines() if not is_held_out(line, 10)]
    corpus.write_text("\n".join(lines) + "\n")
    with pytest.raises(CorpusError):
        adapt_run(run, name="none", corpus=[corpus], config=options(steps=2))
    other = json_of(adapt_run(run, name="other", corpus=[corpus], config=options(steps=2), held_out_from=10))["corpus"]
    aside = {line.strip() for line in lines if is_held_out(line, 10, first=10)}
    assert (other["n_held_out_lines"], other["held_out_from"]) == (len(aside), 10)
    assert "held_out_from" not in first
