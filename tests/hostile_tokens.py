"""Tokens that break naive displays, files and charts; shared by every test that shows, stores or searches tokens."""

from __future__ import annotations

HOSTILE_TOKENS: tuple[str, ...] = (
    # markup
    "<s>", "</s>", "<unk>", "<b>bold</b>", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
    "<a href='https://example.org'>x</a>", "&lt;", "&amp;amp;",
    "**bold**", "_it_", "`code`", "[x](https://example.org)", "![x](https://example.org/x.png)", "# title",
    "- item", "1. one", "> quote", "|a|b|", "---", "~~gone~~", "$x^2$", "$$\\int$$", "\\", "\\n",
    ":material/home:", ":smile:", ":red[x]", "->", "https://example.org", "www.example.org", "a@example.org",
    # formulas and templates
    "=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "%{x}", "{0}", "${HOME}", "%s", "../../etc/passwd",
    # white space and what cannot be seen
    " ", "   ", "\t", "\n", "\r\n", "\v\f", "\u00a0", "\u3000", "\u2028", "\u2029", "\u00ad",
    "\x00", "a\x00b", "\x1b[31mred", "\x7f", "\x85", "\ufeff", "\u200b", "\u200d", "\u2060", "\u180e",
    "\u3164", "\u2800", "\U000e0041",
    # direction
    "\u202eevil", "\u2066x\u2069", "\u200f", "سلام", "שלום", "abc سلام 123", "١٢٣",
    # composition
    "e" + "\u0301" * 60, "\u0301", "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319", "é", "e\u0301",
    "👩‍👩‍👧", "❤\ufe0f", "🇰🇪", "한", "ﷺ",
    # bytes and broken text
    "<0xE0>", "<0xE0><0xA4>", "\ufffd", "\ud800", "x\udfff", "\U0010ffff", "\ue000",
    # names with a meaning elsewhere
    "", "▁", "▁▁▁", "##ing", "Ġhello", "Ċ", "__label__x", "nan", "None", "null", "NULL", "true", "-0", "1e309", "#7",
    "x" * 500, "ab" * 45,
)  # fmt: skip
"""About a hundred; two hold lone surrogates, which Arrow and UTF-8 refuse."""

WITHOUT_SURROGATES: tuple[str, ...] = tuple(
    token for token in HOSTILE_TOKENS if not any("\ud800" <= character <= "\udfff" for character in token)
)
"""Those that a tokenizer can really hold: its strings are valid UTF-8."""
