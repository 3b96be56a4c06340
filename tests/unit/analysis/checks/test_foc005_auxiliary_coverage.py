"""FOC005: tokens without an auxiliary vector: lost anchors, and new tokens that cannot be placed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.registry import CHECKS
from focus_core.runs.folder import RunFolder, open_run
from tests.toy_run import altered

check = CHECKS["FOC005"]

SHARED, NEW, SPECIAL = ("copied", "normal"), ("combined", "normal"), ("copied", "special")


def tokens(run: RunFolder, *rows: tuple[tuple[str, str], bool], frequency: list[int] | None = None) -> RunFolder:
    """Return a run of these tokens: (origin, kind) and whether there is a vector; frequency falls with the id."""
    columns = {
        "tokens.id": list(range(len(rows))),
        "tokens.origin": [origin for (origin, _), _ in rows],
        "tokens.kind": [kind for (_, kind), _ in rows],
        "tokens.has_auxiliary": [has for _, has in rows],
        "tokens.frequency": frequency or list(range(len(rows), 0, -1)),
    }
    return altered(run, columns=columns)


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([(SHARED, True), (SHARED, False), (NEW, True)], Status.PASSED),  # half of the anchors: still passes
        ([(SHARED, True), (SHARED, False), (SHARED, False), (NEW, True)], Status.WARNING),
        ([(SHARED, True), (NEW, True), (NEW, False)], Status.PASSED),
        ([(SHARED, True), (NEW, True), (NEW, False), (("fallback", "normal"), False)], Status.WARNING),
    ],
)
def test_fires_below_one_half(run: RunFolder, rows: list[tuple[tuple[str, str], bool]], status: Status) -> None:
    assert check.run(tokens(run, *rows)).status == status


def test_specials_do_not_count(run: RunFolder) -> None:
    """Special tokens never have a vector of ours."""
    rows = [(SPECIAL, False)] * 9 + [(SHARED, True), (NEW, True)]
    assert check.run(tokens(run, *rows)).status == Status.PASSED


def test_lists_the_most_frequent_tokens_without_a_vector(run: RunFolder) -> None:
    rows = [(SHARED, False), (SHARED, False), (NEW, False), (SPECIAL, False), (NEW, True)]
    result = check.run(tokens(run, *rows))
    assert result.tokens == [0, 1, 2]
    assert result.summary == "an auxiliary vector: 0 of 2 shared tokens, 1 of 2 new tokens"


@pytest.mark.parametrize(("kind", "status"), [("counted", Status.WARNING), ("trained", Status.PASSED)])
def test_what_counts_say_of_a_token_that_never_occurs_covers_nothing(run: RunFolder, kind: str, status: Status) -> None:
    """Its vector is its spelling's: a vocabulary too large for the text is still said to be."""
    made = altered(run, manifest={"auxiliary": {"kind": kind}})
    rows = [(SHARED, True), (NEW, True), (NEW, True), (NEW, True)]
    assert check.run(tokens(made, *rows, frequency=[9, 4, 0, 0])).status == status


def test_passes_on_the_toy(run: RunFolder) -> None:
    assert check.run(run).status == Status.PASSED


def test_is_not_applicable_without_auxiliary_vectors(run: RunFolder, tmp_path: Path) -> None:
    copy = shutil.copytree(run.path, tmp_path / "copy")
    (copy / "auxiliary.safetensors").unlink()
    assert check.run(open_run(copy)).status == Status.NOT_APPLICABLE
