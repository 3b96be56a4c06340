"""Every check is numbered, documented and tested; a run of all of them is plain data."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from focus_core.analysis.checks.base import MAX_TOKENS, Check, Status, grade
from focus_core.analysis.checks.registry import CHECKS, run_checks
from focus_core.runs.folder import RunFolder

FOLDER = Path(__file__).parent
DOCUMENT = FOLDER.parents[3] / "docs" / "checks.md"


def section(code: str) -> str:
    """Return the section of docs/checks.md that a code heads."""
    text = DOCUMENT.read_text(encoding="utf-8")
    parts = re.split(r"^## ", text, flags=re.MULTILINE)
    found = [part for part in parts if part.startswith(code)]
    assert len(found) == 1, f"docs/checks.md has {len(found)} sections for {code}"
    return found[0]


def test_codes_are_numbered_without_gaps() -> None:
    assert list(CHECKS) == [f"FOC{number:03d}" for number in range(1, len(CHECKS) + 1)]


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_every_check_has_a_section_with_its_title_and_three_answers(check: Check) -> None:
    text = section(check.code)
    assert text.splitlines()[0] == f"{check.code}: {check.title}"
    for heading in ("What it means.", "Why it matters.", "What to do."):
        assert f"**{heading}**" in text


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_every_threshold_stands_in_the_section_with_a_reason(check: Check) -> None:
    assert check.thresholds
    for name, threshold in check.thresholds.items():
        assert len(threshold.reason) > 20
        assert f"| `{name}` | {threshold.value:g} |" in section(check.code)


@pytest.mark.parametrize("code", CHECKS)
def test_every_check_has_a_test_file_with_all_three_cases(code: str) -> None:
    files = list(FOLDER.glob(f"test_{code.lower()}_*.py"))
    assert len(files) == 1
    names = re.findall(r"^def (test_\w+)", files[0].read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert any("fires" in name for name in names)
    assert any("passes" in name or "silent" in name or "toy" in name for name in names)
    assert any("not_applicable" in name for name in names)


def test_no_section_without_a_check() -> None:
    codes = re.findall(r"^## (FOC\d+)", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert codes == list(CHECKS)


def test_all_checks_of_a_run_are_json(run: RunFolder) -> None:
    results = run_checks(run)
    assert [result.code for result in results] == list(CHECKS)
    parsed = json.loads(json.dumps([result.to_dict() for result in results], allow_nan=False))
    assert {result["status"] for result in parsed} == {"passed", "not applicable"}
    assert set(parsed[0]) == {"code", "title", "outcome", "status", "summary", "tip", "tokens", "side", "basis"}


def test_a_result_lists_at_most_fifty_tokens() -> None:
    check = CHECKS["FOC001"]
    result = check.result(Status.PROBLEM, "x", tokens=range(1000))
    assert result.tokens == list(range(MAX_TOKENS))
    assert check.result(Status.PASSED, "x", tip="y", tokens=[1]).tokens == []


def test_grade_lets_the_bounds_pass() -> None:
    found = [grade(value, warning=1, problem=2) for value in (1, 1.1, 2, 2.1)]
    assert found == [Status.PASSED, Status.WARNING, Status.WARNING, Status.PROBLEM]
