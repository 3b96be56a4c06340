"""Retrieval by hand, ties against it; what a report compares, and that nothing that was read is measured on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.numpy import load_file

from focus_core.cli import main
from focus_core.corpus.held_out import is_held_out
from focus_core.corpus.parallel import holds_read_line
from focus_core.errors import CorpusError, InvalidInputError
from focus_core.evaluation.retrieval.accuracy import retrieval_hits
from focus_core.evaluation.retrieval.render import render_retrieval
from focus_core.evaluation.retrieval.report import evaluate_retrieval
from focus_core.export.sentence_encoder import load_run_encoder, load_source_encoder
from focus_core.runs.folder import RunFolder
from focus_core.training.train import adapt_run
from tests.tiny_encoders import encoder_run, pairs_of, parallel_of, tiny_encoder
from tests.tiny_models import target_tokenizer
from tests.unit.training.test_distill import options

HALF = 2**-0.5


def test_hits_by_hand() -> None:
    """The third query's own candidate is at 45°, another lies on it; lengths do not count."""
    queries = np.array([[1.0, 0.0], [0.0, 3.0], [0.0, 1.0]])
    candidates = np.array([[5.0, 0.5], [0.0, 0.1], [HALF, HALF]])
    assert retrieval_hits(queries, candidates).tolist() == [True, True, False]
    assert retrieval_hits(candidates, queries).tolist() == [True, False, False]  # the second ties with the third


def test_a_tie_counts_against_unless_it_is_with_the_same_line() -> None:
    queries = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    candidates = np.array([[1.0, 0.0], [1.0, 1e-9], [0.0, 1.0]])
    assert retrieval_hits(queries, candidates).tolist() == [False, False, True]
    assert retrieval_hits(queries, candidates, lines=["a", "a", "b"]).tolist() == [True, True, True]
    assert retrieval_hits(queries, candidates, lines=["a", "b", "b"]).tolist() == [False, False, True]


def test_zeros_find_nothing_and_are_not_found() -> None:
    rows = np.array([[0.0, 0.0], [0.0, 1.0]])
    assert retrieval_hits(rows, np.eye(2)).tolist() == [False, True]
    assert retrieval_hits(np.eye(2), rows).tolist() == [False, True]
    assert retrieval_hits(-np.eye(2), rows).tolist() == [False, False]  # less than nothing is not found either


@given(arrays(np.float32, st.tuples(st.integers(2, 700), st.just(3)), elements=st.floats(-1, 1, width=32)))
def test_blocks_change_nothing(rows: np.ndarray) -> None:
    other = rows[:, ::-1] + np.float32(0.25)
    norms = [np.linalg.norm(x.astype(float), axis=1, keepdims=True) for x in (rows, other)]
    if min(n.min() for n in norms) < 1e-3:
        return
    scores = (rows / norms[0]) @ (other / norms[1]).T
    own = np.diag(scores).copy()
    np.fill_diagonal(scores, -np.inf)
    gap = own - scores.max(axis=1)
    clear = np.abs(gap) > 1e-5
    assert (retrieval_hits(rows, other)[clear] == (gap > 0)[clear]).all()


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("retrieval")
    run, pairs = encoder_run(folder), parallel_of(folder)
    adapt_run(run, name="taught", parallel=pairs, config=options(steps=2))
    return run, pairs, evaluate_retrieval([str(run.path), f"{run.path}:taught"], parallel=pairs)


def test_source_lines_are_read_by_the_source_and_translations_by_the_state(
    measured: tuple[RunFolder, Path, dict[str, Any]], tmp_path: Path
) -> None:
    run, _, _ = measured
    report = evaluate_retrieval([str(run.path)], parallel=parallel_of(tmp_path, 40))
    sources, targets = zip(*pairs_of(40), strict=True)
    teacher, student = load_source_encoder(run), load_run_encoder(run)
    questions = teacher.encode(teacher.ids_of(sources))
    for entry, encoder in ((report["targets"][0], student), (report["sources"][0], teacher)):
        answers = encoder.encode(encoder.ids_of(targets))
        there, back = retrieval_hits(questions, answers).mean(), retrieval_hits(answers, questions).mean()
        values = [entry["accuracy"][way]["value"] for way in ("to_target", "to_source", "both")]
        assert values == pytest.approx([there, back, (there + back) / 2])
    assert report["random"] == 1 / 40
    assert report["parallel"]["n_removed"] == 0


def test_lines_that_training_read_are_removed_for_every_state(
    measured: tuple[RunFolder, Path, dict[str, Any]],
) -> None:
    run, _, report = measured
    training = json.loads((run.path / "training" / "taught" / "manifest.json").read_text())
    known = report["parallel"]
    assert known["n_removed"] == training["corpus"]["n_read"] > 0
    assert known["n_measured"] == known["n_pairs"] - known["n_removed"]
    assert known["n_measured"] > sum(is_held_out(target, 10) for _, target in pairs_of())
    assert all(0 <= e["accuracy"]["both"]["low"] <= e["accuracy"]["both"]["high"] <= 1 for e in report["targets"])


