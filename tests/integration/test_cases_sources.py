"""Sources that once lost something or were refused in words about something else; a test for each case."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from focus_core.cli.main import run
from tests.integration.small_inputs import SmallInputs, make_small_inputs

POOLING = '{"word_embedding_dimension": 16, "pooling_mode_mean_tokens": true}'


@pytest.fixture
def inputs(tmp_path: Path) -> SmallInputs:
    return make_small_inputs(tmp_path, "bert")


def test_peft_folder(inputs: SmallInputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Named as an adapter, with what to do, as a source and for `import`; nothing is left."""
    (inputs.source / "model.safetensors").unlink()
    adapter = {"peft_type": "LORA", "base_model_name_or_path": "base", "modules_to_save": ["embed_tokens"]}
    (inputs.source / "adapter_config.json").write_text(json.dumps(adapter))
    tensors = {"base_model.model.model.embed_tokens.weight": torch.zeros(9, 16)}
    save_file(tensors, inputs.source / "adapter_model.safetensors")
    assert run(inputs.arguments(tmp_path / "run")) == 2
    (line,) = [text for text in capsys.readouterr().err.splitlines() if "%" not in text]
    assert "an adapter of PEFT, which changes another model; merge it into its base model" in line
    assert not [path for path in tmp_path.iterdir() if path.name.startswith((".run", "run"))]


def test_sentence_transformers_lost(inputs: SmallInputs, tmp_path: Path) -> None:
    """Modules and settings travel with `modules.json`, with a trained state too; the library encodes with both."""
    from sentence_transformers import SentenceTransformer

    source = inputs.source
    names = ("Transformer", "Pooling")
    modules = [
        {"idx": i, "name": str(i), "path": f"1_{name}" if i else "", "type": f"sentence_transformers.models.{name}"}
        for i, name in enumerate(names)
    ]
    (source / "modules.json").write_text(json.dumps(modules))
    (source / "1_Pooling").mkdir()
    (source / "1_Pooling" / "config.json").write_text(POOLING)
    (source / "sentence_bert_config.json").write_text('{"max_seq_length": 48}')
    made, text = tmp_path / "run", tmp_path / "text.txt"
    words = inputs.corpus.read_text(encoding="utf-8").split()
    lines = [" ".join(words[(i * 7 + j * (1 + i % 5)) % len(words)] for j in range(9)) + f" {i}" for i in range(300)]
    text.write_text("\n".join(lines), encoding="utf-8")
    assert run(inputs.arguments(made)) == 0
    adapt = ["adapt", str(made), "--name", "more", "--corpus", str(text), "--max-seq-length", "16"]
    assert run([*adapt, "--steps", "2", "--batch-tokens", "64", "--train", "embeddings"]) == 0
    encoded = []
    for state, folder in ((made, tmp_path / "out"), (f"{made}:more", tmp_path / "trained")):
        assert run(["export", str(state), str(folder)]) == 0
        encoder = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        assert encoder.max_seq_length == 48
        encoded.append(encoder.encode(["der Bauer", "the market"]))
        assert encoded[-1].shape == (2, 16)
    assert not np.allclose(*encoded)
    shutil.rmtree(tmp_path / "out" / "1_Pooling")
    with pytest.raises((OSError, TypeError, ValueError)):  # so the module is what makes it load
        SentenceTransformer(str(tmp_path / "out"), device="cpu", local_files_only=True)
