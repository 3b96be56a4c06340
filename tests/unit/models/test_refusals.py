"""What is no whole model is named as what it is, with a way out, before any weight is read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from focus_core.errors import ModelError
from focus_core.models.refusals import OTHER_WEIGHTS
from focus_core.models.source import load_embeddings_file, load_source
from tests.tiny_models import tiny_model


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model("bert", tmp_path_factory.mktemp("sound") / "model")


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return shutil.copytree(sound, tmp_path / "model")


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def refusal(folder: Path) -> str:
    """Return the one line with which a folder is refused."""
    with pytest.raises(ModelError) as caught:
        load_source(folder)
    text = str(caught.value)
    assert "\n" not in text
    assert caught.value.hint
    return text


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
@pytest.mark.parametrize("beside_a_model", [True, False])
def test_an_adapter_is_named_as_one(name: str, beside_a_model: bool, folder: Path) -> None:
    if not beside_a_model:
        (folder / "model.safetensors").unlink()
    (folder / name).write_text("{}")
    text = refusal(folder)
    assert f"{name}, an adapter of PEFT" in text
    assert "merge_and_unload()" in text


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("m-Q4_K_M.gguf", "a GGUF file"),
        ("pytorch_model.bin", "a pickle"),
        ("model.ckpt", "a pickle"),
        ("tf_model.h5", "TensorFlow"),
        ("flax_model.msgpack", "Flax"),
        ("model.onnx", "a graph for inference"),
        ("onnx/model.onnx", "a graph for inference"),
        ("vectors.npz", "an archive of arrays"),
        ("vectors.npy", "a matrix without a model"),
        ("model-00001-of-00002.safetensors", "a part of a model whose list of parts is missing"),
        ("consolidated.safetensors", "safetensors under another name"),
    ],
)
def test_other_files_of_weights_are_named_as_what_they_are(name: str, kind: str, folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"x")
    text = refusal(folder)
    assert f"got {name}, " in text
    assert kind in text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("model.safetensors", "one file of weights; give the folder that holds it, or a bare matrix with --source-emb"),
        ("m.gguf", "a GGUF file, which llama.cpp reads"),
        ("pytorch_model.bin", "a pickle, which can run code when it is read; convert it"),
        ("model.zip", "an archive; unpack it and give the folder"),
        ("tokenizer.json", "a file; give a local model folder or a Hub id"),
    ],
)
def test_a_file_in_place_of_a_folder_is_named_as_what_it_is(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"x")
    assert f"{name}: expected a model folder, got {said}" in refusal(tmp_path / name)


def test_files_of_other_programs_beside_a_sound_model_do_no_harm(folder: Path) -> None:
    for patterns, *_ in OTHER_WEIGHTS:
        (folder / patterns[0].replace("*", "x")).write_bytes(b"x")
    assert load_source(folder).has_backbone


def test_a_folder_without_weights_is_named_by_what_it_holds(tmp_path: Path) -> None:
    assert "got an empty folder; name the folder of a model" in refusal(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    assert "got a configuration alone; fetch the whole folder" in refusal(tmp_path)
    (tmp_path / "vocab.txt").write_text("[UNK]\n")
    text = refusal(tmp_path)
    assert "got a tokenizer alone" in text
    assert "--source-embeddings and this with --source-tokenizer" in text
    tiny_model("bert", tmp_path / "checkpoint-500")
    assert "weights in its folder checkpoint-500; name the folder checkpoint-500" in refusal(tmp_path)


def test_a_folder_of_something_else_is_named_by_some_of_its_files(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "c.txt", "d.txt"):
        (tmp_path / name).write_text("x")
    assert "got neither (a.txt, b.txt, c.txt …)" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("quantisation", "said"),
    [
        ({"quant_method": "gptq", "bits": 4}, "gptq, 4 bits"),
        ({"quant_method": "awq", "bits": 4}, "awq, 4 bits"),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, "fp8"),
        ({"quant_method": "mxfp4"}, "mxfp4"),
        ({"quant_method": "compressed-tensors", "config_groups": {"a": {"weights": {"num_bits": 8}}}}, "compressed-"),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "bitsandbytes, 8 bits"),
        ({"load_in_4bit": True}, "bitsandbytes, 4 bits"),
    ],
)
@pytest.mark.parametrize("nested", [True, False])
def test_quantised_weights_are_named_by_their_method(
    quantisation: dict[str, Any], said: str, nested: bool, folder: Path
) -> None:
    own = {"quantization_config": quantisation}
    edit(folder / "config.json", **({"text_config": own} if nested else own))
    text = refusal(folder)
    assert f"quantised weights ({said}" in text
    assert ("dequantize()" in text) == ("bitsandbytes" in said)


def test_quantised_weights_of_tools_with_a_file_of_their_own(folder: Path) -> None:
    (folder / "quantize_config.json").write_text("{}")
    assert "quantised weights (quantize_config.json)" in refusal(folder)


def test_code_of_the_folder_is_never_needed_silently(folder: Path) -> None:
    """A known type with a class that is none of transformers' would be read as another model."""
    own = {"auto_map": {"AutoModel": "code.Model"}}
    edit(folder / "config.json", **own)
    assert load_source(folder).has_backbone  # the class is in transformers too: that one is taken
    edit(folder / "config.json", architectures=["JumpingBertForMaskedLM"], **own)
    text = refusal(folder)
    assert "JumpingBertForMaskedLM, which needs code from the folder that is never run" in text
    edit(folder / "config.json", model_type="jumping", architectures=[], **own)
    assert "got jumping, which needs code" in refusal(folder)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_type": "jumping"}, "got 'jumping', which transformers 5."),
        ({"model_type": ["bert"]}, "got ['bert'], which transformers 5."),
        ({"model_type": None}, "got no model_type in its config.json"),
        ({"architectures": "BertForMaskedLM"}, "config.json: expected architectures: a list of names"),
        ({"architectures": [["BertForMaskedLM"]]}, "config.json: expected architectures: a list of names"),
    ],
)
def test_a_type_that_transformers_lacks_is_named(changes: dict[str, Any], said: str, folder: Path) -> None:
    edit(folder / "config.json", **changes)
    assert said in refusal(folder)


