"""Every page through app.py: with the demo, without any run, with a wrong or broken run, and with a wrong token."""

import shutil

import pytest

from tests.pages.conftest import PAGES, links, param, texts
from tests.pages.frame import picture
from tests.toy_run import write_toy_run

WITH_RUN = tuple(page for page in PAGES if page not in ("data", "methods"))
"""Pages that show the current run; the others make one, or compare methods before there is any."""
DOORS = ("Show me how FOCUS works", "Explore this run", "Use my own text")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_on_the_demo(open_app, page):
    at = open_app(page)
    assert at.title or page == "token"
    assert not at.error
    assert param(at, "run") == "toy"


@pytest.mark.parametrize("page", WITH_RUN)
def test_without_any_run_a_page_offers_to_make_one(open_app, page, tmp_path, monkeypatch):
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path))
    at = open_app(page)
    assert "No run yet" in texts(at)
    assert any(link.page.endswith("data") for link in links(at)), links(at)


@pytest.mark.parametrize("page", WITH_RUN)
@pytest.mark.parametrize("name", ["nothing", "../toy", "0" * 32, "shared/x", "<b>x</b>"])
def test_an_unknown_run_is_said_and_leads_back_to_the_demo(open_app, page, name):
    at = open_app(page, run=name)
    assert "No such run" in texts(at)
    at.button(key="_open_demo").click().run()
    assert not at.exception
    assert "No such run" not in texts(at)
    assert param(at, "run") == "toy"


@pytest.mark.parametrize("page", WITH_RUN)
def test_a_damaged_run_is_an_error_with_a_remedy_and_no_trace(open_app, page, tmp_path, monkeypatch):
    write_toy_run(tmp_path / "broken")
    (tmp_path / "broken" / "tokens.parquet").unlink()
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path))
    at = open_app(page)
    assert len(at.error) == 1
    assert "What to do" in at.error[0].value
    assert str(tmp_path) not in texts(at)


def test_a_run_that_is_replaced_is_read_again(open_app, tmp_path, monkeypatch):
    """The cache is keyed by the manifest's digest: another manifest at the same path is another run."""
    write_toy_run(tmp_path / "toy")
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path))
    at = open_app("start")
    manifest = tmp_path / "toy" / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8").replace('"n_target": 135', '"n_target": 270'), "utf-8")
    at.run()
    assert "10.4 %" in [m.value for m in at.metric]


def test_a_shared_run_is_listed_and_opens(open_app, tmp_path, monkeypatch, toy):
    monkeypatch.setenv("FOCUS_LAB_RUNS", str(tmp_path))
    shutil.copytree(toy.path, tmp_path / "shared" / "ours")
    at = open_app("overlap")
    assert at.selectbox(key="_run_choice").options == ["toy · demo", "ours · shared"]
    at.selectbox(key="_run_choice").select_index(1).run()
    assert param(at, "run") == "shared/ours"
    assert not at.exception


def test_whoever_holds_a_link_may_open_a_run_that_no_list_shows(open_app, tmp_path, monkeypatch, toy):
    monkeypatch.setenv("FOCUS_LAB_RUNS", str(tmp_path))
    name = "0123456789abcdef" * 2
    shutil.copytree(toy.path, tmp_path / name)
    assert name not in open_app("start").selectbox(key="_run_choice").options
    at = open_app("overlap", run=name)
    assert "by link" in at.selectbox(key="_run_choice").options[0]
    assert "No such run" not in texts(at)


def test_start_shows_the_numbers_of_the_run(open_app):
    """28 of 135 target tokens are shared: 20.7 %; 27 exact, 0 fuzzy; 107 new, of which 105 combined."""
    at = open_app("start")
    assert {m.label: m.value for m in at.metric} == {
        "Overlap": "20.7 %",
        "Exact / fuzzy": "27 / 0",
        "New": "107",
        "Combined": "105",
        "Fallback": "2",
        "Text covered": "32.7 %",
    }


def test_start_draws_the_picture_and_three_doors(open_app):
    at = open_app("start")
    assert len(picture(at)["tokens"]) >= 3
    assert [heading.value for heading in at.subheader if heading.value in DOORS] == list(DOORS)
    assert {"Learn", "Overlap", "Data and run"} <= {link.label for link in links(at)}


def test_links_stay_in_the_run(open_app):
    for link in links(open_app("start")):
        assert "run=toy" in link.query_string


def test_the_search_finds_as_one_types_on_every_page(open_app, toy):
    for page in PAGES:
        at = open_app(page)
        at.text_input(key="_search").set_value("mkul").run()
        assert not at.exception
        hits = [link for link in links(at) if "mkulima" in link.label]
        assert hits, page
        assert "token=" in hits[0].query_string
        assert hits[0].label.startswith(":orange[")


def test_the_search_says_when_nothing_fits(open_app):
    at = open_app("start")
    at.text_input(key="_search").set_value("qqqqqqq").run()
    assert "No target token fits." in texts(at)


def test_the_legend_names_every_origin_of_the_run(open_app):
    words = texts(open_app("start"))
    for label in ("copied: exact 27", "copied: special 1", "combined 105", "fallback 2"):
        assert label in words
    assert "copied: fuzzy" not in words


def test_checks_are_listed_and_lead_to_tokens(open_app):
    at = open_app("export")
    labels = [e.label for e in at.expander]
    assert sum("FOC0" in label for label in labels) >= 10
    assert {"_report", "_manifest", "_csv_tokens"} <= {button.key for button in at.get("download_button")}


def test_a_hub_named_by_a_check_is_linked_as_the_source_token_that_it_is(open_app, toy, monkeypatch):
    """The ids of FOC003 are those of the source's vocabulary."""
    from focus_core.analysis.checks.base import CheckResult, Status
    from focus_ui.data import cache

    hub = CheckResult(
        code="FOC003", title="Hub tokens", status=Status.WARNING, summary="one", tokens=[5], side="source"
    )
    monkeypatch.setattr(cache, "checks", lambda run: [hub])
    at = open_app("export")
    assert not at.exception
    named = toy.source_rows([5])[0]["text"]
    found = [link for link in links(at) if "source=5" in str(link.query_string)]
    assert len(found) == 1
    assert named.strip("▁") in found[0].label
