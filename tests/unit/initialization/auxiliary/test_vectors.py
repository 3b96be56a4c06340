"""Automatic settings, the way from fastText's answer to rows, progress, and the errors of training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from focus_core.artifacts import write_arrays
from focus_core.errors import AuxiliaryError
from focus_core.initialization.auxiliary import vectors as auxiliary
from focus_core.initialization.auxiliary.fasttext_process import Progress
from focus_core.initialization.auxiliary.token_stream import TokenStream
from focus_core.initialization.auxiliary.vectors import (
    ANSWER,
    AuxiliaryVectors,
    choose_epochs,
    choose_min_count,
    choose_threads,
    train_auxiliary,
)
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend


@pytest.fixture
def vocabulary() -> Vocabulary:
    """Ids: 0 [UNK], 1 a, 2 b, 3 c, 4 </s> (special)."""
    backend = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1, "b": 2, "c": 3}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.add_special_tokens([AddedToken("</s>", special=True, normalized=False)])
    return vocabulary_from_backend(backend, name="words", config={"unk_token": "[UNK]", "eos_token": "</s>"})


def stream_of(tmp_path: Path, frequency: list[int], text: str = "a b\n") -> TokenStream:
    path = tmp_path / "stream.txt"
    path.write_text(text, encoding="utf-8")
    counts = np.array(frequency, dtype=np.int64)
    return TokenStream(
        path=path, frequency=counts, n_lines=1, n_characters=3, n_bytes=3, n_tokens=int(counts.sum()), unknown=0,
        digest=f"digest of {text}",
    )  # fmt: skip


def answer(names: list[str], vectors: list[list[float]]) -> Callable[..., None]:
    """Return a stand-in for the child that writes these vectors and remembers its request."""

    def run(request: dict[str, object], folder: Path, *, progress: Progress) -> None:
        run.requests.append(request)  # type: ignore[attr-defined]
        joined = np.frombuffer("\n".join(names).encode(), dtype=np.uint8)
        write_arrays(Path(str(request["output"])), {"vectors": np.array(vectors, dtype=np.float32), "names": joined})

    run.requests = []  # type: ignore[attr-defined]
    return run


@given(st.integers(1, 10**12), st.integers(1, 10**6))
def test_epochs_stay_between_the_papers_and_a_thousand(n_tokens: int, n_types: int) -> None:
    epochs = choose_epochs(n_tokens, n_types)
    assert 3 <= epochs <= 1000
    assert epochs in {3, 1000} or (epochs - 1) * n_tokens < 1_000_000 + 500 * n_types <= epochs * n_tokens


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(any))
def test_min_count_leaves_98_percent_of_the_text_with_a_vector(counts: list[int]) -> None:
    frequency = np.array(counts)
    least = choose_min_count(frequency)
    assert 1 <= least <= 10
    assert frequency[frequency >= least].sum() >= 0.98 * frequency.sum()
    assert least == 10 or frequency[frequency >= least + 1].sum() < 0.98 * frequency.sum()


def test_one_thread_unless_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert choose_threads(auxiliary.ONE_THREAD_UPDATES) == 1
    assert choose_threads(auxiliary.ONE_THREAD_UPDATES + 1) == 8


def test_rows_by_name_and_specials_without_a_vector(
    vocabulary: Vocabulary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fastText lists by frequency, knows the line's end as `</s>`, and the text's own `</s>` by its escaped name."""
    child = answer(["</s>", "b", "␛</s>", "a"], [[9, 9], [0, 2], [7, 7], [1, 0]])
    monkeypatch.setattr(auxiliary, "run_child", child)
    stream = stream_of(tmp_path, [0, 5, 5, 0, 2])
    trained = train_auxiliary(stream, vocabulary, dim=2, cache=False)
    assert trained.vectors.tolist() == [[0, 0], [1, 0], [0, 2], [0, 0], [0, 0]]
    assert trained.has_vector.tolist() == [False, True, True, False, False]
    assert trained.vectors.dtype == np.float32
    assert (trained.dim, trained.n_vectors, trained.kind) == (2, 2, "trained")
    kept = train_auxiliary(stream, vocabulary, dim=2, cache=False, keep_eos=True)
    assert kept.vectors[4].tolist() == [9, 9], "the reference keeps the vector of the line's end"
    assert kept.has_vector.tolist() == [False, True, True, False, True]


