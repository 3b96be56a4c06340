"""The sum behind an embedding, written with its own numbers."""

from __future__ import annotations

from focus_core.analysis.provenance.explanation import Candidate, Contributor, Explanation
from focus_core.numerics.formats import short_weight
from focus_core.runs.folder import RunFolder
from focus_core.tokenization.display import show_token
from focus_core.types import Fallback, Origin

MAX_TERMS = 5


def formula_of(explanation: Explanation, run: RunFolder) -> str:
    """Return one line that says how the row came to be."""
    left = f"e({explanation.display})"
    scale = scale_of(run, explanation.id)
    if explanation.contributors:
        whole = scale == 1 and run.cut_rank is None
        right = _sum(explanation.contributors, exact=explanation.origin == Origin.COPIED and whole)
        cut = "" if run.cut_rank is None else f", cut to rank {run.cut_rank}"
        rest = f" + a rest of {explanation.residual:.0%} of its length" if explanation.residual else ""
        return (f"{left} = {right}" if scale == 1 else f"{left} = {scale:.3g} × ({right})") + rest + cut
    drawn_from = _distribution(run, explanation.script)
    return f"{left} = the mean source embedding" if drawn_from is None else f"{left} ~ {drawn_from}"


def output_formula_of(explanation: Explanation, run: RunFolder) -> str:
    """Return one line on the output embedding where it has weights of its own; else nothing."""
    if not explanation.output_contributors:
        return ""
    scale = scale_of(run, explanation.id, "output")
    right = _sum(explanation.output_contributors, exact=False)
    cut = "" if run.cut_rank is None else f", cut to rank {run.cut_rank}"
    return f"output of {explanation.display} = " + (right if scale == 1 else f"{scale:.3g} × ({right})") + cut


def scale_of(run: RunFolder, target_id: int, side: str = "input") -> float:
    """Return by what a token's row of a side was multiplied after it was combined."""
    scales = run.scale(side)
    return 1.0 if scales is None else float(scales[target_id])


def fallback_words(run: RunFolder, script: str) -> str:
    """Return in a sentence what the fallback rows of a script are.

    Parameters
    ----------
    run : RunFolder
        The run, for its options and the scripts of its source tokens.
    script : str
        The token's script.

    Returns
    -------
    str
        The mean, or the distribution that the row was drawn from, with its seed.
    """
    drawn_from = _distribution(run, script)
    return (
        "The embedding is the mean source embedding."
        if drawn_from is None
        else f"The embedding was drawn from {drawn_from}."
    )


def _distribution(run: RunFolder, script: str) -> str | None:
    """Return what fallback rows of a script were drawn from; ``None`` where they are the mean."""
    config = run.manifest["config"]
    if config["fallback"] == Fallback.MEAN:
        return None
    if config["fallback"] == Fallback.MULTIVARIATE:
        scale = "" if config["covariance_scale"] == 1 else f"{config['covariance_scale']:g} "
        return f"N(mean, {scale}Σ) of the source embeddings, Σ their covariance, seed {config['seed']}"
    n_rows = int((run.column("source_tokens", "script") == script).sum())
    by_script = config["fallback"] == Fallback.SCRIPT and n_rows > 1  # a deviation needs two
    rows = f"{script} source embeddings" if by_script else "the source embeddings"
    return f"N(mean, std) of {rows}, per dimension, seed {config['seed']}"


def _sum(contributors: tuple[Contributor, ...], *, exact: bool) -> str:
    if exact and len(contributors) == 1:
        return f"e({_name(contributors[0])}), bit for bit"
    terms = [(c.weight, f"e({_name(c)})") for c in contributors[:MAX_TERMS]]
    rest = contributors[MAX_TERMS:]
    if rest:
        terms.append((sum(c.weight for c in rest), f"over {len(rest)} more"))
    (first, words), *others = terms
    signed = [f" {'-' if weight < 0 else '+'} {short_weight(abs(weight))} {name}" for weight, name in others]
    return f"{short_weight(first)} {words}{''.join(signed)}"


def _name(contributor: Contributor) -> str:
    return show_contributor(contributor, limit=24)


def show_contributor(contributor: Contributor | Candidate, *, limit: int = 80) -> str:
    """Return a source token as a visible line."""
    return show_token(contributor.text, word_start=contributor.word_start, limit=limit)
