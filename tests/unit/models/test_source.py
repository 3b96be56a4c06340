"""Reading source models: the right tensors by name, and a clear refusal of everything that is not sound."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from focus_core.errors import ModelError
from focus_core.models.source import SourceModel, fit_to_vocabulary, load_embeddings_file, load_source
from focus_core.models.tensors import TensorFiles
from tests.tiny_models import FAMILIES, MASKED, tiny_model


def matrix(rows: int = 6, columns: int = 4) -> torch.Tensor:
    return torch.arange(rows * columns, dtype=torch.float32).reshape(rows, columns)


def edit_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def refuse(message: str, *arguments: Any, load: Any = load_embeddings_file) -> None:
    """Expect one line of ModelError that holds ``message``."""
    with pytest.raises(ModelError, match=message) as caught:
        load(*arguments)
    assert "\n" not in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_matrices_are_those_of_the_model(family: str, tied: bool, tmp_path: Path) -> None:
    """Input, output and bias equal what transformers' own model object holds; tied means no output of its own."""
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

    folder = tiny_model(family, tmp_path / "model", tied=tied)
    source = load_source(folder)
    auto = AutoModelForMaskedLM if family in MASKED else AutoModelForCausalLM
    model = auto.from_pretrained(folder)
    head = model.get_output_embeddings()
    assert torch.equal(source.input, model.get_input_embeddings().weight)
    assert source.tied is tied
    assert source.has_head
    assert source.has_backbone
    if source.output is not None:
        assert torch.equal(source.output, head.weight)
    assert (source.bias is not None) is (family in MASKED)
    if source.bias is not None:
        assert torch.equal(source.bias, head.bias)
        assert source.bias.abs().min() > 0


