"""Small untrained models of any architecture of transformers, for tests that ask how a class behaves.

Fields that size a model are made small wherever a configuration has them; what needs more to be built is in a table.
"""

from __future__ import annotations

from typing import Any

import torch

VOCABULARY = 64
PAD = 1
SIZES: dict[str, int] = {
    **dict.fromkeys(
        ("hidden_size", "d_model", "n_embd", "dim", "emb_dim", "embedding_size", "word_embed_proj_dim"), 32
    ),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "encoder_layers", "decoder_layers", "num_layers"), 2),
    **dict.fromkeys(("num_encoder_layers", "num_decoder_layers"), 2),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "encoder_attention_heads"), 4),
    **dict.fromkeys(
        ("decoder_attention_heads", "num_encoder_attention_heads", "num_decoder_attention_heads", "num_heads"), 4
    ),
    **dict.fromkeys(("num_key_value_heads", "num_kv_heads"), 2),
    **dict.fromkeys(("intermediate_size", "d_inner", "ffn_dim", "n_inner", "encoder_ffn_dim", "decoder_ffn_dim"), 64),
    **dict.fromkeys(("ffn_hidden_size", "moe_intermediate_size", "shared_expert_intermediate_size", "hidden_dim"), 64),
    **dict.fromkeys(("expert_ffn_hidden_size", "feed_forward_size"), 64),
    **dict.fromkeys(("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"), 64),
    "vocab_size": VOCABULARY,
    "head_dim": 8,
    "pad_token_id": PAD,
    "bos_token_id": 0,
    "eos_token_id": 2,
}
_LATENT = {"qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 8, "kv_lora_rank": 16, "q_lora_rank": 16}
_LATENT["num_key_value_heads"] = 4
NEEDS: dict[str, dict[str, Any]] = {
    "reformer": {
        "is_decoder": True,
        "attn_layers": ["local", "lsh"],
        "axial_pos_embds_dim": (16, 16),
        "axial_pos_shape": (8, 8),
        "num_buckets": 2,
    },
    "gpt_neo": {"attention_types": [[["global", "local"], 1]]},
    "gptj": {"rotary_dim": 4},
    "codegen": {"rotary_dim": 4},
    "xmod": {"default_language": "en_XX", "languages": ["en_XX"]},
    "mamba2": {"expand": 2, "head_dim": 8, "num_heads": 8},
    "bamba": {"mamba_n_heads": 8, "mamba_d_head": 8},
    "granitemoehybrid": {"mamba_n_heads": 8, "mamba_d_head": 8, "layer_types": ["mamba", "attention"]},
    "rwkv": {"num_hidden_layers": 7},  # the seventh is the first that is rescaled
    "luke": {"entity_vocab_size": 8},
    **dict.fromkeys(
        ("axk1", "axk2", "deepseek_v2", "deepseek_v3", "deepseek_v32", "glm4_moe_lite", "glm_moe_dsa"), _LATENT
    ),
    **dict.fromkeys(("longcat_flash", "minicpm3", "youtu", "kimi_linear"), _LATENT),
}
DECODERS = frozenset(
    ("bert", "roberta", "camembert", "big_bird", "electra", "ernie", "megatron-bert", "rembert", "roc_bert")
) | frozenset(("roformer", "xlm-roberta", "xlm-roberta-xl", "xmod", "data2vec-text", "bert-generation"))
"""Encoders whose class for the next token is right only as a decoder."""

WITHOUT = ((), ("head_dim",), ("num_hidden_layers",), ("head_dim", "num_hidden_layers"))
"""Sizes that are left to the class, tried in turn: some follow from others."""
MAX_PARAMETERS = 60_000_000


def small_fields(kind: Any, *, nested: bool = False) -> dict[str, Any]:
    """Return small values of the fields that a configuration class has, nested ones too."""
    usual = kind()
    known = {*usual.to_dict(), *usual.attribute_map}
    found: dict[str, Any] = {
        name: value
        for name, value in SIZES.items()
        if name in known and hasattr(usual, name) and usual.attribute_map.get(name) not in SIZES
    }
    for name in getattr(kind, "sub_configs", None) or {}:
        inner = getattr(usual, name, None)
        if hasattr(inner, "to_dict"):
            found[name] = small_fields(type(inner), nested=True)
    return {**found, "model_type": usual.model_type} if nested else found


def tiny_architecture(model_type: str, class_name: str, *, seed: int = 0, **fields: Any) -> Any:
    """Return a small model of a class in evaluation mode, its weights drawn wide enough that every part matters.

    Raises
    ------
    Exception
        What the class raises for the first sizes that are tried, where none works.
    """
    import transformers
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    kind = CONFIG_MAPPING[model_type]
    needs = {**NEEDS.get(model_type, {}), **fields}
    if model_type == "reformer" and "Masked" in class_name:
        needs["is_decoder"] = False
    if model_type in DECODERS and "Masked" not in class_name:
        needs.setdefault("is_decoder", True)
    failure: Exception | None = None
    for left in WITHOUT:
        try:
            small = {name: value for name, value in small_fields(kind).items() if name not in left}
            return _drawn(getattr(transformers, class_name), kind(**{**small, **needs}), seed)
        except Exception as reason:
            failure = failure or reason
    raise failure or ValueError(model_type)


def _drawn(kind: Any, config: Any, seed: int) -> Any:
    with torch.device("meta"):
        n = kind(config).num_parameters()
    if n > MAX_PARAMETERS:
        raise ValueError(f"{n:,} parameters")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = kind(config).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.is_floating_point():
                    parameter.add_(torch.randn_like(parameter) * 0.05)
    return model
