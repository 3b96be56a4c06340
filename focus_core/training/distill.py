"""Multilingual knowledge distillation (Reimers & Gurevych 2020): a sentence's translation gets its embedding.

The teacher is the source under its own tokenizer; it reads each source sentence once, before the first step, and its
embeddings stand in a file that is read row by row. The student is the run's model, which reads the translations.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.corpus.parallel import ParallelText
from focus_core.export.run_model import evaluating
from focus_core.export.sentence_encoder import SentenceEncoder
from focus_core.training.pairs import TrainingPairs
from focus_core.training.task import Batch, HeldOutLoss
from focus_core.types import ProgressHook

if TYPE_CHECKING:
    import torch

    from focus_core.training.task import Rows

TEACHER = "teacher.npy"
RUNAWAY = 4.0
"""By which factor a loss may rise above that of the first steps."""
ROWS_AT_ONCE = 32
"""Sentences of like length that are padded together."""


def ask_teacher(teacher: SentenceEncoder, pairs: TrainingPairs, path: Path, progress: ProgressHook) -> np.ndarray:
    """Return what the teacher makes of the source sentences, mapped from a file; made where that is not there yet.

    Parameters
    ----------
    teacher : SentenceEncoder
        The source.
    pairs : TrainingPairs
        Whose source sentences are read: those that training will come to, and those measured on.
    path : Path
        The file. A process that dies on the way leaves another one.
    progress : ProgressHook
        Told the sentences done, of all, as stage ``encode``.

    Returns
    -------
    ndarray of shape (n_taught, d_sentence), dtype float32
        Read-only, in the order of ``pairs.taught``.
    """
    if not path.is_file():
        texts = [pairs.sources[i] for i in pairs.taught.tolist()]
        sequences = teacher.ids_of(texts)
        size = teacher.encode(sequences[:1]).shape[1]
        growing = path.with_name(f"{path.name}.new")
        rows = np.lib.format.open_memmap(growing, mode="w+", dtype=np.float32, shape=(len(texts), size))
        teacher.encode(sequences, write=rows.__setitem__, progress=progress)
        rows.flush()
        del rows
        growing.replace(path)
    found: np.ndarray = np.load(path, mmap_mode="r")
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Distillation:
    """Pairs to learn from; see `focus_core.training.task.Task`.

    Parameters
    ----------
    model : SentenceEncoder
        The student.
    pairs : TrainingPairs
        What it reads.
    teacher : ndarray of shape (n_taught, d_sentence), dtype float32
        What it is to give, in the order of ``pairs.taught``.
    text : ParallelText
        Where the pairs are from, for the manifest.
    """

    model: SentenceEncoder
    pairs: TrainingPairs
    teacher: np.ndarray
    text: ParallelText

    @property
    def objective(self) -> str:
        """``distill``."""
        return "distill"

    @property
    def unit(self) -> str:
        """The squared distance of two sentence embeddings."""
        return "squared distance"

    @property
    def length(self) -> int:
        """Most tokens of a sentence."""
        return self.pairs.length

    def batch(self, step: int) -> Batch:
        """Return the numbers of the pairs that a step reads, of shape (n_pairs,)."""
        import torch

        numbers = self.pairs.stream.numbers(step)
        lengths = self.pairs.stream.lengths[numbers]
        by_length = numbers[np.argsort(lengths, kind="stable")]
        return Batch(tensors=(torch.from_numpy(by_length),), n=len(numbers))

    def example(self) -> Rows:
        """Return one pair."""
        import torch

        return (torch.from_numpy(self.pairs.used[:1]),)

    def summed_loss(self, rows: Rows, precision: str) -> torch.Tensor:
        """Return the squared distances of student and teacher, summed over pairs."""
        import torch

        numbers = rows[0].numpy()
        places = np.searchsorted(self.pairs.taught, numbers)
        device: Any = next(self.model.model.parameters()).device
        total = torch.zeros((), device=device)
        for start in range(0, len(numbers), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
                found = self.model.embed([self.pairs.sequences[i] for i in numbers[part].tolist()])
            total = total + squared_distances(found, torch.from_numpy(self.teacher[places[part]]).to(device)).sum()
        return total

    def tokens_after(self, step: int) -> int:
        """Return the student's tokens after so many steps."""
        return self.pairs.stream.tokens_after(step)

    def limit(self, first_loss: float) -> float:
        """Return above which loss a training has run away: no less than that of vectors of zeros."""
        return max(RUNAWAY * first_loss, float(np.square(self.teacher[:ROWS_AT_ONCE]).sum(axis=1).mean()))

    def held_out(self, precision: str) -> HeldOutLoss:
        """Return the mean squared distance on the pairs kept aside."""
        import torch

        numbers = self.pairs.measured
        lengths = np.array([len(self.pairs.sequences[i]) for i in numbers])
        by_length = torch.from_numpy(numbers[np.argsort(lengths, kind="stable")])
        with evaluating(self.model.model):
            total = float(self.summed_loss((by_length,), precision))
        return HeldOutLoss(loss=total / len(numbers), bits=None)

    def describe(self) -> dict[str, Any]:
        """Return what the manifest says of the pairs."""
        return {
            "files": [self.text.name],
            "digest": self.text.digest,
            "n_pairs": len(self.text.pairs),
            "n_incomplete": self.text.n_incomplete,
            "n_left_out": self.pairs.n_left_out,
            "n_lines": self.pairs.n_kept,
            "n_read": len(self.pairs.used),
            "n_tokens": int(self.pairs.stream.lengths.sum()),
            "held_out_percent": self.pairs.percent,
            "n_held_out_lines": self.pairs.n_aside,
            "n_measured_lines": len(self.pairs.measured),
        }

    def warnings(self) -> list[str]:
        """Return what the user should know."""
        return []


def squared_distances(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return the squared Euclidean distance of each pair of rows, in float32.

    Parameters
    ----------
    found, wanted : torch.Tensor of shape (n, d)
        Sentence embeddings.

    Returns
    -------
    torch.Tensor of shape (n,), dtype float32
        Zero where they are equal.
    """
    return (found.float() - wanted.float()).square().sum(dim=1)
