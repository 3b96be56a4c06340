"""A run as a model: predictions at chosen places, what belongs to tokens, and the folder of a trained state."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch

from focus_core.api import run_to_folder
from focus_core.errors import InvalidInputError, RunFolderError
from focus_core.export.model_folder import export_model
from focus_core.export.run_model import export_state, load_model_folder, load_run_model
from focus_core.initialization.config import InitConfig
from focus_core.initialization.request import InitRequest
from focus_core.runs.folder import RunFolder
from focus_core.runs.targets import split_target
from focus_core.training.options import TrainConfig, Trained
from focus_core.training.train import adapt_run
from tests.tiny_models import FAMILIES, MASKED, TARGET_LINES, target_tokenizer, tiny_model
from tests.tiny_runs import tiny_run


def small_run(folder: Path, family: str, **options: object) -> RunFolder:
    """Make a whole run of a tiny model by a method that needs no vectors."""
    request = InitRequest(
        source=str(tiny_model(family, folder / "model")),
        target_tokenizer=str(target_tokenizer(family, folder / "target")),
        config=InitConfig(method="overlap", **options),  # type: ignore[arg-type]
    )
    return run_to_folder(request, folder / "run")


def corpus_of(folder: Path, n: int = 300) -> Path:
    """Write lines that differ, in the words that the tiny tokenizers know."""
    words = " ".join(TARGET_LINES).split()
    lines = [
        " ".join(words[(i * 7 + j * (1 + i % 5)) % len(words)] for j in range(6 + i % 5)) + f" {i}" for i in range(n)
    ]
    path = folder / "text.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("family", FAMILIES)
def test_predictions_at_chosen_places_are_those_of_the_whole_pass(family: str, tmp_path: Path) -> None:
    found = load_run_model(small_run(tmp_path, family))
    assert found.objective == ("mlm" if family in MASKED else "clm")
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, found.vocabulary.n, (3, 7), generator=generator)
    chosen = torch.rand(ids.shape, generator=generator) < 0.4
    attention = torch.ones_like(ids)
    attention[2, 5:] = 0
    with torch.no_grad():
        whole = found.model(input_ids=ids, attention_mask=attention).logits[chosen]
        at = found.logits_at(ids, chosen, attention)
    assert at.shape == (int(chosen.sum()), found.vocabulary.n)
    torch.testing.assert_close(at, whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("extend", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "form", [{}, {"dtype": torch.bfloat16}, {"max_shard_size": "4KB"}], ids=["float32", "bfloat16", "sharded"]
)
def test_a_run_model_is_the_exported_one_without_its_folder(
    family: str, tied: bool, extend: bool, form: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every tensor bit for bit, the configuration, and what is tied to what; nothing is written on the way."""
    folder = tiny_model(family, tmp_path / "model", tied=tied, **form)
    run, _, _ = tiny_run(tmp_path / "run", folder, target_tokenizer(family, tmp_path / "target"), extend=extend)
    loaded = load_model_folder(export_model(run, tmp_path / "out")).model
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    built = load_run_model(run).model
    assert type(built) is type(loaded)
    ours, theirs = built.state_dict(), loaded.state_dict()
    assert list(ours) == list(theirs)
    for name, tensor in theirs.items():
        assert ours[name].dtype == tensor.dtype == torch.float32
        assert torch.equal(ours[name].view(torch.int32), tensor.view(torch.int32)), name
    assert configuration(built) == configuration(loaded)
    assert sharing(built) == sharing(loaded), "tied alike, and nothing else lies in one place"
    assert not built.training


def sharing(model: Any) -> list[list[str]]:
    """Return the names of parameters that lie in the same memory, together."""
    together: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        together.setdefault(parameter.data_ptr(), []).append(name)
    return sorted(together.values())


def configuration(model: Any) -> dict[str, Any]:
    """Return a model's configuration without the place it was read from."""
    return {key: value for key, value in model.config.to_dict().items() if key != "_name_or_path"}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_parameter_is_an_embedding_or_the_backbone(family: str, tmp_path: Path) -> None:
    run = small_run(tmp_path, family)
    found = load_run_model(run)
    assert set(found.matrices()) == set(run.matrix_names())
    both = {id(p) for p in found.matrices().values()} | {id(p) for p in found.backbone().values()}
    assert both == {id(p) for p in found.model.parameters()}
    for name, parameter in found.matrices().items():
        assert torch.equal(parameter.detach(), torch.from_numpy(run.rows(name, slice(None))))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("train", list(Trained))
def test_a_trained_state_is_exported_and_loads_again(family: str, train: Trained, tmp_path: Path) -> None:
    run = small_run(tmp_path, family)
    config = TrainConfig(
        steps=6, batch_tokens=64, max_seq_length=16, train=train, learning_rate=1e-2, evaluations=1, snapshots=0
    )
    adapt_run(run, name="mine", corpus=[corpus_of(tmp_path)], config=config)
    trained = load_run_model(run, trained="mine")
    loaded = load_model_folder(export_state(run, "mine", tmp_path / "out"))
    ids = torch.arange(5, 12)[None]
    with torch.no_grad():
        assert torch.equal(loaded.model(input_ids=ids).logits, trained.model(input_ids=ids).logits)
        initial = load_run_model(run).model(input_ids=ids).logits
    assert not torch.equal(initial, trained.model(input_ids=ids).logits)
    assert (tmp_path / "out" / "tokenizer.json").is_file()
    assert "mine" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")


def test_a_training_that_kept_no_backbone_is_no_model(tmp_path: Path) -> None:
    run = small_run(tmp_path, "bert")
    config = TrainConfig(steps=2, batch_tokens=64, max_seq_length=16, evaluations=1)
    folder = adapt_run(run, name="mine", corpus=[corpus_of(tmp_path)], config=config)
    (folder / "body.safetensors").unlink()
    with pytest.raises(RunFolderError, match=r"embeddings alone, without the backbone.*; train it again"):
        load_run_model(run, trained="mine")
    (folder / "trained.safetensors").unlink()
    with pytest.raises(RunFolderError, match="a table and a curve alone, no embeddings"):
        export_state(run, "mine", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_model_without_a_head_cannot_be_trained(tmp_path: Path) -> None:
    import json

    run = small_run(tmp_path, "bert")
    folder = export_model(run, tmp_path / "out")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["BertModel"]}))
    with pytest.raises(InvalidInputError, match="a model that predicts tokens"):
        load_model_folder(folder)


def test_names_of_states(tmp_path: Path) -> None:
    odd = tmp_path / "a:b"
    odd.mkdir()
    assert split_target(str(odd)) == (odd, None)
    assert split_target(f"{odd}:adapted") == (odd, "adapted")
