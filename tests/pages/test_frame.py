"""What every page carries: runs of one browser, the tray, the search, ways out of what is missing or damaged."""

import json
import shutil
import time

import pytest
from streamlit.runtime.context import ContextProxy

from focus_core.jobs import process as jobs
from focus_core.jobs.record import inputs_folder, is_dismissed, read_job
from focus_ui.data import catalog
from focus_ui.data.catalog import RunEntry, RunKind
from tests.fake_jobs import FAKE, ended
from tests.pages.conftest import PAGES, ROOT, links, param, texts
from tests.pages.frame import components, own_run, owner_of, write_job
from tests.toy_run import write_toy_run

NEEDS_RUN = tuple(page for page in PAGES if page not in ("data", "methods"))
ABSURD = (
    "", "-1", "1e9", "9" * 400, "９", "\u202e", "\0", "None", "nan", "0x10", "<script>absurd</script>",
    "![absurd](https://absurd.example/x.png)", "../../etc/passwd", "%00", "'; DROP TABLE runs; --",
)  # fmt: skip


def cards(at):
    return [element.value for element in at.markdown if "-badge[" in element.value and element.value.startswith("**")]


def change_manifest(folder, change):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), "utf-8")


@pytest.fixture
def demo(tmp_path, monkeypatch):
    """Return a demo run that a test may damage, beside a sound one."""
    write_toy_run(tmp_path / "demos" / "broken")
    shutil.copytree(tmp_path / "demos" / "broken", tmp_path / "demos" / "sound")
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demos"))
    return tmp_path / "demos" / "broken"


@pytest.fixture
def waiting(open_app):
    """Return a user and a job of theirs that runs; end it afterwards."""
    at = open_app("start")
    job = jobs.start_job(["wait"], runs_root=catalog.runs_root(), owner=owner_of(at), title="slow", command=FAKE)
    yield at, job
    jobs.cancel_job(job, grace_s=0.3)
    ended(job)


def test_the_tray_shows_a_running_job_on_every_page_with_progress_log_and_cancel(waiting):
    at, job = waiting
    (job.record / "stderr.log").write_text("\n".join(f"line {i}" for i in range(40)), "utf-8")
    for page in PAGES.values():
        at.switch_page(page).run()
        assert not at.exception
        assert at.button(key=f"_cancel_tray_{job.id}")
        (log,) = [code.value for code in at.sidebar.code if code.value.startswith("line ")]
        assert log.splitlines()[-1] == "line 39"
        assert len(log.splitlines()) == 8, "the last lines only"
    assert not any(str(button.key).startswith("_dismiss_") for button in at.button), "it still runs"


def test_a_job_that_died_is_a_failed_one_with_its_last_line_until_it_is_dismissed(open_app):
    at = open_app("start")
    job = write_job(owner_of(at), title="*mine*", log="reading the text\nOut of memory")
    at.run()
    assert "red-badge[failed]" in texts(at)
    assert "Out of memory" in texts(at)
    assert r"\*mine\*" in texts(at)
    for page in PAGES.values():
        at.switch_page(page).run()
        assert at.button(key=f"_dismiss_{job.id}")
    at.button(key=f"_dismiss_{job.id}").click().run()
    at.run()
    assert not any(job.id in str(button.key) for button in at.sidebar.button)
    assert is_dismissed(read_job(catalog.runs_root(), job.id))


def test_the_address_of_a_job_that_died_says_so_and_leads_out(open_app):
    at = open_app("start")
    job = write_job(owner_of(at), log="Out of memory")
    for page in NEEDS_RUN:
        other = open_app(page, run=job.id)
        assert "This run did not finish" in texts(other)
        assert any("Out of memory" in error.value for error in other.error)
        assert other.button(key="_open_demo")


def test_opening_a_run_from_the_tray_takes_it_out_of_the_tray(open_app, toy):
    at = open_app("overlap")
    job = own_run(owner_of(at), toy.path)
    at.run()
    at.button(key=f"_open_tray_{job.id}").click().run()
    assert param(at, "run") == job.id
    assert not any(job.id in str(button.key) for button in at.sidebar.button)


def test_yesterdays_jobs_are_no_news(open_app):
    at = open_app("start")
    job = write_job(owner_of(at), created=time.time() - 48 * 3600)
    (job.record / "stderr.log").unlink()
    at.run()
    assert not any(job.id in str(button.key) for button in at.sidebar.button)


