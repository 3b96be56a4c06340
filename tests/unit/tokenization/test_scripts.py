"""The script of a text is that of most of its characters."""

from __future__ import annotations

import pytest

from focus_core.tokenization.scripts import scripts_of_texts


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("abc", "Latin"),
        ("ɓéŋ", "Latin"),
        ("سلام", "Arabic"),
        ("Привет", "Cyrillic"),
        ("漢字", "Han"),
        ("한국", "Hangul"),
        ("नमस्ते", "Devanagari"),
        ("ሰላም", "Ethiopic"),
        ("2024", "Common"),
        ("…!?", "Common"),
        ("", "Common"),
        ("a1", "Latin"),
        ("12 км", "Cyrillic"),
        ("\u0301", "Inherited"),
        ("e\u0301", "Latin"),
        ("aж", "Latin"),
        ("жa", "Cyrillic"),
        ("\U0010ffff", "Unknown"),
    ],
)
def test_script(text: str, script: str) -> None:
    """Digits, punctuation and combining marks count only where there is nothing else; ties fall to the first."""
    assert scripts_of_texts([text]) == [script]
