"""OFA: subwords by the words that they are a part of, the nearest of them, and the whole way with a rank."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from focus_core.cli import main as cli
from focus_core.initialization.methods.low_rank.ofa import subword_vectors
from focus_core.models.source import load_source
from focus_core.runs.folder import open_run
from focus_core.tokenization.vocabulary import load_vocabulary
from focus_core.types import Origin
from tests.tiny_models import SOURCE_LINES, TARGET_LINES, target_tokenizer, tiny_model


def write_vec(path: Path, words: list[str], *, dim: int = 6) -> Path:
    """Write a drawn vector of every word."""
    rows = np.random.default_rng(2).normal(size=(len(words), dim))
    lines = [f"{word} {' '.join(f'{x:.6f}' for x in row)}" for word, row in zip(words, rows, strict=True)]
    path.write_text("\n".join([f"{len(words)} {dim}", *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the ``init`` of OFA on small files, without an output."""
    folder = tmp_path_factory.mktemp("ofa")
    source, target = tiny_model("roberta", folder / "source"), target_tokenizer("roberta", folder / "target")
    known = sorted({word for line in (*SOURCE_LINES, *TARGET_LINES) for word in line.split()})
    vectors = write_vec(folder / "both.vec", known)
    named = ["--source", str(source), "--target-tokenizer", str(target), "--vectors", str(vectors)]
    return ["init", *named, "--method", "ofa"]


def test_a_subwords_vector_is_the_mean_over_its_words(words: list[str]) -> None:
    """Counted once for each way of writing a word in which it is a part; found here one word at a time."""
    vocabulary = load_vocabulary(words[4])
    known, rows = ["Markt", "Milch", "und"], np.eye(3)
    found = subword_vectors(vocabulary, known, rows)
    for token in range(vocabulary.n):
        ways = [
            sum(token in vocabulary.backend.encode(written, add_special_tokens=False).ids
                for written in (word, f" {word}", f" {word[0].upper()}{word[1:]}"))
            for word in known
        ]  # fmt: skip
        special = token in vocabulary.special_token_types.values()
        expected = np.zeros(3) if special or not sum(ways) else np.array(ways) / sum(ways)
        np.testing.assert_allclose(found[token], expected, atol=1e-6)


def test_new_tokens_are_softmax_means_of_ten(words: list[str], tmp_path: Path) -> None:
    """Ten neighbours, temperature .1: weights are exp(cos / .1) over their sum, and sum to 1."""
    assert cli.run([*words, "--output", str(tmp_path / "run")]) == 0
    run = open_run(tmp_path / "run")
    assert (run.manifest["config"]["temperature"], run.manifest["config"]["top_k"]) == (0.1, 10)
    combined = np.flatnonzero(run.column("tokens", "origin") == str(Origin.COMBINED))
    assert len(combined)
    assert (run.column("tokens", "n_contributors")[combined] == 10).all()
    rows = run.contributor_range(int(combined[0]))
    weights, cosines = (run.column("contributions", name)[rows] for name in ("weight", "similarity"))
    shares = np.exp(cosines / 0.1)
    np.testing.assert_allclose(weights, shares / shares.sum(), rtol=1e-4)


def test_with_a_rank_every_row_lies_in_its_space(words: list[str], tmp_path: Path) -> None:
    """OFA as it is meant: copied, combined and drawn rows alike; explained, checked and exported."""
    assert cli.run([*words, "--output", str(tmp_path / "run"), "--rank", "4"]) == 0
    run = open_run(tmp_path / "run")
    rows = run.rows("input", slice(0, run.tokens().num_rows))
    assert np.linalg.matrix_rank(rows, tol=1e-4) == 4
    assert load_source(words[2]).input.shape[1] == 16
    for verb in (["check", str(run.path)], ["explain", str(run.path), "#20"]):
        assert cli.run(verb) == 0
    assert cli.run(["export", str(run.path), str(tmp_path / "model")]) == 0


def test_vectors_that_know_no_word_of_a_side_are_refused(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, exit status 2."""
    strange = write_vec(tmp_path / "strange.vec", ["ΩΩ", "ЖЖ"])
    assert cli.run([*words, "--output", str(tmp_path / "run"), "--vectors", str(strange)]) == 2
    assert "strange.vec: expected words of both languages" in capsys.readouterr().err.splitlines()[-1]
