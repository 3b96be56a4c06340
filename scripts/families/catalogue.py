"""Which kinds of model there are: transformers' own text mappings, with the class that a row builds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

MAPPINGS = (
    "MASKED_LM",
    "SEQ_TO_SEQ_CAUSAL_LM",
    "CAUSAL_LM",
    "IMAGE_TEXT_TO_TEXT",
    "MULTIMODAL_LM",
    "TEXT_ENCODING",
)
"""In the order in which a kind that lies in several takes its class."""

WITHOUT_HEAD = (
    "align", "altclip", "bridgetower", "bros", "canine", "chinese_clip", "clap", "clip", "clipseg", "clvp", "dpr",
    "flava", "groupvit", "layoutlmv2", "layoutlmv3", "lilt", "lxmert", "markuplm", "metaclip_2", "owlv2", "owlvit",
    "siglip", "siglip2", "splinter", "tipsv2", "tvp", "vilt", "visual_bert",
    "xclip",
)  # fmt: skip
"""Kinds with a text vocabulary that lie in ``MODEL_MAPPING`` alone."""

BACKBONES = ("embedding_gemma2_text", "glm4v_text", "muse_spark_text", "qwen2_vl_text", "qwen3_vl_text")
"""Text parts of larger models that can be saved by themselves."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Kind:
    """A model type, the classes that may be its row's with the mapping of each, and the tokenizer that goes with it."""

    model_type: str
    candidates: Mapping[str, str]
    tokenizer: str

    @cached_property
    def class_name(self) -> str:
        """The first class that takes the type's whole configuration, not that of a part."""
        import transformers

        whole = transformers.CONFIG_MAPPING[self.model_type]
        for name in self.candidates:
            if getattr(getattr(transformers, name, None), "config_class", None) is whole:
                return name
        return next(iter(self.candidates))

    @property
    def mapping(self) -> str:
        """The mapping that names the class."""
        return self.candidates[self.class_name]


def kinds() -> list[Kind]:
    """Return every kind, in the order of the mappings and then of the alphabet."""
    from transformers.models.auto import modeling_auto
    from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

    found: dict[str, dict[str, str]] = {}
    for mapping in MAPPINGS:
        for model_type, name in getattr(modeling_auto, f"MODEL_FOR_{mapping}_MAPPING_NAMES", {}).items():
            found.setdefault(model_type, {}).setdefault(_first(name), mapping)
    for model_type in (*WITHOUT_HEAD, *BACKBONES):
        if model_type in modeling_auto.MODEL_MAPPING_NAMES:
            found.setdefault(model_type, {_first(modeling_auto.MODEL_MAPPING_NAMES[model_type]): "MODEL"})
    return [
        Kind(model_type=model_type, candidates=classes, tokenizer=_tokenizer(model_type, TOKENIZER_MAPPING_NAMES))
        for model_type, classes in sorted(found.items())
    ]


def _first(name: Any) -> str:
    return str(name[0] if isinstance(name, (tuple, list)) else name)


def _tokenizer(model_type: str, names: Any) -> str:
    """Return the tokenizer class of a kind; of a text part that of the whole, else of the nearest relative."""
    stems = [model_type, *(model_type.removesuffix(end) for end in ("_text", "_text_model", "_thinker", "_model"))]
    parts = model_type.replace("-", "_").split("_")
    stems += ["_".join(parts[:n]) for n in range(len(parts) - 1, 0, -1)]
    return next((str(names[stem]) for stem in stems if names.get(stem)), "TokenizersBackend")
