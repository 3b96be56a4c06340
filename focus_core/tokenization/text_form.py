"""The text form of a tokenizer: what its normaliser does to case, accents and Unicode form, and a normaliser for it.

It is read by running the normaliser over letters, never from the names of its parts: a charsmap that folds case, a
Sequence and a part that is not known today are read alike.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from tokenizers import Regex, normalizers

from focus_core.types import Normalization

ACCENTS = r"(?<=[\p{Latin}\p{Greek}\p{Cyrillic}])[\u0300-\u036f\u0483-\u0487\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0]+"
"""Marks after a Latin, Greek or Cyrillic letter. Elsewhere a mark is a vowel or a consonant: of Devanagari, Thai,
Arabic, Hebrew and others nothing is ever stripped, whatever the source does to them."""
FOLDS = {c: c.casefold() for c in "ßςſϐϑϕϖϰϱϵᲀᲁᲂᲃᲄᲅᲆᲇᲈ"}
"""Lower-case letters that case folding makes others of; which ones, differs between normalisers."""
COMPATIBLE = "ﬁﬂ①②Ⅳⅷ²³ªº№℡㎏㎝Ａｂ１９ｶﾄ…™ĳ㍍"
"""Characters that NFKC writes otherwise and NFC does not."""
FORMS = {"NFC": normalizers.NFC, "NFD": normalizers.NFD, "NFKC": normalizers.NFKC, "NFKD": normalizers.NFKD}
MOST = 0.9
"""Share of the letters for which something must hold to be true of a normaliser: charsmaps have exceptions."""


@dataclass(frozen=True, kw_only=True)
class TextForm:
    """What a normaliser does to text.

    Parameters
    ----------
    lower : bool, default=False
        It makes letters lower-case.
    folds : str, default=""
        Lower-case letters that it folds as well, such as ``ς`` to ``σ``; those of `FOLDS`.
    strips_accents : bool, default=False
        It strips accents of Latin, Greek and Cyrillic letters.
    unicode_form : str, default=""
        ``NFC``, ``NFD``, ``NFKC`` or ``NFKD``; empty: it leaves the form as it is.
    """

    lower: bool = False
    folds: str = ""
    strips_accents: bool = False
    unicode_form: str = ""

    @property
    def words(self) -> str:
        """What text it reads, in words.

        Examples
        --------
        >>> TextForm(lower=True, strips_accents=True, unicode_form="NFC").words
        'lower-case text without accents, in Unicode form NFC'
        >>> TextForm().words
        'text as it is written'
        """
        case = f"{'case-folded' if self.folds else 'lower-case'} text" if self.lower else "text"
        accents = " without accents" if self.strips_accents else ""
        form = f", in Unicode form {self.unicode_form}" if self.unicode_form else ""
        said = case + accents
        if said == "text":
            return f"text{form.removeprefix(',')}" if form else AS_WRITTEN
        return said + form

    def steps(self) -> list[Any]:
        """Return normalisers that, one after another, bring text into this form; a second time they change nothing."""
        final = self.unicode_form or ("NFC" if self.strips_accents else "")
        steps: list[Any] = []
        if self.strips_accents or (self.lower and "K" in final):  # ™ is TM first, and then tm
            steps.append(normalizers.NFKD() if "K" in final else normalizers.NFD())
        if self.strips_accents:
            steps.append(normalizers.Replace(Regex(ACCENTS), ""))
        if self.lower:
            steps.append(normalizers.Lowercase())
        steps += [normalizers.Replace(letter, FOLDS[letter]) for letter in self.folds]
        return [*steps, FORMS[final]()] if final else steps

    def keeps_more_than(self, other: TextForm) -> bool:
        """Whether it keeps capital letters or accents that another form does not."""
        return (other.lower and not self.lower) or (other.strips_accents and not self.strips_accents)


AS_WRITTEN = "text as it is written"


def text_form(normalization: Normalization, normalizer: Any) -> TextForm:
    """Return the form that a tokenizer to be trained gets.

    Parameters
    ----------
    normalization : Normalization
        What was asked for.
    normalizer : tokenizers.normalizers.Normalizer or None
        The source's; read where it is to be inherited.

    Returns
    -------
    TextForm
        The form; that of ``none`` changes nothing.
    """
    if normalization is Normalization.INHERIT:
        return read_text_form(normalizer)
    return TextForm(unicode_form="" if normalization is Normalization.NONE else normalization.value.upper())


def read_text_form(normalizer: Any) -> TextForm:
    """Read what a normaliser does, by running it.

    Parameters
    ----------
    normalizer : tokenizers.normalizers.Normalizer or None
        Any; ``None`` does nothing.

    Returns
    -------
    TextForm
        What holds for nearly all Latin, Greek and Cyrillic letters, and nearly all of some compatibility characters. A
        form that accents are stripped from is a composed one: what stands decomposed in it is a means to that end.
    """
    if normalizer is None:
        return TextForm()
    run: Callable[[str], str] = cache(normalizer.normalize_str)
    if not all(c in run(c) for c in ascii_lowercase):
        return TextForm()
    capitals, accented = [c for c in _letters() if c.lower() != c], [c for c in _letters() if _base(c) != c]
    lower = all(run(c) == run(c.lower()) for c in ascii_uppercase) and _most(run(c) == run(c.lower()) for c in capitals)
    strips = _most(run(c) == run(_base(c)) for c in accented)
    unifies = _most(run(c) == run(unicodedata.normalize("NFD", c)) for c in accented)
    compatible = _most(run(c) == run(unicodedata.normalize("NFKC", c)) for c in COMPATIBLE)
    form = "NFKC" if compatible else "NFC" if unifies else ""
    if form and not strips and _most(unicodedata.normalize("NFD", c) in run(c) for c in accented if c.islower()):
        form = f"{form[:-1]}D"
    plain = TextForm(lower=lower, strips_accents=strips, unicode_form=form)
    return TextForm(lower=lower, strips_accents=strips, unicode_form=form, folds=_folds(run, plain) if lower else "")


def _folds(run: Callable[[str], str], plain: TextForm) -> str:
    """Return the letters that a normaliser folds, and that a form without folds keeps apart."""
    own = normalizers.Sequence(plain.steps()).normalize_str
    return "".join(c for c, folded in FOLDS.items() if run(c) == run(folded) and own(c) != own(folded))


def _most(found: Iterable[bool]) -> bool:
    answers = list(found)
    return sum(answers) >= MOST * len(answers)


def _base(text: str) -> str:
    """Return text without its marks."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")


@cache
def _letters() -> tuple[str, ...]:
    """Return the letters of the languages of today that are written in Latin, Greek or Cyrillic."""
    ranges = ((0x41, 0x180), (0x386, 0x3CF), (0x400, 0x460), (0x1EA0, 0x1EFA))
    return tuple(c for start, end in ranges for c in map(chr, range(start, end)) if c.isalpha())
