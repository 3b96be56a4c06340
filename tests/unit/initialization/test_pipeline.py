"""What one initialisation does once: each file of the corpus is opened, and the vocabularies are matched."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from focus_core import api
from focus_core.api import InitRequest, run_request
from focus_core.artifacts import sha256_file, write_arrays
from focus_core.corpus.readers import read_texts
from focus_core.initialization import pipeline
from focus_core.initialization.auxiliary import loading
from focus_core.initialization.config import InitConfig
from focus_core.initialization.overlap import extension
from focus_core.initialization.overlap.matching import Overlap, match_vocabularies
from focus_core.models.source import load_source
from focus_core.tokenization.vocabulary import load_vocabulary
from focus_core.types import MatchMode
from tests.tiny_models import TARGET_LINES, target_tokenizer, tiny_model


@pytest.fixture
def request_of(tmp_path: Path) -> InitRequest:
    """Return a request for a tiny model, a tokenizer and a text of two files."""
    files = tuple(tmp_path / name for name in ("one.txt", "two.txt"))
    for path in files:
        path.write_text("\n".join(TARGET_LINES), encoding="utf-8")
    source, target = tiny_model("bert", tmp_path / "model"), target_tokenizer("bert", tmp_path / "target")
    return InitRequest(source=str(source), target_tokenizer=str(target), corpus=files)


def test_each_file_of_the_corpus_is_read_once(request_of: InitRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []

    def counting(path: Path, **options: Any) -> Iterator[str]:
        opened.append(path)
        return read_texts(path, **options)

    monkeypatch.setattr("focus_core.corpus.corpus.read_texts", counting)
    result = run_request(dataclasses.replace(request_of, config=InitConfig(method="overlap")))
    assert opened == list(request_of.corpus)
    assert result.source_frequency is not None
    assert result.source_frequency.sum() > 0


@pytest.mark.parametrize(
    ("options", "calls"),
    [({}, 1), ({"match": MatchMode.FUZZY}, 2)],
    ids=["the same question", "another question"],
)
def test_the_vocabularies_are_matched_once_to_extend_where_both_ask_the_same(
    request_of: InitRequest, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], calls: int
) -> None:
    request = dataclasses.replace(request_of, config=InitConfig(method="overlap", extend=True, **options))
    before = run_request(request)
    seen: list[MatchMode] = []

    def counting(*vocabularies: Any, mode: MatchMode, **named: Any) -> Overlap:
        seen.append(mode)
        return match_vocabularies(*vocabularies, mode=mode, **named)

    for module in (pipeline, extension):
        monkeypatch.setattr(module, "match_vocabularies", counting)
    after = run_request(request)
    assert len(seen) == calls
    assert seen[-1] == MatchMode.EXACT, "what is appended is found by exact matches"
    assert after.target.digest == before.target.digest


def test_a_users_map_does_not_say_what_is_appended(
    request_of: InitRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pair of the user's own decides about rows; the extended tokenizer is the same with and without it."""
    source, target = load_vocabulary(str(request_of.source)), load_vocabulary(str(request_of.target_tokenizer))
    names: dict[str, Any] = {"source": source, "target": target, "model": load_source(str(request_of.source))}
    config = InitConfig(method="overlap", extend=True)
    free = int(match_vocabularies(source, target).new_ids[-1])
    plain = pipeline.run_focus(**names, config=config)
    mapped = pipeline.run_focus(**names, config=config, user_map={free: 20})
    assert mapped.target.digest == plain.target.digest


def test_ready_vectors_are_hashed_once(
    request_of: InitRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = load_vocabulary(str(request_of.target_tokenizer)).n
    path = tmp_path / "vectors.safetensors"
    write_arrays(path, {"vectors": np.random.default_rng(0).normal(size=(n, 4)).astype(np.float32)})
    hashed: list[Path] = []

    def counting(file: Path) -> str:
        hashed.append(file)
        return sha256_file(file)

    for module in (api, loading):
        monkeypatch.setattr(module, "sha256_file", counting)
    result = run_request(dataclasses.replace(request_of, auxiliary=path, corpus=()))
    assert hashed == [path]
    (entry,) = [entry for entry in result.inputs if entry["role"] == "auxiliary"]
    assert entry == {
        "role": "auxiliary", "name": path.name, "sha256": sha256_file(path), "bytes": path.stat().st_size
    }  # fmt: skip
