"""FOC008: special tokens of the target without a source row."""

from __future__ import annotations

import pytest

from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.registry import CHECKS
from focus_core.runs.folder import RunFolder
from tests.toy_run import altered

check = CHECKS["FOC008"]


def specials(run: RunFolder, origins: list[str], roles: dict[str, int]) -> RunFolder:
    columns = {"tokens.kind": ["special"] * (len(origins) - 1) + ["normal"], "tokens.origin": origins}
    return altered(run, manifest={"target": {"roles": roles}}, columns=columns)


@pytest.mark.parametrize(
    ("roles", "status"),
    [
        ({"mask": 1}, Status.PROBLEM),
        ({"unk": 1, "pad": 1}, Status.PROBLEM),
        ({"pad": 1}, Status.WARNING),
        ({"mask": 0}, Status.WARNING),
        ({}, Status.WARNING),
    ],
)
def test_fires_and_a_role_makes_it_a_problem(run: RunFolder, roles: dict[str, int], status: Status) -> None:
    """Token 1 is special and was drawn; padding never reaches attention, so its row matters little."""
    result = check.run(specials(run, ["copied", "fallback", "combined"], roles))
    assert result.status == status
    assert result.tokens == [1]
    assert "1 of 2 special tokens have no source embedding" in result.summary


def test_names_the_roles(run: RunFolder) -> None:
    result = check.run(specials(run, ["fallback", "fallback", "copied"], {"unk": 1, "mask": 0}))
    assert result.summary.endswith("among them mask, unk")


def test_passes_on_the_toy(run: RunFolder) -> None:
    assert check.run(run).status == Status.PASSED


def test_is_not_applicable_without_special_tokens(run: RunFolder) -> None:
    assert check.run(specials(run, ["fallback"], {})).status == Status.NOT_APPLICABLE
