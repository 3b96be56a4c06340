"""What a comparison is asked for, as data: read from JSON, written as JSON.

Owns the options and their ranges. Reads nothing that a request names.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from focus_core.corpus.parallel import refuse_columns
from focus_core.errors import bad_input, option, phrase
from focus_core.initialization.methods.registry import METHODS, like_method
from focus_core.types import AuxiliarySpace, MatchMode, Need
from focus_core.validation import check_options, typed_fields

ALL = "all"
RANGES: dict[str, tuple[float, float]] = {
    "seeds": (1, 100),
    "probe_tokens": (1_000, 10**12),
    "threads": (1, 1024),
}


@dataclass(frozen=True, kw_only=True)
class ComparisonRequest:
    """Which methods are compared, on which source, tokenizer and text.

    Parameters
    ----------
    source : str
        Model folder or Hub id; with a backbone and a head that predicts tokens.
    target_tokenizer : str
        Folder, file or Hub id.
    corpus : tuple of Path
        Files or folders of text in the target language.
    methods : tuple of str, default=()
        Names of the registry; none stands for all of them, of which those that lack an input are listed as missing.
    dictionary : Path, default=None
        Source word, tab, target word on each line.
    parallel : Path, default=None
        Sentence of the source's language, tab, its translation on each line.
    source_column, target_column : str, default=None
        Its columns, by the names in its first line or by numbers from 1; ``None`` where it has no others.
    vectors : Path, default=None
        Static vectors of the source language's words, as ``.vec``.
    donor : str, default=None
        A model that has the target tokenizer.
    seeds : int, default=3
        How many times each method is run: seeds from 1 on.
    probe_tokens : int, default=60000
        Tokens that each run is trained on before it is measured again.
    match : MatchMode, default="exact"
        Which tokens count as shared.
    auxiliary_space : AuxiliarySpace, default="counts"
        How auxiliary vectors are made from the text.
    field : str, default="text"
        Field or column of the corpus that holds the text.
    encoding : str, default=None
        Encoding of the corpus; ``None`` is UTF-8.
    device : str, default="auto"
        ``cpu``, ``cuda`` or ``auto``.
    threads : int, default=1
        Threads of each run. One gives equal bytes on one kind of machine.

    Raises
    ------
    InvalidInputError
        If a method is unknown, a number lies out of its range, or there is no corpus.
    """

    source: str
    target_tokenizer: str
    corpus: tuple[Path, ...]
    methods: tuple[str, ...] = ()
    dictionary: Path | None = None
    parallel: Path | None = None
    source_column: str | None = None
    target_column: str | None = None
    vectors: Path | None = None
    donor: str | None = None
    seeds: int = 3
    probe_tokens: int = 60_000
    match: MatchMode = MatchMode.EXACT
    auxiliary_space: AuxiliarySpace = AuxiliarySpace.COUNTS
    field: str = "text"
    encoding: str | None = None
    device: str = "auto"
    threads: int = 1

    def __post_init__(self) -> None:
        check_options(self, RANGES)
        if not self.corpus:
            raise bad_input(option("corpus"), "text in the target language", "none", "give a file, one sentence a line")
        refuse_columns(self.parallel, self.source_column, self.target_column)
        for name in self.methods:
            if name not in METHODS:
                expected = phrase("{} or {}", ", ".join(METHODS), ALL)
                raise bad_input(option("methods"), expected, repr(name), like_method(name, "choose among these"))
        for name in self.methods:
            self.probe_of(name)

    @property
    def seed_numbers(self) -> tuple[int, ...]:
        """The seeds, from 1 on."""
        return tuple(range(1, self.seeds + 1))

    @property
    def given(self) -> tuple[Need, ...]:
        """The needs that the request itself meets; that the source has a backbone is found by reading it."""
        named = {
            Need.TEXT: self.corpus,
            Need.DICTIONARY: self.dictionary,
            Need.PARALLEL: self.parallel,
            Need.SOURCE_VECTORS: self.vectors,
            Need.DONOR: self.donor,
        }
        return tuple(need for need, value in named.items() if value)

    def probe_of(self, method: str) -> int:
        """Return the tokens that are left for a method's probe; what it trained on by itself is paid from the same."""
        left = self.probe_tokens - METHODS[method].spent_tokens
        if left < RANGES["probe_tokens"][0]:
            spent = METHODS[method].spent_tokens
            expected = f"at least {int(RANGES['probe_tokens'][0] + spent):,}, for {method} itself trains on {spent:,}"
            raise bad_input(option("probe_tokens"), expected, f"{self.probe_tokens:,}", "give more, or leave it out")
        return left

    def chosen(self) -> tuple[str, ...]:
        """Return the methods that are asked for, in the registry's order."""
        return tuple(name for name in METHODS if not self.methods or name in self.methods)

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> ComparisonRequest:
        """Return the request that plain JSON values describe; what is unknown raises `InvalidInputError`."""
        return cls(**typed_fields(cls, mapping, where="request"))

    def to_dict(self) -> dict[str, Any]:
        """Return all options as plain JSON values."""
        return {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}

    def with_whole_paths(self) -> ComparisonRequest:
        """Return the same request for a process that runs in another folder: local names as absolute paths."""
        changes: dict[str, Any] = {"corpus": tuple(path.expanduser().resolve() for path in self.corpus)}
        for name in ("dictionary", "parallel", "vectors"):
            path: Path | None = getattr(self, name)
            changes[name] = None if path is None else path.expanduser().resolve()
        for name in ("source", "target_tokenizer", "donor"):
            spec: str | None = getattr(self, name)
            local = None if spec is None else Path(spec).expanduser()
            changes[name] = str(local.resolve()) if local is not None and local.exists() else spec
        return dataclasses.replace(self, **changes)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Path | StrEnum) else value


def methods_of(text: str) -> tuple[str, ...]:
    """Return the methods that a list with commas names; ``all`` is none in particular.

    Raises
    ------
    InvalidInputError
        If it names nothing.

    Examples
    --------
    >>> methods_of("focus, mean"), methods_of("all")
    (('focus', 'mean'), ())
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise bad_input(option("methods"), phrase("names with commas between, or {}", ALL), repr(text), "name some")
    return () if names == [ALL] else tuple(dict.fromkeys(names))
