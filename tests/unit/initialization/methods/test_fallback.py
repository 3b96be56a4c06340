"""Rows without weights: random rows keyed by token, statistics, scripts, pieces, means; and never silently."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.fallback import (
    InitialisedEmbeddings,
    embedding_statistics,
    initialise_embeddings,
    standard_normal_embeddings,
    statistic_embeddings,
)
from focus_core.initialization.methods.subwords import fallback_rows, subword_ids
from focus_core.initialization.weights import COPIED, FALLBACK, SparseRows, WeightMatrix, assemble
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend
from focus_core.types import Fallback, Preset


def words(names: Sequence[str], *, specials: Sequence[str] = (), gap: int | None = None) -> Vocabulary:
    """Build a vocabulary of whole words after some special tokens; ``gap`` is an id without a token."""
    ids = [i for i in range(len(specials) + len(names) + (gap is not None)) if i != gap]
    table = dict(zip([*specials, *names], ids, strict=True))
    backend = Tokenizer(models.WordLevel(table, unk_token="unk"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.add_special_tokens([AddedToken(name, special=True) for name in specials])
    return vocabulary_from_backend(backend, name="words")


def only_copies(target: Vocabulary, source: Vocabulary, pairs: dict[int, int]) -> WeightMatrix:
    """Copy the given rows and leave every other one to the fallback."""
    origins = np.full(target.n, FALLBACK)
    origins[list(pairs)] = COPIED
    copies = SparseRows.copies(np.array(list(pairs), np.int32), np.array(list(pairs.values()), np.int32))
    return assemble([copies], shape=(target.n, source.n), origins=origins, rules=np.zeros(target.n))


def normal_matrix(n: int, d: int = 4, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed)) * 2 + 5


LATIN, ARABIC = [f"neno{c}" for c in "abcdefgh"], ["شمس", "قمر", "بحر"]
SOURCE = words([*LATIN, *ARABIC], specials=["[PAD]", "[CLS]"])


def fill(target: Vocabulary, matrix: torch.Tensor, **options: object) -> InitialisedEmbeddings:
    weights = only_copies(target, SOURCE, {0: 2})
    config = InitConfig(**options)  # type: ignore[arg-type]
    return initialise_embeddings(weights, matrix, source=SOURCE, target=target, config=config)


def test_normal_rows_have_the_mean_and_deviation_of_the_source() -> None:
    """4,000 rows of N(mu, sigma): the mean of each dimension errs by sigma / sqrt(4000), about 1.6 % of sigma."""
    target = words([f"jipya{i}" for i in range(4001)])
    matrix = normal_matrix(SOURCE.n)
    made = fill(target, matrix)
    drawn, ordinary = made.rows[1:].double(), matrix[2:].double()
    assert ((drawn.mean(0) - ordinary.mean(0)).abs() < 5 * ordinary.std(0) / 4000**0.5).all()
    np.testing.assert_allclose(drawn.std(0), ordinary.std(0), rtol=0.06)
    assert made.fallbacks == {"normal": 4000}
    assert torch.equal(made.rows[0], matrix[2])


def test_a_random_row_depends_on_seed_matrix_and_token_alone() -> None:
    """In the reference one rare token more changes every later random row."""
    matrix = normal_matrix(SOURCE.n)
    few, many = words(["a", "jua", "nyota"]), words(["x", "nyota", "b", "c", "jua"])
    first, second = fill(few, matrix), fill(many, matrix)
    assert torch.equal(first.rows[1], second.rows[4])
    assert torch.equal(first.rows[2], second.rows[1])
    assert not torch.equal(first.rows[1], fill(few, matrix, seed=7).rows[1])
    weights, config = only_copies(few, SOURCE, {0: 2}), InitConfig()
    output = initialise_embeddings(weights, matrix, source=SOURCE, target=few, config=config, name="output")
    assert not torch.equal(first.rows[1], output.rows[1])


def test_the_stream_of_a_token_is_fixed() -> None:
    """A golden row: changing the generator or its key changes every run, and must be deliberate."""
    row = standard_normal_embeddings(42, "input", [b"\x01jua"], 3)[0]
    np.testing.assert_allclose(row, [1.5209311, -0.0237903, 0.815797], rtol=1e-5)
    assert row.dtype == np.float32


def test_tokens_that_differ_in_word_start_or_kind_have_streams_of_their_own() -> None:
    keys = [b"\x00a", b"\x01a", b"\x02a", b"\x03a"]
    rows = standard_normal_embeddings(42, "input", keys, 9)
    assert len({row.tobytes() for row in rows}) == 4
    for key, row in zip(reversed(keys), standard_normal_embeddings(42, "input", keys[::-1], 9), strict=True):
        assert row.tobytes() == rows[keys.index(key)].tobytes()


def test_special_rows_are_left_out_of_the_statistics_by_default() -> None:
    matrix = normal_matrix(SOURCE.n)
    matrix[:2] = 1000.0
    made = fill(words(["a", "b"]), matrix)
    np.testing.assert_allclose(made.statistics.mean, matrix[2:].mean(0), rtol=1e-5)
    assert made.statistics.n_rows == SOURCE.n - 2


def test_the_paper_counts_every_row() -> None:
    matrix = normal_matrix(SOURCE.n + 3)
    config = InitConfig.for_preset(Preset.PAPER)
    assert statistic_embeddings(SOURCE, config, len(matrix)).tolist() == [*range(SOURCE.n + 3)]
    weights, target = only_copies(words(["a", "b"]), SOURCE, {0: 2}), words(["a", "b"])
    made = initialise_embeddings(weights, matrix, source=SOURCE, target=target, config=config)
    np.testing.assert_allclose(made.statistics.mean, matrix.mean(0), rtol=1e-5)
    np.testing.assert_allclose(made.statistics.std, matrix.std(0), rtol=1e-5)


def test_a_vocabulary_of_specials_alone_still_has_statistics() -> None:
    source = words([], specials=["[PAD]", "[CLS]"])
    assert statistic_embeddings(source, InitConfig(), 2).tolist() == [0, 1]


def test_statistics_in_blocks_are_torch_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unbiased, as torch computes them; a large common offset costs no digits."""
    monkeypatch.setattr("focus_core.initialization.methods.fallback._BLOCK_ROWS", 7)
    matrix = normal_matrix(61).double() + 1000
    found = embedding_statistics(matrix.float(), np.arange(61))
    np.testing.assert_allclose(found.mean, matrix.mean(0), rtol=1e-6)
    np.testing.assert_allclose(found.std, matrix.std(0), rtol=1e-3)
    assert embedding_statistics(matrix.float(), np.array([5])).std.tolist() == [0.0] * 4


