"""What to say of an embedding that is no mean of its contributors: negative weights, and what no weight says."""

from __future__ import annotations

from focus_core.analysis.provenance.explanation import Explanation, Verdict
from focus_core.initialization.methods.registry import METHODS
from focus_core.runs.folder import RunFolder


def beyond_weights(explanation: Explanation, run: RunFolder) -> list[Verdict]:
    """Say how much of an embedding is in no weight, and why; nothing where the weights say all of it."""
    if not explanation.residual:
        return []
    method = METHODS.get(str(run.manifest["config"]["method"]))
    text = f"A part as long as {explanation.residual:.0%} of the embedding is in no weight."
    return [Verdict(text=f"{text} {method.beyond if method else ''}".rstrip())]


def no_mean(explanation: Explanation) -> Verdict:
    """Say that a row is no mean of its contributors: some weights are negative, or they are not all that it is."""
    weights = [c.weight for c in explanation.contributors]
    n, total = sum(weight < 0 for weight in weights), f"The weights sum to {sum(weights):.2f}."
    many = f"{len(weights):,} contributors, {n:,} with a negative weight"
    return Verdict(text=f"{many}: the embedding is no mean of them. {total}")
