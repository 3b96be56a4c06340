"""The proof: right models pass, each of fourteen broken ones is caught, what cannot be proven is not called right."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf
from safetensors.torch import load_file, save_file

from focus_core.errors import ModelError
from focus_core.export.model_folder import _write_json, _write_weights
from focus_core.models.source import SourceModel
from focus_core.surgery.parts import ModelParts
from focus_core.surgery.proof import ENOUGH, NOT_PROVEN, RIGHT, Copies, empty_result, prove
from tests.moved_ids import IDS, PAIR, SAME_PAD, SMALL, TARGET, WORDS, N, moved, write_tokenizer


def gemma(**changes: Any) -> Any:
    return hf.Gemma4TextConfig(
        **{**SMALL, "num_hidden_layers": 2},
        num_key_value_heads=1,
        head_dim=8,
        vocab_size_per_layer_input=N,
        hidden_size_per_layer_input=8,
        num_kv_shared_layers=0,
        layer_types=["sliding_attention", "full_attention"],
        **changes,
    )


def mobile() -> Any:
    return hf.MobileBertConfig(**SMALL, embedding_size=8, intra_bottleneck_size=16, true_hidden_size=16)


def clip() -> Any:
    return hf.CLIPTextConfig(**{**SMALL, "projection_dim": 16})


MODELS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "bert": lambda: (hf.BertForMaskedLM, hf.BertConfig(**SMALL)),
    "bert-untied": lambda: (hf.BertForMaskedLM, hf.BertConfig(**SMALL, tie_word_embeddings=False)),
    "roberta": lambda: (hf.RobertaForMaskedLM, hf.RobertaConfig(**SMALL)),
    "longformer": lambda: (hf.LongformerForMaskedLM, hf.LongformerConfig(**SMALL, attention_window=[4])),
    "bart": lambda: (hf.BartForConditionalGeneration, hf.BartConfig(**PAIR)),
    "gemma4": lambda: (hf.Gemma4ForCausalLM, gemma()),
    "mobilebert": lambda: (hf.MobileBertForMaskedLM, mobile()),
    "clip": lambda: (hf.CLIPTextModelWithProjection, clip()),
    "deberta": lambda: (hf.DebertaV2ForMaskedLM, hf.DebertaV2Config(**SMALL, legacy=False)),
}


def written(folder: Path, model: SourceModel, copies: Copies) -> ModelParts:
    """Write a result of the copied tokens alone, as an export does."""
    parts = empty_result(model, copies)
    folder.mkdir()
    write_tokenizer(folder, TARGET)
    _write_weights(parts, folder)
    _write_json(folder / "config.json", parts.config)
    return parts


@pytest.mark.parametrize("name", MODELS)
def test_a_sound_result_is_right(name: str, tmp_path: Path) -> None:
    model, copies = moved(tmp_path / "model", *MODELS[name]())
    proof = prove(model, copies)
    assert proof.verdict == RIGHT
    assert proof.n_tokens >= ENOUGH
    limit = 30 if name in {"roberta", "longformer"} else 32
    assert proof.length == limit, "one line is as long as the source reads"


Change = Callable[[dict[str, torch.Tensor], dict[str, Any]], None]


def swap_bias(tensors: dict[str, torch.Tensor], config: dict[str, Any]) -> None:
    del config
    tensors["cls.predictions.bias"] = tensors["cls.predictions.bias"].roll(1)


def put(name: str, value: Callable[[torch.Tensor], torch.Tensor]) -> Change:
    def change(tensors: dict[str, torch.Tensor], config: dict[str, Any]) -> None:
        del config
        tensors[name] = value(tensors[name]).contiguous()

    return change


def setting(name: str, value: Any) -> Change:
    def change(tensors: dict[str, torch.Tensor], config: dict[str, Any]) -> None:
        del tensors
        config[name] = value

    return change


def shifted(table: torch.Tensor) -> torch.Tensor:
    return table.roll(2, 0)


BROKEN: dict[str, tuple[str, Change]] = {
    "bias of the head moved by one": ("bert", swap_bias),
    "input embeddings reversed": ("bert", put("bert.embeddings.word_embeddings.weight", lambda t: t.flip(0))),
    "output embeddings reversed": ("bert-untied", put("cls.predictions.decoder.weight", lambda t: t.flip(0))),
    "one embedding doubled": ("bert", put("bert.embeddings.word_embeddings.weight", lambda t: t * double(t, -3))),
    "positions of RoBERTa shifted": ("roberta", put("roberta.embeddings.position_embeddings.weight", shifted)),
    "positions of Longformer shifted": (
        "longformer", put("longformer.embeddings.position_embeddings.weight", shifted)
    ),
    "padding id of the source kept": ("roberta", setting("pad_token_id", 0)),
    "bias of the logits untouched": ("bart", put("final_logits_bias", lambda t: t.flip(1))),
    "shared table of the decoder reversed": ("bart", put("model.shared.weight", lambda t: t.flip(0))),
    "per-layer table untouched": ("gemma4", put("model.embed_tokens_per_layer.weight", lambda t: t.flip(0))),
    "split table untouched": ("mobilebert", put("cls.predictions.dense.weight", lambda t: t.flip(1))),
    "bias of the newer head moved": ("deberta", put("lm_predictions.lm_head.bias", lambda t: t.roll(1))),
    "end of a text is another token": ("clip", setting("eos_token_id", 12)),
    "a norm is not a number": ("bert", put("bert.embeddings.LayerNorm.weight", lambda t: t * torch.nan)),
}  # fmt: skip


def double(table: torch.Tensor, row: int) -> torch.Tensor:
    factors = torch.ones(len(table), 1)
    factors[row] = 2
    return factors


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_export_is_caught(name: str, tmp_path: Path) -> None:
    kind, change = BROKEN[name]
    model, copies = moved(tmp_path / "model", *MODELS[kind]())
    written(tmp_path / "out", model, copies)
    assert prove(model, copies, folder=tmp_path / "out").verdict == RIGHT
    path, config_path = tmp_path / "out" / "model.safetensors", tmp_path / "out" / "config.json"
    tensors, config = load_file(path), json.loads(config_path.read_text())
    change(tensors, config)
    save_file(tensors, path, metadata={"format": "pt"})
    config_path.write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"a difference of|runs on what its source reads"):
        prove(model, copies, folder=tmp_path / "out")


def test_a_difference_is_found_with_few_tokens_too(tmp_path: Path) -> None:
    model, copies = moved(tmp_path / "model", *MODELS["bert"](), n_words=3)
    assert prove(model, copies).verdict == NOT_PROVEN
    written(tmp_path / "out", model, copies)
    tensors = load_file(tmp_path / "out" / "model.safetensors")
    tensors["cls.predictions.bias"] += 1 + torch.arange(len(TARGET))
    save_file(tensors, tmp_path / "out" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="a difference of"):
        prove(model, copies, folder=tmp_path / "out")


def test_an_end_of_text_that_clip_would_read_as_the_highest_id_is_refused(tmp_path: Path) -> None:
    """The source's texts end with its highest id, w29; a target with w29 at id 2 cannot say so."""
    target = ("<unk>", "<s>", "w29", "</s>", "<pad>", "<mask>", *reversed(WORDS[:-1]))
    model, copies = moved(tmp_path / "model", *MODELS["clip"](), target)
    with pytest.raises(ModelError, match="any id but 2"):
        prove(model, copies)