def test_weights_of_another_class_than_the_type_are_refused(folder: Path) -> None:
    """The class that is named takes other configurations than that of the type, which decides."""
    edit(folder / "config.json", model_type="gpt2")
    assert "weights of another class, or a part of them" in refusal(folder)


@pytest.mark.parametrize("name", ["pipeline", "AutoModel", "BertConfig", "__version__"])
def test_a_name_of_transformers_that_is_no_model_names_no_class(name: str, folder: Path) -> None:
    expected = load_source(folder)
    edit(folder / "config.json", architectures=[name])
    source = load_source(folder)
    assert torch.equal(source.input, expected.input)
    assert source.tensor_names == expected.tensor_names


def test_a_file_that_was_cut_off_says_so(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-100])
    assert "a file that is cut off: 100 bytes are missing at least; fetch or save it again" in refusal(folder)


def test_a_pointer_of_git_lfs_is_no_damaged_file(folder: Path) -> None:
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    assert "a pointer of Git LFS, in place of the file (`git lfs pull` fetches it)" in refusal(folder)
    (folder / "model.safetensors").write_text("")
    assert "an empty file" in refusal(folder)


@pytest.mark.parametrize("text", ["[1]", "{", "[" * 100_000, '{"a":' * 100_000, '"x"'])
def test_a_configuration_of_another_form(text: str, folder: Path) -> None:
    (folder / "config.json").write_text(text)
    assert "config.json: expected a JSON object" in refusal(folder)


def test_an_index_that_names_what_is_not_there(sound: Path, folder: Path) -> None:
    names = [*load_file(folder / "model.safetensors"), "lost.weight"]
    (folder / "model.safetensors").rename(folder / "a.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": dict.fromkeys(names, "a.safetensors")}))
    assert "1 that no shard holds, such as lost.weight" in refusal(folder)
    for value in ({}, [], {"a": 1}, {"a": ["b"]}, None):
        index.write_text(json.dumps({"weight_map": value}))
        assert "a JSON object with weight_map" in refusal(folder)
    index.write_text(json.dumps({"weight_map": {"a": "b.safetensors"}}))
    assert "'b.safetensors', which is not there" in refusal(folder)


@pytest.mark.parametrize("kind", ["float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu", "float4_e2m1fn_x2"])
def test_numbers_of_eight_bits_or_fewer_are_no_embeddings(kind: str, folder: Path, tmp_path: Path) -> None:
    """Elsewhere in a model they are left as they are; what they mean is told by scales that no name leads to."""
    small = torch.zeros(4, 2, dtype=torch.uint8).view(getattr(torch, kind))
    tensors = load_file(folder / "model.safetensors")
    save_file({**tensors, "other.weight": small}, folder / "model.safetensors", metadata={"format": "pt"})
    assert load_source(folder).has_backbone
    save_file({"x": small}, tmp_path / "m.safetensors")
    with pytest.raises(ModelError, match=f"at least 16 bits, got {kind}"):
        load_embeddings_file(tmp_path / "m.safetensors")
    (name,) = (n for n in tensors if n.endswith("word_embeddings.weight"))
    save_file({**tensors, name: small}, folder / "model.safetensors", metadata={"format": "pt"})
    assert f"got {kind}; name the model that it was quantised from" in refusal(folder)
