"""Plain sentences on one token: what a person should notice about its row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from focus_core.domain import Origin, Rule, TokenKind
from focus_core.run_folder import RunFolder

if TYPE_CHECKING:
    from focus_core.provenance.explanation import Contributor, Explanation

NEARLY_COPY = 0.95
"""A contributor above this share leaves no room for a second meaning."""

NEARLY_MEAN = 100
"""Above this many effective contributors a row is close to the mean of the anchors: a sound space gives about 13,
a collapsed one about 470 (measured on 2.3 MB of Swahili)."""

MOSTLY = 0.8
"""Share of contributors from which a kind is named."""

FEW_OCCURRENCES = 20
"""A vector from fewer contexts than this is mostly noise and character n-grams."""

SHORT, LONG = 0.5, 1.5
"""Ratio to the source's row length outside which a row behaves unlike the rows the model knows."""

NEUTRAL_SCRIPTS = frozenset({"Common", "Inherited", "Special", "Byte", "Unknown"})


def verdicts_of(explanation: Explanation, run: RunFolder) -> tuple[str, ...]:
    """Return what is worth knowing about a token, most telling first.

    Parameters
    ----------
    explanation : Explanation
        The token's facts.
    run : RunFolder
        The run, for what it says about its auxiliary vectors.

    Returns
    -------
    tuple of str
        Sentences; their thresholds are the constants of this module.
    """
    auxiliary = run.manifest.get("auxiliary")
    if explanation.origin == Origin.COPIED:
        sentences = _copied(explanation)
    elif explanation.origin == Origin.FALLBACK:
        sentences = _fallback(explanation, str(run.manifest["config"]["method"]), compared=auxiliary is not None)
    else:
        sentences = _combined(explanation) if auxiliary else _pieces(explanation)
        sentences += _few_occurrences(explanation) if auxiliary and auxiliary["kind"] == "trained" else []
    return tuple(sentences + _length(explanation))


def _copied(explanation: Explanation) -> list[str]:
    how = {Rule.USER: "by your map", Rule.SPECIAL: "by its role"}.get(
        Rule(explanation.rule), f"{explanation.rule} match"
    )
    sentences = [f"copied bit for bit from source token #{explanation.source_id} ({how})"]
    others = len(explanation.candidates) - 1
    if others > 0:
        sentences.append(f"{others} more source token{'s' * (others > 1)} could have been copied instead")
    return sentences


def _combined(explanation: Explanation) -> list[str]:
    sentences = []
    if explanation.max_weight >= NEARLY_COPY:
        sentences.append(f"one contributor has {explanation.max_weight:.0%}: nearly a copy")
    if explanation.effective_contributors > NEARLY_MEAN:
        n = explanation.effective_contributors
        sentences.append(f"spread over {n:.0f} effective contributors: nearly a mean of the shared tokens")
    return sentences + _kinds(explanation) + _scripts(explanation)


def _pieces(explanation: Explanation) -> list[str]:
    n = len(explanation.contributors)
    return [f"mean of {n} source pieces of its text" if n > 1 else "one source piece covers its text"]


def _fallback(explanation: Explanation, method: str, *, compared: bool) -> list[str]:
    """Say why the row is no copy and no mixture; a method that compares nothing is itself the reason."""
    if explanation.candidates:
        sentences = [f"source token #{explanation.candidates[0].source_id} matches, but {method} does not copy it"]
    elif compared:
        reason = "no auxiliary vector" if not explanation.has_auxiliary else "no similar shared token"
        sentences = [f"neither shared nor combined: {reason}"]
    else:
        sentences = [f"not shared, and {method} combines no source tokens for it"]
    if explanation.frequency:
        times = "once" if explanation.frequency == 1 else f"{explanation.frequency:,} times"
        sentences.append(f"yet it occurs {times} in the corpus")
    return sentences


def _kinds(explanation: Explanation) -> list[str]:
    """Name contributors of one odd kind: numbers, symbols, special tokens, bytes."""
    contributors = explanation.contributors
    sentences = []
    for name, test in (("numbers", _is_number), ("punctuation or symbols", _is_symbol)):
        n = sum(test(c.text) for c in contributors)
        if len(contributors) >= 3 and n / len(contributors) >= MOSTLY and not test(explanation.text):
            sentences.append(f"{n} of {len(contributors)} contributors are {name}")
    odd = [c for c in contributors if c.kind != TokenKind.NORMAL]
    if odd:
        sentences.append(f"{_plural(len(odd), 'contributor')} no text (special or byte), {_share(odd)} of the weight")
    return sentences


def _scripts(explanation: Explanation) -> list[str]:
    """Tell when most of the weight comes from another script than the token's own."""
    if explanation.script in NEUTRAL_SCRIPTS:
        return []
    foreign = [c for c in explanation.contributors if c.script not in NEUTRAL_SCRIPTS | {explanation.script}]
    if not foreign or sum(c.weight for c in foreign) <= 0.5:
        return []
    scripts = ", ".join(sorted({c.script for c in foreign}))
    return [f"contributors in another script: {_share(foreign)} of the weight is {scripts}, not {explanation.script}"]


def _few_occurrences(explanation: Explanation) -> list[str]:
    n = explanation.frequency
    return [] if n is None or n >= FEW_OCCURRENCES else [f"auxiliary vector from {_times(n)}"]


def _length(explanation: Explanation) -> list[str]:
    if not explanation.source_norm:
        return []
    ratio = explanation.norm / explanation.source_norm
    return [] if SHORT <= ratio <= LONG else [f"norm {ratio:.1f}x of the source mean"]


def _is_number(text: str) -> bool:
    return text.isnumeric()


def _is_symbol(text: str) -> bool:
    return bool(text) and not any(character.isalnum() for character in text)


def _share(contributors: list[Contributor]) -> str:
    return f"{sum(c.weight for c in contributors):.0%}"


def _plural(n: int, noun: str) -> str:
    return f"1 {noun} is" if n == 1 else f"{n} {noun}s are"


def _times(n: int) -> str:
    return "1 occurrence" if n == 1 else f"{n:,} occurrences"
