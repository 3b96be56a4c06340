"""Eight short lessons on a run: a few sentences each, the numbers for one picture, and a task that is checked."""

from __future__ import annotations

from pages.learn.lessons.base import Chapter
from pages.learn.lessons.judging import PITFALLS, TRAINING
from pages.learn.lessons.one_row import ONE_ROW
from pages.learn.lessons.space import ALIKE, SPARSEMAX
from pages.learn.lessons.vocabularies import IDS, OVERLAP, TOKENIZERS

CHAPTERS: tuple[Chapter, ...] = (TOKENIZERS, IDS, OVERLAP, ALIKE, SPARSEMAX, ONE_ROW, PITFALLS, TRAINING)
"""Every chapter, in order."""
