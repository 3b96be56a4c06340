"""What holds for any two vocabularies, of any two families."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from focus_core.initialization.overlap.matching import Overlap, match_vocabularies
from focus_core.tokenization.identity import ALPHABET, BYTE, NORMAL
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend
from focus_core.types import RULES, MatchMode

SPECIALS = ("<s>", "</s>", "[CLS]", "[SEP]", "<pad>", "[PAD]", "<|endoftext|>")
TEXT = st.text(alphabet="aAbBßéЯя١1.! \n\u00a0\ufffd\uffff😀İ", min_size=1, max_size=3)
CHARACTERS = {byte: character for character, byte in ALPHABET.items()}


def spaced(words: list[bytes | str], specials: list[str]) -> Vocabulary:
    tokens = [w.decode(errors="ignore") if isinstance(w, bytes) else w for w in words]
    marked = dict.fromkeys([*(t.replace(" ", "▁") for t in tokens if t), *specials, "▁"])
    return declared(Tokenizer(models.Unigram([(token, -1.0) for token in marked])), specials)


def byte_level(words: list[bytes | str], specials: list[str]) -> Vocabulary:
    raw = [w.encode() if isinstance(w, str) else w for w in words]
    tokens = dict.fromkeys("".join(CHARACTERS[byte] for byte in content) for content in raw if content)
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    return declared(tokenizer, specials)


def prefixed(words: list[bytes | str], specials: list[str]) -> Vocabulary:
    tokens = [w.decode(errors="ignore") if isinstance(w, bytes) else w for w in words]
    marked = dict.fromkeys([*(t[1:] if t[:1] == " " else f"##{t}" for t in tokens), "[UNK]"])
    model = models.WordPiece({token: i for i, token in enumerate(filter(None, marked))}, unk_token="[UNK]")
    return declared(Tokenizer(model), specials)


def gapped(words: list[bytes | str], specials: list[str]) -> Vocabulary:
    tokens = [w.decode(errors="ignore") if isinstance(w, bytes) else w for w in words]
    vocab = {token: 3 * i for i, token in enumerate(dict.fromkeys([*filter(None, tokens), "<unk>", *specials]))}
    return declared(Tokenizer(models.WordLevel(vocab, unk_token="<unk>")), specials)


def declared(tokenizer: Tokenizer, specials: list[str]) -> Vocabulary:
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in specials])
    return vocabulary_from_backend(tokenizer, name="x")


FAMILIES: tuple[Callable[[list[bytes | str], list[str]], Vocabulary], ...] = (spaced, byte_level, prefixed, gapped)
WORDS = st.lists(st.one_of(TEXT, st.binary(min_size=1, max_size=3)), min_size=1, max_size=25)
VOCABULARIES = st.builds(
    lambda build, words, specials: build(words, specials),
    st.sampled_from(FAMILIES),
    WORDS,
    st.lists(st.sampled_from(SPECIALS), unique=True, max_size=4),
)
MODES = st.sampled_from(list(MatchMode))


def pairs(overlap: Overlap) -> dict[int, int]:
    return dict(zip(overlap.target_ids.tolist(), overlap.source_ids.tolist(), strict=True))


def proposals(overlap: Overlap) -> set[tuple[int, int, int]]:
    table = overlap.candidates
    return set(zip(table.target_id.tolist(), table.source_id.tolist(), table.rule.tolist(), strict=True))


@given(VOCABULARIES, VOCABULARIES, MODES)
def test_every_token_is_either_matched_or_new(source: Vocabulary, target: Vocabulary, mode: MatchMode) -> None:
    overlap = match_vocabularies(source, target, mode=mode)
    both = np.concatenate([overlap.target_ids, overlap.new_ids])
    assert sorted(both.tolist()) == np.flatnonzero(target.present).tolist()
    assert sum(overlap.by_rule.values()) == overlap.n_overlap
    assert overlap.n_overlap + overlap.n_new == overlap.n_target
    assert source.present[overlap.source_ids].all()


@given(VOCABULARIES, VOCABULARIES, MODES)
def test_the_chosen_source_is_the_first_candidate(source: Vocabulary, target: Vocabulary, mode: MatchMode) -> None:
    """Candidates are sorted by target and rank, each pair stands once, and ranks count from 0 without a hole."""
    overlap = match_vocabularies(source, target, mode=mode)
    table = overlap.candidates
    first = table.rank == 0
    assert table.target_id[first].tolist() == overlap.target_ids.tolist()
    assert table.source_id[first].tolist() == overlap.source_ids.tolist()
    assert table.rule[first].tolist() == overlap.rules.tolist()
    keys = list(zip(table.target_id.tolist(), table.rank.tolist(), strict=True))
    assert keys == sorted(keys)
    assert len(proposals(overlap)) == len(keys)
    counts = np.bincount(table.target_id, minlength=target.n)
    assert all(r < counts[t] for t, r in keys)


@given(VOCABULARIES, MODES)
def test_a_vocabulary_matches_itself(vocabulary: Vocabulary, mode: MatchMode) -> None:
    """Every token's first candidate is the token itself, for the same string comes first."""
    overlap = match_vocabularies(vocabulary, vocabulary, mode=mode)
    assert all(t == s for t, s in pairs(overlap).items())
    if mode is not MatchMode.SYMBOLS:
        assert overlap.n_new == 0


