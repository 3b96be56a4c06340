"""What a comparison was made of and what each method did, as the table tells it; nothing here is concluded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from focus_core.experiments.folder import Measured
from focus_core.experiments.layout import KIND, SCHEMA_VERSION
from focus_core.experiments.probe import RATES
from focus_core.initialization.methods.registry import METHODS
from focus_core.numerics.formats import ratio

OF_A_PIECE = ("method", "seed")
"""Options that differ from piece to piece as a matter of course."""


def describe(measured: Measured) -> dict[str, Any]:
    """Return the parts of the table that hold no interval.

    Parameters
    ----------
    measured : Measured
        What was measured.

    Returns
    -------
    dict
        ``schema_version``, ``kind``, ``source``, ``target``, ``corpus``, ``measured``, ``settings``, ``reference`` and
        ``methods``: one entry a method, those that ran in the registry's order before those that lack an input.
    """
    text, request, facts = measured.manifest["text"], measured.manifest["request"], measured.source_facts
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        "source": _tokenizer(facts["source"]),
        "target": _tokenizer(facts["target"]),
        "corpus": {name: text[name] for name in ("files", "digest", "n_lines", "n_fit_lines")},
        "measured": {
            "n_lines": text["n_measured_lines"],
            "n_words": int(measured.words.sum()),
            "n_characters": int(measured.characters.sum()),
            "removed": text["removed"],
        },
        "settings": {
            "seeds": list(measured.seeds),
            "probe_tokens": request["probe_tokens"],
            "learning_rates": list(RATES),
            "match": request["match"],
        },
        "reference": {
            "tokens_per_word": _tokens_per_word(facts["source"]),
            "target_tokens_per_word": _tokens_per_word(facts["target"]),
            "character_unigram_bits": float(measured.unigram.sum() / measured.characters.sum()),
        },
        "methods": [*_measured_entries(measured), *_missing_entries(measured)],
    }


def _tokenizer(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in ("name", "digest", "n")}


def _tokens_per_word(found: dict[str, Any]) -> float | None:
    return ratio(found["n_word_tokens"], found["n_words"])


def _measured_entries(measured: Measured) -> list[dict[str, Any]]:
    options = differing_options([measured.facts[name][0]["config"] for name in measured.methods])
    return [
        {
            "method": name,
            "status": "measured",
            "needs": [str(need) for need in METHODS[name].needs],
            "missing": [],
            "learning_rate": measured.facts[name][0]["learning_rate"],
            "seeds": list(measured.seeds),
            "counts": measured.facts[name][0]["counts"],
            "options": own,
            "curve": mean_curve([one["curve"] for one in measured.facts[name]]),
            "retrieval": mean_retrieval([one["retrieval"] for one in measured.facts[name]]),
            "spent_tokens": METHODS[name].spent_tokens,
            "notes": list(dict.fromkeys(note for one in measured.facts[name] for note in one["notes"])),
        }
        for name, own in zip(measured.methods, options, strict=True)
    ]


def _missing_entries(measured: Measured) -> list[dict[str, Any]]:
    return [
        {"method": name, "status": "missing", "needs": [str(need) for need in METHODS[name].needs], "missing": lacks}
        for name, lacks in measured.manifest["missing"].items()
    ]


def differing_options(configs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return of each method's options those in which some methods differ.

    Examples
    --------
    >>> differing_options([{"seed": 1, "dim": 100, "fallback": "mean"}, {"seed": 2, "dim": 100, "fallback": "normal"}])
    [{'fallback': 'mean'}, {'fallback': 'normal'}]
    """
    names = [name for name in configs[0] if name not in OF_A_PIECE] if configs else []
    differing = [name for name in names if any(config[name] != configs[0][name] for config in configs)]
    return [{name: config[name] for name in differing} for config in configs]


def mean_curve(curves: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the held-out loss of the probe on its way, its mean over seeds.

    Examples
    --------
    >>> mean_curve([[{"tokens": 0, "held_out_loss": 2.0}], [{"tokens": 0, "held_out_loss": 4.0}]])
    [{'tokens': 0, 'held_out_loss': 3.0}]
    """
    return [
        {"tokens": rows[0]["tokens"], "held_out_loss": float(np.mean([row["held_out_loss"] for row in rows]))}
        for rows in zip(*curves, strict=True)
    ]


def mean_retrieval(found: Sequence[dict[str, Any] | None]) -> dict[str, Any] | None:
    """Return retrieval with each precision as its mean over seeds and the least and the greatest; ``None`` without."""
    seeds = [one for one in found if one is not None]
    if not seeds:
        return None
    return {
        when: {
            group: {**seeds[0][when][group], "precision": _spread([one[when][group]["precision"] for one in seeds])}
            for group in seeds[0][when]
        }
        for when in seeds[0]
    }


def _spread(precisions: Sequence[dict[str, float | None]]) -> dict[str, Any]:
    columns = {k: [value for one in precisions if (value := one[k]) is not None] for k in precisions[0]}
    return {
        k: {"value": float(np.mean(values)), "seed_low": min(values), "seed_high": max(values)} if values else None
        for k, values in columns.items()
    }
