"""The words about the steps of a run, made of its request."""

from pathlib import Path

import pytest

from focus_core.initialization.config import InitConfig
from focus_core.initialization.request import InitRequest
from focus_core.jobs.steps import STEPS, Step
from focus_core.types import MatchMode, Preset, VocabSize
from pages.data.plan import describe, is_lent, results
from tests.toy_run import write_toy_run

GIVEN = {"source": "models/xlmr", "train_tokenizer": "bpe", "vocab_size": 9000, "corpus": (Path("a/x.txt"),)}


def words(*, preset=Preset.DEFAULT, more=(), config=()):
    return describe(InitRequest(**GIVEN | dict(more), config=InitConfig.for_preset(preset, **dict(config))))


def test_every_step_has_its_inputs_and_parameters():
    texts = {"corpus": (Path("a/x.txt"), Path("a/y.txt")), "encoding": "cp1252"}
    found = words(more=texts, config={"temperature": 0.5, "match": MatchMode.FUZZY})
    assert tuple(found) == STEPS
    assert found[Step.TOKENIZERS].summary == "bpe with 9,000 tokens, trained on the text"
    assert found[Step.TOKENIZERS].facts["Source model"] == "xlmr"
    assert found[Step.TOKENIZERS].facts["Normalization"].startswith("inherit: ")
    assert found[Step.CORPUS].facts == {"Files": "x.txt, y.txt", "Field": "text", "Encoding": "cp1252"}
    assert found[Step.OVERLAP].summary == "match fuzzy"
    assert found[Step.ROWS].summary == "focus, temperature 0.5"
    assert "Top-k" not in found[Step.ROWS].facts
    assert found[Step.VECTORS].facts == {"Preset": "default", "Auxiliary space": "counts"}
    assert words(config={"top_k": 5})[Step.ROWS].facts["Top-k"] == "5"
    facts = words(preset=Preset.PAPER, config={"epochs": None, "dim": 50})[Step.VECTORS].facts
    assert found[Step.VECTORS].summary == "counted in the text"
    assert facts == {
        "Preset": "paper",
        "Auxiliary space": "fasttext",
        "Seed": "42",
        "Dimensions": "50",
        "Epochs": "auto",
    }
    assert words(preset=Preset.PAPER)[Step.TOKENIZERS].facts["Normalization"].startswith("none: ")
    assert all(step.used for step in found.values())


def test_a_trimmed_tokenizer_is_said_to_be_one():
    found = words(more={"train_tokenizer": "trim", "vocab_size": None})[Step.TOKENIZERS]
    assert found.summary == "the source's own, cut to the tokens that the text uses"
    assert "Normalization" not in found.facts


def test_a_size_that_is_searched_and_a_space_of_both_cuts_are_said_to_be_so():
    asked = {"train_tokenizer": "unigram", "vocab_size": VocabSize.AUTO}
    found = words(more=asked, config={"method": "joint-focus", "dim": 50})
    assert found[Step.TOKENIZERS].summary == "unigram with as many tokens as the search finds, trained on the text"
    assert found[Step.VECTORS].summary == "counted in the text, as both tokenizers cut it"
    assert found[Step.VECTORS].facts["Dimensions"] == "50"


@pytest.mark.parametrize(
    ("more", "step", "summary"),
    [
        ({"config": {"method": "mean"}}, Step.VECTORS, "left out: mean compares none"),
        ({"more": {"auxiliary": Path("a.safetensors")}}, Step.VECTORS, "taken from the earlier run"),
    ],
)
def test_a_step_that_does_nothing_says_why(more, step, summary):
    assert (words(**more)[step].summary, words(**more)[step].used) == (summary, False)


def test_without_a_text_two_steps_are_left_out():
    found = describe(InitRequest(source="m", target_tokenizer="runs/1/target_tokenizer"))
    assert [step for step, text in found.items() if not text.used] == [Step.CORPUS, Step.VECTORS]
    assert found[Step.TOKENIZERS].summary == "taken from the earlier run"


def test_a_name_of_a_file_is_made_visible():
    files = (Path("a/x.txt"), Path("a/\u202eevil.txt"))
    assert words(more={"corpus": files})[Step.CORPUS].facts["Files"] == "x.txt, <U+202E>evil.txt"


@pytest.mark.parametrize(
    ("value", "answer"), [("a/inputs/unigram-8000", True), ("a/inputs/x.json", False), ("offered/tokenizer", False)]
)
def test_a_tokenizer_of_an_earlier_run_is_told_from_a_given_one(value, answer):
    assert is_lent(Path(value)) is answer
    said = "taken from the earlier run" if answer else "as it is"
    found = describe(InitRequest(source="m", target_tokenizer=value))
    assert found[Step.TOKENIZERS].summary == f"{Path(value).name}, {said}"


def test_results_are_those_of_the_manifest(tmp_path):
    run = write_toy_run(tmp_path / "toy")
    found = results(run)
    counts = run.manifest["counts"]
    assert found[Step.TOKENIZERS] == f"{counts['n_source']} source tokens, {counts['n_target']} new ones"
    assert f"{counts['by_origin']['combined']} combined" in found[Step.ROWS]
    assert f"{counts['n_new']} new" in found[Step.OVERLAP]


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        ("counted", {"min_count": 1}, ", by counts"),
        ("counted", {"min_count": 3}, ", by counts, tokens seen 3 times or more"),
        ("trained", {"min_count": 2, "epochs": 5}, ", 5 epochs, tokens seen 2 times or more"),
        ("token", {}, ""),
    ],
)
def test_results_say_how_vectors_were_made(tmp_path, kind, settings, words):
    run = write_toy_run(tmp_path / "toy")
    run.manifest["auxiliary"] |= {"kind": kind, "settings": settings}
    dim = run.manifest["auxiliary"]["dim"]
    assert results(run)[Step.VECTORS].endswith(f"vectors of {dim} dimensions{words}")


def test_results_say_what_was_inherited(tmp_path):
    run = write_toy_run(tmp_path / "toy")
    note = {"asked": "inherit", "source": "lower-case text", "target": "lower-case text"}
    run.manifest["notes"]["normalization"] = note
    assert results(run)[Step.TOKENIZERS].endswith("; source and new tokenizer read lower-case text")
    run.manifest["notes"]["normalization"] = note | {"target": "text as it is written"}
    assert results(run)[Step.TOKENIZERS].endswith(
        "; the source reads lower-case text; the new tokenizer text as it is written"
    )
