"""The comparison of auxiliary spaces: what is measured once, what is paired with what, and what is claimed of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from focus_core.evaluation.bootstrap import difference_interval
from focus_core.initialization.auxiliary.vectors import AuxiliaryVectors
from scripts.auxiliary_space.bench import Scores
from scripts.auxiliary_space.results import Point, Results, summarise
from scripts.auxiliary_space.spaces import COUNTS, FASTTEXT, joined
from scripts.auxiliary_space.table import DOCUMENTS, TABLES, claims, confirm_table, load_results, marks, screen_table
from scripts.auxiliary_space.text import WHOLE, chosen_lines
from scripts.demo_data import is_held_out

CHARACTERS = np.array([4, 0, 10, 6])


def point(variant: str, **changed: Any) -> Point:
    plain = {"language": "sw", "size": WHOLE, "tokens": 0, "seed": 42, "lines": 4, "masks": 1}
    return Point(variant=variant, **(plain | changed))


def scores(*bits: float, characters: np.ndarray = CHARACTERS) -> Scores:
    return Scores(bits=np.array(bits), characters=characters)


def row(variant: str, value: float, *, low: float | None = None, high: float | None = None, **changed: Any) -> dict:
    plain = {"language": "sw", "size": WHOLE, "tokens": 0, "variant": variant}
    interval = {
        "value": value,
        "low": value - 0.01 if low is None else low,
        "high": value + 0.01 if high is None else high,
    }
    return plain | {"bits_per_character": {"value": 2.0}, "minus_fasttext": interval} | changed


def test_what_is_measured_is_not_missing_and_comes_back_whole(tmp_path: Path) -> None:
    results, points = Results(tmp_path), [point(FASTTEXT), point(COUNTS)]
    results.add(points[0], scores(1.0, 0.0, 2.0, 3.0), {"random_rows": 7})
    again = Results(tmp_path)
    assert again.missing(points) == points[1:]
    assert again.scores(points[0]).bits.tolist() == [1.0, 0.0, 2.0, 3.0]
    assert again.notes == {points[0]: {"random_rows": 7}}


def test_a_line_that_a_killed_process_left_is_measured_again(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.add(point(FASTTEXT), scores(1.0, 0.0, 2.0, 3.0), {"random_rows": 7})
    path = tmp_path / "results.jsonl"
    path.write_text(path.read_text(encoding="utf-8") + '{"point": {"langu', encoding="utf-8")
    again = Results(tmp_path)
    again.add(point(COUNTS), scores(1.0, 0.0, 2.0, 2.0), {"random_rows": 0})
    assert set(Results(tmp_path).notes) == {point(FASTTEXT), point(COUNTS)}
    assert all(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def test_differences_are_paired_by_line_and_stay_within_a_group(tmp_path: Path) -> None:
    results = Results(tmp_path)
    own, others = [[1.0, 0.0, 2.0, 3.0], [2.0, 0.0, 2.0, 3.0]], [[3.0, 0.0, 2.0, 3.0], [3.0, 0.0, 2.0, 5.0]]
    points = [point(v, seed=s) for v in (COUNTS, FASTTEXT) for s in (42, 43)] + [point(COUNTS, tokens=60_000)]
    for one, bits in zip(points, [*own, *others, [9.0, 0.0, 9.0, 9.0]], strict=True):
        results.add(one, scores(*bits), {"random_rows": one.seed})
    rows = {(r["variant"], r["tokens"]): r for r in summarise(results, points)}
    counts = rows[COUNTS, 0]
    expected = difference_interval(np.array(own), np.array(others), CHARACTERS)
    assert counts["minus_fasttext"]["value"] == pytest.approx((6.5 - 9.0) / 20) == pytest.approx(expected.value)
    assert counts["minus_fasttext"]["high"] == pytest.approx(expected.high, abs=1e-5)
    assert counts["seeds"] == [42, 43]
    assert counts["random_rows"] == 42.5
    assert "minus_fasttext" not in rows[FASTTEXT, 0]
    assert "minus_fasttext" not in rows[COUNTS, 60_000]  # no fastText after training was measured


def test_other_lines_are_no_pairs(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.add(point(FASTTEXT), scores(1.0, 0.0, 2.0, 3.0), {"random_rows": 0})
    results.add(point(COUNTS), scores(1.0, 0.0, 2.0, 3.0, characters=CHARACTERS + 1), {"random_rows": 0})
    with pytest.raises(ValueError, match="the lines differ"):
        summarise(results, [point(FASTTEXT), point(COUNTS)])


def test_a_smaller_text_is_a_part_of_a_larger_one() -> None:
    lines = [f"mstari wa {i}" for i in range(500)]
    small, large = chosen_lines(lines, 0.001), chosen_lines(lines, 0.003)
    assert sum(len(line) + 1 for line in small) <= 1000 < sum(len(line) + 1 for line in large) <= 3000
    assert [line for line in large if line in set(small)] == small
    assert [line for line in lines if line in set(large)] == large
    assert chosen_lines(lines, WHOLE) == lines
    assert not is_held_out(lines[0])


def test_joined_spaces_have_the_mean_of_their_cosines() -> None:
    left = np.array([[3.0, 0.0], [0.0, 2.0], [0.0, 0.0]], np.float32)
    right = np.array([[5.0], [7.0], [1.0]], np.float32)
    parts = [AuxiliaryVectors(vectors=v, has_vector=v.any(axis=1), kind="trained") for v in (left, right)]
    made = joined(parts)
    assert made.vectors.tolist() == [[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]
    assert made.vectors[0] @ made.vectors[1] / 2 == pytest.approx((0 + 1) / 2)


def test_a_table_has_a_column_for_each_case_and_reference() -> None:
    reference = row(FASTTEXT, 0)
    reference["minus_counts"] = reference.pop("minus_fasttext")
    rows = [reference, row(COUNTS, -0.05), row(COUNTS, 0.02, size=0.2)]
    assert screen_table(rows).splitlines() == [
        "|  | Swahili, all text, minus fastText | Swahili, all text, minus counts "
        "| Swahili, 0.2 MB, minus fastText | Swahili, 0.2 MB, minus counts |",
        "|---|---:|---:|---:|---:|",
        "| fastText | — | +0.000 (−0.010 to +0.010) | — | — |",
        "| **counts** | −0.050 (−0.060 to −0.040) | — | +0.020 (+0.010 to +0.030) | — |",
    ]
    rows += [row(COUNTS, -0.04, tokens=60_000), row("window 1", -0.03)]
    assert confirm_table(rows).splitlines()[:3] == [
        "| counts minus fastText | fastText, all text | 0.2 MB, at once | all text, at once "
        "| all text, after 60k tokens |",
        "|---|---:|---:|---:|---:|",
        "| Swahili | 2.000 | +0.020 (+0.010 to +0.030) | −0.050 (−0.060 to −0.040) | −0.040 (−0.050 to −0.030) |",
    ]
    assert confirm_table(rows).splitlines()[-1] == "| window 1 | −0.030 (−0.040 to −0.020) |"


@pytest.mark.parametrize(
    ("found", "holds"),
    [
        (row(COUNTS, -0.05), True),
        (row(COUNTS, -0.029), False),  # too little
        (row(COUNTS, -0.05, high=0.001), False),  # not off zero
        (row(COUNTS, 0.02, low=-0.001, language="xh"), True),  # a tie
        (row(COUNTS, 0.02, low=0.001, language="xh"), False),  # worse
    ],
)
def test_a_claim_holds_where_the_interval_says_so(found: dict[str, Any], holds: bool) -> None:
    (said,) = claims({"confirm": [row(FASTTEXT, 0), found, row(COUNTS, 1.0, size=0.2)]})
    assert said.startswith("holds: " if holds else "does not hold: ")


def test_the_documents_show_the_committed_measures(root: Path) -> None:
    results = load_results()
    for name, document in DOCUMENTS.items():
        start, end = marks(name)
        text = (root / document).read_text(encoding="utf-8")
        assert text.split(start, 1)[1].split(end, 1)[0].strip() == TABLES[name](results[name]).strip()


def test_what_is_claimed_holds() -> None:
    said = claims(load_results())
    assert len(said) >= 7  # six languages at once, Swahili after training too
    assert [line for line in said if not line.startswith("holds: ")] == []
