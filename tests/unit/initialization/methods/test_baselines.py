"""The methods beside FOCUS: what each copies, what its other rows are made of, and that none needs text or vectors."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models

from focus_core.analysis.checks.base import Status
from focus_core.analysis.checks.registry import run_checks
from focus_core.analysis.provenance.explain import explain_token
from focus_core.api import run_request
from focus_core.cli import main as cli
from focus_core.corpus.corpus import open_corpus
from focus_core.errors import AuxiliaryError, InvalidInputError
from focus_core.initialization.auxiliary.vectors import AuxiliaryVectors
from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.fallback import standard_normal_embeddings
from focus_core.initialization.methods.multivariate import MultivariateNormal, fit_normal
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.overlap.matching import match_vocabularies
from focus_core.initialization.pipeline import run_focus
from focus_core.initialization.request import InitRequest
from focus_core.initialization.result import FocusResult
from focus_core.jobs.estimate import estimate_run
from focus_core.models.source import SourceModel
from focus_core.runs.folder import RunFolder, open_run
from focus_core.tokenization.corpus_statistics import CorpusStatistics
from focus_core.tokenization.identity import SPECIAL
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend
from focus_core.types import (
    METHOD_SUMMARIES,
    NEED_SUMMARIES,
    ORIGINS,
    RULES,
    AuxiliarySpace,
    Fallback,
    MethodName,
    Need,
    Origin,
    Preset,
    Rule,
)
from tests.integration.small_inputs import SmallInputs, make_small_inputs
from tests.toy_run import unigram, write_toy_run

BASELINES = tuple(name for name, method in METHODS.items() if not method.needs and method.rank is None)
COPY_TEXT = ("script", "subword-mean", "asymmetric-mean", "merge", "overlap")
BY_PARTS = ("subword-mean", "asymmetric-mean", "merge")
COPY_SPECIALS = ("multivariate-normal", "mean", "random")
COPIED, COMBINED, FALLBACK = (ORIGINS.index(o) for o in (Origin.COPIED, Origin.COMBINED, Origin.FALLBACK))

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
ROLES = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}


def pieces(names: Sequence[str], *, mask: str = "<mask>") -> Vocabulary:
    """Build a vocabulary of exactly these pieces after five special tokens; ``▁`` begins a word."""
    specials = (*SPECIALS[:4], mask)
    config = {**ROLES, "mask_token": mask}
    return vocabulary_from_backend(unigram(tuple(names), specials=specials), name="pieces", config=config)


LATIN_START, LATIN_INSIDE, ARABIC = ("▁ab", "▁cd"), ("ab", "cd"), ("▁شم", "قم")
SOURCE = pieces([*LATIN_START, *LATIN_INSIDE, *ARABIC])
TARGET = pieces(["▁ab", "cd", "▁jua", "jua", "نجم", "ήλιος", "▁abcd", "cdcd", "abzz"], mask="[MASK]")
"""``▁ab``, ``cd`` and the special tokens are shared, the mask by its type alone; the other seven are new."""

MATRIX = torch.tensor(
    [[1000.0, -1000.0]] * 5 + [[1.0, 10.0]] * 2 + [[2.0, 20.0]] * 2 + [[4.0, 40.0], [6.0, 60.0]], dtype=torch.float32
)
"""Special rows far away; two Latin groups without a deviation; one Arabic row that begins a word, one inside a word."""


def model_of(matrix: torch.Tensor, *, bias: torch.Tensor | None = None) -> SourceModel:
    return SourceModel(name="tiny", input=matrix, bias=bias, digest="0" * 64, n_bytes=0, spec="")


def initialise(method: str, **options: object) -> FocusResult:
    """Run a method on the tiny vocabularies."""
    changes = {name: options.pop(name) for name in ("corpus", "auxiliary", "user_map") if name in options}
    bias = torch.arange(SOURCE.n, dtype=torch.float32)
    return run_focus(
        source=SOURCE,
        target=TARGET,
        model=model_of(MATRIX, bias=bias),
        config=InitConfig(method=method, device="cpu", **options),  # type: ignore[arg-type]
        **changes,  # type: ignore[arg-type]
    )


def place(token: str) -> int:
    return TARGET.tokens.index(token)


def row(result: FocusResult, token: str, name: str = "input") -> list[float]:
    found: list[float] = result.embeddings[name][place(token)].tolist()
    return found


def random_row(token: str, seed: int = 42) -> np.ndarray:
    return standard_normal_embeddings(seed, "input", [TARGET.identities[place(token)]], 2)[0]


# --- the registry -----------------------------------------------------------------------------------------------


def test_every_name_has_an_entry_and_a_line() -> None:
    assert tuple(METHODS) == tuple(MethodName) == tuple(METHOD_SUMMARIES)
    assert next(iter(METHODS)) == "focus"
    assert [name for name, method in METHODS.items() if method.needs_text] == [
        "focus",
        "joint-focus",
        "unibridge",
        "tokalign",
        "wechsel",
        "salt",
        "ridge",
        "constrained-word2vec",
        "vocadt",
        "token-distillation",
    ]
    assert tuple(NEED_SUMMARIES) == tuple(Need)
    assert all("\n" not in line and len(line) < 120 for line in NEED_SUMMARIES.values())
    assert [name for name, method in METHODS.items() if not method.copies_text] == list(COPY_SPECIALS)
    assert all(method.name == name for name, method in METHODS.items())
    assert all("\n" not in method.summary and len(method.summary) < 100 for method in METHODS.values())
    assert len({method.summary for method in METHODS.values()}) == len(METHODS)


def test_what_a_method_lacks_is_what_it_needs_and_is_not_given() -> None:
    method = dataclasses.replace(METHODS["focus"], needs=(Need.TEXT, Need.DICTIONARY))
    assert method.lacks(()) == (Need.TEXT, Need.DICTIONARY)
    assert method.lacks({Need.TEXT, Need.BODY}) == (Need.DICTIONARY,)
    assert method.lacks(tuple(Need)) == ()
    assert METHODS["mean"].lacks(()) == ()


def test_the_help_of_init_says_what_each_method_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["init", "--help"]) == 0
    shown = "".join(capsys.readouterr().out.split())  # lines are broken at hyphens too
    for name, summary in METHOD_SUMMARIES.items():
        assert "".join(f"{name}: {summary}".split()) in shown


@pytest.mark.parametrize("method", ["script", *COPY_SPECIALS])
def test_a_fallback_beside_a_method_that_has_its_own_is_refused(method: str) -> None:
    with pytest.raises(InvalidInputError, match=r"--fallback.*--method overlap"):
        METHODS[method].resolve(InitConfig(fallback=Fallback.SUBWORDS))


@pytest.mark.parametrize("method", METHODS)
def test_resolved_options_stay_as_they_are(method: str) -> None:
    once = METHODS[method].resolve(InitConfig(method=method))
    assert METHODS[method].resolve(once) == once
    assert once.fallback == (METHODS[method].fallback or Fallback.NORMAL)


def test_the_paper_is_focus() -> None:
    assert InitConfig.for_preset(Preset.PAPER).method == "focus"
    config = InitConfig.for_preset(Preset.PAPER, method="random")
    assert config.differences_from_paper()["method"] == ["focus", "random"]
    assert "method" not in InitConfig().differences_from_paper()


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), 1e6])
def test_the_scale_of_the_covariance_has_a_range(scale: float) -> None:
    with pytest.raises(InvalidInputError, match="--covariance-scale"):
        InitConfig(covariance_scale=scale)


# --- what is copied ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", BASELINES)
def test_specials_are_copied_by_role_under_every_method(method: str) -> None:
    """``[MASK]`` has another name than the source's ``<mask>``; released script-wise code draws these rows anew."""
    made = initialise(method)
    for target_id, source_id in enumerate(range(5)):
        assert torch.equal(made.embeddings["input"][target_id], MATRIX[source_id])
        assert made.embeddings["bias"][target_id] == source_id
    assert made.counts["by_rule"]["special"] == 1


