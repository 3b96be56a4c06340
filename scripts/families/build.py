"""Build the source of a row: a tiny random model of a family beside its tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scripts.families.catalogue import Kind
from scripts.families.ids import assumed_roles, id_values, named_tokens
from scripts.families.overrides import OVERRIDES
from scripts.families.shrink import merge, tiny_values
from scripts.families.tokenizers import ROLES, Pair, tokenizer_pair

SEED = 11
LAST = 1 << 30
"""A role that a family has, wherever its id lies."""


def build_source(kind: Kind, folder: Path) -> Pair:
    """Write a family's tiny model and tokenizer into ``folder/source``, the target's into ``folder/target``.

    Parameters
    ----------
    kind : Kind
        The family.
    folder : Path
        An empty folder.

    Returns
    -------
    Pair
        The tokenizers.
    """
    import transformers

    default = _default(kind.model_type)
    wanted = ({"mask": LAST} if kind.mapping == "MASKED_LM" else {}) | assumed_roles(default)
    pair = tokenizer_pair(kind.model_type, kind.tokenizer, wanted, named_tokens(default))
    model = getattr(transformers, kind.class_name)(_config(default, kind.model_type, pair))
    _randomise(model)
    model.save_pretrained(folder / "source")
    pair.source.save_pretrained(folder / "source")
    pair.target.save_pretrained(folder / "target")
    return pair


def _default(model_type: str) -> Any:
    from transformers import CONFIG_MAPPING

    return CONFIG_MAPPING[model_type](**OVERRIDES.get(model_type, {}).get("made_with", {}))


def _config(default: Any, model_type: str, pair: Pair) -> Any:
    """Return the tiny configuration of a family with the ids of its tokenizer."""
    size = len(pair.source)
    own = {role: getattr(pair.source, f"{role}_token_id", None) for role in ROLES}
    names = pair.source.get_vocab()
    values = merge(tiny_values(default, size), id_values(default, own, names))
    if getattr(default, "is_encoder_decoder", False) and values.get("decoder_start_token_id") is None:
        values["decoder_start_token_id"] = own["bos"] if own["pad"] is None else own["pad"]
    changes = {name: value for name, value in OVERRIDES.get(model_type, {}).items() if name != "made_with"}
    return type(default)(**merge(values, changes))


def _randomise(model: Any) -> None:
    """Give every parameter values of its own, so that one in the wrong place shows."""
    import torch

    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not parameter.is_floating_point():
                continue
            noise = torch.randn(parameter.shape, generator=generator).to(parameter.dtype)
            if parameter.ndim >= 2:
                fan = parameter.shape[-1] if "embed" not in name else 4
                parameter.copy_(noise * (0.7 / max(fan, 1) ** 0.5))
            else:
                parameter.add_(noise * 0.05)
        _copy_twins(model)


def _copy_twins(model: Any) -> None:
    """Give a bias that a head holds twice one value, as it has in every trained model."""
    parameters = dict(model.named_parameters(remove_duplicate=False))
    for name, parameter in parameters.items():
        twin = parameters.get(name.replace("decoder.bias", "bias"))
        if name.endswith("decoder.bias") and twin is not None and twin.shape == parameter.shape:
            parameter.copy_(twin)
