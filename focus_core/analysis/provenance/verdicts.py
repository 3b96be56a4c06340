"""Plain sentences on one token: what a person should notice about its embedding, with the number and what to do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from focus_core.analysis.checks.base import CheckResult, Status
from focus_core.analysis.checks.causes import anchors_in_words, foreign_script, has_few_anchors
from focus_core.analysis.checks.registry import CHECKS
from focus_core.analysis.provenance.beyond import beyond_weights, no_mean
from focus_core.analysis.provenance.change import ChangedNeighbours, ChangedTokens
from focus_core.analysis.provenance.explanation import Contributor, Explanation, Tone, Verdict
from focus_core.analysis.provenance.formula import scale_of
from focus_core.errors import phrase, sentence
from focus_core.initialization.auxiliary.vectors import OWN_KINDS
from focus_core.initialization.health import FEW_ANCHORS
from focus_core.numerics.formats import cut_percent
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import has_origin
from focus_core.tokenization.scripts import NEUTRAL_SCRIPTS
from focus_core.types import MethodName, Origin, Rule, TokenKind

NEARLY_COPY = 0.95
"""A contributor above this share leaves no room for a second meaning."""

DECIDES = 0.5
"""From this share on, one contributor says more than all others together."""

NEARLY_MEAN = 100
"""Above this many effective contributors a row is close to the mean of the anchors: a sound space gives about 13,
a collapsed one about 470 (measured on 2.3 MB of Swahili)."""

MANY, EQUAL = 20, 2
"""From this many contributors on, of which the largest has less than this many times an equal share, none stands out:
so are 2 to 3 of 100 rows of a sound space."""

MOSTLY = 0.8
"""Share of contributors from which a kind is named."""

FEW_OCCURRENCES = 20
"""A vector from fewer contexts than this is mostly noise and character n-grams."""

SHORT, LONG = 0.5, 1.5
"""Ratio to the source's row length outside which a row behaves unlike the rows the model knows."""

FAR = 0.95
"""Share of tokens that must be better placed, or drifted less, before a token is called out."""


def verdicts_of(explanation: Explanation, run: RunFolder) -> tuple[Verdict, ...]:
    """Return what is worth knowing about a token's row, most telling first."""
    auxiliary = run.manifest.get("auxiliary")
    if explanation.origin == Origin.COPIED:
        found = _copied(explanation, run) + _anchor(explanation, run)
    elif explanation.origin == Origin.FALLBACK:
        found = _fallback(explanation, str(run.manifest["config"]["method"]), compared=auxiliary is not None)
    else:
        found = _combined(explanation, run) if auxiliary else _uncompared(explanation, run)
        found += _few_occurrences(explanation) if auxiliary and auxiliary["kind"] in OWN_KINDS else []
    if explanation.origin != Origin.COPIED:  # a copy has the length that the model knows
        found += _length(explanation)
    return tuple(found + _sides(explanation, run))


def _sides(explanation: Explanation, run: RunFolder) -> list[Verdict]:
    """Say what the weights shown leave out: what was learned, a scale, and weights of the output side's own."""
    found, scale = beyond_weights(explanation, run), scale_of(run, explanation.id)
    if scale != 1:
        found.append(Verdict(text=f"The embedding was multiplied by {scale:.3g} after it was made."))
    if run.sides_differ:
        found.append(Verdict(text="The output embedding has weights of its own; these are the input's."))
    return found


def training_verdicts(
    changed: ChangedTokens | None, neighbours: ChangedNeighbours, target_id: int
) -> tuple[Verdict, ...]:
    """Return what a training did to a token, in sentences.

    Parameters
    ----------
    changed : ChangedTokens or None
        From `changed_tokens`; ``None`` where the training recorded no change.
    neighbours : ChangedNeighbours
        From `neighbour_change` on the token.
    target_id : int
        The token.

    Returns
    -------
    tuple of Verdict
        How many neighbours it kept and how far its row turned beside the other tokens; empty where neither is known.
    """
    found = []
    n = len(neighbours.before)
    if n:
        kept = len(neighbours.kept)
        jaccard = kept / (n + len(neighbours.gained))
        text = f"Training kept {kept} of its {n} nearest tokens (Jaccard {jaccard:.2f})."
        found.append(Verdict(text=text, tone=Tone.GOOD if 2 * kept >= n else Tone.NOTE))
    place = np.flatnonzero(changed.id == target_id) if changed is not None else np.zeros(0, np.int64)
    if changed is not None and len(place) and len(changed.id) > 1:
        found.append(_turned(changed, int(place[0])))
    return tuple(found)


