"""Two cuts of the same characters, by hand: spans, blocks, columns, links."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from focus_core.analysis.token_alignment import Block, blocks, graphemes, links, stretches, tile
from tests import tiny_models


def block(start, end, *subwords):
    return Block(start=start, end=end, subwords=subwords)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("e\u0301x", ["e\u0301", "x"]),
        ("👩\u200d👩\u200d👧!", ["👩\u200d👩\u200d👧", "!"]),
        ("🇰🇪🇩🇪", ["🇰🇪", "🇩🇪"]),
        ("नि", ["नि"]),
        ("한국", ["한", "국"]),
        ("", []),
    ],
)
def test_graphemes_are_what_a_reader_counts(text, parts):
    borders = graphemes(text)
    assert [text[a:b] for a, b in pairwise(borders)] == parts


def test_the_space_before_a_piece_is_its_own():
    """BERT leaves spaces to nobody, GPT-2 gives them to the next piece: both become the same."""
    assert tile("ab cd", [(0, 2), (3, 5)], [False] * 2) == tile("ab cd", [(0, 2), (2, 5)], [False] * 2)
    assert tile("ab cd", [(0, 2), (2, 5)], [False] * 2) == [(0, 2), (2, 5)]


def test_a_bare_mark_covers_its_space_or_nothing():
    """``▁`` before a character stands for none of it; where there is a space, it is that space."""
    assert tile("ab", [(0, 1), (0, 2)], [True, False]) == [(0, 0), (0, 2)]
    assert tile("a b", [(0, 1), (1, 2), (2, 3)], [False, True, False]) == [(0, 1), (1, 2), (2, 3)]
    assert tile("a b", [(0, 1), (2, 2), (2, 3)], [False, True, False]) == [(0, 1), (1, 2), (2, 3)], "trimmed offsets"


def test_text_that_no_piece_covers_is_a_block_without_pieces():
    text = "a\u200bb "
    assert blocks(text, tile(text, [(0, 1), (2, 3)], [False] * 2), [0, 1, 2, 3, 4]) == [
        block(0, 1, 0), block(1, 2), block(2, 3, 1), block(3, 4),
    ]  # fmt: skip


def test_pieces_that_share_a_character_are_one_block():
    """Three bytes of 你, and one piece for 好."""
    assert blocks("你好", [(0, 1), (0, 1), (0, 1), (1, 2)], [0, 1, 2]) == [block(0, 1, 0, 1, 2), block(1, 2, 3)]


def test_pieces_that_split_a_grapheme_are_one_block():
    """The vowel sign of नि is a piece of its own; ``xe`` and an accent share the grapheme é, so x comes along."""
    assert blocks("नि", [(0, 1), (1, 2)], [0, 2]) == [block(0, 2, 0, 1)]
    assert blocks("xe\u0301y", [(0, 2), (2, 3), (3, 4)], [0, 1, 3, 4]) == [block(0, 3, 0, 1), block(3, 4, 2)]


def test_links_are_by_shared_characters():
    own, other = [(0, 2), (2, 5)], [(0, 1), (1, 3), (3, 5)]
    assert links(own, other) == [(0, 1), (1, 2)]
    assert links(other, own) == [(0,), (0, 1), (1,)]


def test_a_piece_without_a_character_is_linked_by_its_place():
    assert links([(0, 0), (0, 2)], [(0, 2)]) == [(0,), (0,)]
    assert links([(0, 2)], [(0, 0), (0, 2)]) == [(0, 1)]
    assert links([(0, 0), (0, 2)], [(0, 0), (0, 2)]) == [(0,), (1,)]


def test_a_stretch_ends_where_both_cuts_have_a_border():
    """abcd as ab|cd and as a|b|cd: borders of both after b."""
    upper, lower = [block(0, 2, 0), block(2, 4, 1)], [block(0, 1, 0), block(1, 2, 1), block(2, 4, 2)]
    first, second = stretches(upper, lower, [0, 1, 2, 3, 4])
    assert (first.start, first.end, first.n_columns) == (0, 2, 2)
    assert [(p.first, p.last) for p in first.upper] == [(0, 2)]
    assert [(p.first, p.last) for p in first.lower] == [(0, 1), (1, 2)]
    assert (second.start, second.end, second.n_columns) == (2, 4, 2)


def test_a_piece_without_a_character_has_a_column_of_its_own():
    """``▁``, ``你好`` above ``▁你``, ``好``: three columns, and the mark stands above the piece that holds one."""
    (only,) = stretches([block(0, 0, 0), block(0, 2, 1)], [block(0, 1, 0), block(1, 2, 1)], [0, 1, 2])
    assert only.n_columns == 3
    assert [(p.first, p.last) for p in only.upper] == [(0, 1), (1, 3)]
    assert [(p.first, p.last) for p in only.lower] == [(0, 2), (2, 3)]


def test_nothing_makes_no_stretch():
    assert stretches([], [], [0]) == []


@st.composite
def tokenized_texts(draw):
    text = draw(st.text(alphabet="ab \u0301नि👩\u200d你", max_size=12))
    offsets = []
    for _ in range(2):
        places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
        offsets.append([(a, b) for a, b in pairwise(places)])
    bare = [[draw(st.booleans()) for _ in tokenization] for tokenization in offsets]
    return text, offsets, bare


@given(tokenized_texts())
def test_every_piece_and_every_character_has_one_place(drawn):
    """For any offsets: no piece is lost, blocks tile the text, columns do not overlap, links go both ways."""
    text, offsets, bare = drawn
    borders = graphemes(text)
    spans = [tile(text, o, b) for o, b in zip(offsets, bare, strict=True)]
    laid = [blocks(text, s, borders) for s in spans]
    for tokenization, own in zip(laid, spans, strict=True):
        assert [i for b in tokenization for i in b.subwords] == list(range(len(own)))
        assert "".join(text[b.start : b.end] for b in tokenization) == text
    found = stretches(*laid, borders)
    for side, tokenization in zip(("upper", "lower"), laid, strict=True):
        assert [p.block for s in found for p in getattr(s, side)] == tokenization
        for stretch in found:
            placed = getattr(stretch, side)
            assert all(a.last <= b.first for a, b in pairwise(placed))
            assert all(0 <= p.first < p.last <= stretch.n_columns for p in placed)
    there, back = links(*spans), links(*spans[::-1])
    assert {(i, j) for i, js in enumerate(there) for j in js} == {(i, j) for j, is_ in enumerate(back) for i in is_}


LINES = (
    "Hello  wörld, naïve!", "नमस्ते दुनिया", "👩\u200d👩\u200d👧 x😀", "你好世界", "السلام عليكم",
    "ﬁne ①\ta\u200bb ", "ሰላም ዓለም",
)  # fmt: skip


@pytest.mark.parametrize("family", sorted(tiny_models.TOKENIZERS))
@pytest.mark.parametrize("line", LINES)
def test_offsets_of_every_family_tile_the_line(family, line):
    """Whatever a family says of spaces, bytes and what it leaves out: no character twice, none missing."""
    build, _ = tiny_models.TOKENIZERS[family]
    encoding = build(LINES[:2]).encode(line, add_special_tokens=False)
    spans = tile(line, encoding.offsets, [False] * len(encoding.ids))
    found = blocks(line, spans, graphemes(line))
    assert "".join(line[b.start : b.end] for b in found) == line
    assert [i for b in found for i in b.subwords] == list(range(len(encoding.ids)))
