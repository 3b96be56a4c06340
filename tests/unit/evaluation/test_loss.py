"""Masked and causal bits, derived by hand from models that predict what the test tells them to."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from focus_core.corpus.word_masking import covered_tokens, masked_words
from focus_core.errors import FocusError
from focus_core.evaluation.causal import score_causal
from focus_core.evaluation.masked import score_masked
from focus_core.evaluation.windows import Window, cut_at_words, measure_windows
from focus_core.export.run_model import RunModel, load_model_folder
from focus_core.tokenization.vocabulary import vocabulary_from_backend
from tests import tiny_models

LINES = (
    "the farmer sells maize and beans at the market",
    "milk, eggs and 12 loaves of bread for the farmer",
    "",
    "a small house, a large market and a green field",
    "der Bauer verkauft Milch, Eier und Brot auf dem Markt",
    "ein kleines  Haus, ein grosser Markt",
    "قال المزارع: الخبز والحليب",
    "नमस्ते दुनिया 😀 ﬁeld",
)


class Told(torch.nn.Module):
    """Stands in for a model: the score of token v at any place is ``scores[v]``; notes what it was asked to read."""

    def __init__(self, scores: torch.Tensor, *, most_rows: int | None = None) -> None:
        super().__init__()
        self.scores = torch.nn.Parameter(scores)
        self.most_rows = most_rows
        self.batches: list[torch.Tensor] = []


def run_model(backend: Tokenizer, roles: dict[str, str], objective: str, model: Any, n_positions: int) -> RunModel:
    class Stub(RunModel):
        def logits_at(self, input_ids: Any, chosen: Any, attention_mask: Any = None) -> torch.Tensor:
            told = self.model
            if told.most_rows is not None and len(input_ids) > told.most_rows:
                raise torch.OutOfMemoryError("CUDA out of memory")
            told.batches.append(input_ids)
            return told.scores.expand(int(chosen.sum()), -1)

    vocabulary = vocabulary_from_backend(backend, name="toy", config=roles)
    ids = {name: backend.token_to_id(token) for name, token in roles.items()}
    return Stub(
        model=model,
        vocabulary=vocabulary,
        objective=objective,
        mask_id=ids.get("mask_token"),
        pad_id=ids.get("pad_token"),
        bos_id=ids.get("cls_token", ids.get("bos_token")),
        eos_id=ids.get("sep_token", ids.get("eos_token")),
        n_positions=n_positions,
    )


def uniform(family: str, objective: str, *, n_positions: int = 64, most_rows: int | None = None) -> RunModel:
    build, roles = tiny_models.TOKENIZERS[family]
    backend = build(tiny_models.SOURCE_LINES + tiny_models.TARGET_LINES)
    return run_model(
        backend, roles, objective, Told(torch.zeros(backend.get_vocab_size()), most_rows=most_rows), n_positions
    )


@pytest.mark.parametrize("family", tiny_models.MASKED)
def test_a_uniform_masked_model_pays_log2_of_the_vocabulary_a_token(family: str) -> None:
    model = uniform(family, "mlm")
    scores = score_masked(model, LINES)
    np.testing.assert_allclose(scores.bits, scores.tokens * math.log2(model.vocabulary.n), rtol=1e-6)
    assert scores.nats_per_token == pytest.approx(math.log(model.vocabulary.n))
    spans = [masked_words(line) for line in LINES]
    assert scores.words.tolist() == [len(found) for found in spans]
    assert scores.characters.tolist() == [sum(end - begin for begin, end in found) for found in spans]
    assert scores.words.sum() >= 4


def test_the_masked_words_are_the_same_under_every_tokenizer() -> None:
    one, other = (score_masked(uniform(family, "mlm"), LINES) for family in tiny_models.MASKED)
    assert one.words.tolist() == other.words.tolist()
    assert one.characters.tolist() == other.characters.tolist()
    assert one.tokens.tolist() != other.tokens.tolist()


def test_every_token_of_a_masked_word_is_hidden_and_no_other() -> None:
    model = uniform("roberta", "mlm")
    line = LINES[0]
    score_masked(model, [line])
    (batch,) = model.model.batches
    backend, mask = model.vocabulary.backend, model.mask_id
    plain = backend.encode(line).ids
    read = batch[0].tolist()
    hidden = [i for i, (left, right) in enumerate(zip(plain, read, strict=True)) if left != right]
    assert {read[i] for i in hidden} == {mask}
    words = [line[begin:end] for begin, end in masked_words(line)]
    assert backend.decode([plain[i] for i in hidden]).split() == words


def test_bits_are_those_of_the_right_token() -> None:
    """One token is told to be eight times as likely as any other."""
    _, roles = tiny_models.TOKENIZERS["roberta"]
    backend = tiny_models.unigram()
    line = next(
        f"x{i} farmer" for i in range(1000) if masked_words(f"x{i} farmer") == [(len(f"x{i} "), len(f"x{i} farmer"))]
    )
    scores = torch.zeros(backend.get_vocab_size())
    scores[backend.token_to_id("▁farmer")] = math.log(8)
    found = score_masked(run_model(backend, roles, "mlm", Told(scores), 64), [line])
    n = backend.get_vocab_size()
    assert found.bits[0] == pytest.approx(-math.log2(8 / (8 + n - 1)), rel=1e-6)
    assert found.bits.sum() / found.characters.sum() == pytest.approx(found.bits[0] / len("farmer"))


def test_long_lines_are_read_in_pieces_and_nothing_is_left_out() -> None:
    line = " ".join(LINES[0] for _ in range(30))
    long, short = uniform("roberta", "mlm", n_positions=512), uniform("roberta", "mlm", n_positions=12)
    whole, pieces = score_masked(long, [line]), score_masked(short, [line])
    assert max(len(batch[0]) for batch in short.model.batches) <= 12
    assert len(long.model.batches) == 1
    assert pieces.tokens.tolist() == whole.tokens.tolist()
    assert pieces.bits[0] == pytest.approx(whole.bits[0])
    assert pieces.words[0] == len(masked_words(line))


def test_pieces_end_between_words() -> None:
    line = "aa bb  cc dd"
    offsets = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (6, 7), (7, 9), (9, 12)]
    # tokens:    a       a       _       b       b       _       cc      _dd
    assert cut_at_words(offsets, line, 4) == [(0, 2), (2, 5), (5, 8)]
    assert cut_at_words(offsets, line, 3) == [(0, 2), (2, 5), (5, 8)]
    assert cut_at_words(offsets, line, 2) == [(0, 2), (2, 4), (4, 5), (5, 7), (7, 8)]  # " bb" alone is too long
    assert cut_at_words([], "", 4) == []


@given(st.text(alphabet="ab ▁é", max_size=60), st.integers(1, 9))
def test_pieces_cover_every_token_once(line: str, room: int) -> None:
    encoding = tiny_models.unigram(("ab a b", "é ab")).encode(line, add_special_tokens=False)
    pieces = cut_at_words(list(encoding.offsets), line, room)
    assert [i for begin, end in pieces for i in range(begin, end)] == list(range(len(encoding.ids)))
    assert all(0 < end - begin <= room for begin, end in pieces)


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_uniform_causal_model_pays_for_every_token_of_a_line(family: str) -> None:
    model = uniform(family, "clm")
    scores = score_causal(model, LINES)
    counts = [len(e.ids) for e in model.vocabulary.backend.encode_batch(list(LINES), add_special_tokens=False)]
    assert scores.tokens.tolist() == counts
    np.testing.assert_allclose(scores.bits, np.array(counts) * math.log2(model.vocabulary.n), rtol=1e-6)
    assert scores.characters.tolist() == [len(line) for line in LINES]
    assert {int(row[0]) for batch in model.model.batches for row in batch} == {model.bos_id}


def test_a_causal_model_without_an_opening_token_is_charged_for_the_first() -> None:
    backend = tiny_models.byte_level_bpe()
    model = run_model(backend, {}, "clm", Told(torch.zeros(backend.get_vocab_size())), 64)
    assert (model.bos_id, model.eos_id) == (None, None)
    scores = score_causal(model, ["maize and beans"])
    assert scores.bits[0] == pytest.approx(scores.tokens[0] * math.log2(model.vocabulary.n))


@pytest.mark.parametrize("opening", [0, None])
def test_long_causal_lines_predict_each_token_once_from_half_of_the_positions(opening: int | None) -> None:
    from focus_core.evaluation.causal import _windows

    ids = np.arange(100, 137)
    windows = _windows(0, ids, opening, 8)
    predicted = np.concatenate([w.targets for w in windows])
    assert predicted.tolist() == ids[0 if opening is not None else 1 :].tolist()
    for number, window in enumerate(windows):
        assert len(window.ids) <= 8
        places = np.flatnonzero(window.chosen)
        assert window.ids[places + 1].tolist()[:-1] == window.targets.tolist()[:-1]
        assert window.ids[places[-1] + 1] == window.targets[-1]
        if number:
            assert places[0] + 1 >= 4


def test_real_models_give_the_same_bits_one_line_at_a_time(tmp_path: Path) -> None:
    """Padding, batches and their order change nothing, in a masked and in a causal model."""
    scorers: dict[str, Callable[..., Any]] = {"roberta": score_masked, "gpt2": score_causal}
    for family, score in scorers.items():
        model = load_model_folder(tiny_models.tiny_model(family, tmp_path / family))
        together = score(model, LINES, batch_tokens=200)
        alone = [score(model, [line]).bits[0] for line in LINES]
        np.testing.assert_allclose(together.bits, alone, rtol=1e-4)
        assert together.bits.sum() > 0


def test_a_causal_line_costs_what_the_model_says(tmp_path: Path) -> None:
    model = load_model_folder(tiny_models.tiny_model("llama", tmp_path / "llama"))
    ids = model.vocabulary.backend.encode(LINES[0], add_special_tokens=False).ids
    with torch.no_grad():
        logits = model.model(input_ids=torch.tensor([[model.bos_id, *ids]])).logits[0, :-1]
    nats = torch.nn.functional.cross_entropy(logits, torch.tensor(ids), reduction="sum")
    assert score_causal(model, LINES[:1]).bits[0] == pytest.approx(float(nats) / math.log(2), rel=1e-5)


def test_memory_running_out_halves_the_batch_and_says_so() -> None:
    full, tight = uniform("roberta", "mlm"), uniform("roberta", "mlm", most_rows=2)
    lines = [f"{LINES[0]} {i}" for i in range(40)]
    expected, found = score_masked(full, lines), score_masked(tight, lines)
    np.testing.assert_array_equal(found.bits, expected.bits)
    assert max(map(len, tight.model.batches)) <= 2 < max(map(len, full.model.batches))
    added = set(found.warnings) - set(expected.warnings)
    assert [text[:56] for text in added] == ["Memory ran out; batches were made smaller, down to 14 to"]


def test_memory_for_not_even_one_sequence_is_an_error() -> None:
    with pytest.raises(FocusError, match="expected memory for one sequence of 11 tokens, got too little; free some"):
        score_masked(uniform("roberta", "mlm", most_rows=0), [LINES[0]])


def test_any_other_failure_is_not_taken_for_lack_of_memory() -> None:
    model = uniform("roberta", "mlm")
    model.model.scores = None  # type: ignore[assignment]
    window = Window(line=0, ids=np.array([0, 2]), chosen=np.array([False, True]), targets=np.array([5]))
    with pytest.raises((AttributeError, StopIteration)):
        measure_windows(model, [window], 1)


def test_unknown_tokens_and_words_without_a_token_are_told() -> None:
    lines = [f"привет мир {i} дома" for i in range(30)]
    warnings = score_masked(uniform("bert", "mlm"), lines).warnings
    assert any("of the tokens predicted under toy are the unknown token" in text for text in warnings)
    hidden = [f"word \x00\x01 {i}" for i in range(60)]
    silent = score_masked(uniform("bert", "mlm"), hidden)
    n = sum((5, 7) in masked_words(line) for line in hidden)
    assert f"toy has no token for {n} masked words; they cost it nothing." in silent.warnings


BACKENDS = {family: tiny_models.TOKENIZERS[family][0]() for family in tiny_models.FAMILIES}


@given(st.text(alphabet=st.sampled_from("ab hMŞé中ﬁ́ 12,.\t"), max_size=30), st.integers(0, 5))
def test_under_every_tokenizer_no_token_of_a_masked_word_stays_visible(line: str, seed: int) -> None:
    words = masked_words(line, share=0.5, seed=seed)
    hidden = {i for begin, end in words for i in range(begin, end)}
    for backend in BACKENDS.values():
        offsets = list(backend.encode(line, add_special_tokens=False).offsets)
        covered = covered_tokens(offsets, words)
        touching = [bool(hidden & set(range(begin, end))) for begin, end in offsets]
        assert covered.tolist() == touching
        read = {i for (begin, end), used in zip(offsets, covered, strict=True) if used for i in range(begin, end)}
        assert all(i in read for i in hidden if line[i].isascii())
