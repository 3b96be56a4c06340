"""The report of a run: every part is there, no token becomes markup, nothing is loaded, equal runs give equal bytes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from focus_core.analysis.checks.registry import run_checks
from focus_core.analysis.report import svg as drawing
from focus_core.analysis.report.markup import render, tag, text
from focus_core.analysis.report.page import html_report, write_report
from focus_core.analysis.report.style import POLICY, STYLE
from focus_core.cli import main as cli
from focus_core.errors import InvalidInputError
from focus_core.evaluation.stored import read_evaluation
from focus_core.runs.again import init_command
from focus_core.runs.folder import RunFolder, open_run
from focus_core.runs.legend import CATEGORIES, METHOD_LOOKS, category_of
from focus_core.tokenization.display import show_token
from tests.hostile_tokens import HOSTILE_TOKENS
from tests.tiny_runs import add_projection, train_toy
from tests.toy_run import altered, write_toy_run

ELEMENTS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "code", "nav", "a", "main", "ul", "li",
    "b", "span", "section", "div", "table", "thead", "tbody", "tr", "th", "td", "pre", "figure", "figcaption", "svg",
    "rect", "path", "text",
}  # fmt: skip
EVALUATION: dict[str, Any] = {
    "kind": "evaluation",
    "corpus": {"files": ["<b>text</b>.txt"], "digest": "0" * 64, "n_lines": 90, "n_measured_lines": 9, "percent": 2},
    "targets": [
        {"target": "toy", "run": "toy", "training": None, "method": "focus", "notes": [],
         "loss": {"bits_per_character": {"value": 2.5, "low": 2.25, "high": 2.75}}},
        {"target": "toy:<i>x</i>", "run": "toy", "training": "<i>x</i>", "method": "focus", "notes": ["no body <br>"],
         "loss": None},
    ],
    "sources": [{"target": "tiny", "notes": [], "loss": {"bits_per_character": {"value": 3, "low": 2.9, "high": 3.1}}}],
    "differences": [
        {"target": "toy:<i>x</i>", "minus": "toy", "bits_per_character": {"value": -0.5, "low": -0.75, "high": -0.25}}
    ],
}  # fmt: skip


class Page(HTMLParser):
    """The elements of a page, their attributes, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("report") / "toy"
    train_toy(write_toy_run(folder))
    return open_run(folder)


@pytest.fixture(scope="module")
def page(run: RunFolder) -> str:
    return html_report(run, evaluations=[EVALUATION])


def test_every_part_is_there(page: str, run: RunFolder) -> None:
    read = Page(page)
    parts = [attributes["id"] for name, attributes in read.elements if name == "section"]
    assert parts == [
        "recipe", "origins", "checks", "hubs", "lists", "distributions", "trainings", "evaluations", "map", "tokens",
    ]  # fmt: skip
    words = " ".join(read.words)
    for result in run_checks(run):
        assert result.code in words
        assert result.summary[:30] in words
    for entry in run.manifest["inputs"]:
        assert entry["sha256"] in words
    assert "2.500 [2.250, 2.750]" in words
    assert "-0.500" in words
    assert "focus-seed-1" in words
    assert init_command(run.manifest) in words
    links = [a["href"] for name, a in read.elements if name == "a"]
    assert links == [f"#{part}" for part in parts]


def test_only_our_own_elements_stand_in_it(page: str) -> None:
    """A token that became markup would be an element or an attribute of its own; every element is closed, too."""
    read = Page(page)
    assert read.open == []
    assert {name for name, _ in read.elements} <= ELEMENTS
    attributes = {key for _, found in read.elements for key in found}
    assert not {key for key in attributes if key.startswith("on") or key in {"style", "src", "xlink:href"}}
    assert all(str(a.get("href", "#")).startswith("#") for _, a in read.elements)


