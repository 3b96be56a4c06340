"""Match the tokens of two vocabularies: by the user's map, by type, exactly, ignoring case and word start.

Every candidate is recorded.
"""

from __future__ import annotations

import dataclasses
import string
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import repeat
from pathlib import Path

import numpy as np

from focus_core.errors import VocabularyError, bad_input
from focus_core.tokenization.identity import NORMAL, SPECIAL, single_bytes
from focus_core.tokenization.special_tokens import STAND_INS
from focus_core.tokenization.vocabulary import Vocabulary, collector_paused
from focus_core.types import RULES, MatchMode, Rule

CODES = {rule: code for code, rule in enumerate(RULES)}
PUNCTUATION = frozenset(string.punctuation)


class Tier(IntEnum):
    """How good a candidate is, the best first; subtle: a special of the same string beats its special-token type.

    ``BYTE``: the same single byte, here a byte token and there a character; the character comes first where both exist.
    """

    USER = 0
    EXACT = 1
    BYTE = 2
    TYPE = 3
    STAND_IN = 4
    FUZZY = 5


RULE_OF_TIER = np.array(
    [RULES.index(rule) for rule in (Rule.USER, Rule.EXACT, Rule.EXACT, Rule.SPECIAL, Rule.SPECIAL, Rule.FUZZY)],
    dtype=np.uint8,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Candidate pairs in no order: target and source ids and the tier of each, shape (n_pairs,)."""

    target: np.ndarray
    source: np.ndarray
    tier: np.ndarray

    def keep(self, which: np.ndarray) -> Pairs:
        """Return the pairs of a mask or of positions."""
        return Pairs(target=self.target[which], source=self.source[which], tier=self.tier[which])


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """Every source token that could stand for a target token, n_candidates rows sorted by target id, then rank.

    Attributes
    ----------
    target_id, source_id : ndarray of int32, shape (n_candidates,)
        The pair.
    rule : ndarray of uint8, shape (n_candidates,)
        Which rule proposes it; a code in ``types.RULES``.
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
        The rule that matched each; a code in ``types.RULES``.
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
        ``exact``: identities are equal, or both are the same single byte (``<0x0A>`` and ``Ċ``). ``fuzzy``: or equal
        ignoring case and word start. ``symbols``: the tokens that match exactly or fuzzily and whose text is numeric,
        ASCII punctuation or white space, and only these.
    user_map : mapping of int to int, default=None
        Source id by target id; comes before every rule.

    Returns
    -------
    Overlap
        Each token is counted once, in the order user, special (by type alone), exact (specials of the same string
        among them), fuzzy or symbol.

    Raises
    ------
    VocabularyError
        If the map names an id that does not exist.

    Notes
    -----
    Of several source candidates the one with the same string comes first, then the same case, then the lowest id. A
    byte token comes after the character itself; for a byte token, the character comes after the byte token.
    Linear in the number of tokens of both sides.
    """
    mode = MatchMode(mode)
    chosen = dict(user_map or {})
    _check_user_map(source, target, chosen)
    with collector_paused():
        pairs = _pair_texts(source, target, mode)
        pairs = _join_pairs(pairs, _pair_specials(source, target), _pair_user(chosen))
        return _collect(source, target, pairs, mode)


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
        got = error.strerror if isinstance(error, OSError) else "another encoding"
        raise bad_input(path.name, "a UTF-8 file", str(got), "give a TSV of token pairs") from error
    pairs: dict[int, int] = {}
    for number, line in enumerate(lines, start=1):
        fields = line.removesuffix("\r").split("\t")
        if fields == [""]:
            continue
        where = f"{path.name}, line {number}"
        if len(fields) != 2:
            got = f"{len(fields)} fields"
            raise bad_input(where, "target TAB source", got, "write two tokens with one tab between")
        target_id, source_id = _look_up(where, fields[0], target), _look_up(where, fields[1], source)
        if pairs.setdefault(target_id, source_id) != source_id:
            raise bad_input(where, "every target token once", repr(fields[0]), "keep one of the lines")
    return pairs


def is_symbol(text: str | None) -> bool:
    """Tell whether a text is numeric, ASCII punctuation or white space; empty is the bare word-start mark.

    Examples
    --------
    >>> [is_symbol(text) for text in ("2024", "½", "?!", "", "a1", "—")]
    [True, True, True, True, False, False]
    """
    return text is not None and (not text or text.isnumeric() or text.isspace() or PUNCTUATION.issuperset(text))


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
            subject = f"the {side} side of the map"
            raise bad_input(subject, f"ids of {vocabulary.name}", str(bad), "name tokens that exist", VocabularyError)


def _pair_user(chosen: Mapping[int, int]) -> Pairs:
    """Return the user's own pairs."""
    return _listed([(t, s, Tier.USER) for t, s in chosen.items()])


def _pair_specials(source: Vocabulary, target: Vocabulary) -> Pairs:
    """Return pairs of control tokens: the same string, the same type, and the type's stand-in."""
    same = {source.contents[i]: i for i in np.flatnonzero(source.kinds == SPECIAL).tolist()}
    found: dict[tuple[int, int], Tier] = {}
    for target_id in np.flatnonzero(target.kinds == SPECIAL).tolist():
        if target.contents[target_id] in same:
            found[target_id, same[target.contents[target_id]]] = Tier.EXACT
        types = [type_ for type_, i in target.special_token_types.items() if i == target_id]
        stand_ins = [STAND_INS[type_] for type_ in types if type_ in STAND_INS]
        for tier, group in ((Tier.TYPE, types), (Tier.STAND_IN, stand_ins)):
            for type_ in group:
                if type_ in source.special_token_types:
                    found.setdefault((target_id, source.special_token_types[type_]), tier)
    return _listed([(t, s, tier) for (t, s), tier in found.items()])


def _pair_texts(source: Vocabulary, target: Vocabulary, mode: MatchMode) -> Pairs:
    """Return pairs of all other tokens that the mode allows."""
    contents = _share_codes(source.contents, target.contents)
    masks = [vocabulary.present & (vocabulary.kinds != SPECIAL) for vocabulary in (source, target)]
    exact = _join_codes(*contents, *masks)
    exact = _join_pairs(exact.keep(_same_signature(source, target, exact)), _pair_bytes(source, target))
    # one of them marks where words end, the other where they begin: no token says the same as one of the other's
    comparable = source.marks.word_end == target.marks.word_end
    exact = exact if comparable else exact.keep(np.zeros(len(exact.target), dtype=bool))
    if mode is MatchMode.EXACT:
        return exact
    texts = [vocabulary.present & (vocabulary.kinds == NORMAL) for vocabulary in (source, target)]
    fuzzy = _join_codes(*_share_codes(source.fuzzy_forms, target.fuzzy_forms), *texts)
    same_content = contents[0][fuzzy.source] == contents[1][fuzzy.target]
    fuzzy = fuzzy.keep(~(same_content & _same_signature(source, target, fuzzy) & comparable))
    fuzzy = dataclasses.replace(fuzzy, tier=np.full(len(fuzzy.target), Tier.FUZZY, dtype=np.uint8))
    both = _join_pairs(exact, fuzzy)
    if mode is MatchMode.SYMBOLS:
        symbols = [i for i in np.unique(both.target).tolist() if is_symbol(target.fuzzy_forms[i])]
        both = both.keep(np.isin(both.target, symbols))
    return both


def _pair_bytes(source: Vocabulary, target: Vocabulary) -> Pairs:
    """Return pairs that stand for the same single byte, one as a byte token, the other as a character."""
    values = [single_bytes(vocabulary) for vocabulary in (source, target)]
    known = [value >= 0 for value in values]
    same = _join_codes(values[0], values[1], *known)
    same = same.keep(source.kinds[same.source] != target.kinds[same.target])
    return dataclasses.replace(same, tier=np.full(len(same.target), Tier.BYTE, dtype=np.uint8))


def _same_signature(source: Vocabulary, target: Vocabulary, pairs: Pairs) -> np.ndarray:
    """Tell for each pair whether kind and word start are equal."""
    kinds = source.kinds[pairs.source] == target.kinds[pairs.target]
    return np.asarray(kinds & (source.word_start[pairs.source] == target.word_start[pairs.target]))


def _share_codes(source_keys: Sequence[Hashable], target_keys: Sequence[Hashable]) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers that are equal where keys are, source first; -1 where the target has no such key."""
    index = dict(zip(target_keys, range(len(target_keys)), strict=True))
    target_codes = np.fromiter(map(index.__getitem__, target_keys), np.int32, len(target_keys))
    source_codes = np.fromiter(map(index.get, source_keys, repeat(-1)), np.int32, len(source_keys))
    return source_codes, target_codes


def _join_codes(
    source_codes: np.ndarray, target_codes: np.ndarray, source_mask: np.ndarray, target_mask: np.ndarray
) -> Pairs:
    """Return every pair of unmasked tokens with equal codes, as exact ones."""
    sources = np.flatnonzero(source_mask & (source_codes >= 0))
    sources = sources[np.argsort(source_codes[sources], kind="stable")]
    targets = np.flatnonzero(target_mask)
    first = np.searchsorted(source_codes[sources], target_codes[targets], side="left")
    counts = np.searchsorted(source_codes[sources], target_codes[targets], side="right") - first
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    tier = np.full(len(within), Tier.EXACT, dtype=np.uint8)
    return Pairs(target=np.repeat(targets, counts), source=sources[within + np.repeat(first, counts)], tier=tier)


def _listed(rows: Sequence[tuple[int, int, int]]) -> Pairs:
    """Turn (target, source, tier) rows into columns."""
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Pairs(target=table[:, 0], source=table[:, 1], tier=table[:, 2].astype(np.uint8))


def _join_pairs(*parts: Pairs) -> Pairs:
    """Put pairs of several kinds into one table."""
    columns = ("target", "source", "tier")
    return Pairs(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in columns})


def _collect(source: Vocabulary, target: Vocabulary, pairs: Pairs, mode: MatchMode) -> Overlap:
    """Order the candidates of every token, best first, and choose the first."""
    pairs = pairs.keep(_rank_order(source, target, pairs))
    targets, starts, sizes = np.unique(pairs.target, return_index=True, return_counts=True)
    rules = RULE_OF_TIER[pairs.tier]
    if mode is MatchMode.SYMBOLS:
        by_text = np.isin(pairs.tier, (Tier.EXACT, Tier.BYTE, Tier.FUZZY)) & (target.kinds[pairs.target] != SPECIAL)
        rules[by_text] = RULES.index(Rule.SYMBOL)
    ranks = np.minimum(np.arange(len(rules)) - np.repeat(starts, sizes), np.iinfo(np.uint16).max)
    is_new = target.present.copy()
    is_new[targets] = False
    source_ids = pairs.source.astype(np.int32)
    return Overlap(
        n_source=source.n_present,
        n_target=target.n_present,
        target_ids=targets.astype(np.int32),
        source_ids=source_ids[starts],
        rules=rules[starts],
        candidates=Candidates(
            target_id=pairs.target.astype(np.int32), source_id=source_ids, rule=rules, rank=ranks.astype(np.uint16)
        ),
        new_ids=np.flatnonzero(is_new).astype(np.int32),
    )


def _rank_order(source: Vocabulary, target: Vocabulary, pairs: Pairs) -> np.ndarray:
    """Return positions of pairs by target, tier, native form, case and source id; each pair once."""
    rows = list(zip(pairs.source.tolist(), pairs.target.tolist(), strict=True))
    other_form = np.array([source.tokens[s] != target.tokens[t] for s, t in rows], dtype=bool)
    other_case = np.array([source.contents[s] != target.contents[t] for s, t in rows], dtype=bool)
    order = np.lexsort((pairs.source, other_case, other_form, pairs.tier, pairs.target))
    keys = pairs.target[order] * np.int64(source.n) + pairs.source[order]
    _, first = np.unique(keys, return_index=True)
    return np.asarray(order[np.sort(first)])