def test_what_a_job_left_whose_end_no_server_saw_goes_at_the_next_look(open_app):
    at = open_app("start")
    job = write_job(owner_of(at), created=time.time() - 48 * 3600)
    text = inputs_folder(job.root, job.id) / "corpus.txt"
    text.write_text("habari")
    job.part.mkdir()
    at.run()
    assert not text.exists()
    assert not job.part.exists()


def test_a_browser_that_kept_its_secret_sees_its_runs_again(open_app, toy, monkeypatch):
    first = open_app("start")
    secret = owner_of(first)
    job = own_run(secret, toy.path, title="kept")
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda self: {"focus_lab_owner": secret}))
    again = open_app("start")
    assert owner_of(again) == secret
    assert any("**kept**" in card and "badge[yours]" in card for card in cards(again))
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda self: {}))
    stranger = open_app("start")
    assert owner_of(stranger) != secret
    assert not any("kept" in card for card in cards(stranger))
    assert job.id not in "".join(stranger.selectbox(key="_run_choice").options)


@pytest.mark.parametrize("kept", ["", "short", "G" * 32, "a" * 33, "../" * 11, "A" * 32])
def test_a_cookie_that_is_no_secret_is_not_believed(open_app, monkeypatch, kept):
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda self: {"focus_lab_owner": kept}))
    assert owner_of(open_app("start")) != kept


def test_the_secret_is_given_to_the_browser_and_never_put_into_an_address(open_app):
    at = open_app("start")
    (given,) = components(at, "focus_lab_frame")
    assert given["secret"] == owner_of(at)
    assert len(owner_of(at)) == 32
    addresses = [link.query_string for link in links(at)]
    addresses += [str(given["query"]) for given in components(at, "focus_lab_copy_link")]
    assert addresses
    assert not any(owner_of(at) in address for address in addresses)
    assert owner_of(at) not in texts(at)


def test_a_tab_takes_the_secret_of_another_tab_until_it_has_a_run_of_its_own(open_app, toy):
    from focus_ui.session import state

    at = open_app("start")
    own_run(owner_of(at), toy.path)
    session = {"focus_owner": owner_of(at)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state.st, "session_state", session)
        state.adopt_owner("a" * 32)
        assert session["focus_owner"] == owner_of(at), "it has a run"
        session["focus_owner"] = "b" * 32
        for wrong in (None, 7, "", "a" * 31, "Z" * 32):
            state.adopt_owner(wrong)
            assert session["focus_owner"] == "b" * 32
        state.adopt_owner("a" * 32)
        assert session["focus_owner"] == "a" * 32


def test_the_gallery_shows_demo_own_and_shared_runs_and_nobody_elses(open_app, toy):
    at = open_app("start")
    own_run(owner_of(at), toy.path, title="my run")
    own_run("f" * 32, toy.path, title="their run")
    shutil.copytree(toy.path, catalog.runs_root() / "shared" / "ours")
    at.run()
    names = [card.split("**")[1] for card in cards(at)]
    assert names == ["my run", "toy", "ours"]
    assert "their run" not in texts(at)
    assert any("just now" in caption.value for caption in at.caption)
    assert len(components(at, "focus_lab_bar")) == 1 + 3, "the legend's, and one a card"
    assert "**20.7 %** of the new vocabulary is shared, **32.7 %** of the text" in texts(at)
    assert "**105** new tokens combined, **2** fell back" in texts(at)


def test_a_trained_run_shows_its_bits_per_character(open_app, trained_toy):
    del trained_toy
    (told,) = [m.value for m in open_app("start").markdown if "bits per character by training" in m.value]
    assert told.endswith("90 held-out lines"), "the lines of its curve, not of `evaluate`"


def test_a_card_opens_compares_and_copies_the_link_of_its_run(open_app, toy):
    at = open_app("start")
    job = own_run(owner_of(at), toy.path)
    at.run()
    assert f"?run={job.id}" in [given["query"] for given in components(at, "focus_lab_copy_link")]
    at.button(key=f"_compare_card_{job.id}").click().run()
    assert not at.exception
    assert at.title[0].value == "Compare"
    assert param(at, "run") == "toy"
    assert at.multiselect(key="_compare_with").value == [job.id]
    at.switch_page(PAGES["start"]).run()
    at.button(key=f"_open_card_{job.id}").click().run()
    assert param(at, "run") == job.id


def test_deleting_from_a_card_asks_first_and_leads_back_to_the_demo(open_app, toy):
    at = open_app("start")
    job = own_run(owner_of(at), toy.path)
    at.query_params["run"] = job.id
    at.run()
    assert param(at, "run") == job.id
    button = at.button(key=f"_delete_card_{job.id}")
    assert button.label == "Delete for good", "it stands behind a first button"
    assert any(element.proto.popover.label == "Delete" for element in at.get("popover"))
    button.click().run()
    assert not at.exception
    assert not job.run.exists()
    assert param(at, "run") == "toy"


