"""Data and run: inputs, what becomes of uploads, the command line that starts, its job, and two users."""

import json
import stat
import time
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from focus_core.analysis.checks.base import CheckResult, Status
from focus_core.corpus.corpus import open_corpus
from focus_core.errors import InvalidInputError, bad_input, option
from focus_core.initialization.config import InitConfig
from focus_core.jobs import process as jobs
from focus_core.jobs.record import list_jobs, read_job, request_of_job
from focus_core.tokenization.corpus_statistics import corpus_statistics, suggest_size, supported_size
from focus_core.types import AuxiliarySpace, Preset
from focus_ui.data import cache, catalog
from focus_ui.session.errors import in_words
from tests.fake_jobs import FAKE, end_jobs, wait
from tests.language_samples import sample_lines
from tests.pages.conftest import PAGES, ROOT, links, param, texts
from tests.tiny_models import LLAMA_ROLES, ROBERTA_ROLES, save_tokenizer, sentencepiece_bpe, unigram

START = "FormSubmitter:_run_form-Start the run"


@pytest.fixture(autouse=True)
def fake_command(monkeypatch, toy):
    """Run the fake instead of the command line; end whatever is left."""
    monkeypatch.setattr(jobs, "COMMAND", FAKE)
    monkeypatch.setenv("FAKE_BEHAVIOUR", "wait")
    monkeypatch.setenv("FAKE_RUN", str(toy.path))
    yield
    end_jobs(catalog.runs_root())


