"""The choice of a source: a zip or folder of a model, what its card says, where it stays, what is refused."""

import io
import shutil
import zipfile

import pytest
import streamlit as st

from focus_core.jobs import process as jobs
from focus_core.jobs.record import list_jobs, request_of_job
from focus_core.jobs.source_summary import summarise_source
from focus_ui.data import catalog, input_cache
from focus_ui.widgets import source_choice
from tests.fake_jobs import FAKE, end_jobs, wait
from tests.pages.conftest import texts
from tests.tiny_models import tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Return the folder of a tiny BERT with its licence, and a pickle beside its weights."""
    folder = tiny_model("bert", tmp_path_factory.mktemp("offered") / "bert-tiny")
    (folder / "LICENSE").write_text("mine")
    (folder / "pytorch_model.bin").write_bytes(b"x")
    return folder


@pytest.fixture(autouse=True)
def quick(monkeypatch, toy):
    """Read sources in this process, where transformers is imported already; the fake command makes the runs."""
    monkeypatch.setattr(input_cache, "summarise_in_child", summarise_source)
    monkeypatch.setattr(jobs, "COMMAND", FAKE)
    monkeypatch.setenv("FAKE_BEHAVIOUR", "finish")
    monkeypatch.setenv("FAKE_RUN", str(toy.path))
    yield
    end_jobs(catalog.runs_root())


def packed(folder, *, around="bert-tiny/", without=(), more=()):
    """Return a zip of a model folder."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            if path.name not in without:
                archive.write(path, around + path.name)
        for name, content in more:
            archive.writestr(name, content)
    return stream.getvalue()


def choose_upload(at, form=None):
    at.segmented_control(key="_source_kind").set_value("Upload").run()
    if form is not None:
        at.segmented_control(key="_source_form").set_value(form).run()
    assert not at.exception


def give_zip(at, content, name="bert-tiny.zip"):
    choose_upload(at)
    at.file_uploader(key="_source_zip").upload(name, content, "application/zip").run()
    assert not at.exception


def plain(at):
    return texts(at).replace("\\", "").replace("\u2060", "")


def start_button(at):
    return next(button for button in at.button if button.label == "Start the run")


def started(at):
    """Start the run and return its ended job."""
    before = {job.id for job in list_jobs(catalog.runs_root())}
    start_button(at).click().run()
    assert not at.exception
    (job,) = [job for job in list_jobs(catalog.runs_root()) if job.id not in before]
    wait(lambda: jobs.job_state(job) is jobs.JobState.DONE)
    return job


def sources():
    return sorted((catalog.runs_root() / ".sources").glob("*/*/config.json"))


def test_a_zip_says_what_is_in_it_and_stays_as_long_as_its_runs(open_app, model):
    at = open_app("data")
    give_zip(at, packed(model, more=[("__MACOSX/bert-tiny/._config.json", b"x")]))
    said = plain(at)
    assert source_choice.WHOLE in said
    assert "a body of 2 layers (`BertForMaskedLM`" in said
    assert "a head that predicts masked tokens" in said
    assert "its licence (LICENSE)" in said
    assert "Left out: pytorch_model.bin: a pickle" in said
    assert sources() == [], "nothing lies beside the runs before there is one"
    first = started(at)
    asked = request_of_job(first)
    (kept,) = sources()
    assert asked.source == str(kept.parent)
    assert kept.parent.name == "bert-tiny"
    assert not (kept.parent / "pytorch_model.bin").exists()
    assert first.title.endswith("from bert-tiny")
    at.run()
    second = started(at)
    assert request_of_job(second).source == asked.source, "once for both"
    owner = at.session_state["focus_owner"]
    jobs.delete_run(first, owner=owner)
    assert sources() == [kept]
    jobs.delete_run(second, owner=owner)
    assert sources() == []
    at.run()
    third = started(at)
    assert request_of_job(third).source == str(sources()[0].parent), "the session still has it"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ([("../config.json", b"x")], "which leads out"),
        ([("bert-tiny/inner.zip", b"x")], "packed once more"),
        ([("bert-tiny/CONFIG.JSON", b"x")], "twice"),
    ],
)
def test_a_hostile_zip_is_one_line_and_nothing_can_be_started(open_app, model, more, words):
    at = open_app("data")
    give_zip(at, packed(model, more=more), name="![x](https://evil.example).zip")
    (error,) = at.error
    assert words in error.value.replace("\\", "")
    assert "](http" not in error.value
    assert start_button(at).disabled
    assert "In it:" not in texts(at)


@pytest.mark.parametrize(
    ("without", "words"),
    [
        ({"model.safetensors"}, "a pickle, which can run code"),
        ({"config.json", "pytorch_model.bin"}, "config.json"),
        ({"tokenizer.json", "pytorch_model.bin"}, "a model without its tokenizer"),
        ({"tokenizer.json", "tokenizer.model"}, "expected a SentencePiece model"),
    ],
)
def test_what_a_run_would_refuse_cannot_be_started(open_app, model, without, words):
    at = open_app("data")
    more = [("bert-tiny/tokenizer.model", b"no such thing")] if "tokenizer.model" in without else []
    give_zip(at, packed(model, without=without, more=more))
    assert len(at.error) == 1
    assert words in at.error[0].value.replace("\\", "").replace("\u2060", "")
    assert "What to do" in at.error[0].value
    assert start_button(at).disabled