def _turned(changed: ChangedTokens, place: int) -> Verdict:
    """Compare how far a row turned with all the others."""
    own, ratio = float(changed.cosine[place]), float(changed.norm_ratio[place])
    others = len(changed.cosine) - 1
    less = float((changed.cosine > own).sum()) / others
    more = float((changed.cosine < own).sum()) / others
    if less >= more:
        beside = "further than any other token" if less == 1 else f"further than {cut_percent(less)} of the tokens"
    else:
        beside = "less far than any other token" if more == 1 else f"less far than {cut_percent(more)} of the tokens"
    turned = f"Training turned its embedding {beside} (cosine {own:.2f} to where it was)"
    text = f"{turned}, and made it {ratio:.2f} times as long."
    if less < FAR:
        return Verdict(text=text)
    advice = "Where it began was not where training wanted it: see what it lost and gained."
    return Verdict(text=text, tone=Tone.WARNING, advice=advice)


def _copied(explanation: Explanation, run: RunFolder) -> list[Verdict]:
    rule = Rule(explanation.rule)
    how = {Rule.USER: "by your map", Rule.SPECIAL: "by its special-token type"}.get(rule, f"{rule} match")
    what = "A control token, copied" if explanation.kind == TokenKind.SPECIAL else "Copied"
    exactly = "bit for bit" if run.cut_rank is None else f"and cut to rank {run.cut_rank}"
    text = f"{what} {exactly} from source token #{explanation.source_id} ({how})."
    loose = rule in {Rule.FUZZY, Rule.SYMBOL}
    advice = phrase("See whether both mean the same; {match} exact copies only what is spelt alike.") if loose else ""
    found = [Verdict(text=text, tone=Tone.NOTE if loose else Tone.GOOD, advice=advice)]
    others = len(explanation.candidates) - 1
    if others > 0:
        text = f"{others} more source token{'s' * (others > 1)} could have been copied instead."
        found.append(Verdict(text=text, advice=phrase("A line in a file for {map} decides between them.")))
    return found


def _anchor(explanation: Explanation, run: RunFolder) -> list[Verdict]:
    """Say what a copied token is worth to others."""
    if run.manifest["config"]["method"] != MethodName.FOCUS or explanation.kind != TokenKind.NORMAL:
        return []
    if not explanation.has_auxiliary:
        return [Verdict(text="No anchor: it has no auxiliary vector, so no other embedding can be combined from it.")]
    fed = run.source_rows([explanation.source_id])[0] if explanation.source_id is not None else {"n_fed": 0}
    if not fed["n_fed"]:
        return [Verdict(text="An anchor that no combined embedding takes anything from.")]
    rows = "1 combined embedding" if fed["n_fed"] == 1 else f"{fed['n_fed']:,} combined embeddings"
    return [Verdict(text=f"As an anchor it feeds {rows}, with a total weight of {fed['weight_fed']:.2f}.")]


def collapse_of(run: RunFolder) -> CheckResult | None:
    """Return what the check of the auxiliary space (FOC011) found, where it did not pass; remembered by the run.

    Parameters
    ----------
    run : RunFolder
        The run.

    Returns
    -------
    CheckResult or None
        ``None`` where similarities tell tokens apart, or the run took none.
    """
    found = run.remember("collapsed space", lambda: CHECKS["FOC011"].run(run))
    return found if found.status in {Status.WARNING, Status.PROBLEM} else None