def test_settings_say_what_was_chosen(vocabulary: Vocabulary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = answer(["a"], [[1.0, 0.0]])
    monkeypatch.setattr(auxiliary, "run_child", child)
    stream = stream_of(tmp_path, [0, 50_000, 50_000, 1, 0])
    chosen = train_auxiliary(stream, vocabulary, dim=2, cache=False).settings
    assert chosen["chosen_automatically"] == ["epochs", "min_count", "threads"]
    assert (chosen["min_count"], chosen["n_types"], chosen["threads"]) == (10, 2, 1)
    assert chosen["epochs"] == 11  # (1,000,000 + 2 x 500) / 100,001 tokens, rounded up
    given_ = train_auxiliary(stream, vocabulary, dim=2, epochs=4, min_count=1, threads=2, seed=7, cache=False).settings
    assert given_["chosen_automatically"] == []
    assert (given_["epochs"], given_["min_count"], given_["threads"], given_["seed"]) == (4, 1, 2, 7)
    assert given_["automatic"] == {"epochs": 11, "min_count": 10}
    request = child.requests[-1]["settings"]  # type: ignore[attr-defined]
    paper = {"lr": 0.05, "ws": 5, "neg": 10, "minn": 3, "maxn": 6, "bucket": 2_000_000, "t": 1e-4}
    assert paper.items() <= request.items()
    assert {"dim": 2, "epoch": 4, "minCount": 1, "thread": 2, "seed": 7}.items() <= request.items()


def test_cache_is_keyed_by_content(vocabulary: Vocabulary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference keys by path: it returns old vectors when the file has changed. Here the stream's digest counts."""
    child = answer(["a"], [[1.0, 0.0]])
    monkeypatch.setattr(auxiliary, "run_child", child)
    counts = [0, 5, 5, 0, 0]
    for text in ("a b\n", "a b\n", "b a\n"):
        train_auxiliary(stream_of(tmp_path, counts, text), vocabulary, dim=2)
    assert len(child.requests) == 2  # type: ignore[attr-defined]
    train_auxiliary(stream_of(tmp_path, counts, "b a\n"), vocabulary, dim=2, seed=1)
    train_auxiliary(stream_of(tmp_path, counts, "b a\n"), vocabulary, dim=3)
    assert len(child.requests) == 4  # type: ignore[attr-defined]


def test_training_that_is_cut_short_leaves_nothing_in_the_cache(
    vocabulary: Vocabulary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(request: dict[str, object], folder: Path, *, progress: Progress) -> None:
        Path(str(request["output"])).write_bytes(b"half")
        raise KeyboardInterrupt

    stream = stream_of(tmp_path, [0, 5, 5, 0, 0])
    monkeypatch.setattr(auxiliary, "run_child", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_auxiliary(stream, vocabulary, dim=2)
    monkeypatch.setattr(auxiliary, "run_child", answer(["a"], [[1.0, 0.0]]))
    assert train_auxiliary(stream, vocabulary, dim=2).vectors[1].tolist() == [1, 0]


def test_no_token_occurs_often_enough(vocabulary: Vocabulary, tmp_path: Path) -> None:
    with pytest.raises(AuxiliaryError, match="10, and the most frequent of 8 tokens 5 times; lower it"):
        train_auxiliary(stream_of(tmp_path, [0, 5, 3, 0, 0]), vocabulary, min_count=10)


def test_vectors_are_read_only() -> None:
    made = AuxiliaryVectors(vectors=np.ones((2, 3), np.float32), has_vector=np.ones(2, bool), kind="token")
    with pytest.raises(ValueError, match="read-only"):
        made.vectors[0, 0] = 2


def test_progress_counts_passes_over_the_input() -> None:
    """100 bytes, 3 epochs. The first pass only counts words; afterwards a place before the last one is a new pass."""
    seen: list[tuple[float, str]] = []
    progress = Progress(lambda stage, done, total, note="": seen.append((done, note)), epochs=3, size=100)
    for line in (
        b"@place 50",
        b"Number of labels: 0",
        b"@place 20",
        b"@place 80",
        b"@place 10",
        b"noise",
        b"@place 100",
    ):
        progress.read(line)
    assert seen == [
        (0, "counting"),
        (0.2, "epoch 1 of 3"),
        (0.8, "epoch 1 of 3"),
        (1.1, "epoch 2 of 3"),
        (2.0, "epoch 3 of 3"),
    ]


def test_progress_of_several_threads_is_fasttexts_own() -> None:
    seen: list[float] = []
    progress = Progress(lambda stage, done, total, note="": seen.append(done / total), epochs=4, size=100)
    progress.read(b"Progress:  12.5% words/sec/thread: 20156 lr:  0.043 avg.loss:  3.046 ETA:   0h 0m 9s")
    assert seen == [0.125]


def test_answer_is_named_for_the_cache() -> None:
    assert ANSWER.endswith(".safetensors"), "the cache holds vectors, never fastText's own file of 0.8 GB"
