"""What can be told of an initialisation before anything is spent: a text that the source does not know, no overlap.

A warning of `foresee_text` needs the source's tokenizer and some lines, one of `foresee_overlap` the two vocabularies.
Both say what to do. Whether they stop the work is the caller's choice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from focus_core.corpus.parallel import ParallelText
from focus_core.errors import Phrase, bad_input, phrase, sentence
from focus_core.initialization.health import FEW_ANCHORS
from focus_core.initialization.methods.base import Method
from focus_core.initialization.methods.parallel.checks import sides_look_swapped
from focus_core.initialization.overlap.matching import Overlap
from focus_core.initialization.overlap.statistics import shared_text
from focus_core.initialization.reading import Reading
from focus_core.numerics.formats import cut_percent
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import MethodName


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """Something that a run would end in, told beforehand.

    Parameters
    ----------
    subject, expected, got : str
        What was looked at, what a sound run needs, and what there is instead, with its figures.
    found : str
        What there is as a sentence.
    effect : str
        What it would lead to.
    remedy : Phrase
        What to do.
    """

    subject: str
    expected: str
    got: str
    found: str
    effect: str
    remedy: Phrase

    @property
    def words(self) -> Phrase:
        """All of it as two sentences."""
        return phrase("{}, so {}. {}", sentence(self.found).rstrip("."), self.effect, sentence(self.remedy))


_MADE_OF = {0: "there is nothing to make new embeddings of", 1: "every new embedding would be a copy of this one"}
Heed = Callable[[Foreseen], None]
"""Is told what is foreseen; raising from it stops the run before anything is spent."""


def refuse(foreseen: Foreseen) -> None:
    """Stop at whatever is foreseen.

    Parameters
    ----------
    foreseen : Foreseen
        What it is.

    Raises
    ------
    InvalidInputError
        Always, with its four parts.
    """
    raise bad_input(foreseen.subject, foreseen.expected, foreseen.got, foreseen.remedy)


def foresee_text(reading: Reading, method: Method, *, has_map: bool = False) -> Foreseen | None:
    """Say beforehand that the source hardly knows a text.

    Parameters
    ----------
    reading : Reading
        The source's tokenizer on some lines of the text.
    method : Method
        The method; one that copies no tokens of text does not need what the source knows.
    has_map : bool, default=False
        Whether the user names pairs; then `foresee_overlap` has the last word.

    Returns
    -------
    Foreseen or None
        ``None`` where most letters are known to the source, or nothing depends on it.
    """
    if has_map or not method.copies_text or not (reading.mostly_unknown or reading.mostly_bytes):
        return None
    lines = f"of the first {reading.n_lines:,} lines" if reading.n_lines > 1 else "of the only line"
    if reading.mostly_unknown:
        shares = f"{cut_percent(reading.unknown_share)} of the letters"
        if 2 * reading.n_unknown_words > reading.n_words:
            shares += f" and {cut_percent(reading.n_unknown_words / reading.n_words)} of the words"
        got, found = f"{shares} {lines} unknown to it", f"{shares} {lines} are unknown to the source's tokenizer"
        effect = "hardly a token can be shared, and new embeddings have next to nothing to be made of"
    else:
        share, into = cut_percent(reading.byte_share), f"cut into bytes, {reading.bytes_a_letter:.1f} a letter"
        got = f"{share} of the letters {lines} {into}"
        found = f"the source's tokenizer has no tokens for {share} of the letters {lines}: they are {into}"
        effect = "nothing is unknown, but hardly a token of text can be shared"
    return Foreseen(
        subject="corpus",
        expected="a text most of whose letters the source's tokenizer knows",
        got=got,
        found=found,
        effect=effect,
        remedy=_way_out(method),
    )


def foresee_overlap(overlap: Overlap, target: Vocabulary, method: Method) -> Foreseen | None:
    """Say beforehand that there cannot be anchors enough.

    Parameters
    ----------
    overlap : Overlap
        Which tokens are shared.
    target : Vocabulary
        The new vocabulary.
    method : Method
        The method; only one that combines anchors needs them.

    Returns
    -------
    Foreseen or None
        ``None`` where enough tokens of text are shared, or nothing is new, or the method needs no anchors.
    """
    n_text = shared_text(overlap, target)
    return few_shared(n_text, overlap.n_target, method) if overlap.n_new else None


def foresee_parallel(text: ParallelText, source: Vocabulary, target: Vocabulary) -> Foreseen | None:
    """Say beforehand that the sides of parallel text look swapped.

    Parameters
    ----------
    text : ParallelText
        Pairs of a source line and its translation.
    source, target : Vocabulary
        The two vocabularies.

    Returns
    -------
    Foreseen or None
        ``None`` where each tokenizer reads its own side in fewer tokens. A guess: only the tokens are counted.
    """
    counts = sides_look_swapped(text, source, target)
    if counts is None:
        return None
    straight, swapped = counts
    return Foreseen(
        subject=text.name,
        expected="a line in the source's language, a tab and its translation",
        got=f"lines that the tokenizers read in {straight:,} tokens, and with the sides swapped in {swapped:,}",
        found=f"the sides of {text.name} look swapped: so the tokenizers take {straight:,} tokens, else {swapped:,}",
        effect="words may be linked with those of their own language",
        remedy=phrase("put the source's language first in {parallel}, if it is not"),
    )


def few_shared(n_text: int, n_target: int, method: Method) -> Foreseen | None:
    """Say beforehand that so few tokens of text are shared.

    Parameters
    ----------
    n_text : int
        Shared tokens of text.
    n_target : int
        All target tokens; some of them are new.
    method : Method
        The method.

    Returns
    -------
    Foreseen or None
        ``None`` where these suffice, or the method needs none.
    """
    if not method.needs_text or n_text >= FEW_ANCHORS:
        return None
    are = "token of text is" if n_text == 1 else "tokens of text are"
    return Foreseen(
        subject="overlap",
        expected=f"at least {FEW_ANCHORS} shared tokens of text, to be anchors",
        got=f"{n_text} of {n_target:,} target tokens",
        found=f"only {n_text} {are} shared with the source, of {n_target:,} target tokens",
        effect=_MADE_OF.get(n_text, f"every new embedding would be a mixture of these {n_text}, whatever it means"),
        remedy=_way_out(method),
    )


def _way_out(method: Method) -> Phrase:
    """Return what helps where the source knows too little."""
    free = "a method that needs no shared tokens ({method} multivariate-normal)"
    if method.name == MethodName.FOCUS:
        return phrase(f"take a source model that knows the language or its script, {free}, or name pairs by {{map}}")
    return phrase(f"take a source model that knows the language or its script, or {free}")
