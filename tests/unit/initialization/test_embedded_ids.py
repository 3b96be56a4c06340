"""Added tokens after the last row of a model are read as absent; any other id without a row is not excused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file
from tokenizers import AddedToken, Tokenizer

from focus_core.api import run_to_folder
from focus_core.errors import ModelError
from focus_core.export.model_folder import export_model
from focus_core.initialization.config import InitConfig
from focus_core.initialization.embedded_ids import without_rowless_tokens
from focus_core.initialization.request import InitRequest
from focus_core.tokenization.vocabulary import load_vocabulary
from tests.tiny_models import FAMILIES, target_tokenizer, tiny_model


def with_image_token(folder: Path) -> int:
    """Add a token after the last row, as Gemma 3 does for models that read no images; return its id."""
    path = folder / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.add_special_tokens([AddedToken("<image_soft_token>", special=True)])
    tokenizer.save(str(path))
    return int(tokenizer.token_to_id("<image_soft_token>"))


@pytest.mark.parametrize("family", FAMILIES)
def test_an_added_token_without_a_row_is_left_out(family: str, tmp_path: Path) -> None:
    folder = tiny_model(family, tmp_path / "model")
    before = load_vocabulary(folder)
    n_rows = with_image_token(folder)
    assert before.n == n_rows
    after = without_rowless_tokens(load_vocabulary(folder), n_rows)
    assert (after.n, after.tokens, after.digest) == (n_rows, before.tokens, before.digest)
    assert max(after.backend.encode("milk <image_soft_token> eggs").ids) < n_rows
    assert "no embedding for 1 of its tokenizer's added tokens ('<image_soft_token>')" in after.notes[-1]


def test_nothing_changes_where_every_id_has_a_row_or_a_token_of_the_model_has_none(tmp_path: Path) -> None:
    vocabulary = load_vocabulary(tiny_model("bert", tmp_path / "model"))
    for n_rows in (vocabulary.n, vocabulary.n + 7, vocabulary.n - 1):
        assert without_rowless_tokens(vocabulary, n_rows) is vocabulary


@pytest.mark.parametrize("extend", [False, True])
def test_such_a_model_is_initialised_and_exported(extend: bool, tmp_path: Path) -> None:
    source = tiny_model("llama", tmp_path / "model")
    n_rows = with_image_token(source)
    target = target_tokenizer("llama", tmp_path / "target")
    config = InitConfig(method="overlap", extend=extend)
    run = run_to_folder(InitRequest(source=str(source), target_tokenizer=str(target), config=config), tmp_path / "run")
    assert run.manifest["source"]["n"] == n_rows
    assert any("<image_soft_token>" in word for word in run.manifest["warnings"])
    folder = export_model(run, tmp_path / "out")
    rows = load_file(folder / "model.safetensors")["model.embed_tokens.weight"]
    assert len(rows) == load_vocabulary(folder).n == json.loads((folder / "config.json").read_text())["vocab_size"]


def test_a_tokenizer_of_another_model_is_refused_as_before(tmp_path: Path) -> None:
    source = tiny_model("bert", tmp_path / "model")
    other = target_tokenizer("bert", tmp_path / "target")
    request = InitRequest(
        source=str(source),
        source_tokenizer=str(other),
        target_tokenizer=str(other),
        config=InitConfig(method="overlap"),
    )
    with pytest.raises(ModelError, match="give the tokenizer that belongs to these embeddings"):
        run_to_folder(request, tmp_path / "run")
    assert not (tmp_path / "run").exists()
