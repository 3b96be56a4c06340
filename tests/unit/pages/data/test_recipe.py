"""What a run was made of, and the command line that makes it again from one of its steps."""

import dataclasses
import json

import pytest

from focus_core.jobs.record import Job
from focus_core.jobs.steps import STEPS, Step
from focus_core.runs.folder import open_run
from pages.data.recipe import (
    changes,
    command,
    is_reused,
    needs_vectors,
    read_options,
    recipe_of_job,
    recipe_of_run,
    title_of,
)
from pages.data.vector_options import VECTOR_OPTIONS
from tests.toy_run import write_toy_run

FORM = {"--method": "focus", "--preset": "default", "--match": "exact", "--temperature": "1.0", "--seed": "42",
        "--fallback": "normal"}  # fmt: skip


@pytest.fixture
def made(tmp_path):
    """Return a folder with a finished run, its source and its text, and the job that made it."""
    run = write_toy_run(tmp_path / "toy")
    (tmp_path / "model").mkdir()
    (tmp_path / "text.txt").write_text("habari\n")
    (run.path / "log").mkdir(exist_ok=True)
    (run.path / "log" / "source.json").write_text(json.dumps({"spec": str(tmp_path / "model")}))
    arguments = ["init", "--source", str(tmp_path / "model"), "--train-tokenizer", "unigram", "--vocab-size", "135"]
    arguments += ["--corpus", str(tmp_path / "text.txt"), "--field", "text", "--output", str(run.path)]
    job = Job(
        id="0" * 32, root=tmp_path, title="mine", arguments=tuple(arguments), owner="", pid=0, pid_start=0, created=0.0
    )
    return tmp_path, open_run(run.path), job


def there(path):
    return path if path.exists() else None


def recipe(made, *, with_job=True):
    _, run, job = made
    return recipe_of_run(run, job if with_job else None, run_id="id", title="mine", find=there)


def as_pairs(words):
    return dict(zip(map(str, words[1::2]), map(str, words[2::2]), strict=False))


def test_a_run_of_ones_own_can_be_made_again_from_every_step(made):
    assert recipe(made).steps == STEPS


def test_a_run_whose_text_is_not_here_starts_where_its_vectors_do(made):
    """As the demo: it came with tokenizer and vectors alone."""
    found = recipe(made, with_job=False)
    assert found.steps == (Step.OVERLAP, Step.ROWS)
    pairs = as_pairs(command(found, Step.OVERLAP, FORM | {"--temperature": "0.5"}))
    assert pairs["--source"] == str(made[0] / "model")
    assert pairs["--target-tokenizer"] == str(made[1].path / "target_tokenizer")
    assert pairs["--auxiliary"] == str(made[1].path / "auxiliary.safetensors")
    assert pairs["--auxiliary-kind"] == "token"
    assert pairs["--temperature"] == "0.5"
    assert "--corpus" not in pairs
    assert "--field" not in pairs


@pytest.mark.parametrize(
    ("step", "trains", "reuses"),
    [(Step.TOKENIZERS, True, False), (Step.CORPUS, False, False), (Step.VECTORS, False, False),
     (Step.OVERLAP, False, True), (Step.ROWS, False, True)],
)  # fmt: skip
def test_a_step_reuses_what_the_steps_before_it_made(made, step, trains, reuses):
    pairs = as_pairs(command(recipe(made), step, FORM))
    assert ("--train-tokenizer" in pairs) == trains
    assert ("--target-tokenizer" in pairs) != trains
    assert ("--auxiliary" in pairs) == reuses
    assert pairs["--corpus"] == str(made[0] / "text.txt"), "the text is counted anew whenever it is here"


def test_a_method_that_compares_no_vectors_takes_none(made):
    options = FORM | {"--method": "mean"}
    assert not needs_vectors(options)
    assert "--auxiliary" not in command(recipe(made), Step.ROWS, options)


def test_a_text_that_is_gone_takes_its_steps_with_it(made):
    (made[0] / "text.txt").unlink()
    assert recipe(made).steps == (Step.OVERLAP, Step.ROWS)


def test_without_its_source_nothing_can_be_made_again(made):
    folder, run, _ = made
    (folder / "model").rmdir()
    assert recipe(made).steps == ()
    (run.path / "log" / "source.json").write_text(json.dumps({"spec": "owner/name"}))
    assert recipe(made).steps == (), "a name on the Hub counts only where the operator allows it"


def test_a_failed_job_is_started_anew_as_it_was(made):
    folder, _, job = made
    found = recipe_of_job(job, title=job.title, find=there)
    assert found.steps == (Step.TOKENIZERS,)
    assert as_pairs(command(found, Step.TOKENIZERS, FORM))["--vocab-size"] == "135"
    (folder / "text.txt").unlink()
    assert recipe_of_job(job, title=job.title, find=there).steps == ()


def test_an_extended_run_is_made_anew_or_not_at_all(made):
    run = made[1]
    manifest = json.loads((run.path / "manifest.json").read_text())
    manifest["config"]["extend"] = True
    (run.path / "manifest.json").write_text(json.dumps(manifest))
    extended = (made[0], open_run(run.path), made[2])
    assert recipe(extended).steps == (Step.TOKENIZERS,)


def test_what_was_changed_is_said_in_words(made):
    found = recipe(made)
    form = FORM | {name: found.options[name] for name in VECTOR_OPTIONS}
    assert changes(found, form) == []
    assert changes(found, form | {"--temperature": "1.00"}) == []
    assert changes(found, form | {"--temperature": "0.5", "--match": "fuzzy"}) == ["match fuzzy", "temperature 0.5"]
    assert changes(found, form | {"--vocab-size": "200", "--extend": ""}) == ["size 200", "extend"]
    assert title_of(found, ["temperature 0.5"]) == "temperature 0.5 · mine"
    assert title_of(found, []) == "again · mine"
    long = dataclasses.replace(found, title="x" * 500)
    assert len(title_of(long, [])) == 160


