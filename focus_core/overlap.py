"""Match the tokens of two vocabularies: by the user's map, by role, exactly, ignoring case and word start.

Owns the rules, their order and the record of every candidate. Refuses to know embeddings.
"""

from __future__ import annotations

import string
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from focus_core.domain import RULES, MatchMode, Rule
from focus_core.errors import VocabularyError, bad_input
from focus_core.token_identity import SPECIAL
from focus_core.token_roles import STAND_INS
from focus_core.vocabulary import Vocabulary

CODES = {rule: code for code, rule in enumerate(RULES)}
PUNCTUATION = frozenset(string.punctuation)
Match = tuple[int, Rule]
"""A source id and the rule that proposes it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """Every source token that could stand for a target token, n_candidates rows sorted by target id, then rank.

    Attributes
    ----------
    target_id, source_id : ndarray of int32, shape (n_candidates,)
        The pair.
    rule : ndarray of uint8, shape (n_candidates,)
        Which rule proposes it; a code in ``domain.RULES``.
    rank : ndarray of uint16, shape (n_candidates,)
        0 is the one that was chosen; later ones would have been next. Ranks beyond 65,535 are cut off there.
    """

    target_id: np.ndarray
    source_id: np.ndarray
    rule: np.ndarray
    rank: np.ndarray

    def __post_init__(self) -> None:
        for array in (self.target_id, self.source_id, self.rule, self.rank):
            array.setflags(write=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Overlap:
    """Which target tokens have a source token, and which are new.

    Attributes
    ----------
    n_source, n_target : int
        Numbers of tokens; id gaps are not counted.
    target_ids : ndarray of int32, shape (n_overlap,)
        Matched target tokens, ascending.
    source_ids : ndarray of int32, shape (n_overlap,)
        The source token chosen for each.
    rules : ndarray of uint8, shape (n_overlap,)
        The rule that matched each; a code in ``domain.RULES``.
    candidates : Candidates
        All candidates of every matched token.
    new_ids : ndarray of int32, shape (n_new,)
        Target tokens without a match, ascending.
    """

    n_source: int
    n_target: int
    target_ids: np.ndarray
    source_ids: np.ndarray
    rules: np.ndarray
    candidates: Candidates
    new_ids: np.ndarray

    def __post_init__(self) -> None:
        for array in (self.target_ids, self.source_ids, self.rules, self.new_ids):
            array.setflags(write=False)

    @property
    def n_overlap(self) -> int:
        """Return the number of matched target tokens."""
        return len(self.target_ids)

    @property
    def n_new(self) -> int:
        """Return the number of target tokens without a match."""
        return len(self.new_ids)

    @property
    def by_rule(self) -> dict[str, int]:
        """Return how many tokens each rule matched; the sum is `n_overlap`."""
        counts = np.bincount(self.rules, minlength=len(RULES)).tolist()
        return {rule.value: counts[code] for rule, code in CODES.items() if rule is not Rule.NONE}


def match_vocabularies(
    source: Vocabulary,
    target: Vocabulary,
    *,
    mode: MatchMode = MatchMode.EXACT,
    user_map: Mapping[int, int] | None = None,
) -> Overlap:
    """Find, for every target token, the source token that is the same.

    Parameters
    ----------
    source, target : Vocabulary
        The two vocabularies.
    mode : MatchMode, default=MatchMode.EXACT
        ``exact``: identities are equal. ``fuzzy``: or equal ignoring case and word start. ``symbols``: the tokens
        that match exactly or fuzzily and whose text is numeric, ASCII punctuation or white space, and only these.
    user_map : mapping of int to int, default=None
        Source id by target id; comes before every rule.

    Returns
    -------
    Overlap
        Each token is counted once, in the order user, special (by role alone), exact (specials of the same string
        among them), fuzzy or symbol.

    Raises
    ------
    VocabularyError
        If the map names an id that does not exist.

    Notes
    -----
    Of several source candidates the one with the same string comes first, then the same case, then the lowest id.
    Linear in the number of tokens of both sides.
    """
    mode = MatchMode(mode)
    chosen = dict(user_map or {})
    _check_user_map(source, target, chosen)
    matches = dict(_match_texts(source, target, mode))
    matches.update(_match_specials(source, target))
    for target_id, source_id in chosen.items():
        others = [match for match in matches.get(target_id, ()) if match[0] != source_id]
        matches[target_id] = [(source_id, Rule.USER), *others]
    return _collect(source, target, matches)


def read_user_map(path: Path, source: Vocabulary, target: Vocabulary) -> dict[int, int]:
    """Read the user's own pairs from a file.

    Parameters
    ----------
    path : Path
        UTF-8; one pair a line, ``target TAB source``, each ``#ID``, a native form or a readable text.
    source, target : Vocabulary
        Where the tokens are looked up.

    Returns
    -------
    dict of int to int
        Source id by target id.

    Raises
    ------
    InvalidInputError
        If a line is no pair, a token is unknown or ambiguous, or one target token is mapped twice.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = type(error).__name__
        raise bad_input(path.name, expected="a UTF-8 file", got=reason, remedy="give a TSV of token pairs") from error
    pairs: dict[int, int] = {}
    for number, line in enumerate(lines, start=1):
        fields = line.removesuffix("\r").split("\t")
        if fields == [""]:
            continue
        where = f"{path.name}, line {number}"
        if len(fields) != 2:
            got = f"{len(fields)} fields"
            raise bad_input(
                where, expected="target TAB source", got=got, remedy="write two tokens with one tab between"
            )
        target_id, source_id = _look_up(where, fields[0], target), _look_up(where, fields[1], source)
        if pairs.setdefault(target_id, source_id) != source_id:
            raise bad_input(
                where, expected="every target token once", got=repr(fields[0]), remedy="keep one of the lines"
            )
    return pairs


