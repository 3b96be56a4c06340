"""Token Distillation: places by hand, the loss by hand and by differences, what it lowers, what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from focus_core.cli import main as cli
from focus_core.corpus.corpus import open_corpus
from focus_core.errors import CorpusError, InvalidInputError, ModelError
from focus_core.experiments.request import ComparisonRequest
from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.base import MethodInput
from focus_core.initialization.methods.learned.body import load_body, load_teacher
from focus_core.initialization.methods.learned.paired_text import PairedText, line_ends
from focus_core.initialization.methods.learned.text import LENGTH, training_rows
from focus_core.initialization.methods.learned.token_distillation import (
    TRAIN_TOKENS,
    Distiller,
    check_distillable,
    language_weight,
    token_distillation,
)
from focus_core.initialization.methods.learned.vocadt import start_tensors
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.methods.subword_mean import subword_mean
from focus_core.initialization.overlap.matching import match_vocabularies
from focus_core.initialization.weights import COMBINED
from focus_core.models.source import fit_to_vocabulary, load_source
from focus_core.tokenization.vocabulary import load_vocabulary
from tests.integration.small_inputs import make_small_inputs
from tests.tiny_models import tiny_model

FAMILIES = ("roberta", "llama")
TIED = {"roberta": True, "llama": False}


class Spans:
    """What `line_ends` reads of an encoding."""

    def __init__(self, *offsets: tuple[int, int]) -> None:
        self.offsets = list(offsets)


@pytest.fixture(scope="module", params=FAMILIES)
def given(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MethodInput:
    """Return what the method is given: a tied masked model, and a causal one with an output of its own."""
    small = make_small_inputs(tmp_path_factory.mktemp(request.param), request.param)
    folder = (
        small.source if TIED[request.param] else tiny_model(request.param, small.source.parent / "apart", tied=False)
    )
    source, target = load_vocabulary(folder), load_vocabulary(small.target)
    lines = small.corpus.read_text(encoding="utf-8").splitlines()
    many = [lines[i] for i in np.random.default_rng(0).integers(len(lines), size=60)]
    small.corpus.write_text("".join(f"{line}\n" for line in many), encoding="utf-8")
    model = fit_to_vocabulary(load_source(folder), source.n)
    assert model.tied is TIED[request.param]
    return MethodInput(
        source=source,
        target=target,
        overlap=match_vocabularies(source, target),
        config=InitConfig(method="token-distillation", train_tokens=2048),
        corpus=open_corpus([small.corpus]),
        model=model,
    )


def distiller_of(given: MethodInput) -> Distiller:
    start = subword_mean(given).weights
    tensors = start_tensors(given, start)
    text = PairedText(given.corpus, given.source, given.target, longest=62)
    return Distiller(
        text, load_teacher(given), load_body(given, tensors), tensors, np.flatnonzero(start.origins == COMBINED)
    )


def test_ends_by_hand() -> None:
    """Two bytes of one character and a mark that stands for none: only what nothing of comes again is whole."""
    ends, whole = line_ends(Spans((0, 1), (0, 2), (2, 3), (2, 3), (3, 5)))  # type: ignore[arg-type]
    assert ends.tolist() == [1, 2, 3, 3, 5]
    assert whole.tolist() == [False, True, False, True, True]
    assert [part.tolist() for part in line_ends(Spans())] == [[], []]  # type: ignore[arg-type]


def test_places_are_matched_by_hand(tmp_path: Path) -> None:
    """Of ``abcd ef`` cut as ab|cd| ef and as abc|d| ef: d, ef and the end of the line end alike; ab and abc do not."""
    text = object.__new__(PairedText)
    cut = type("Cut", (), {})
    text.target, text.source = cut(), cut()
    text.target.ids, text.target.ends = np.array([5, 6, 7, 1, 5, 6]), np.array([2, 4, 7, 8, 11, 13])
    text.source.ids, text.source.ends = np.array([3, 4, 9, 2, 3, 4, 8]), np.array([3, 4, 7, 8, 10, 11, 13])
    text.target.whole, text.source.whole = np.ones(6, bool), np.ones(7, bool)
    text.opens, text.source_opens, text.longest, text.width = None, 0, None, 4
    is_new = np.zeros(10, bool)
    is_new[5] = True
    mine, theirs = text.matches(0, is_new)
    assert mine.tolist() == [1, 2, 3]
    assert theirs.tolist() == [2, 3, 4]  # after the token that opens
    assert text.source_row(0).tolist() == [0, 3, 4, 9, 2]
    is_new[[5, 7]] = False, True
    assert [part.tolist() for part in text.matches(0, is_new)] == [[2, 3], [3, 4]]
    text.longest = 4
    assert text.source_row(0).tolist() == [0, 3, 4, 9]
    assert [part.tolist() for part in text.matches(0, is_new)] == [[2], [3]]
    assert [part.tolist() for part in text.matches(0, np.zeros(10, bool))] == [[], []]


def test_rows_are_those_of_training_and_end_alike(given: MethodInput) -> None:
    """The target's rows are those of every method that trains; matched tokens of both sides end with one text."""
    text = PairedText(given.corpus, given.source, given.target)
    numbers = text.drawn(n_tokens=640, seed=1)
    rows = text.target_rows(numbers)
    np.testing.assert_array_equal(rows, training_rows(given.corpus, given.target, n_tokens=640, seed=1))
    assert rows.shape == (10, LENGTH)
    found = 0
    for number, row in zip(numbers.tolist(), rows, strict=True):
        mine, theirs = text.matches(number, np.ones(given.target.n, bool))
        for target, source in zip(row[mine], text.source_row(number)[theirs], strict=True):
            texts = given.target.texts[target].strip(), given.source.texts[source].strip()
            if not any(mark in "".join(texts) for mark in ("�", "<")) and all(texts):
                assert texts[0].endswith(texts[1]) or texts[1].endswith(texts[0])
                found += 1
    assert found > 50
    with pytest.raises(CorpusError, match="--corpus: expected a text to train on, got none"):
        PairedText(None, given.source, given.target)