@pytest.mark.parametrize("method", COPY_TEXT)
def test_shared_text_is_copied(method: str) -> None:
    made = initialise(method)
    assert row(made, "▁ab") == [1.0, 10.0]
    assert row(made, "cd") == [2.0, 20.0]
    assert made.counts["by_rule"] == {"user": 0, "special": 1, "exact": 6, "fuzzy": 0, "symbol": 0}
    assert made.by_origin["copied"] == 7 == made.counts["n_overlap"]


@pytest.mark.parametrize("method", COPY_SPECIALS)
def test_shared_text_is_a_fallback_row_that_is_not_called_a_copy(method: str) -> None:
    made = initialise(method)
    assert made.by_origin == {"copied": 5, "combined": 0, "fallback": 9}
    assert made.counts["n_overlap"] == 7  # shared all the same
    assert made.counts["by_rule"] == {"user": 0, "special": 1, "exact": 4, "fuzzy": 0, "symbol": 0}
    shared = [place("▁ab"), place("cd")]
    assert (made.weights.origins[shared] == FALLBACK).all()
    assert (made.weights.rules[shared] == RULES.index(Rule.NONE)).all()
    assert (made.copied_from[shared] == -1).all()
    assert made.copied_from[:5].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("method", BASELINES)
def test_the_users_own_pairs_are_copied_under_every_method(method: str) -> None:
    made = initialise(method, user_map={place("▁jua"): 9, place("cd"): 10})
    assert row(made, "▁jua") == [4.0, 40.0]
    assert row(made, "cd") == [6.0, 60.0]
    assert made.counts["by_rule"]["user"] == 2


