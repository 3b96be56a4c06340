"""Segmentation, dictionaries and alignment, derived by hand."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from focus_core.corpus.dictionary import read_dictionary
from focus_core.corpus.fertility import word_spans
from focus_core.errors import InvalidInputError
from focus_core.evaluation.alignment import WordPairs, find_pairs, measure_alignment
from focus_core.evaluation.fertility import measure_segmentation
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend
from tests import tiny_models


def vocabulary(family: str, lines: tuple[str, ...]) -> Vocabulary:
    build, roles = tiny_models.TOKENIZERS[family]
    return vocabulary_from_backend(build(lines), name=family, config=roles)


# --- segmentation -----------------------------------------------------------------------------------------------


def test_words_and_tokens_by_hand() -> None:
    """``▁ab`` and ``▁cd`` are tokens, so is every character; ``x`` after a space is ``▁`` and ``x``."""
    found = measure_segmentation(vocabulary("roberta", ("ab cd x,-",)), ["ab, cd x", "cd - abx"])
    # ▁ab ,   ▁cd   ▁x        ▁cd   ▁-     ▁ab x      : "▁x" is a word of one character and no token
    assert found.n_characters == 16
    assert found.n_words == 5
    assert found.n_tokens == 10
    assert found.n_word_tokens == 1 + 1 + 2 + 1 + 2
    assert found.n_continued == 2
    assert found.tokens_per_word == 7 / 5
    assert found.continued_words == 2 / 5
    assert found.characters_per_token == 1.6
    assert found.n_unknown == 0


def test_unknown_tokens_are_counted() -> None:
    found = measure_segmentation(vocabulary("bert", ("ab cd",)), ["ab ж cd"])
    assert (found.n_unknown, found.n_tokens, found.n_words, found.n_continued) == (1, 3, 3, 0)


def test_text_without_words_has_no_ratio() -> None:
    found = measure_segmentation(vocabulary("roberta", ("ab -",)), ["- -"])
    assert found.n_words == 0
    assert np.isnan(found.tokens_per_word)
    assert np.isnan(measure_segmentation(vocabulary("roberta", ("ab",)), []).characters_per_token)


@pytest.mark.parametrize("family", tiny_models.FAMILIES)
def test_every_word_of_plain_text_takes_a_token(family: str) -> None:
    lines = tiny_models.SOURCE_LINES + tiny_models.TARGET_LINES
    found = measure_segmentation(vocabulary(family, tiny_models.SOURCE_LINES), lines)
    assert found.n_words == sum(len(word_spans(line)) for line in lines)
    assert found.n_words < found.n_word_tokens <= found.n_tokens + found.n_words


@given(st.text(max_size=40))
def test_words_lie_within_runs_and_do_not_touch(line: str) -> None:
    spans = word_spans(line)
    assert all(begin < end and not any(c.isspace() for c in line[begin:end]) for begin, end in spans)
    assert all(left[1] < right[0] for left, right in pairwise(spans))
    assert all(c in line for c in "".join(line[b:e] for b, e in spans))


# --- dictionaries -----------------------------------------------------------------------------------------------


def write(folder: Path, data: bytes) -> Path:
    path = folder / "en-xx.tsv"
    path.write_bytes(data)
    return path


def test_a_dictionary_is_pairs_each_once(tmp_path: Path) -> None:
    found = read_dictionary(write(tmp_path, "﻿milk\tmaziwa\r\n\r\nbread\tmkate\nmilk\tmaziwa\n well \t je \n".encode()))
    assert found.pairs == (("milk", "maziwa"), ("bread", "mkate"), ("well", "je"))
    assert found.name == "en-xx.tsv"
    assert len(found.digest) == 64


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected pairs of words, got none"),
        (b"\n \n", "expected pairs of words, got none"),
        (b"milk\tmaziwa\nbread mkate\n", "expected two words with one tab between, got 1 of them in line 2"),
        (b"milk\t\n", "got 1 of them in line 1"),
        (b"milk\tmaziwa\t3\n", "got 3 of them in line 1"),
        (b"milk\tmaziwa\t\n", "got 3 columns in line 1"),
        (b"milk\tmaziwa\nbread\tmk\xe4te\n", "expected UTF-8 text, got the byte 0xE4 in line 2"),
        ("milk\tmaziwa\n".encode("utf-16"), "expected UTF-8 text, got the byte 0xFF in line 1"),
        (b"milk\tmaziwa\nbr\0ead\tmkate\n", "got a binary file (a zero byte in line 2)"),
    ],
)
def test_what_is_no_dictionary_is_refused_by_line(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        read_dictionary(write(tmp_path, data))
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert str(tmp_path) not in str(error.value)


def test_a_missing_dictionary_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"none\.tsv: expected a dictionary file, got no such file"):
        read_dictionary(tmp_path / "none.tsv")


# --- pairs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "target"), [("roberta", "bert"), ("bert", "roberta"), ("roberta", "roberta")])
def test_only_words_of_one_token_on_both_sides_are_paired(source: str, target: str) -> None:
    left, right = vocabulary(source, tiny_models.SOURCE_LINES), vocabulary(target, tiny_models.TARGET_LINES)
    listed = [
        ("market", "Markt"),
        ("bread", "Brot"),
        ("bread", "bread"),
        ("houses", "Haus"),
        ("market", "Marktplatz"),
        ("market", "Markt"),
        ("green", "Feld"),
        ("rain", "es regnet"),
    ]
    found = find_pairs(left, right, listed)
    names = [(left.texts[found.queries[a]], right.texts[found.candidates[b]]) for a, b in found.pairs]
    assert names == [("market", "Markt"), ("bread", "Brot"), ("green", "Feld")]
    same = [(left.texts[found.queries[a]], right.texts[found.candidates[b]]) for a, b in found.identical]
    assert same == [("bread", "bread")]
    assert found.n_listed == 8
    assert left.word_start[found.queries].all()
    assert right.word_start[found.candidates].all()


def test_a_dictionary_of_other_words_gives_no_pairs_and_no_shares() -> None:
    left = vocabulary("roberta", tiny_models.SOURCE_LINES)
    found = find_pairs(left, left, [("quantum", "Quant")])
    measured = measure_alignment(found, np.ones((left.n, 2)), np.ones((left.n, 2)))
    assert (measured["n_pairs"], measured["alignment"], measured["retrieval"]["csls"]["10"]) == (0, None, None)


# --- alignment --------------------------------------------------------------------------------------------------


def unit(*degrees: float) -> np.ndarray:
    turned = np.radians(degrees)
    return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)


def of_places(n: int, candidates: int, pairs: list[tuple[int, int]], identical: list[tuple[int, int]]) -> WordPairs:
    return WordPairs(
        queries=np.arange(n),
        candidates=np.arange(candidates),
        pairs=np.array(pairs, np.int64).reshape(-1, 2),
        identical=np.array(identical, np.int64).reshape(-1, 2),
        n_listed=len(pairs) + len(identical),
    )


def test_retrieval_counts_any_translation_and_alignment_each_pair() -> None:
    """Query 0 at 0 degrees: candidates at 10 (wrong), 20 and 40 (right). Query 1 at 90: 80 (right)."""
    pairs = of_places(2, 4, [(0, 1), (0, 2), (1, 3)], [])
    found = measure_alignment(pairs, unit(0, 90), unit(10, 20, 40, 80))
    assert found["n_words"] == 2
    assert found["n_pairs"] == 3
    assert found["alignment"] == pytest.approx(1 / 3)  # of the three pairs only that of query 1 is nearest
    assert found["retrieval"]["cosine"] == {"1": 0.5, "5": 1.0, "10": 1.0}
    expected = np.cos(np.radians([20, 40, 10])).mean()
    assert found["mean_cosine"] == pytest.approx(expected, abs=1e-6)


def test_the_own_form_is_no_candidate_for_other_translations() -> None:
    """Candidate 0 is a copy of query 0, whose translation lies 30 degrees off."""
    pairs = of_places(1, 3, [(0, 1)], [(0, 0)])
    found = measure_alignment(pairs, unit(0), unit(0, 30, 60))
    assert found["alignment"] == 1
    assert found["identical"] == {"n_pairs": 1, "alignment": 1.0, "mean_cosine": pytest.approx(1)}
    barless = of_places(1, 3, [(0, 1)], [])
    assert measure_alignment(barless, unit(0), unit(0, 30, 60))["alignment"] == 0


def test_equal_rows_find_nothing() -> None:
    """Where every row is the mean row, all candidates tie, and a tie counts against the translation."""
    pairs = of_places(3, 12, [(0, 0), (1, 1), (2, 2)], [])
    found = measure_alignment(pairs, unit(0, 40, 80), np.tile(unit(33), (12, 1)))
    assert found["alignment"] == 0
    assert found["retrieval"]["cosine"] == {"1": 0, "5": 0, "10": 0}


def test_zero_rows_are_found_by_nobody_and_find_nobody() -> None:
    rows = unit(0, 90)
    rows[1] = 0
    pairs = of_places(2, 2, [(0, 0), (1, 1)], [])
    assert measure_alignment(pairs, unit(0, 90), rows)["retrieval"]["csls"]["10"] == 0.5
    assert measure_alignment(pairs, rows, unit(0, 90))["retrieval"]["cosine"]["10"] == 0.5


def direct_csls(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return ``2 cos - r(x) - r(y)`` as the paper writes it, with all cosines at once."""
    cosines = (left / np.linalg.norm(left, axis=1)[:, None]) @ (right / np.linalg.norm(right, axis=1)[:, None]).T
    of_left = np.sort(cosines, axis=1)[:, -10:].mean(axis=1)
    of_right = np.sort(cosines, axis=0)[-10:].mean(axis=0)
    return np.asarray(2 * cosines - of_left[:, None] - of_right[None, :])


