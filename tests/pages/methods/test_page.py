"""The page Methods: what can run and what it lacks, the job, the answer in words, ties, whose a comparison is."""

import json
import shutil

import pytest

from focus_core.analysis.provenance.explain import explain_token
from focus_core.artifacts import dump_json
from focus_core.initialization.methods.registry import METHODS
from focus_core.jobs.process import job_state
from focus_core.jobs.record import JobState, hash_owner, list_jobs, new_run_id, record_folder, write_record
from focus_core.runs.legend import method_of
from focus_core.types import METHOD_SUMMARIES, NEED_SUMMARIES, Need
from focus_ui.data import catalog
from focus_ui.data.catalog import RunKind
from pages.methods.available import USUAL
from pages.methods.form import STARTED, TOLD
from pages.methods.token import MOST_PARTS
from tests.every_method import write_every_run
from tests.pages.conftest import PAGES, links, param, texts
from tests.pages.frame import components, owner_of, write_job
from tests.shown_comparison import KEEP, made_table, table_of, write_comparison
from tests.toy_run import HOSTILE, id_of

OFFERED = [name for name, method in METHODS.items() if not method.lacks((Need.TEXT, Need.BODY))]
"""Methods that need no file beside the text."""


@pytest.fixture(autouse=True)
def no_comparison(tmp_path, monkeypatch):
    """Keep comparisons that ship, and those of other tests, out of these."""
    monkeypatch.setenv("FOCUS_LAB_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("FOCUS_LAB_DEMO_COMPARISONS", str(tmp_path / "bundled"))
    return tmp_path / "bundled"


def own_comparison(owner, table, *, runs=None, title="seven methods on mine"):
    """Give an owner a finished comparison; return its job."""
    job = write_job(owner, title=title)
    shutil.rmtree(job.record)
    root = catalog.comparisons_root().resolve()
    record_folder(root, job.id).mkdir(parents=True)
    job = type(job)(**{**vars(job), "root": root, "arguments": ("compare",)})
    write_record(job)
    write_comparison(job.run, table, runs=runs)
    return job


def plain(at):
    """Return what the page says as it is read: without the signs that keep Markdown out."""
    return texts(at).replace("\\", "").replace("\u2060", "")


def opened(open_app, table, *, runs=None):
    at = open_app("start")
    job = own_comparison(owner_of(at), table, runs=runs)
    at.switch_page(PAGES["methods"]).run()
    assert not at.exception
    return at, job


# --- before anything was measured ---------------------------------------------------------------------------------


def test_every_method_stands_there_with_its_line_and_what_it_takes(open_app):
    at = open_app("methods")
    shown = "\n".join(box.label for box in at.checkbox)
    assert all(METHOD_SUMMARIES[name] in shown for name in METHODS)
    assert "Nothing was measured on this text" in plain(at)
    assert "with all its seeds" in texts(at)
    assert f"{len(USUAL)} methods chosen" in texts(at)


def test_boxes_are_ticked_many_at_a_time(open_app):
    at = open_app("methods")
    (every,) = [button for button in at.button if button.label == f"All {len(OFFERED)} that can run"]
    every.click().run()
    assert f"{len(OFFERED)} methods chosen" in texts(at)
    (none,) = [button for button in at.button if button.label == "None"]
    none.click().run()
    assert at.button(key="_start_comparison").disabled
    (usual,) = [button for button in at.button if button.label == "The usual ones"]
    usual.click().run()
    assert not at.exception
    assert f"{len(USUAL)} methods chosen" in texts(at)
    assert {str(name) for name in USUAL} == {
        name for name in OFFERED if at.checkbox(key=f"_method_{name}_offered").value
    }


def test_with_examples_alone_the_rule_stands_beside_what_was_found_in_them(open_app, no_comparison):
    table = made_table()
    write_comparison(no_comparison / "source-sw", table)
    at = open_app("methods")
    assert not at.exception
    assert "Nothing was measured on this text" in plain(at)
    assert f"Where the source has read the language ({table['source']['name']}" in plain(at)
    assert "An example that ships with the app" in plain(at)


def test_a_method_without_its_input_cannot_be_chosen_and_says_where_to_get_it(open_app, monkeypatch):
    import dataclasses

    lacking = dataclasses.replace(METHODS["mean"], needs=(Need.DICTIONARY, Need.DONOR))
    monkeypatch.setitem(METHODS, "mean", lacking)
    at = open_app("methods")
    (box,) = [box for box in at.checkbox if METHOD_SUMMARIES["mean"] in box.label]
    assert box.disabled
    assert not box.value
    lacks = [c.value for c in at.caption if "Lacks" in c.value]
    assert len(lacks) == len(METHODS) - len(OFFERED) + 1
    (line,) = [words for words in lacks if NEED_SUMMARIES[Need.DICTIONARY] in words and "--donor" in words]
    assert NEED_SUMMARIES[Need.DONOR] in line
    assert f"{len(USUAL) - 1} methods chosen" in texts(at)


def test_an_uploaded_dictionary_is_counted_and_what_is_wrong_with_one_is_said(open_app):
    at = open_app("methods")
    upload = at.file_uploader(key="_methods_dictionary")
    upload.upload("words.tsv", b"market\tsoko\nmilk\tmaziwa\n", "text/plain").run()
    assert not at.exception
    assert "**2** pairs of words" in texts(at)
    at.file_uploader(key="_methods_dictionary").upload("wrong.tsv", b"no tab here\n", "text/plain").run()
    assert not at.exception
    assert [error.value for error in at.error if "wrong" in error.value]
    assert "** pairs of words" not in texts(at)


def test_a_dictionary_that_ships_lets_its_methods_run(open_app):
    at = open_app("methods")
    assert at.checkbox(key="_method_tik-to-tok_lacking").disabled
    at.segmented_control(key="_methods_ready_dictionary").set_value("English–Swahili").run()
    assert not at.exception
    assert "558** pairs of words" in texts(at)
    assert at.checkbox(key="_method_tik-to-tok_offered").value
    readers = [name for name, method in METHODS.items() if Need.DICTIONARY in method.needs]
    assert f"{len(USUAL) + len(readers)} methods chosen" in texts(at)


def test_vectors_that_hold_no_number_are_refused_before_anything_runs(open_app):
    at = open_app("methods")
    at.file_uploader(key="_methods_source-vectors").upload("en.vec", b"1 2\nmilk 1.0 nan\n", "text/plain").run()
    assert not at.exception
    assert at.error
    assert "vectors" not in [m.value for m in at.markdown]


def test_the_job_is_started_with_what_was_chosen(open_app, monkeypatch):
    asked = {}

    def begin(arguments, **options):
        asked.update(options, arguments=list(arguments))

    monkeypatch.setattr("pages.methods.form.begin", begin)
    at = open_app("methods")
    at.number_input(key="_methods_seeds").set_value(2).run()
    at.number_input(key="_methods_tokens").set_value(5000).run()
    (none,) = [button for button in at.button if button.label == "None"]
    none.click().run()
    for name in ("overlap", "mean"):
        at.checkbox(key=f"_method_{name}_offered").check().run()
    at.button(key="_start_comparison").click().run()
    assert not at.exception
    words = asked["arguments"]
    named = {words[i]: words[i + 1] for i in range(1, len(words) - 1, 2)}
    assert words[0] == "compare"
    assert named["--methods"] == "overlap,mean"
    assert (named["--seeds"], named["--probe-tokens"]) == ("2", "5000")
    assert named["--source"] == str(catalog.DEMO_SOURCE)
    assert named["--target-tokenizer"].endswith("/inputs/" + named["--target-tokenizer"].rpartition("/")[2])
    assert asked["root"] == catalog.comparisons_root()
    assert not at.toast, "nothing was started"
    at.session_state[STARTED] = True
    at.run()
    assert [toast.value for toast in at.toast] == [TOLD]
    at.run()
    assert not at.toast


def test_the_source_that_has_read_english_alone_is_offered(open_app):
    at = open_app("methods")
    at.segmented_control(key="_source_kind").set_value("English demo").run()
    assert not at.exception
    assert "it has read English alone" in texts(at)
    assert f"{len(USUAL)} methods chosen" in texts(at)


# --- the answer ---------------------------------------------------------------------------------------------------


def test_a_tie_is_called_a_tie_and_the_cheapest_of_it_is_named(open_app):
    table = made_table()
    at, job = opened(open_app, table)
    assert param(at, "comparison") == job.id
    assert "A tie: overlap only and FOCUS cannot be told apart" in plain(at)
    assert "**Take overlap only, the cheapest of them" in plain(at)
    assert "script is worse than focus by 0.07" in plain(at)
    figure = json.loads(at.get("plotly_chart")[0].proto.spec)
    tinted = [shape for shape in figure["layout"]["shapes"] if shape["type"] == "rect" and shape.get("xref") != "x"]
    assert len(tinted) == 2
    assert sum("tied" in tick for tick in figure["layout"]["yaxis"]["ticktext"]) == 2
    assert at.dataframe[0].value["standing"].tolist() == ["tied", "tied", "worse", "worse", "worse", "worse"]


def test_two_equal_methods_are_a_tie(open_app):
    table = made_table(tied=["mean", "random"], method="mean")
    first, second = (dict(entry) for entry in table["methods"][:2])
    table["methods"] = [first | {"method": "mean"}, {**first, "method": "random"}]
    assert second["method"] == "focus"
    at, _ = opened(open_app, table)
    assert "A tie: mean and random cannot be told apart" in plain(at)


def test_a_single_best_method_is_no_tie(open_app):
    at, _ = opened(open_app, made_table(tied=["focus"], method="focus"))
    assert any("Take FOCUS" in h.value for h in at.header)
    assert not any("tie" in h.value.lower() for h in at.header)


def test_keep_your_tokenizer_is_said_with_the_reason_against(open_app):
    at, _ = opened(open_app, made_table(**KEEP))
    assert any(h.value.endswith("Keep your tokenizer") for h in at.header)
    assert "better by 0.10" in plain(at)
    assert "2.4 tokens a word instead of 1.5" in plain(at)
    assert "the cheapest of them" not in texts(at)


def test_of_too_few_lines_there_is_a_table_and_no_recommendation(open_app):
    at, _ = opened(open_app, made_table(kind="few-lines", method=None, tied=[], sentence="Only 40 lines.", reasons=[]))
    assert any(h.value.endswith("Too few lines to recommend a method") for h in at.header)
    assert len(at.dataframe[0].value) == 6


def test_what_did_not_run_is_listed_with_where_to_get_what_it_lacks(open_app):
    at, _ = opened(open_app, made_table())
    assert "Not run, for want of an input" in texts(at)
    assert "**multivariate normal** lacks a model folder" in texts(at)


def test_the_table_is_copied_as_markdown(open_app):
    at, _ = opened(open_app, made_table())
    assert at.code[-1].value.startswith("| method | bits |")


def test_names_and_sentences_of_a_table_are_shown_as_they_are(open_app):
    hostile = "![x](https://example.org/x.png) <b>bold</b> `code` $x$"
    at, _ = opened(open_app, made_table(sentence=hostile, reasons=[hostile]))
    for element in (*at.markdown, *at.header, *at.caption):
        assert "](https://example.org" not in str(element.value)
        assert "<b>" not in str(element.value).replace("\\<b>", "")


# --- one token under all methods ----------------------------------------------------------------------------------


def test_one_token_is_shown_under_every_method_with_shared_source_tokens_in_one_colour(open_app, toy):
    at, job = opened(open_app, made_table(), runs=toy.path)
    (shown,) = components(at, "focus_contributors")
    assert [column["method"] for column in shown["columns"]][:2] == ["overlap only", "FOCUS"]
    first, second = ({p["id"]: p["color"] for p in column["parts"]} for column in shown["columns"][:2])
    assert first
    assert first == second
    assert f"{job.id}%2Ffocus-1" in "".join(link.query_string for link in links(at))


def test_every_method_of_the_registry_shows_what_it_made_of_a_token(open_app):
    """Signed weights, translations and what a fallback drew stand beside one another, each under its method's name."""
    at = open_app("start")
    job = own_comparison(owner_of(at), table_of(METHODS))
    made = write_every_run(job.run)
    at.switch_page(PAGES["methods"]).run()
    assert not at.exception
    (token,) = made["clp"].find("▁Bauer")
    at.text_input(key="_methods_query").set_value(f"#{token}").run()
    assert not at.exception
    (shown,) = components(at, "focus_contributors")
    assert [column["method"] for column in shown["columns"]] == [method_of(name).label for name in METHODS]
    by_name = dict(zip(METHODS, shown["columns"], strict=True))
    for name, run in made.items():
        parts = explain_token(run, token).contributors
        drawn = [(part["id"], part["weight"]) for part in by_name[name]["parts"]]
        assert drawn == [(part.source_id, part.weight) for part in parts[:MOST_PARTS]], name
    assert any(part["weight"] < 0 for part in by_name["clp"]["parts"])
    assert not by_name["random"]["parts"]


def test_a_token_is_found_by_a_search(open_app, toy):
    at, _ = opened(open_app, made_table(), runs=toy.path)
    wanted = id_of(toy, "▁mkulima")
    at.text_input(key="_methods_query").set_value(f"#{wanted}").run()
    assert not at.exception
    assert at.selectbox(key="_methods_token").value == str(wanted)


def test_hostile_tokens_reach_the_component_as_text(open_app, toy):
    at, _ = opened(open_app, made_table(), runs=toy.path)
    for token in HOSTILE[:6]:
        at.text_input(key="_methods_query").set_value(f"#{id_of(toy, token)}").run()
        assert not at.exception


def test_without_runs_it_says_that_no_token_can_be_looked_into(open_app):
    at, _ = opened(open_app, made_table())
    assert "no token can be looked into" in texts(at)


# --- whose it is --------------------------------------------------------------------------------------------------


def test_a_comparison_is_no_run_and_stands_in_no_list_of_runs(open_app, toy):
    at, job = opened(open_app, made_table(), runs=toy.path)
    owner = owner_of(at)
    assert job.id not in {entry.id for entry in catalog.listed_runs(owner)}
    assert not any(entry.kind is RunKind.COMPARED for entry in catalog.listed_runs(owner))
    assert catalog.find_run(job.id, owner) is None
    at.switch_page(PAGES["start"]).run()
    assert job.id not in texts(at)


def test_a_run_of_a_comparison_opens_by_its_link_on_every_page(open_app, toy):
    at, job = opened(open_app, made_table(), runs=toy.path)
    entry = catalog.find_run(f"{job.id}/focus-1", owner_of(at))
    assert entry is not None
    assert (entry.kind, entry.title) == (RunKind.COMPARED, "focus, seed 1")
    for wrong in ("../focus-1", "focus-9", "", "focus-1/../mean-1"):
        assert catalog.find_run(f"{job.id}/{wrong}", owner_of(at)) is None
    at = open_app("compare", run=f"{job.id}/focus-1", **{"with": f"{job.id}/mean-1"})
    assert "This run against the second" in texts(at)


def test_another_browser_sees_it_by_its_link_alone_and_cannot_delete_it(open_app):
    _, job = opened(open_app, made_table())
    at = open_app("methods")
    assert param(at, "comparison") is None
    at = open_app("methods", comparison=job.id)
    assert any("cannot be told apart" in h.value for h in at.header)
    assert not [button for button in at.button if button.key == "_delete_comparison"]


def test_one_that_has_just_finished_is_shown_in_place_of_what_was(open_app, no_comparison):
    write_comparison(no_comparison / "demo-sw", made_table())
    at = open_app("methods")
    assert param(at, "comparison") == "demo-sw"
    job = own_comparison(owner_of(at), made_table(**KEEP))
    at.run()
    assert param(at, "comparison") == job.id
    assert "Keep your tokenizer" in plain(at)
    at.selectbox(key="_comparison").set_value("demo-sw").run()
    assert param(at, "comparison") == "demo-sw", "what is chosen stays"
    at.run()
    assert param(at, "comparison") == "demo-sw"


def test_an_address_that_names_no_comparison_says_so(open_app):
    at = open_app("methods", comparison="../../etc")
    assert [w.value for w in at.warning if "is not here" in w.value]


def test_its_owner_deletes_it_with_its_runs_and_leaves_a_run_of_it(open_app, toy):
    at, job = opened(open_app, made_table(), runs=toy.path)
    at.query_params["run"] = f"{job.id}/focus-1"
    at.run()
    at.button(key="_delete_comparison").click().run()
    assert not at.exception
    assert not job.run.exists()
    assert not job.record.exists()
    assert param(at, "run") == "toy"


def test_a_running_comparison_is_watched_and_stands_in_the_tray(open_app):
    import os

    from focus_core.runs.liveness import process_started

    at = open_app("start")
    root = catalog.comparisons_root().resolve()
    job = write_job(owner_of(at), title="two methods on mine")
    shutil.rmtree(job.record)
    job = type(job)(
        **{
            **vars(job), "root": root, "arguments": ("compare",), "pid": os.getpid(),
            "pid_start": process_started(os.getpid()),
        }
    )  # fmt: skip
    job.record.mkdir(parents=True)
    write_record(job)
    (job.part / "log").mkdir(parents=True)
    event = {"stage": "compare", "done": 3, "total": 7, "note": "mean-1: train 40 %"}
    (job.part / "log" / "events.jsonl").write_text(dump_json(event, indent=None) + "\n", encoding="utf-8")
    at.switch_page(PAGES["methods"]).run()
    assert not at.exception
    assert "**Two methods on mine**" in texts(at)
    assert job_state(job) is JobState.RUNNING
    assert [button for button in at.button if button.key == f"_cancel_{job.id}"]
    assert [button for button in at.button if button.key == f"_cancel_tray_{job.id}"]


def test_a_comparison_that_ships_is_shown_to_everybody(open_app, no_comparison):
    write_comparison(no_comparison / "demo-sw", made_table())
    at = open_app("methods")
    assert param(at, "comparison") == "demo-sw"
    assert any("cannot be told apart" in h.value for h in at.header)
    assert list_jobs(catalog.comparisons_root()) == []
    assert new_run_id() != hash_owner("")