def test_fewer_tokens_than_enough_are_never_right(tmp_path: Path) -> None:
    model, copies = moved(tmp_path / "model", *MODELS["bert"](), n_words=ENOUGH - 1)
    proof = prove(model, copies)
    assert proof.to_dict()["verdict"] == NOT_PROVEN
    assert "too few" in proof.reason
    none = dataclasses.replace(copies, target_ids=copies.target_ids[:0], source_ids=copies.source_ids[:0])
    assert prove(model, none).reason == "no ordinary token is copied"


def test_a_source_that_does_not_run_is_not_proven(tmp_path: Path) -> None:
    """X-MOD without a default language cannot be run on a text alone."""
    model, copies = moved(tmp_path / "model", hf.XmodForMaskedLM, hf.XmodConfig(**SMALL))
    proof = prove(model, copies)
    assert proof.verdict == NOT_PROVEN
    assert "does not run" in proof.reason


def test_a_padding_id_that_a_class_fixes_is_required(tmp_path: Path) -> None:
    model, copies = moved(tmp_path / "model", hf.MPNetForMaskedLM, hf.MPNetConfig(**SMALL))
    with pytest.raises(ModelError, match="expected id 1, which is written into its class, got id 3"):
        prove(model, copies)
    shutil.rmtree(tmp_path / "model")
    model, copies = moved(tmp_path / "model", hf.MPNetForMaskedLM, hf.MPNetConfig(**SMALL), SAME_PAD)
    assert prove(model, copies).verdict == RIGHT


