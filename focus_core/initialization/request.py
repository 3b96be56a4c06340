"""What an initialisation starts from, as data: read from JSON, written as JSON, and as a command line.

Owns `InitRequest`, its defaults and the names of its options. Reads nothing that a request names.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from focus_core.artifacts import atomic_write_bytes, dump_json
from focus_core.corpus.parallel import refuse_columns
from focus_core.errors import InvalidInputError, bad_input, flag, option, phrase
from focus_core.initialization.config import NORMALIZATION, InitConfig
from focus_core.types import AuxiliaryKind, Family, Normalization, VocabSize
from focus_core.validation import typed_fields

TRAINABLE = {"unigram": Family.UNIGRAM, "bpe": Family.BYTE_LEVEL_BPE, "wordpiece": Family.WORDPIECE}
TRIM = "trim"
"""What makes the target tokenizer of the source's own: no training, but a choice among its tokens."""
OPTIONS = {"memory_mib": "memory", "user_map": "map", "source_vectors": "vectors"}
"""Options of the command line that are not called as their fields."""
OF_PRESETS = ("keep_eos_vector", "specials_in_statistics")
"""Fields without an option: the command line has them by ``--preset`` alone."""


@dataclass(frozen=True, kw_only=True)
class InitRequest:
    """What an initialisation starts from, by name.

    Parameters
    ----------
    source : str, default=None
        Model folder or Hub id; its tokenizer lies in the same place unless ``source_tokenizer`` names another.
    source_tokenizer : str, default=None
        Tokenizer of the source; needed with ``source_embeddings``.
    source_embeddings : Path, default=None
        ``.safetensors`` or ``.npy`` with one row a source id.
    tensor : str, default=None
        Which tensor of ``source_embeddings``; ``None`` where there is one.
    target_tokenizer : str, default=None
        Folder, file or Hub id.
    train_tokenizer : str, default=None
        ``unigram``, ``bpe`` or ``wordpiece``: train the target tokenizer on the corpus; ``trim``: cut the source's own
        to the tokens that the corpus uses.
    vocab_size : int or VocabSize, default=None
        Its size, special tokens included, where ``auto`` searches one for ``unigram``; with ``trim`` the most tokens
        that are kept, ``None`` for no bound.
    min_frequency : int, default=None
        With ``trim``, occurrences below which a token is dropped; ``None`` is 2.
    normalization : Normalization, default=None
        What it does to case, accents and Unicode form; ``None`` is the preset's, see `normalizes`.
    auxiliary : Path, default=None
        Ready vectors; FOCUS needs them or a corpus to make them from.
    corpus : tuple of Path, default=()
        Files or folders of text in the target language.
    field : str, default="text"
        Field or column that holds the text.
    encoding : str, default=None
        Encoding of the corpus; ``None`` is UTF-8.
    user_map : Path, default=None
        TSV of the user's own pairs.
    auxiliary_kind : AuxiliaryKind, default="token"
        What ready vectors are keyed by.
    dictionary : Path, default=None
        Source word, tab, target word on each line; for methods that read one.
    parallel : Path, default=None
        Sentence of the source's language, tab, its translation on each line.
    source_column, target_column : str, default=None
        Its columns, by the names in its first line or by numbers from 1; ``None`` where it has no others.
    source_vectors : Path, default=None
        Static vectors of the source language's words, as ``.vec``.
    donor : str, default=None
        A model that has the target tokenizer: folder or Hub id.
    config : InitConfig
        The options; the default preset where none are given.

    Raises
    ------
    InvalidInputError
        If the names contradict one another or one that is needed is missing.
    """

    source: str | None = None
    source_tokenizer: str | None = None
    source_embeddings: Path | None = None
    tensor: str | None = None
    target_tokenizer: str | None = None
    train_tokenizer: str | None = None
    vocab_size: int | VocabSize | None = None
    min_frequency: int | None = None
    normalization: Normalization | None = None
    auxiliary: Path | None = None
    corpus: tuple[Path, ...] = ()
    field: str = "text"
    encoding: str | None = None
    user_map: Path | None = None
    auxiliary_kind: AuxiliaryKind = AuxiliaryKind.TOKEN
    dictionary: Path | None = None
    parallel: Path | None = None
    source_column: str | None = None
    target_column: str | None = None
    source_vectors: Path | None = None
    donor: str | None = None
    config: InitConfig = dataclasses.field(default_factory=InitConfig)

    def __post_init__(self) -> None:
        _exactly_one("the source", option("source"), self.source, option("source_embeddings"), self.source_embeddings)
        _exactly_one(
            "the target",
            option("target_tokenizer"),
            self.target_tokenizer,
            option("train_tokenizer"),
            self.train_tokenizer,
        )
        if self.source_embeddings and not self.source_tokenizer:
            raise missing(option("source_tokenizer"), phrase("beside {source_embeddings}"))
        if self.train_tokenizer and not self.vocab_size and not self.trims:
            raise missing(option("vocab_size"), phrase("beside {train_tokenizer}"))
        if self.vocab_size == VocabSize.AUTO and self.train_tokenizer not in (None, "unigram"):
            expected, got = phrase("a whole number beside {train_tokenizer} {}", self.train_tokenizer), "auto"
            raise bad_input(option("vocab_size"), expected, got, phrase("give one, or {train_tokenizer} unigram"))
        if self.train_tokenizer and not self.corpus:
            raise missing(option("corpus"), phrase("beside {train_tokenizer}"))
        if self.train_tokenizer is not None and self.train_tokenizer not in (*TRAINABLE, TRIM):
            known = ", ".join((*TRAINABLE, TRIM))
            raise bad_input(option("train_tokenizer"), known, repr(self.train_tokenizer), "choose one")
        self._check_trimming()
        refuse_columns(self.parallel, self.source_column, self.target_column)
        if self.normalization not in (None, *Normalization):
            raise bad_input(option("normalization"), ", ".join(Normalization), repr(self.normalization), "choose one")
        if self.normalization is not None and not self.train_tokenizer:
            expected, got = phrase("a tokenizer to train, by {train_tokenizer}"), phrase("{target_tokenizer}")
            raise bad_input(option("normalization"), expected, got, "leave it out: a ready tokenizer has its own")

    def _check_trimming(self) -> None:
        """Refuse options that contradict a trimmed tokenizer, or belong to one."""
        if self.min_frequency is not None and not self.trims:
            expected = phrase("{train_tokenizer} trim, whose option it is")
            raise bad_input(option("min_frequency"), expected, f"{self.min_frequency:,}", "leave it out")
        if self.min_frequency is not None and self.min_frequency < 1:
            raise bad_input(option("min_frequency"), "1 or more", f"{self.min_frequency:,}", "give another number")
        if self.trims and self.normalization is not None:
            expected = phrase("none beside {train_tokenizer} trim, which reads a text as the source does")
            raise bad_input(option("normalization"), expected, str(self.normalization), "leave it out")
        if self.trims and self.config.extend:
            expected = phrase("none beside {train_tokenizer} trim, which has no token that the source lacks")
            raise bad_input(option("extend"), expected, "an extension", "leave one of the two out")

    @property
    def trims(self) -> bool:
        """Whether the target tokenizer is the source's own, cut to what the corpus uses."""
        return self.train_tokenizer == TRIM

    @property
    def known_size(self) -> int:
        """The size of a tokenizer that is trained, where it is known before the run; else 0."""
        return self.vocab_size if isinstance(self.vocab_size, int) else 0

    @property
    def normalizes(self) -> Normalization:
        """What a tokenizer that is trained does to text: as asked, or by preset; the paper's inherits nothing."""
        return Normalization(self.normalization or NORMALIZATION[self.config.preset])

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> InitRequest:
        """Return the request that plain JSON values describe: a field that is left out has its default.

        Paths are text, the corpus is a list, ``config`` is as `InitConfig.from_dict` takes it. What is unknown or of
        the wrong type raises `InvalidInputError`, as does what contradicts itself.
        """
        return cls(**typed_fields(cls, mapping, where="request"))

    def to_dict(self) -> dict[str, Any]:
        """Return what differs from the defaults, those of its preset for ``config``, as plain JSON values."""
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if getattr(self, f.name) != f.default}
        own["config"] = self.config.chosen()
        return {name: _plain(value) for name, value in own.items() if value != {}}


