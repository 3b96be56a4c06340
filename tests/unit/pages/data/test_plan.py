"""The words about the steps of a run, made of its command line."""

import pytest

from focus_core.jobs.steps import STEPS, Step
from pages.data.plan import describe, results
from pages.data.recipe import read_options
from tests.toy_run import write_toy_run

LINE = ["init", "--source", "models/xlmr", "--train-tokenizer", "bpe", "--vocab-size", "9000", "--corpus", "a/x.txt"]


def words(*more):
    return describe(read_options([*LINE, *more]))


def test_every_step_has_its_inputs_and_parameters():
    found = words("--temperature", "0.50", "--match", "fuzzy", "--corpus", "a/y.txt", "--encoding", "cp1252")
    assert tuple(found) == STEPS
    assert found[Step.TOKENIZERS].summary == "bpe with 9,000 tokens, trained on the text"
    assert found[Step.TOKENIZERS].facts["Source model"] == "xlmr"
    assert found[Step.CORPUS].facts == {"Files": "x.txt, y.txt", "Field": "text", "Encoding": "cp1252"}
    assert found[Step.OVERLAP].summary == "match fuzzy"
    assert found[Step.ROWS].summary == "focus, temperature 0.5"
    assert "Top-k" not in found[Step.ROWS].facts
    assert words("--top-k", "5")[Step.ROWS].facts["Top-k"] == "5"
    assert all(step.used for step in found.values())


@pytest.mark.parametrize(
    ("more", "step", "summary"),
    [
        (["--method", "mean"], Step.VECTORS, "left out: mean compares none"),
        (["--auxiliary", "a.safetensors"], Step.VECTORS, "taken from the earlier run"),
    ],
)
def test_a_step_that_does_nothing_says_why(more, step, summary):
    assert (words(*more)[step].summary, words(*more)[step].used) == (summary, False)


def test_without_a_text_two_steps_are_left_out():
    found = describe(read_options(["init", "--source", "m", "--target-tokenizer", "runs/1/target_tokenizer"]))
    assert [step for step, text in found.items() if not text.used] == [Step.CORPUS, Step.VECTORS]
    assert found[Step.TOKENIZERS].summary == "taken from the earlier run"


def test_a_name_of_a_file_is_made_visible():
    assert words("--corpus", "a/\u202eevil.txt")[Step.CORPUS].facts["Files"] == "x.txt, <U+202E>evil.txt"


def test_results_are_those_of_the_manifest(tmp_path):
    run = write_toy_run(tmp_path / "toy")
    found = results(run)
    counts = run.manifest["counts"]
    assert found[Step.TOKENIZERS] == f"{counts['n_source']} source tokens, {counts['n_target']} new ones"
    assert f"{counts['by_origin']['combined']} combined" in found[Step.ROWS]
    assert f"{counts['n_new']} new" in found[Step.OVERLAP]
