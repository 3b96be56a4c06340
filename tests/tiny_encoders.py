"""A small sentence encoder as sentence-transformers saves one, and pairs of lines that its tokenizers know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForMaskedLM, BertModel

from focus_core.api import run_to_folder
from focus_core.initialization.config import InitConfig
from focus_core.initialization.request import InitRequest
from focus_core.runs.folder import RunFolder
from tests.tiny_models import HIDDEN, SOURCE_LINES, TARGET_LINES, target_tokenizer, tiny_model

POOLING_MEAN = {"word_embedding_dimension": HIDDEN, "pooling_mode_mean_tokens": True}
TANH = "torch.nn.modules.activation.Tanh"
DENSE = {"in_features": HIDDEN, "out_features": 4, "bias": True, "activation_function": TANH}


def tiny_encoder(
    folder: Path,
    modules: tuple[str, ...] = ("Pooling", "Normalize"),
    *,
    pooling: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
) -> Path:
    """Write a BERT without a head and the modules that follow it."""
    tiny_model("bert", folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = BertModel(BertConfig.from_pretrained(folder))
    model.load_state_dict(BertForMaskedLM.from_pretrained(folder).bert.state_dict(), strict=False)
    model.save_pretrained(folder)
    entries = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    for i, kind in enumerate(modules, 1):
        place = folder / f"{i}_{kind}"
        place.mkdir()
        entries.append({"idx": i, "name": str(i), "path": place.name, "type": f"sentence_transformers.models.{kind}"})
        write_module(place, kind, pooling or POOLING_MEAN)
    (folder / "modules.json").write_text(json.dumps(entries))
    (folder / "sentence_bert_config.json").write_text(json.dumps(settings or {"max_seq_length": 32}))
    return folder


def write_module(place: Path, kind: str, pooling: dict[str, Any]) -> None:
    """Write configuration and weights of one module."""
    generator = torch.Generator().manual_seed(3)
    config: dict[str, Any] = {"Pooling": pooling, "Dense": DENSE, "LayerNorm": {"dimension": HIDDEN}}.get(kind, {})
    if config:
        (place / "config.json").write_text(json.dumps(config))
    weights = {
        "Dense": {"linear.weight": torch.randn(4, HIDDEN, generator=generator), "linear.bias": torch.ones(4)},
        "LayerNorm": {"norm.weight": torch.randn(HIDDEN, generator=generator), "norm.bias": torch.ones(HIDDEN)},
    }
    if kind in weights:
        save_file(weights[kind], place / "model.safetensors")


def encoder_run(folder: Path, source: Path | None = None) -> RunFolder:
    """Make a run of an encoder by a method that needs no vectors."""
    source = source or tiny_encoder(folder / "model")
    target = target_tokenizer("bert", folder / "target")
    request = InitRequest(source=str(source), target_tokenizer=str(target), config=InitConfig(method="overlap"))
    return run_to_folder(request, folder / "run")


def pairs_of(n: int = 300) -> list[tuple[str, str]]:
    """Return pairs of lines that all differ, in words that the tiny tokenizers know."""
    words = [" ".join(lines).split() for lines in (SOURCE_LINES, TARGET_LINES)]

    def line(i: int, side: int) -> str:
        chosen = words[side]
        return " ".join(chosen[(i * 7 + j * (1 + i % 5)) % len(chosen)] for j in range(3 + i % 7)) + f" {i}"

    return [(line(i, 0), line(i, 1)) for i in range(n)]


def parallel_of(folder: Path, n: int = 300, name: str = "pairs.tsv") -> Path:
    """Write such pairs to a file."""
    path = folder / name
    path.write_text("".join(f"{one}\t{other}\n" for one, other in pairs_of(n)), encoding="utf-8")
    return path