def test_script_rows_come_from_rows_of_their_script() -> None:
    """Latin source rows lie around 100, Arabic ones around -100; Greek is not there and falls back to all rows."""
    matrix = torch.zeros(SOURCE.n, 3)
    matrix[2 : 2 + len(LATIN)] = 100 + normal_matrix(len(LATIN), 3)
    matrix[2 + len(LATIN) :] = -100 + normal_matrix(len(ARABIC), 3)
    target = words(["a", "jua", "نجم", "ήλιος"])
    made = fill(target, matrix, fallback=Fallback.SCRIPT)
    assert (made.rows[1] > 50).all()
    assert (made.rows[2] < -50).all()
    assert made.fallbacks == {"script and word start": 2, "normal": 1}


def test_a_script_with_one_row_is_no_script() -> None:
    """One row has no deviation; script-wise code that divides by n - 1 = 0 makes NaN of every such token."""
    source = words([*LATIN, "شمس"])
    target = words(["a", "نجم"])
    config = InitConfig(fallback=Fallback.SCRIPT)
    matrix = normal_matrix(source.n)
    made = initialise_embeddings(
        only_copies(target, source, {0: 2}), matrix, source=source, target=target, config=config
    )
    assert made.fallbacks == {"normal": 1}
    assert torch.isfinite(made.rows).all()


def test_a_script_without_that_word_start_uses_the_whole_script(build_tokenizer: Callable[[str], Tokenizer]) -> None:
    """Every token of a word-level source starts a word; a Latin piece inside a word takes all Latin rows."""
    target = vocabulary_from_backend(build_tokenizer("wordpiece"), name="wordpiece")
    inside = next(i for i in range(target.n) if target.tokens[i].startswith("##") and target.scripts[i] == "Latin")
    weights = only_copies(target, SOURCE, {i: 2 for i in range(target.n) if i != inside})
    config = InitConfig(fallback=Fallback.SCRIPT)
    made = initialise_embeddings(weights, normal_matrix(SOURCE.n), source=SOURCE, target=target, config=config)
    assert made.fallbacks == {"script": 1}


def test_mean_rows_are_the_mean() -> None:
    matrix = normal_matrix(SOURCE.n)
    made = fill(words(["a", "b", "c"]), matrix, fallback=Fallback.MEAN)
    np.testing.assert_allclose(made.rows[1:], matrix[2:].mean(0).expand(2, -1), rtol=1e-5)
    assert made.fallbacks == {"mean": 2}


def test_gap_ids_take_the_mean_row_not_zeros() -> None:
    """The reference leaves ids without a token at zero."""
    target = words(["a", "b", "c"], gap=1)
    assert target.present.tolist() == [True, False, True, True]
    matrix = normal_matrix(SOURCE.n)
    made = fill(target, matrix)
    np.testing.assert_allclose(made.rows[1], matrix[2:].mean(0), rtol=1e-5)
    assert made.fallbacks == {"normal": 2}


def test_an_empty_row_takes_the_mean_bias() -> None:
    """The reference leaves the bias where the old ids were."""
    bias = torch.arange(float(SOURCE.n))
    made = fill(words(["a", "b"]), bias)
    assert made.rows.shape == (2,)
    assert made.rows.tolist() == [2.0, bias[2:].mean().item()]
    assert made.fallbacks == {"mean": 1}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_the_dtype_of_the_source_is_kept(dtype: torch.dtype) -> None:
    assert fill(words(["a", "b"]), normal_matrix(SOURCE.n).to(dtype)).rows.dtype == dtype