def test_csls_and_cosine_against_direct_formulas() -> None:
    generator = np.random.default_rng(8)
    left = generator.normal(size=(60, 6))
    right = 0.4 * left[:50] + generator.normal(size=(50, 6)) + [0.7, 0, 0, 0, 0, 0]
    links = sorted(
        {(int(i), int(i)) for i in range(50)} | {(int(q), int(c)) for q, c in generator.integers(50, size=(30, 2))}
    )
    found = measure_alignment(of_places(60, 50, links, []), left, right)["retrieval"]
    cosines = (left / np.linalg.norm(left, axis=1)[:, None]) @ (right / np.linalg.norm(right, axis=1)[:, None]).T
    for name, scores in (("cosine", cosines), ("csls", direct_csls(left, right))):
        order = np.argsort(-scores, axis=1)
        for k in (1, 5, 10):
            hits = [any((q, int(c)) in links for c in order[q, :k]) for q in sorted({q for q, _ in links})]
            assert found[name][str(k)] == pytest.approx(np.mean(hits)), (name, k)
    assert found["cosine"] != found["csls"]


def test_csls_holds_back_a_hub() -> None:
    """Query i is ``e_i + h``, its translation ``e_i + f_i``: cosine 1/2. The hub ``h`` is at 0.71 from all of them.

    By CSLS, less what depends on the query alone, a translation scores ``1 - 0.05`` and the hub ``2 * 0.71 - 0.71``.
    """
    own, noise, hub = np.eye(25)[:12], np.eye(25)[12:24], np.eye(25)[24:]
    pairs = of_places(12, 13, [(i, i) for i in range(12)], [])
    found = measure_alignment(pairs, own + hub, np.concatenate([own + noise, hub]))["retrieval"]
    assert found["cosine"] == {"1": 0, "5": 1, "10": 1}
    assert found["csls"]["1"] == 1


def test_shuffled_pairs_are_dealt_by_the_seed() -> None:
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(200, 16))
    pairs = of_places(200, 200, [(i, i) for i in range(200)], [])
    found = measure_alignment(pairs, rows, rows)
    assert found["alignment"] == 1
    assert found["alignment_shuffled"] < 0.05
    assert abs(found["mean_cosine_shuffled"]) < 0.1
    assert found == measure_alignment(pairs, rows, rows)
