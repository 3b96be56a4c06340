"""What is measured: every variant on two languages, then few of them on six."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from scripts.auxiliary_space.results import Point
from scripts.auxiliary_space.spaces import COUNTS, FASTTEXT, ON_LITTLE_TEXT, VARIANTS
from scripts.auxiliary_space.text import WHOLE, measured_lines

LANGUAGES = ("sw", "xh", "ar", "ha", "de", "en")
SCREENED = (("ar", 3.0), ("sw", 3.0))
"""Languages and megabytes of text on which one setting is changed at a time."""
SIZES = (0.2, 1.0, 3.0)
COMPARED = (FASTTEXT, COUNTS)
CONTENDERS = ("window 3", "window 5")
"""Variants that a screening does not tell from the default: measured on all languages too."""
LITTLE = {"sw": (0.02, 0.1, 0.2, 0.5, 1.0), "ar": (0.02, 0.1, 0.2, 0.5, 1.0), "de": (0.1, 0.5), "xh": (0.1, 0.5)}
"""Megabytes of little text by language: the first two choose, the others confirm."""
TOKENS = 60_000
MASKS, MASKS_OF_A_SCREENING = 3, 1
"""Choices of masked words in each line; more make intervals narrower and take as much longer."""
SEEDS = (42, 43, 44)
"""Of fastText, of random rows and of the order of training."""
REPEATED = ("sw",)
"""Languages that are measured with every seed; the others with the first."""


def screening(data: Path) -> list[Point]:
    """Return every variant on two languages, at once."""
    one_changed = [name for name in VARIANTS if name not in ON_LITTLE_TEXT]
    return [
        point
        for language, size in SCREENED
        for point in _points(data, language, size, 0, one_changed, SEEDS[:1], masks=MASKS_OF_A_SCREENING)
    ]


def on_little_text(data: Path) -> list[Point]:
    """Return what may serve little text, at once, one size after the other."""
    return [
        point
        for language, sizes in LITTLE.items()
        for size in sizes
        for point in _points(
            data, language, size, 0, (FASTTEXT, *ON_LITTLE_TEXT), SEEDS[:1], masks=MASKS_OF_A_SCREENING
        )
    ]


def confirming(data: Path) -> list[Point]:
    """Return few variants on all languages and sizes at once, and on all of the text after training."""
    points = []
    for language in LANGUAGES:
        seeds = SEEDS if language in REPEATED else SEEDS[:1]
        for tokens in (0, TOKENS):
            points += _points(data, language, WHOLE, tokens, COMPARED, seeds)
        points += _points(data, language, WHOLE, 0, CONTENDERS, SEEDS[:1])
    for language in LANGUAGES:
        for size in SIZES:
            points += _points(data, language, size, 0, COMPARED, SEEDS[:1])
    return points


def _points(
    data: Path,
    language: str,
    size: float,
    tokens: int,
    variants: Iterable[str],
    seeds: Iterable[int],
    *,
    masks: int = MASKS,
) -> list[Point]:
    n = len(measured_lines(data, language))
    return [
        Point(language=language, size=size, tokens=tokens, variant=variant, seed=seed, lines=n, masks=masks)
        for variant in variants
        for seed in seeds
    ]
