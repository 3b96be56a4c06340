"""What the library advises is said in the words of the forms: nobody who sits in a browser is told a bare option."""

import ast
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.registry import run_checks
from focus_core.errors import FocusError, bad_input, flag, option, phrase, read_phrase, sentence
from focus_core.runs.folder import open_run
from focus_ui.data import cache
from focus_ui.session.errors import LABELS, WITHOUT_FIELD, in_words
from pages.export.view import check_rows
from tests.pages.conftest import PAGES, texts
from tests.toy_run import write_toy_run

CORE = Path(__file__).resolve().parents[2] / "focus_core"
ADVICE = (
    "analysis/checks", "analysis/comparison", "analysis/overlap_lists.py", "analysis/provenance/verdicts.py",
    "initialization/methods", "initialization/health.py",
)  # fmt: skip
"""Where what is drawn as advice is written."""
ONCE = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
"""What the app once looked for in the library's own prose; what it drew then is drawn now."""
OPTION = re.compile(r"(?<![\w`-])--[a-z][a-z-]*(?! \(an option of the command line\))(?![a-z-])")
"""An option in plain words; one in the type of commands is about a command."""
WARNING = "The space has collapsed; leave --epochs at auto, give a lower --min-count, or lower --temperature."


@pytest.fixture
def advised(tmp_path, monkeypatch, empty_caches):
    """Show a toy that warns of its vectors, and whose lists and checks have much to advise."""
    del empty_caches
    run = write_toy_run(tmp_path / "toy")
    manifest = json.loads((run.path / "manifest.json").read_text())
    manifest["warnings"] = [WARNING]
    manifest["health"]["remedy"] = "train longer (--epochs 80) or give more text"
    (run.path / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path))
    return open_run(run.path)


def spoken(at):
    """Return what a page says, without the commands that are meant to be copied."""
    commands = {line for block in at.code for line in str(block.value).split("\n")}
    return "\n".join(line for line in texts(at).replace("\\", "").split("\n") if line not in commands)


def advice_of(path):
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


@pytest.mark.parametrize("page", PAGES)
def test_no_page_names_a_bare_option(open_app, advised, page):
    found = OPTION.findall(spoken(open_app(page)))
    assert found == []


@pytest.mark.parametrize("token", range(0, 135, 9))
def test_no_verdict_on_a_token_names_a_bare_option(open_app, advised, token):
    assert OPTION.findall(spoken(open_app("token", token=token))) == []


def test_warnings_are_in_the_words_of_the_form(open_app, advised):
    del advised
    said = spoken(open_app("start"))
    assert "leave “Epochs” at auto, give a lower “Least occurrences”, or lower “Temperature”" in said


def test_lists_are_in_the_words_of_the_form(open_app, monkeypatch):
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(CORE.parent / "assets" / "demo" / "runs"))
    said = spoken(open_app("overlap"))
    assert "give more text, or lower “Least occurrences” where it is above 1" in said
    assert OPTION.findall(said) == []


@pytest.mark.parametrize("page", ["compare", "export"])
def test_checks_are_in_the_words_of_the_form(open_app, advised, monkeypatch, page):
    found = [replace(r, tip=phrase("try {match} fuzzy"), status=Status.WARNING) for r in run_checks(advised)]
    monkeypatch.setattr(cache, "checks", lambda run: found)
    said = spoken(open_app(page))
    assert said.count("try “Match” fuzzy") == len(found)
    assert OPTION.findall(said) == []
    assert set(check_rows(found)["what to do"]) == {"try “Match” fuzzy"}


@pytest.mark.parametrize("place", ADVICE)
def test_every_option_that_is_advised_has_a_field_or_is_said_to_have_none(place):
    paths = advice_of(CORE / place)
    named = {name for path in paths for template in templates(path) for name in phrase(template, *"abc").options}
    if place == "initialization/health.py":  # a run folder keeps its texts, as the command line prints them
        named = {name for path in paths for name in read_phrase(path.read_text()).options}
    assert named
    assert named <= LABELS.keys() | WITHOUT_FIELD