def test_nobody_deletes_the_demo_or_a_run_opened_by_its_link(open_app, toy):
    job = own_run("f" * 32, toy.path)
    at = open_app("start", run=job.id)
    assert any("badge[by link]" in card for card in cards(at))
    assert not any("_delete_" in str(button.key) for button in at.button)


def test_a_browser_can_forget_its_runs(open_app, toy):
    at = open_app("start")
    assert not any(button.key == "_forget_runs" for button in at.button), "it has none"
    secret = owner_of(at)
    job = own_run(secret, toy.path, title="mine")
    at.run()
    at.button(key="_forget_runs").click().run()
    assert owner_of(at) != secret
    assert not any("mine" in card for card in cards(at))
    (given,) = components(at, "focus_lab_frame")
    assert (given["secret"], given["replace"]) == (owner_of(at), True)
    assert job.run.is_dir()


def test_many_runs_stand_on_pages_in_the_chosen_order(open_app, toy):
    at = open_app("start")
    for number in range(11):
        own_run(owner_of(at), toy.path, title=f"run {number}", created=time.time() - 100 + number)
    at.run()
    assert cards(at)[0].startswith("**run 10**"), "the newest first"
    assert len(cards(at)) == 9
    at.session_state["_gallery_page"] = 2
    at.run()
    assert len(cards(at)) == 3
    options = at.selectbox(key="_run_choice").options
    assert len(set(options)) == len(options) == 12


def test_runs_of_one_title_can_be_told_apart_and_chosen(open_app, toy):
    at = open_app("start")
    first, second = (own_run(owner_of(at), toy.path, title="same", created=time.time() - i) for i in range(2))
    at.run()
    assert at.selectbox(key="_run_choice").options[:2] == ["same · yours", "same (2) · yours"]
    at.selectbox(key="_run_choice").set_value(second.id).run()
    assert param(at, "run") == second.id
    at.selectbox(key="_run_choice").set_value(first.id).run()
    assert param(at, "run") == first.id


@pytest.mark.parametrize("page", PAGES)
def test_a_run_that_is_deleted_while_it_is_shown_is_said_to_be_gone(open_app, toy, page):
    """Two tabs look at one run; in the first it is deleted, the second does something."""
    first = open_app("start")
    job = own_run(owner_of(first), toy.path)
    second = open_app(page, run=job.id)
    first.query_params["run"] = job.id
    first.run()
    first.button(key=f"_delete_card_{job.id}").click().run()
    second.run()
    assert not second.exception
    if page in NEEDS_RUN:
        assert "This run is gone" in texts(second)
        second.button(key="_open_demo").click().run()
        assert param(second, "run") == "toy"
    assert not second.exception


@pytest.mark.parametrize("page", NEEDS_RUN)
def test_a_run_that_goes_away_while_a_page_is_drawn_is_no_crash(open_app, toy, page, monkeypatch):
    from focus_ui.shell import guards

    at = open_app("start")
    job = own_run(owner_of(at), toy.path)
    load = guards.load_run

    def load_and_lose(path):
        run = load(path)
        shutil.rmtree(job.run, ignore_errors=True)
        return run

    monkeypatch.setattr(guards, "load_run", load_and_lose)
    at.query_params["run"] = job.id
    at.switch_page(PAGES[page]).run()
    assert not at.exception
    at.run()
    assert not at.exception
    assert "This run did not finish" in texts(at) or "This run is gone" in texts(at)


@pytest.mark.parametrize("page", NEEDS_RUN)
def test_a_run_of_a_newer_version_is_refused_in_words(open_app, page, demo):
    change_manifest(demo, lambda manifest: manifest.update(schema_version=7))
    at = open_app(page, run="broken")
    (error,) = at.error
    assert "version 7" in error.value
    assert "What to do" in error.value
    at.button(key="_open_demo").click().run()
    assert param(at, "run") == "sound"
    assert not at.error


@pytest.mark.parametrize("page", NEEDS_RUN)
@pytest.mark.parametrize("entry", ["counts", "source", "warnings"])
def test_a_manifest_that_was_cut_is_refused_in_words(open_app, page, demo, entry):
    change_manifest(demo, lambda manifest: manifest.pop(entry))
    at = open_app(page, run="broken")
    (error,) = at.error
    assert entry in error.value
    assert at.button(key="_open_demo")


