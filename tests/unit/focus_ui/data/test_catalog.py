"""What the app lists and what it refuses to reach."""

import json

import pytest

from focus_core.jobs.record import hash_owner
from focus_ui.data import catalog
from focus_ui.data.catalog import RunKind, find_run, is_corpus, listed_runs, names_hub_model, operator_entries, own_runs


def make_run(folder):
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    return folder


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("FOCUS_LAB_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    return tmp_path


def test_the_first_demo_comes_first(runs):
    for name in ("ar-8k", "sw-8k", "de-8k"):
        make_run(runs / "demo" / name)
    assert [entry.id for entry in catalog.demo_runs()] == ["sw-8k", "ar-8k", "de-8k"]


def test_a_growing_run_is_not_listed(runs):
    make_run(runs / "demo" / "x.part")
    assert catalog.demo_runs() == []


def test_a_run_is_found_by_its_id_but_listed_for_nobody_else(runs):
    make_run(runs / "runs" / ("a" * 32))
    assert listed_runs("me") == []
    assert own_runs("me") == []
    assert find_run("a" * 32, "me").kind is RunKind.LINK


@pytest.mark.parametrize(
    "name", ["..", "../demo/sw-8k", "/etc", "shared/../../demo", "", ".jobs", "A" * 32, "a" * 31, "x" * 5000, "\0"]
)
def test_no_name_leads_out_of_the_folders(runs, name):
    make_run(runs / "demo" / "sw-8k")
    make_run(runs / "runs" / "shared" / "one")
    (runs / "runs" / ".jobs").mkdir()
    (runs / "runs" / ".jobs" / "manifest.json").write_text("{}")
    assert find_run(name, "me") is None


def test_shared_runs_are_listed(runs):
    make_run(runs / "runs" / "shared" / "one")
    assert [(entry.id, entry.kind) for entry in listed_runs("me")] == [("shared/one", RunKind.SHARED)]


@pytest.mark.parametrize("name", ["a.txt", "a.JSONL", "a.csv.gz", "a.tsv.zst", "a.parquet"])
def test_a_corpus_has_a_known_suffix(tmp_path, name):
    assert is_corpus(tmp_path / name)


@pytest.mark.parametrize("name", ["a.bin", "a.model", "a.pkl", "a.pt", "a", "a.txt.zip", "a.gz", "txt"])
def test_other_files_are_no_corpus(tmp_path, name):
    assert not is_corpus(tmp_path / name)


@pytest.mark.parametrize("text", ["FacebookAI/xlm-roberta-base", "google-bert/bert-base-uncased", "a/b", "gpt2"])
def test_hub_ids(text):
    assert names_hub_model(text)


@pytest.mark.parametrize(
    "text", ["", "a/b/c", "../x", "a/..", ".a/b", "/etc/passwd", "a b/c", "a/b\n", "-x/y", "a/", "a/b.json", "~/x"]
)
def test_what_is_no_hub_id(text):
    assert not names_hub_model(text)


@pytest.mark.parametrize("text", ["assets", "assets/demo", "docs/images"])
def test_a_place_on_this_server_is_not_taken_for_a_hub_id(text):
    """The library takes what exists for a folder; a visitor must not reach one by its name."""
    assert not names_hub_model(text)


def test_the_hub_is_closed_unless_the_operator_opens_it(monkeypatch):
    monkeypatch.delenv("FOCUS_LAB_ALLOW_HUB", raising=False)
    assert not catalog.allows_hub()
    monkeypatch.setenv("FOCUS_LAB_ALLOW_HUB", "1")
    assert catalog.allows_hub()


def test_operator_folders_list_what_they_hold_and_no_more(tmp_path, monkeypatch):
    (tmp_path / "data" / "sw").mkdir(parents=True)
    (tmp_path / "data" / "sw" / "news.txt").write_text("habari")
    (tmp_path / "data" / "sw" / "weights.bin").write_text("x")
    (tmp_path / "data" / ".hidden").mkdir()
    (tmp_path / "data" / ".hidden" / "secret.txt").write_text("x")
    (tmp_path / "outside.txt").write_text("x")
    (tmp_path / "data" / "link.txt").symlink_to(tmp_path / "outside.txt")
    (tmp_path / "data" / "model").mkdir()
    (tmp_path / "data" / "model" / "config.json").write_text("{}")
    (tmp_path / "data" / "model" / "tokenizer.json").write_text("{}")
    (tmp_path / "data" / "model" / "model.safetensors").write_bytes(b"x")
    (tmp_path / "data" / "pickled").mkdir()
    (tmp_path / "data" / "pickled" / "config.json").write_text("{}")
    (tmp_path / "data" / "pickled" / "pytorch_model.bin").write_bytes(b"x")
    monkeypatch.setenv("FOCUS_LAB_PATHS", f"{tmp_path / 'data'}:{tmp_path / 'nowhere'}")
    assert list(operator_entries("corpus")) == ["data/sw/news.txt"]
    assert list(operator_entries("model")) == ["data/model"]
    assert list(operator_entries("tokenizer")) == ["data/model"]


def test_without_operator_folders_nothing_of_the_server_is_listed(monkeypatch):
    monkeypatch.delenv("FOCUS_LAB_PATHS", raising=False)
    assert operator_entries("corpus") == {}


def test_samples_are_there_with_swahili_first():
    assert next(iter(catalog.sample_corpora())) == "Swahili"


def test_a_run_of_ones_own_is_found_with_its_date_and_only_its_owner_has_it_as_such(runs):
    job_id = "b" * 32
    make_run(runs / "runs" / job_id)
    record = runs / "runs" / ".jobs" / job_id
    record.mkdir(parents=True)
    fields = {"title": "mine", "arguments": ["init"], "owner": hash_owner("me"), "pid": 2**22 + 1, "pid_start": 1}
    (record / "job.json").write_text(json.dumps(fields | {"created": 12.5}))
    own = find_run(job_id, "me")
    assert (own.kind, own.title, own.created) == (RunKind.OWN, "mine", 12.5)
    assert [entry.id for entry in own_runs("me")] == [job_id]
    assert find_run(job_id, "you").kind is RunKind.LINK
    assert find_run(job_id, "you").title == ""
    assert own_runs("you") == []


def test_a_demo_may_be_named_like_a_run(runs):
    make_run(runs / "demo" / ("c" * 32))
    assert find_run("c" * 32, "me").kind is RunKind.DEMO
