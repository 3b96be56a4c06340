"""Find the type of each special token: bos, eos, unk, sep, pad, cls, mask.

A configuration's word counts most, even where it says that there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from focus_core.tokenization.parts import token_string
from focus_core.types import Role

WELL_KNOWN: dict[Role, tuple[str, ...]] = {
    Role.BOS: (
        "<s>",
        "<bos>",
        "<|begin_of_text|>",
        "<|startoftext|>",
        "<|begin▁of▁sentence|>",
        "<|endoftext|>",
        "[BOS]",
    ),
    Role.EOS: ("</s>", "<eos>", "<|end_of_text|>", "<|end▁of▁sentence|>", "<|endoftext|>", "[EOS]"),
    Role.UNK: ("<unk>", "[UNK]", "<|unk|>"),
    Role.SEP: ("[SEP]", "<sep>"),
    Role.PAD: ("<pad>", "[PAD]", "<|pad|>", "<|padding|>", "<|finetune_right_pad_id|>"),
    Role.CLS: ("[CLS]", "<cls>"),
    Role.MASK: ("<mask>", "[MASK]", "<|mask|>"),
}

STAND_INS: dict[Role, Role] = {Role.BOS: Role.CLS, Role.CLS: Role.BOS, Role.EOS: Role.SEP, Role.SEP: Role.EOS}
"""Roles that do the same work in another family: what opens a text, and what closes it."""


def find_roles(
    state: Mapping[str, Any], id_of: Callable[[str], int | None], config: Mapping[str, Any]
) -> dict[Role, int]:
    """Assign roles to token ids."""
    specials = {t["content"]: t["id"] for t in state.get("added_tokens") or () if t.get("special")}
    roles: dict[Role, int] = {}
    for role, token_id in _witnesses(state, id_of, specials, config):
        if role not in roles and not _is_denied(role, config):
            roles[role] = token_id
    for role, token_id in _read_post_processor(state.get("post_processor") or {}, specials):
        # subtle: BERT's [CLS] opens a text as a bos would; that does not make it one
        if role not in roles and not _is_denied(role, config) and roles.get(STAND_INS[role]) != token_id:
            roles[role] = token_id
    return {role: roles[role] for role in Role if role in roles}


def _is_denied(role: Role, config: Mapping[str, Any]) -> bool:
    """Tell whether the configuration says that no token has this role."""
    key = f"{role}_token"
    return key in config and config[key] is None


def _witnesses(
    state: Mapping[str, Any], id_of: Callable[[str], int | None], specials: Mapping[str, int], config: Mapping[str, Any]
) -> Iterator[tuple[Role, int]]:
    """Yield (role, id), the most trusted first."""
    named = [(role, token_string(config.get(f"{role}_token"))) for role in Role]
    for role, token in [*named, (Role.UNK, state["model"].get("unk_token"))]:
        token_id = id_of(token) if token else None
        if token_id is not None:
            yield role, token_id
    for role in Role:
        given = config.get(f"{role}_token_id")
        given = given[0] if isinstance(given, list) and given else given
        if type(given) is int and given in specials.values():
            yield role, given
    for role, strings in WELL_KNOWN.items():
        yield from ((role, specials[string]) for string in strings if string in specials)


def _read_post_processor(processor: Mapping[str, Any], specials: Mapping[str, int]) -> Iterator[tuple[Role, int]]:
    """Yield what the post-processor puts before and after a text."""
    for part in processor.get("processors") or ():
        yield from _read_post_processor(part, specials)
    for role in (Role.CLS, Role.SEP):
        pair = processor.get(role.value)
        if isinstance(pair, list) and pair[0] in specials:
            yield role, specials[pair[0]]
    single = processor.get("single")
    names = [str((part.get("SpecialToken") or {}).get("id", "")) for part in single] if isinstance(single, list) else []
    if "" in names:
        text = names.index("")
        yield from ((Role.BOS, specials[name]) for name in names[:text][:1] if name in specials)
        yield from ((Role.EOS, specials[name]) for name in names[text + 1 :][-1:] if name in specials)
