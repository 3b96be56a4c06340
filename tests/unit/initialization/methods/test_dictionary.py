"""The methods that read a dictionary: numbers by hand, ties, what is refused, and each from names to export."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from focus_core.analysis.provenance.explain import explain_token
from focus_core.api import run_request, run_to_folder
from focus_core.corpus.corpus import open_corpus
from focus_core.corpus.dictionary import Dictionary
from focus_core.errors import InvalidInputError
from focus_core.export.run_model import export_state
from focus_core.initialization.auxiliary.words import WordVectors, count_words, read_word_vectors
from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.dictionary.alignment import align_pairs, procrustes
from focus_core.initialization.methods.dictionary.nearest import nearest_sources
from focus_core.initialization.methods.dictionary.removal import align_tokens, without_tokens
from focus_core.initialization.methods.dictionary.tik_to_tok import near_weights
from focus_core.initialization.methods.dictionary.token_space import token_vectors
from focus_core.initialization.methods.dictionary.wechsel import softmax
from focus_core.initialization.request import InitRequest
from focus_core.models.source import load_source
from focus_core.tokenization.vocabulary import load_vocabulary
from focus_core.types import SubwordVectors
from tests import tiny_models
from tests.tiny_models import SOURCE_LINES, TARGET_LINES, target_tokenizer, tiny_model

METHODS = ("wechsel", "tik-to-tok", "dictionary-removal")
PAIRS = {"market": "Markt", "bread": "Brot", "milk": "Milch", "farmer": "Bauer", "children": "Kinder", "house": "Haus"}

ALL = "".join(f"{one}\t{other}\n" for one, other in PAIRS.items())


def space(**vectors: list[float]) -> WordVectors:
    rows = np.array(list(vectors.values()), np.float32)
    ones = np.ones(len(vectors))
    return WordVectors(name="x", digest="", n_bytes=0, words=tuple(vectors), vectors=rows, frequency=ones)


# --- by hand ----------------------------------------------------------------------------------------------------


def test_softmax_of_a_tenth() -> None:
    """exp(9), exp(8), exp(5) over their sum."""
    np.testing.assert_allclose(softmax(np.array([[0.9, 0.8, 0.5]]), 0.1)[0], [0.7214, 0.2654, 0.0132], atol=5e-5)


@pytest.mark.parametrize(("n_wrong", "first"), [(0, [0, 1]), (1, [0.243, 0.970]), (2, [0.447, 0.894])])
def test_procrustes_with_a_wrong_pair(n_wrong: int, first: list[float]) -> None:
    """A quarter turn, and the pair (1, 0) -> (1, 0): the angle has cosine n and sine 4 over their length."""
    source = np.array([[1, 0], [0, 1], [1, 1]] + [[1, 0]] * n_wrong, float)
    target = np.array([[0, 1], [-1, 0], [-1, 1]] + [[1, 0]] * n_wrong, float)
    rotation = procrustes(source, target)
    np.testing.assert_allclose(rotation[0], first, atol=5e-4)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(2), atol=1e-12)


def test_spaces_of_unequal_width_are_laid_onto_one_another() -> None:
    """Three dimensions onto two, and back: the columns, or the rows, are orthonormal."""
    wide, narrow = np.array([[1, 0, 0], [0, 2, 0], [1, 1, 0]], float), np.array([[0, 1], [2, 0], [1, 1]], float)
    np.testing.assert_allclose(procrustes(wide, narrow), [[0, 1], [1, 0], [0, 0]], atol=1e-12)
    np.testing.assert_allclose(procrustes(narrow, wide), [[0, 1, 0], [1, 0, 0]], atol=1e-12)


def test_every_variant_of_case_counts_once() -> None:
    """milk-maziwa as written and with a capital on the left; the line that comes twice adds nothing."""
    source, target = space(milk=[1, 0], Milk=[0, 1], bread=[1, 1]), space(maziwa=[1, 0], mkate=[0, 1])
    pairs = (("milk", "maziwa"), ("Milk", "maziwa"), ("BREAD", "Mkate"), ("house", "mkate"))
    found = align_pairs(Dictionary(name="d", digest="", pairs=pairs), source, target)
    assert list(zip(found.source_rows.tolist(), found.target_rows.tolist(), strict=True)) == [(0, 0), (1, 0), (2, 1)]
    assert found.to_dict() == {
        "n_read": 4, "n_with_source_vector": 3, "n_with_target_vector": 4, "n_aligned": 3
    }  # fmt: skip


def test_the_weights_of_three_near_tokens() -> None:
    """0.4 and 0.2 to the first two, and 0.4 spread over all."""
    np.testing.assert_allclose(near_weights(), [0.5333, 0.3333, 0.1333], atol=5e-5)


def test_ties_go_to_the_same_word_start_then_to_the_lower_id() -> None:
    """Four source tokens with one vector: for two places, those that begin a word as the target does."""
    source = np.array([[1, 0], [1, 0], [1, 0], [1, 0], [0, 1]], np.float32)
    starts = np.array([False, True, False, True, True])
    new = np.array([[2, 0], [1, 0]], np.float32)
    found = nearest_sources(
        new, source, np.array([3, 5, 7, 9, 11]), k=2, new_starts=np.array([True, False]), source_starts=starts
    )
    assert found.source_ids.tolist() == [[5, 9], [3, 7]]
    assert found.n_ties == 2
    np.testing.assert_allclose(found.cosines, 1)


def test_ibm_1_finds_what_goes_together() -> None:
    """With 1-10 alone in one pair, the other token of (1 2)-(10 20) must be 2-20."""
    counts = align_tokens([[1, 2], [1], []], [[10, 20], [10], [30]])
    assert {t: dict(row) for t, row in counts.items()} == {10: {1: 2}, 20: {2: 1}}


@pytest.mark.parametrize("family", ["roberta", "bert", "gpt2"])
def test_a_tokenizer_without_a_token_cuts_into_smaller_ones(family: str) -> None:
    """What is left out is made no more, and what the others are stays."""
    import json

    build, _ = tiny_models.TOKENIZERS[family]
    backend = build(SOURCE_LINES)
    whole = max(backend.encode(" market").tokens, key=len)
    without = without_tokens(json.loads(backend.to_str()), {whole})
    again = without.encode(" market", add_special_tokens=False).tokens
    assert whole not in again
    assert len(again) > 1
    assert not set(again) - set(backend.get_vocab())


def test_tokens_get_the_mean_of_the_words_that_contain_them(tmp_path: Path) -> None:
    """Each word counts once at the start and once after a space, by its frequency."""
    vocabulary = load_vocabulary(target_tokenizer("roberta", tmp_path / "t"))
    one = vocabulary.backend.encode(" Markt", add_special_tokens=False).ids
    words = dataclasses.replace(space(Markt=[1, 0], Milch=[0, 1]), frequency=np.array([3.0, 1.0]))
    found = token_vectors(words, vocabulary, SubwordVectors.WORDS)
    other = vocabulary.backend.encode(" Milch", add_special_tokens=False).ids
    for i in set(one) - set(other):
        np.testing.assert_allclose(found[i], [1, 0])
    for i in set(one) & set(other):
        np.testing.assert_allclose(found[i], [0.75, 0.25])
    by_grams = token_vectors(words, vocabulary, SubwordVectors.NGRAMS)
    for i in (i for i in range(vocabulary.n) if vocabulary.texts[i].strip() == "Markt"):
        np.testing.assert_allclose(by_grams[i], [1, 0])


def test_words_are_counted_as_tokens_are(tmp_path: Path) -> None:
    """Words that come once are no words; two that stand among the same others lie alike."""
    path = tmp_path / "text.txt"
    lines = [f"{a} {b} leo" for a in ("Mkulima", "Mvuvi") for b in ("analima", "anauza", "anapika")] * 3 + ["mara moja"]
    path.write_text("\n".join(lines), encoding="utf-8")
    found = count_words(open_corpus([path]), dim=4)
    assert "moja" not in found.places
    assert found.frequency[found.places["leo"]] == 18
    one, other = (found.vectors[found.places[word]] for word in ("Mkulima", "Mvuvi"))
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.99
    again = read_word_vectors(path, dim=4)
    np.testing.assert_array_equal(again.vectors, found.vectors)


# --- whole ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> InitRequest:
    folder = tmp_path_factory.mktemp("dictionary")
    (folder / "text.txt").write_text("\n".join(TARGET_LINES * 3), encoding="utf-8")
    (folder / "words.tsv").write_text("\n".join(f"{a}\t{b}" for a, b in PAIRS.items()), encoding="utf-8")
    return InitRequest(
        source=str(tiny_model("roberta", folder / "source")),
        target_tokenizer=str(target_tokenizer("roberta", folder / "target")),
        corpus=(folder / "text.txt",),
        dictionary=folder / "words.tsv",
    )


def options(method: str, **more: object) -> InitConfig:
    return InitConfig(method=method, **({"least_pairs": 1, "dim": 8} if method == "wechsel" else {}), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", METHODS)
def test_from_names_to_an_exported_model(asked: InitRequest, method: str, tmp_path: Path) -> None:
    run = run_to_folder(dataclasses.replace(asked, config=options(method)), tmp_path / "run")
    origins = run.column("tokens", "origin")
    assert (origins == "combined").any()
    target = int(np.flatnonzero(origins == "combined")[0])
    explanation = explain_token(run, target)
    assert sum(c.weight for c in explanation.contributors) == pytest.approx(1, abs=1e-5)
    assert explanation.threshold is None
    assert "subword" not in explanation.verdicts[0].text
    source = load_source(str(asked.source)).input
    row = sum(c.weight * source[c.source_id] for c in explanation.contributors)
    torch.testing.assert_close(torch.from_numpy(run.rows("input", [target])[0]), row, atol=1e-6, rtol=1e-5)
    assert run.manifest["notes"]["method"]["n_read"] == len(PAIRS)
    export_state(run, None, tmp_path / "model")
    assert (tmp_path / "model" / "model.safetensors").is_file()


@pytest.mark.parametrize("method", METHODS)
def test_the_overlap_need_not_be_copied(asked: InitRequest, method: str) -> None:
    with_copies, without = (
        run_request(dataclasses.replace(asked, config=options(method, copy_overlap=copies))) for copies in (True, False)
    )
    assert with_copies.by_origin["copied"] == with_copies.overlap.n_overlap
    assert without.by_origin["copied"] < with_copies.by_origin["copied"]
    assert without.by_origin["copied"] > 0, "special tokens are copied still"


def test_vectors_may_be_given_on_both_sides(asked: InitRequest, tmp_path: Path) -> None:
    """A target word of (0, 1) is turned onto the source's (1, 0), so its token is nearest to that word's."""
    for name, words in (("en", PAIRS), ("de", PAIRS.values())):
        turned = 1 if name == "en" else -1
        lines = [f"{word} {i + 1} {turned * (i * i + 1)}" for i, word in enumerate(words)]
        (tmp_path / f"{name}.vec").write_text("\n".join([f"{len(lines)} 2", *lines]), encoding="utf-8")
    request = dataclasses.replace(
        asked, corpus=(), auxiliary=tmp_path / "de.vec", source_vectors=tmp_path / "en.vec",
        config=options("wechsel", top_k=1),
    )  # fmt: skip
    result = run_request(request)
    roles = [entry["role"] for entry in result.inputs]
    assert {"auxiliary", "source_vectors", "dictionary"} <= set(roles)
    assert result.auxiliary is None
    assert result.config.temperature == 0.1
    source, target = load_vocabulary(str(asked.source)), load_vocabulary(str(asked.target_tokenizer))
    (milch,) = set(target.backend.encode(" Milch", add_special_tokens=False).ids[:1])
    milk = set(source.backend.encode(" milk", add_special_tokens=False).ids)
    if result.weights.support[milch] and not np.isin(milch, result.overlap.target_ids):
        assert set(result.weights.contributors(milch)[0].tolist()) <= milk | set(range(source.n))


@pytest.mark.parametrize(
    ("method", "lines", "config", "said"),
    [
        ("wechsel", ALL, {}, r"words.tsv: expected at least 50 pairs .* got \d+: of 6 read, 6 have a source vector"),
        ("wechsel", "xx\tyy\n", {"least_pairs": 1}, r"got 0: of 1 read, 1 have a source vector and 0 a target one"),
        ("wechsel", ALL, {"least_pairs": 1, "top_k": 10**6}, r"--top-k: expected at most [\d,]+"),
        ("tik-to-tok", "\u0416\t\u0416\n", {}, "words.tsv: expected words of both vocabularies, got 1 pairs read"),
    ],
)
def test_a_dictionary_that_says_too_little_is_refused(
    asked: InitRequest, method: str, lines: str, config: dict, said: str, tmp_path: Path
) -> None:
    (tmp_path / "words.tsv").write_text(lines, encoding="utf-8")
    given = dataclasses.replace(
        asked, dictionary=tmp_path / "words.tsv", config=InitConfig(method=method, dim=8, **config)
    )
    with pytest.raises(InvalidInputError, match=said):
        run_request(given)
