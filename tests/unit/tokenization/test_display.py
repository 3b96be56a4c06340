"""Every token, however hostile, becomes one visible, harmless line."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from focus_core.tokenization.display import (
    ISOLATE_END,
    ISOLATE_START,
    csv_safe,
    markdown_escape,
    plotly_escape,
    show_token,
)
from tests.hostile_tokens import HOSTILE_TOKENS

ANY_TEXT = st.text(alphabet=st.characters(codec=None, exclude_categories=()), max_size=120)

EXPECTED = {
    "habari": "habari",
    "": "<empty>",
    " ": "␣",
    "a b": "a␣b",
    "\t": "<U+0009>",
    "\n": "<U+000A>",
    "\r\n": "<U+000D><U+000A>",
    "a\x00b": "a<U+0000>b",
    "\x7f": "<U+007F>",
    "\x1b[31mred": "<U+001B>[31mred",
    "\u00a0": "<U+00A0>",
    "\u3000": "<U+3000>",
    "\u2028": "<U+2028>",
    "\u00ad": "<U+00AD>",
    "\ufeff": "<U+FEFF>",
    "\u200b": "<U+200B>",
    "\u202eevil": "<U+202E>evil",
    "\u2066x\u2069": "<U+2066>x<U+2069>",
    "\u3164": "<U+3164>",
    "\u2800": "<U+2800>",
    "\ue000": "<U+E000>",
    "\U000e0041": "<U+E0041>",
    "\ud800": "\\ud800",
    "x\udfff": "x\\udfff",
    "<0xE0><0xA4>": "<0xE0><0xA4>",
    "<script>": "<script>",
    "سلام": "\u2068سلام\u2069",
    "שלום": "\u2068שלום\u2069",
    "١٢٣": "\u2068١٢٣\u2069",
    "\u0301": "◌\u0301",
    "e\u0301": "e\u0301",
    "e" + "\u0301" * 60: "e" + "\u0301" * 4 + "<marks+56>",
    "नमस्ते": "नमस्ते",
    "❤\ufe0f": "❤\ufe0f",
    "x" * 80: "x" * 80,
    "x" * 81: "x" * 79 + "…",
}


@pytest.mark.parametrize("text", EXPECTED, ids=ascii)
def test_show_token(text: str) -> None:
    assert show_token(text) == EXPECTED[text]


@pytest.mark.parametrize(
    ("text", "expected"), [("habari", "▁habari"), ("", "▁"), (" ", "▁␣"), ("سلام", "\u2068▁سلام\u2069")]
)
def test_a_word_start_shows_as_a_mark(text: str, expected: str) -> None:
    assert show_token(text, word_start=True) == expected


def test_the_mark_counts_for_the_length() -> None:
    assert show_token("x" * 80, word_start=True) == "▁" + "x" * 78 + "…"


def test_a_name_of_a_character_is_never_cut() -> None:
    """Limit 10: ``ab`` and one name of eight characters fill it; a second name does not fit, so only ``ab…`` stays."""
    assert show_token("ab\x00", limit=10) == "ab<U+0000>"
    assert show_token("ab\x00\x00", limit=10) == "ab…"


def is_harmless(shown: str) -> bool:
    """Tell whether a line has no control, no invisible character but the two isolates, and no surrogate."""
    inside = shown.replace(ISOLATE_START, "").replace(ISOLATE_END, "")
    hidden = {"Cc", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"}
    bidi = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
    return not any(unicodedata.category(c) in hidden or c in bidi for c in inside)


@pytest.mark.parametrize("token", HOSTILE_TOKENS, ids=lambda t: ascii(t[:12]))
def test_hostile_tokens_show_as_one_harmless_line(token: str) -> None:
    for word_start in (False, True):
        shown = show_token(token, word_start=word_start)
        assert shown
        assert is_harmless(shown)
        assert len(shown.replace(ISOLATE_START, "").replace(ISOLATE_END, "")) <= 80
        assert shown.encode("utf-8").decode("utf-8") == shown


@given(ANY_TEXT, st.booleans())
def test_any_text_shows_as_one_harmless_line(text: str, word_start: bool) -> None:
    shown = show_token(text, word_start=word_start)
    assert is_harmless(shown)
    assert 1 <= len(shown.replace(ISOLATE_START, "").replace(ISOLATE_END, "")) <= 80
    assert len(shown.splitlines()) == 1
    assert shown.count(ISOLATE_START) == shown.count(ISOLATE_END)
    shown.encode("utf-8")


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=60))
def test_letters_and_digits_are_left_alone(text: str) -> None:
    """But for the fillers, which are letters and show nothing."""
    visible = "".join(c for c in text if c not in "\u115f\u1160\u3164\uffa0")
    if visible:
        assert show_token(visible).strip(ISOLATE_START + ISOLATE_END) == visible


def test_at_most_four_marks_follow_each_other() -> None:
    for token in HOSTILE_TOKENS:
        run = longest = 0
        for character in show_token(token):
            run = run + 1 if unicodedata.category(character) in {"Mn", "Me", "Mc"} else 0
            longest = max(longest, run)
        assert longest <= 4


# --- escaping ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**bold**", "\\*\\*bold\\*\\*"),
        ("`code`", "\\`code\\`"),
        ("![x](y)", "\\!\\[x\\]\\(y\\)"),
        ("<b>", "\\<\u2060b\\>"),
        ("$x$", "\\$x\\$"),
        (":smile:", "\\:\u2060smile\\:"),
        (":red[x]", "\\:\u2060red\\[x\\]"),
        ("->", "\\-\u2060\\>"),
        ("www.x", "www\u2060\\.\u2060x"),
        ("a@b", "a\\@\u2060b"),
        ("a\nb", "a b"),
        ("habari", "habari"),
    ],
)
def test_markdown_escape(text: str, expected: str) -> None:
    assert markdown_escape(text) == expected


@given(ANY_TEXT)
def test_markdown_escape_leaves_no_bare_punctuation(text: str) -> None:
    escaped = markdown_escape(show_token(text))
    position = 0
    while position < len(escaped):
        if escaped[position] == "\\":
            position += 2
            continue
        assert escaped[position] not in "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"
        position += 1


def test_markdown_escape_returns_to_the_text() -> None:
    """Taking the backslashes and the joiners away gives the shown token again."""
    for token in HOSTILE_TOKENS:
        shown = show_token(token)
        text, escaped = "", iter(markdown_escape(shown))
        for character in escaped:
            text += next(escaped) if character == "\\" else character
        assert text.replace("\u2060", "") == shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"), ("&lt;", "&amp;lt;"), ("$x$", "&#36;x&#36;"), ("a", "a")],
)
def test_plotly_escape(text: str, expected: str) -> None:
    assert plotly_escape(text) == expected


@given(ANY_TEXT)
def test_plotly_escape_leaves_no_tag(text: str) -> None:
    assert not set("<>$") & set(plotly_escape(text))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
def test_csv_safe_disarms_formulas(text: str) -> None:
    assert csv_safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a", "a=1", "1-1", "'=1", " =1"])
def test_csv_safe_leaves_the_rest(text: str) -> None:
    assert csv_safe(text) == text
