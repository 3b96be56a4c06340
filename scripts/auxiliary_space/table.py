"""What was measured as tables of Markdown, and what is claimed about it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from focus_core.artifacts import dump_json
from scripts.auxiliary_space.spaces import COUNTS, DRAWN, FASTTEXT, ON_LITTLE_TEXT, UNDRAWN, VARIANTS
from scripts.auxiliary_space.text import WHOLE

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "assets" / "demo" / "results" / "auxiliary_space.json"
DOCUMENTS = {
    "confirm": "docs/benchmarks.md",
    "screen": "docs/decisions/0043-the-counted-auxiliary-space.md",
    "little": "docs/decisions/0049-little-text-is-asked-for-its-spelling.md",
}
"""Which table stands in which document."""
NAMES = {"sw": "Swahili", "xh": "isiXhosa", "ar": "Arabic", "ha": "Hausa", "de": "German", "en": "English"}
CLAIMED = ("sw", 0.03)
"""The language and the bits per character that counts are ahead by at least."""

Row = Mapping[str, Any]
Rows = Sequence[Row]


def marks(name: str) -> tuple[str, str]:
    """Return what stands before and after a table in its document."""
    return f"<!-- auxiliary space, {name}:start -->", f"<!-- auxiliary space, {name}:end -->"


def load_results() -> dict[str, Any]:
    """Read the committed measurements; nothing where there are none."""
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}


def keep_results(name: str, rows: Rows) -> None:
    """Put measurements under their name into the committed file."""
    text = dump_json(load_results() | {name: list(rows)}) + "\n"
    RESULTS.write_text(text, encoding="utf-8", newline="\n")


def write_tables(results: Mapping[str, Rows], root: Path = ROOT) -> None:
    """Put every table between its marks."""
    for name, document in DOCUMENTS.items():
        start, end = marks(name)
        text = (root / document).read_text(encoding="utf-8")
        before, rest = text.split(start, 1)
        table = TABLES[name](results[name])
        made = f"{before}{start}\n{table}\n{end}{rest.split(end, 1)[1]}"
        (root / document).write_text(made, encoding="utf-8", newline="\n")


def screen_table(rows: Rows) -> str:
    """Return variants by languages and sizes: bits per character minus fastText's, and minus those of the default."""
    cases = list(dict.fromkeys((row["language"], row["size"]) for row in rows))
    references = {"minus_fasttext": FASTTEXT, "minus_counts": COUNTS}
    columns = [(*case, reference) for case in cases for reference in references]
    head = ["", *(f"{NAMES[la]}, {_size(size)}, minus {references[name]}" for la, size, name in columns)]
    lines = [_line(head), "|---" + "|---:" * len(columns) + "|"]
    for variant in VARIANTS:
        own = [(_find(rows, language=la, size=size, variant=variant), name) for la, size, name in columns]
        if any(row for row, _ in own):
            cells = [_difference(row, name) for row, name in own]
            lines.append(_line([f"**{variant}**" if variant == COUNTS else variant, *cells]))
    return "\n".join(lines)


def little_table(rows: Rows) -> str:
    """Return what was tried on little text by languages and sizes: bits per character minus fastText's."""
    cases = list(dict.fromkeys((row["language"], row["size"]) for row in rows))
    lines = [_line(["minus fastText", *(f"{NAMES[la]}, {_size(size)}" for la, size in cases)])]
    lines.append("|---" + "|---:" * len(cases) + "|")
    for variant in ON_LITTLE_TEXT:
        own = [_difference(_find(rows, language=la, size=size, variant=variant)) for la, size in cases]
        lines.append(_line([f"**{variant}**" if variant == DRAWN else variant, *own]))
    gained = [_difference(_find(rows, language=la, size=s, variant=DRAWN), "minus_undrawn") for la, s in cases]
    return "\n".join([*lines, _line([f"*{DRAWN}, minus {UNDRAWN}*", *gained])])


def confirm_table(rows: Rows) -> str:
    """Return languages by sizes and training: fastText's bits per character, and the differences of counts to them."""
    cases = sorted({(row["tokens"], row["size"] or float("inf")) for row in rows})
    cases = [(tokens, WHOLE if size == float("inf") else size) for tokens, size in cases]
    head = ["counts minus fastText", "fastText, all text", *(_case(*case) for case in cases)]
    lines = [_line(head), "|---" + "|---:" * (1 + len(cases)) + "|"]
    for language in dict.fromkeys(row["language"] for row in rows):
        reference = _find(rows, language=language, size=WHOLE, tokens=0, variant=FASTTEXT)
        cells = ["—" if reference is None else f"{reference['bits_per_character']['value']:.3f}"]
        for tokens, size in cases:
            cells.append(_difference(_find(rows, language=language, size=size, tokens=tokens, variant=COUNTS)))
        lines.append(_line([NAMES[language], *cells]))
    contenders = {row["variant"] for row in rows} - {FASTTEXT, COUNTS}
    return "\n".join([*lines, *(["", *others_table(rows)] if contenders else [])])


def others_table(rows: Rows) -> list[str]:
    """Return the lines of a table of the other variants on all of the text, at once: differences to fastText."""
    languages = list(dict.fromkeys(row["language"] for row in rows))
    lines = [_line(["at once, all text", *(NAMES[language] for language in languages)])]
    lines.append("|---" + "|---:" * len(languages) + "|")
    for variant in dict.fromkeys(row["variant"] for row in rows):
        if variant != FASTTEXT:
            own = [_find(rows, language=la, size=WHOLE, tokens=0, variant=variant) for la in languages]
            lines.append(_line([variant, *map(_difference, own)]))
    return lines


def claims(results: Mapping[str, Rows]) -> list[str]:
    """Say what is claimed of the default and whether the measurements hold it.

    Parameters
    ----------
    results : mapping of str to list of dict
        What `load_results` returned.

    Returns
    -------
    list of str
        One claim a line, begun by ``holds`` or ``does not hold``.
    """
    rows, (language, least) = results.get("confirm", []), CLAIMED
    said = []
    for row in (r for r in rows if r["variant"] == COUNTS and r["size"] == WHOLE):
        found, name = row["minus_fasttext"], NAMES[row["language"]]
        when = f"after {row['tokens']:,} tokens" if row["tokens"] else "at once"
        if row["language"] == language:
            holds = found["value"] <= -least and found["high"] < 0
            said.append(_claim(holds, f"{name} {when}: counts at least {least} below fastText", found))
        else:
            said.append(_claim(found["low"] <= 0, f"{name} {when}: counts not worse than fastText", found))
    return said


def _claim(holds: bool, words: str, found: Row) -> str:
    return f"{'holds' if holds else 'does not hold'}: {words}: {_difference({'minus_fasttext': found})}"


def _find(rows: Rows, **values: Any) -> Row | None:
    return next((row for row in rows if all(row[key] == value for key, value in values.items())), None)


def _difference(row: Row | None, name: str = "minus_fasttext") -> str:
    if row is None or name not in row:
        return "—"
    found = row[name]
    return f"{_signed(found['value'])} ({_signed(found['low'])} to {_signed(found['high'])})"


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _case(tokens: int, size: float) -> str:
    return f"{_size(size)}, after {tokens / 1000:,.0f}k tokens" if tokens else f"{_size(size)}, at once"


def _size(size: float) -> str:
    return "all text" if size == WHOLE else f"{size:g} MB"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


TABLES = {"confirm": confirm_table, "screen": screen_table, "little": little_table}
