"""What a comparison could have measured, made up: the truth is known, so is what should be said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from focus_core.experiments.folder import Measured
from focus_core.experiments.intervals import LineBits

LEVELS = {"focus": 2.0, "script": 2.07, "subword-mean": 2.06, "overlap": 2.004, "mean": 2.5, "random": 2.55}
"""True bits per character after the probe; right after initialisation they are more, the more the worse the method."""
SOURCE, UNIGRAM = 2.2, 4.1


def line_bits(
    levels: Sequence[float],
    n_lines: int,
    *,
    seed: int,
    n_seeds: int = 3,
    line_sd: float = 0.15,
    word_sd: float = 0.3,
    seed_sd: float | Sequence[float] = 0.004,
    skew: float = 0.7,
    heavy: bool = False,
    together: int = 1,
) -> LineBits:
    """Return bits of methods with known levels: hard lines are hard for all, seeds differ, lines are of skewed length.

    ``line_sd`` is how much a method differs from line to line, ``word_sd`` from word to word, ``seed_sd`` from seed to
    seed (of each method, if several); with ``heavy`` tails are those of Student's t with 3 degrees of freedom. Of
    ``together`` neighbouring lines three tenths of what a method differs by are common.
    """
    rng, n_methods = np.random.default_rng(seed), len(levels)
    length = rng.lognormal(np.log(12), skew, (1, n_lines)) * rng.uniform(0.7, 1.3, (n_seeds, n_lines))
    characters = np.where(rng.random((n_seeds, n_lines)) < 0.15, 0, np.maximum(1, length)).astype(np.int64)

    def noise(*shape: int) -> np.ndarray:
        return rng.standard_t(3, shape) / np.sqrt(3) if heavy else rng.normal(size=shape)

    own = noise(n_methods, n_lines)
    if together > 1:
        shared = np.repeat(rng.normal(size=(n_methods, -(-n_lines // together))), together, axis=1)[:, :n_lines]
        own = np.sqrt(0.7) * own + np.sqrt(0.3) * shared
    spread = np.broadcast_to(seed_sd, n_methods)[:, None]
    rate = np.asarray(levels)[:, None, None] + rng.normal(0, 0.5, n_lines) + line_sd * own[:, None]
    rate = rate + (spread * rng.normal(size=(n_methods, n_seeds)))[:, :, None]
    words = word_sd * np.sqrt(12 * characters) * noise(n_methods, n_seeds, n_lines)
    return LineBits(bits=rate * characters + words, characters=characters)


def made_comparison(
    levels: Mapping[str, float] = LEVELS,
    *,
    n_lines: int = 420,
    n_seeds: int = 3,
    source: float = SOURCE,
    missing: Mapping[str, list[str]] | None = None,
    n_unknown: int = 0,
    seed: int = 1,
) -> Measured:
    """Return what a comparison of made-up methods would have measured."""
    after = [*levels.values(), source, UNIGRAM]
    before = [2 * level - 1.9 for level in levels.values()]
    lines = line_bits([*after, *before], n_lines, seed=seed, n_seeds=n_seeds, line_sd=0.06, word_sd=0.12)
    n, seeds = len(levels), tuple(range(1, n_seeds + 1))
    text = {"files": ["made-up.txt"], "digest": "2" * 64, "n_lines": 10 * n_lines, "n_fit_lines": 9 * n_lines}
    text |= {"n_measured_lines": n_lines, "held_out_percent": 10, "removed": {"corpus": 0, "parallel": 3}}
    return Measured(
        manifest={
            "request": {"probe_tokens": 60_000, "seeds": n_seeds, "match": "exact"},
            "missing": missing or {},
            "text": text,
        },
        methods=tuple(levels),
        seeds=seeds,
        lines=tuple(f"made-up line {number}" for number in range(n_lines)),
        start=lines.bits[n + 2 :],
        probe=lines.bits[:n],
        source=lines.bits[n],
        unigram=lines.bits[n + 1],
        characters=lines.characters,
        words=np.minimum(lines.characters, 2),
        facts={name: tuple(_facts(name, level, s) for s in seeds) for name, level in levels.items()},
        source_facts={
            "objective": "mlm",
            "source": _segmentation("made-up-source", "0", 16_000, 2.4),
            "target": _segmentation("made-up-tokenizer", "1", 8_000, 1.5),
            "predicted": {"n_tokens": 1000, "n_unknown": n_unknown, "n_characters": 3000, "n_unknown_characters": 0},
            "notes": [],
        },
    )


def _facts(name: str, level: float, seed: int) -> dict[str, Any]:
    drawn = {"focus": 100, "subword-mean": 0}.get(name, 3900)
    combined = 3900 - drawn
    rates = [{"learning_rate": rate, "held_out_loss": level + abs(rate - 0.001)} for rate in (0.0003, 0.001, 0.003)]
    return {
        "method": name,
        "seed": seed,
        "rates": rates if seed == 1 else rates[1:2],
        "learning_rate": 0.001,
        "tokens": 60_000,
        "curve": [
            {"tokens": 15_000 * step, "held_out_loss": round(2 * level + 0.4 / (1 + step) + 0.001 * seed, 6)}
            for step in range(5)
        ],
        "counts": {"copied": 4100, "combined": combined, "fallback": drawn},
        "config": {"method": name, "seed": seed, "fallback": "script" if name == "script" else "normal", "dim": 100},
        "retrieval": None,
        "notes": [],
    }


def _segmentation(name: str, digit: str, n: int, per_word: float) -> dict[str, Any]:
    tokens = round(5000 * per_word)
    counts = {"n_characters": 30_000, "n_words": 5000, "n_tokens": tokens + 500, "n_word_tokens": tokens}
    return {"name": name, "digest": digit * 64, "n": n, "n_continued": 2000, "n_unknown": 0, **counts}
