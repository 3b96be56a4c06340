"""What a run was made of, and the request that makes it again from one of its steps."""

import dataclasses
import json

import pytest

from focus_core.initialization.config import InitConfig
from focus_core.initialization.request import InitRequest
from focus_core.jobs.steps import STEPS, Step
from focus_core.runs.folder import open_run
from focus_core.types import AuxiliarySpace, Fallback, MatchMode, Normalization, Preset, VocabSize
from pages.data.recipe import (
    changes,
    needs_vectors,
    recipe_of_request,
    recipe_of_run,
    request_from,
    title_of,
)
from tests.toy_run import write_toy_run

FORM = InitConfig()
COUNTED = {"preset": "default", "auxiliary_space": "counts", "dim": 100, "epochs": None}


def form(**chosen):
    return InitConfig.for_preset(**{"preset": Preset.DEFAULT} | chosen)


@pytest.fixture
def made(tmp_path):
    """Return a folder with a finished run, its source and its text, and what it was asked for."""
    run = write_toy_run(tmp_path / "toy")
    (tmp_path / "model").mkdir()
    (tmp_path / "text.txt").write_text("habari\n")
    (run.path / "log").mkdir(exist_ok=True)
    (run.path / "log" / "source.json").write_text(json.dumps({"spec": str(tmp_path / "model")}))
    asked = InitRequest(
        source=str(tmp_path / "model"), train_tokenizer="unigram", vocab_size=135, corpus=(tmp_path / "text.txt",)
    )
    return tmp_path, open_run(run.path), asked


def there(path):
    return path if path.exists() else None


def recipe(made, *, with_job=True):
    _, run, asked = made
    return recipe_of_run(run, asked if with_job else None, run_id="id", title="mine", find=there)


def test_a_run_of_ones_own_can_be_made_again_from_every_step(made):
    assert recipe(made).steps == STEPS


def test_a_run_whose_text_is_not_here_starts_where_its_vectors_do(made):
    """As the demo: it came with tokenizer and vectors alone."""
    found = recipe(made, with_job=False)
    assert found.steps == (Step.OVERLAP, Step.ROWS)
    assert request_from(found, Step.OVERLAP, form(temperature=0.5)) == InitRequest(
        source=str(made[0] / "model"),
        target_tokenizer=str(made[1].path / "target_tokenizer"),
        auxiliary=made[1].path / "auxiliary.safetensors",
        config=form(temperature=0.5),
    )


@pytest.mark.parametrize(
    ("step", "trains", "reuses"),
    [(Step.TOKENIZERS, True, False), (Step.CORPUS, False, False), (Step.VECTORS, False, False),
     (Step.OVERLAP, False, True), (Step.ROWS, False, True)],
)  # fmt: skip
def test_a_step_reuses_what_the_steps_before_it_made(made, step, trains, reuses):
    asked = request_from(recipe(made), step, FORM)
    assert (asked.train_tokenizer is not None) == trains
    assert (asked.target_tokenizer is not None) != trains
    assert (asked.auxiliary is not None) == reuses
    assert asked.corpus == (made[0] / "text.txt",), "the text is counted anew whenever it is here"


def test_a_method_that_compares_no_vectors_takes_none(made):
    config = form(method="mean")
    assert not needs_vectors(config)
    assert request_from(recipe(made), Step.ROWS, config).auxiliary is None


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
    folder, _, asked = made
    found = recipe_of_request(asked, job_id="id", title="mine", find=there)
    assert found.steps == (Step.TOKENIZERS,)
    assert request_from(found, Step.TOKENIZERS, found.config) == asked
    (folder / "text.txt").unlink()
    assert recipe_of_request(asked, job_id="id", title="mine", find=there).steps == ()


def test_an_extended_run_is_made_anew_or_not_at_all(made):
    run = made[1]
    manifest = json.loads((run.path / "manifest.json").read_text())
    manifest["config"]["extend"] = True
    (run.path / "manifest.json").write_text(json.dumps(manifest))
    extended = (made[0], open_run(run.path), made[2])
    assert recipe(extended).steps == (Step.TOKENIZERS,)


def test_what_was_changed_is_said_in_words(made):
    found = recipe(made)
    same = {name: getattr(found.config, name) for name in ("auxiliary_space", "dim", "epochs", "min_count")}
    assert changes(found, form(**same)) == []
    assert changes(found, form(**same, temperature=1)) == []
    changed = form(**same, temperature=0.5, match=MatchMode.FUZZY)
    assert changes(found, changed) == ["match fuzzy", "temperature 0.5"]
    bigger = dict(found.target) | {"vocab_size": 200}
    assert changes(found, form(**same, extend=True), bigger) == ["size 200", "extend"]
    composed = dict(found.target) | {"normalization": Normalization.NFC}
    assert changes(found, form(**same), composed) == ["normalization nfc"]
    asked = dataclasses.replace(found, target=composed)
    assert changes(asked, form(**same), dict(found.target)) == ["normalization of the preset"]
    assert changes(asked, form(**same), composed) == []
    extended = dataclasses.replace(found, config=form(**same, extend=True))
    assert changes(extended, form(**same)) == ["no extend"]
    assert changes(found, form(**same, fallback=Fallback.MEAN)) == ["fallback mean"]
    assert changes(found, form(**same, fallback=Fallback.MEAN, method="random")) == ["method random"], "it has its own"
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
    _, run, asked = made
    manifest = dict(run.manifest)
    manifest["counts"] = manifest["counts"] | {"by_rule": manifest["counts"]["by_rule"] | {"user": 3}}
    found = recipe_of_run(dataclasses.replace(run, manifest=manifest), asked, run_id="id", title="mine", find=there)
    assert changes(found, FORM) == [*changes(recipe(made), FORM), "without its map"]
    assert "without its map" not in changes(recipe(made), FORM)