# --- script -----------------------------------------------------------------------------------------------------


def test_script_rows_worked_out_by_hand() -> None:
    """Two Latin rows begin a word, both (1, 10): no deviation, so any new one is (1, 10); inside a word (2, 20).

    Arabic has one row of each kind, too few for a deviation, but two together: mean (5, 50), std sqrt(2) (1, 10).
    Greek has none: all six rows of text, mean (16, 160) / 6; squared distances of the first dimension from 8/3:
    2 (25/9) + 2 (4/9) + 16/9 + 100/9 = 174/9, so the variance is 174/45. Special rows of 1000 would show.
    """
    made = initialise("script")
    assert row(made, "▁jua") == [1.0, 10.0]
    assert row(made, "jua") == [2.0, 20.0]
    np.testing.assert_allclose(row(made, "نجم"), [5, 50] + random_row("نجم") * np.sqrt(2) * [1, 10], rtol=1e-5)
    deviation = np.sqrt(174 / 45) * np.array([1, 10])
    np.testing.assert_allclose(row(made, "ήλιος"), [8 / 3, 80 / 3] + random_row("ήλιος") * deviation, rtol=1e-4)
    assert made.notes["fallbacks"]["input"] == {"script and word start": 5, "script": 1, "normal": 1}
    assert made.config.fallback is Fallback.SCRIPT
    assert (made.weights.origins[TARGET.kinds != SPECIAL] != COMBINED).all()


# --- subword mean -----------------------------------------------------------------------------------------------


def test_piece_means_worked_out_by_hand() -> None:
    """▁abcd = ▁ab + cd: the mean of (1, 10) and (2, 20). cdcd is cd twice. abzz keeps ab: zz is unknown.

    ▁jua and jua have no piece at all: a draw from all rows.
    """
    made = initialise("subword-mean")
    assert row(made, "▁abcd") == [1.5, 15.0]
    assert row(made, "cdcd") == [2.0, 20.0]
    assert row(made, "abzz") == [2.0, 20.0]
    assert made.embeddings["bias"][place("▁abcd")] == (5 + 8) / 2
    ids, weights, similarities = made.weights.contributors(place("cdcd"))
    assert (ids.tolist(), weights.tolist()) == ([8], [1.0])
    assert np.isnan(similarities).all()
    combined = np.flatnonzero(made.weights.origins == COMBINED)
    assert {TARGET.tokens[i] for i in combined} == {"▁abcd", "cdcd", "abzz"}
    np.testing.assert_allclose(made.weights.matrix[combined].sum(axis=1), 1, rtol=1e-6)
    assert made.notes["fallbacks"]["input"] == {"normal": 4}


