"""Why a row is what it is: the facts of a run, then the sum with its numbers, then plain verdicts on both."""

from __future__ import annotations

import dataclasses

from focus_core.analysis.provenance.explanation import Explanation, facts_of
from focus_core.analysis.provenance.formula import formula_of, output_formula_of
from focus_core.analysis.provenance.verdicts import verdicts_of
from focus_core.runs.folder import RunFolder


def explain_token(run: RunFolder, target_id: int, *, n_neighbours: int = 0) -> Explanation:
    """Explain the row of one target token.

    Parameters
    ----------
    run : RunFolder
        The run.
    target_id : int
        The token.
    n_neighbours : int, default=0
        How many nearest rows of the new matrix to add; they cost a pass over the matrix.

    Returns
    -------
    Explanation
        Read from the run folder; nothing is recomputed but the threshold.

    Raises
    ------
    RunFolderError
        If the id holds no token.
    """
    facts = facts_of(run, target_id, n_neighbours=n_neighbours)
    formula, output_formula = formula_of(facts, run), output_formula_of(facts, run)
    return dataclasses.replace(facts, formula=formula, output_formula=output_formula, verdicts=verdicts_of(facts, run))
