"""Make any configuration tiny: fields are found by their names, in nested configurations too."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

HIDDEN, HEADS, HEAD, INNER, POSITIONS = 32, 4, 8, 48, 64

RULES: tuple[tuple[str, Any], ...] = (
    (r"embedding_size|word_embed_proj_dim", HIDDEN // 2),
    (r"(text_|language_)?(hidden_size|hidden_dim|d_model|n_embd|embed_dim|emb_dim|embedding_dim)", HIDDEN),
    (r"(encoder|decoder)_(hidden_size|embed_dim|hidden_dim|dim)|dim|input_hidden_size|true_hidden_size", HIDDEN),
    (r"projection_dim|proj_dim|out_hidden_size|output_dim|out_dim|backbone_hidden_size", HIDDEN),
    (r"(decoder_|encoder_|dense_|shared_expert_|mlp_|moe_)?(intermediate_size|ffn_(hidden_size|dim|size))", INNER),
    (r"(encoder|decoder)_ffn_dim|d_ff|n_inner|dim_feedforward|inner_size|mlp_hidden_size|d_inner_size", INNER),
    (r"moe_latent_size|expert_ffn_hidden_size|shared_intermediate_size|moe_shared_expert_intermediate_size", INNER),
    (r"(encoder|decoder)_layers|num_(hidden_)?layers|n_layers?|num_(encoder|decoder)_layers|num_blocks|depth", 2),
    (r"num_(coarse|fine|semantic)_layers|num_hidden_layers_per_.*", 2),
    (r"(encoder_|decoder_)?(num_attention_heads|attention_heads|n_heads?|num_heads)", HEADS),
    (r"num_(encoder|decoder)_attention_heads|num_query_heads", HEADS),
    (r"num_key_value_heads|num_kv_heads|n_kv_heads|num_attention_groups|multi_query_group_num|num_query_groups", 2),
    (r"head_dim|d_kv|kv_channels|attention_head_dim|v_head_dim|global_head_dim|swa_head_dim|index_head_dim", HEAD),
    (r"linear_(key|value)_head_dim|head_k_dim|head_v_dim|swa_v_head_dim|head_size|v_head_size", HEAD),
    (r"linear_num_key_heads|linear_num_value_heads|index_n_heads|num_lightning_heads|linear_num_heads", 2),
    (r"qk_rope_head_dim|qk_nope_head_dim|rotary_dim|rotary_ndims", 4),
    (r"qk_head_dim", 8),
    (r"q_lora_rank|kv_lora_rank|o_lora_rank|lora_rank|.*_lora_r|.*_low_rank_dim", 8),
    (r"(num_(local_|routed_)?|n_(routed_)?|moe_num_)experts|moe_n_experts|num_expert", 4),
    (r"num_experts_per_tok(en)?|num_selects?_experts|moe_(top_?k|k)|router_top_k|num_activated_experts", 2),
    (r"n_group|topk_group|n_shared_experts|num_shared_experts|first_k_dense_replace|moe_layer_start_index", 1),
    (r"num_expert_groups?|moe_num_shared_experts", 1),
    (r"max_position_embeddings|n_positions|n_ctx|max_(source|target)_positions|max_seq_len(gth)?", POSITIONS),
    (r"seq_length", POSITIONS),
    (r"context_length|max_sequence_length|max_encoder_position_embeddings|max_decoder_position_embeddings", POSITIONS),
    (r"(original_)?max_position_embeddings|text_max_position_embeddings", POSITIONS),
    (r"sliding_window(_size)?|attention_window|window_size|local_attention|attention_window_size", 16),
    (r"ssm_state_size|state_size|mamba_d_state|mamba_state_dim|d_state|ssm_d_state", 8),
    (r"mamba_n_heads|mamba_num_heads|ssm_num_heads", 4),
    (r"mamba_d_head|mamba_head_dim|ssm_head_dim", 16),
    (r"mamba_n_groups|n_groups|ssm_n_groups", 1),
    (r"(mamba_)?chunk_size|mamba_chunk_size|ssm_chunk_size|block_size|attention_chunk_size", 16),
    (r"lru_width|mamba_d_ssm|mamba_intermediate", HIDDEN * 2),
    (r"vocab_size_per_layer_input", "vocabulary"),
    (r"hidden_size_per_layer_input", 8),
    (r"num_kv_shared_layers|num_nextn_predict_layers|num_mtp_layers|mtp_num_(hidden_)?layers", 0),
    (r"image_size|img_size", 28),
    (r"(spatial_)?patch_size", 14),
    (r"num_mel_bins|num_mels|feature_size", 16),
    (r"codebook_size|codebook_dim|n_codes", 24),
    (r"num_image_tokens|image_seq_length|mm_tokens_per_image|num_query_tokens|image_seq_len|n_queries|num_latents", 4),
    (r"type_vocab_size", 2),
    (r"xpos_rel_pos_buckets|relative_attention_num_buckets|position_buckets|max_bucket_size", 32),
    (r"max_2d_position_embeddings", 128),
)  # fmt: skip
"""A field whose whole name matches takes the value; the first rule that matches counts."""

PATTERNS = tuple((re.compile(pattern), value) for pattern, value in RULES)
TEXT_SIZES = ("vocab_size", "src_vocab_size", "tgt_vocab_size", "decoder_vocab_size", "encoder_vocab_size")
ROTATED = 4
ABSENT = {"head_dim": HEAD, "num_key_value_heads": HEADS}
"""What a class computes from others where it is not given."""
ROPE_HALF = HEAD // 2
SKIPPED = ("transformers_version", "architectures", "id2label", "label2id", "dtype", "model_type")


def tiny_values(config: Any, size: int) -> dict[str, Any]:
    """Return the fields of a configuration that make it tiny, as keyword arguments of its class.

    Parameters
    ----------
    config : transformers.PreTrainedConfig
        With the values that its class assumes.
    size : int
        Rows of a text vocabulary.

    Returns
    -------
    dict
        Nested configurations as dictionaries of all their fields.
    """
    made: dict[str, Any] = {}
    fields = _fields(config)
    n_layers = _kinds_of_layers(config)
    rotated = (
        "qk_rope_head_dim" in fields
    )  # latent attention: what is called the head's size is the part that is rotated
    for name, value in fields.items():
        if hasattr(value, "to_dict") and hasattr(value, "model_type"):
            made[name] = {"model_type": value.model_type, **tiny_values(value, size)}
            continue
        small = _small(name, value, size, n_layers)
        if rotated and name in ("head_dim", "qk_head_dim"):
            small = ROTATED if name == "head_dim" else HEAD
        if name in KEY_HEADS and _one_for_each(fields, name):
            small = HEADS
        if small is not _KEPT:
            made[name] = small
    return made


_KEPT = object()
KEY_HEADS = {"num_key_value_heads": "num_attention_heads", "num_kv_heads": "num_heads", "n_kv_heads": "n_heads"}


def _one_for_each(fields: Mapping[str, Any], name: str) -> bool:
    """Whether a class has as many heads of keys as of queries, which some require."""
    return fields[name] is not None and fields[name] == fields.get(KEY_HEADS[name])


def _fields(config: Any) -> dict[str, Any]:
    """Return the fields that a class takes, with their values."""
    if not dataclasses.is_dataclass(config):
        return {name: value for name, value in vars(config).items() if not name.startswith("_")}
    found = {}
    for field in dataclasses.fields(config):
        if field.name not in SKIPPED and not field.name.startswith("_"):
            try:
                found[field.name] = getattr(config, field.name)
            except Exception:  # it differs from layer to layer: the class's own value says what kind of number it is
                found[field.name] = field.default if field.default is not dataclasses.MISSING else None
    return found


def _kinds_of_layers(config: Any) -> list[str]:
    """Return one layer of every kind that a configuration names, two where it names none or one."""
    for name in ("layer_types", "layers_block_type"):
        listed = getattr(config, name, None)
        if isinstance(listed, (list, tuple)) and listed and isinstance(listed[0], str):
            kinds = list(dict.fromkeys(listed))
            return kinds if len(kinds) > 1 else kinds * 2
    return []


def _small(name: str, value: Any, size: int, layers: list[str]) -> Any:
    """Return the tiny value of a field, or that it is kept."""
    if name in TEXT_SIZES and isinstance(value, int):
        return size
    if name in ("layer_types", "layers_block_type", "mlp_layer_types"):
        return _layers(name, value, layers)
    if name in ("rope_parameters", "rope_scaling") and isinstance(value, Mapping):
        return _rope(value)
    if value is None and name in ABSENT:
        return ABSENT[name]
    if isinstance(value, bool) or not isinstance(value, int):
        return _list(name, value, size, layers)
    for pattern, small in PATTERNS:
        if pattern.fullmatch(name):
            if small == "vocabulary":
                return size
            return len(layers) if small == 2 and layers and "layer" in name else small
    return _KEPT


def _layers(name: str, value: Any, layers: list[str]) -> Any:
    if not isinstance(value, (list, tuple)):
        return _KEPT
    if name == "mlp_layer_types":
        kinds = list(dict.fromkeys(value))
        wanted = len(layers) or 2
        return (kinds * wanted)[:wanted] if kinds else _KEPT
    return layers or _KEPT


def _rope(value: Mapping[str, Any]) -> Any:
    """Return rotary parameters whose sections fit the tiny heads."""
    made: dict[str, Any] = {}
    for key, entry in value.items():
        if isinstance(entry, Mapping):
            made[key] = _rope(entry)
        elif key == "mrope_section":
            made[key] = [2, 1, 1] if len(entry) == 3 else [1] * ROPE_HALF
        elif key in ("original_max_position_embeddings",):
            made[key] = POSITIONS
        else:
            made[key] = entry
    return made


def _list(name: str, value: Any, size: int, layers: list[str]) -> Any:
    """Return a list of one number a layer with as many as there are now."""
    if not isinstance(value, (list, tuple)) or not value or not isinstance(value[0], int) or isinstance(value[0], bool):
        return _KEPT
    for pattern, small in PATTERNS:
        if pattern.fullmatch(name) and isinstance(small, int):
            return [small] * (len(layers) or 2)
    return _KEPT


def merge(values: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with changes in them; a dictionary changes a nested configuration, ``None`` in it too."""
    made = dict(values)
    for name, change in changes.items():
        nested = isinstance(change, Mapping) and isinstance(made.get(name), dict)
        made[name] = merge(made[name], change) if nested else change
    return made