def test_nothing_is_loaded_and_no_script_may_run(page: str) -> None:
    read = Page(page)
    policies = [a["content"] for _, a in read.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [POLICY]
    assert POLICY.startswith("default-src 'none'")
    assert "script" not in POLICY
    assert "unsafe" not in POLICY
    assert not re.search(r"(?:src|href|action|url\()\s*=?\s*[\"']?(?:https?:|//|data:)", page)


def test_names_that_a_user_chose_are_text(run: RunFolder) -> None:
    evil = "<script>alert(1)</script>"
    other = altered(run, manifest={"source": {"name": evil}, "target": {"name": evil}, "warnings": [evil, "a\u202eb"]})
    read = Page(html_report(other))
    assert "script" not in {name for name, _ in read.elements}
    assert f"{evil} → {evil}" in read.words
    assert "\u202e" not in "".join(read.words)


@pytest.mark.parametrize("token", HOSTILE_TOKENS)
def test_any_text_is_escaped(token: str) -> None:
    read = Page(tag("p", show_token(token), token, title=token) + tag("p", text(token)))
    assert [name for name, _ in read.elements] == ["p", "p"]
    assert set(read.elements[0][1]) == {"title"}
    assert page_is_clean(read)


def page_is_clean(read: Page) -> bool:
    return not any(c < " " and c not in "\t\n\r" for word in read.words for c in word)


def test_markup_is_not_escaped_twice() -> None:
    assert tag("p", tag("b", "a & b")) == "<p><b>a &amp; b</b></p>"
    entry = {"title": "<", "meaning": "&lt;", "remedy": "b", "head": ("token", "n"), "rows": [("<", tag("b", "a & b"))]}
    shown = render("lists.html", part=[entry])
    assert "<h3>&lt;</h3>" in shown
    assert "&amp;lt;" in shown
    assert '<td>&lt;</td><td class="n"><b>a &amp; b</b></td>' in shown
    assert isinstance(tag("b"), Markup)


@pytest.mark.parametrize("token", HOSTILE_TOKENS)
def test_any_text_in_a_template_is_escaped(token: str) -> None:
    entry = {"title": token, "meaning": token, "remedy": token, "head": (token,), "rows": [(token,)]}
    read = Page(render("lists.html", part=[entry]))
    names = [name for name, _ in read.elements]
    assert names == ["section", "h2", "h3", "p", "p", "div", "table", "thead", "tr", "th", "tbody", "tr", "td"]
    assert {key for _, found in read.elements for key in found} == {"id", "class", "tabindex"}
    assert page_is_clean(read)


def test_a_name_that_a_template_was_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="head"):
        render("lists.html", part=[{"title": "a", "meaning": "a", "remedy": "a", "rows": []}])


def test_equal_runs_give_equal_bytes_wherever_they_lie(run: RunFolder, page: str, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "elsewhere")
    assert html_report(open_run(tmp_path / "elsewhere"), evaluations=[EVALUATION]) == page
    assert str(run.path) not in page


def test_a_bare_run_has_no_map_and_says_that_it_was_not_trained(tmp_path: Path) -> None:
    read = Page(html_report(write_toy_run(tmp_path / "toy")))
    parts = {attributes["id"] for name, attributes in read.elements if name == "section"}
    assert not parts & {"map", "evaluations"}
    assert "This run has not been trained." in read.words


@pytest.mark.parametrize("file", ["manifest.json", "points.parquet"])
def test_a_damaged_map_is_left_out_for_a_sound_one(run: RunFolder, tmp_path: Path, file: str) -> None:
    shutil.copytree(run.path, tmp_path / "toy")
    other = open_run(tmp_path / "toy")
    (other.path / "projection" / "umap-focus-seed-1" / file).write_bytes(b"{")
    assert 'id="map"' not in html_report(other)
    ids = np.flatnonzero(other.present())
    add_projection(other, "pca-sound", {"initialised": other.embeddings()[:, :2]}, ids)
    assert f"seed 42; {len(ids):,} of" in html_report(other)


@pytest.mark.parametrize("file", ["manifest.json", "curve.parquet"])
def test_a_damaged_training_is_left_out(run: RunFolder, tmp_path: Path, file: str) -> None:
    shutil.copytree(run.path, tmp_path / "toy")
    (tmp_path / "toy" / "training" / "focus-seed-1" / file).write_bytes(b"{")
    page = html_report(open_run(tmp_path / "toy"))
    assert "focus-seed-2" in page
    assert "<td>focus-seed-1</td>" not in page


def test_curves_of_several_seeds_are_told_by_their_mean(page: str) -> None:
    """Two seeds of FOCUS end at 4.5 / 2 and 4.7 / 2 bits, and their mean is what stands out."""
    (figure,) = [a for n, a in Page(page).elements if n == "svg" and "held-out" in str(a.get("aria-label"))]
    assert "FOCUS from 3.05 to 2.30; random from 5.00 to 3.50" in str(figure["aria-label"])


def test_states_of_one_name_are_told_apart(run: RunFolder) -> None:
    """Two runs of one method, compared, and two trainings whose long names differ at their end alone."""
    first, long = EVALUATION["targets"][0], "a-training-of-a-rather-long-name"
    targets = [first, first | {"target": "other"}, *(first | {"target": t, "training": long + t} for t in "xy")]
    minus = [EVALUATION["differences"][0] | {"target": "other"}]
    report = {**EVALUATION, "targets": targets, "sources": [], "differences": minus}
    words = Page(html_report(run, evaluations=[report])).words
    bars = [words[place - 1] for place, word in enumerate(words) if word == "2.500 [2.250, 2.750]"]
    assert bars[:2] == ["initialised (focus)", "initialised (focus) (2)"]
    assert len(set(bars)) == 4
    assert "against initialised (focus)" in words
    assert words.count("initialised (focus) (2)") == 2, "beside its bar and beside its difference"


def test_words_behind_a_bar_have_room() -> None:
    long = drawing.Bar(name="a", value=12.5, words="12.512 [12.412, 12.634]", look="k-other", low=12.4, high=12.7)
    places = [float(a["x"]) for n, a in Page(drawing.bars([long], "")).elements if n == "text" and "class" not in a]
    assert places
    assert places[0] + 6.5 * len(long.words) < drawing.WIDTH