@given(VOCABULARIES, VOCABULARIES)
def test_exact_pairs_have_equal_identities(source: Vocabulary, target: Vocabulary) -> None:
    """Checked against the definition, pair by pair, on both sides of the border."""
    overlap = match_vocabularies(source, target)
    exact = RULES.index("exact")
    found = {(t, s) for t, s, rule in proposals(overlap) if rule == exact}
    expected = {
        (t, s)
        for t in np.flatnonzero(target.present).tolist()
        for s in np.flatnonzero(source.present).tolist()
        if target.identities[t] == source.identities[s]
    }
    assert found == expected


@given(VOCABULARIES, VOCABULARIES)
def test_fuzzy_pairs_follow_the_definition(source: Vocabulary, target: Vocabulary) -> None:
    """Equal ignoring case and word start, normal tokens only; byte tokens match exactly or not at all."""
    fuzzy, exact = RULES.index("fuzzy"), RULES.index("exact")
    found = {
        (t, s) for t, s, rule in proposals(match_vocabularies(source, target, mode=MatchMode.FUZZY)) if rule == fuzzy
    }
    expected = {
        (t, s)
        for t in np.flatnonzero(target.present & (target.kinds == NORMAL)).tolist()
        for s in np.flatnonzero(source.present & (source.kinds == NORMAL)).tolist()
        if target.texts[t].lower() == source.texts[s].lower() and target.identities[t] != source.identities[s]
    }
    assert found == expected
    overlap = match_vocabularies(source, target, mode=MatchMode.FUZZY)
    assert (overlap.rules[target.kinds[overlap.target_ids] == BYTE] == exact).all()


@given(VOCABULARIES, VOCABULARIES)
def test_exact_matches_stay_in_fuzzy_mode(source: Vocabulary, target: Vocabulary) -> None:
    exact, fuzzy = (match_vocabularies(source, target, mode=mode) for mode in (MatchMode.EXACT, MatchMode.FUZZY))
    assert pairs(exact).items() <= pairs(fuzzy).items()
    assert proposals(exact) <= proposals(fuzzy)


@given(VOCABULARIES, VOCABULARIES)
def test_symbols_are_a_part_of_fuzzy(source: Vocabulary, target: Vocabulary) -> None:
    symbols, fuzzy = (match_vocabularies(source, target, mode=mode) for mode in (MatchMode.SYMBOLS, MatchMode.FUZZY))
    assert pairs(symbols).items() <= pairs(fuzzy).items()


@given(VOCABULARIES, VOCABULARIES, st.sampled_from([MatchMode.EXACT, MatchMode.FUZZY]))
def test_matching_is_symmetric_but_for_the_choice(source: Vocabulary, target: Vocabulary, mode: MatchMode) -> None:
    """Whoever is a candidate of the other by string, by case or by word start is one in return."""
    wanted = {RULES.index("exact"), RULES.index("fuzzy")}
    there = {(t, s) for t, s, rule in proposals(match_vocabularies(source, target, mode=mode)) if rule in wanted}
    back = {(t, s) for s, t, rule in proposals(match_vocabularies(target, source, mode=mode)) if rule in wanted}
    assert there == back


@given(WORDS, st.permutations(range(25)), VOCABULARIES, MODES)
def test_order_of_the_target_does_not_matter(
    words: list[bytes | str], order: list[int], source: Vocabulary, mode: MatchMode
) -> None:
    """Each target token finds the same source whatever its own id."""
    shuffled = [words[i] for i in order if i < len(words)]
    first, second = byte_level(words, []), byte_level(shuffled, [])
    found = []
    for target in (first, second):
        overlap = match_vocabularies(source, target, mode=mode)
        found.append({target.tokens[t]: s for t, s in pairs(overlap).items()})
    assert found[0] == found[1]


@given(VOCABULARIES, VOCABULARIES, MODES, st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_user_map_always_wins(source: Vocabulary, target: Vocabulary, mode: MatchMode, random: object) -> None:
    sources, targets = (np.flatnonzero(v.present).tolist() for v in (source, target))
    chosen = {t: random.choice(sources) for t in random.sample(targets, k=min(4, len(targets)))}  # type: ignore[attr-defined]
    plain = match_vocabularies(source, target, mode=mode)
    overlap = match_vocabularies(source, target, mode=mode, user_map=chosen)
    assert chosen.items() <= pairs(overlap).items()
    assert overlap.by_rule["user"] == len(chosen)
    rest = {t: s for t, s in pairs(plain).items() if t not in chosen}
    assert rest == {t: s for t, s in pairs(overlap).items() if t not in chosen}


@given(st.binary(max_size=6))
def test_texts_of_bytes_are_always_valid(content: bytes) -> None:
    vocabulary = byte_level([content, b"a"], [])
    for text in vocabulary.texts:
        text.encode("utf-8")


def test_strategies_reach_what_they_are_for() -> None:
    """The vocabularies above do hold bytes, gaps, specials and shared tokens."""
    assert (byte_level([b"\xe0", " a"], ["<s>"]).kinds == [BYTE, NORMAL, 2]).all()
    assert not gapped(["a", "b"], []).present.all()