def is_symbol(text: str) -> bool:
    """Tell whether a text is numeric, ASCII punctuation or white space; empty is the bare word-start mark.

    Examples
    --------
    >>> [is_symbol(text) for text in ("2024", "½", "?!", "", "a1", "—")]
    [True, True, True, True, False, False]
    """
    return not text or text.isnumeric() or text.isspace() or PUNCTUATION.issuperset(text)


def _look_up(where: str, query: str, vocabulary: Vocabulary) -> int:
    """Return the one token that a field of the map names; a native form is never ambiguous."""
    found = vocabulary.find(query)
    if len(found) == 1 or (found and vocabulary.tokens[found[0]] == query):
        return found[0]
    names = ", ".join(f"#{i} ({vocabulary.tokens[i]!r})" for i in found[:4]) or "no such token"
    remedy = "name it by #ID" if found else "write #ID, the native form or the readable text"
    raise bad_input(where, expected=f"one token of {vocabulary.name}", got=f"{query!r}: {names}", remedy=remedy)


def _check_user_map(source: Vocabulary, target: Vocabulary, pairs: Mapping[int, int]) -> None:
    """Check that both ids of every pair exist."""
    for side, vocabulary, ids in (("target", target, pairs.keys()), ("source", source, pairs.values())):
        bad = next((i for i in ids if not 0 <= i < vocabulary.n or not vocabulary.present[i]), None)
        if bad is not None:
            raise bad_input(
                f"the {side} side of the map",
                expected=f"ids of {vocabulary.name}",
                got=str(bad),
                remedy="name tokens that exist",
                error=VocabularyError,
            )


def _match_specials(source: Vocabulary, target: Vocabulary) -> Iterator[tuple[int, list[Match]]]:
    """Yield (target id, matches) of control tokens: the same string, then the same role, then its stand-in."""
    same = {source.contents[i]: i for i in np.flatnonzero(source.kinds == SPECIAL).tolist()}
    for target_id in np.flatnonzero(target.kinds == SPECIAL).tolist():
        found: dict[int, Rule] = {}
        if target.contents[target_id] in same:
            found[same[target.contents[target_id]]] = Rule.EXACT
        roles = [role for role, i in target.roles.items() if i == target_id]
        for group in (roles, [STAND_INS[role] for role in roles if role in STAND_INS]):
            for source_id in sorted(source.roles[role] for role in group if role in source.roles):
                found.setdefault(source_id, Rule.SPECIAL)
        if found:
            yield target_id, list(found.items())