def _exactly_one(subject: str, first: str, one: object, second: str, other: object) -> None:
    if bool(one) == bool(other):
        got = "both" if one else "neither"
        raise bad_input(subject, expected=phrase("either {} or {}", first, second), got=got, remedy="give one of them")


def missing(subject: str, where: str) -> InvalidInputError:
    """Return the error of an option without which something else cannot be."""
    return bad_input(subject, expected=phrase("a value, {}", where), got="none", remedy="give one")


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Path | StrEnum) else value


def read_request(path: Path) -> InitRequest:
    """Return the request that a JSON file holds.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    InitRequest
        By `InitRequest.from_dict`.

    Raises
    ------
    InvalidInputError
        If it holds none.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as reason:
        got = reason.strerror if isinstance(reason, OSError) else "something else"
        raise bad_input(
            str(path), expected="a request as JSON", got=str(got), remedy="give a JSON file with its fields"
        ) from reason
    return InitRequest.from_dict(content)


def write_request(request: InitRequest, path: Path) -> None:
    """Write a request as JSON, whole or not at all."""
    atomic_write_bytes(path, dump_json(request.to_dict()).encode("utf-8", "backslashreplace"))


def option_of(name: str) -> str:
    """Return what the command line calls a field."""
    return flag(OPTIONS.get(name, name))


def command_of(request: InitRequest) -> list[str]:
    """Return the command line that asks for the same.

    Parameters
    ----------
    request : InitRequest
        The request.

    Returns
    -------
    list of str
        The words after ``python -m focus_core``, without ``--output``. What has its default is left out, and so is
        what the command line has by a preset alone (`OF_PRESETS`).

    Examples
    --------
    >>> command_of(InitRequest(source="xlmr", target_tokenizer="sw", config=InitConfig(method="mean", extend=True)))
    ['init', '--source', 'xlmr', '--target-tokenizer', 'sw', '--method', 'mean', '--extend']
    """
    chosen = request.to_dict()
    words = ["init"]
    for name, value in (chosen | chosen.pop("config", {})).items():
        if isinstance(value, bool):
            words += [] if name in OF_PRESETS else [option_of(name) if value else f"--no-{option_of(name)[2:]}"]
        else:
            for one in value if isinstance(value, list) else [value]:
                words += [option_of(name), "auto" if one is None else str(one)]
    return words
