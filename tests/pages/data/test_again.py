"""Data and run: steps, the first look, a run made again with a change, and the way out of a job that died."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pytest

from focus_core.initialization.request import command_of
from focus_core.jobs import process as jobs
from focus_core.jobs.record import REQUEST, list_jobs, request_of_job
from focus_core.tokenization.training import _too_large
from focus_ui.data import catalog
from tests.fake_jobs import FAKE, end_jobs, ended, wait
from tests.pages.conftest import links, param, texts
from tests.toy_run import write_toy_run


@pytest.fixture
def own_toy(tmp_path, monkeypatch, empty_caches):
    """Return a toy of this test, the demo; its source lies where its log says, and is the app's demo model."""
    del empty_caches
    run = write_toy_run(tmp_path / "demo" / "toy")
    source = tmp_path / "source"
    shutil.copytree(run.path / "source_tokenizer", source)
    (source / "model.safetensors").write_bytes(b"")
    (run.path / "log").mkdir(exist_ok=True)
    (run.path / "log" / "source.json").write_text(json.dumps({"spec": str(source)}))
    monkeypatch.setattr(catalog, "DEMO_SOURCE", source)
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    monkeypatch.setenv("FOCUS_LAB_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("FAKE_RUN", str(run.path))
    monkeypatch.setenv("FAKE_BEHAVIOUR", "finish")
    monkeypatch.setattr(jobs, "COMMAND", FAKE)
    yield run
    end_jobs(catalog.runs_root())


def press_start(at):
    """Press the form's own button, whatever it says: it tells a change from the same run again."""
    at.button(key="_start_again").click().run()
    assert not at.exception


def press(at, label):
    next(button for button in at.button if button.label == label).click().run()
    assert not at.exception


def newest():
    return list_jobs(catalog.runs_root())[0]


def finished_run(at):
    """Start the run, wait for its end, and show the page as it then is; return its job."""
    press(at, "Start the run")
    job = newest()
    ended(job)
    at.run()
    return job


def change_run(at):
    at.segmented_control(key="_make").set_value("The current run, changed").run()
    assert not at.exception


def asked(job):
    """Return what a job was asked for."""
    return request_of_job(job)


def expanders(at):
    return [e.label for e in at.expander]


def test_the_demo_is_made_again_from_its_own_vectors(open_app, own_toy):
    at = open_app("data")
    change_run(at)
    assert at.segmented_control(key="_again_step_toy").options == ["overlap", "embeddings"]
    assert "text of this run is not on this server" in texts(at)
    assert "nothing\\; the same run" in texts(at)
    assert at.button(key="_start_again").label == "Make the same run again"
    at.number_input(key="_temperature_toy").set_value(0.5).run()
    assert "Changed: **temperature 0\\.\u20605**" in texts(at)
    assert "its vectors, which are not made again" in texts(at)
    press_start(at)
    job = newest()
    assert job.title == "temperature 0.5 · toy"
    assert asked(job).config.temperature == 0.5
    assert asked(job).auxiliary == own_toy.path.resolve() / "auxiliary.safetensors"
    assert Path(asked(job).target_tokenizer).name == own_toy.manifest["target"]["name"]
    assert Path(asked(job).target_tokenizer).parent == job.record / "inputs"
    ended(job)
    at.run()
    (link,) = [found for found in links(at) if found.label == "Compare with the original"]
    assert f"run={job.id}" in link.query_string
    assert "with=toy" in link.query_string


@pytest.mark.parametrize("temperature", [0.0001, 10_000.0])
def test_a_temperature_that_only_the_command_line_takes_stays(open_app, own_toy, temperature):
    manifest = json.loads((own_toy.path / "manifest.json").read_text())
    manifest["config"]["temperature"] = temperature
    (own_toy.path / "manifest.json").write_text(json.dumps(manifest))
    at = open_app("data")
    change_run(at)
    assert "nothing\\; the same run" in texts(at)
    press_start(at)
    assert asked(newest()).config.temperature == temperature


def test_a_link_leads_to_the_form_of_a_run(open_app, own_toy):
    del own_toy
    at = open_app("data", run="toy", again="1")
    assert at.segmented_control(key="_make").value == "The current run, changed"
    assert param(at, "again") is None
    at.segmented_control(key="_make").set_value("A new run").run()
    assert at.segmented_control(key="_make").value == "A new run"


def test_the_names_of_an_earlier_step_are_not_asked_again(open_app, own_toy):
    del own_toy
    at = open_app("data")
    change_run(at)
    assert not [box for box in at.selectbox if box.key == "_preset_toy"]
    assert at.selectbox(key="_match_toy").value == "exact"
    at.segmented_control(key="_again_step_toy").set_value("embeddings").run()
    assert not [box for box in at.selectbox if box.key == "_match_toy"]


def test_a_trimmed_tokenizer_is_made_again_with_another_bound(open_app, own_toy):
    """The form's own choice, then the same run from its first step."""
    del own_toy
    at = open_app("data")
    at.segmented_control(key="_target_kind").set_value("Trim the source's").run()
    at.number_input(key="_trimmed_least").set_value(3).run()
    job = finished_run(at)
    assert (asked(job).trims, asked(job).min_frequency, asked(job).vocab_size) == (True, 3, None)
    assert job.title.startswith("trimmed, ")
    at.button(key=f"_again_tokenizers_{job.id}").click().run()
    assert at.number_input(key=f"_trimmed_{job.id}_least").value == 3
    at.number_input(key=f"_trimmed_{job.id}_most").set_value(200).run()
    press_start(at)
    again = asked(newest())
    assert (again.trims, again.min_frequency, again.vocab_size) == (True, 3, 200)


def test_a_run_of_ones_own_goes_on_from_any_step(open_app, own_toy):
    del own_toy
    at = open_app("data")
    job = finished_run(at)
    assert param(at, "run") == job.id
    for step in ("tokenizers", "corpus", "vectors", "overlap", "rows"):
        assert at.button(key=f"_again_{step}_{job.id}").label == "Run again from here"
    at.button(key=f"_again_corpus_{job.id}").click().run()
    assert not at.exception
    assert at.segmented_control(key=f"_again_step_{job.id}").value == "text"
    press_start(at)
    again = newest()
    assert asked(again).corpus == asked(job).corpus
    assert asked(again).auxiliary is None
    assert asked(again).train_tokenizer is None


def lower_case_source():
    """Let the demo's source read lower-case text."""
    path = catalog.DEMO_SOURCE / "tokenizer.json"
    state = json.loads(path.read_text()) | {"normalizer": {"type": "Lowercase"}}
    path.write_text(json.dumps(state))


def test_the_form_says_what_the_new_tokenizer_inherits(open_app, own_toy):
    del own_toy
    lower_case_source()
    at = open_app("data")
    assert said_of_source(at) == "The source reads lower-case text; the new tokenizer will too."
    at.selectbox(key="_normalization").set_value("nfkc").run()
    assert "the new tokenizer will not, and shares fewer tokens" in said_of_source(at)
    at.selectbox(key="_normalization").set_value("inherit").run()
    at.selectbox(key="_preset").set_value("paper").run()
    assert "the new tokenizer will not, and shares fewer tokens" in said_of_source(at)
    at.segmented_control(key="_target_kind").set_value("Upload").run()
    assert "The source reads" not in texts(at)


def said_of_source(at):
    assert not at.exception
    (said,) = [caption.value for caption in at.caption if "The source reads" in caption.value]
    return said


def test_the_normalization_is_asked_for_and_asked_for_again(open_app, own_toy):
    del own_toy
    at = open_app("data")
    first = finished_run(at)
    assert asked(first).normalization is None, "the preset's"
    at.selectbox(key="_normalization").set_value("nfkc").run()
    press(at, "Start the run")
    job = newest()
    assert asked(job).normalization == "nfkc"
    words = command_of(asked(job))
    assert words[words.index("--normalization") + 1] == "nfkc"
    ended(job)
    at.run()
    at.button(key=f"_again_tokenizers_{job.id}").click().run()
    box = at.selectbox(key=f"_normalization_{job.id}")
    assert (box.value, box.label) == ("nfkc", "Normalization")
    box.set_value("inherit").run()
    assert "Changed: **normalization of the preset**" in texts(at)
    at.selectbox(key=f"_normalization_{job.id}").set_value("nfkc").run()
    press_start(at)
    assert newest().id != job.id
    assert (asked(newest()).normalization, asked(newest()).vocab_size) == ("nfkc", asked(job).vocab_size)


def test_what_was_left_to_the_text_under_the_papers_preset_stays_so(open_app, own_toy):
    """The run was made by the command line with ``--preset paper --epochs auto``; the preset alone means 3."""
    manifest = json.loads((own_toy.path / "manifest.json").read_text())
    manifest["config"] |= {"preset": "paper", "dim": 300, "epochs": None, "min_count": 10}
    manifest["config"] |= {"keep_eos_vector": True, "specials_in_statistics": True}
    (own_toy.path / "manifest.json").write_text(json.dumps(manifest))
    at = open_app("data")
    first = finished_run(at)
    at.button(key=f"_again_vectors_{first.id}").click().run()
    assert not at.exception
    field = at.number_input(key=f"_epochs_{first.id}")
    assert (field.value, field.placeholder) == (None, "auto")
    press_start(at)
    assert asked(newest()).config.chosen() == {"preset": "paper", "epochs": None}


def test_options_of_the_vectors_are_changed_where_they_are_trained_again(open_app, own_toy):
    manifest = json.loads((own_toy.path / "manifest.json").read_text())
    manifest["config"] |= {"preset": "default", "dim": 100, "epochs": None, "min_count": 2}
    (own_toy.path / "manifest.json").write_text(json.dumps(manifest))
    at = open_app("data")
    at.number_input(key="_dim").set_value(50)
    press(at, "Start the run")
    first = newest()
    assert asked(first).config.dim == 50
    ended(first)
    at.run()
    at.button(key=f"_again_vectors_{first.id}").click().run()
    field = at.number_input(key=f"_min-count_{first.id}")
    assert (field.value, field.label) == (2, "Least occurrences")
    field.set_value(4).run()
    assert "Changed: **least occurrences 4**" in texts(at)
    at.number_input(key=f"_min-count_{first.id}").set_value(None).run()
    assert "Changed: **least occurrences auto**" in texts(at)
    at.number_input(key=f"_epochs_{first.id}").set_value(6).run()
    press_start(at)
    again = newest()
    assert asked(again).config.epochs == 6
    assert asked(again).config.min_count is None
    assert asked(again).auxiliary is None
    ended(again)
    at.run()
    at.button(key=f"_again_overlap_{again.id}").click().run()
    drawn = [field.key for field in at.number_input if field.key and again.id in field.key]
    numbers = [f"_{name}_{again.id}" for name in ("seed", "temperature", "top-k")]
    assert sorted(drawn) == numbers, "the vectors are reused as they are"
    press_start(at)
    assert asked(newest()).config.min_count == 2


@pytest.mark.parametrize(
    ("step", "value", "words"),
    [("overlap", 2, "top-k 2"), ("embeddings", 2, "top-k 2"), ("embeddings", None, "all contributors")],
)
def test_top_k_of_a_run_is_changed_or_emptied(open_app, own_toy, step, value, words):
    manifest = json.loads((own_toy.path / "manifest.json").read_text())
    manifest["config"]["top_k"] = 4
    (own_toy.path / "manifest.json").write_text(json.dumps(manifest))
    at = open_app("data")
    change_run(at)
    at.segmented_control(key="_again_step_toy").set_value(step).run()
    assert at.number_input(key="_top-k_toy").value == 4
    assert "nothing\\; the same run" in texts(at)
    at.number_input(key="_top-k_toy").set_value(value).run()
    assert f"Changed: **{words}**" in texts(at).replace("\\", "").replace("\u2060", "")
    press_start(at)
    assert newest().title == f"{words} · toy"
    assert asked(newest()).config.top_k == value


def test_the_steps_of_a_run_are_named_with_time_and_result(open_app, own_toy):
    at = open_app("data")
    plan = [label for label in expanders(at) if "about" in label]
    assert [label.split("**")[1] for label in plan] == [
        "Tokenizers", "Text", "Auxiliary vectors", "Overlap", "New embeddings",
    ]  # fmt: skip
    (own_toy.path / "log" / "timings.json").write_text(json.dumps({"read": 3.2, "match": 0.2, "write": 1.4}))
    press(at, "Start the run")
    ended(newest())
    at.run()
    steps = [label for label in expanders(at) if "**" in label and "about" not in label]
    assert len(steps) == 5
    assert steps[0].endswith("· 3 s")
    assert steps[3].endswith("· under a second")
    counts = own_toy.manifest["counts"]
    assert f"{counts['n_overlap']} shared" in texts(at).replace("\\", "")


def test_a_running_job_shows_its_steps(open_app, own_toy, monkeypatch):
    del own_toy
    monkeypatch.setenv("FAKE_BEHAVIOUR", "wait")
    at = open_app("data")
    press(at, "Start the run")
    job = newest()
    events = job.part / "log" / "events.jsonl"
    wait(lambda: events.exists() and "half a li" in events.read_text("utf-8"))
    at.run()
    assert any("75% after" in label and "Auxiliary" in label for label in expanders(at))


@pytest.mark.parametrize("behaviour", ["die", "fail"])
def test_a_job_that_died_says_so_once_and_is_started_again(open_app, own_toy, monkeypatch, behaviour):
    del own_toy
    monkeypatch.setenv("FAKE_BEHAVIOUR", behaviour)
    at = open_app("data")
    job = finished_run(at)
    assert len(at.error) == 1
    assert not [label for label in expanders(at) if "after" in label], "nothing pretends to go on"
    assert ("How far it came" in expanders(at)) == (behaviour == "die"), "who could say why tidied up"
    at.button(key=f"_repeat_{job.id}").click().run()
    assert not at.exception
    assert at.segmented_control(key=f"_again_step_{job.id}").options == ["tokenizers"]
    monkeypatch.setenv("FAKE_BEHAVIOUR", "finish")
    press_start(at)
    again = newest()
    assert again.title == f"again · {job.title}"
    assert again.id != job.id
    assert asked(again) == asked(job)


def test_a_job_whose_text_is_gone_leaves_the_form_as_it_was(open_app, own_toy, monkeypatch):
    del own_toy
    monkeypatch.setenv("FAKE_BEHAVIOUR", "die")
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    at.file_uploader(key="_corpus_upload").upload("mine.txt", b"habari ya leo\n" * 40, "text/plain").run()
    job = finished_run(at)
    assert at.button(key=f"_repeat_{job.id}"), "the session still has the upload"
    at.session_state["handed_over"] = {}
    at.run()
    assert not [button for button in at.button if button.key == f"_repeat_{job.id}"]
    assert "Everything you chose below still stands" in texts(at)


def test_a_run_without_its_source_cannot_be_made_again(open_app, own_toy, tmp_path):
    (own_toy.path / "log" / "source.json").write_text(json.dumps({"spec": str(tmp_path / "gone")}))
    at = open_app("data")
    change_run(at)
    assert any("source model is no longer on this server" in w.value for w in at.warning)
    assert not [button for button in at.button if button.key == "_start_again"]


def test_another_current_run_is_the_one_that_is_changed(open_app, own_toy):
    del own_toy
    at = open_app("data")
    job = finished_run(at)
    at.button(key=f"_again_rows_{job.id}").click().run()
    assert at.segmented_control(key=f"_again_step_{job.id}")
    toy = next(name for name in at.selectbox(key="_run_choice").options if name.endswith("· demo"))
    at.selectbox(key="_run_choice").set_value(toy).run()
    assert not at.exception
    assert at.segmented_control(key="_again_step_toy")


def test_what_another_match_rule_changes_is_counted(open_app, own_toy):
    """Fuzzy copies ``▁MILK`` from ``▁milk``, which exact does not."""
    del own_toy
    at = open_app("data")
    change_run(at)
    assert "**fuzzy** instead of exact: :green[+" in texts(at)
    tables = [table.value for table in at.dataframe if "copied from, exact (chosen)" in table.value.columns]
    assert len(tables) == 2
    saved = {button.key: button.proto.help for button in at.get("download_button")}
    for rule in ("fuzzy", "symbols"):
        assert saved[f"_csv_difference_exact_{rule}"].startswith("The examples that are shown"), (
            "not every changed token"
        )
    row = tables[0][tables[0]["token"] == "▁MILK"]
    assert row["copied from, exact (chosen)"].tolist() == ["–"]
    assert row["copied from, fuzzy"].tolist() == ["▁milk"]


def test_the_first_lines_are_shown_in_pieces_of_both(open_app, own_toy):
    at = open_app("data")
    assert re.search(r":gray\[Source, \d+ tokens\]", texts(at))
    assert ":gray[New" not in texts(at)
    assert "is trained with the run" in texts(at)
    at.segmented_control(key="_target_kind").set_value("Upload").run()
    tokenizer = (own_toy.path / "target_tokenizer" / "tokenizer.json").read_bytes()
    at.file_uploader(key="_target_upload").upload("tokenizer.json", tokenizer, "application/json").run()
    assert not at.exception
    assert ":gray[New" in texts(at)
    assert "the new one into" in texts(at)
    assert any("tokenizer" in label and "as it is" in label for label in expanders(at)), "no random name of a file"
    assert any("copied from, fuzzy" in table.value.columns for table in at.dataframe)


def test_a_line_from_right_to_left_is_laid_out_so(open_app, own_toy):
    del own_toy
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    text = "سلام سلام سلام\nthe market\n"
    at.file_uploader(key="_corpus_upload").upload("two.txt", text.encode(), "text/plain").run()
    first, second = [m.value for m in at.markdown if m.value.startswith(":gray[Source")]
    assert "\u2067" in first
    assert "\u2067" not in second


def test_hostile_text_is_harmless_in_pieces(open_app, own_toy):
    del own_toy
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    text = "![i](https://evil.example/x.png) **bold** <b>bold</b> :material/home: \u202eevil ]( :red[x]\n" * 3
    at.file_uploader(key="_corpus_upload").upload("![x](y).txt", text.encode(), "text/plain").run()
    assert not at.exception
    pieces = [m.value for m in at.markdown if m.value.startswith(":gray[Source")]
    assert pieces
    for line in pieces:
        assert "](http" not in line
        assert "**bold" not in line
        assert "<b>" not in line
        assert ":material/" not in line
        assert "\u202e" not in line


def test_another_text_and_another_size_are_changes_too(open_app, own_toy):
    del own_toy
    at = open_app("data")
    job = finished_run(at)
    at.button(key=f"_again_tokenizers_{job.id}").click().run()
    at.number_input(key=f"_vocab_size_{job.id}").set_value(500).run()
    at.toggle(key=f"_again_text_{job.id}").set_value(True).run()
    at.selectbox(key="_sample").set_value("German").run()
    assert not at.exception
    warned = [warning.value for warning in at.warning if "of the letters" in warning.value]
    assert len(warned) == 1, "the toy's forty tokens do not know German, and the text is another one"
    press_start(at)
    again = newest()
    assert again.title.startswith("size 500, on sample German · ")
    assert asked(again).vocab_size == 500
    assert [path.name for path in asked(again).corpus] == ["de.txt"]


def test_a_job_that_says_nothing_for_long_is_not_left_to_spin(open_app, own_toy, monkeypatch):
    del own_toy
    monkeypatch.setenv("FAKE_BEHAVIOUR", "wait")
    at = open_app("data")
    press(at, "Start the run")
    job = newest()
    events = job.part / "log" / "events.jsonl"
    wait(events.exists)
    at.run()
    assert "has said nothing" not in texts(at)
    monkeypatch.setattr("pages.data.view.SILENT_S", 0.0)
    at.run()
    assert "has said nothing" in texts(at)


def test_a_run_deleted_while_it_is_shown_breaks_nothing(open_app, own_toy):
    del own_toy
    at = open_app("data")
    job = finished_run(at)
    at.button(key=f"_again_rows_{job.id}").click().run()
    shutil.rmtree(job.run)
    at.run()
    assert not at.exception
    jobs.delete_run(job, owner=at.session_state["focus_owner"])
    at.run()
    assert not at.exception
    at.query_params["run"] = "f" * 32
    at.run()
    assert not at.exception
    assert [button for button in at.button if button.label == "Start the run"]


def test_the_suggested_size_follows_the_text_until_somebody_chooses(open_app, own_toy):
    del own_toy
    at = open_app("data")
    at.segmented_control(key="_corpus_kind").set_value("Upload").run()
    at.file_uploader(key="_corpus_upload").upload("a.txt", b"habari ya leo\n" * 300, "text/plain").run()
    small = at.number_input(key="_vocab_size").value
    many = "".join(f"habari ya leo {i}\n" for i in range(3000)).encode()
    at.file_uploader(key="_corpus_upload").upload("b.txt", many, "text/plain").run()
    assert at.number_input(key="_vocab_size").value > small
    at.number_input(key="_vocab_size").set_value(321).run()
    at.file_uploader(key="_corpus_upload").upload("c.txt", b"habari ya leo\n" * 300, "text/plain").run()
    assert at.number_input(key="_vocab_size").value == 321


def test_a_size_that_the_text_does_not_support_is_mended_with_one_click(open_app, own_toy, monkeypatch):
    del own_toy
    monkeypatch.setenv("FAKE_BEHAVIOUR", "fail")
    monkeypatch.setenv("FAKE_ERROR", json.dumps(_too_large(810, 151).to_dict()))
    at = open_app("data")
    at.number_input(key="_vocab_size").set_value(810).run()
    job = finished_run(at)
    told = at.error[0].value.replace("\\", "").replace("\u2060", "")
    assert told.startswith("Size in tokens: expected at most 151")
    assert "--" not in told
    monkeypatch.setenv("FAKE_BEHAVIOUR", "finish")
    press(at, "Use 151 and start again")
    again = newest()
    assert again.id != job.id
    assert asked(again) == dataclasses.replace(asked(job), vocab_size=151)
    assert again.title == f"size 151 · {job.title}"
    assert at.number_input(key="_vocab_size").value == 151


def test_a_failure_of_another_kind_offers_no_size(open_app, own_toy, monkeypatch):
    del own_toy
    monkeypatch.setenv("FAKE_BEHAVIOUR", "fail")
    at = open_app("data")
    press(at, "Start the run")
    ended(newest())
    at.run()
    assert not [button for button in at.button if button.label.startswith("Use ")]


def forget_request(job):
    """Leave the record as an earlier version wrote it: with a command line alone."""
    (job.record / REQUEST).unlink()


def test_a_run_of_an_earlier_version_is_listed_and_made_again_from_its_own_files(open_app, own_toy):
    del own_toy
    at = open_app("data")
    job = finished_run(at)
    forget_request(job)
    at.run()
    assert not at.exception
    assert "started by an earlier version" in texts(at)
    assert not [button for button in at.button if str(button.key).startswith("_again_rows")]
    assert at.button(key=f"_open_{job.id}")
    change_run(at)
    assert "started by an earlier version" in texts(at)
    assert at.segmented_control(key=f"_again_step_{job.id}").options == ["overlap", "embeddings"]
    press_start(at)
    assert asked(newest()).auxiliary == job.run / "auxiliary.safetensors"


@pytest.mark.parametrize("behaviour", ["die", "wait"])
def test_a_job_of_an_earlier_version_that_made_no_run_says_why_it_is_not_offered_again(
    open_app, own_toy, monkeypatch, behaviour
):
    del own_toy
    monkeypatch.setenv("FAKE_BEHAVIOUR", behaviour)
    at = open_app("data")
    press(at, "Start the run")
    job = newest()
    forget_request(job)
    if behaviour == "die":
        ended(job)
    at.run()
    assert not at.exception
    assert job.title in texts(at).replace("\\", "")
    assert ("started by an earlier version" in texts(at)) == (behaviour == "die")
    assert not [button for button in at.button if button.key == f"_repeat_{job.id}"]
