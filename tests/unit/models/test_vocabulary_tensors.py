"""Which tensors follow the vocabulary, along which axis, and by which field: found on models without memory."""

from __future__ import annotations

from typing import Any

import pytest
import transformers as hf

from focus_core.errors import ModelError
from focus_core.models.architectures import file_names, meta_model
from focus_core.models.positions import find_positions
from focus_core.models.vocabulary_tensors import find_vocabulary, is_of_text
from tests.moved_ids import PAIR, SMALL, N


def found(kind: Any, config: Any) -> dict[str, tuple[int, str]]:
    layout = find_vocabulary(kind, config, name="x")
    return {key: (place.axis, ".".join(place.size_field)) for key, place in layout.tensors.items()}


def test_tied_embeddings_and_a_bias_have_one_field() -> None:
    layout = find_vocabulary(hf.BertForMaskedLM, hf.BertConfig(**SMALL), name="x")
    table, bias = "bert.embeddings.word_embeddings.weight", "cls.predictions.bias"
    assert layout.input == table
    assert layout.groups["cls.predictions.decoder.weight"] == table
    assert layout.groups["cls.predictions.decoder.bias"] == layout.groups[layout.bias] == bias
    assert set(layout.tensors) == set(layout.groups)
    assert layout.size_fields == (("vocab_size",),)


def test_untied_embeddings_are_two_tensors() -> None:
    layout = find_vocabulary(hf.LlamaForCausalLM, hf.LlamaConfig(**SMALL, tie_word_embeddings=False), name="x")
    assert layout.groups[layout.output] != layout.groups[layout.input]
    assert layout.bias == ""


def test_a_bias_of_two_dimensions_follows_along_the_second() -> None:
    assert found(hf.BartForConditionalGeneration, hf.BartConfig(**PAIR))["final_logits_bias"] == (1, "vocab_size")


def test_a_table_cut_in_two_follows_along_either_axis() -> None:
    config = hf.MobileBertConfig(**SMALL, embedding_size=8, intra_bottleneck_size=16, true_hidden_size=16)
    places = found(hf.MobileBertForMaskedLM, config)
    assert places["cls.predictions.dense.weight"] == (1, "vocab_size")
    assert places["mobilebert.embeddings.word_embeddings.weight"] == (0, "vocab_size")


def test_segment_types_and_entities_are_no_vocabulary_of_text() -> None:
    config = hf.LukeConfig(**SMALL, entity_vocab_size=7, entity_emb_size=16)
    assert not [key for key in found(hf.LukeForMaskedLM, config) if "entity" in key or "token_type" in key]


def test_nested_fields_are_named_with_their_path() -> None:
    vision = {"hidden_size": 16, "num_attention_heads": 2}
    config = hf.CLIPConfig(text_config={**SMALL, "projection_dim": 16}, vision_config=vision)
    assert found(hf.CLIPModel, config) == {
        "text_model.embeddings.token_embedding.weight": (0, "text_config.vocab_size")
    }
    assert is_of_text(("text_config",))
    assert is_of_text(("decoder",))
    assert not is_of_text(("audio_config", "text_config"))


def test_two_sizes_are_two_vocabularies() -> None:
    pair = {key: value for key, value in PAIR.items() if key != "vocab_size"}
    config = hf.FSMTConfig(langs=["en", "de"], src_vocab_size=N, tgt_vocab_size=N + 2, **pair)
    with pytest.raises(ModelError, match="expected one vocabulary, got two of different sizes"):
        find_vocabulary(hf.FSMTForConditionalGeneration, config, name="x")


def test_a_model_without_text_is_refused() -> None:
    config = hf.ViTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    with pytest.raises(ModelError, match="expected a model with a text vocabulary"):
        find_vocabulary(hf.ViTModel, config, name="x")


def test_a_class_that_cannot_be_built_is_one_line() -> None:
    with pytest.raises(ModelError, match="expected a configuration that its class builds") as caught:
        find_vocabulary(hf.BertForMaskedLM, hf.BertConfig(**{**SMALL, "hidden_size": 15}), name="x")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "config", "expected"),
    [
        (hf.BertForMaskedLM, hf.BertConfig(**SMALL), []),
        (hf.OPTForCausalLM, hf.OPTConfig(vocab_size=N, hidden_size=16, num_attention_heads=2, num_hidden_layers=1), []),
        (hf.RobertaForMaskedLM, hf.RobertaConfig(**SMALL), [(1, True, True)]),
        (hf.MPNetForMaskedLM, hf.MPNetConfig(**SMALL), [(1, False, True)]),
        (hf.M2M100ForConditionalGeneration, hf.M2M100Config(**PAIR), [(1, True, False)] * 2),
    ],
)
def test_positions_that_count_from_the_padding_id(kind: Any, config: Any, expected: list[Any]) -> None:
    """(id, whether it follows the configuration, whether a file holds the table)."""
    tables = find_positions(kind, config)
    assert [(table.pad_id, table.follows, bool(table.keys)) for table in tables] == expected


def test_names_of_older_and_bare_files_are_understood() -> None:
    """A bare encoder under a head, and LayerNorm as TensorFlow called its two parts."""
    model = meta_model(hf.BertForMaskedLM, hf.BertConfig(**SMALL))
    names = ("embeddings.word_embeddings.weight", "bert.embeddings.LayerNorm.gamma", "unknown.weight")
    assert file_names(model, names) == {
        "embeddings.word_embeddings.weight": "bert.embeddings.word_embeddings.weight",
        "bert.embeddings.LayerNorm.gamma": "bert.embeddings.LayerNorm.weight",
    }
