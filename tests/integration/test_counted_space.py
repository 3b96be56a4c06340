"""Vectors by counts as a run makes them: from a text to a manifest, the same bytes in every way, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from focus_core.artifacts import sha256_file
from focus_core.cli import main as cli
from focus_core.corpus.corpus import iter_batches, open_corpus
from focus_core.errors import AuxiliaryError
from focus_core.initialization.auxiliary import counted, token_stream
from focus_core.initialization.auxiliary.counted import count_auxiliary
from focus_core.initialization.auxiliary.token_stream import tokenise_corpus
from focus_core.runs.again import request_of
from focus_core.runs.folder import open_run
from focus_core.tokenization.identity import NORMAL
from focus_core.tokenization.vocabulary import Vocabulary, load_vocabulary
from focus_core.types import AuxiliarySpace
from tests.integration.small_inputs import SmallInputs, make_small_inputs


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallInputs:
    made = make_small_inputs(tmp_path_factory.mktemp("small"))
    made.corpus.write_text(made.corpus.read_text("utf-8") * 3, "utf-8")
    return made


def words(small: SmallInputs, output: Path, *more: str) -> list[str]:
    """Return the words of an `init` that makes its own vectors."""
    found = small.arguments(output, *more)
    place = found.index("--auxiliary")
    return [*found[:place], *found[place + 2 :]]


def files(folder: Path) -> dict[str, str]:
    return {p.name: sha256_file(p) for p in folder.iterdir() if p.is_file()}


def test_a_run_by_counts_says_how_and_has_the_same_bytes_on_any_number_of_threads(
    small: SmallInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {}
    for threads in ("1", "2"):
        monkeypatch.setenv("FOCUS_LAB_CACHE", str(tmp_path / f"cache-{threads}"))
        assert cli.run(words(small, tmp_path / threads, "--dim", "8", "--threads", threads)) == 0
        made[threads] = files(tmp_path / threads)
    assert {name for name in made["1"] if made["1"][name] != made["2"][name]} == {"manifest.json"}, "it says how many"
    run = open_run(tmp_path / "1")
    auxiliary = run.manifest["auxiliary"]
    assert (auxiliary["kind"], auxiliary["dim"]) == ("counted", 8)
    settings = {name: auxiliary["settings"][name] for name in ("window", "offsets", "min_count", "context_exponent")}
    assert settings == {"window": 2, "offsets": "apart", "min_count": 1, "context_exponent": 0.75}
    assert auxiliary["settings"]["singular_exponent"] == 0.5
    assert set(auxiliary["settings"]["versions"]) == {"numba", "numpy", "scipy"}
    assert len(auxiliary["settings"]["stream"]) == 64
    assert run.manifest["config"]["auxiliary_space"] == "counts"
    assert run.manifest["differences_from_paper"]["auxiliary_space"] == ["fasttext", "counts"]
    assert "epochs" not in run.manifest["differences_from_paper"]
    special = run.column("tokens", "kind").astype(str) == "special"
    assert not run.column("tokens", "has_auxiliary")[special].any()
    assert run.manifest["counts"]["by_origin"]["combined"] > 0
    assert request_of(run.manifest).config.auxiliary_space is AuxiliarySpace.COUNTS


def test_a_manifest_without_the_field_was_made_by_fasttext(small: SmallInputs, tmp_path: Path) -> None:
    assert cli.run(words(small, tmp_path / "run", "--dim", "8")) == 0
    manifest = open_run(tmp_path / "run").manifest
    config = {name: value for name, value in manifest["config"].items() if name != "auxiliary_space"}
    manifest = manifest | {"auxiliary": manifest["auxiliary"] | {"kind": "trained"}}
    old = request_of(manifest | {"config": config | {"epochs": 7}})
    assert (old.config.auxiliary_space, old.config.epochs) == (AuxiliarySpace.FASTTEXT, 7)
    assert request_of(manifest | {"config": config}).config.auxiliary_space is AuxiliarySpace.FASTTEXT
    given = manifest | {"config": config, "auxiliary": manifest["auxiliary"] | {"kind": "word"}}
    assert "auxiliary_space" not in request_of(given).to_dict().get("config", {}), "they are of no space"


@pytest.fixture(scope="module")
def vocabulary(small: SmallInputs) -> Vocabulary:
    return load_vocabulary(small.target)


@pytest.mark.parametrize("lines_per_batch", [1, 7])
def test_the_size_of_a_batch_leaves_the_bytes(
    small: SmallInputs, vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch, lines_per_batch: int
) -> None:
    corpus = open_corpus([small.corpus])
    whole = tokenise_corpus(corpus, vocabulary, window=2)
    monkeypatch.setattr(token_stream, "iter_batches", partial(iter_batches, lines_per_batch=lines_per_batch))
    parts = tokenise_corpus(corpus, vocabulary, window=2)
    assert parts.digest == whole.digest
    vectors = [count_auxiliary(stream, vocabulary, dim=8, cache=False).vectors for stream in (whole, parts)]
    assert vectors[0].tobytes() == vectors[1].tobytes()
    assert vectors[0].any()


def test_counts_alone_write_no_names_and_names_alone_count_nothing(
    small: SmallInputs, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    corpus = open_corpus([small.corpus])
    counts = tokenise_corpus(corpus, vocabulary, window=2)
    names = tokenise_corpus(corpus, vocabulary, tmp_path / "names.txt")
    neither = tokenise_corpus(corpus, vocabulary)
    assert (counts.path, names.pairs, neither.path, neither.pairs) == (None, None, None, None)
    assert neither.digest == ""
    assert counts.frequency.tolist() == names.frequency.tolist() == neither.frequency.tolist()
    assert counts.examples == names.examples
    with pytest.raises(AuxiliaryError, match="the token stream: expected counts of pairs, got none"):
        count_auxiliary(names, vocabulary)


def test_vectors_come_from_the_cache_where_text_and_options_are_the_same(
    small: SmallInputs, vocabulary: Vocabulary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOCUS_LAB_CACHE", str(tmp_path / "cache"))
    made: list[int] = []
    factorise = counted.counted_vectors

    def watched(*given: object, **options: object) -> tuple[np.ndarray, np.ndarray]:
        made.append(1)
        return factorise(*given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(counted, "counted_vectors", watched)
    stream = tokenise_corpus(open_corpus([small.corpus]), vocabulary, window=2)
    first = count_auxiliary(stream, vocabulary, dim=8)
    again = count_auxiliary(stream, vocabulary, dim=8)
    assert len(made) == 1
    assert first.vectors.tobytes() == again.vectors.tobytes()
    count_auxiliary(stream, vocabulary, dim=6)
    count_auxiliary(stream, vocabulary, dim=8, min_count=2)
    shorter = tmp_path / "shorter.txt"
    shorter.write_text("".join(small.corpus.read_text("utf-8").splitlines(keepends=True)[:-1]), "utf-8")
    count_auxiliary(tokenise_corpus(open_corpus([shorter]), vocabulary, window=2), vocabulary, dim=8)
    assert len(made) == 4


def test_little_text_draws_rare_tokens_to_those_spelt_alike_and_more_text_does_not(
    small: SmallInputs, vocabulary: Vocabulary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOCUS_LAB_CACHE", str(tmp_path / "cache"))
    few = sorted(set(small.corpus.read_text("utf-8").splitlines()))[:3]
    (tmp_path / "few.txt").write_text("\n".join([*few * 12, small.corpus.read_text("utf-8")[:40]]), "utf-8")
    stream = tokenise_corpus(open_corpus([tmp_path / "few.txt"]), vocabulary, window=2)
    never = (stream.frequency == 0) & (vocabulary.kinds == NORMAL)
    little = count_auxiliary(stream, vocabulary, dim=8)
    monkeypatch.setattr(counted, "LITTLE_TEXT", stream.n_tokens)
    assert count_auxiliary(stream, vocabulary, dim=8).vectors.tobytes() == little.vectors.tobytes()
    monkeypatch.setattr(counted, "LITTLE_TEXT", stream.n_tokens - 1)
    more = count_auxiliary(stream, vocabulary, dim=8)
    assert (little.settings["ngrams"], more.settings["ngrams"]) == (True, False)
    assert little.has_vector[never].any()
    assert not more.has_vector[never].any()
    assert (little.has_vector | ~more.has_vector).all(), "nobody loses a vector"
    monkeypatch.undo()
    asked = count_auxiliary(stream, vocabulary, dim=8, min_count=2)
    assert not asked.has_vector[stream.frequency < 2].any(), "whoever asks for occurrences gets them"


def test_fasttexts_option_with_counts_is_refused(
    small: SmallInputs, tmp_path: Path, refused: Callable[..., str]
) -> None:
    told = refused(words(small, tmp_path / "run", "--epochs", "5"), "--epochs: expected --auxiliary-space fasttext")
    assert told.endswith("leave it out, or add --auxiliary-space fasttext")
    both = ("--preset", "paper", "--auxiliary-space", "counts", "--epochs", "5")
    refused(words(small, tmp_path / "run", *both), "--epochs: expected --auxiliary-space fasttext")
    assert not list(tmp_path.iterdir())


def test_a_text_in_which_nothing_occurs_twice_is_refused(
    small: SmallInputs, vocabulary: Vocabulary, tmp_path: Path, refused: Callable[..., str]
) -> None:
    once = [token for token in vocabulary.texts if token.strip().isalpha()][-1]
    (tmp_path / "once.txt").write_text(once.strip(), "utf-8")
    line = words(small, tmp_path / "run")
    line[line.index("--corpus") + 1] = str(tmp_path / "once.txt")
    told = refused(line, "corpus: expected a text in which tokens come again", "each once")
    assert told.endswith("or ready vectors by --auxiliary")
    (tmp_path / "alone.txt").write_text(f"{once.strip()}\n" * 5, "utf-8")
    line[line.index("--corpus") + 1] = str(tmp_path / "alone.txt")
    refused(line, "corpus: expected tokens that tell by their neighbours, got none")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["alone.txt", "once.txt"]


def test_a_min_count_that_no_token_reaches_is_refused(
    small: SmallInputs, tmp_path: Path, refused: Callable[..., str]
) -> None:
    refused(words(small, tmp_path / "run", "--min-count", "100000"), "--min-count: expected tokens of text that occur")
