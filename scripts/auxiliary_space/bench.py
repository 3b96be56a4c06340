"""One language on the bench: tokenizer and model are made once, embeddings by one space after the other."""

from __future__ import annotations

import dataclasses
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from focus_core.api import run_to_folder
from focus_core.corpus.corpus import open_corpus
from focus_core.evaluation.masked import score_masked
from focus_core.export.run_model import RunModel, load_run_model
from focus_core.initialization.auxiliary.token_stream import tokenise_corpus
from focus_core.initialization.auxiliary.vectors import AuxiliaryVectors
from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.base import MethodInput
from focus_core.initialization.methods.fallback import initialise_tensor
from focus_core.initialization.overlap.matching import match_vocabularies
from focus_core.initialization.pipeline import method_named
from focus_core.initialization.request import InitRequest
from focus_core.models.source import fit_to_vocabulary, load_source
from focus_core.runs.folder import open_run
from focus_core.tokenization.encoding import plain_backend
from focus_core.tokenization.vocabulary import load_vocabulary
from focus_core.training.dataset import TrainingText, read_text
from focus_core.training.language import LanguageModelling
from focus_core.training.loop import Trainer
from focus_core.training.options import TrainConfig
from scripts.auxiliary_space.spaces import Text
from scripts.auxiliary_space.text import WHOLE, measured_lines, write_text

SOURCE = "assets/demo/source"
VOCAB_SIZE = 8_000
LENGTH, BATCH_TOKENS = 64, 2_048
CURVE_LINES = 20
"""Held-out lines of a training's own curve, which nothing is read from here."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Scores:
    """Bits and characters of the measured lines, each the sum over several choices of masked words.

    Parameters
    ----------
    bits : ndarray of shape (n_lines,), dtype float64
        What the masked words cost.
    characters : ndarray of shape (n_lines,), dtype int64
        How long they are.
    """

    bits: np.ndarray
    characters: np.ndarray


class Bench:
    """A language, its target tokenizer and its model.

    Parameters
    ----------
    language : str
        A folder of ``data/corpora``.
    data, work : Path
        The text, and where tokenizer and texts are kept between calls.
    """

    def __init__(self, language: str, data: Path, work: Path) -> None:
        self.language, self.data, self.work = language, data, work / language
        self.lines = measured_lines(data, language)
        self._texts: dict[float, Text] = {}

    @cached_property
    def _run(self) -> Path:
        """A run that makes tokenizer and model; its embeddings are never measured."""
        path = self.work / "base"
        if not path.is_dir():
            corpus = (self._file(WHOLE),)
            config = InitConfig(method="overlap", examples=False, threads=1)
            size = {"train_tokenizer": "unigram", "vocab_size": VOCAB_SIZE}
            run_to_folder(InitRequest(source=SOURCE, corpus=corpus, config=config, **size), path)
        return path

    def _file(self, size: float) -> Path:
        path = self.work / f"text-{size:g}.txt"
        if not path.is_file():
            write_text(self.data, self.language, size, path)
        return path

    @cached_property
    def model(self) -> RunModel:
        """The model whose embeddings are put in anew for every space."""
        return load_run_model(open_run(self._run), source=SOURCE)

    @cached_property
    def _source(self) -> tuple[Any, Any, Any]:
        """Source vocabulary, source matrices and what both vocabularies share."""
        vocabulary, target = load_vocabulary(SOURCE), self.model.vocabulary
        return vocabulary, fit_to_vocabulary(load_source(SOURCE), vocabulary.n), match_vocabularies(vocabulary, target)

    def text(self, size: float) -> Text:
        """Return the training text of a size, tokenised once."""
        if size not in self._texts:
            corpus, target = open_corpus([self._file(size)]), self.model.vocabulary
            stream = tokenise_corpus(corpus, target, self.work / f"stream-{size:g}.txt", examples=False)
            lines = self._file(size).read_text(encoding="utf-8").splitlines()
            encodings = plain_backend(target.backend).encode_batch_fast(lines, add_special_tokens=False)
            rows = [np.array(encoding.ids, np.int32) for encoding in encodings]
            self._texts = {size: Text(vocabulary=target, rows=rows, stream=stream)}
        return self._texts[size]

    def initialise(self, auxiliary: AuxiliaryVectors, *, seed: int) -> int:
        """Put FOCUS's embeddings into the model.

        Parameters
        ----------
        auxiliary : AuxiliaryVectors
            One row a target token.
        seed : int
            Of the rows drawn at random.

        Returns
        -------
        int
            How many rows were.
        """
        import torch

        source, matrices, overlap = self._source
        config, target = InitConfig(seed=seed), self.model.vocabulary
        given = MethodInput(source=source, target=target, overlap=overlap, auxiliary=auxiliary, config=config)
        weights = method_named("focus")(given).weights
        fallen = 0
        for name, parameter in self.model.matrices().items():
            made = initialise_tensor(
                weights, matrices.tensors[name], 0, source=source, target=target, config=config, name=name
            )
            with torch.no_grad():
                parameter.copy_(made.rows)
            fallen = made.fallbacks.get("normal", 0) if name == "input" else fallen
        return fallen

    def score(self, masks: int) -> Scores:
        """Return what the model's guesses cost, summed over several choices of masked words."""
        self.model.model.eval()
        found = [score_masked(self.model, self.lines, seed=seed) for seed in range(masks)]
        return Scores(bits=sum(one.bits for one in found), characters=sum(one.characters for one in found))

    @cached_property
    def _training_text(self) -> TrainingText:
        """The language's whole text; what is kept aside of it is what is measured here."""
        text = read_text(open_corpus([self.data / "corpora" / self.language]), self.model, length=LENGTH)
        held_out = text.held_out
        few = dataclasses.replace(
            held_out, sequences=held_out.sequences[:CURVE_LINES], chosen=held_out.chosen[:CURVE_LINES]
        )
        return dataclasses.replace(text, held_out=few)

    def train(self, *, tokens: int, rate: float, seed: int) -> None:
        """Train the embeddings alone, as ``adapt --train embeddings`` does."""
        config = TrainConfig(
            tokens=tokens, train="embeddings", learning_rate=rate, seed=seed, batch_tokens=BATCH_TOKENS,
            max_seq_length=LENGTH, evaluations=1, snapshots=0, device="cpu",
        )  # fmt: skip
        with tempfile.TemporaryDirectory(prefix="focus-lab-") as folder:
            task = LanguageModelling(model=self.model, text=self._training_text, config=config, device="cpu")
            trainer = Trainer(model=self.model, task=task, config=config, device="cpu", folder=Path(folder))
            trainer.run(lambda step: None, lambda: "float32")
