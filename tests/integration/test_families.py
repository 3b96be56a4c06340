"""A dozen kinds of model and tokenizer, judged from outside as in docs/families.md; and the judge itself is judged.

Ids of special tokens and of words differ between source and target of every one, and nothing of the product's own proof
is asked: logits are compared on what transformers alone loads.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from scripts.families.catalogue import Kind, kinds
from scripts.families.judge import compare_forward, load_side
from scripts.families.row import NONE, REFUSED, RIGHT, STEPS, judge_kind

pytestmark = pytest.mark.filterwarnings("ignore")  # transformers and torch warn about many of these architectures

WHOLE = ("bert", "llama")
BRIEF = ("init", "proof", "export", "forward")
RIGHT_TYPES = (
    "bart", "bert", "clip_text_model", "deberta-v2", "gemma4_text", "gpt2", "llama", "llava", "longformer",
    "mobilebert", "roberta", "t5",
)  # fmt: skip
"""Encoders, decoders and both; tied, untied and split tables, biases, positions from the pad id on, a table a layer."""


@pytest.fixture(scope="module")
def catalogue() -> dict[str, Kind]:
    return {kind.model_type: kind for kind in kinds()}


@pytest.mark.parametrize("name", RIGHT_TYPES)
def test_a_text_of_copied_tokens_computes_as_before(name: str, catalogue: dict[str, Kind], tmp_path: Path) -> None:
    """Built, initialised, proven, exported and loaded; two of them are trained, measured and extended too."""
    columns = STEPS if name in WHOLE else BRIEF
    row = judge_kind(catalogue[name], tmp_path, columns=columns)
    assert row["built"], row
    assert row["copied"] >= 20
    assert {column: row[column] for column in columns if row[column][0] != RIGHT and row[column][0] != NONE} == {}
    assert {row[column][0] for column in BRIEF} == {RIGHT}


def test_what_no_target_can_make_right_is_refused_in_one_line(catalogue: dict[str, Kind], tmp_path: Path) -> None:
    """MPNet's class holds its padding id; a target that has another one is refused before anything is spent."""
    row = judge_kind(catalogue["mpnet"], tmp_path, columns=("init", "export"))
    assert row["init"][0] == REFUSED
    assert "padding token" in row["init"][1]
    assert row["export"][0] == NONE


def exported(kind: Kind, folder: Path) -> tuple[dict[str, Any], dict[int, int], list[int], Any]:
    """Judge a family; return its row, which ids are the same, the copied words among them, and the target."""
    row = judge_kind(kind, folder, columns=BRIEF)
    source, target = (AutoTokenizer.from_pretrained(folder / name) for name in ("source", "target"))
    there = target.get_vocab()
    shared = {i: there[name] for name, i in source.get_vocab().items() if name in there}
    special = set(source.all_special_ids)
    return row, shared, [i for i in shared if i not in special], target


@pytest.mark.parametrize(("name", "end"), [("gpt2", "wte.weight"), ("bart", "final_logits_bias")])
def test_the_judge_sees_entries_in_the_wrong_place(
    name: str, end: str, catalogue: dict[str, Kind], tmp_path: Path
) -> None:
    """A table or a bias with two entries in each other's place is found; as it was written it is right."""
    row, shared, words, target = exported(catalogue[name], tmp_path)
    assert row["forward"][0] == RIGHT
    path = tmp_path / "out" / "model.safetensors"
    tensors = load_file(path)
    (key,) = [key for key in tensors if key.endswith(end)]
    places = tensors[key] if tensors[key].shape[0] > 1 else tensors[key][0]
    a, b = shared[words[0]], shared[words[1]]
    places[a], places[b] = places[b].clone() + 1, places[a].clone()
    save_file(tensors, path, metadata={"format": "pt"})
    class_name = catalogue[name].class_name
    source = AutoTokenizer.from_pretrained(tmp_path / "source")
    sides = (
        load_side(tmp_path / "source", class_name, {i: i for i in shared}, source),
        load_side(tmp_path / "out", class_name, shared, target),
    )
    assert "logits differ" in compare_forward(*sides, words, (None, None))