def test_reading_takes_no_memory_for_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model is built on the meta device, and nothing but what follows the vocabulary is read."""
    folder = tiny_model("bert", tmp_path / "model")
    read: list[str] = []
    original = TensorFiles.read

    def reading(self: TensorFiles, name: str) -> torch.Tensor:
        read.append(name)
        return original(self, name)

    monkeypatch.setattr(TensorFiles, "read", reading)
    load_source(folder)
    assert set(read) == {"bert.embeddings.word_embeddings.weight", "cls.predictions.bias"}


def test_architecture_that_nobody_knows(tmp_path: Path) -> None:
    folder = tiny_model("gpt2", tmp_path / "model")
    edit_config(folder, model_type="never-heard-of", architectures=["NeverHeardOf"])
    refuse("an architecture of the transformers library", folder, load=load_source)


def test_code_in_the_folder_is_never_run(tmp_path: Path) -> None:
    """`auto_map` asks for code from the folder; the file beside it would leave a trace if it ran."""
    folder = tiny_model("gpt2", tmp_path / "model")
    trace = tmp_path / "trace"
    (folder / "code.py").write_text(f"open({str(trace)!r}, 'w')\nclass Config: ...\nclass Model: ...\n")
    edit_config(folder, model_type="own", auto_map={"AutoConfig": "code.Config", "AutoModel": "code.Model"})
    refuse("never run", folder, load=load_source)
    assert not trace.exists()


def test_sharded_folder(tmp_path: Path) -> None:
    whole = load_source(tiny_model("bert", tmp_path / "whole", tied=False))
    sharded = load_source(tiny_model("bert", tmp_path / "sharded", tied=False, max_shard_size="8KB"))
    assert len(list((tmp_path / "sharded").glob("*.safetensors"))) > 2
    assert torch.equal(whole.input, sharded.input)
    assert sharded.bias is not None
    assert whole.bias is not None
    assert torch.equal(whole.bias, sharded.bias)
    assert len(sharded.digest) == 64
    assert sharded.n_bytes == sum(p.stat().st_size for p in (tmp_path / "sharded").glob("*.safetensors"))


def test_missing_shard(tmp_path: Path) -> None:
    folder = tiny_model("bert", tmp_path / "model", max_shard_size="8KB")
    sorted(folder.glob("*.safetensors"))[0].unlink()
    refuse("shards beside it", folder, load=load_source)


def test_shard_name_that_leads_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    save_file({"embeddings": matrix()}, tmp_path / "other.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../other.safetensors"}}))
    refuse("shards beside it", folder, load=load_source)


def test_bfloat16_is_kept(tmp_path: Path) -> None:
    source = load_source(tiny_model("llama", tmp_path / "model", dtype=torch.bfloat16))
    assert source.input.dtype == torch.bfloat16
    assert source.messages == ()


def test_output_matrix_that_equals_the_input_is_tied(tmp_path: Path) -> None:
    """Files of older releases hold the tied matrix twice."""
    folder = tiny_model("bert", tmp_path / "model")
    tensors = load_file(folder / "model.safetensors")
    copy = tensors["bert.embeddings.word_embeddings.weight"].clone()
    save_file({**tensors, "cls.predictions.decoder.weight": copy}, folder / "model.safetensors")
    assert load_source(folder).tied


def test_output_matrix_that_differs_is_read_whatever_the_configuration_says(tmp_path: Path) -> None:
    folder = tiny_model("llama", tmp_path / "model", tied=False)
    edit_config(folder, tie_word_embeddings=True)
    source = load_source(folder)
    assert not source.tied
    assert "they differ" in source.messages[0]


def test_output_matrix_that_is_absent_is_tied_whatever_the_configuration_says(tmp_path: Path) -> None:
    folder = tiny_model("llama", tmp_path / "model", tied=True)
    edit_config(folder, tie_word_embeddings=False)
    assert load_source(folder).tied


def test_checkpoint_without_head(tmp_path: Path) -> None:
    """A bare encoder: names without the leading part, no bias, no head."""
    folder = tiny_model("bert", tmp_path / "model")
    tensors = load_file(folder / "model.safetensors")
    save_file({n.removeprefix("bert."): t for n, t in tensors.items() if "cls" not in n}, folder / "model.safetensors")
    edit_config(folder, architectures=["BertModel"])
    source = load_source(folder)
    assert source.bias is None
    assert not source.has_head
    assert source.tensor_names["input"] == ("embeddings.word_embeddings.weight",)


def test_only_a_pickle(tmp_path: Path) -> None:
    """The file is never opened: unpickling this one would fail the test."""

    class Trap:
        def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
            return pytest.fail, ("the pickle was read",)

    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps(Trap()))
    (tmp_path / "config.json").write_text("{}")
    refuse("pytorch_model.bin, a pickle.*convert", tmp_path, load=load_source)


def test_weights_without_config(tmp_path: Path) -> None:
    folder = tiny_model("bert", tmp_path / "model")
    (folder / "config.json").unlink()
    refuse("config.json beside the weights", folder, load=load_source)


def test_config_that_is_no_object(tmp_path: Path) -> None:
    folder = tiny_model("bert", tmp_path / "model")
    (folder / "config.json").write_text("[1]")
    refuse("a JSON object", folder, load=load_source)


def test_static_embeddings_int8_become_float32(tmp_path: Path) -> None:
    """int8 [-3, 0, 7] is float32 [-3., 0., 7.]: the integers themselves, no scale."""
    save_file({"embeddings": torch.tensor([[-3, 0, 7]], dtype=torch.int8)}, tmp_path / "model.safetensors")
    source = load_source(tmp_path)
    assert source.input.tolist() == [[-3.0, 0.0, 7.0]]
    assert source.input.dtype == torch.float32
    assert "int8" in source.messages[0]
    assert not source.has_backbone
    assert source.inputs[0]["role"] == "source_model"


def test_static_embeddings_whose_rows_are_shared(tmp_path: Path) -> None:
    """A quantised vocabulary maps ids to rows; row i is not token i."""
    tensors = {"embeddings": matrix(), "mapping": torch.zeros(9, dtype=torch.int64)}
    save_file(tensors, tmp_path / "model.safetensors")
    refuse("one embedding for every token id", tmp_path, load=load_source)


def test_real_static_embeddings(data_dir: Path) -> None:
    source = load_source(data_dir / "models" / "potion-base-4m-int8")
    assert tuple(source.input.shape) == (29_528, 128)
    assert source.input.dtype == torch.float32
    assert source.name == "potion-base-4m-int8"
    assert float(source.input.abs().max()) <= 128


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int8])
def test_npy(dtype: type, tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.arange(6).reshape(3, 2).astype(dtype))
    source = load_embeddings_file(tmp_path / "m.npy")
    assert source.input.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert source.input.is_floating_point()
    assert source.inputs[0]["role"] == "source_embeddings"
    assert not source.has_backbone


def test_tensor_name_may_be_left_out_where_there_is_one(tmp_path: Path) -> None:
    save_file({"x": matrix()}, tmp_path / "one.safetensors")
    save_file({"x": matrix(), "y": matrix() + 1}, tmp_path / "two.safetensors")
    assert torch.equal(load_embeddings_file(tmp_path / "one.safetensors").input, matrix())
    assert torch.equal(load_embeddings_file(tmp_path / "two.safetensors", "y").input, matrix() + 1)
    refuse("expected one tensor, got x 6 × 4, y 6 × 4", tmp_path / "two.safetensors")
    refuse("a tensor 'z', got x 6 × 4, y 6 × 4", tmp_path / "two.safetensors", "z")


def test_matrix_with_nan(tmp_path: Path) -> None:
    """The first three rows that are not finite are named."""
    broken = matrix()
    broken[2, 1], broken[5, 0] = float("nan"), float("inf")
    save_file({"x": broken}, tmp_path / "m.safetensors")
    refuse("NaN or infinity in 2 rows: 2, 5", tmp_path / "m.safetensors")
    np.save(tmp_path / "m.npy", broken.numpy())
    refuse("NaN or infinity in 2 rows: 2, 5", tmp_path / "m.npy")
    save_file({"x": broken.bfloat16()}, tmp_path / "half.safetensors")
    refuse("NaN or infinity in 2 rows: 2, 5", tmp_path / "half.safetensors")


def test_model_with_nan(tmp_path: Path) -> None:
    folder = tiny_model("bert", tmp_path / "model")
    tensors = load_file(folder / "model.safetensors")
    tensors["cls.predictions.bias"][4] = float("nan")
    save_file(tensors, folder / "model.safetensors")
    refuse("the output bias: expected finite numbers", folder, load=load_source)


def test_matrix_of_wrong_rank(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(3)}, tmp_path / "m.safetensors")
    refuse("a matrix of rank 2, got shape \\(3,\\)", tmp_path / "m.safetensors")
    np.save(tmp_path / "m.npy", np.zeros((2, 2, 2)))
    refuse("a matrix of rank 2, got shape \\(2, 2, 2\\)", tmp_path / "m.npy")


def test_matrix_of_truth_values(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(3, 2, dtype=torch.bool)}, tmp_path / "m.safetensors")
    refuse("expected numbers", tmp_path / "m.safetensors")


def test_bias_of_wrong_length(tmp_path: Path) -> None:
    folder = tiny_model("bert", tmp_path / "model")
    tensors = load_file(folder / "model.safetensors")
    tensors["cls.predictions.bias"] = tensors["cls.predictions.bias"][:-1].clone()
    save_file(tensors, folder / "model.safetensors")
    refuse("the output bias", folder, load=load_source)


def test_npy_header_that_lies(tmp_path: Path) -> None:
    """128 bytes that declare 3.6 TiB: refused by the size of the file, before anything is allocated."""
    path = tmp_path / "m.npy"
    with path.open("wb") as stream:
        header = {"descr": "<f4", "fortran_order": False, "shape": (10**6, 10**6)}
        np.lib.format.write_array_header_1_0(stream, header)
        stream.write(b"\0" * 64)
    refuse("a sound .npy file", path)


def test_npy_of_objects(tmp_path: Path) -> None:
    """An object array is a pickle."""
    np.save(tmp_path / "m.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    refuse("a sound .npy file", tmp_path / "m.npy")


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"not an array at all"])
def test_npy_that_is_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.npy").write_bytes(content)
    refuse("a sound .npy file", tmp_path / "m.npy")


def write_safetensors(path: Path, header: dict[str, Any], n_bytes: int) -> Path:
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"\0" * n_bytes)
    return path


def test_safetensors_header_that_lies(tmp_path: Path) -> None:
    """A shape that its bytes cannot hold, bytes that the file does not have, a header longer than the file."""
    huge = {"x": {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 16]}}
    refuse("a sound safetensors file", write_safetensors(tmp_path / "a.safetensors", huge, 16))
    beyond = {"x": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}
    refuse("a sound safetensors file", write_safetensors(tmp_path / "b.safetensors", beyond, 8))
    (tmp_path / "c.safetensors").write_bytes(struct.pack("<Q", 10**12) + b"{}")
    refuse("a sound safetensors file", tmp_path / "c.safetensors")


def test_safetensors_whose_tensors_overlap(tmp_path: Path) -> None:
    """Two tensors over the same bytes: the format's own reader refuses them."""
    one = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
    path = write_safetensors(tmp_path / "m.safetensors", {"x": one, "y": one}, 16)
    refuse("a sound safetensors file", path, "x")


