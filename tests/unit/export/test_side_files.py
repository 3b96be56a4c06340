"""Sentence encoders are exported whole: the library itself loads them, and copied tokens mean what they meant."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, normalizers

from focus_core.errors import ModelError
from focus_core.export.model_folder import export_model
from focus_core.export.side_files import CASED_AND_LOWERED
from focus_core.runs.folder import RunFolder
from tests.tiny_models import HIDDEN, target_tokenizer, tiny_model, tiny_tokenizer
from tests.tiny_runs import tiny_run

SHARED = ["market the farmer", "the a market", "a"]
"""Texts whose words both vocabularies have."""


@pytest.fixture(scope="module")
def encoder_class() -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer


def encode(encoder_class: Any, folder: Path, texts: list[str] = SHARED) -> np.ndarray:
    vectors: np.ndarray = encoder_class(str(folder), device="cpu", local_files_only=True).encode(texts)
    return vectors


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value))


def encoder(folder: Path, place: str = "") -> Path:
    """Write a BERT with mean pooling, a dense layer and lengths of 1, as the library does; ``place`` as it did once."""
    tiny_model("bert", folder / place)
    write_json(folder / place / "sentence_bert_config.json", {"max_seq_length": 32, "do_lower_case": False})
    write_json(
        folder / "config_sentence_transformers.json", {"prompts": {"query": "the "}, "similarity_fn_name": "dot"}
    )
    write_json(
        folder / "1_Pooling" / "config.json", {"word_embedding_dimension": HIDDEN, "pooling_mode_mean_tokens": True}
    )
    dense = {
        "in_features": HIDDEN,
        "out_features": 4,
        "bias": True,
        "activation_function": "torch.nn.modules.activation.Tanh",
    }
    write_json(folder / "2_Dense" / "config.json", dense)
    generator = torch.Generator().manual_seed(3)
    weights = {"linear.weight": torch.randn(4, HIDDEN, generator=generator), "linear.bias": torch.ones(4)}
    save_file(weights, folder / "2_Dense" / "model.safetensors")
    names = [("Transformer", place), ("Pooling", "1_Pooling"), ("Dense", "2_Dense"), ("Normalize", "3_Normalize")]
    write_modules(folder, names)
    (folder / "README.md").write_text("of the source")
    (folder / "2_Dense" / "pytorch_model.bin").write_bytes(b"never copied")
    return folder


def static(folder: Path, place: str = "", name: str = "embedding.weight") -> Path:
    """Write static embeddings, as the library or Model2Vec does."""
    tiny_tokenizer("bert", folder / place)
    n = Tokenizer.from_file(str(folder / place / "tokenizer.json")).get_vocab_size()
    save_file(
        {name: torch.randn(n, 4, generator=torch.Generator().manual_seed(3))}, folder / place / "model.safetensors"
    )
    write_modules(folder, [("StaticEmbedding", place or "."), ("Normalize", "1_Normalize")])
    return folder


def model2vec(folder: Path) -> Path:
    write_json(static(folder, name="embeddings") / "config.json", {"model_type": "model2vec", "tokenizer_name": "x"})
    return folder


def write_modules(folder: Path, names: list[tuple[str, str]]) -> None:
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{name}"}
        for i, (name, path) in enumerate(names)
    ]
    write_json(folder / "modules.json", modules)


def made(source: Path, tmp_path: Path, target: Path | None = None, **options: Any) -> RunFolder:
    return tiny_run(tmp_path / "run", source, target or target_tokenizer("bert", tmp_path / "target"), **options)[0]


FORMS: dict[str, Callable[[Path], Path]] = {
    "model in the folder": encoder,
    "model in a folder inside": lambda folder: encoder(folder, "0_Transformer"),
    "static": static,
    "static in a folder inside": lambda folder: static(folder, "0_StaticEmbedding"),
    "model2vec": model2vec,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("extend", [False, True])
def test_the_library_loads_the_export_and_copied_tokens_mean_the_same(
    form: str, extend: bool, tmp_path: Path, encoder_class: Any
) -> None:
    source = FORMS[form](tmp_path / "source")
    run = made(source, tmp_path, extend=extend)
    folder = export_model(run, tmp_path / "out")
    before, after = encode(encoder_class, source), encode(encoder_class, folder)
    assert np.abs(before - after).max() < 1e-6
    assert not np.allclose(*after[:2])


def test_everything_that_the_modules_name_comes_along_and_nothing_else(tmp_path: Path) -> None:
    source = encoder(tmp_path / "source", "0_Transformer")
    folder = export_model(made(source, tmp_path), tmp_path / "out")
    inside = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert inside == [
        "1_Pooling/config.json",
        "2_Dense/config.json",
        "2_Dense/model.safetensors",
        "README.md",
        "config.json",
        "config_sentence_transformers.json",
        "model.safetensors",
        "modules.json",
        "sentence_bert_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert [module["path"] for module in json.loads((folder / "modules.json").read_text())] == [
        "", "1_Pooling", "2_Dense", "3_Normalize",
    ]  # fmt: skip
    for name in ("1_Pooling/config.json", "config_sentence_transformers.json", "2_Dense/model.safetensors"):
        assert (folder / name).read_bytes() == (source / name).read_bytes()
    assert "of the source" not in (folder / "README.md").read_text()


def test_transformers_loads_the_same_folder(tmp_path: Path) -> None:
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    folder = export_model(made(encoder(tmp_path / "source", "0_Transformer"), tmp_path), tmp_path / "out")
    model = AutoModelForMaskedLM.from_pretrained(folder)
    assert len(AutoTokenizer.from_pretrained(folder)) == model.get_input_embeddings().num_embeddings


def uncased(folder: Path) -> Path:
    """Return a target tokenizer that lower-cases by itself."""
    target = target_tokenizer("bert", folder)
    tokenizer = Tokenizer.from_file(str(target / "tokenizer.json"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.save(str(target / "tokenizer.json"))
    return target


@pytest.mark.parametrize("where", ["itself", "tokenizer_args"])
@pytest.mark.parametrize("case", ["cased", "uncased", "extended"])
def test_lower_casing_outside_the_tokenizer_gives_way_to_a_cased_one(where: str, case: str, tmp_path: Path) -> None:
    """Else no token with a capital letter of the new vocabulary would ever be read."""
    source = encoder(tmp_path / "source")
    lowered = {"do_lower_case": True}
    own = {"max_seq_length": 32, **(lowered if where == "itself" else {where: lowered})}
    write_json(source / "sentence_bert_config.json", own)
    target = uncased(tmp_path / "target") if case == "uncased" else None
    folder = export_model(made(source, tmp_path, target, extend=case == "extended"), tmp_path / "out")
    written = json.loads((folder / "sentence_bert_config.json").read_text())
    switched_off = case == "cased"
    assert (written | written.get(where, {}))["do_lower_case"] is not switched_off
    assert written["max_seq_length"] == 32
    said = CASED_AND_LOWERED.split("(")[0]
    assert (said in (folder / "README.md").read_text()) is switched_off


def test_an_export_never_half_copies_modules(tmp_path: Path) -> None:
    """What was there at `init` and is gone at the export is named; no folder comes to be."""
    source = encoder(tmp_path / "source")
    run = made(source, tmp_path)
    (source / "2_Dense" / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="2_Dense of source"):
        export_model(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()
