"""What a family needs beyond the rules: fields whose tiny values must agree with one another.

``made_with``: what a class that has no configuration of its own by default is made with. All other names are fields,
those of nested configurations as dictionaries.
"""

from __future__ import annotations

from typing import Any

_TWO = {"layer_types": ["sliding_attention", "full_attention"], "num_hidden_layers": 2}
_GEMMA4: dict[str, Any] = {**_TWO, "global_head_dim": 16, "head_dim": 8, "num_key_value_heads": 2}
_MAMBA2: dict[str, Any] = {"num_heads": 4, "head_dim": 16, "expand": 2, "n_groups": 1, "state_size": 8}
_SECTIONS: dict[str, Any] = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2]}
_ENCODEC: dict[str, Any] = {"codebook_size": 16}

OVERRIDES: dict[str, dict[str, Any]] = {
    "bros": {"hidden_size": 64},
    "deepseek_v2": {"num_experts_per_tok": 2, "topk_group": 1, "n_group": 1},
    "diffusion_gemma": {"text_config": {**_GEMMA4, "num_experts": 4, "top_k_experts": 2, "moe_intermediate_size": 16}},
    "dots1": {"n_routed_experts": 4, "num_experts_per_tok": 2, "first_k_dense_replace": 1},
    "emu3": {"vocabulary_map": {"<|extra_200|>": 5}},
    "embedding_gemma2_text": _GEMMA4,
    "dots3_note": {"text_config": {"num_key_value_heads": 4}},
    "dots3_note_text": {"num_key_value_heads": 4},
    "esm": {"made_with": {"vocab_size": 33, "pad_token_id": 1, "mask_token_id": 4}},
    "esmc": {"num_key_value_heads": 4},
    "gemma4": {"text_config": _GEMMA4},
    "gemma4_assistant": {"text_config": {**_GEMMA4, "hidden_size_per_layer_input": 0}},
    "gemma4_text": _GEMMA4,
    "gemma4_unified": {"text_config": _GEMMA4},
    "gemma4_unified_assistant": {"text_config": {**_GEMMA4, "hidden_size_per_layer_input": 0}},
    "gemma4_unified_text": _GEMMA4,
    "glm5_next": {"text_config": {"num_key_value_heads": 4}},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "num_layers": 2, "window_size": 16},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1, "expert_layer_period": 2, "expert_layer_offset": 1},
    "kyutai_speech_to_text": {"codebook_size": 16},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"], "num_hidden_layers": 2, "num_dense_layers": 1},
    "luke": {"entity_vocab_size": 10},
    "mamba2": _MAMBA2,
    "moshi": _ENCODEC,
    "neomme": {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 16},
    "glm4v": {"text_config": {"rope_parameters": _SECTIONS}},
    "layoutlmv3": {"coordinate_size": 4, "shape_size": 8},
    "lilt": {"hidden_size": 48},
    "qwen2_5_vl": {"text_config": {"rope_parameters": _SECTIONS}},
    "qwen2_vl": {"text_config": {"rope_parameters": _SECTIONS}},
    "reformer": {
        "hash_seed": 3, "axial_pos_embds": False, "attn_layers": ["local", "lsh"], "num_hashes": 1, "num_buckets": 4,
        "lsh_attn_chunk_length": 16, "local_attn_chunk_length": 16, "feed_forward_size": 48,
    },
    "xmod": {"default_language": "en_XX", "languages": ["en_XX", "sw_KE"]},
    "perceiver": {
        "num_latents": 4, "d_latents": 32, "num_blocks": 1, "num_self_attends_per_block": 2,
        "num_self_attention_heads": 4, "num_cross_attention_heads": 4, "qk_channels": 32, "v_channels": 32,
    },
}  # fmt: skip