def _combined(explanation: Explanation, run: RunFolder) -> list[Verdict]:
    if has_few_anchors(run):  # kinds, scripts and similarities of contributors are those of the few that there are
        return [_only_choice(explanation, run), _spread(explanation, trusted=False, chosen=False)]
    collapse = collapse_of(run)
    return [
        *([_chosen_by_nothing(collapse)] if collapse is not None else []),
        _spread(explanation, trusted=collapse is None),
        *_kinds(explanation, run),
        *_scripts(explanation, run),
        *_far_from_anchors(explanation, run),
    ]


def _only_choice(explanation: Explanation, run: RunFolder) -> Verdict:
    """Say that a mixture is of a handful of anchors, so that nothing about it was chosen."""
    n, why = explanation.n_contributors, anchors_in_words(run)
    text = f"Made of {n} contributor{'s' * (n > 1)}, for {why}: they are all there was, not what is like it."
    foreign = foreign_script(run)
    cause = f"{foreign.words[:1].upper()}{foreign.words[1:]}. " if foreign else ""
    remedy = run.remember("few anchors", lambda: CHECKS["FOC001"].run(run)).tip
    if not remedy:  # a method that copies no text has nothing to gain from FOC001
        remedy = phrase("take a source model that knows the language or its script, or name pairs by {map}")
    return Verdict(text=text, tone=Tone.WARNING, advice=phrase("{}{}", cause, sentence(remedy)))


def _chosen_by_nothing(collapse: CheckResult) -> Verdict:
    """Say that the similarities behind a mixture tell little, however sound the mixture looks."""
    text = f"Its contributors are hardly chosen by likeness, nor are others in this run: {collapse.summary} (FOC011)."
    return Verdict(text=text, tone=Tone.WARNING, advice=sentence(collapse.tip))


def _spread(explanation: Explanation, *, trusted: bool, chosen: bool = True) -> Verdict:
    """Say whether a mixture is a copy, sound, or a blur; sound it is only where similarities can be trusted."""
    largest, effective = explanation.max_weight, explanation.effective_contributors
    if explanation.residual or any(c.weight < 0 for c in explanation.contributors):
        return no_mean(explanation)
    if not chosen:
        n = explanation.n_contributors
        many = f"{n:,} contributors, which count as much as {effective:,.1f} equal ones"
        return Verdict(text=f"{many if n > 1 else '1 contributor'}; the largest has {cut_percent(largest)}.")
    if largest >= NEARLY_COPY:
        text = f"One contributor has {cut_percent(largest)}: nearly a copy."
        advice = "Right for a spelling or a translation, wrong for an accident: read the two."
        return Verdict(text=text, tone=Tone.WARNING, advice=advice)
    if effective > NEARLY_MEAN:
        text = f"Spread over {effective:,.0f} effective contributors: nearly a mean of the shared tokens."
        advice = phrase("Make the auxiliary vectors from more text, or lower {temperature}.")
        return Verdict(text=text, tone=Tone.WARNING, advice=advice)
    if largest >= DECIDES:
        text = f"One contributor has {cut_percent(largest)}: it says more than all the others together."
        return Verdict(text=text, advice="See whether the two mean the same.")
    n = explanation.n_contributors
    text = f"{n:,} contributors, which count as much as {effective:,.1f} equal ones."
    if n >= MANY and largest * n < EQUAL:
        text = f"{text[:-1]}: none of them stands out."
        return Verdict(text=text, advice="Its embedding is a blend of many; see whether they have something in common.")
    return Verdict(text=text, tone=Tone.GOOD if trusted else Tone.NOTE)


def _uncompared(explanation: Explanation, run: RunFolder) -> list[Verdict]:
    """Say what a row is that was combined without comparing auxiliary vectors."""
    if run.manifest["config"]["method"] in (MethodName.SUBWORD_MEAN, MethodName.ASYMMETRIC_MEAN):
        return _subwords(explanation)
    return [_spread(explanation, trusted=False, chosen=False), *_kinds(explanation, run)]