def test_the_loss_by_hand(given: MethodInput) -> None:
    """The squares of the differences of matched states, one place after the other."""
    distiller = distiller_of(given)
    numbers, tensors = np.array([0, 2]), distiller.tensors()
    squares = []
    with torch.no_grad():
        found = float(distiller.distillation_loss(tensors, numbers))
        for number in numbers.tolist():
            ids, others = distiller.text.target_rows(np.array([number])), distiller.text.source_row(number)[None]
            state = distiller.student.run(tensors, torch.from_numpy(ids)).hidden_states[-1][0]
            taught = distiller.teacher.run({}, torch.from_numpy(others)).hidden_states[-1][0]
            pairs = zip(*distiller.text.matches(number, distiller.is_new), strict=True)
            squares += [float((state[i] - taught[j]).square().mean()) for i, j in pairs]
    assert len(squares) > 20
    assert found == pytest.approx(np.mean(squares), rel=1e-4)
    assert found > 1e-4


def test_its_gradient_is_its_difference_quotient(given: MethodInput) -> None:
    """Of both terms, at the numbers of learned rows that they depend on most; fixed rows have none."""
    distiller, numbers = distiller_of(given), np.arange(4)

    def loss() -> torch.Tensor:
        return distiller.loss(numbers, weight=0.5, seed=1, step=0)

    torch.autograd.backward(loss())
    gradient = distiller.rows.grad
    assert gradient is not None
    flat = distiller.rows.detach().view(-1)
    for i in torch.argsort(-gradient.abs().view(-1))[:3].tolist():
        found = []
        for shift in (5e-3, -5e-3):
            flat[i] += shift
            found.append(loss().item())
            flat[i] -= shift
        assert (found[0] - found[1]) / 1e-2 == pytest.approx(float(gradient.view(-1)[i]), rel=0.05, abs=2e-4)


def test_nothing_is_distilled_of_rows_without_a_new_token(given: MethodInput) -> None:
    distiller = distiller_of(given)
    distiller.is_new[:] = False
    assert float(distiller.distillation_loss(distiller.tensors(), np.arange(2))) == 0


def test_training_lowers_the_loss_and_moves_new_rows_alone(given: MethodInput) -> None:
    """Of all rows together, by its own default weight; equal inputs give equal rows."""
    output, again = token_distillation(given), token_distillation(given)
    assert output.learned is not None
    assert again.learned is not None
    assert list(output.learned.tensors) == ["input"]
    np.testing.assert_array_equal(output.learned.tensors["input"], again.learned.tensors["input"])
    distiller = distiller_of(given)
    numbers, weight = np.arange(8), language_weight(given)
    with torch.no_grad():
        before = float(distiller.loss(numbers, weight=weight, seed=1, step=0))
        distiller.rows.copy_(torch.from_numpy(output.learned.tensors["input"]))
        after = float(distiller.loss(numbers, weight=weight, seed=1, step=0))
    assert after < before
    assert output.notes["language_weight"] == weight == (1.0 if given.model is not None and given.model.tied else 0.0)
    assert output.notes["tokens"] == 2048


def test_a_tied_source_needs_the_language_model_term(given: MethodInput) -> None:
    """Before anything runs; a source with an output of its own does without."""
    none = dataclasses.replace(given, config=dataclasses.replace(given.config, language_weight=0.0))
    check_distillable(given)
    if given.model is not None and given.model.tied:
        with pytest.raises(
            ModelError, match=r"--language-weight: expected more than 0 where input and output .* got 0"
        ):
            check_distillable(none)
    else:
        check_distillable(none)
    with pytest.raises(InvalidInputError, match="--language-weight"):
        InitConfig(language_weight=-1.0)
    with pytest.raises(InvalidInputError, match="--language-weight: expected a method that has it"):
        METHODS["vocadt"].resolve(InitConfig(method="vocadt", language_weight=1.0))


def test_it_is_refused_before_anything_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = make_small_inputs(tmp_path)
    capsys.readouterr()
    words = ["init", "--source", str(small.source), "--target-tokenizer", str(small.target)]
    words += ["--method", "token-distillation", "--corpus", str(small.corpus), "--output", str(tmp_path / "run")]
    assert cli.run([*words, "--language-weight", "0"]) == 2
    said = capsys.readouterr().err
    assert "--language-weight: expected more than 0 where input and output embeddings are one matrix, got 0" in said
    assert said.strip().splitlines()[-1].startswith("--language-weight")
    assert not (tmp_path / "run").exists()


def test_a_comparison_pays_what_it_trains_on() -> None:
    asked = ComparisonRequest(source="s", target_tokenizer="t", corpus=(Path("c"),), methods=("token-distillation",))
    assert asked.probe_of("token-distillation") == asked.probe_tokens - TRAIN_TOKENS