@pytest.mark.parametrize("name", ["m.bin", "m.pt", "m.txt"])
def test_embeddings_file_of_another_kind(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"x")
    refuse("a .safetensors or .npy file", tmp_path / name)
    refuse("no such file; check the path", tmp_path / "missing.npy")
    refuse("a folder; name the file in it, or give a whole model with --source", tmp_path)


def test_of_many_tensors_the_largest_matrices_are_offered(tmp_path: Path) -> None:
    tensors = {f"layer{i}": torch.zeros(2, 2) for i in range(9)} | {"rows": torch.zeros(9, 2), "bias": torch.zeros(99)}
    save_file(tensors, tmp_path / "many.safetensors")
    refuse(
        "got rows 9 × 2, layer0 2 × 2, layer1 2 × 2, layer2 2 × 2, layer3 2 × 2; name one",
        tmp_path / "many.safetensors",
    )


def fitted(rows: int, n_ids: int) -> SourceModel:
    numbers = matrix(rows)
    whole = SourceModel(
        name="m", input=numbers, output=numbers + 1, bias=numbers[:, 0], digest="0" * 64, n_bytes=1, spec="m"
    )
    return fit_to_vocabulary(whole, n_ids)


def test_fewer_rows_than_ids() -> None:
    with pytest.raises(ModelError, match=r"at least 7 embeddings.*got shape \(6, 4\)"):
        fitted(6, 7)