def test_integer_source_becomes_float32() -> None:
    matrix = torch.randint(-128, 128, (SOURCE.n, 4), dtype=torch.int8)
    made = fill(words(["a", "b"]), matrix)
    assert made.rows.dtype == torch.float32
    assert made.rows[0].tolist() == matrix[2].tolist()


def test_nothing_new_leaves_nothing_to_report() -> None:
    assert fill(words(["a"]), normal_matrix(SOURCE.n)).fallbacks == {}


def as_text(source: Vocabulary, ids: Sequence[int]) -> str:
    return b"|".join((b" " if source.word_start[i] else b"") + source.contents[i] for i in ids).decode()


@pytest.mark.parametrize("family", ["unigram", "bpe", "byte-level-bpe", "wordpiece"])
def test_pieces_spell_the_token_with_its_word_start(family: str, build_tokenizer: Callable[[str], Tokenizer]) -> None:
    """Every piece sequence reads as the token's text; a word start stays one, the inside of a word stays inside."""
    source = vocabulary_from_backend(build_tokenizer(family), name=family)
    for other in ("unigram", "byte-level-bpe", "wordpiece"):
        target = vocabulary_from_backend(build_tokenizer(other), name=other)
        seen = 0
        for i in np.flatnonzero(target.kinds == 0).tolist():
            text, ids = target.texts[i], subword_ids(i, source=source, target=target)
            if not ids or not text.isascii() or not text.isalpha():
                continue
            spelled = as_text(source, ids).replace("|", "")
            if spelled.strip() == text:  # all of its characters are known to the source
                seen += 1
                assert spelled.startswith(" ") == target.word_start[i], (family, other, target.tokens[i], spelled)
        assert seen > 40, (family, other)


def test_pieces_of_a_token_that_the_source_has_are_that_token(build_tokenizer: Callable[[str], Tokenizer]) -> None:
    vocabulary = vocabulary_from_backend(build_tokenizer("unigram"), name="unigram")
    same = [subword_ids(i, source=vocabulary, target=vocabulary) for i in np.flatnonzero(vocabulary.kinds == 0)]
    assert sum(len(ids) == 1 for ids in same) > 0.8 * len(same)


def test_partial_bytes_are_pieces_of_byte_vocabularies_only(build_tokenizer: Callable[[str], Tokenizer]) -> None:
    target = vocabulary_from_backend(build_tokenizer("byte-level-bpe"), name="target")
    lone = next(i for i in range(target.n) if target.contents[i] == b"\xe0")
    for family, expected in (("bpe", "<0xE0>"), ("byte-level-bpe", target.tokens[lone]), ("unigram", None)):
        source = vocabulary_from_backend(build_tokenizer(family), name=family)
        found = [source.tokens[i] for i in subword_ids(lone, source=source, target=target)]
        assert found == ([expected] if expected else [])


def test_specials_and_unknown_pieces_are_no_pieces(build_tokenizer: Callable[[str], Tokenizer]) -> None:
    """Averaging the unknown token in makes every rare token look alike."""
    source = vocabulary_from_backend(build_tokenizer("wordpiece"), name="wordpiece")
    target = words(["ユニコード", "market"], specials=["[CLS]"])
    assert subword_ids(0, source=source, target=target) == []
    assert subword_ids(1, source=source, target=target) == []
    assert subword_ids(2, source=source, target=target) != []


def test_piece_rows_are_means_and_are_counted(build_tokenizer: Callable[[str], Tokenizer]) -> None:
    source = vocabulary_from_backend(build_tokenizer("wordpiece"), name="wordpiece")
    target = words(["market", "ユニコード"])
    rows = fallback_rows(np.array([0, 1]), source=source, target=target, fallback=Fallback.SUBWORDS)
    assert rows.rows.tolist() == [0]
    np.testing.assert_allclose(rows.weights.sum(), 1, rtol=1e-6)
    weights = assemble([rows], shape=(2, source.n), origins=np.full(2, FALLBACK), rules=np.zeros(2))
    matrix = normal_matrix(source.n)
    config = InitConfig(fallback=Fallback.SUBWORDS)
    made = initialise_embeddings(weights, matrix, source=source, target=target, config=config)
    ids = subword_ids(0, source=source, target=target)
    np.testing.assert_allclose(made.rows[0], matrix[ids].mean(0), rtol=1e-5)
    assert made.fallbacks == {"pieces": 1, "normal": 1}


@pytest.mark.parametrize("fallback", [Fallback.NORMAL, Fallback.SCRIPT, Fallback.MEAN])
def test_other_fallbacks_have_no_weights(fallback: Fallback) -> None:
    rows = fallback_rows(np.array([0]), source=SOURCE, target=SOURCE, fallback=fallback)
    assert len(rows.rows) == 0
