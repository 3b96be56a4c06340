"""The errors this library raises on purpose, each with a way out, and texts that name options."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from string import Formatter
from typing import Any, Self, TypeVar

E = TypeVar("E", bound="InvalidInputError")
ERROR_VARIABLE = "FOCUS_LAB_ERROR_FILE"
"""The environment variable that tells the command line where to write down the error that ends it, for a job."""
FLAG = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")


class Phrase(str):
    """A text as the command line prints it, which knows where it names options.

    Parameters
    ----------
    parts : iterable of str
        Text and the name of an option in turn, text first and last. A name is that of a field, such as ``vocab_size``.
    """

    parts: tuple[str, ...]

    def __new__(cls, parts: Iterable[str]) -> Phrase:
        """Spell the options as the command line does."""
        kept = tuple(parts)
        found = super().__new__(cls, "".join(flag(part) if i % 2 else part for i, part in enumerate(kept)))
        found.parts = kept
        return found

    def __getnewargs__(self) -> tuple[tuple[str, ...]]:  # type: ignore[override]  # it is built from parts alone
        return (self.parts,)

    @property
    def options(self) -> tuple[str, ...]:
        """Names of the options in it, in their order."""
        return self.parts[1::2]


def flag(option: str) -> str:
    """Return how the command line spells the option of a field: ``vocab_size`` is ``--vocab-size``."""
    return f"--{option.replace('_', '-')}"


def phrase(template: object, *values: object) -> Phrase:
    """Build a text that names options.

    Parameters
    ----------
    template : object
        ``{vocab_size}`` names an option, ``{}`` takes the next value.
    *values : object
        Values; the options that one names stay options.

    Returns
    -------
    Phrase
        The text.

    Examples
    --------
    >>> phrase("give more text, or {vocab_size} {} or less", 151)
    'give more text, or --vocab-size 151 or less'
    """
    parts, given = [""], iter(values)
    for text, name, _, _ in Formatter().parse(str(template)):
        parts[-1] += text
        if name:
            parts += [name, ""]
        elif name is not None:
            first, *rest = parts_of(next(given))
            parts[-1] += first
            parts += rest
    return Phrase(parts)


def option(name: str) -> Phrase:
    """Return the name of an option alone, as the subject of an error."""
    return Phrase(("", name, ""))


def sentence(text: str) -> Phrase:
    """Return a text with a capital letter and a full stop."""
    first, *rest = parts_of(text)
    *most, last = [first[:1].upper() + first[1:], *rest]
    return Phrase([*most, last.rstrip(".") + "."])


def parts_of(text: object) -> tuple[str, ...]:
    """Return text and names of options in turn; a plain text is one part."""
    return text.parts if isinstance(text, Phrase) else (str(text),)


def read_phrase(text: str) -> Phrase:
    """Return a text of a run folder, which is kept as the command line prints it, its options known again."""
    return Phrase(part.replace("-", "_") if i % 2 else part for i, part in enumerate(FLAG.split(text)))


def _one_line(text: str) -> Phrase:
    first, *rest = (re.sub(r"\s+", " ", part) for part in parts_of(text))
    *most, last = [first.lstrip(), *rest]
    return Phrase([*most, last.rstrip()])


class FocusError(Exception):
    """Base of every error that the library raises on purpose.

    Parameters
    ----------
    message : str
        One line: subject, expected, got.
    hint : str, default=""
        The remedy, shown after the message.
    largest : int, default=None
        The largest value that can be had, where one was too large.
    """

    exit_status = 1

    def __init__(self, message: str, *, hint: str = "", largest: int | None = None) -> None:
        super().__init__(message)
        self.message, self.hint, self.largest = _one_line(message), _one_line(hint), largest

    @property
    def text(self) -> Phrase:
        """Message and remedy in one line."""
        return phrase("{}; {}", self.message, self.hint) if self.hint else self.message

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values that any encoding can hold."""
        message, hint = ([printable(part) for part in text.parts] for text in (self.message, self.hint))
        return {"message": message, "hint": hint, "largest": self.largest}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Build it from what `to_dict` returned."""
        return cls(Phrase(fields["message"]), hint=Phrase(fields["hint"]), largest=fields["largest"])

    def __str__(self) -> str:
        return str(self.text)


def printable(text: str) -> str:
    """Return text that any encoding can hold: lone surrogates are shown escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


class InvalidInputError(FocusError, ValueError):
    """Something the caller gave cannot be used; the message is one line."""

    exit_status = 2


class VocabularyError(InvalidInputError):
    """A tokenizer cannot be read, or its vocabulary contradicts itself."""


class CorpusError(InvalidInputError):
    """A corpus cannot be read, is empty, or supports too little."""


class AuxiliaryError(InvalidInputError):
    """Auxiliary vectors cannot be read, trained or aligned with the target vocabulary."""


class ModelError(InvalidInputError):
    """A model or an embedding matrix cannot be read or does not fit its tokenizer."""


class RunFolderError(InvalidInputError):
    """A run folder is missing, unfinished, in the way, or of an unknown version."""


class CancelledError(FocusError):
    """The work was cancelled from outside; nothing was left behind."""

    exit_status = 130


def bad_input(
    subject: str,
    expected: str,
    got: str,
    remedy: str,
    error: type[E] = InvalidInputError,  # type: ignore[assignment]  # a type variable has no default before 3.13
    *,
    largest: int | None = None,
) -> E:
    """Build the four-part error: subject, expected, got, remedy. What names options is written by `phrase`.

    Parameters
    ----------
    subject : str
        What was examined, as the user named it.
    expected, got : str
        The rule and what was found instead.
    remedy : str
        What to do about it.
    error : type of InvalidInputError, default=InvalidInputError
        The class to build.
    largest : int, default=None
        The largest value that can be had, where one was too large.

    Returns
    -------
    InvalidInputError
        Of that class, ready to raise; its text is one line.

    Examples
    --------
    >>> print(bad_input("corpus.txt", expected="some text", got="an empty file", remedy="give a file with text"))
    corpus.txt: expected some text, got an empty file; give a file with text
    """
    return error(phrase("{}: expected {}, got {}", subject, expected, got), hint=remedy, largest=largest)
