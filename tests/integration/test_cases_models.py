"""Kinds of models that once came out wrong, in a traceback or refused: initialised, exported, and loaded again.

Each test goes from a model folder to an exported one, and compares the two models on a text of copied tokens.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf
from safetensors.torch import load_file

from focus_core.api import run_to_folder
from focus_core.errors import ModelError
from focus_core.export.model_folder import export_model
from focus_core.initialization.config import InitConfig
from focus_core.initialization.request import InitRequest
from focus_core.models.architectures import quiet_transformers
from focus_core.runs.folder import RunFolder
from tests.moved_ids import PAIR, SAME_PAD, SMALL, SOURCE, TARGET, WORDS, N, write_model, write_tokenizer

TEXT = ("w3", "w1", "w20", "w3", "w7")


def initialised(folder: Path, kind: Any, config: Any, target: tuple[str, ...] = TARGET, **options: Any) -> RunFolder:
    """Initialise a model by copying what both vocabularies share."""
    write_tokenizer(folder / "src", SOURCE)
    write_model(folder / "src", kind, config)
    write_tokenizer(folder / "tgt", target)
    chosen = InitConfig(method="overlap", **options)
    request = InitRequest(source=str(folder / "src"), target_tokenizer=str(folder / "tgt"), config=chosen)
    return run_to_folder(request, folder / "run")


def exported(folder: Path, kind: Any, config: Any, target: tuple[str, ...] = TARGET) -> RunFolder:
    """Initialise and export into ``folder / "out"``; the manifest must say that the copies are proven."""
    run = initialised(folder, kind, config, target)
    assert run.manifest["notes"]["proof"]["verdict"] == "right"
    export_model(run, folder / "out")
    return run


def outputs(folder: Path, kind: Any, tokens: tuple[str, ...], text: tuple[str, ...] = TEXT, **inputs: Any) -> Any:
    with quiet_transformers(), torch.no_grad():
        model = kind.from_pretrained(folder).eval()
        ids = torch.tensor([[tokens.index(word) for word in text]])
        given = {"decoder_input_ids": ids} if model.main_input_name != "input_ids" else {"input_ids": ids}
        if model.config.is_encoder_decoder:
            given["decoder_input_ids"] = ids
        return model(**given, **inputs)


def same(
    folder: Path, kind: Any, text: tuple[str, ...] = TEXT, target: tuple[str, ...] = TARGET, **inputs: Any
) -> None:
    """Expect the same logits over words in source and export."""
    before = outputs(folder / "src", kind, SOURCE, text, **inputs).logits[..., [SOURCE.index(w) for w in WORDS]]
    after = outputs(folder / "out", kind, target, text, **inputs).logits[..., [target.index(w) for w in WORDS]]
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-5)


def test_positions_shift(tmp_path: Path) -> None:
    """Positions that count from the padding id move with it, and a line as long as the source reads is read."""
    exported(tmp_path, hf.LongformerForMaskedLM, hf.LongformerConfig(**SMALL, attention_window=[4]))
    same(tmp_path, hf.LongformerForMaskedLM)
    same(tmp_path, hf.LongformerForMaskedLM, (WORDS * 2)[:30])


def test_mpnet_pad_is_1(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="expected id 1, which is written into its class, got id 3"):
        initialised(tmp_path / "no", hf.MPNetForMaskedLM, hf.MPNetConfig(**SMALL))
    assert not (tmp_path / "no" / "run").exists()
    exported(tmp_path / "yes", hf.MPNetForMaskedLM, hf.MPNetConfig(**SMALL), SAME_PAD)
    same(tmp_path / "yes", hf.MPNetForMaskedLM, target=SAME_PAD)


def test_gemma_per_layer(tmp_path: Path) -> None:
    """The second table is made by the same weights, stored in the run, and its size stands in the configuration."""
    config = hf.Gemma4TextConfig(
        **{**SMALL, "num_hidden_layers": 2},
        num_key_value_heads=1,
        head_dim=8,
        vocab_size_per_layer_input=N,
        hidden_size_per_layer_input=8,
        num_kv_shared_layers=0,
        layer_types=["sliding_attention", "full_attention"],
    )
    run = exported(tmp_path, hf.Gemma4ForCausalLM, config)
    same(tmp_path, hf.Gemma4ForCausalLM)
    assert run.extra_names() == ("model.embed_tokens_per_layer.weight",)
    assert json.loads((tmp_path / "out" / "config.json").read_text())["vocab_size_per_layer_input"] == len(TARGET)


@pytest.mark.parametrize("name", ["Bart", "MBart", "Pegasus"])
def test_bart_export_traceback(name: str, tmp_path: Path) -> None:
    """The bias of the logits, of shape (1, V), is made by the same weights; new tokens take its mean."""
    kind, config = getattr(hf, f"{name}ForConditionalGeneration"), getattr(hf, f"{name}Config")(**PAIR)
    run = exported(tmp_path, kind, config)
    same(tmp_path, kind)
    assert run.extra_names() == ("final_logits_bias",)
    before = load_file(tmp_path / "src" / "model.safetensors")["final_logits_bias"]
    after = load_file(tmp_path / "out" / "model.safetensors")["final_logits_bias"]
    ordinary = before[0, 5:].mean()
    torch.testing.assert_close(after[0, TARGET.index("n0")], ordinary)


def test_encoder_decoder(tmp_path: Path) -> None:
    """Two models, one vocabulary: both tables are replaced."""
    pair = hf.EncoderDecoderConfig.from_encoder_decoder_configs(
        hf.BertConfig(**SMALL), hf.BertConfig(**SMALL, is_decoder=True, add_cross_attention=True)
    )
    exported(tmp_path, hf.EncoderDecoderModel, pair)
    same(tmp_path, hf.EncoderDecoderModel)


def test_two_vocabularies_of_different_sizes_are_refused(tmp_path: Path) -> None:
    pair = hf.EncoderDecoderConfig.from_encoder_decoder_configs(
        hf.BertConfig(**SMALL), hf.BertConfig(**{**SMALL, "vocab_size": 50}, is_decoder=True, add_cross_attention=True)
    )
    with pytest.raises(ModelError, match="expected one vocabulary, got two of different sizes"):
        initialised(tmp_path, hf.EncoderDecoderModel, pair)


def nested(name: str) -> tuple[Any, Any]:
    text = {**SMALL, "num_key_value_heads": 1, "head_dim": 8}
    vision = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    }
    if name == "gemma3":
        config = hf.Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4, image_token_index=34)
        return hf.Gemma3ForConditionalGeneration, config
    if name == "llava":
        parts = {"text_config": hf.LlamaConfig(**text), "vision_config": hf.CLIPVisionConfig(**vision)}
        return hf.LlavaForConditionalGeneration, hf.LlavaConfig(**parts, image_token_index=34)
    config = hf.Idefics3Config(text_config=hf.LlamaConfig(**text), vision_config=vision, image_token_id=34)
    return hf.Idefics3ForConditionalGeneration, config


@pytest.mark.parametrize("name", ["gemma3", "llava", "idefics3"])
def test_vlm_refused(name: str, tmp_path: Path) -> None:
    """A vision-language model: its text table is found under its nested name, the nested size is set."""
    kind, config = nested(name)
    exported(tmp_path, kind, config)
    same(tmp_path, kind)
    assert json.loads((tmp_path / "out" / "config.json").read_text())["text_config"]["vocab_size"] == len(TARGET)


def test_config_none_traceback(tmp_path: Path) -> None:
    """A class that refuses null: an id without a counterpart is left out, and the card says so."""
    target = tuple(token for token in TARGET if token != "</s>")
    config = hf.ModernBertDecoderConfig(**SMALL, cls_token_id=0, sep_token_id=2)
    run = initialised(tmp_path, hf.ModernBertDecoderForCausalLM, config, target)
    export_model(run, tmp_path / "out")
    same(tmp_path, hf.ModernBertDecoderForCausalLM, target=target)
    assert "sep\\_token\\_id" in (tmp_path / "out" / "README.md").read_text()


def test_speech_and_image_traceback(tmp_path: Path) -> None:
    """Whisper is proven on silence; its decoder reads the same text as before."""
    pair = {key: value for key, value in PAIR.items() if key != "max_position_embeddings"}
    config = hf.WhisperConfig(
        **pair, num_mel_bins=8, max_source_positions=50, max_target_positions=32, suppress_tokens=[5],
        begin_suppress_tokens=[],
    )  # fmt: skip
    exported(tmp_path, hf.WhisperForConditionalGeneration, config)
    same(tmp_path, hf.WhisperForConditionalGeneration, input_features=torch.zeros(1, 8, 100))
    config_file = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config_file.get("suppress_tokens", [TARGET.index("w0")]) == [TARGET.index("w0")]


def test_marian_refused(tmp_path: Path) -> None:
    config = hf.MarianConfig(**{**PAIR, "decoder_start_token_id": 1})
    exported(tmp_path, hf.MarianMTModel, config)
    same(tmp_path, hf.MarianMTModel)


def test_deberta_v3_head(tmp_path: Path) -> None:
    """The dense layer of the newer head is no output matrix; its bias follows the vocabulary all the same."""
    run = exported(tmp_path / "a", hf.DebertaV2ForMaskedLM, hf.DebertaV2Config(**SMALL, legacy=False))
    same(tmp_path / "a", hf.DebertaV2ForMaskedLM)
    assert run.extra_names() == ("lm_predictions.lm_head.bias",)
    mobile = hf.MobileBertConfig(**SMALL, embedding_size=8, intra_bottleneck_size=16, true_hidden_size=16)
    exported(tmp_path / "b", hf.MobileBertForMaskedLM, mobile)
    same(tmp_path / "b", hf.MobileBertForMaskedLM)


def test_an_extension_keeps_every_tensor_of_the_vocabulary(tmp_path: Path) -> None:
    """BART with appended tokens: the source's ids compute as before, every tensor has an entry for the new ones."""
    run = initialised(tmp_path, hf.BartForConditionalGeneration, hf.BartConfig(**PAIR), extend=True)
    export_model(run, tmp_path / "out")
    n = run.manifest["target"]["n"]
    assert load_file(tmp_path / "out" / "model.safetensors")["final_logits_bias"].shape == (1, n)
    before = outputs(tmp_path / "src", hf.BartForConditionalGeneration, SOURCE).logits
    after = outputs(tmp_path / "out", hf.BartForConditionalGeneration, SOURCE).logits
    torch.testing.assert_close(after[..., :N], before, rtol=1e-4, atol=1e-5)