def with_config(made, **config):
    """Return what is made, its manifest holding other options."""
    run = made[1]
    manifest = json.loads((run.path / "manifest.json").read_text())
    manifest["config"] |= config
    (run.path / "manifest.json").write_text(json.dumps(manifest))
    return made[0], open_run(run.path), made[2]


def test_a_map_that_no_run_keeps_is_said_to_be_missing(made):
    _, run, job = made
    manifest = dict(run.manifest)
    manifest["counts"] = manifest["counts"] | {"by_rule": manifest["counts"]["by_rule"] | {"user": 3}}
    found = recipe_of_run(dataclasses.replace(run, manifest=manifest), job, run_id="id", title="mine", find=there)
    assert changes(found, FORM) == [*changes(recipe(made), FORM), "without its map"]
    assert "without its map" not in changes(recipe(made), FORM)


def test_options_of_a_run_that_the_form_does_not_have_are_kept(made):
    found = recipe(with_config(made, top_k=7, covariance_scale=0.5))
    pairs = as_pairs(command(found, Step.ROWS, FORM | {"--top-k": "5"}))
    assert (pairs["--top-k"], pairs["--covariance-scale"]) == ("5", "0.5")
    assert "--top-k" not in command(found, Step.ROWS, FORM), "an empty field is no bound"


def test_a_change_of_top_k_is_said_in_words_where_tokens_are_compared(made):
    usual = {"preset": "default", "dim": 100, "epochs": None, "min_count": None}
    free, bound = recipe(with_config(made, **usual, top_k=None)), recipe(with_config(made, **usual, top_k=7))
    assert (free.options.get("--top-k"), bound.options.get("--top-k")) == (None, "7")
    assert changes(free, FORM) == changes(bound, FORM | {"--top-k": "7"}) == []
    assert changes(free, FORM | {"--top-k": "5"}) == changes(bound, FORM | {"--top-k": "5"}) == ["top-k 5"]
    assert title_of(bound, changes(bound, FORM)) == "all contributors · mine"
    assert changes(bound, FORM | {"--preset": "paper", "--top-k": "7"}) == ["preset paper"], "no preset has one"
    assert changes(bound, FORM | {"--method": "mean"}) == ["method mean"], "it combines none"


def test_options_of_the_vectors_are_those_that_differ_from_the_preset(made):
    """So that another preset brings its own, and what was chosen beside a preset is chosen again."""
    found = recipe(with_config(made, preset="default", dim=100, epochs=None, min_count=2)).options
    assert {name: found.get(name) for name in VECTOR_OPTIONS} == {
        "--dim": None, "--epochs": None, "--min-count": "2",
    }  # fmt: skip
    found = recipe(with_config(made, preset="paper", dim=50, epochs=3, min_count=10)).options
    assert {name: found.get(name) for name in VECTOR_OPTIONS} == {
        "--dim": "50", "--epochs": None, "--min-count": None,
    }  # fmt: skip
    found = recipe(with_config(made, preset="paper", dim=300, epochs=None, min_count=10)).options
    assert {name: found.get(name) for name in VECTOR_OPTIONS} == {
        "--dim": None, "--epochs": "auto", "--min-count": None,
    }  # fmt: skip


def test_a_change_of_the_vectors_options_is_said_in_words_where_vectors_are_trained(made):
    found = recipe(with_config(made, preset="default", dim=100, epochs=None, min_count=2))
    same = FORM | {"--min-count": "2"}
    assert changes(found, same) == []
    assert changes(found, same | {"--dim": "100"}) == [], "the preset's own"
    assert changes(found, same | {"--dim": "50", "--epochs": "9"}) == ["dimensions 50", "epochs 9"]
    assert changes(found, FORM) == ["least occurrences auto"]
    assert changes(found, FORM | {"--preset": "paper"}) == ["preset paper", "least occurrences 10"]
    assert changes(found, FORM | {"--method": "mean"}) == ["method mean"], "it trains none"
    assert "--min-count" not in command(found, Step.VECTORS, FORM), "an empty field is the preset's"


def test_an_upload_of_a_job_is_found_where_the_session_keeps_it(made):
    folder, run, job = made
    kept = folder / "kept.txt"
    kept.write_text("habari\n")
    (folder / "text.txt").unlink()
    found = recipe_of_run(
        run, job, run_id="id", title="mine", find=lambda path: kept if path.name == "text.txt" else there(path)
    )
    assert found.corpus == (kept,)


@pytest.mark.parametrize(
    ("value", "answer"), [("a/inputs/unigram-8000", True), ("a/inputs/x.json", False), ("offered/tokenizer", False)]
)
def test_a_tokenizer_of_an_earlier_run_is_told_from_a_given_one(value, answer):
    assert is_reused(value) is answer


def test_a_command_line_is_read_back():
    assert read_options(("init", "--extend", "--corpus", "a", "--corpus", "b", "--seed")) == {
        "--extend": [""],
        "--corpus": ["a", "b"],
        "--seed": [""],
    }


def test_a_run_of_a_baseline_needs_neither_text_nor_vectors(made):
    """It can be made again by any method that compares none; the form refuses the others."""
    found = dataclasses.replace(recipe(made), auxiliary=None, corpus=(), options=FORM | {"--method": "mean"})
    assert found.steps == (Step.OVERLAP, Step.ROWS)
    assert dataclasses.replace(found, options=FORM).steps == ()