@pytest.mark.parametrize("page", NEEDS_RUN)
@pytest.mark.parametrize("file", ["tokens.parquet", "contributions.parquet", "source_tokens.parquet"])
def test_a_table_full_of_nonsense_is_said_and_no_trace(open_app, page, demo, file):
    (demo / file).write_bytes(b"PAR1 this is no table PAR1")
    at = open_app(page, run="broken")
    (error,) = at.error
    assert file in error.value.replace("\\", "").replace("\u2060", "")
    assert "What to do" in error.value
    assert str(demo) not in texts(at)
    at.button(key="_open_demo").click().run()
    assert param(at, "run") == "sound"


def test_the_owner_of_a_damaged_run_may_delete_it(open_app, toy):
    at = open_app("start")
    job = own_run(owner_of(at), toy.path)
    (job.run / "tokens.parquet").unlink()
    at.query_params["run"] = job.id
    at.switch_page(PAGES["token"]).run()
    assert len(at.error) == 1
    at.button(key=f"_delete_damaged_{job.id}").click().run()
    assert not at.exception
    assert not job.run.exists()
    assert param(at, "run") == "toy"


def test_a_damaged_run_is_listed_as_such_and_does_not_hide_the_others(open_app, demo):
    (demo / "manifest.json").write_text("[]", "utf-8")
    at = open_app("start", run="sound")
    assert not at.exception
    assert "damaged run · demo" in at.selectbox(key="_run_choice").options
    assert "This run cannot be read" in texts(at)
    assert any("**sound**" in card for card in cards(at))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", ["run", "token", "source", "chapter", "with", "step", "no_such_thing"])
def test_absurd_addresses_are_no_crash_and_do_nothing(open_app, page, name):
    at = open_app(page)
    for value in ABSURD:
        at.query_params.clear()
        at.query_params[name] = value
        at.run()
        assert not at.exception, value
        assert "![absurd](" not in texts(at)
        assert "<script>absurd" not in texts(at)


def test_a_token_that_does_not_exist_is_named_and_led_out_of(open_app):
    at = open_app("token", token=999_999)
    assert "No such token" in texts(at)
    assert "#999,999" in texts(at)
    at.button(key="_a_token").click().run()
    assert not at.exception
    assert "No such token" not in texts(at)
    at = open_app("token", source=999_999)
    assert "No such source token" in texts(at)
    assert "#999,999" in texts(at)


def test_the_search_finds_source_tokens_that_no_new_vocabulary_has(open_app, toy):
    at = open_app("overlap")
    alone = [i for i, t in enumerate(toy.column("source_tokens", "target_id")) if t < 0]
    text = next(t for t in (str(toy.column("source_tokens", "text")[i]) for i in alone) if len(t) > 4 and t.isalpha())
    at.text_input(key="_search").set_value(text).run()
    assert not at.exception
    assert any("source=" in link.query_string and text in link.label for link in links(at))


def test_the_search_on_a_run_that_went_away_says_so(open_app, tmp_path, monkeypatch):
    write_toy_run(tmp_path / "gone")
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path))
    (tmp_path / "gone" / "tokens.parquet").write_bytes(b"")
    at = open_app("data")
    at.text_input(key="_search").set_value("mkul").run()
    assert not at.exception
    assert "This run cannot be searched" in texts(at)


def test_every_page_has_a_link_of_its_view_and_a_name_for_its_tab(open_app):
    from focus_ui.session.navigation import PAGES as ENTRIES
    from focus_ui.session.navigation import tab_title

    for page in PAGES:
        at = open_app(page)
        assert None in [given["query"] for given in components(at, "focus_lab_copy_link")], page
    titles = {tab_title("" if entry.url == "start" else entry.url) for entry in ENTRIES}
    assert len(titles) == len(ENTRIES)
    assert all(title.endswith(" · FOCUS Lab") for title in titles)
    assert "Start · FOCUS Lab" in titles


def test_a_long_list_of_runs_leaves_the_current_one_in_its_cache(open_app, toy):
    """Reading twenty runs for their names must not push out the one that is looked at."""
    from focus_ui.data import cache
    from focus_ui.shell.sidebar import run_names

    opened = cache.load_run(toy.path)
    entries = []
    for number in range(20):
        folder = catalog.runs_root() / "shared" / f"r{number}"
        shutil.copytree(toy.path, folder)
        entries.append(RunEntry(id=f"shared/r{number}", kind=RunKind.SHARED, path=folder, title=f"r{number}"))
    assert len(run_names(entries)) == 20
    assert cache.load_run(toy.path) is opened
    assert ROOT.is_dir()