def _match_texts(source: Vocabulary, target: Vocabulary, mode: MatchMode) -> Iterator[tuple[int, list[Match]]]:
    """Yield (target id, matches) of all other tokens, best match first."""
    exact = _shared_groups(source.identities, target.identities)
    if mode is MatchMode.EXACT:
        for target_id, ids in exact:
            yield target_id, _rank_exact(source, target, target_id, ids)
        return
    known = dict(exact)
    fuzzy = dict(_shared_groups(source.fuzzy_forms, target.fuzzy_forms))
    symbols = mode is MatchMode.SYMBOLS
    ids_in_question = fuzzy if symbols else known.keys() | fuzzy.keys()
    for target_id in ids_in_question:
        if symbols and not is_symbol(target.fuzzy_forms[target_id] or ""):
            continue
        matches = _rank_exact(source, target, target_id, known.get(target_id, ()))
        matches += _rank_fuzzy(source, target, target_id, fuzzy.get(target_id, ()), known.get(target_id, ()))
        yield target_id, [(i, Rule.SYMBOL) for i, _ in matches] if symbols else matches


def _shared_groups(
    source_keys: Sequence[Hashable], target_keys: Sequence[Hashable]
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield (target id, source ids with the same key, ascending); ``None`` and ``b""`` are no keys."""
    wanted = set(target_keys) - {None, b""}
    groups: dict[Hashable, tuple[int, ...]] = {}
    for i, key in enumerate(source_keys):
        if key in wanted:
            groups[key] = (*groups.get(key, ()), i)
    return ((i, groups[key]) for i, key in enumerate(target_keys) if key in groups)


def _rank_exact(source: Vocabulary, target: Vocabulary, target_id: int, ids: Sequence[int]) -> list[Match]:
    """Order source tokens of one identity: the same native form first, then the lowest id."""
    if len(ids) > 1:
        ids = sorted(ids, key=lambda i: (source.tokens[i] != target.tokens[target_id], i))
    return [(i, Rule.EXACT) for i in ids]


def _rank_fuzzy(
    source: Vocabulary, target: Vocabulary, target_id: int, ids: Sequence[int], known: Sequence[int]
) -> list[Match]:
    """Order source tokens that differ in case or word start: the same case first, then the lowest id."""
    rest = [i for i in ids if i not in known]
    if len(rest) > 1:
        rest.sort(key=lambda i: (source.contents[i] != target.contents[target_id], i))
    return [(i, Rule.FUZZY) for i in rest]


def _collect(source: Vocabulary, target: Vocabulary, matches: Mapping[int, Sequence[Match]]) -> Overlap:
    """Turn matches into arrays, sorted by target id."""
    targets = np.array(sorted(matches), dtype=np.int32)
    ordered = [matches[i] for i in targets.tolist()]
    sizes = np.array([len(found) for found in ordered], dtype=np.int64)
    flat = [match for found in ordered for match in found]
    source_ids = np.array([i for i, _ in flat], dtype=np.int32)
    rules = np.array([CODES[rule] for _, rule in flat], dtype=np.uint8)
    starts = np.cumsum(sizes) - sizes
    ranks = np.minimum(np.arange(len(flat)) - np.repeat(starts, sizes), np.iinfo(np.uint16).max)
    is_new = target.present.copy()
    is_new[targets] = False
    return Overlap(
        n_source=source.n_present,
        n_target=target.n_present,
        target_ids=targets,
        source_ids=source_ids[starts],
        rules=rules[starts],
        candidates=Candidates(
            target_id=np.repeat(targets, sizes), source_id=source_ids, rule=rules, rank=ranks.astype(np.uint16)
        ),
        new_ids=np.flatnonzero(is_new).astype(np.int32),
    )