def test_options_of_a_run_that_the_form_does_not_have_are_kept(made):
    found = recipe(with_config(made, top_k=7, covariance_scale=0.5, device="cuda"))
    assert (found.config.top_k, found.config.covariance_scale) == (7, 0.5)
    assert found.config.device == "auto", "the machine may be another"


def test_a_change_of_top_k_is_said_in_words_where_tokens_are_compared(made):
    usual = {"preset": "default", "auxiliary_space": "counts", "dim": 100, "epochs": None, "min_count": None}
    free, bound = recipe(with_config(made, **usual, top_k=None)), recipe(with_config(made, **usual, top_k=7))
    assert (free.config.top_k, bound.config.top_k) == (None, 7)
    assert changes(free, FORM) == changes(bound, form(top_k=7)) == []
    assert changes(free, form(top_k=5)) == changes(bound, form(top_k=5)) == ["top-k 5"]
    assert title_of(bound, changes(bound, FORM)) == "all contributors · mine"
    assert changes(bound, form(preset=Preset.PAPER, top_k=7)) == ["preset paper"], "no preset has one"
    assert changes(bound, form(method="mean")) == ["method mean"], "it combines none"


def test_options_of_the_vectors_are_those_that_differ_from_the_preset(made):
    """So that another preset brings its own, and what was chosen beside a preset is chosen again."""
    found = recipe(with_config(made, **COUNTED, min_count=2)).config
    assert found.chosen() == {"min_count": 2}
    paper = {"preset": "paper", "auxiliary_space": "fasttext", "keep_eos_vector": True, "specials_in_statistics": True}
    found = recipe(with_config(made, **paper, dim=50, epochs=3, min_count=10)).config
    assert found.chosen() == {"preset": "paper", "dim": 50}
    found = recipe(with_config(made, **paper, dim=300, epochs=None, min_count=10)).config
    assert found.chosen() == {"preset": "paper", "epochs": None}


def test_a_change_of_the_vectors_options_is_said_in_words_where_vectors_are_trained(made):
    found = recipe(with_config(made, **COUNTED, min_count=2))
    assert changes(found, form(min_count=2)) == []
    assert changes(found, form(min_count=2, dim=100)) == [], "the preset's own"
    assert changes(found, form(auxiliary_space=AuxiliarySpace.FASTTEXT, min_count=2, dim=50, epochs=9)) == [
        "auxiliary space fasttext",
        "dimensions 50",
        "epochs 9",
    ]
    assert changes(found, FORM) == ["least occurrences auto"]
    assert changes(found, form(preset=Preset.PAPER)) == ["preset paper", "least occurrences 10"]
    assert changes(found, form(method="mean")) == ["method mean"], "it trains none"
    assert request_from(found, Step.VECTORS, FORM).config.min_count is None, "an empty field is the preset's"


def test_an_upload_of_a_job_is_found_where_the_session_keeps_it(made):
    folder, run, asked = made
    kept = folder / "kept.txt"
    kept.write_text("habari\n")
    (folder / "text.txt").unlink()
    found = recipe_of_run(
        run, asked, run_id="id", title="mine", find=lambda path: kept if path.name == "text.txt" else there(path)
    )
    assert found.text["corpus"] == (kept,)


def test_a_run_of_a_baseline_needs_neither_text_nor_vectors(made):
    """It can be made again by any method that compares none; the form refuses the others."""
    found = dataclasses.replace(recipe(made), auxiliary=None, text={}, config=form(method="mean"))
    assert found.steps == (Step.OVERLAP, Step.ROWS)
    assert dataclasses.replace(found, config=FORM).steps == ()


def test_a_space_of_both_cuts_is_made_again_with_its_text_alone(made):
    """No vectors of a run stand for it."""
    config = form(method="unibridge")
    found = dataclasses.replace(recipe(made), config=config)
    assert found.steps == STEPS
    assert request_from(found, Step.ROWS, config).auxiliary is None
    assert dataclasses.replace(found, text={}).steps == ()
    assert changes(found, form(method="unibridge", dim=50)) == ["dimensions 50"]


def test_a_size_that_was_searched_is_known_after_the_run(made):
    folder, run, asked = made
    searched = dataclasses.replace(asked, vocab_size=VocabSize.AUTO)
    assert recipe_of_request(searched, job_id="id", title="mine", find=there).n_target == 0
    found = recipe((folder, run, searched))
    assert found.n_target == run.manifest["counts"]["n_target"]
    again = request_from(found, Step.TOKENIZERS, found.config)
    assert again.vocab_size == VocabSize.AUTO
