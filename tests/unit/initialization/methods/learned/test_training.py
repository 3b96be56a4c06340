"""What trains through the frozen backbone: rows of text, the gradient of the weights, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from focus_core.cli import main as cli
from focus_core.corpus.corpus import open_corpus
from focus_core.errors import CorpusError, ModelError
from focus_core.experiments.request import ComparisonRequest
from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.base import MethodInput
from focus_core.initialization.methods.learned.body import FrozenBody, check_trainable, load_body, refuse_no_number
from focus_core.initialization.methods.learned.text import LENGTH, hide_tokens, training_rows
from focus_core.initialization.methods.learned.vocadt import TRAIN_TOKENS, Entries, start_tensors
from focus_core.initialization.methods.subword_mean import subword_mean
from focus_core.initialization.overlap.matching import match_vocabularies
from focus_core.initialization.weights import COMBINED
from focus_core.models.source import fit_to_vocabulary, load_source
from focus_core.tokenization.identity import SPECIAL
from focus_core.tokenization.vocabulary import load_vocabulary
from focus_core.types import SpecialTokenType
from tests.integration.small_inputs import make_small_inputs

FAMILIES = ("roberta", "llama")


@pytest.fixture(scope="module", params=FAMILIES)
def given(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MethodInput:
    """Return what a method is given: a masked model with tied embeddings, a causal one with others for its output."""
    small = make_small_inputs(tmp_path_factory.mktemp(request.param), request.param)
    source, target = load_vocabulary(small.source), load_vocabulary(small.target)
    lines = small.corpus.read_text(encoding="utf-8").splitlines()
    many = [lines[i] for i in np.random.default_rng(0).integers(len(lines), size=120)]
    small.corpus.write_text("".join(f"{line}\n" for line in many), encoding="utf-8")
    return MethodInput(
        source=source,
        target=target,
        overlap=match_vocabularies(source, target),
        config=InitConfig(),
        corpus=open_corpus([small.corpus]),
        model=fit_to_vocabulary(load_source(small.source), source.n),
    )


def parts_of(given: MethodInput) -> tuple[FrozenBody, Entries, np.ndarray]:
    weights = subword_mean(given).weights
    tensors = start_tensors(given, weights)
    assert given.model is not None
    rows = training_rows(given.corpus, given.target, n_tokens=256, seed=1)
    return load_body(given, tensors), Entries(weights, given.model, tensors), rows


def test_rows_of_text_are_drawn_from_all_of_it(given: MethodInput) -> None:
    """Each has one length and opens as the vocabulary says; equal seeds give equal rows; a pass has each row once."""
    one, again, other = (training_rows(given.corpus, given.target, n_tokens=640, seed=s) for s in (1, 1, 2))
    assert one.shape == (10, LENGTH)
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    types = given.target.special_token_types
    first = types.get(SpecialTokenType.CLS, types.get(SpecialTokenType.BOS))
    assert (one[:, 0] == first).all()
    with pytest.raises(CorpusError, match="--corpus: expected a text to train on, got none"):
        training_rows(None, given.target, n_tokens=1, seed=1)


def test_hidden_tokens_are_ordinary_ones(given: MethodInput) -> None:
    rows = training_rows(given.corpus, given.target, n_tokens=64_000, seed=1)
    inputs, chosen = hide_tokens(rows, given.target, 4, seed=3, step=0)
    ordinary = given.target.kinds[rows] != SPECIAL
    assert not chosen[~ordinary].any()
    assert chosen.sum() / ordinary.sum() == pytest.approx(0.15, abs=0.01)
    assert (inputs[chosen] == 4).mean() == pytest.approx(0.8, abs=0.03)
    np.testing.assert_array_equal(inputs[~chosen], rows[~chosen])
    assert not np.array_equal(hide_tokens(rows, given.target, 4, seed=3, step=1)[1], chosen)


def test_the_start_computes_as_the_model_that_was_loaded(given: MethodInput) -> None:
    """Tensors that are handed over replace the model's own, the tied output among them."""
    body, entries, rows = parts_of(given)
    ids = torch.from_numpy(rows[:2])
    with torch.no_grad():
        expected, found = body.run({}, ids).logits, body.run(entries.tensors(), ids).logits
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
        moved = {name: tensor + 0.5 for name, tensor in entries.tensors().items()}
        assert (body.run(moved, ids).logits - expected).abs().max() > 0.01
    assert given.model is not None
    assert set(entries.tensors()) == set(given.model.tensors)


def test_the_gradient_of_a_weight_is_its_difference_quotient(given: MethodInput) -> None:
    """Central differences of the loss itself, through embeddings, backbone and output."""
    body, entries, rows = parts_of(given)

    def loss() -> torch.Tensor:
        return body.language_loss(entries.tensors(), rows, seed=1, step=0)

    torch.autograd.backward(loss())
    gradient = entries.values.grad
    assert gradient is not None
    strongest = torch.argsort(-gradient.abs())[:4].tolist()
    for i in strongest:
        found = []
        for shift in (1e-2, -1e-2):
            with torch.no_grad():
                entries.values[i] += shift
                found.append(float(loss()))
                entries.values[i] -= shift
        assert (found[0] - found[1]) / 2e-2 == pytest.approx(float(gradient[i]), rel=0.05, abs=2e-4)


def test_only_combined_rows_have_weights_to_train(given: MethodInput) -> None:
    _, entries, _ = parts_of(given)
    with torch.no_grad():
        entries.values *= 2
    before, after = entries.start, entries.weights()
    combined = before.origins == COMBINED
    np.testing.assert_array_equal(after.matrix.toarray()[combined], 2 * before.matrix.toarray()[combined])
    np.testing.assert_array_equal(after.matrix.toarray()[~combined], before.matrix.toarray()[~combined])


def test_what_cannot_be_trained_is_refused(given: MethodInput) -> None:
    check_trainable(given)
    without_text = MethodInput(
        source=given.source, target=given.target, overlap=given.overlap, config=given.config, model=given.model
    )
    with pytest.raises(CorpusError, match="--corpus: expected a text to train on"):
        check_trainable(without_text)
    with pytest.raises(ModelError, match="expected a finite loss of vocadt, got nan"):
        refuse_no_number(float("nan"), "vocadt")


def test_ready_vectors_alone_are_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = make_small_inputs(tmp_path)
    words = ["init", "--source", str(small.source), "--target-tokenizer", str(small.target), "--method", "vocadt"]
    assert cli.run([*words, "--auxiliary", str(small.auxiliary), "--output", str(tmp_path / "run")]) == 2
    assert "--corpus: expected a text to train on, got none" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_comparison_pays_what_it_trains_on() -> None:
    """From the same tokens as the probe."""
    asked = ComparisonRequest(source="s", target_tokenizer="t", corpus=(Path("c"),), methods=("vocadt",))
    assert asked.probe_of("vocadt") == asked.probe_tokens - TRAIN_TOKENS
    assert asked.probe_of("focus") == asked.probe_tokens
