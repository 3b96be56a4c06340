"""What a run will cost, before it starts: a survey of the corpus and simple sums.

Owns the formulas, and says that they are estimates. Refuses to read more than the beginning of a corpus.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from focus_core.auxiliary import choose_epochs, choose_threads
from focus_core.corpus import Corpus, empty_corpus, iter_batches
from focus_core.errors import VocabularyError, bad_input

SURVEY_BYTES = 4 << 20
CHARACTERS_PER_TOKEN = 4.0
SAMPLE_LINES = 5

START_S = 12.0
"""Imports, reading the source model, matching, combining and writing, for a vocabulary of some thousands."""
TOKENS_PER_S = 400_000.0
TRAINED_CHARACTERS_PER_S = 1_500_000.0
VECTOR_UPDATES_PER_S = 20_000_000.0
"""Tokens x dimensions that fastText updates in a second on one thread."""
BASE_MIB = 700.0
FASTTEXT_BUCKETS = 2_000_000


@dataclass(frozen=True, kw_only=True)
class Survey:
    """The beginning of a corpus, and what it says about the whole.

    Parameters
    ----------
    n_bytes : int
        Size of the files.
    n_lines, n_characters : int
        Counted, or scaled up from the part that was read.
    complete : bool
        Whether all of it was read, so that the numbers are counts.
    sample : tuple of str
        The first lines.
    """

    n_bytes: int
    n_lines: int
    n_characters: int
    complete: bool
    sample: tuple[str, ...]

    @property
    def n_tokens(self) -> int:
        """Tokens that a tokenizer of usual size makes of it, about four characters each."""
        return round(self.n_characters / CHARACTERS_PER_TOKEN)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a run will take, to within a factor of two or three.

    Parameters
    ----------
    n_tokens : int
        Tokens of the corpus.
    seconds : float
        Time on this machine.
    memory_mib : float
        Peak memory of the run's processes, in MiB.
    occurrences_per_token : float
        How often a token is seen on average; below ten or so, most tokens cannot be compared.
    """

    n_tokens: int
    seconds: float
    memory_mib: float
    occurrences_per_token: float


def survey_corpus(corpus: Corpus, *, max_bytes: int = SURVEY_BYTES) -> Survey:
    """Read the beginning of a corpus and scale it up by bytes.

    Parameters
    ----------
    corpus : Corpus
        The corpus.
    max_bytes : int, default=4194304
        Bytes of the files to read.

    Returns
    -------
    Survey
        Lines and characters, counted or scaled.

    Raises
    ------
    CorpusError
        If what was read is no text, or there is none.
    """
    n_read = n_used = n_lines = n_characters = 0
    sample: list[str] = []
    complete = True

    def note(n_bytes: int) -> None:
        nonlocal n_read, n_used
        n_read, n_used = n_read + n_bytes, n_read  # files are read ahead: only the pieces before this one are used up

    for batch in iter_batches(corpus, lines_per_batch=200, on_read=note):
        n_lines += len(batch)
        n_characters += sum(map(len, batch))
        sample.extend(batch[: SAMPLE_LINES - len(sample)])
        if n_used >= max_bytes:
            complete = False
            break
    if not n_lines:
        raise empty_corpus(corpus.names)
    n_bytes = sum(corpus.sizes)
    scale = 1.0 if complete else max(1.0, n_bytes / n_used)
    return Survey(
        n_bytes=n_bytes,
        n_lines=round(n_lines * scale),
        n_characters=round(n_characters * scale),
        complete=complete,
        sample=tuple(sample),
    )


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
    except (OSError, ValueError, RecursionError, KeyError, TypeError, IndexError, AttributeError) as reason:
        raise bad_input(
            "tokenizer",
            expected="a tokenizer.json",
            got="another file",
            remedy="save it with the tokenizers library",
            error=VocabularyError,
        ) from reason
    return len(names)


def estimate_run(
    survey: Survey,
    *,
    vocab_size: int,
    dim: int,
    epochs: int | None = None,
    trains_tokenizer: bool,
    trains_vectors: bool = True,
) -> Estimate:
    """Return what a run on this corpus will take.

    Parameters
    ----------
    survey : Survey
        The corpus.
    vocab_size : int
        Target tokens.
    dim : int
        Length of the auxiliary vectors.
    epochs : int, default=None
        fastText epochs; ``None`` chooses as the run itself will.
    trains_tokenizer : bool
        Whether the tokenizer is trained first.
    trains_vectors : bool, default=True
        Whether auxiliary vectors are trained; only some methods need them.

    Returns
    -------
    Estimate
        Sums of simple terms: start, training the tokenizer, tokenising, and tokens x epochs x dimensions.

    Notes
    -----
    The rates were measured on two cores of a small server.
    """
    epochs = epochs or choose_epochs(survey.n_tokens, vocab_size)
    n_threads = choose_threads(survey.n_tokens * epochs)
    training = survey.n_characters / TRAINED_CHARACTERS_PER_S if trains_tokenizer else 0.0
    vectors = survey.n_tokens * epochs * dim / (VECTOR_UPDATES_PER_S * n_threads)
    matrix_mib = (vocab_size + FASTTEXT_BUCKETS) * dim * 4 / 2**20
    if not trains_vectors:
        vectors = matrix_mib = 0.0
    return Estimate(
        n_tokens=survey.n_tokens,
        seconds=START_S + training + survey.n_tokens / TOKENS_PER_S + vectors,
        memory_mib=BASE_MIB + matrix_mib,
        occurrences_per_token=survey.n_tokens / max(1, vocab_size),
    )
