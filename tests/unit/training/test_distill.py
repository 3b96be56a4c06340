"""Distillation: its loss by hand, what it reads, that an interruption leaves no trace, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

from focus_core.cli import main
from focus_core.corpus.held_out import is_held_out
from focus_core.corpus.parallel import hash_lines, holds_read_line
from focus_core.errors import CorpusError, InvalidInputError, ModelError, RunFolderError
from focus_core.export.run_model import export_state
from focus_core.export.sentence_encoder import load_run_encoder, load_source_encoder
from focus_core.runs.additions import open_training
from focus_core.runs.digests import Changes, changes_of
from focus_core.runs.folder import RunFolder
from focus_core.training import distill, loop
from focus_core.training.distill import squared_distances
from focus_core.training.loop import DivergedError
from focus_core.training.options import Objective, TrainConfig, Trained
from focus_core.training.pairs import PairStream
from focus_core.training.train import adapt_run, unfinished
from tests.tiny_encoders import encoder_run, pairs_of, parallel_of
from tests.unit.export.test_run_model import corpus_of, small_run
from tests.unit.training.test_train import interrupted_at

WEIGHTS = ("trained.safetensors", "body.safetensors")


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return encoder_run(tmp_path)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return parallel_of(tmp_path)


def card_of(folder: Path) -> str:
    """Return a model card's lists as lines of text."""
    return (folder / "README.md").read_text().replace("&#39;", "'").replace(" | ", ": ").replace("**", "")


def options(**changes: Any) -> TrainConfig:
    start = {"steps": 8, "batch_tokens": 64, "max_seq_length": 16, "learning_rate": 1e-2, "evaluations": 2}
    start |= {"precision": "float32", "snapshots": 1, "threads": 1, "objective": Objective.DISTILL}
    return TrainConfig(**(start | changes))


# --- the loss ---------------------------------------------------------------------------------------------------


def test_the_squared_distance_by_hand() -> None:
    found = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    wanted = torch.tensor([[0.0, 1.0], [0.6, 0.3]])
    assert squared_distances(found, wanted).tolist() == pytest.approx([2.0, 0.25])


def test_the_loss_at_the_start_is_that_of_the_two_encoders(run: RunFolder, pairs: Path) -> None:
    """Over the pairs kept aside: teacher and student encode them apart from the training."""
    folder = adapt_run(run, name="mine", parallel=pairs, config=options(steps=1))
    aside = [pair for pair in pairs_of() if is_held_out(pair[1], 10)]
    teacher, student = load_source_encoder(run), load_run_encoder(run)
    wanted = teacher.encode(teacher.ids_of([one for one, _ in aside]))
    found = student.encode(student.ids_of([other for _, other in aside], length=16))
    expected = np.square(found - wanted).sum(axis=1).mean()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["result"]["held_out_loss_start"] == pytest.approx(expected, rel=1e-5)
    assert manifest["corpus"]["n_measured_lines"] == len(aside)


