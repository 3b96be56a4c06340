"""From a method's parallel text to links: both sides read by their tokenizers, aligned, and held to be of use."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from focus_core.errors import CorpusError, bad_input, phrase
from focus_core.initialization.methods.base import MethodInput
from focus_core.initialization.methods.copying import not_copied
from focus_core.initialization.methods.parallel.checks import check_parallel
from focus_core.initialization.methods.parallel.links import Links, count_links
from focus_core.initialization.methods.parallel.words import WordLines
from focus_core.tokenization.identity import SPECIAL
from focus_core.tokenization.vocabulary import Vocabulary

Reader = Callable[[Vocabulary, Sequence[str]], WordLines]


def check_text(inputs: MethodInput) -> None:
    """Refuse what `check_parallel` refuses; that there is parallel text at all is seen to before."""
    if inputs.parallel is not None:
        check_parallel(inputs.parallel)


def align_sides(inputs: MethodInput, read: Reader, *, n_iter: int) -> tuple[tuple[WordLines, WordLines], Links]:
    """Read both sides of a method's parallel text and align them.

    Parameters
    ----------
    inputs : MethodInput
        Parallel text, vocabularies and options.
    read : callable
        `read_words` or `read_tokens`: what is aligned.
    n_iter : int
        Iterations of the aligner in each direction.

    Returns
    -------
    sides : (WordLines, WordLines)
        The source's and the target's lines.
    links : Links
        How often their words are linked.

    Raises
    ------
    CorpusError
        If there is no parallel text.
    """
    if inputs.parallel is None:
        remedy = phrase("give it by {parallel}")
        raise bad_input("parallel text", "pairs of a line and its translation", "none", remedy, CorpusError)
    pairs = inputs.parallel.pairs
    source = read(inputs.source, [pair[0] for pair in pairs])
    target = read(inputs.target, [pair[1] for pair in pairs])
    links = count_links(source, target, aligner=inputs.config.aligner, n_iter=n_iter, progress=inputs.progress)
    return (source, target), links


def linked_often(inputs: MethodInput, links: Links, usual: int) -> Links:
    """Leave out what is linked too rarely.

    Parameters
    ----------
    inputs : MethodInput
        Options: ``min_links``, and the name of the parallel text.
    links : Links
        How often words are linked.
    usual : int
        The method's own least count.

    Returns
    -------
    Links
        At least one.

    Raises
    ------
    CorpusError
        If nothing is left.
    """
    least = inputs.config.min_links or usual
    often = links.at_least(least)
    if not len(often.counts):
        times = "once" if least == 1 else f"{least} times"
        most = f"{links.counts.max():,} for the pair that is linked most" if len(links.counts) else "no link at all"
        remedy = phrase("see whether the lines are translations, give more of them, or a lower {min_links}")
        name = "parallel text" if inputs.parallel is None else inputs.parallel.name
        raise bad_input(name, f"words that are linked at least {times}", most, remedy, CorpusError)
    return often


def made_ids(inputs: MethodInput, positions: np.ndarray) -> np.ndarray:
    """Return the target tokens that are made, and not copied; a special token without its like falls back.

    Parameters
    ----------
    inputs : MethodInput
        Vocabularies and overlap.
    positions : ndarray of shape (n_copied,)
        Which pairs of the overlap are copied.

    Returns
    -------
    ndarray of shape (n_made,), dtype int32
        Target ids, ascending.
    """
    return np.flatnonzero(not_copied(inputs, positions) & (inputs.target.kinds != SPECIAL)).astype(np.int32)
