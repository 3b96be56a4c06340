"""Two tokenizers that cut the same words differently, and a text whose neighbours can be counted by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from focus_core.corpus.corpus import open_corpus
from focus_core.initialization.auxiliary.counting import PairCounter
from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.base import MethodInput
from focus_core.initialization.methods.joint.space import CutCounts, Space
from focus_core.initialization.overlap.matching import match_vocabularies
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend

LETTERS = tuple("ajmn")
SOURCE = ("▁na", "▁ma", "ji", "▁ja", "ja", "▁leo")
TARGET = ("▁na", "▁maji", "▁jana", "▁leo")


def unigram(pieces: tuple[str, ...], name: str) -> Vocabulary:
    """Return a tokenizer that takes the fewest pieces; `<unk>` is id 0, the pieces follow in their order."""
    backend = Tokenizer(models.Unigram([("<unk>", 0.0), *((piece, -1.0) for piece in pieces)], unk_id=0))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    backend.add_special_tokens([AddedToken("<unk>", special=True, normalized=False)])
    return vocabulary_from_backend(backend, name=name, config={"unk_token": "<unk>"})


def made_input(
    source: tuple[str, ...] = SOURCE, target: tuple[str, ...] = TARGET, text: Path | None = None, **options: Any
) -> MethodInput:
    """Return what a method of two such tokenizers is given."""
    old, new = unigram(source, "source"), unigram(target, "target")
    config = InitConfig(**{"dim": 8} | options)
    corpus = None if text is None else open_corpus([text])
    return MethodInput(source=old, target=new, overlap=match_vocabularies(old, new), config=config, corpus=corpus)


def made_space(inputs: MethodInput, target: dict[str, Any], source: dict[str, Any]) -> Space:
    """Return a space with the given vectors; every other token has none."""
    sides = []
    for vocabulary, given in ((inputs.target, target), (inputs.source, source)):
        rows = np.zeros((vocabulary.n, len(next(iter(given.values())))), np.float32)
        for token, vector in given.items():
            rows[place(vocabulary, token)] = vector
        sides.append(rows)
    n_target, n_source = inputs.target.n, inputs.source.n
    counts = CutCounts(
        pairs=PairCounter(n_target + n_source, 1).finish(),
        types=np.arange(n_target, n_target + n_source, dtype=np.int32),
        target_frequency=np.ones(n_target, np.int64),
        source_frequency=np.ones(n_source, np.int64),
    )
    return Space(target=sides[0], source=sides[1], counts=counts)


def place(vocabulary: Vocabulary, token: str) -> int:
    """Return the id of a token."""
    return vocabulary.tokens.index(token)
