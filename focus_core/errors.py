"""The errors this library raises on purpose, each with a way out.

Owns the exception tree and the four-part message. Refuses to know what any argument means.
"""

from __future__ import annotations


class FocusError(Exception):
    """Base of every error that the library raises on purpose.

    Parameters
    ----------
    message : str
        One line: subject, expected, got.
    hint : str, default=""
        The remedy, shown after the message.
    """

    exit_status = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


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
    *,
    expected: str,
    got: str,
    remedy: str,
    error: type[InvalidInputError] = InvalidInputError,
) -> InvalidInputError:
    """Build the four-part error: subject, expected, got, remedy.

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

    Returns
    -------
    InvalidInputError
        Ready to raise; its text is one line.

    Examples
    --------
    >>> print(bad_input("corpus.txt", expected="some text", got="an empty file", remedy="give a file with text"))
    corpus.txt: expected some text, got an empty file; give a file with text
    """
    message = f"{subject}: expected {expected}, got {got}"
    return error(" ".join(message.split()), hint=" ".join(remedy.split()))
