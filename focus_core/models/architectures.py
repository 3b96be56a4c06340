"""Where each architecture keeps what belongs to a token: a table, and transformers for what it lacks.

A model that must be asked is built without memory for its weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from focus_core.errors import ModelError, bad_input, phrase


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where an architecture keeps what belongs to a token; names are ends of tensor names."""

    input: str
    output: str = ""
    bias: tuple[str, ...] = ()
    position: str = ""


_BERT_INPUT = "embeddings.word_embeddings.weight"
_BERT = Layout(
    input=_BERT_INPUT,
    output="cls.predictions.decoder.weight",
    bias=("cls.predictions.decoder.bias", "cls.predictions.bias"),
)
_ROBERTA = Layout(
    input=_BERT_INPUT,
    output="lm_head.decoder.weight",
    bias=("lm_head.decoder.bias", "lm_head.bias"),
    position="embeddings.position_embeddings.weight",
)
_DECODER = Layout(input="embed_tokens.weight", output="lm_head.weight", bias=("lm_head.bias",))
LAYOUTS: dict[str, Layout] = {
    "bert": _BERT,
    "distilbert": Layout(input=_BERT_INPUT, output="vocab_projector.weight", bias=("vocab_projector.bias",)),
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "camembert": _ROBERTA,
    "gpt2": Layout(input="wte.weight", output="lm_head.weight"),
    "gpt_neox": Layout(input="embed_in.weight", output="embed_out.weight"),
    **dict.fromkeys(
        ("llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text", "phi3", "olmo", "olmo2", "smollm3"),
        _DECODER,
    ),
}
"""Architectures whose names are known; any other is asked through transformers."""


def layout_from_transformers(folder: Path) -> Layout:
    """Ask transformers where an architecture keeps its embeddings, without memory for its weights."""
    import torch

    try:
        with torch.device("meta"):
            model = model_class(folder)(_auto_config(folder))
        inside, outside = model.get_input_embeddings(), model.get_output_embeddings()
    except (ValueError, KeyError, NotImplementedError, AttributeError, TypeError) as reason:
        expected = "an architecture that transformers knows"
        remedy = phrase("give {source_tokenizer} and {source_embeddings} instead")
        raise bad_input(folder.name, expected, str(reason).split("\n", maxsplit=1)[0], remedy, ModelError) from reason
    (entrance,) = [name for name, module in model.named_modules() if module is inside]
    ways_out = [name for name, module in model.named_modules() if outside is not None and module is outside]
    bias = id(getattr(outside, "bias", None))
    return Layout(
        input=f"{entrance}.weight",
        output=f"{ways_out[0]}.weight" if ways_out else "",
        bias=tuple(name for name, p in model.named_parameters(remove_duplicate=False) if id(p) == bias),
    )


def _auto_config(folder: Path) -> Any:
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)


def architecture_defaults(folder: Path) -> dict[str, Any]:
    """Return a folder's configuration with what its architecture assumes for keys that the file leaves out.

    Parameters
    ----------
    folder : Path
        Holds ``config.json``.

    Returns
    -------
    dict
        Every key of the architecture.
    """
    return dict(_auto_config(folder).to_dict())


def architecture_config(folder: Path, values: dict[str, Any]) -> Any:
    """Return a configuration of the class that a folder's ``config.json`` names.

    Parameters
    ----------
    folder : Path
        Holds ``config.json``.
    values : dict
        What the configuration says, as in such a file.

    Returns
    -------
    transformers.PretrainedConfig
        The configuration.
    """
    return type(_auto_config(folder)).from_dict(values)


def model_class(folder: Path) -> Any:
    """Return the transformers class that a folder's ``config.json`` names first, else ``AutoModel``'s choice.

    Parameters
    ----------
    folder : Path
        Holds ``config.json``.

    Returns
    -------
    type
        A subclass of ``PreTrainedModel``.
    """
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    config = _auto_config(folder)
    for name in config.architectures or ():
        found = getattr(transformers, name, None)
        if found is not None:
            return found
    return MODEL_MAPPING[type(config)]
