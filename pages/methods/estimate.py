"""What a comparison will take, before it starts: sums of simple terms, said to be estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from focus_core.corpus.held_out import LEAST_LINES, measured_percent
from focus_core.experiments.probe import RATES
from focus_core.initialization.config import InitConfig
from focus_core.initialization.request import InitRequest
from focus_core.jobs.estimate import estimate_run
from focus_core.tokenization.corpus_statistics import CorpusStatistics

TRAINED_PARAMETERS_PER_S = 3.0e10
"""Parameters x tokens that a training of the embeddings gets through in a second on one thread."""
MEASURED_PARAMETERS_PER_S = 9.0e10
"""The same of a measurement, which goes forward alone: a third of the work."""
PREPARE_S, PROBE_S = 14.0, 1.5
"""Reading the inputs and starting the source's measurement; what a probe takes beside its tokens."""


def measured_lines(statistics: CorpusStatistics) -> int:
    """Return about how many lines of a text are measured on; 0 where it is too short to keep any aside."""
    if statistics.n_lines < LEAST_LINES:
        return 0
    return round(statistics.n_lines * measured_percent(statistics.n_lines) / 100)


@dataclass(frozen=True, kw_only=True)
class ComparisonEstimate:
    """What a comparison will take, to within a factor of two or three.

    Parameters
    ----------
    n_runs : int
        Methods times seeds.
    trained_tokens : int
        Tokens that all probes together see, those of rates that were not chosen too.
    seconds : float
        Time on this machine, one run at a time.
    by_method : mapping of str to float
        The time of each method with all its seeds; what is left of ``seconds`` measures the source.
    """

    n_runs: int
    trained_tokens: int
    seconds: float
    by_method: Mapping[str, float]


def estimate_comparison(
    methods: Sequence[str],
    statistics: CorpusStatistics,
    *,
    n_seeds: int,
    probe_tokens: int,
    n_parameters: int,
    vocab_size: int,
) -> ComparisonEstimate:
    """Return what a comparison will take.

    Parameters
    ----------
    methods : sequence of str
        The methods that run.
    statistics : CorpusStatistics
        The text.
    n_seeds : int
        Seeds a method.
    probe_tokens : int
        Tokens of each probe.
    n_parameters : int
        Numbers in all weights of the model.
    vocab_size : int
        Target tokens.

    Returns
    -------
    ComparisonEstimate
        A method's first seed is trained once a learning rate, every other seed once.

    Notes
    -----
    The rates are processor time on one core of a small server: 20 s more for 80,000 tokens more of a masked model of
    7.4 million parameters. On a busy machine it takes as much longer as others take of it.
    """
    probes = len(RATES) + n_seeds - 1
    lines = measured_lines(statistics)
    line_tokens = statistics.count_tokens(vocab_size) / max(1, statistics.n_lines)
    measure = lines * line_tokens * n_parameters / MEASURED_PARAMETERS_PER_S
    train = probe_tokens * n_parameters / TRAINED_PARAMETERS_PER_S
    training = probes * (PROBE_S + train) + 2 * n_seeds * measure
    by_method = {name: training + n_seeds * _initialise(name, statistics, vocab_size) for name in methods}
    return ComparisonEstimate(
        n_runs=len(by_method) * n_seeds,
        trained_tokens=len(by_method) * probes * probe_tokens,
        seconds=PREPARE_S + n_seeds * measure + sum(by_method.values()),
        by_method=by_method,
    )


def _initialise(method: str, statistics: CorpusStatistics, vocab_size: int) -> float:
    # an estimate looks at no path
    request = InitRequest(source="-", target_tokenizer="-", config=InitConfig(method=method))
    return estimate_run(request, statistics, vocab_size=vocab_size).seconds