def _subwords(explanation: Explanation) -> list[Verdict]:
    n = len(explanation.contributors)
    return [
        Verdict(text=f"Mean of {n} source subwords of its text." if n > 1 else "One source subword covers its text.")
    ]


def _fallback(explanation: Explanation, method: str, *, compared: bool) -> list[Verdict]:
    """Say why the row is no copy and no mixture; a method that compares nothing is itself the reason."""
    seen = explanation.frequency
    tone = Tone.WARNING if seen and seen >= FEW_OCCURRENCES else Tone.NOTE
    if explanation.candidates:
        text = f"Source token #{explanation.candidates[0].source_id} matches, but {method} does not copy it."
        found = [Verdict(text=text, advice=phrase("{method} focus copies every shared token."))]
    elif explanation.kind == TokenKind.SPECIAL:
        text = "A control token of a type that the source does not have: nothing says where its embedding should lie."
        found = [
            Verdict(text=text, tone=tone, advice=phrase("A line in a file for {map} can name a source token to copy."))
        ]
    elif not compared:
        text = f"Not shared, and {method} combines no source tokens for it."
        found = [Verdict(text=text, advice=phrase("{method} focus combines new tokens from the shared ones."))]
    elif not explanation.has_auxiliary:
        advice = phrase("Give more text, lower {min_count} where it is above 1, or choose another {fallback}.")
        found = [Verdict(text="Neither shared nor combined: no auxiliary vector.", tone=tone, advice=advice)]
    else:
        advice = phrase("More shared tokens help: see {match}.")
        found = [Verdict(text="Neither shared nor combined: no similar shared token.", tone=tone, advice=advice)]
    if seen:
        found.append(Verdict(text=f"It occurs {_times(seen)} in the corpus: training has to teach it.", tone=tone))
    return found


def _kinds(explanation: Explanation, run: RunFolder) -> list[Verdict]:
    """Name contributors of one odd kind: numbers, symbols, special tokens, bytes."""
    contributors = explanation.contributors
    found = []
    for name, test in (("numbers", str.isnumeric), ("punctuation or symbols", _is_symbol)):
        n = sum(test(c.text) for c in contributors)
        if len(contributors) >= 3 and n / len(contributors) >= MOSTLY and not test(explanation.text):
            text = f"{n} of {len(contributors)} contributors are {name}."
            advice = phrase("The corpus uses it among them, as in tables or lists: look at its lines.")
            anchors = run.remember("anchor texts", lambda: _anchor_texts(run))
            of_kind = sum(map(test, anchors))
            if of_kind >= DECIDES * len(anchors):
                text = f"{text[:-1]}, as are {of_kind:,} of the {len(anchors):,} anchors that there are."
                advice = phrase("The shared tokens are mostly of this kind: more words must be shared, see {match}.")
            found.append(Verdict(text=text, tone=Tone.WARNING, advice=advice))
    odd = [c for c in contributors if c.kind != TokenKind.NORMAL]
    if odd:
        weight = _share(odd, contributors)
        text = f"{_plural(len(odd), 'contributor')} no text (special or byte), {cut_percent(weight)} of the weight."
        tone = Tone.WARNING if weight > DECIDES else Tone.NOTE
        found.append(
            Verdict(text=text, tone=tone, advice="Such embeddings have no meaning; a small share does no harm.")
        )
    return found


def _share(some: Sequence[Contributor], of: Sequence[Contributor]) -> float:
    """Return how much of the weight some contributors have, negative weights by their size."""
    return sum(abs(c.weight) for c in some) / max(sum(abs(c.weight) for c in of), 1e-12)


def _anchor_texts(run: RunFolder) -> list[str]:
    """Return the texts of all anchors."""
    anchors = has_origin(run, Origin.COPIED) & run.column("tokens", "has_auxiliary").astype(bool)
    texts = run.column("tokens", "text")
    return [str(texts[i]) for i in np.flatnonzero(anchors)]