def test_tokens_without_a_piece_follow_the_fallback() -> None:
    made = initialise("subword-mean", fallback=Fallback.SCRIPT)
    assert row(made, "▁jua") == [1.0, 10.0]
    assert made.notes["fallbacks"]["input"] == {"script and word start": 2, "script": 1, "normal": 1}


# --- overlap, mean, random --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fallback", "counts"),
    [
        (Fallback.NORMAL, {"normal": 7}),
        (Fallback.SCRIPT, {"script and word start": 5, "script": 1, "normal": 1}),
        (Fallback.SUBWORDS, {"pieces": 3, "normal": 4}),
        (Fallback.MEAN, {"mean": 7}),
        (Fallback.MULTIVARIATE, {"multivariate": 7}),
    ],
)
def test_overlap_leaves_the_rest_to_the_fallback(fallback: Fallback, counts: dict[str, int]) -> None:
    made = initialise("overlap", fallback=fallback)
    assert made.notes["fallbacks"]["input"] == counts
    assert made.by_origin == {"copied": 7, "combined": 0, "fallback": 7}


def test_mean_rows_are_the_mean_of_text_rows() -> None:
    """(1 + 1 + 2 + 2 + 4 + 6) / 6 = 8/3; the bias likewise over ids 5 to 10: 7.5."""
    made = initialise("mean")
    for token in TARGET.tokens[5:]:
        np.testing.assert_allclose(row(made, token), [8 / 3, 80 / 3], rtol=1e-6)
    assert set(made.embeddings["bias"][5:].tolist()) == {7.5}
    assert made.notes["fallbacks"] == {"input": {"mean": 9}, "bias": {"mean": 9}}


def test_random_rows_are_independent_by_dimension() -> None:
    made = initialise("random")
    deviation = np.sqrt(174 / 45) * np.array([1, 10])
    for token in TARGET.tokens[5:]:
        np.testing.assert_allclose(row(made, token), [8 / 3, 80 / 3] + random_row(token) * deviation, rtol=1e-4)
    assert made.notes["fallbacks"]["input"] == {"normal": 9}


@pytest.mark.parametrize("method", ["script", "random", "multivariate-normal", "overlap"])
def test_another_seed_gives_other_rows(method: str) -> None:
    first, second = initialise(method), initialise(method, seed=7)
    assert row(first, "ήλιος") != row(second, "ήλιος")
    assert torch.equal(first.embeddings["input"][:5], second.embeddings["input"][:5])


# --- multivariate normal ----------------------------------------------------------------------------------------


def words(names: Sequence[str]) -> Vocabulary:
    table = {name: i for i, name in enumerate(("[CLS]", *names))}
    backend = Tokenizer(models.WordLevel(table, unk_token="unk"))
    backend.add_special_tokens([AddedToken("[CLS]", special=True)])
    return vocabulary_from_backend(backend, name="words", config={"cls_token": "[CLS]"})


def draw(target: Vocabulary, matrix: torch.Tensor, **options: object) -> torch.Tensor:
    """Return the input matrix of a multivariate normal run; source words are w0, w1, ... after ``[CLS]``."""
    source = words([f"w{i}" for i in range(len(matrix) - 1)])
    config = InitConfig(method="multivariate-normal", **options)  # type: ignore[arg-type]
    return run_focus(source=source, target=target, model=model_of(matrix), config=config).embeddings["input"]


def correlated(n: int, d: int = 4) -> torch.Tensor:
    """Return rows whose dimensions go together, after a far-away special row."""
    generator = torch.Generator().manual_seed(3)
    mixing = torch.randn(d, d, generator=generator)
    rows = torch.randn(n, d, generator=generator) @ mixing + 3
    return torch.cat([torch.full((1, d), 1e4), rows])


