"""What the registry says of its methods, and of a name that none has."""

from __future__ import annotations

import pytest

from focus_core.errors import InvalidInputError
from focus_core.experiments.request import ComparisonRequest
from focus_core.initialization.methods.copying import copy_overlap, copy_specials
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.pipeline import method_named


def test_every_method_that_combines_rows_says_of_what() -> None:
    silent = {name for name, method in METHODS.items() if not method.made_of}
    copying = {name for name, method in METHODS.items() if method.compute_weights in (copy_overlap, copy_specials)}
    assert silent == copying


@pytest.mark.parametrize(
    ("wrong", "right"), [("foccus", "focus"), ("FOCUS", "focus"), ("transtokenization", "trans-tokenization")]
)
def test_a_wrong_name_is_answered_by_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(InvalidInputError, match=f"did you mean {right}"):
        method_named(wrong)
    with pytest.raises(InvalidInputError, match=f"did you mean {right}"):
        ComparisonRequest(source="x", target_tokenizer="y", corpus=("z",), methods=(wrong,))


def test_a_name_like_no_other_is_answered_by_all() -> None:
    with pytest.raises(InvalidInputError, match=r"focus, script, .*; choose one of these"):
        method_named("xyz")
