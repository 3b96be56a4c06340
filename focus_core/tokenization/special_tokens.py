"""Find the type of each special token: bos, eos, unk, sep, pad, cls, mask.

A configuration's word counts most, even where it says that there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from focus_core.tokenization.classes.model_types import token_string
from focus_core.types import SpecialTokenType

WELL_KNOWN: dict[SpecialTokenType, tuple[str, ...]] = {
    SpecialTokenType.BOS: (
        "<s>",
        "<bos>",
        "<|begin_of_text|>",
        "<|startoftext|>",
        "<|begin▁of▁sentence|>",
        "<|endoftext|>",
        "[BOS]",
    ),
    SpecialTokenType.EOS: ("</s>", "<eos>", "<|end_of_text|>", "<|end▁of▁sentence|>", "<|endoftext|>", "[EOS]"),
    SpecialTokenType.UNK: ("<unk>", "[UNK]", "<|unk|>"),
    SpecialTokenType.SEP: ("[SEP]", "<sep>"),
    SpecialTokenType.PAD: ("<pad>", "[PAD]", "<|pad|>", "<|padding|>", "<|finetune_right_pad_id|>"),
    SpecialTokenType.CLS: ("[CLS]", "<cls>"),
    SpecialTokenType.MASK: ("<mask>", "[MASK]", "<|mask|>"),
}

STAND_INS: dict[SpecialTokenType, SpecialTokenType] = {
    SpecialTokenType.BOS: SpecialTokenType.CLS,
    SpecialTokenType.CLS: SpecialTokenType.BOS,
    SpecialTokenType.EOS: SpecialTokenType.SEP,
    SpecialTokenType.SEP: SpecialTokenType.EOS,
}
"""Roles that do the same work in another family: what opens a text, and what closes it."""


def find_special_token_types(
    state: Mapping[str, Any], id_of: Callable[[str], int | None], config: Mapping[str, Any]
) -> dict[SpecialTokenType, int]:
    """Find the special token of every type."""
    specials = {t["content"]: t["id"] for t in state.get("added_tokens") or () if t.get("special")}
    types: dict[SpecialTokenType, int] = {}
    for type_, token_id in _witnesses(state, id_of, specials, config):
        if type_ not in types and not _is_denied(type_, config):
            types[type_] = token_id
    for type_, token_id in _read_post_processor(state.get("post_processor") or {}, specials):
        # subtle: BERT's [CLS] opens a text as a bos would; that does not make it one
        if type_ not in types and not _is_denied(type_, config) and types.get(STAND_INS[type_]) != token_id:
            types[type_] = token_id
    return {type_: types[type_] for type_ in SpecialTokenType if type_ in types}


def _is_denied(type_: SpecialTokenType, config: Mapping[str, Any]) -> bool:
    """Tell whether the configuration says that no token has this type."""
    key = f"{type_}_token"
    return key in config and config[key] is None


def _witnesses(
    state: Mapping[str, Any], id_of: Callable[[str], int | None], specials: Mapping[str, int], config: Mapping[str, Any]
) -> Iterator[tuple[SpecialTokenType, int]]:
    """Yield (type, id), the most trusted first."""
    named = [(type_, token_string(config.get(f"{type_}_token"))) for type_ in SpecialTokenType]
    for type_, token in [*named, (SpecialTokenType.UNK, state["model"].get("unk_token"))]:
        token_id = id_of(token) if token else None
        if token_id is not None:
            yield type_, token_id
    for type_ in SpecialTokenType:
        given = config.get(f"{type_}_token_id")
        given = given[0] if isinstance(given, list) and given else given
        if type(given) is int and given in specials.values():
            yield type_, given
    for type_, strings in WELL_KNOWN.items():
        yield from ((type_, specials[string]) for string in strings if string in specials)


def _read_post_processor(
    processor: Mapping[str, Any], specials: Mapping[str, int]
) -> Iterator[tuple[SpecialTokenType, int]]:
    """Yield what the post-processor puts before and after a text."""
    for part in processor.get("processors") or ():
        yield from _read_post_processor(part, specials)
    for type_ in (SpecialTokenType.CLS, SpecialTokenType.SEP):
        pair = processor.get(type_.value)
        if isinstance(pair, list) and pair[0] in specials:
            yield type_, specials[pair[0]]
    single = processor.get("single")
    names = [str((part.get("SpecialToken") or {}).get("id", "")) for part in single] if isinstance(single, list) else []
    if "" in names:
        text = names.index("")
        yield from ((SpecialTokenType.BOS, specials[name]) for name in names[:text][:1] if name in specials)
        yield from ((SpecialTokenType.EOS, specials[name]) for name in names[text + 1 :][-1:] if name in specials)
