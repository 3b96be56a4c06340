"""focus_core.types: the codes that arrays and run folders hold may never change silently."""

from __future__ import annotations

import pytest

from focus_core import types as domain
from focus_core.types import (
    KINDS,
    ORIGINS,
    RULES,
    Fallback,
    MatchMode,
    Origin,
    Rule,
    SpecialTokenType,
    TokenKind,
    no_progress,
)


def test_codes_are_the_positions_in_the_tuples() -> None:
    """A run folder stores these numbers; reordering a member would change what old folders say."""
    assert [str(kind) for kind in KINDS] == ["normal", "byte", "special"]
    assert [str(rule) for rule in RULES] == ["none", "user", "special", "exact", "fuzzy", "symbol"]
    assert [str(origin) for origin in ORIGINS] == ["copied", "combined", "fallback"]


@pytest.mark.parametrize(
    "enum", [TokenKind, MatchMode, Rule, Origin, SpecialTokenType, Fallback, domain.Family, domain.Preset]
)
def test_enums_accept_their_own_string(enum: type) -> None:
    for member in enum:
        assert enum(str(member)) is member


@pytest.mark.parametrize("word", ["EXACT", "exakt", ""])
def test_an_unknown_choice_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="is not a valid MatchMode"):
        MatchMode(word)


def test_roles_are_the_seven_that_tokenizers_name() -> None:
    assert {str(role) for role in SpecialTokenType} == {"bos", "eos", "unk", "sep", "pad", "cls", "mask"}


def test_no_progress_is_a_progress_hook() -> None:
    assert no_progress("stage", 1, 2, "note") is None
