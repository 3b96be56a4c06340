"""Every kind of state that a run can have: its card, its folder, its zip and its command tell of the same weights."""

from __future__ import annotations

import json
import shlex
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from focus_core.api import run_to_folder
from focus_core.artifacts import map_array, write_arrays
from focus_core.cli import main as cli
from focus_core.errors import RunFolderError
from focus_core.export.archive import zip_model
from focus_core.export.model_folder import export_model
from focus_core.export.parameters import BACKBONE, backbone_parameters, vocabulary_parameters
from focus_core.export.run_model import export_state, load_model_folder, load_run_model
from focus_core.export.states import Kind, model_states, state_of, states_left_out
from focus_core.initialization.config import InitConfig
from focus_core.initialization.request import InitRequest
from focus_core.runs.folder import RunFolder, open_run
from focus_core.training.import_checkpoint import copy_run, import_checkpoint
from focus_core.training.options import TrainConfig, Trained
from focus_core.training.train import adapt_run
from pages.export.model import export_command
from tests.tiny_models import target_tokenizer, tiny_model
from tests.unit.export.test_run_model import corpus_of, small_run

CONFIG = {"steps": 4, "batch_tokens": 64, "max_seq_length": 16, "learning_rate": 1e-2, "evaluations": 1, "snapshots": 0}
STATES = {
    None: (Kind.INITIALISED, "initialised with overlap and **not trained since**", True),
    "rows": (Kind.EMBEDDINGS, "**trained further**, the backbone frozen", True),
    "first": (Kind.EMBEDDINGS_FIRST, "**trained further**: the embeddings alone at first", False),
    "all": (Kind.ALL, "**trained further**, together with every other weight", False),
    "whole": (Kind.IMPORTED_WHOLE, "**trained elsewhere**; the trained model was imported whole", False),
}
"""Name, kind, what the card says of it, and whether every other weight is the source's."""
SOURCES = "Every other weight is the source's, unchanged."


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Return a run with every kind of training, and one that lacks its backbone."""
    folder = tmp_path_factory.mktemp("states")
    run, text = small_run(folder, "roberta"), corpus_of(folder)
    for name, train in (("rows", Trained.EMBEDDINGS), ("first", Trained.EMBEDDINGS_FIRST), ("all", Trained.ALL)):
        adapt_run(run, name=name, corpus=[text], config=TrainConfig(**CONFIG, train=train))
    checkpoint = moved(export_model(run, folder / "checkpoint"))
    import_checkpoint(run, checkpoint, name="whole", whole=True)
    import_checkpoint(run, checkpoint, name="lone")
    return run


def moved(folder: Path) -> Path:
    """Change every weight of a model folder, as training elsewhere would."""
    weights = {
        name: t + 0.01 * torch.linspace(0, 1, t.numel()).reshape(t.shape) for name, t in _weights(folder).items()
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", list(STATES))
def test_card_command_zip_and_folder_are_of_one_state(
    name: str | None,
    made: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kind, words, sources = STATES[name]
    assert state_of(made, name).kind is kind
    folder = export_state(made, name, tmp_path / "folder")

    with zipfile.ZipFile(zip_model(made, tmp_path / "zip", trained=name)) as packed:
        packed.extractall(tmp_path / "unpacked")
    assert contents(tmp_path / "unpacked" / "model") == contents(folder)

    training = next((t for t in model_states(made) if t.name == name), None)
    monkeypatch.setenv("FOCUS_LAB_RUNS", str(made.path.parent))
    shown = export_command(made, training).replace('"$FOCUS_LAB_RUNS"', str(made.path.parent))
    assert cli.run([*shlex.split(shown)[3:-1], str(tmp_path / "command")]) == 0
    capsys.readouterr()
    assert contents(tmp_path / "command") == contents(folder)

    card = (folder / "README.md").read_text(encoding="utf-8")
    assert words in card
    assert (SOURCES in card) is sources
    assert card.count("trained since") + card.count("**trained ") == 1, "one story, told once"
    assert (f"| name in the run | {name} |" in card) is (name is not None)
    assert ("Checked when this was exported:" in card) is (name is None), "training changes what was proven"
    assert ("Checked as initialised, before training:" in card) is (name is not None)

    loaded, state = load_model_folder(folder).model, load_run_model(made, trained=name).model
    found, source = backbone_parameters(loaded), backbone_parameters(load_run_model(made).model)
    same = [torch.equal(weight, source[key]) for key, weight in found.items() if "position" not in key]
    assert all(same) is sources
    for of in (vocabulary_parameters, backbone_parameters):
        for key, weight in of(state).items():
            assert torch.equal(of(loaded)[key], weight), key
    if training is not None:
        for key, weight in vocabulary_parameters(loaded).items():
            assert np.array_equal(weight.detach().numpy(), training.embeddings(key)), key


def test_the_card_of_a_training_says_how_it_was_trained(made: RunFolder, tmp_path: Path) -> None:
    card = (export_state(made, "first", tmp_path / "out") / "README.md").read_text(encoding="utf-8")
    result = json.loads((made.path / "training" / "first" / "manifest.json").read_text())["result"]
    for name, value in (
        ("trained", "embeddings first, then all"),
        ("objective", "mlm"),
        ("steps", "4"),
        ("held-out bits per character at end", f"{result['held_out_bits_end']:.3f}".rstrip("0")),
    ):
        assert f"| {name} | {value} |" in card, name
    imported = (export_state(made, "whole", tmp_path / "other") / "README.md").read_text(encoding="utf-8")
    assert "| imported from checkpoint | SHA-256 " in imported
    assert "| trained | not known |" in imported


def test_notes_of_the_export_are_on_every_card(tmp_path: Path) -> None:
    """A padding token that moved moves the positions, whether the model was trained since or not."""
    run = run_of(
        tiny_model("roberta", tmp_path / "model"), target_tokenizer("bert", tmp_path / "target"), tmp_path / "run"
    )
    adapt_run(run, name="mine", corpus=[corpus_of(tmp_path)], config=TrainConfig(**CONFIG | {"steps": 1}))
    for name in (None, "mine"):
        card = (export_state(run, name, tmp_path / f"out-{name}") / "README.md").read_text(encoding="utf-8")
        assert "positions from the padding id" in card


def run_of(source: Path, target: Path, output: Path, **options: object) -> RunFolder:
    config = InitConfig(method="overlap", **options)  # type: ignore[arg-type]
    return run_to_folder(InitRequest(source=str(source), target_tokenizer=str(target), config=config), output)


def test_what_is_no_whole_model_says_why(made: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (lone,) = states_left_out(made)
    assert lone.name == "lone"
    assert lone.kind is Kind.IMPORTED_EMBEDDINGS
    assert lone.why_not == "embeddings alone, without the backbone that they were trained with"
    assert {training.name for training in model_states(made)} == {"rows", "first", "all", "whole"}
    for words in (
        ["export", f"{made.path}:lone", str(tmp_path / "out")],
        ["pack", f"{made.path}:lone", "--output", str(tmp_path / "zip")],
    ):
        assert cli.run(words) == 2
        said = capsys.readouterr().err
        assert "training lone: expected one that keeps a whole model, got embeddings alone, without the" in said
        assert "import the checkpoint folder with --whole, under another name" in said
    assert list(tmp_path.iterdir()) == []


def test_a_training_that_began_elsewhere_is_measured_but_not_exported_as_this_runs(
    made: RunFolder, tmp_path: Path
) -> None:
    run = copy_run(made, tmp_path / "run")
    path = run.path / "training" / "all" / "manifest.json"
    manifest = json.loads(path.read_text())
    path.unlink()  # a copy shares its bytes with the run
    path.write_text(json.dumps(manifest | {"run_digest": "0" * 64}))
    with pytest.raises(RunFolderError, match=r"began from another run's embeddings; export it from that run"):
        export_state(run, "all", tmp_path / "out")
    assert load_run_model(run, trained="all").objective == "mlm"


def test_an_extended_run_says_that_its_new_tokens_were_initialised(tmp_path: Path) -> None:
    model, target = tiny_model("bert", tmp_path / "model"), target_tokenizer("bert", tmp_path / "target")
    run = run_of(model, target, tmp_path / "run", extend=True)
    adapt_run(run, name="mine", corpus=[corpus_of(tmp_path)], config=TrainConfig(**CONFIG))
    for name, story in ((None, "**not trained since**"), ("mine", "**trained further**")):
        card = (export_state(run, name, tmp_path / f"out-{name}") / "README.md").read_text(encoding="utf-8")
        assert "was extended by tokens of another; the embeddings of the new tokens were initialised" in card
        assert story in card


def test_embeddings_without_a_backbone_are_exported_trained_or_not(tmp_path: Path) -> None:
    model, target = tiny_model("bert", tmp_path / "model"), target_tokenizer("bert", tmp_path / "target")
    matrix = next(t for name, t in _weights(model).items() if name.endswith("word_embeddings.weight"))
    write_arrays(tmp_path / "matrix.safetensors", {"matrix": matrix})
    request = InitRequest(
        source_tokenizer=str(model),
        source_embeddings=tmp_path / "matrix.safetensors",
        target_tokenizer=str(target),
        config=InitConfig(method="overlap"),
    )
    run = run_to_folder(request, tmp_path / "run")
    trained = run.embeddings() + np.float32(0.25)
    write_arrays(tmp_path / "trained.safetensors", {"input": trained})
    import_checkpoint(run, tmp_path / "trained.safetensors", name="mine")
    assert [training.name for training in model_states(run)] == ["mine"]
    plain, out = export_state(run, None, tmp_path / "plain"), export_state(run, "mine", tmp_path / "out")
    assert {path.name for path in plain.iterdir()} == {path.name for path in out.iterdir()}
    for folder, rows, story in ((plain, run.embeddings(), "not trained since"), (out, trained, "trained elsewhere")):
        card = (folder / "README.md").read_text(encoding="utf-8")
        assert "There is no transformer backbone." in card
        assert f"**{story}**" in card
        (name,) = _weights(folder)
        assert np.array_equal(np.array(map_array(folder / "model.safetensors", name)[0]), rows)


def test_a_whole_import_is_refused_where_it_is_not_the_runs_model(made: RunFolder, tmp_path: Path) -> None:
    run = copy_run(made, tmp_path / "run")
    path = tmp_path / "x.safetensors"
    write_arrays(path, {"input": run.embeddings()})
    with pytest.raises(ValueError, match=r"--whole: expected a checkpoint folder, got x\.safetensors; name the folder"):
        import_checkpoint(run, path, name="new", whole=True)
    assert not (run.path / "training" / "new").exists()
    assert (run.path / "training" / "whole" / BACKBONE).is_file()
    assert open_run(run.path).digest == made.digest