@pytest.fixture(autouse=True)
def demo_source(tmp_path, monkeypatch):
    """Pretend that the demo source model is there; the fake never reads it."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"")
    monkeypatch.setattr(catalog, "DEMO_SOURCE", folder)


def start_button(at):
    return next(button for button in at.button if button.label == "Start the run")


def only_job():
    (job,) = list_jobs(catalog.runs_root())
    return job


def only_request():
    """Return what the only job was asked for."""
    return request_of_job(only_job())


def test_the_sample_and_the_demo_model_are_ready_to_run(open_app):
    at = open_app("data")
    assert not start_button(at).disabled
    assert "GB** of memory" in texts(at)


def test_start_runs_our_command_line(open_app):
    at = open_app("data")
    start_button(at).click().run()
    assert not at.exception
    job, asked = only_job(), only_request()
    assert job.arguments == ("init", "--output", str(job.run), "--request", str(job.record / "request.json"))
    assert asked.source == str(catalog.DEMO_SOURCE)
    assert asked.train_tokenizer == "unigram"
    assert [path.name for path in asked.corpus] == ["sw.txt"]
    assert asked.config == InitConfig()


def test_progress_shows_and_cancel_stops_the_job(open_app):
    at = open_app("data")
    start_button(at).click().run()
    job = only_job()
    wait(lambda: (job.part / "log" / "events.jsonl").exists())
    wait(lambda: "train vectors" in [*jobs_stages(job)])
    at.run()
    assert "running" in texts(at)
    at.button(key=f"_cancel_{job.id}").click().run()
    wait(lambda: jobs.job_state(job) is jobs.JobState.CANCELLED)
    at.run()
    assert "nothing was left behind" in texts(at)
    assert not job.part.exists()
    assert not any(button.key == f"_delete_{job.id}" for button in at.button), "there is nothing to delete"
    at.button(key=f"_forget_{job.id}").click().run()
    assert not at.exception
    assert not job.record.exists()
    assert not any("cancelled" in text.value for text in at.main.markdown)


def jobs_stages(job):
    from focus_core.jobs.record import read_progress

    return read_progress(job).stages


def test_every_page_carries_the_tray(open_app):
    at = open_app("data")
    start_button(at).click().run()
    job = only_job()
    for page in PAGES.values():
        at.switch_page(page).run()
        assert not at.exception
        assert at.button(key=f"_cancel_tray_{job.id}")


def test_a_finished_job_leads_to_its_run(open_app, monkeypatch):
    monkeypatch.setenv("FAKE_BEHAVIOUR", "finish")
    at = open_app("data")
    start_button(at).click().run()
    job = only_job()
    wait(lambda: jobs.job_state(job) is jobs.JobState.DONE)
    at.run()
    assert any(link.label == "See the overlap" and job.id in link.query_string for link in links(at))
    assert param(at, "run") == job.id, "whoever started it and looks at this page waits for it"
    at.button(key=f"_open_{job.id}").click().run()
    assert not at.exception
    assert param(at, "run") == job.id
    assert at.title[0].value == "A new vocabulary for a pretrained model", "its overlap is the link beside it"
    assert any(name.endswith("· yours") for name in at.selectbox(key="_run_choice").options)


def test_nobody_is_led_away_from_a_run_they_read_or_chose(open_app, monkeypatch, tmp_path):
    monkeypatch.setenv("FAKE_BEHAVIOUR", "finish")
    monkeypatch.setenv("FAKE_GO", str(tmp_path / "go"))
    at = open_app("data")
    start_button(at).click().run()
    job = only_job()
    at.switch_page(PAGES["overlap"]).run()
    (tmp_path / "go").touch()
    wait(lambda: jobs.job_state(job) is jobs.JobState.DONE)
    at.run()
    assert param(at, "run") == "toy"
    at.button(key=f"_open_tray_{job.id}").click().run()
    assert param(at, "run") == job.id
    at.switch_page(PAGES["data"]).run()
    at.selectbox(key="_run_choice").set_value("toy").run()
    at.run()
    assert param(at, "run") == "toy"


def test_a_running_job_is_drawn_once(open_app):
    at = open_app("data")
    start_button(at).click().run()
    start_button(at).click().run()
    at.session_state["focus_job"] = None
    at.run()
    assert not at.exception
    assert sum(str(button.key).startswith("_cancel_") and "tray" not in str(button.key) for button in at.button) == 2


def test_the_owner_deletes_a_run_and_is_back_at_the_demo(open_app, monkeypatch):
    monkeypatch.setenv("FAKE_BEHAVIOUR", "finish")
    at = open_app("data")
    start_button(at).click().run()
    job = only_job()
    wait(lambda: jobs.job_state(job) is jobs.JobState.DONE)
    at.run()
    assert param(at, "run") == job.id
    at.button(key=f"_delete_{job.id}").click().run()
    assert not at.exception
    assert not job.run.exists()
    assert param(at, "run") == "toy"


@pytest.mark.parametrize(("behaviour", "words"), [("fail", "got an empty file"), ("die", "was killed")])
def test_a_failed_job_says_why(open_app, monkeypatch, behaviour, words):
    monkeypatch.setenv("FAKE_BEHAVIOUR", behaviour)
    at = open_app("data")
    start_button(at).click().run()
    job = only_job()
    wait(lambda: jobs.job_state(job) is jobs.JobState.FAILED)
    at.run()
    assert any(words in error.value for error in at.error), texts(at)


def test_two_sessions_see_nothing_of_each_other(open_app):
    first, second = open_app("data"), open_app("data")
    start_button(first).click().run()
    job = only_job()
    second.run()
    assert "Jobs" not in [s.value for s in second.header]
    assert not any(job.id in str(button.key) for button in second.button)
    assert job.id not in second.selectbox(key="_run_choice").options


def test_the_link_of_a_running_job_shows_its_progress_but_no_cancel(open_app):
    at = open_app("data")
    start_button(at).click().run()
    job = only_job()
    other = open_app("overlap", run=job.id)
    assert "This run is not there yet" in texts(other)
    assert not any("_cancel" in str(button.key) for button in other.button)


def test_a_third_job_of_one_session_is_refused_with_a_reason(open_app):
    at = open_app("data")
    for _ in range(3):
        start_button(at).click().run()
        assert not at.exception
    assert len(list_jobs(catalog.runs_root())) == 2
    assert "at most 2 running jobs" in at.error[0].value.replace("\\", "")


def upload(at, key, name, content, kind="text/plain"):
    at.file_uploader(key=key).upload(name, content, kind).run()
    assert not at.exception


def test_an_uploaded_corpus_is_given_to_the_job_under_what_is_safe_of_its_name(open_app):
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    upload(at, "_corpus_upload", "../../etc/![x](https://example.org).txt", b"habari ya leo\nnzuri sana\n")
    assert "**2** lines" in texts(at)
    assert "https://example.org)" not in texts(at).replace("\\", "\0")
    start_button(at).click().run()
    job = only_job()
    (path,) = only_request().corpus
    assert path.parent == job.record / "inputs"
    assert path.read_text() == "habari ya leo\nnzuri sana\n"
    assert path.name == "example.org.txt"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["vectors.bin", "m.model", "x.pkl", "x.pt", "archive.zip", "noname"])
def test_other_kinds_of_files_are_refused(open_app, name):
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    at.file_uploader(key="_corpus_upload").upload(name, b"x", "application/octet-stream").run()
    assert at.exception or at.error
    assert list_jobs(catalog.runs_root()) == []


def test_a_packed_file_of_another_kind_is_refused_in_words(open_app):
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    upload(at, "_corpus_upload", "weights.bin.gz", b"x", "application/gzip")
    assert "expected one of" in at.error[0].value.replace("\\", "")
    assert start_button(at).disabled


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", b"\n\n"), ("a.txt", b"\xff\xfe\x00\xd8\x00"), ("a.txt", b"caf\xe9"), ("a.jsonl", b"{}\n")],
)
def test_a_bad_corpus_is_an_error_with_a_remedy(open_app, name, content):
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    upload(at, "_corpus_upload", name, content)
    assert len(at.error) == 1
    assert "What to do" in at.error[0].value
    assert start_button(at).disabled


def test_a_tokenizer_can_be_uploaded(open_app, build_tokenizer):
    at = open_app("data")
    at.segmented_control(key="_target_kind").set_value("Upload").run()
    assert start_button(at).disabled
    tokenizer = build_tokenizer("wordpiece")
    upload(at, "_target_upload", "tokenizer.json", tokenizer.to_str().encode(), "application/json")
    assert f"**{tokenizer.get_vocab_size()}** tokens" in texts(at)
    start_button(at).click().run()
    assert only_request().train_tokenizer is None
    path = Path(only_request().target_tokenizer)
    assert path.parent == only_job().record / "inputs"
    assert path.name == "uploaded-tokenizer.json", "the run would be called after the folder otherwise"


def test_a_file_that_is_no_tokenizer_is_an_error(open_app):
    at = open_app("data")
    at.segmented_control(key="_target_kind").set_value("Upload").run()
    upload(at, "_target_upload", "tokenizer.json", json.dumps({"a": 1}).encode(), "application/json")
    assert "got JSON without a model that has a vocabulary" in at.error[0].value
    assert start_button(at).disabled
    upload(at, "_target_upload", "tokenizer.json", b"{", "application/json")
    assert "got a file that is not JSON" in at.error[0].value


def test_hub_and_server_folders_appear_only_where_the_operator_opens_them(open_app, tmp_path, monkeypatch):
    at = open_app("data")
    assert at.segmented_control(key="_source_kind").options == ["Demo", "English demo", "Upload"]
    monkeypatch.setenv("FOCUS_LAB_ALLOW_HUB", "1")
    monkeypatch.setenv("FOCUS_LAB_PATHS", str(tmp_path))
    at = open_app("data")
    kinds = ["Demo", "English demo", "On this server", "Hub", "Upload"]
    assert at.segmented_control(key="_source_kind").options == kinds
    at.segmented_control(key="_source_kind").set_value("Hub").run()
    at.text_input(key="_hub_id").set_value("../../etc").run()
    assert "owner/name" in texts(at)
    assert start_button(at).disabled
    at.text_input(key="_hub_id").set_value("a/b").run()
    assert not start_button(at).disabled


def test_a_corpus_of_the_server_is_chosen_from_a_list(open_app, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "news.txt").write_text("habari\n" * 50)
    monkeypatch.setenv("FOCUS_LAB_PATHS", str(tmp_path / "data"))
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("On this server").run()
    at.multiselect(key="_server_corpus").set_value(["data/news.txt"]).run()
    start_button(at).click().run()
    assert not at.exception
    assert only_request().corpus == (tmp_path / "data" / "news.txt",)


def test_a_vocabulary_too_large_for_the_text_is_warned_of(open_app):
    at = open_app("data")
    size = next(n for n in at.number_input if n.label == "Size in tokens")
    size.set_value(50_000).run()
    assert any("large for this text" in w.value for w in at.warning)
    told = [w.value for w in at.warning if "with many more, few shared tokens get a vector" in w.value]
    statistics = corpus_statistics(open_corpus([ROOT / "assets" / "corpora" / "sw.txt"]))
    assert len(told) == 1
    assert f"supports about {supported_size(statistics):,} tokens" in told[0]
    size.set_value(suggest_size(statistics)).run()
    assert not any("vocabulary" in w.value for w in at.warning)


def test_a_small_suggestion_says_why_and_that_it_is_an_alphabet(open_app):
    """Twenty lines, 100 times: long enough for more, but of few words."""
    at = open_app("data")
    assert ", by its length." in texts(at)
    lines = (ROOT / "assets" / "corpora" / "sw.txt").read_text(encoding="utf-8").splitlines()[:20]
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    upload(at, "_corpus_upload", "few.txt", "\n".join(lines * 100).encode())
    n_words = len({word for line in lines for word in line.split()})
    assert f"its {n_words} different words support no more; a text of more words gives a better" in texts(at)
    assert any("close to an alphabet" in w.value for w in at.warning)


def test_the_card_of_a_run_whose_checks_warn_says_so_and_names_the_worst(open_app, monkeypatch):
    monkeypatch.setenv("FAKE_BEHAVIOUR", "finish")
    results = [
        CheckResult(code="FOC001", title="Too few", status=Status.WARNING, summary="12 of 84 shared"),
        CheckResult(code="FOC002", title="Many", status=Status.PASSED, summary="fine"),
        CheckResult(code="FOC011", title="Collapsed", status=Status.PROBLEM, summary="mean cosine 0.97"),
    ]
    asked = []
    monkeypatch.setattr(cache, "checks", lambda run: asked.append(run.path) or results)
    at = open_app("data")
    start_button(at).click().run()
    job = only_job()
    wait(lambda: jobs.job_state(job) is jobs.JobState.DONE)
    at.run()
    assert "orange-badge[done, with 1 problem, 1 warning]" in texts(at)
    assert "green-badge[done]" not in texts(at)
    assert "The worst: FOC011 Collapsed" in texts(at)
    assert any(link.label == "Check and export" and job.id in link.query_string for link in links(at))
    at.run()
    assert asked == [job.run], "once, not at every drawing"


def test_a_run_whose_checks_pass_is_done(open_app, monkeypatch):
    monkeypatch.setenv("FAKE_BEHAVIOUR", "finish")
    monkeypatch.setattr(cache, "checks", lambda run: [])
    at = open_app("data")
    start_button(at).click().run()
    job = only_job()
    wait(lambda: jobs.job_state(job) is jobs.JobState.DONE)
    at.run()
    assert "green-badge[done]" in texts(at)
    assert "badge[done, with" not in texts(at)


def test_a_list_of_runs_is_checked_one_at_a_time(open_app, monkeypatch):
    monkeypatch.setenv("FAKE_BEHAVIOUR", "finish")
    asked = []
    monkeypatch.setattr(cache, "checks", lambda run: asked.append(run.path) or [])
    at = open_app("data")
    for n in range(1, 4):
        start_button(at).click().run()
        wait(lambda n=n: len([j for j in list_jobs(catalog.runs_root()) if jobs.job_state(j).value == "done"]) == n)
        at.run()  # shows the run that has ended, which takes a drawing of its own
    at.session_state["run_verdicts"], at.session_state["focus_job"] = {}, None
    at.query_params["run"] = "toy"
    asked.clear()
    at.run()
    assert len(asked) == 1
    at.run().run().run()
    assert len(asked) == 3


def test_the_paper_preset_is_passed_on(open_app):
    at = open_app("data")
    at.selectbox(key="_preset").set_value("paper")
    start_button(at).click().run()
    assert only_request().config == InitConfig.for_preset(Preset.PAPER)


def test_options_of_the_vectors_reach_the_run(open_app):
    at = open_app("data")
    assert at.number_input(key="_epochs").disabled, "counts have none"
    at.selectbox(key="_auxiliary-space_default").set_value("fasttext").run()
    shown = {key: at.number_input(key=key) for key in ("_dim", "_epochs", "_min-count")}
    assert [(field.label, field.value, field.proto.placeholder) for field in shown.values()] == [
        ("Dimensions", None, "100"), ("Epochs", None, "auto"), ("Least occurrences", None, "auto"),
    ]  # fmt: skip
    for key, value in (("_dim", 50), ("_epochs", 7), ("_min-count", 3)):
        at.number_input(key=key).set_value(value)
    at.run()
    at.switch_page(PAGES["overlap"]).run()
    at.switch_page(PAGES["data"]).run()
    start_button(at).click().run()
    assert not at.exception
    assert only_request().config.chosen() == {
        "auxiliary_space": "fasttext", "dim": 50, "epochs": 7, "min_count": 3,
    }  # fmt: skip
    assert "Least occurrences: **3**" in texts(at)


def test_an_empty_field_of_the_vectors_is_the_presets(open_app):
    at = open_app("data")
    at.number_input(key="_dim").set_value(50).run()
    at.number_input(key="_dim").set_value(None).run()
    at.selectbox(key="_preset").set_value("paper").run()
    shown = [at.number_input(key=key).proto.placeholder for key in ("_dim", "_epochs", "_min-count")]
    assert shown == ["300", "3", "10"]
    assert at.selectbox(key="_auxiliary-space_paper").value == "fasttext"
    start_button(at).click().run()
    assert only_request().config.chosen() == {"preset": "paper"}


def test_top_k_reaches_the_run_and_an_empty_field_is_no_bound(open_app):
    at = open_app("data")
    field = at.number_input(key="_top-k")
    assert (field.label, field.value, field.proto.placeholder, field.disabled) == ("Top-k", None, "all", False)
    field.set_value(5).run()
    at.switch_page(PAGES["overlap"]).run()
    at.switch_page(PAGES["data"]).run()
    start_button(at).click().run()
    assert not at.exception
    job = only_job()
    assert request_of_job(job).config.top_k == 5
    assert "Top-k: **5**" in texts(at)
    at.number_input(key="_top-k").set_value(None).run()
    start_button(at).click().run()
    (other,) = [found for found in list_jobs(catalog.runs_root()) if found.id != job.id]
    assert request_of_job(other).config.top_k is None


def test_a_method_that_compares_no_vectors_has_no_options_of_theirs(open_app):
    at = open_app("data")
    for key in ("_dim", "_top-k"):
        at.number_input(key=key).set_value(50).run()
    at.selectbox(key="_method").set_value("mean").run()
    assert all(at.number_input(key=key).disabled for key in ("_dim", "_epochs", "_min-count", "_top-k"))
    start_button(at).click().run()
    assert only_request().config.chosen() == {"method": "mean"}


@pytest.mark.parametrize("name", ["dim", "epochs", "min_count", "top_k"])
def test_the_fields_that_may_be_empty_have_the_bounds_of_the_command_line(open_app, name):
    field = open_app("data").number_input(key=f"_{name.replace('_', '-')}")
    for value in (int(field.min), int(field.max)):
        assert getattr(InitConfig(auxiliary_space=AuxiliarySpace.FASTTEXT, **{name: value}), name) == value
    for value in (int(field.min) - 1, int(field.max) + 1):
        with pytest.raises(InvalidInputError) as caught:
            InitConfig(**{name: value})
        told = in_words(caught.value.text)
        assert told.startswith(f"{field.label}: expected at least {int(field.min)} and at most {int(field.max)}, got")
        assert "\n" not in told
        assert "--" not in told


def test_a_text_whose_tokens_are_too_rare_says_so_in_one_line(open_app, monkeypatch):
    monkeypatch.setenv("FAKE_BEHAVIOUR", "fail")
    got = "500000, and the most frequent of 9,000 tokens 80"
    remedy, rare = "lower it or give more text", "tokens that occur so often"
    error = bad_input(option("min_count"), expected=rare, got=got, remedy=remedy)
    monkeypatch.setenv("FAKE_ERROR", json.dumps(error.to_dict()))
    at = open_app("data")
    at.number_input(key="_min-count").set_value(500_000).run()
    start_button(at).click().run()
    job = only_job()
    assert request_of_job(job).config.min_count == 500_000
    wait(lambda: jobs.job_state(job) is jobs.JobState.FAILED)
    at.run()
    (told,) = [error.value.replace("\\", "").replace("\u2060", "") for error in at.error]
    assert told.startswith("Least occurrences: expected tokens that occur so often, got 500000")
    assert "--" not in told


def test_a_job_outlives_its_session(open_app):
    """A new session, as after a closed tab, still finds the running job by its link."""
    at = open_app("data")
    start_button(at).click().run()
    job = only_job()
    del at
    assert jobs.job_state(read_job(catalog.runs_root(), job.id)) is jobs.JobState.RUNNING
    other = AppTest.from_file(str(ROOT / "focus_ui" / "main.py"), default_timeout=60)
    other.query_params["run"] = job.id
    other.run()
    assert "This run is not there yet" in texts(other)


def test_a_text_in_another_encoding_asks_for_it_and_goes_on(open_app):
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    upload(at, "_corpus_upload", "chai.txt", "café na chai\n".encode("cp1252") * 40)
    assert "choose its encoding below" in at.error[0].value
    assert "--encoding" not in at.error[0].value.replace("\\", "")
    box = next(box for box in at.selectbox if box.label == "Encoding")
    box.set_value("Western European (Windows 1252)").run()
    assert not at.error
    assert "café na chai" in texts(at)
    start_button(at).click().run()
    assert only_request().encoding == "cp1252"


def test_messages_call_an_upload_by_its_own_name(open_app):
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    upload(at, "_corpus_upload", "../../my notes.txt", b"")
    assert at.error[0].value.replace("\\", "").replace("\u2060", "").startswith("my-notes.txt: expected some text")


def test_an_upload_beyond_the_limit_is_refused_in_words(open_app, monkeypatch):
    monkeypatch.setattr(st, "get_option", lambda name, old=st.get_option: _small(name, old))
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    assert "Up to 1 MB a file" in texts(at)
    upload(at, "_corpus_upload", "big.txt", b"habari ya leo\n" * 100_000)
    assert "expected at most 1 MB, got 1.4 MB" in at.error[0].value.replace("\\", "").replace("\u2060", "")
    assert start_button(at).disabled
    upload(at, "_corpus_upload", "small.txt", b"habari ya leo\n" * 100)
    assert not at.error
    assert not start_button(at).disabled


def _small(name, old):
    return 1 if name == "server.maxUploadSize" else old(name)


def test_a_refused_file_takes_nothing_else_from_the_form(open_app):
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    at.selectbox(key="_family").set_value("bpe").run()
    at.selectbox(key="_match").set_value("fuzzy").run()
    upload(at, "_corpus_upload", "weights.bin.gz", b"x", "application/gzip")
    assert len(at.error) == 1
    assert at.selectbox(key="_family").value == "bpe"
    assert at.selectbox(key="_match").value == "fuzzy"
    upload(at, "_corpus_upload", "mine.txt", b"habari ya leo\n" * 100)
    start_button(at).click().run()
    assert only_request().train_tokenizer == "bpe"
    assert only_request().config.match == "fuzzy"


def test_the_form_is_as_it_was_after_a_look_at_another_page(open_app):
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    at.selectbox(key="_match").set_value("symbols").run()
    at.number_input(key="_temperature").set_value(0.7).run()
    upload(at, "_corpus_upload", "mine.txt", b"habari ya leo\n" * 100)
    at.switch_page(PAGES["overlap"]).run()
    at.switch_page(PAGES["data"]).run()
    assert at.selectbox(key="_match").value == "symbols"
    assert at.number_input(key="_temperature").value == 0.7
    assert at.multiselect(key="_kept_texts").value == ["mine.txt"]
    assert "**100** lines" in texts(at)


def test_equal_names_of_uploads_are_told_apart(open_app):
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    upload(at, "_corpus_upload", "mine.txt", b"habari ya leo\n" * 100)
    upload(at, "_corpus_upload", "mine.txt", b"habari ya jana\n" * 50)
    at.switch_page(PAGES["overlap"]).run()
    at.switch_page(PAGES["data"]).run()
    assert at.multiselect(key="_kept_texts").options == ["mine.txt", "mine.txt (2)"]
    assert at.multiselect(key="_kept_texts").value == ["mine.txt (2)"]
    assert "**50** lines" in texts(at)


def test_what_is_odd_about_a_text_is_counted(open_app):
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    upload(at, "_corpus_upload", "odd.txt", "habari\nhabari\nna \ufffd chai\nsafi\n".encode())
    assert "**1** lines repeat an earlier one (25.0" in texts(at)
    assert "**1** characters were lost before" in texts(at)


def test_titles_hold_no_markup_of_a_file_name(open_app):
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    upload(at, "_corpus_upload", "![i](https:__evil.example_x.png) <b>.txt", b"habari ya leo\n" * 100)
    start_button(at).click().run()
    assert not at.exception
    assert not set("![]()<>:/") & set(only_job().title)


def test_a_refused_start_leaves_no_input_behind(open_app):
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    upload(at, "_corpus_upload", "mine.txt", b"habari ya leo\n" * 100)
    for _ in range(3):
        start_button(at).click().run()
    assert len(list((catalog.runs_root() / ".jobs").iterdir())) == 2


def test_a_packed_bomb_is_refused_quickly(open_app):
    import gzip

    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    began = time.monotonic()
    upload(at, "_corpus_upload", "bomb.txt.gz", gzip.compress(b"a" * 50_000_000), "application/gzip")
    assert "200 bytes for one compressed byte" in at.error[0].value.replace("\\", "")
    assert time.monotonic() - began < 10


def test_one_line_of_megabytes_is_read_and_said_to_be_odd(open_app):
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    upload(at, "_corpus_upload", "line.txt", b"habari ya leo na kesho " * 400_000)
    assert not at.error
    assert "Its lines are very long" in texts(at)
    assert not start_button(at).disabled


def test_a_started_job_is_drawn_above_the_form_and_brought_into_view(open_app):
    at = open_app("data")
    start_button(at).click().run()
    job = only_job()
    order = [str(button.key) for button in at.main.button]
    assert order.index(f"_cancel_{job.id}") < order.index("_start_run")
    assert "Keep the link" not in texts(at)


def test_an_upload_says_what_a_reload_does(open_app):
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    assert "until you reload or close this page" in texts(at)


def upload_text(at, language):
    """Choose a sample of a language as the text."""
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    upload(at, "_corpus_upload", f"{language}.txt", "\n".join(sample_lines(language, 60)).encode())
    return at


def foreseen(at):
    told = [warning.value.replace("\\", "").replace("\u2060", "") for warning in at.warning]
    return [words for words in told if "knows the language or its script" in words]


@pytest.mark.parametrize("language", ["he", "zh"])
def test_a_text_that_the_source_does_not_know_is_warned_of_before_the_run(open_app, language):
    save_tokenizer(unigram(), ROBERTA_ROLES, catalog.DEMO_SOURCE)
    at = upload_text(open_app("data"), language)
    (told,) = foreseen(at)
    assert "100 % of the letters" in told
    assert "“Method” multivariate-normal" in told
    assert not start_button(at).disabled, "a warning, no refusal"
    at.selectbox(key="_method").select("multivariate-normal").run()
    assert foreseen(at) == []


def test_a_source_with_bytes_cuts_a_text_and_does_not_call_it_unknown(open_app):
    save_tokenizer(sentencepiece_bpe(), LLAMA_ROLES, catalog.DEMO_SOURCE)
    (told,) = foreseen(upload_text(open_app("data"), "zh"))
    assert "cut into bytes, 3.0 a letter" in told
    assert "unknown to" not in told


def test_few_shared_tokens_are_foretold_where_the_new_tokenizer_is_there(open_app):
    save_tokenizer(unigram(), ROBERTA_ROLES, catalog.DEMO_SOURCE)
    at = open_app("data")
    at.segmented_control(key="_target_kind").set_value("Upload").run()
    other = unigram(("ob ox", "up we")).to_str().encode()
    upload(at, "_target_upload", "tokenizer.json", other, "application/json")
    assert any("tokens of text are shared with the source" in told for told in foreseen(at))
