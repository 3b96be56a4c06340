"""Trained embeddings from elsewhere: accepted where they are the run's, refused in one line where they are not."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from focus_core.artifacts import write_arrays
from focus_core.errors import InvalidInputError
from focus_core.export.model_folder import export_model
from focus_core.numerics.drift import token_change
from focus_core.runs.additions import list_trainings, open_training
from focus_core.runs.folder import RunFolder, open_run
from focus_core.training.import_checkpoint import copy_run, import_checkpoint
from tests.tiny_models import target_tokenizer, tiny_model
from tests.tiny_runs import add_training, tiny_run
from tests.toy_run import write_toy_run


@pytest.fixture(scope="module")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_run(tmp_path_factory.mktemp("attach") / "toy").path


@pytest.fixture
def run(toy_folder: Path, tmp_path: Path) -> RunFolder:
    return open_run(shutil.copytree(toy_folder, tmp_path / "toy"))


@pytest.fixture
def trained(run: RunFolder) -> np.ndarray:
    rows = run.embeddings()
    return rows + np.random.default_rng(5).normal(size=rows.shape).astype(np.float32)


def refusal(run: RunFolder, path: Path, *, leaves: Sequence[str] = (), **options: object) -> str:
    """Return the one line with which a file is refused; nothing may be left of the attempt."""
    with pytest.raises(InvalidInputError) as caught:
        import_checkpoint(run, path, **{"name": "mine", **options})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    folder = run.path / "training"
    assert (sorted(p.name for p in folder.iterdir()) if folder.exists() else []) == list(leaves)
    return str(caught.value)


def test_embeddings_are_imported_with_the_measures_of_every_token(run, trained, tmp_path):
    path = tmp_path / "trained.safetensors"
    write_arrays(path, {"input": trained})
    import_checkpoint(run, path, name="mine")
    assert list_trainings(run) == ["mine"]
    training = open_training(run, "mine")
    assert np.array_equal(training.embeddings(), trained)
    assert training.curve() is None
    present = np.ones(len(trained), dtype=bool)
    expected = token_change(run.embeddings(), trained, present=present)
    table = training.tokens()
    for name in ("cosine", "norm_ratio", "kept"):
        assert np.array_equal(table[name].to_numpy(), getattr(expected, name))
    manifest = training.manifest
    assert manifest["kind"] == "attached"
    assert manifest["config"] == manifest["corpus"] == manifest["result"] == {}
    assert manifest["run_digest"] == run.digest
    assert manifest["initialisation"] == {"method": "focus", "seed": 42}
    assert manifest["inputs"][0]["name"] == "trained.safetensors"
    assert len(manifest["inputs"][0]["sha256"]) == 64
    assert manifest["movement"]["mean_cosine"] == pytest.approx(float(expected.cosine.mean()))
    assert str(tmp_path) not in (training.path / "manifest.json").read_text()


def test_the_same_file_gives_the_same_bytes(run, trained, tmp_path):
    path = tmp_path / "trained.safetensors"
    write_arrays(path, {"input": trained})
    other = copy_run(run, tmp_path / "other")
    first, second = (import_checkpoint(r, path, name="mine") for r in (run, other))
    names = sorted(p.name for p in first.iterdir())
    assert names == ["manifest.json", "tokens.parquet", "trained.safetensors"]
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_every_float_type_is_kept(run, trained, tmp_path, dtype):
    path = tmp_path / "x.safetensors"
    given = torch.from_numpy(trained).to(dtype)
    save_file({"weight": given}, path)
    import_checkpoint(run, path, name="mine")
    assert torch.equal(torch.from_numpy(open_training(run, "mine").rows("input", slice(0, 9))), given[:9].float())
    assert load_file(run.path / "training" / "mine" / "trained.safetensors")["input"].dtype == dtype


def test_the_only_matrix_of_the_runs_shape_is_meant(run, trained, tmp_path):
    path = tmp_path / "x.safetensors"
    write_arrays(path, {"embeddings.weight": trained, "layer.weight": np.ones((8, 32), dtype=np.float32)})
    import_checkpoint(run, path, name="mine")
    assert open_training(run, "mine").manifest["inputs"][0]["tensor"] == "embeddings.weight"


def test_of_several_matrices_one_is_named(run, trained, tmp_path):
    path = tmp_path / "x.safetensors"
    write_arrays(path, {"a": run.embeddings(), "b": trained})
    message = refusal(run, path)
    assert "a 135 × 8, b 135 × 8" in message
    assert "name the tensor" in message
    assert "'c'" in refusal(run, path, tensor="c")
    import_checkpoint(run, path, name="mine", tensor="b")
    assert np.array_equal(open_training(run, "mine").embeddings(), trained)


def test_other_rows_and_another_width_are_said_with_both_numbers(run, trained, tmp_path):
    path = tmp_path / "x.safetensors"
    for matrix, got in ((trained[:-1], "134 × 8"), (trained[:, :7].copy(), "135 × 7"), (trained[0].copy(), "")):
        write_arrays(path, {"input": matrix})
        message = refusal(run, path)
        assert "135 embeddings" in message
        assert "8 columns" in message
        assert got in message


def test_padding_after_the_last_id_is_ignored_as_at_the_initialisation(run, trained, tmp_path):
    path = tmp_path / "x.safetensors"
    padded = np.concatenate([trained, np.full((57, 8), np.nan, dtype=np.float32)])  # 192 = 3 * 64
    write_arrays(path, {"input": padded})
    import_checkpoint(run, path, name="mine")
    training = open_training(run, "mine")
    assert np.array_equal(training.embeddings(), trained)
    assert (
        "There are 57 padding embeddings after the last id of the run (134); they are ignored."
        in (training.manifest["warnings"])
    )
    write_arrays(path, {"input": np.zeros((1025, 8), dtype=np.float32)})
    assert "got 1,025 × 8" in refusal(open_run(run.path), path, name="other", leaves=["mine"])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_that_are_not_finite_are_named(run, trained, tmp_path, bad):
    trained[7, 3] = bad
    path = tmp_path / "x.safetensors"
    write_arrays(path, {"input": trained})
    assert "NaN or infinity in 1 rows: 7" in refusal(run, path)


def test_a_pickle_is_never_read(run, tmp_path):
    """Reading it would leave a file behind."""
    trace = tmp_path / "trace"

    class Evil:
        def __reduce__(self):
            return (Path(trace).touch, ())

    for name in ("pytorch_model.bin", "x.pt", "x.pkl"):
        (tmp_path / name).write_bytes(pickle.dumps(Evil()))
        assert "pickle" in refusal(run, tmp_path / name)
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    shutil.copy(tmp_path / "pytorch_model.bin", folder)
    assert "pickle" in refusal(run, folder)
    assert not trace.exists()


@pytest.mark.parametrize("content", [b"", b"\x80\x04.", b"\x10\0\0\0\0\0\0\0{}", b"\xff" * 80])
def test_a_damaged_file_is_refused(run, tmp_path, content):
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    assert "x.safetensors" in refusal(run, path)


def test_what_is_not_there_is_refused(run, tmp_path):
    assert "no such file or folder" in refusal(run, tmp_path / "none.safetensors")
    (tmp_path / "x.txt").write_text("x")
    assert "a checkpoint folder or a .safetensors file" in refusal(run, tmp_path / "x.txt")
    (tmp_path / "empty").mkdir()
    assert "model.safetensors" in refusal(run, tmp_path / "empty")


def test_a_file_may_be_shown_under_another_name(run, tmp_path):
    path = tmp_path / "0123.safetensors"
    path.write_bytes(b"")
    message = refusal(run, tmp_path / "gone.safetensors", shown_name="upload.safetensors")
    assert message.startswith("upload.safetensors")


def test_a_name_that_is_taken_or_none_is_refused_before_anything_is_read(run, tmp_path):
    add_training(run, "one")
    for name in ("one", "../one", ""):
        with pytest.raises(InvalidInputError, match="another name"):
            import_checkpoint(run, tmp_path / "none", name=name)
    assert list_trainings(run) == ["one"]


def test_an_interrupt_leaves_nothing(run, trained, tmp_path):
    path = tmp_path / "x.safetensors"
    write_arrays(path, {"input": trained})

    def stop(stage: str, done: float, total: float, note: str = "") -> None:
        if stage != "read":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_checkpoint(run, path, name="mine", progress=stop)
    assert list_trainings(run) == []
    assert not list(run.path.rglob("*.part"))


# --- checkpoints ------------------------------------------------------------------------------------------------


@pytest.fixture(params=[("roberta", True), ("bert", False), ("gpt2", True)], ids=lambda p: f"{p[0]}-tied-{p[1]}")
def exported(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[RunFolder, Path]:
    """Return a run of a tiny model and the model folder that was exported from it, its weights moved."""
    family, tied = request.param
    model = tiny_model(family, tmp_path / "source", tied=tied)
    run, _, _ = tiny_run(tmp_path / "run", model, target_tokenizer(family, tmp_path / "target"))
    tokens = target_tokenizer(family, tmp_path / "again")
    _give_tokens(run, tokens)
    folder = export_model(run, tmp_path / "checkpoint", source=model)
    weights = load_file(folder / "model.safetensors")
    moved = {n: w + torch.linspace(0, 1, w.numel()).reshape(w.shape).to(w.dtype) for n, w in weights.items()}
    save_file(moved, folder / "model.safetensors", metadata={"format": "pt"})
    return run, folder


def _give_tokens(run: RunFolder, tokenizer: Path) -> None:
    """Let a tiny run, which holds no tables, know its tokens as a whole run does."""
    from focus_core.tokenization.vocabulary import load_vocabulary

    tokens = np.array(load_vocabulary(tokenizer).tokens, dtype=object)
    rows = run.embeddings()
    run.remember("column tokens.token", lambda: tokens)
    run.remember("column tokens.kind", lambda: np.full(len(tokens), "normal", dtype=object))
    run.remember("column tokens.origin", lambda: np.full(len(tokens), "combined", dtype=object))
    (run.path / "statistics.safetensors").unlink(missing_ok=True)
    write_arrays(run.path / "statistics.safetensors", {"mean": rows.mean(axis=0), "std": rows.std(axis=0)})


def test_a_checkpoint_folder_is_imported_with_all_embeddings_that_the_run_has(exported):
    run, folder = exported
    import_checkpoint(run, folder, name="mine")
    training = open_training(run, "mine")
    assert training.matrix_names() == run.matrix_names()
    assert training.manifest["inputs"][0]["role"] == "trained_model"
    for name in training.matrix_names():
        assert not np.array_equal(training.embeddings(name), run.embeddings(name)), name


def test_a_padded_checkpoint_folder_is_imported_without_its_padding(exported):
    run, folder = exported
    n = run.shapes()["input"][0]
    weights = load_file(folder / "model.safetensors")
    padded = {
        name: torch.cat([w, torch.ones(64 - n % 64, *w.shape[1:])]) if len(w) == n else w for name, w in weights.items()
    }
    save_file(padded, folder / "model.safetensors", metadata={"format": "pt"})
    import_checkpoint(run, folder, name="mine")
    training = open_training(run, "mine")
    assert training.matrix_names() == run.matrix_names()
    assert training.embeddings().shape == run.embeddings().shape
    assert any("padding embeddings" in word for word in training.manifest["warnings"])


def test_an_adapter_is_named_as_one(run, tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    tensors = {"base_model.model.model.layers.0.q_proj.lora_A.weight": torch.zeros(2, 8)}
    save_file(tensors, tmp_path / "adapter_model.safetensors")
    for path in (tmp_path, tmp_path / "adapter_model.safetensors"):
        message = refusal(run, path)
        assert "an adapter of PEFT" in message
        assert "merge_and_unload()" in message


def test_a_checkpoint_with_another_vocabulary_is_refused(exported):
    run, folder = exported
    column = run.column("tokens", "token").copy()
    column[-1] = "another"
    run._memory["column tokens.token"] = column
    message = refusal(run, folder)
    assert f"{len(column) - 1:,} of them the same at the same id" in message
    assert f"{len(column):,} tokens" in message


def test_a_checkpoint_without_a_tokenizer_is_taken_with_a_word(exported):
    run, folder = exported
    for path in folder.iterdir():
        if path.name not in {"config.json", "model.safetensors"}:
            path.unlink()
    import_checkpoint(run, folder, name="mine")
    assert any("no tokenizer" in word for word in open_training(run, "mine").manifest["warnings"])


def test_a_tied_checkpoint_of_an_untied_run_says_what_is_missing(tmp_path):
    model = tiny_model("bert", tmp_path / "source", tied=False)
    run, _, _ = tiny_run(tmp_path / "run", model, target_tokenizer("bert", tmp_path / "target"))
    _give_tokens(run, tmp_path / "target")
    assert "output" in run.matrix_names()
    path = tmp_path / "x.safetensors"
    write_arrays(path, {"input": run.embeddings() + np.float32(1)})
    import_checkpoint(run, path, name="mine")
    training = open_training(run, "mine")
    assert training.matrix_names() == ("input",)
    assert any("no output apart" in word for word in training.manifest["warnings"])


# --- copies -----------------------------------------------------------------------------------------------------


def test_a_copy_is_the_same_run_and_adding_to_it_leaves_the_original_alone(run, trained, tmp_path):
    add_training(run, "one", trained=trained)
    (run.path / "training" / "growing.part").mkdir()
    (run.path / "training" / ".hidden").mkdir()
    before = sorted(p.relative_to(run.path).as_posix() for p in run.path.rglob("*"))
    copy = copy_run(run, tmp_path / "copy")
    assert copy.digest == run.digest
    assert np.array_equal(copy.embeddings(), run.embeddings())
    assert list_trainings(copy) == ["one"]
    assert not (copy.path / "training" / "growing.part").exists()
    assert not (copy.path / "training" / ".hidden").exists()
    write_arrays(tmp_path / "x.safetensors", {"input": trained})
    import_checkpoint(copy, tmp_path / "x.safetensors", name="mine")
    assert sorted(p.relative_to(run.path).as_posix() for p in run.path.rglob("*")) == before
    shutil.rmtree(copy.path)
    assert open_run(run.path).tokens().num_rows == len(trained)


def test_a_copy_needs_no_hard_links(run, tmp_path, monkeypatch):
    def refuse(source: str, target: str) -> None:
        raise OSError("no links here")

    monkeypatch.setattr("focus_core.artifacts.os.link", refuse)
    assert copy_run(run, tmp_path / "copy").digest == run.digest


def test_a_copy_does_not_overwrite(run, tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(InvalidInputError, match="one that exists"):
        copy_run(run, tmp_path / "there")