def _scripts(explanation: Explanation, run: RunFolder) -> list[Verdict]:
    """Tell when most of the weight comes from another script than the token's own."""
    if explanation.script in NEUTRAL_SCRIPTS:
        return []
    foreign = [c for c in explanation.contributors if c.script not in NEUTRAL_SCRIPTS | {explanation.script}]
    weight = _share(foreign, explanation.contributors)
    if not foreign or weight <= DECIDES:
        return []
    scripts = ", ".join(sorted({c.script for c in foreign}))
    share = cut_percent(weight)
    text = f"Contributors in another script: {share} of the weight is {scripts}, not {explanation.script}."
    advice = "Right for a name or a loan word; else the shared tokens of its own script are too few."
    own = run.remember(f"anchors in {explanation.script}", lambda: _n_anchors_in(run, explanation.script))
    if own < FEW_ANCHORS:
        there = "no anchor is" if not own else "only 1 anchor is" if own == 1 else f"only {own} anchors are"
        advice = f"The cause: {there} {explanation.script}, so there was hardly anything else to choose."
    return [Verdict(text=text, tone=Tone.WARNING, advice=advice)]


def _n_anchors_in(run: RunFolder, script: str) -> int:
    """Return the number of anchors in a script."""
    anchors = has_origin(run, Origin.COPIED) & run.column("tokens", "has_auxiliary").astype(bool)
    return int((anchors & (run.column("tokens", "script").astype(str) == script)).sum())


def _far_from_anchors(explanation: Explanation, run: RunFolder) -> list[Verdict]:
    """Tell when even the best contributor is less similar than that of nearly every other combined token."""
    similarities = [c.similarity for c in explanation.contributors if c.similarity is not None]
    known = run.remember("best similarities", lambda: _best_similarities(run))
    if not similarities or len(known) < 2:
        return []
    best = max(similarities)
    nearer = float((known > best).sum()) / (len(known) - 1)
    if nearer < FAR:
        return []
    share = cut_percent(nearer)
    text = f"Its nearest anchor has a cosine of {best:.2f}; {share} of the combined tokens have a nearer one."
    advice = "Few shared tokens are used like it: trust its embedding less."
    return [Verdict(text=text, tone=Tone.WARNING, advice=advice)]


def _best_similarities(run: RunFolder) -> np.ndarray:
    """Return the largest similarity of every row of ``W`` that has any."""
    target, similarity = (run.column("contributions", name) for name in ("target_id", "similarity"))
    known = ~np.isnan(np.asarray(similarity, dtype=np.float64))
    ids, starts = np.unique(target[known], return_index=True)
    return np.maximum.reduceat(similarity[known], starts) if len(ids) else np.zeros(0)


def _few_occurrences(explanation: Explanation) -> list[Verdict]:
    n = explanation.frequency
    if n is None or n >= FEW_OCCURRENCES:
        return []
    if n == 0:
        text = "It never occurs in the text: its auxiliary vector is that of frequent tokens with the same n-grams."
        return [Verdict(text=text, tone=Tone.WARNING, advice="Its spelling alone speaks for it: give more text.")]
    text = f"Auxiliary vector from {'1 occurrence' if n == 1 else f'{n:,} occurrences'}."
    advice = "So few contexts say little: trust its embedding little, or give more text."
    return [Verdict(text=text, tone=Tone.WARNING, advice=advice)]


def _length(explanation: Explanation) -> list[Verdict]:
    if not explanation.source_norm:
        return []
    ratio = explanation.norm / explanation.source_norm
    if SHORT <= ratio <= LONG:
        return []
    short, long = "A short embedding hides its token in the output.", "A long embedding draws the output to its token."
    text = f"Its embedding has {ratio:.2f} times the mean source norm."
    return [Verdict(text=text, tone=Tone.WARNING, advice=short if ratio < SHORT else long)]


def _is_symbol(text: str) -> bool:
    return bool(text) and not any(character.isalnum() for character in text)


def _plural(n: int, noun: str) -> str:
    return f"1 {noun} is" if n == 1 else f"{n} {noun}s are"


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n:,} times"