def test_what_is_no_zip_is_refused(open_app):
    at = open_app("data")
    give_zip(at, b"no zip at all")
    assert "a sound zip file" in at.error[0].value
    assert start_button(at).disabled


def test_a_folder_is_taken_likewise(open_app, model):
    at = open_app("data")
    choose_upload(at, "Folder")
    box = at.file_uploader(key="_source_folder")
    assert box.accept_directory
    files = [(f"bert-tiny/{path.name}", path.read_bytes(), "") for path in sorted(model.iterdir())]
    box.set_value([*files, ("bert-tiny/.git/config", b"x", ""), ("bert-tiny/run.py", b"x", "")]).run()
    assert source_choice.WHOLE in plain(at)
    started(at)
    (kept,) = sources()
    assert not (kept.parent / "run.py").exists()
    assert (kept.parent / "model.safetensors").read_bytes() == (model / "model.safetensors").read_bytes()


def test_a_body_without_a_head_is_no_model_to_train(open_app, model, tmp_path):
    from transformers import AutoModel

    folder = tiny_model("bert", tmp_path / "tiny")
    AutoModel.from_pretrained(folder).save_pretrained(folder)
    at = open_app("data")
    give_zip(at, packed(folder))
    assert source_choice.HEADLESS in plain(at)
    assert "Not in it: a head, a licence file." in plain(at)


def test_a_matrix_is_never_called_a_model(open_app, model):
    at = open_app("data")
    choose_upload(at, "Embeddings only")
    tokenizer, weights = (model / "tokenizer.json").read_bytes(), (model / "model.safetensors").read_bytes()
    at.file_uploader(key="_source_tokenizer_upload").upload("tokenizer.json", tokenizer, "application/json").run()
    at.file_uploader(key="_source_upload").upload("model.safetensors", weights).run()
    assert not at.exception
    assert source_choice.BARE in plain(at)
    assert source_choice.WHOLE not in plain(at)
    at.selectbox(key="_tensor").set_value("bert.embeddings.word_embeddings.weight").run()
    job = started(at)
    assert job.title.endswith("from uploaded embeddings")


def test_a_folder_of_the_server_is_chosen_by_name_and_looked_at(open_app, model, monkeypatch):
    monkeypatch.setenv("FOCUS_LAB_PATHS", str(model.parent))
    at = open_app("data")
    at.segmented_control(key="_source_kind").set_value("On this server").run()
    assert start_button(at).disabled
    box = at.selectbox(key="_server_source")
    assert [name.rpartition("/")[2] for name in box.options] == ["bert-tiny"]
    box.set_value(box.options[0]).run()
    assert source_choice.WHOLE in plain(at)
    assert str(model.parent) not in texts(at)
    assert request_of_job(started(at)).source == str(model)
    assert sources() == [], "what the operator offers stays where it is"


def test_a_hub_id_must_not_name_a_place_of_this_server(open_app, monkeypatch):
    monkeypatch.setenv("FOCUS_LAB_ALLOW_HUB", "1")
    at = open_app("data")
    at.segmented_control(key="_source_kind").set_value("Hub").run()
    for text, sound in (("assets/demo", False), ("/etc", False), ("gpt2", True)):
        at.text_input(key="_hub_id").set_value(text).run()
        assert start_button(at).disabled is not sound, text


@pytest.mark.parametrize(("sound", "words"), [(True, source_choice.WHOLE), (False, "owner/tiny: expected")])
def test_a_model_of_the_hub_that_was_fetched_before_is_looked_at(open_app, model, tmp_path, monkeypatch, sound, words):
    folder = tmp_path / ("0123456789abcdef" * 3)[:40]
    shutil.copytree(model, folder)
    if not sound:
        (folder / "tokenizer.json").unlink()
    found = {name: folder / name for name in ("config.json", "model.safetensors")}
    known = {"owner/tiny": found}
    monkeypatch.setattr(source_choice, "cached_file", lambda spec, name: known.get(spec, {}).get(name))
    monkeypatch.setenv("FOCUS_LAB_ALLOW_HUB", "1")
    at = open_app("data")
    at.segmented_control(key="_source_kind").set_value("Hub").run()
    at.text_input(key="_hub_id").set_value("owner/other").run()
    assert "What is in it is seen only then" in plain(at)
    at.text_input(key="_hub_id").set_value("owner/tiny").run()
    assert not at.exception
    assert words in (plain(at) if sound else at.error[0].value.replace("\\", "").replace("\u2060", ""))
    assert start_button(at).disabled is not sound
    if sound:
        assert request_of_job(started(at)).source == "owner/tiny"


def test_too_many_sources_of_ones_own_are_refused_before_a_run(open_app, model, monkeypatch):
    monkeypatch.setattr("focus_core.jobs.sources.MOST_BYTES", 10)
    at = open_app("data")
    give_zip(at, packed(model))
    start_button(at).click().run()
    assert not at.exception
    assert "delete a run that was made from another source" in at.error[0].value
    assert list_jobs(catalog.runs_root()) == []


@pytest.fixture(autouse=True)
def no_leftovers():
    """Forget what other tests looked at."""
    st.cache_resource.clear()