def test_fields_are_called_as_the_form_calls_them(open_app):
    """Those of uploads, of a trimmed tokenizer and of other encodings are drawn only where they are asked for."""
    at = open_app("data")
    drawn = {e.label for kind in ("selectbox", "number_input", "toggle", "button_group") for e in at.get(kind)}
    drawn |= {e.value for e in at.header} | {e.value for e in at.subheader}
    elsewhere = {
        "Encoding",
        "Field or column that holds the text",
        "tokenizer.json",
        "Embeddings",
        "Tensor",
        "Learning rate",
        "Pairs of lines",
        "Dictionary",
        "Vectors of the source language",
        "Least occurrences to stay",
    }
    assert set(LABELS.values()) - drawn == elsewhere


def test_an_option_at_the_beginning_needs_no_quotes():
    assert in_words(phrase("{match}: expected exact, got 3")) == "Match: expected exact, got 3"
    assert in_words(phrase("use {map}")) == "use --map (an option of the command line)"
    assert in_words(read_phrase("a--match, --matching")) == "a--match, --matching"


def templates(path):
    """Return what the library says in a module by `phrase`."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    said = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "phrase"]
    return [node.value for node in said if isinstance(node, ast.Constant)]


def in_words_once(text):
    """Return what the app once drew for a text of the command line."""

    def words(found):
        name = found[0][2:].replace("-", "_")
        if name in WITHOUT_FIELD:
            return f"{found[0]} (an option of the command line)"
        label = LABELS.get(name)
        return found[0] if label is None else f"“{label}”" if found.start() else label

    return ONCE.sub(words, text)


@pytest.mark.parametrize("template", sorted({said for path in CORE.rglob("*.py") for said in templates(path)}))
def test_what_the_library_says_is_drawn_as_ever(template):
    text = phrase(template, *"abcd")
    assert in_words(text) == in_words_once(str(text))
    assert in_words(sentence(text)) == in_words_once(str(sentence(text)))


TOO_LARGE = bad_input(
    option("vocab_size"),
    expected="at most 151, the largest that this corpus supports",
    got="810",
    remedy=phrase("give more text, or {vocab_size} {} or less", 151),
    largest=151,
)


@pytest.mark.parametrize(
    ("text", "printed", "drawn"),
    [
        (
            TOO_LARGE.text,
            "--vocab-size: expected at most 151, the largest that this corpus supports, got 810; "
            "give more text, or --vocab-size 151 or less",
            "Size in tokens: expected at most 151, the largest that this corpus supports, got 810; "
            "give more text, or “Size in tokens” 151 or less",
        ),
        (phrase("lower {min_count}"), "lower --min-count", "lower “Least occurrences”"),
        (phrase("give {map}"), "give --map", "give --map (an option of the command line)"),
        (phrase("{steps} or {tokens}"), "--steps or --tokens", "--steps or --tokens"),
        (
            phrase("{}; {}", phrase("try {match} fuzzy"), phrase("set {dim} below {}", 3)),
            "try --match fuzzy; set --dim below 3",
            "try “Match” fuzzy; set “Dimensions” below 3",
        ),
        (sentence(phrase("{method} focus needs none")), "--method focus needs none.", "Method focus needs none."),
        (FocusError("a --match.txt is no text").text, "a --match.txt is no text", "a --match.txt is no text"),
        ("only text: --match", "only text: --match", "only text: --match"),
    ],
)
def test_both_spellings_of_a_text(text, printed, drawn):
    assert str(text) == printed
    assert in_words(text) == drawn


def test_a_place_may_call_an_option_otherwise():
    text = phrase("measure with {all_lines}, or lower {seed}")
    assert in_words(text, all_lines="the box of the form") == "measure with the box of the form, or lower “Seed”"


def test_a_text_of_a_run_folder_knows_its_options_again():
    assert read_phrase(WARNING).options == ("epochs", "min_count", "temperature")
    assert str(read_phrase(WARNING)) == WARNING
    assert flag("min_count") == "--min-count"
