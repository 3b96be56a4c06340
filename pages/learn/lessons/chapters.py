"""Eight short lessons on a run: a few sentences each, the numbers for one picture, and a task that is checked."""

from __future__ import annotations

from pages.learn.lessons.base import Chapter, Reply, Task, TaskKind, check_answer, label, worked_tokens
from pages.learn.lessons.judging import (
    PITFALLS,
    TRAINING,
    Hub,
    compared_tokens,
    effective_contributors,
    hubs_of,
    origins_by_band,
    own_training,
    stayed,
)
from pages.learn.lessons.one_row import ONE_ROW, Exercise, RowSum, exercise_of, row_sum, summed_tokens
from pages.learn.lessons.space import (
    ALIKE,
    SPARSEMAX,
    Alike,
    Weights,
    alike,
    asked_alike,
    asked_similarities,
    first_similarities,
    sparsemax_of,
)
from pages.learn.lessons.vocabularies import (
    IDS,
    OVERLAP,
    TOKENIZERS,
    Piece,
    SameId,
    Sizes,
    asked_id,
    first_sentence,
    read_sentence,
    same_ids,
    sizes_of,
)

CHAPTERS: tuple[Chapter, ...] = (TOKENIZERS, IDS, OVERLAP, ALIKE, SPARSEMAX, ONE_ROW, PITFALLS, TRAINING)
"""Every chapter, in order."""

__all__ = [
    "CHAPTERS",
    "Alike",
    "Chapter",
    "Exercise",
    "Hub",
    "Piece",
    "Reply",
    "RowSum",
    "SameId",
    "Sizes",
    "Task",
    "TaskKind",
    "Weights",
    "alike",
    "asked_alike",
    "asked_id",
    "asked_similarities",
    "check_answer",
    "compared_tokens",
    "effective_contributors",
    "exercise_of",
    "first_sentence",
    "first_similarities",
    "hubs_of",
    "label",
    "origins_by_band",
    "own_training",
    "read_sentence",
    "row_sum",
    "same_ids",
    "sizes_of",
    "sparsemax_of",
    "stayed",
    "summed_tokens",
    "worked_tokens",
]
