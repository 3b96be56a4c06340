"""A run as an encoder: what sentence-transformers computes of its export, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from focus_core.errors import InvalidInputError, ModelError
from focus_core.export.model_folder import export_model
from focus_core.export.pooling import SentenceHead, read_head
from focus_core.export.sentence_encoder import SentenceEncoder, load_run_encoder, load_source_encoder
from tests.tiny_encoders import DENSE, encoder_run, tiny_encoder
from tests.tiny_models import HIDDEN, SOURCE_LINES, TARGET_LINES
from tests.unit.export.test_run_model import small_run

TEXTS = [*TARGET_LINES, "Markt", "der Markt " * 40]
"""The last is longer than the encoder reads."""

MODES = ("cls_token", "max_tokens", "mean_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")
POOLINGS: dict[str, dict[str, Any]] = {mode: {f"pooling_mode_{mode}": True} for mode in MODES}
POOLINGS |= {
    "two of them": {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True},
    "as newer releases name it": {"pooling_mode": "cls", "embedding_dimension": HIDDEN},
    "two, newer": {"pooling_mode": ["mean", "max"], "embedding_dimension": HIDDEN},
    "nothing said": {},
}


@pytest.fixture(scope="module")
def library() -> Any:
    from sentence_transformers import SentenceTransformer

    return lambda folder, texts: SentenceTransformer(str(folder), device="cpu", local_files_only=True).encode(texts)


def ours(encoder: SentenceEncoder, texts: list[str]) -> np.ndarray:
    return encoder.encode(encoder.ids_of(texts))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_the_source_pooled_as_its_modules_say(pooling: str, library: Any, tmp_path: Path) -> None:
    """Both sides of padding: the texts are of different lengths and read together."""
    from focus_core.surgery.loading import load_float32
    from focus_core.tokenization.vocabulary import load_vocabulary

    config = {"word_embedding_dimension": HIDDEN} | POOLINGS[pooling]
    if "embedding_dimension" in config:
        del config["word_embedding_dimension"]
    folder = tiny_encoder(tmp_path / "model", ("Pooling",), pooling=config)
    encoder = SentenceEncoder(
        model=load_float32(folder).eval(),
        vocabulary=load_vocabulary(folder),
        head=read_head(folder),
        pad_id=0,
        n_positions=32,
    )
    np.testing.assert_allclose(ours(encoder, TEXTS), library(folder, TEXTS), rtol=1e-4, atol=1e-5)


def test_run_and_source_are_what_the_library_makes_of_their_folders(library: Any, tmp_path: Path) -> None:
    source = tiny_encoder(tmp_path / "model", ("Pooling", "LayerNorm", "Dense", "Normalize"))
    run = encoder_run(tmp_path, source)
    folder = export_model(run, tmp_path / "out")
    np.testing.assert_allclose(ours(load_run_encoder(run), TEXTS), library(folder, TEXTS), rtol=1e-4, atol=1e-5)
    texts = [*SOURCE_LINES, "market"]
    np.testing.assert_allclose(ours(load_source_encoder(run), texts), library(source, texts), rtol=1e-4, atol=1e-5)


def test_without_modules_the_mean_over_tokens_is_taken_and_the_head_is_not_run(tmp_path: Path) -> None:
    encoder = load_run_encoder(small_run(tmp_path, "roberta"))
    ids = encoder.ids_of(["der Markt", "die Kinder laufen nach Hause"])
    with torch.no_grad():
        states = [
            encoder.model(torch.from_numpy(i[None].astype(np.int64)), output_hidden_states=True).hidden_states[-1][0]
            for i in ids
        ]
    expected = torch.stack([state.mean(dim=0) for state in states]).numpy()
    np.testing.assert_allclose(encoder.encode(ids), expected, rtol=1e-4, atol=1e-5)


def test_pooling_by_hand() -> None:
    states = torch.tensor([[[1.0, 0.0], [3.0, 4.0], [9.0, 9.0]]])
    attention = torch.tensor([[1, 1, 0]])
    modes = {"cls": [1, 0], "max": [3, 4], "mean": [2, 2], "weightedmean": [7 / 3, 8 / 3], "lasttoken": [3, 4]}
    modes["mean_sqrt_len_tokens"] = [4 / 2**0.5, 4 / 2**0.5]
    for mode, expected in modes.items():
        assert SentenceHead(modes=(mode,)).apply(states, attention)[0].tolist() == pytest.approx(expected)
    joined = SentenceHead(modes=("cls", "mean")).apply(states, attention)
    assert joined.tolist() == [[1, 0, 2, 2]]


def test_lower_casing_as_the_settings_say(library: Any, tmp_path: Path) -> None:
    """The source's texts are lower-cased; the run's are not, as its tokenizer tells upper from lower case."""
    source = tiny_encoder(tmp_path / "model", settings={"max_seq_length": 32, "do_lower_case": True})
    run = encoder_run(tmp_path, source)
    assert load_source_encoder(run).lower
    assert not load_run_encoder(run).lower
    texts = ["The Market", "Der Markt"]
    folder = export_model(run, tmp_path / "out")
    np.testing.assert_allclose(ours(load_source_encoder(run), texts), library(source, texts), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours(load_run_encoder(run), texts), library(folder, texts), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("modules", "said"),
    [
        (("Normalize",), "expected a Pooling right after the model, got Normalize"),
        (("Pooling", "CNN"), "expected modules that are Dense, Dropout, LayerNorm, Normalize, got CNN"),
    ],
)
def test_other_modules_are_refused(modules: tuple[str, ...], said: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=said):
        read_head(tiny_encoder(tmp_path / "model", modules))


@pytest.mark.parametrize(
    ("place", "change", "said"),
    [
        ("1_Pooling", {"pooling_mode": "median"}, "expected cls, max, mean.*got 'median'"),
        ("2_Dense", DENSE | {"activation_function": "os.system"}, "expected an activation of torch.nn, got os.system"),
        ("2_Dense", DENSE | {"activation_function": "torch.nn.Parameter"}, "expected an activation of torch.nn"),
        ("2_Dense", DENSE | {"module_input_name": "token_embeddings"}, "modules of the sentence_embedding, got Dense"),
    ],
)
def test_modules_that_do_something_else_are_refused(
    place: str, change: dict[str, Any], said: str, tmp_path: Path
) -> None:
    folder = tiny_encoder(tmp_path / "model", ("Pooling", "Dense"))
    (folder / place / "config.json").write_text(json.dumps(change))
    with pytest.raises(ModelError, match=said):
        read_head(folder)


def test_a_source_without_an_encoder(tmp_path: Path) -> None:
    from tests.unit.export.test_side_files import made, static

    run = made(static(tmp_path / "source"), tmp_path)
    for load in (load_run_encoder, load_source_encoder):
        with pytest.raises(InvalidInputError, match="gives each token of a text a state, got embeddings without"):
            load(run)