@pytest.mark.parametrize(
    ("n_ids", "n_rows"),
    [
        (259, 384),  # ByT5
        (32_100, 32_128),  # T5
        (50_295, 51_200),  # Phi-2
        (151_646, 151_936),  # Qwen 1.5
        (250_680, 250_880),  # BLOOM
        (262_145, 262_208),  # Gemma 3
        (100_015, 102_400),  # DeepSeek-MoE
    ],
)
def test_padding_of_released_models_is_padding(n_ids: int, n_rows: int) -> None:
    whole = SourceModel(name="m", input=torch.empty(n_rows, 1), digest="0" * 64, n_bytes=1, spec="m")
    assert fit_to_vocabulary(whole, n_ids).n_rows == n_ids


@pytest.mark.parametrize(("n_ids", "n_rows"), [(50_257, 250_002), (29_528, 32_000), (1_024, 1_100), (5, 1_025)])
def test_far_more_rows_than_ids_are_those_of_another_tokenizer(n_ids: int, n_rows: int) -> None:
    whole = SourceModel(name="m", input=torch.empty(n_rows, 1), digest="0" * 64, n_bytes=1, spec="m")
    refuse(f"{n_rows:,}, as many as another tokenizer has", whole, n_ids, load=fit_to_vocabulary)


def test_more_rows_than_ids_are_padding() -> None:
    """Six rows for five ids: row 5 is ignored in every matrix, and a message says so."""
    source = fitted(6, 5)
    assert torch.equal(source.input, matrix()[:5])
    assert source.output is not None
    assert source.bias is not None
    assert torch.equal(source.output, matrix()[:5] + 1)
    assert source.bias.tolist() == [0, 4, 8, 12, 16]
    assert source.messages == ("The source has 1 padding embeddings after its last id (4); they are ignored.",)
    assert fitted(6, 6).messages == ()
