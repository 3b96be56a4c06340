"""Where a sentence-transformers folder keeps its model, and which modules cannot travel with another vocabulary."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from focus_core.errors import ModelError
from focus_core.models.sentence_modules import model_folder, read_modules
from focus_core.models.source import load_source
from focus_core.tokenization.vocabulary import load_vocabulary
from tests.tiny_models import tiny_model

TRANSFORMER = "sentence_transformers.models.Transformer"
POOLING = "sentence_transformers.models.Pooling"


def write_modules(folder: Path, *modules: tuple[str, str]) -> None:
    entries = [{"idx": i, "name": str(i), "path": path, "type": kind} for i, (kind, path) in enumerate(modules)]
    (folder / "modules.json").write_text(json.dumps(entries))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model("bert", tmp_path_factory.mktemp("sound") / "model")


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """A model with a pooling that its modules name."""
    copy = shutil.copytree(sound, tmp_path / "encoder")
    (copy / "1_Pooling").mkdir()
    (copy / "1_Pooling" / "config.json").write_text('{"word_embedding_dimension": 16}')
    write_modules(copy, (TRANSFORMER, ""), (POOLING, "1_Pooling"))
    return copy


def refusal(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_source(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_model_in_a_folder_inside_is_found_by_the_outer_name(sound: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    shutil.copytree(sound, outer / "0_Transformer")
    write_modules(outer, (TRANSFORMER, "0_Transformer"))
    source = load_source(outer)
    assert (source.name, source.root, source.folder) == ("outer", outer, outer / "0_Transformer")
    assert torch.equal(source.input, load_source(sound).input)
    vocabulary = load_vocabulary(outer)
    assert (vocabulary.name, vocabulary.digest) == ("outer", load_vocabulary(sound).digest)


@pytest.mark.parametrize("path", ["", ".", "./"])
def test_a_model_in_the_folder_itself(path: str, folder: Path) -> None:
    write_modules(folder, (TRANSFORMER, path), (POOLING, "1_Pooling"))
    assert model_folder(folder).resolve() == folder.resolve()
    source = load_source(folder)
    assert source.root == folder


def test_a_folder_without_modules_is_its_own_model(tmp_path: Path) -> None:
    assert read_modules(tmp_path) == ()
    assert model_folder(tmp_path) == tmp_path


@pytest.mark.parametrize("path", ["..", "../other", "/etc", "a/../../b", "a/b", "C:\\x", "~", ".hidden"])
def test_a_path_that_leads_elsewhere_is_refused(path: str, folder: Path) -> None:
    for modules in ([(TRANSFORMER, path)], [(TRANSFORMER, ""), (POOLING, path)]):
        write_modules(folder, *modules)
        assert f"expected paths inside the folder, got {path!r}" in refusal(folder)


@pytest.mark.parametrize(
    "content", ["{}", "[]", "[1]", "[{}]", '[{"type": 1, "path": ""}]', '[{"type": "a"}]', "{", "1"]
)
def test_modules_of_another_form_are_refused(content: str, folder: Path) -> None:
    (folder / "modules.json").write_text(content)
    assert refusal(folder).startswith("modules.json: expected")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("sentence_transformers.models.WordWeights", "models.WordWeights; give a model without it"),
        ("sentence_transformers.sparse_encoder.models.SpladePooling", "SpladePooling; give"),
        ("custom_st.Pooling", "custom_st.Pooling, which needs code from elsewhere that is never run; give"),
        ("os.system", "os.system, which needs code from elsewhere"),
    ],
)
def test_modules_that_know_tokens_or_need_code_are_refused(kind: str, said: str, folder: Path) -> None:
    write_modules(folder, (TRANSFORMER, ""), (kind, "1_Pooling"))
    text = refusal(folder)
    assert said in text
    assert "remove modules.json" in text


@pytest.mark.parametrize("kind", ["WordEmbeddings", "BoW", "CLIPModel", "Router"])
def test_a_first_module_without_a_tokenizer_of_the_usual_kind_is_refused(kind: str, folder: Path) -> None:
    write_modules(folder, (f"sentence_transformers.models.{kind}", ""))
    assert "a first module that has a tokenizer and embeddings (Transformer, StaticEmbedding)" in refusal(folder)


def test_a_module_without_its_files_is_refused(folder: Path) -> None:
    (folder / "1_Pooling" / "config.json").unlink()
    assert "1_Pooling/config.json, for Pooling, got no such file" in refusal(folder)


def test_weights_of_a_module_are_no_pickle(folder: Path) -> None:
    """The file is never opened."""
    dense: dict[str, Any] = {"in_features": 16, "out_features": 4}
    write_modules(folder, (TRANSFORMER, ""), (POOLING, "1_Pooling"), ("sentence_transformers.models.Dense", "2_Dense"))
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "config.json").write_text(json.dumps(dense))
    assert "2_Dense of encoder: expected model.safetensors of Dense, got no weights" in refusal(folder)
    (folder / "2_Dense" / "pytorch_model.bin").write_bytes(b"x")
    assert "pytorch_model.bin, a pickle" in refusal(folder)
    save_file({"linear.weight": torch.zeros(4, 16)}, folder / "2_Dense" / "model.safetensors")
    assert load_source(folder).has_backbone


@pytest.mark.parametrize(
    "name", ["1_Pooling/config.json", "sentence_bert_config.json", "config_sentence_transformers.json"]
)
def test_settings_that_cannot_be_read_are_refused_before_the_run(name: str, folder: Path) -> None:
    for text in ("[1]", "{", "[" * 100_000):
        (folder / name).write_text(text)
        assert refusal(folder).startswith(f"{Path(name).name}: expected a JSON object")


def test_damaged_weights_of_a_module_are_refused_before_the_run(folder: Path) -> None:
    write_modules(folder, (TRANSFORMER, ""), (POOLING, "1_Pooling"), ("sentence_transformers.models.Dense", "2_Dense"))
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "config.json").write_text("{}")
    (folder / "2_Dense" / "model.safetensors").write_bytes(b"")
    assert "model.safetensors: expected a sound safetensors file, got an empty file" in refusal(folder)
