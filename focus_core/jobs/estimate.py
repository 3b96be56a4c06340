"""What a run will cost, before it starts: sums over the statistics of the corpus, and said to be estimates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from focus_core.errors import VocabularyError, bad_input
from focus_core.initialization.auxiliary.svd import COLUMNS_PER_VALUE
from focus_core.initialization.auxiliary.vectors import choose_epochs, choose_threads
from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.request import InitRequest
from focus_core.jobs.steps import Step
from focus_core.tokenization.corpus_statistics import CorpusStatistics
from focus_core.types import AuxiliarySpace, VocabSize

START_S = 11.0
"""Imports, reading the source model, combining and writing, for a vocabulary of some thousands."""
MATCH_S = 1.0
"""Matching; measured at 0.2 s for 250,000 source tokens and 50,000 target tokens."""
TOKENS_PER_S = 400_000.0
TRAINED_CHARACTERS_PER_S = 1_500_000.0
SIZES_TRIED = 4
"""Tokenizers that a search for a size trains: three on Swahili, four on isiXhosa."""
VECTOR_UPDATES_PER_S = 20_000_000.0
"""Tokens x dimensions that fastText updates in a second on one thread."""
COUNTED_TOKENS_PER_S = 2_000_000.0
"""Tokens whose pairs are counted in a second."""
PAIRS_PER_TOKEN = 0.8
"""Different pairs of neighbours within two places, of the tokens of a text; 1 M tokens of Swahili in 50,000 types."""
FACTORISED_PER_S = 8_000_000_000.0
"""Products and sums a second of the factors of counts, on one thread."""
PAIR_BYTES = 120
"""Peak memory of a pair: in the table, while that doubles, and in both matrices."""
BASE_MIB = 700.0
FASTTEXT_BUCKETS = 2_000_000
NO_TEXT = CorpusStatistics(n_bytes=0, n_lines=0, n_characters=0, complete=True, sample=())


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a run will take, to within a factor of two or three.

    Parameters
    ----------
    n_tokens : int
        Tokens of the corpus, by `characters_per_token`.
    seconds : float
        Time on this machine.
    memory_mib : float
        Peak memory of the run's processes, in MiB.
    occurrences_per_token : float
        How often a token is seen on average; below ten or so, most tokens cannot be compared.
    by_step : mapping of Step to float
        The time of each step; steps that are left out are missing. Its sum is ``seconds``.
    """

    n_tokens: int
    seconds: float
    memory_mib: float
    occurrences_per_token: float
    by_step: Mapping[Step, float]


def count_json_tokens(path: Path) -> int:
    """Return the number of tokens that a ``tokenizer.json`` lists, without building the tokenizer.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    int
        Entries of its model and added tokens that the model lacks.

    Raises
    ------
    VocabularyError
        If the file is no ``tokenizer.json``.
    """
    try:
        content = json.loads(path.read_bytes())
        vocabulary = content["model"]["vocab"]
        names = {str(entry[0]) if isinstance(entry, list) else str(entry) for entry in vocabulary}
        names |= {str(token["content"]) for token in content.get("added_tokens") or ()}
    except (OSError, ValueError, RecursionError) as reason:
        raise _no_tokenizer("a file that is not JSON") from reason
    except (KeyError, TypeError, IndexError, AttributeError) as reason:
        raise _no_tokenizer("JSON without a model that has a vocabulary") from reason
    return len(names)


def _no_tokenizer(got: str) -> VocabularyError:
    return bad_input("tokenizer", "a tokenizer.json", got, "save it with the tokenizers library", VocabularyError)


def estimate_run(request: InitRequest, statistics: CorpusStatistics | None, *, vocab_size: int) -> Estimate:
    """Return what a run will take.

    Parameters
    ----------
    request : InitRequest
        What it is asked for.
    statistics : CorpusStatistics or None
        The text that it reads; ``None`` where it reads none.
    vocab_size : int
        Target tokens.

    Returns
    -------
    Estimate
        Sums of simple terms: start, training the tokenizer, tokenising, and for the vectors tokens x epochs x
        dimensions by fastText, pairs and tokens x columns by counts.

    Notes
    -----
    The rates were measured on two cores of a small server.
    """
    text, config = statistics or NO_TEXT, request.config
    n_tokens = text.count_tokens(vocab_size)
    steps = {Step.OVERLAP: MATCH_S, Step.ROWS: START_S}
    matrix_mib = 0.0
    if request.train_tokenizer is not None:
        n_trained = SIZES_TRIED if request.vocab_size == VocabSize.AUTO else 1
        steps[Step.TOKENIZERS] = n_trained * text.n_characters / TRAINED_CHARACTERS_PER_S
    if statistics is not None:
        steps[Step.CORPUS] = n_tokens / TOKENS_PER_S
    method = METHODS[config.method]
    if statistics is not None and method.makes_vectors and (method.joint or request.auxiliary is None):
        by_fasttext = config.auxiliary_space == AuxiliarySpace.FASTTEXT
        n_counted = 2 * n_tokens if method.joint else n_tokens  # the text is cut by both tokenizers
        steps[Step.VECTORS], matrix_mib = (_trained if by_fasttext else _counted)(n_counted, vocab_size, config)
    return Estimate(
        n_tokens=n_tokens,
        seconds=sum(steps.values()),
        memory_mib=BASE_MIB + matrix_mib,
        occurrences_per_token=n_tokens / max(1, vocab_size),
        by_step=steps,
    )


def _trained(n_tokens: int, vocab_size: int, config: InitConfig) -> tuple[float, float]:
    """Return seconds and MiB of vectors by fastText."""
    updates = n_tokens * (config.epochs or choose_epochs(n_tokens, vocab_size))
    seconds = updates * config.dim / (VECTOR_UPDATES_PER_S * choose_threads(updates))
    return seconds, (vocab_size + FASTTEXT_BUCKETS) * config.dim * 4 / 2**20


def _counted(n_tokens: int, vocab_size: int, config: InitConfig) -> tuple[float, float]:
    """Return seconds and MiB of vectors by counts: sparse products with each column, and columns with each other."""
    pairs, columns = PAIRS_PER_TOKEN * n_tokens, COLUMNS_PER_VALUE * config.dim
    work = 8 * pairs * columns + 4 * min(n_tokens, vocab_size) * columns**2
    seconds = n_tokens / COUNTED_TOKENS_PER_S + work / FACTORISED_PER_S
    return seconds, (pairs * PAIR_BYTES + 12 * vocab_size * columns) / 2**20