def test_drawn_rows_have_the_mean_and_the_covariance_of_the_source() -> None:
    """6,000 rows: a covariance errs by about sqrt((s_ij^2 + s_ii s_jj) / 6000); five times that is allowed.

    The correlations between dimensions, which N(mean, std) loses, are larger than that bound.
    """
    matrix = correlated(500)
    drawn = draw(words([f"n{i}" for i in range(6000)]), matrix)[1:].double().numpy()
    text = matrix[1:].double().numpy()
    expected, found = np.cov(text.T), np.cov(drawn.T)
    error = np.sqrt((expected**2 + np.outer(np.diag(expected), np.diag(expected))) / 6000)
    assert (np.abs(found - expected) < 5 * error).all()
    assert (np.abs(expected) > 5 * error).sum() > 4  # beside the diagonal
    assert (np.abs(drawn.mean(0) - text.mean(0)) < 5 * np.sqrt(np.diag(expected) / 6000)).all()


def test_a_drawn_row_depends_on_no_other_row() -> None:
    """Bit for bit, wherever the row stands and however many there are: blocks are filled up to one size."""
    matrix = correlated(300, d=24)
    few = draw(words(["jua", "mwezi"]), matrix)
    many = draw(words([*(f"n{i}" for i in range(400)), "mwezi", *(f"m{i}" for i in range(301)), "jua"]), matrix)
    assert torch.equal(few[1], many[-1])
    assert torch.equal(few[2], many[401])
    assert not torch.equal(few[1], draw(words(["jua", "mwezi"]), matrix, seed=7)[1])


def test_fewer_rows_than_dimensions_give_rows_in_their_span() -> None:
    """Three rows of eight dimensions span a plane; Cholesky would refuse their covariance."""
    matrix = correlated(3, d=8)
    drawn = draw(words([f"n{i}" for i in range(50)]), matrix)[1:].double()
    text = matrix[1:].double()
    span = (text[1:] - text[0]).T
    offset = (drawn - text[0]).T
    inside = span @ torch.linalg.lstsq(span, offset).solution
    assert torch.isfinite(drawn).all()
    torch.testing.assert_close(inside, offset, atol=1e-4, rtol=0)
    assert drawn.std(0).max() > 0.1


def test_one_source_row_is_its_own_mean() -> None:
    drawn = draw(words(["a", "b"]), torch.tensor([[9.0, 9.0], [1.0, 2.0]]))
    assert drawn[1:].tolist() == [[1.0, 2.0]] * 2