def test_a_step_goes_down_the_gradient_of_the_mean_squared_distance(run: RunFolder, pairs: Path) -> None:
    """The first step of Adam moves every number by the rate, against the sign of its gradient."""
    (run.path.parent / "model" / "config.json").write_text(
        json.dumps(
            json.loads((run.path.parent / "model" / "config.json").read_text())
            | {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
        )
    )
    config = options(steps=1, train=Trained.EMBEDDINGS, warmup_ratio=0.0, max_grad_norm=1e6, learning_rate=1e-3)
    adapt_run(run, name="mine", parallel=pairs, config=config)
    student, teacher = load_run_encoder(run), load_source_encoder(run)
    kept = [pair for pair in pairs_of() if not is_held_out(pair[1], 10)]
    sequences = student.ids_of([other for _, other in kept], length=16)
    lengths = np.array([len(ids) for ids in sequences])
    numbers = PairStream(lengths=lengths, step_tokens=64, seed=42).numbers(0).tolist()
    wanted = torch.from_numpy(teacher.encode(teacher.ids_of([kept[i][0] for i in numbers])))
    torch.mean(squared_distances(student.embed([sequences[i] for i in numbers]), wanted)).backward()  # type: ignore[no-untyped-call]
    gradient = student.matrices()["input"].grad.numpy()
    moved = open_training(run, "mine").embeddings() - run.embeddings()
    clear = np.abs(gradient) > 1e-4
    assert clear.sum() > 100
    np.testing.assert_allclose(moved[clear], -1e-3 * np.sign(gradient[clear]), rtol=1e-2)
    assert not moved[np.abs(gradient).sum(axis=1) == 0].any()


def test_distillation_teaches_and_what_it_teaches_is_exported(run: RunFolder, pairs: Path, tmp_path: Path) -> None:
    """The exported folder, as sentence-transformers loads it, gives what the training ended with."""
    from sentence_transformers import SentenceTransformer

    adapt_run(run, name="mine", parallel=pairs, config=options(steps=60, batch_tokens=256))
    result = open_training(run, "mine").manifest["result"]
    assert result["held_out_loss_end"] < 0.8 * result["held_out_loss_start"]
    assert result["held_out_bits_start"] is None
    folder = export_state(run, "mine", tmp_path / "out")
    assert (folder / "1_Pooling" / "config.json").is_file()
    distance = f"{result['held_out_loss_end']:.3f}".rstrip("0")
    assert f"squared distance to the source's sentence embeddings at end: {distance}" in card_of(folder)
    texts = [other for _, other in pairs_of(5)]
    trained = load_run_encoder(run, trained="mine")
    library = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    np.testing.assert_allclose(trained.encode(trained.ids_of(texts)), library.encode(texts), rtol=1e-4, atol=1e-5)


# --- what it reads ----------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(9, 40), st.integers(0, 5), st.integers(1, 8))
def test_steps_share_the_stream_out_and_count_its_tokens(
    lengths: list[int], step_tokens: int, seed: int, n_steps: int
) -> None:
    stream = PairStream(lengths=np.array(lengths), step_tokens=step_tokens, seed=seed)
    read = [stream.numbers(step) for step in range(n_steps)]
    assert all(len(numbers) for numbers in read)
    together = np.concatenate(read)
    whole = together[: len(together) // len(lengths) * len(lengths)].reshape(-1, len(lengths))
    assert (np.sort(whole, axis=1) == np.arange(len(lengths))).all()  # every pass reads every pair once
    tokens = int(np.array(lengths)[together].sum())
    assert tokens == stream.tokens_after(n_steps)
    assert 0 <= tokens - n_steps * step_tokens < 9
    assert stream.used(n_steps).tolist() == np.unique(together).tolist()


def test_tokens_are_the_students_and_the_lines_it_read_are_noted(run: RunFolder, pairs: Path) -> None:
    config = replace(options(), steps=None, tokens=200)
    folder = adapt_run(run, name="mine", parallel=pairs, config=config)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert 200 <= manifest["result"]["tokens"] < 4 * 64 + 16
    corpus = manifest["corpus"]
    assert corpus["n_pairs"] == corpus["n_lines"] + corpus["n_held_out_lines"] + corpus["n_left_out"] == 300
    read = load_file(folder / "read_lines.safetensors")["hashes"]
    kept = [pair for pair in pairs_of() if not is_held_out(pair[1], 10)]
    was = holds_read_line(kept, read)
    assert was.sum() == corpus["n_read"] < len(kept)
    lines = [line for pair, there in zip(kept, was, strict=True) if there for line in pair]
    assert np.array_equal(np.unique(hash_lines(lines)), read)
    assert not holds_read_line([pair for pair in pairs_of() if is_held_out(pair[1], 10)], read).any()
    assert not (folder / "teacher.npy").exists()
    assert manifest["config"]["objective"] == "distill"


@pytest.mark.parametrize("train", list(Trained))
def test_what_moves(run: RunFolder, pairs: Path, train: Trained) -> None:
    folder = adapt_run(run, name="mine", parallel=pairs, config=options(train=train, first_share=0.5))
    assert not np.array_equal(open_training(run, "mine").embeddings(), run.embeddings())
    assert (folder / "body.safetensors").is_file() == (train is not Trained.EMBEDDINGS)
    if train is not Trained.EMBEDDINGS:
        before = {name: p.detach().numpy() for name, p in load_run_encoder(run).backbone().items()}
        after = load_file(folder / "body.safetensors")
        assert any(not np.array_equal(after[name], values) for name, values in before.items())


def test_a_model_with_a_head_can_be_distilled_too(tmp_path: Path) -> None:
    """Without modules, by the mean over tokens; its head is exported as it was."""
    run = small_run(tmp_path, "roberta")
    adapt_run(run, name="mine", parallel=parallel_of(tmp_path), config=options(train=Trained.ALL))
    assert open_training(run, "mine").manifest["config"]["objective"] == "distill"
    assert export_state(run, "mine", tmp_path / "out").is_dir()


# --- interruption -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [1, 5])
def test_an_interruption_leaves_no_trace(
    stop: int, run: RunFolder, pairs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    config = options(train=Trained.EMBEDDINGS_FIRST, first_share=0.5)
    whole = adapt_run(run, name="whole", parallel=pairs, config=config)
    with pytest.raises(KeyboardInterrupt):
        adapt_run(run, name="parts", parallel=pairs, config=config, progress=interrupted_at(stop))
    assert unfinished(run, "parts")
    with monkeypatch.context() as patch:  # what the teacher said is kept
        patch.setattr(distill.SentenceEncoder, "encode", None)
        parts = adapt_run(run, name="parts", parallel=pairs, config=config, resume=True)
    for name in (*WEIGHTS, "curve.parquet", "tokens.parquet", "read_lines.safetensors"):
        assert (whole / name).read_bytes() == (parts / name).read_bytes()
    assert sorted(p.name for p in whole.iterdir()) == sorted(p.name for p in parts.iterdir())
    assert changes_of(whole) == changes_of(parts) == Changes()


def test_other_pairs_or_columns_do_not_go_on(run: RunFolder, pairs: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        adapt_run(run, name="mine", parallel=pairs, config=options(), progress=interrupted_at(2))
    columns = {"source_column": "2", "target_column": "1"}
    with pytest.raises(RunFolderError, match="--parallel"):
        adapt_run(run, name="mine", parallel=pairs, config=options(), resume=True, **columns)


def test_a_loss_that_runs_away_is_stopped(tmp_path: Path, pairs: Path) -> None:
    from tests.tiny_encoders import tiny_encoder

    run = encoder_run(tmp_path, tiny_encoder(tmp_path / "plain", ("Pooling", "Dense")))
    state = {"calls": 0}
    real = distill.squared_distances

    def rising(*given: Any) -> torch.Tensor:
        state["calls"] += 1
        return real(*given) * 1.5 ** state["calls"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distill, "squared_distances", rising)
        with pytest.raises(DivergedError, match=r"expected a falling loss, got .* squared distance at step"):
            adapt_run(run, name="mine", parallel=pairs, config=options(steps=100, evaluations=1))


# --- bad input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "objective", "said"),
    [
        ((), "distill", "--parallel: expected pairs of lines to distill from, in a .tsv file, got none"),
        (("corpus",), "distill", "--corpus: expected --parallel alone, got it; leave it out, or give --objective mlm"),
        (("corpus", "parallel"), "distill", "--corpus: expected --parallel alone, got both"),
        ((), None, "--corpus: expected a text to train on, got none; name a file with --corpus"),
        (("parallel",), None, "--parallel: expected --corpus alone, got it; leave it out, or give --objective distill"),
        (("corpus", "parallel"), "mlm", "--parallel: expected --corpus alone, got both"),
    ],
)
def test_a_text_or_pairs(
    given: tuple[str, ...], objective: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, status 2, and nothing is written."""
    run = encoder_run(tmp_path)
    files = {"corpus": corpus_of(tmp_path), "parallel": parallel_of(tmp_path)}
    words = [word for name in given for word in (f"--{name}", str(files[name]))]
    words += ["--objective", objective] if objective else []
    capsys.readouterr()  # transformers says that it saved the model
    assert main.run(["adapt", str(run.path), "--name", "mine", "--steps", "1", *words]) == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert "\n" not in error
    assert not (run.path / "training").exists()


def test_too_few_pairs_and_a_file_without_tabs(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="at least 100 different pairs"):
        adapt_run(run, name="mine", parallel=parallel_of(tmp_path, 60), config=options())
    path = tmp_path / "lines.tsv"
    path.write_text("a line\n" * 200)
    with pytest.raises(CorpusError, match="expected two columns"):
        adapt_run(run, name="mine", parallel=path, config=options())
    assert not (run.path / "training" / "mine.part").exists()


def test_a_source_without_an_encoder(tmp_path: Path, pairs: Path) -> None:
    from tests.unit.export.test_side_files import made, static

    run = made(static(tmp_path / "source"), tmp_path)
    with pytest.raises(InvalidInputError, match="got embeddings without a backbone; make the run from a model that"):
        adapt_run(run, name="mine", parallel=pairs, config=options())


def test_an_encoder_without_a_head_is_told_of_distillation(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="a model that predicts tokens"):
        adapt_run(run, name="mine", corpus=[corpus_of(tmp_path)], config=replace(options(), objective=None))
