"""What single architectures do with an id beyond what their configuration says: the only list of architectures.

Each entry names the line of the class that makes it necessary.
"""

from __future__ import annotations

import dataclasses

from focus_core.errors import ModelError, bad_input
from focus_core.models.source import SourceModel
from focus_core.surgery.config import IdMap

ENDS_WITH_HIGHEST_ID = ("clip", "clip_text_model", "clipseg", "clipseg_text_model", "groupvit", "groupvit_text_model")
"""``if self.eos_token_id == 2: ... input_ids.argmax(dim=-1)`` (modeling_clip.py): an end id of 2, the default of old
configurations, stands for the highest id, which closes every text of CLIP's own tokenizer."""
LEGACY_END = 2
ALWAYS_HIGHEST = ("owlvit", "owlvit_text_model", "owlv2", "owlv2_text_model", "xclip", "xclip_text_model")
"""``input_ids.argmax(dim=-1)`` without a condition (modeling_owlvit.py), or with a fixed one (``self.eos_token_id = 2``
in modeling_x_clip.py): a text is what its highest id becomes."""
ZEROES_PADDING = ("funnel",)
"""``init.zeros_(...weight[padding_idx])`` runs as a file is loaded too (modeling_funnel.py), and no mask
hides padding from its pooling: where the source's configuration has no padding id, the result's has none either."""
COUNTS_FROM_ZERO = ("prophetnet",)
"""Asserts as it generates that a position is the number of tokens so far (modeling_prophetnet.py): padding is id 0."""


def corrected_ids(model: SourceModel, ids: IdMap) -> IdMap:
    """Return where ids go, after what single architectures mean by theirs.

    Parameters
    ----------
    model : SourceModel
        The source.
    ids : IdMap
        Where its ids go by the vocabularies alone.

    Returns
    -------
    IdMap
        The same for all but the listed architectures.

    Raises
    ------
    ModelError
        If the target's end of a text has the id that these architectures read as the highest one.
    """
    if model.model_type in ALWAYS_HIGHEST:
        _require_highest(model, ids)
    if model.model_type not in ENDS_WITH_HIGHEST_ID or ids.extended:
        return ids
    if (model.config or {}).get("eos_token_id", LEGACY_END) != LEGACY_END and "text_config" not in (model.config or {}):
        return ids
    highest = model.n_rows - 1
    end = ids.of(highest, "eos")
    if end == LEGACY_END:
        raise bad_input(
            f"the end token of the target vocabulary, for {model.name} ({model.model_type})",
            expected="any id but 2, which this architecture reads as the highest id",
            got="id 2",
            remedy="give a target tokenizer whose end token has another id",
            error=ModelError,
        )
    types = {**ids.source_special_types, "eos": highest}
    copied = ids.copied if end is None else {**ids.copied, LEGACY_END: end}
    return dataclasses.replace(ids, copied=copied, source_special_types=types)


def _require_highest(model: SourceModel, ids: IdMap) -> None:
    """Refuse a target whose end of a text is not its highest id, where the class looks for that alone."""
    end = ids.of(model.n_rows - 1, "eos")
    if end != ids.n_target - 1:
        raise bad_input(
            f"the end token of the target vocabulary, for {model.name} ({model.model_type})",
            expected=f"the highest id, {ids.n_target - 1:,}, from which this architecture takes a text's features",
            got="none" if end is None else f"id {end:,}",
            remedy="give a target tokenizer whose end token is its last",
            error=ModelError,
        )