def test_differences_are_paired_and_taken_to_the_first_and_to_the_source(
    measured: tuple[RunFolder, Path, dict[str, Any]],
) -> None:
    _, _, report = measured
    first, second = (entry["accuracy"]["both"]["value"] for entry in report["targets"])
    source = report["sources"][0]["accuracy"]["both"]["value"]
    values = [difference["both"]["value"] for difference in report["differences"]]
    assert values == pytest.approx([second - first, first - source, second - source])
    lines = render_retrieval(report)
    assert f"{report['parallel']['n_removed']:,} removed because training read a line of them" in lines[0]
    assert lines[1].split()[:3] == ["method", "to", "the"]


def test_equal_states_differ_by_nothing(measured: tuple[RunFolder, Path, dict[str, Any]], tmp_path: Path) -> None:
    run, _, _ = measured
    report = evaluate_retrieval([str(run.path), str(run.path)], parallel=parallel_of(tmp_path, 40))
    assert report["differences"][0]["both"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert len(report["groups"]) == 1
    assert report["groups"][0]["both"]["value"] == report["targets"][0]["accuracy"]["both"]["value"]


def test_the_command_line(
    measured: tuple[RunFolder, Path, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, pairs, report = measured
    targets = [str(run.path), f"{run.path}:taught"]
    capsys.readouterr()
    assert main.run(["evaluate", *targets, "--parallel", str(pairs), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == report
    assert main.run(["evaluate", *targets, "--parallel", str(pairs)]) == 0
    assert capsys.readouterr().out.splitlines() == render_retrieval(report)
    assert main.run(["evaluate", *targets, "--parallel", str(pairs), "--output", str(tmp_path / "kept")]) == 0
    assert json.loads((tmp_path / "kept" / "retrieval.json").read_text()) == report


# --- bad input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "--corpus: expected a text, or pairs of lines for --parallel, got none; name a text with --corpus"),
        (["--parallel", "P", "--corpus", "P"], "--corpus: expected --corpus, got --parallel; leave one of the two out"),
        (["--parallel", "P", "--dictionary", "P"], "--dictionary: expected --corpus, got --parallel"),
        (["--parallel", "P", "--all-lines"], "--all-lines: expected --corpus, got --parallel"),
    ],
)
def test_text_or_pairs(
    words: list[str],
    said: str,
    measured: tuple[RunFolder, Path, dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, pairs, _ = measured
    capsys.readouterr()
    assert main.run(["evaluate", str(run.path), *(str(pairs) if word == "P" else word for word in words)]) == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert "\n" not in error


def test_pairs_that_training_has_read_throughout(
    measured: tuple[RunFolder, Path, dict[str, Any]], tmp_path: Path
) -> None:
    run, pairs, _ = measured
    kept = [pair for pair in pairs_of() if not is_held_out(pair[1], 10)]
    path = tmp_path / "read.tsv"
    path.write_text("".join(f"{one}\t{other}\n" for one, other in kept))
    adapt_run(run, name="all", parallel=pairs, config=options(steps=40, evaluations=1, batch_tokens=128))
    with pytest.raises(CorpusError, match=r"at least 2 pairs of which no training has read a line, got 0 of 2"):
        evaluate_retrieval([f"{run.path}:all"], parallel=path)


def test_a_source_that_encodes_nothing(tmp_path: Path) -> None:
    from tests.unit.export.test_abilities import static_folder, static_run

    run = static_run(tmp_path, source=str(static_folder(tmp_path / "static")))
    with pytest.raises(InvalidInputError, match="got embeddings without a backbone"):
        evaluate_retrieval([str(run.path)], parallel=parallel_of(tmp_path))


def test_from_an_encoder_to_its_export_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Init, distill, evaluate, export: every verb by its own words, and the export finds what the training found."""
    from sentence_transformers import SentenceTransformer

    source, target = tiny_encoder(tmp_path / "model"), target_tokenizer("bert", tmp_path / "target")
    pairs, run = str(parallel_of(tmp_path)), str(tmp_path / "run")
    made = ["init", "--source", str(source), "--target-tokenizer", str(target), "--method", "overlap", "--output", run]
    adapt = ["adapt", run, "--name", "taught", "--objective", "distill", "--parallel", pairs, "--steps", "4"]
    assert main.run(made) == 0
    assert main.run([*adapt, "--train", "embeddings", "--batch-tokens", "64", "--evaluations", "1"]) == 0
    assert main.run(["export", f"{run}:taught", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    assert main.run(["evaluate", f"{run}:taught", "--parallel", pairs, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    read = load_file(tmp_path / "run" / "training" / "taught" / "read_lines.safetensors")["hashes"]
    unread = [pair for pair in pairs_of() if not holds_read_line([pair], read).any()]
    questions, answers = (
        SentenceTransformer(str(folder), device="cpu", local_files_only=True).encode([pair[side] for pair in unread])
        for folder, side in ((source, 0), (tmp_path / "out", 1))
    )
    found = report["targets"][0]["accuracy"]
    assert report["parallel"]["n_measured"] == len(unread)
    assert found["to_target"]["value"] == pytest.approx(retrieval_hits(questions, answers).mean(), abs=2 / len(unread))