def test_the_file_is_new_and_the_evaluation_one(run: RunFolder, tmp_path: Path) -> None:
    report = tmp_path / "evaluation.json"
    report.write_text(json.dumps(EVALUATION))
    file = write_report(run, tmp_path / "run.html", evaluations=[report])
    assert file.read_text("utf-8") == html_report(run, evaluations=[read_evaluation(tmp_path)])
    with pytest.raises(InvalidInputError, match="a new file"):
        write_report(run, file)
    for content in ("[]", "{", '{"kind": "evaluation"}'):
        report.write_text(content)
        with pytest.raises(InvalidInputError, match="expected an evaluation, got none"):
            write_report(run, tmp_path / "other.html", evaluations=[report])
    assert not (tmp_path / "other.html").exists()


def test_the_command_names_what_differs_from_the_preset() -> None:
    manifest = {
        "inputs": [
            {"role": "source_tokenizer", "name": "x"},
            {"role": "source_model", "name": "my model"},
            {"role": "corpus", "name": "a.txt"},
            {"role": "corpus", "name": "b.txt"},
        ],
        "target": {"name": "tok; rm -rf"},
        "config": {"preset": "paper", "method": "focus", "epochs": 3, "dim": 300, "seed": 7, "extend": True},
    }
    assert init_command(manifest) == (
        "python -m focus_core init --source 'my model' --target-tokenizer 'tok; rm -rf' --corpus a.txt --corpus b.txt "
        "--preset paper --seed 7 --extend --output RUN"
    )


def test_the_command_says_what_given_vectors_are_keyed_by() -> None:
    manifest = {
        "inputs": [{"role": "auxiliary", "name": "cc.sw.vec"}],
        "target": {"name": "t"},
        "config": {"device": "cuda", "memory_mib": 64},
        "auxiliary": {"kind": "word"},
    }
    assert init_command(manifest) == (
        "python -m focus_core init --source-tokenizer SOURCE_TOKENIZER --source-embeddings SOURCE.safetensors "
        "--target-tokenizer t --auxiliary cc.sw.vec --auxiliary-kind word --memory 64 --output RUN"
    ), "the device is left to the machine"
    assert "--auxiliary-kind" not in init_command(manifest | {"auxiliary": {"kind": "token"}})


@pytest.mark.parametrize("name", ["a\u202eb'\\c\n.txt", "x\ty\x1b[31m", "\U000e0001é", "$(id) `id`"])
def test_the_command_shows_every_character_and_bash_reads_it_back(name: str) -> None:
    command = init_command({"inputs": [{"role": "source_model", "name": name}], "target": {"name": "t"}, "config": {}})
    assert command.isprintable()
    words = command.partition("--source ")[2].partition(" --target-tokenizer")[0]
    said = subprocess.run(
        ["bash", "-c", f"printf %s {words}"], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}
    )
    assert said.stdout.decode() == name


def test_an_option_for_which_the_papers_own_value_was_chosen_does_not_differ(run: RunFolder) -> None:
    """Epochs and min_count were left open; 5 and 10 were chosen for them, and 10 is the paper's."""
    pairs = {"epochs": [3, None], "min_count": [10, None]}
    settings = {"settings": {"epochs": 5, "min_count": 10}}
    shown = html_report(altered(run, manifest={"differences_from_paper": pairs, "auxiliary": settings}))
    differing = shown.partition("Where they differ from the paper")[2].partition("Make it again")[0]
    assert "epochs" in differing
    assert "min_count" not in differing


def test_the_colours_and_words_are_those_of_the_legend(page: str, run: RunFolder) -> None:
    """Every colour has a class, and what occurs in the run is called as the app calls it."""
    looks = {f"k-{key}": category.color for key, category in CATEGORIES.items()}
    looks |= {f"m-{key}": method.color for key, method in METHOD_LOOKS.items()}
    for look, color in looks.items():
        assert f".{look} {{ fill: {color}; }}" in STYLE
        assert f".s-{look} {{ stroke: {color}; }}" in STYLE
    words = Page(page).words
    present = {category_of(row["origin"], row["rule"]) for row in run.tokens().to_pylist() if row["kind"] is not None}
    for category in present:
        assert any(word.startswith(f"{category.label} ") for word in words), category.label
    assert {"FOCUS", "random"} <= set(words)
    assert len({method.strokes for method in METHOD_LOOKS.values()}) == len(METHOD_LOOKS)


def test_the_command_line_writes_it_with_an_evaluation(
    run: RunFolder, page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "evaluation.json").write_text(json.dumps(EVALUATION))
    file = tmp_path / "run.html"
    words = ["report", str(run.path), str(file), "--evaluation", str(tmp_path / "evaluation.json")]
    assert cli.run(words) == 0
    assert capsys.readouterr().out == f"{file}\n"
    assert file.read_text("utf-8") == page
    assert cli.run(words) == 2
    assert "expected a new file" in capsys.readouterr().err.strip().splitlines()[-1]
