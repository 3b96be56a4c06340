"""A whole comparison of tiny models: real pieces, equal bytes in another folder, killed without warning and resumed."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from focus_core.artifacts import read_array
from focus_core.cli import main
from focus_core.evaluation.masked import score_masked
from focus_core.experiments.children import Ended
from focus_core.experiments.compare import compare_methods
from focus_core.experiments.folder import open_comparison
from focus_core.experiments.layout import Layout
from focus_core.experiments.lines import HELD_OUT, read_lines
from focus_core.experiments.piece import run_piece, run_source
from focus_core.experiments.request import ComparisonRequest
from focus_core.export.run_model import load_run_model
from tests.tiny_models import TARGET_LINES, target_tokenizer, tiny_model

ROOT = Path(__file__).resolve().parent.parent.parent


class InThisProcess:
    """A piece that runs where it is started: no interpreter has to be started for it."""

    def __init__(self, layout: Layout, piece: str, threads: int) -> None:
        before = torch.get_num_threads()
        method, _, seed = piece.rpartition("-")
        if piece == "source":
            run_source(layout.root)
        else:
            run_piece(layout.root, method, int(seed))
        torch.set_num_threads(before)

    def poll(self) -> Ended:
        return Ended(status=0, peak_bytes=1)

    def terminate(self) -> None:
        """It has ended."""

    kill = terminate


def small_request(folder: Path) -> ComparisonRequest:
    words, chance = sorted({word for line in TARGET_LINES for word in line.split()}), random.Random(1)
    text, pairs = folder / "text.txt", folder / "pairs.tsv"
    lines = [" ".join(chance.choices(words, k=chance.randint(5, 12))) for _ in range(700)]
    text.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    pairs.write_text("market\tMarkt\nbread\tBrot\nfarmer\tBauer\nmarket\tmarket\nchildren\tKinder\n", encoding="utf-8")
    return ComparisonRequest(
        source=str(tiny_model("roberta", folder / "model")),
        target_tokenizer=str(target_tokenizer("roberta", folder / "target")),
        corpus=(text,),
        methods=("focus", "mean"),
        dictionary=pairs,
        seeds=2,
        probe_tokens=4000,
    )


@pytest.fixture(scope="module")
def request_of(tmp_path_factory: pytest.TempPathFactory) -> ComparisonRequest:
    return small_request(tmp_path_factory.mktemp("compare"))


@pytest.fixture(scope="module")
def made(request_of: ComparisonRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compare_methods(request_of, tmp_path_factory.mktemp("made") / "out", start=InThisProcess)


def test_it_is_the_same_in_another_folder(request_of: ComparisonRequest, made: Path, tmp_path: Path) -> None:
    again = compare_methods(dataclasses.replace(request_of), tmp_path / "elsewhere", start=InThisProcess)
    for name in ("table.json", "table.md", "manifest.json", "measured/focus-2.safetensors", "text/probe.txt"):
        assert (made / name).read_bytes() == (again / name).read_bytes(), name


def test_a_run_is_measured_as_evaluate_measures_it(request_of: ComparisonRequest, made: Path) -> None:
    """What is stored is what the library says of the run folder, at the start and after the probe."""
    comparison = open_comparison(made)
    run = comparison.run("focus", 2)
    lines = read_lines(comparison.layout.text / HELD_OUT)
    stored = comparison.layout.arrays("focus-2")
    for name, trained in (("start_bits", None), ("probe_bits", "probe")):
        scores = score_masked(load_run_model(run, trained=trained), lines, seed=2)
        np.testing.assert_allclose(scores.bits, read_array(stored, name), rtol=1e-5)
        np.testing.assert_array_equal(scores.characters, read_array(stored, "characters"))


def test_the_first_seed_chooses_the_rate_for_the_others(made: Path) -> None:
    comparison = open_comparison(made)
    for method in comparison.methods:
        first, second = ((comparison.path / "measured" / f"{method}-{seed}.json").read_text() for seed in (1, 2))
        rates = json.loads(first)["rates"]
        best = min(rates, key=lambda one: one["held_out_loss"])
        assert json.loads(first)["learning_rate"] == best["learning_rate"]
        assert json.loads(second)["rates"][0]["learning_rate"] == best["learning_rate"]
        assert len(json.loads(second)["rates"]) == 1
        assert comparison.run(method, 1).manifest["config"]["seed"] == 1
        assert not (comparison.path / "probes").exists()


def test_seeds_mask_other_words_and_methods_the_same(made: Path) -> None:
    characters = {
        name: read_array(made / "measured" / f"{name}.safetensors", "characters")
        for name in ("focus-1", "focus-2", "mean-1", "mean-2")
    }
    np.testing.assert_array_equal(characters["focus-1"], characters["mean-1"])
    np.testing.assert_array_equal(characters["focus-2"], characters["mean-2"])
    assert (characters["focus-1"] != characters["focus-2"]).any()


def test_retrieval_counts_copied_tokens_apart(made: Path) -> None:
    entry = next(entry for entry in open_comparison(made).table["methods"] if entry["method"] == "focus")
    start = entry["retrieval"]["start"]
    assert start["new"]["n_pairs"] == 4  # Markt, Brot, Bauer, Kinder: none of them is the source's
    assert start["shared"]["n_pairs"] == 0  # market is its own translation and no pair of two words


def command(request: ComparisonRequest, output: Path) -> list[str]:
    named = ["--source", request.source, "--target-tokenizer", request.target_tokenizer]
    named += ["--corpus", str(request.corpus[0]), "--dictionary", str(request.dictionary)]
    numbers = ["--methods", "focus,mean", "--seeds", "2", "--probe-tokens", "4000", "--jobs", "2"]
    return [sys.executable, "-m", "focus_core", "compare", *named, *numbers, "--output", str(output)]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_killed_without_warning_it_goes_on_and_ends_with_the_same_bytes(
    request_of: ComparisonRequest, made: Path, tmp_path: Path
) -> None:
    output, part = tmp_path / "out", tmp_path / "out.part"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done: dict[Path, int] = {}
    for target in (1, 2, 4):
        with (tmp_path / "log.txt").open("ab") as log:
            process = subprocess.Popen(command(request_of, output), env=environment, stdout=log, stderr=log, cwd=ROOT)
        deadline = time.monotonic() + 200
        while len(list((part / "measured").glob("*.safetensors"))) < target:
            assert process.poll() is None, (tmp_path / "log.txt").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        assert not output.exists()
        assert {path: path.stat().st_mtime_ns for path in done} == done  # nothing that was done was done again
        done = {path: path.stat().st_mtime_ns for path in (part / "measured").glob("*.safetensors")}
    last = subprocess.run(command(request_of, output), env=environment, capture_output=True, text=True, cwd=ROOT)
    assert last.returncode == 0, last.stderr
    assert "| focus |" in last.stdout
    for name in ("table.json", "table.md", "manifest.json"):
        assert (output / name).read_bytes() == (made / name).read_bytes(), name
    assert set(open_comparison(output).costs()) == {"prepare", "source", "focus-1", "mean-1", "focus-2", "mean-2"}
    assert not part.exists()


def test_bad_input_ends_in_one_line_and_leaves_nothing(
    request_of: ComparisonRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = command(dataclasses.replace(request_of, dictionary=tmp_path / "none.tsv"), tmp_path / "out")[3:]
    capsys.readouterr()
    assert main.run(words) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "none.tsv: expected a dictionary file, got no such file" in said.err
    assert not list(tmp_path.iterdir())


def test_the_command_prints_a_comparison_that_is_done(
    request_of: ComparisonRequest, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main.run(command(request_of, made)[3:]) == 0
    assert capsys.readouterr().out == (made / "table.md").read_text(encoding="utf-8")