def test_the_scale_of_transformers_is_the_mean_with_a_little_noise() -> None:
    matrix = correlated(200)
    mean = matrix[1:].mean(0)
    target = words(["a", "b", "c"])
    small, large = draw(target, matrix, covariance_scale=1e-9)[1:], draw(target, matrix, covariance_scale=4.0)[1:]
    torch.testing.assert_close(small, mean.expand(3, -1), atol=1e-3, rtol=0)
    assert len(small.unique(dim=0)) == 3
    plain = draw(target, matrix)[1:]
    torch.testing.assert_close(large - mean, 2 * (plain - mean), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_drawn_rows_keep_the_type_of_the_source(dtype: torch.dtype) -> None:
    drawn = draw(words(["a", "b"]), correlated(50).clamp(max=100).to(dtype))
    assert drawn.dtype == dtype
    assert torch.isfinite(drawn).all()


@given(n=st.integers(1, 12), d=st.integers(1, 8), rank=st.integers(0, 4), seed=st.integers(0, 2**16))
def test_the_root_is_symmetric_and_its_square_the_covariance(n: int, d: int, rank: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = random.normal(size=(n, rank)) @ random.normal(size=(rank, d)) * 10.0 ** random.integers(-3, 4)
    matrix = torch.from_numpy(rows)
    fitted = fit_normal(matrix, np.arange(n), mean=rows.mean(0).astype(np.float32), scale=2.0)
    centred = rows - rows.mean(0)
    expected = 2 * centred.T @ centred / max(n - 1, 1)
    size = max(float(np.abs(rows).max(initial=0)) ** 2, 1e-300)
    np.testing.assert_allclose(fitted.root @ fitted.root / size, expected / size, atol=1e-5)
    np.testing.assert_allclose(fitted.root, fitted.root.T, atol=1e-9 * size**0.5)


@given(n=st.integers(1, 700), at=st.integers(0, 699))
def test_shaping_is_row_by_row(n: int, at: int) -> None:
    random = np.random.default_rng(0)
    normal = MultivariateNormal(mean=random.normal(size=7).astype(np.float32), root=random.normal(size=(7, 7)))
    standard = random.normal(size=(n, 7)).astype(np.float32)
    i = at % n
    assert normal.shape_rows(standard)[i].tobytes() == normal.shape_rows(standard[i : i + 1])[0].tobytes()


# --- without text, without vectors ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", BASELINES)
def test_no_vectors_are_trained_and_the_corpus_is_still_counted(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(*arguments: object, **options: object) -> None:
        raise AssertionError("this method compares no vectors")

    for name in ("train_auxiliary", "count_auxiliary"):
        monkeypatch.setattr(f"focus_core.initialization.pipeline.{name}", train)
    text = tmp_path / "text.txt"
    text.write_text("abcd ab jua\n", encoding="utf-8")
    bare, read = initialise(method), initialise(method, corpus=open_corpus([text]))
    assert bare.auxiliary is read.auxiliary is None
    assert bare.health == read.health == {}
    assert bare.frequency is bare.corpus is bare.examples is None
    assert read.frequency is not None
    assert read.frequency[place("▁abcd")] == 1
    assert read.examples
    for name, rows in bare.embeddings.items():
        assert torch.equal(rows, read.embeddings[name])


@pytest.mark.parametrize("method", BASELINES)
def test_given_vectors_are_left_out_and_the_run_says_so(method: str) -> None:
    vectors = np.ones((TARGET.n, 2), np.float32)
    given = AuxiliaryVectors(vectors=vectors, has_vector=np.ones(TARGET.n, bool), kind="token", settings={})
    made = initialise(method, auxiliary=given)
    assert made.auxiliary is None
    assert any(method in warning and "not used" in warning for warning in made.warnings)
    assert torch.equal(made.embeddings["input"], initialise(method).embeddings["input"])


def test_focus_needs_vectors_only_where_something_is_new() -> None:
    with pytest.raises(AuxiliaryError, match="--corpus"):
        initialise("focus")
    made = run_focus(source=SOURCE, target=SOURCE, model=model_of(MATRIX))
    assert torch.equal(made.embeddings["input"], MATRIX)
    assert made.auxiliary is None


def test_focus_without_text_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    request = InitRequest(source=nowhere, target_tokenizer=nowhere)
    with pytest.raises(InvalidInputError, match=r"--corpus.*--auxiliary"):
        run_request(request)
    with pytest.raises(InvalidInputError, match="nowhere"):
        run_request(dataclasses.replace(request, config=InitConfig(method="random")))


def test_an_estimate_without_vectors_is_smaller() -> None:
    statistics = CorpusStatistics(n_bytes=10**6, n_lines=10**4, n_characters=10**6, complete=True, sample=())
    asked = InitRequest(source="m", target_tokenizer="t")
    bare = estimate_run(dataclasses.replace(asked, config=InitConfig(method="mean")), statistics, vocab_size=8000)
    for space, buckets in ((AuxiliarySpace.COUNTS, 0), (AuxiliarySpace.FASTTEXT, 700)):
        config = InitConfig(auxiliary_space=space)
        full = estimate_run(dataclasses.replace(asked, config=config), statistics, vocab_size=8000)
        assert bare.seconds < full.seconds
        assert bare.memory_mib < full.memory_mib - buckets  # those of fastText alone


# --- run folders, checks, explanations --------------------------------------------------------------------------


@pytest.mark.parametrize("method", BASELINES)
def test_equal_runs_give_equal_bytes(method: str, tmp_path: Path) -> None:
    folders = [write_toy_run(tmp_path / name, result=initialise(method)).path for name in ("a", "b")]
    files = [{p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()} for f in folders]
    assert files[0] == files[1]
    assert Path("auxiliary.safetensors") not in files[0]


@pytest.fixture(scope="module", params=BASELINES)
def baseline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Return a run of every baseline on the tiny vocabularies."""
    return write_toy_run(tmp_path_factory.mktemp("runs") / "run", result=initialise(request.param))


def test_no_check_stumbles_or_blames_a_method_for_what_it_is(baseline: RunFolder) -> None:
    method = baseline.manifest["config"]["method"]
    found = {result.code: result for result in run_checks(baseline)}
    assert [found[code].status for code in ("FOC003", "FOC004", "FOC005", "FOC011")] == [Status.NOT_APPLICABLE] * 4
    assert found["FOC008"].status is Status.PASSED
    assert (found["FOC001"].status is Status.NOT_APPLICABLE) == (method in COPY_SPECIALS)
    assert (found["FOC002"].status is Status.NOT_APPLICABLE) == (method not in BY_PARTS)
    if method == "mean":
        assert found["FOC010"].status is Status.PROBLEM  # all its rows are one row
    elif method in COPY_SPECIALS:
        assert found["FOC010"].summary.startswith("0 of 9 new embeddings")


def test_a_shared_token_that_is_not_copied_is_explained_as_such(baseline: RunFolder) -> None:
    method = baseline.manifest["config"]["method"]
    found = explain_token(baseline, place("▁ab"))
    if method in COPY_TEXT:
        assert (found.origin, found.rule, found.source_id) == ("copied", "exact", 5)
        return
    assert (found.origin, found.rule, found.source_id, found.contributors) == ("fallback", "none", None, ())
    said = [verdict.text for verdict in found.verdicts]
    assert f"Source token #5 matches, but {method} does not copy it." in said
    assert [c.source_id for c in found.candidates] == [5]
    assert not any("Copied" in text for text in said)
    assert baseline.column("source_tokens", "target_id").tolist() == [0, 1, 2, 3, 4, *[-1] * 6]


FORMULAS = {
    "script": ("e(▁jua) ~ N(mean, std) of Latin source embeddings, per dimension, seed 42", "of the source embeddings"),
    "subword-mean": (
        "e(▁jua) ~ N(mean, std) of the source embeddings, per dimension, seed 42",
        "of the source embeddings",
    ),
    "asymmetric-mean": (
        "e(▁jua) ~ N(mean, std) of the source embeddings, per dimension, seed 42",
        "of the source embeddings",
    ),
    "merge": ("e(▁jua) ~ N(mean, std) of the source embeddings, per dimension, seed 42", "of the source embeddings"),
    "overlap": ("e(▁jua) ~ N(mean, std) of the source embeddings, per dimension, seed 42", "of the source embeddings"),
    "multivariate-normal": (
        "e(▁jua) ~ N(mean, Σ) of the source embeddings, Σ their covariance, seed 42",
        "of the source embeddings",
    ),
    "mean": ("e(▁jua) = the mean source embedding", "the mean source embedding"),
    "random": ("e(▁jua) ~ N(mean, std) of the source embeddings, per dimension, seed 42", "of the source embeddings"),
}


def test_formulas_say_what_was_drawn(baseline: RunFolder) -> None:
    """Greek has no source rows: its script-wise row was drawn from all of them."""
    formula, greek = FORMULAS[baseline.manifest["config"]["method"]]
    assert explain_token(baseline, place("▁jua")).formula == formula
    assert greek in explain_token(baseline, place("ήλιος")).formula


def test_a_mean_of_pieces_is_explained_as_one(tmp_path: Path) -> None:
    run = write_toy_run(tmp_path / "run", result=initialise("subword-mean"))
    several, one = explain_token(run, place("▁abcd")), explain_token(run, place("cdcd"))
    assert several.formula == "e(▁abcd) = 0.50 e(▁ab) + 0.50 e(cd)"
    assert several.threshold is None
    assert several.verdicts[0].text == "Mean of 2 source subwords of its text."
    assert one.verdicts[0].text == "One source subword covers its text."


# --- extension --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", BASELINES)
def test_extension_keeps_every_source_row_and_makes_the_rest(method: str) -> None:
    made, plain = initialise(method, extend=True), initialise(method)
    assert torch.equal(made.embeddings["input"][: SOURCE.n], MATRIX)
    assert made.by_origin["copied"] == SOURCE.n
    for token in ("▁jua", "▁abcd", "ήλιος"):
        there = made.target.tokens.index(token)
        assert torch.equal(made.embeddings["input"][there], plain.embeddings["input"][place(token)])
        assert made.weights.origins[there] == plain.weights.origins[place(token)]


# --- the command line -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallInputs:
    return make_small_inputs(tmp_path_factory.mktemp("small"))


@pytest.mark.parametrize("method", BASELINES)
@pytest.mark.parametrize("family", ["roberta", "gpt2"])
def test_from_the_command_line_without_a_corpus(
    method: str, family: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = make_small_inputs(tmp_path / family, family)
    output = tmp_path / "run"
    begin = ["init", "--source", str(inputs.source), "--target-tokenizer", str(inputs.target), "--output", str(output)]
    assert cli.run([*begin, "--method", method]) == 0
    assert f"{method}: copied " in capsys.readouterr().out
    run = open_run(output)
    assert run.manifest["config"]["method"] == method
    assert run.manifest["auxiliary"] is None
    assert run.auxiliary() is None
    assert np.isfinite(run.embeddings()).all()
    for arguments in (
        ["check", str(output)],
        ["explain", str(output), "#9"],
        ["export", str(output), str(tmp_path / "x")],
    ):
        assert cli.run(arguments) == 0
    card = (tmp_path / "x" / "README.md").read_text(encoding="utf-8")
    assert METHODS[method].citation in card
    assert "FOCUS" not in card


def test_the_same_command_with_vectors_or_text_gives_the_same_rows(small: SmallInputs, tmp_path: Path) -> None:
    assert cli.run(small.arguments(tmp_path / "all", "--method", "random")) == 0
    source = ["--source", str(small.source), "--target-tokenizer", str(small.target)]
    assert cli.run(["init", *source, "--output", str(tmp_path / "bare"), "--method", "random"]) == 0
    full, bare = open_run(tmp_path / "all"), open_run(tmp_path / "bare")
    assert full.embeddings().tobytes() == bare.embeddings().tobytes()
    assert "auxiliary" not in {entry["role"] for entry in full.manifest["inputs"]}
    assert "corpus" in {entry["role"] for entry in full.manifest["inputs"]}


def test_the_covariance_scale_from_the_command_line(small: SmallInputs, tmp_path: Path) -> None:
    chosen = ["--method", "overlap", "--fallback", "multivariate", "--covariance-scale", "1e-9"]
    assert cli.run(small.arguments(tmp_path / "run", *chosen)) == 0
    run = open_run(tmp_path / "run")
    fallen = run.column("tokens", "origin") == "fallback"
    mean = run.statistics()["mean"]
    np.testing.assert_allclose(run.embeddings()[fallen], np.tile(mean, (int(fallen.sum()), 1)), atol=1e-4)
    assert "1e-09 Σ" in explain_token(run, int(np.flatnonzero(fallen)[0])).formula


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--method", "nonsense"], "subword-mean"),
        (["--method", "random", "--fallback", "mean"], "--method overlap"),
        (["--method", "random", "--covariance-scale", "0"], "--covariance-scale"),
    ],
)
def test_what_cannot_be_chosen_is_refused(
    more: list[str], word: str, small: SmallInputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(small.arguments(tmp_path / "run", *more)) == 2
    assert word in capsys.readouterr().err.strip().splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_overlap_counts_do_not_depend_on_the_method() -> None:
    matched = match_vocabularies(SOURCE, TARGET, mode=InitConfig().match)
    for method in BASELINES:
        made = initialise(method)
        assert made.overlap.by_rule == matched.by_rule
        assert made.counts["n_new"] == matched.n_new
        assert dataclasses.asdict(made.config)["method"] == method