def test_computed_positions_require_the_padding_id_too(tmp_path: Path) -> None:
    config = hf.XGLMConfig(
        vocab_size=N, d_model=16, ffn_dim=16, num_layers=1, attention_heads=2, max_position_embeddings=32, **IDS
    )
    model, copies = moved(tmp_path / "model", hf.XGLMForCausalLM, config)
    with pytest.raises(ModelError, match="positions that its class computes"):
        prove(model, copies)
    shutil.rmtree(tmp_path / "model")
    model, copies = moved(tmp_path / "model", hf.XGLMForCausalLM, config, SAME_PAD)
    assert prove(model, copies).verdict == RIGHT


def test_funnel_gets_no_padding_id_that_its_source_had_not(tmp_path: Path) -> None:
    """Its class zeroes the embedding of a padding id as it loads, and its pooling sees padding."""
    sizes = {"d_model": 16, "n_head": 2, "d_head": 8, "d_inner": 16, "block_sizes": [1, 1], "num_decoder_layers": 1}
    config = hf.FunnelConfig(vocab_size=N, **sizes)
    model, copies = moved(tmp_path / "model", hf.FunnelForMaskedLM, config)
    assert written(tmp_path / "out", model, copies).config["pad_token_id"] is None
    assert prove(model, copies, folder=tmp_path / "out").verdict == RIGHT


def test_prophetnet_keeps_its_padding_id(tmp_path: Path) -> None:
    """It could be moved for a forward pass, but the class would refuse to generate."""
    config = hf.ProphetNetConfig(
        **IDS, vocab_size=N, hidden_size=16, encoder_ffn_dim=16, num_encoder_layers=1, num_encoder_attention_heads=2,
        decoder_ffn_dim=16, num_decoder_layers=1, num_decoder_attention_heads=2, max_position_embeddings=32,
    )  # fmt: skip
    model, copies = moved(tmp_path / "model", hf.ProphetNetForConditionalGeneration, config)
    with pytest.raises(ModelError, match="expected id 1, which decides about positions"):
        prove(model, copies)


@pytest.mark.parametrize("kind", ["OwlViT", "XCLIP"])
def test_a_class_that_looks_for_the_highest_id_requires_it(kind: str, tmp_path: Path) -> None:
    """Both are proven by their text side, without an image; a target whose end is no highest id is refused."""
    vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    more = {"mit_hidden_size": 16, "mit_intermediate_size": 16, "mit_num_attention_heads": 2} if kind == "XCLIP" else {}
    config = getattr(hf, f"{kind}Config")(
        text_config=SMALL, vision_config={**vision, **more, "image_size": 28, "patch_size": 14}, projection_dim=16
    )
    model, copies = moved(tmp_path / "model", getattr(hf, f"{kind}Model"), config)
    with pytest.raises(ModelError, match="the highest id, 40, from which"):
        prove(model, copies)
    shutil.rmtree(tmp_path / "model")
    same_end = (*TARGET[:5], *WORDS)
    model, copies = moved(tmp_path / "model", getattr(hf, f"{kind}Model"), config, same_end)
    assert prove(model, copies).verdict == RIGHT


def test_a_large_model_is_proven_module_by_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a bound of nothing every model is large: the same verdicts, and parameters stay in their stored type."""
    monkeypatch.setattr("focus_core.surgery.layerwise.MOST_BYTES", 0)
    for name in ("bert", "bart"):
        kind, config = MODELS[name]()
        config.dtype = torch.bfloat16
        model, copies = moved(tmp_path / name, kind, config)
        assert prove(model, copies).verdict == RIGHT
        written(tmp_path / f"{name}-out", model, copies)
        assert prove(model, copies, folder=tmp_path / f"{name}-out").verdict == RIGHT


def test_the_global_generator_is_left_alone(tmp_path: Path) -> None:
    model, copies = moved(tmp_path / "model", *MODELS["bert"]())
    state = torch.random.get_rng_state()
    prove(model, copies)
    assert torch.equal(torch.random.get_rng_state(), state)
