"""A loss that is mostly the unknown token has no numbers, in new reports and in those of earlier versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from focus_core.analysis.report.trainings import evaluation
from focus_core.corpus.word_masking import masked_words
from focus_core.evaluation.causal import score_causal
from focus_core.evaluation.comparable import comparable, unknown_share, why_not_comparable
from focus_core.evaluation.masked import score_masked
from focus_core.evaluation.render import render_evaluation
from focus_core.evaluation.stored import read_evaluation
from pages.train.evaluate_figures import evaluation_figure, evaluation_table, measured_states
from tests import tiny_models
from tests.language_samples import sample_lines
from tests.unit.evaluation.test_loss import Told, run_model

WHY = "not comparable: 83 % of the text is unknown to this tokenizer"


def loss(**counts: int) -> dict[str, Any]:
    numbers = {"nats_per_token": 0.3, "bits_per_character": {"value": 0.1, "low": 0.05, "high": 0.2}}
    usual = {"n_tokens": 100, "n_unknown": 0, "n_words": 50, "n_characters": 400, "n_unknown_characters": 0}
    return numbers | usual | counts


@pytest.mark.parametrize(
    "counts", [{"n_unknown": 83}, {"n_unknown_characters": 332}, {"n_unknown": 60, "n_unknown_characters": 332}]
)
def test_most_tokens_or_most_characters_unknown_take_the_numbers_away(counts: dict[str, int]) -> None:
    found = comparable(loss(**counts))
    assert found["not_comparable"] == WHY
    assert found["bits_per_character"] is None
    assert found["nats_per_token"] is None
    assert found["n_tokens"] == 100, "counts stay"
    assert comparable(found) == found


def test_half_is_not_most() -> None:
    found = comparable(loss(n_unknown=50, n_unknown_characters=200))
    assert found["not_comparable"] == ""
    assert found["bits_per_character"]["value"] == 0.1
    assert comparable({"n_tokens": 0, "n_unknown": 0})["not_comparable"] == ""
    assert unknown_share({}) == 0.0
    assert why_not_comparable(None) == ""


def told(family: str, objective: str) -> Any:
    build, roles = tiny_models.TOKENIZERS[family]
    backend = build(tiny_models.SOURCE_LINES)
    return run_model(backend, roles, objective, Told(torch.zeros(backend.get_vocab_size())), 64)


@pytest.mark.parametrize("family", tiny_models.MASKED)
@pytest.mark.parametrize("language", ["he", "zh"])
def test_characters_of_another_script_are_counted_as_unknown(family: str, language: str) -> None:
    lines = sample_lines(language, 30)
    scores = score_masked(told(family, "mlm"), lines)
    masked = [line[begin:end] for line in lines for begin, end in masked_words(line)]
    letters = sum(c.isalnum() for word in masked for c in word)
    assert letters > 0
    assert scores.unknown_characters.sum() >= letters
    assert (scores.unknown_characters <= scores.characters).all()
    assert 2 * scores.unknown_characters.sum() > scores.characters.sum()


def test_a_causal_model_with_bytes_knows_all_of_it() -> None:
    scores = score_causal(told("llama", "clm"), sample_lines("he", 5))
    assert scores.unknown_characters.sum() == scores.unknown.sum() == 0
    known = score_masked(told("roberta", "mlm"), tiny_models.SOURCE_LINES)
    np.testing.assert_array_equal(known.unknown_characters, 0)


def report(*losses: dict[str, Any]) -> dict[str, Any]:
    pieces = {"tokens_per_word": 2.0, "continued_words": 0.5, "characters_per_token": 3.0}
    shared = {
        "training": None,
        "method": "focus",
        "segmentation": pieces,
        "change": None,
        "alignment": None,
        "notes": [],
    }
    targets = [{"target": f"run{i}", "loss": one} | shared for i, one in enumerate(losses[:-1])]
    sources = [{"target": "source", "loss": losses[-1], "segmentation": pieces, "notes": []}]
    interval = {"value": 0.5, "low": 0.4, "high": 0.6}
    return {
        "kind": "evaluation",
        "corpus": {"files": ["a.txt"], "n_lines": 9, "n_measured_lines": 9, "percent": None},
        "targets": targets,
        "sources": sources,
        "differences": [
            {"target": entry["target"], "minus": "run0", "bits_per_character": interval} for entry in targets[1:]
        ],
        "groups": [],
        "states": [],
    }


def test_a_stored_report_of_an_earlier_version_loses_the_numbers_when_it_is_read(tmp_path: Path) -> None:
    old = loss(n_unknown=83)
    del old["n_unknown_characters"]
    file = tmp_path / "evaluation.json"
    file.write_text(json.dumps(report(loss(), old, loss())), encoding="utf-8")
    found = read_evaluation(file)
    assert [why_not_comparable(entry["loss"]) for entry in found["targets"]] == ["", WHY]
    assert found["differences"] == [], "nothing is compared with it"


def test_it_is_said_in_place_of_the_number_wherever_numbers_stand() -> None:
    found = report(loss(), comparable(loss(n_unknown=83)))
    header, first, source = render_evaluation(found)[1:4]
    assert "bits per character" in header
    assert "0.100" in first
    assert "not comparable" in source
    assert "0.100" not in source
    states = measured_states(found, "")
    assert len(evaluation_figure(states).data[0].y) == 1, "no bar"
    table = evaluation_table(states)
    assert table["bits"] == [0.1, None]
    assert table["95 %"] == ["0.050 to 0.200", WHY]
    page = evaluation(found)
    assert any(note.endswith(f"{WHY}.") for note in page["notes"])
    assert "0.1" not in str(page["notes"])
