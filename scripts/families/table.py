"""Rows as a page of Markdown: totals first, then the table, then what did not build."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from scripts.families.row import COLUMNS, NONE, REFUSED, RIGHT, WRONG

HEAD = """# Families

Made by `python -m scripts.families` with transformers {version}: model types of its text mappings (causal, masked,
sequence to sequence, image and text to text, multimodal, text encoding) and text models without a head, each as a tiny
random model of its own configuration, beside a tokenizer of the family's own kind. The target's tokenizer has the same
special tokens and {shared} of the same words under other ids, so that pad, eos and bos move, and words that are new.

*init*, *export*, *adapt* and *evaluate* are the command line's own verbs; *proof* is what the run's manifest says.
*forward*, *generate* and *extend* are judged from outside, by `from_pretrained` of transformers alone, in float32: a
padded batch of unequal lengths and one line as long as the source reads (at most 64 tokens), logits of copied tokens
within 1e-4 of the largest (the last hidden state where there is no head); greedy generation restricted to copied
tokens, and the token at which it stops; the extended model on the source's own ids, where appended tokens have to be
read. *refused* is one line and exit status 2; a traceback or a number that differs is *wrong*.
"""


UNTOLD = ("refused before", "generates no text")
"""Reasons that the table itself tells."""


def totals(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the sentences that stand above the table.

    Parameters
    ----------
    rows : sequence of dict
        What `judge_kind` returned.

    Returns
    -------
    list of str
        Counts of wrong cells, of types, and of verdicts a column.
    """
    built = [row for row in rows if row["built"]]
    wrong = sum(row[column][0] == WRONG for row in built for column in COLUMNS)
    whole = sum(all(row[c][0] == RIGHT for c in ("init", "export", "proof")) for row in built)
    share = f" ({100 * whole / len(built):.0f} %)" if built else ""
    return [
        f"**Wrong: {wrong}. Right in init + export + proof: {whole} of {len(built)}{share}.** "
        f"{len(rows)} types, {len(rows) - len(built)} of them did not build here."
    ]


def render(rows: Sequence[dict[str, Any]], version: str, n_shared: int) -> str:
    """Return the page.

    Parameters
    ----------
    rows : sequence of dict
        What `judge_kind` returned.
    version : str
        Of transformers.
    n_shared : int
        Words that both tokenizers know.

    Returns
    -------
    str
        Markdown.
    """
    rows = sorted(rows, key=lambda row: row["type"])
    built = [row for row in rows if row["built"]]
    lines = [HEAD.format(version=version, shared=n_shared), *totals(rows), ""]
    lines += _counts(built)
    lines += [
        "## Types",
        "",
        f"| type | class | tokenizer | {' | '.join(COLUMNS)} |",
        "|---" * (3 + len(COLUMNS)) + "|",
    ]
    lines += [_line(row) for row in built]
    lines += ["", "## Refused, wrong and left out", "", "| type | what | why |", "|---|---|---|"]
    lines += [
        f"| {row['type']} | {', '.join(columns)} {verdict} | {_cell(words)} |"
        for row in built
        for (verdict, words), columns in _reasons(row).items()
    ]
    lines += ["", "## Not built", "", "| type | class | why |", "|---|---|---|"]
    lines += [f"| {row['type']} | {row['class']} | {_cell(row['reason'])} |" for row in rows if not row["built"]]
    return "\n".join(lines) + "\n"


def _counts(built: Sequence[dict[str, Any]]) -> list[str]:
    counts = {column: Counter(row[column][0] for row in built) for column in COLUMNS}
    verdicts = [RIGHT, REFUSED, WRONG, NONE]
    verdicts += sorted({verdict for count in counts.values() for verdict in count} - set(verdicts))
    lines = [f"| of {len(built)} | {' | '.join(COLUMNS)} |", "|---" * (1 + len(COLUMNS)) + "|"]
    cells = {verdict: " | ".join(str(counts[column][verdict]) for column in COLUMNS) for verdict in verdicts}
    return [*lines, *(f"| {verdict} | {numbers} |" for verdict, numbers in cells.items()), ""]


def _line(row: dict[str, Any]) -> str:
    cells = " | ".join(row[column][0] for column in COLUMNS)
    return f"| {row['type']} | {row['class']} | {row['kind']} ({row['tokenizer']}) | {cells} |"


def _reasons(row: dict[str, Any]) -> dict[tuple[str, str], list[str]]:
    """Return the columns by verdict and words, without those that are right or follow from another."""
    found: dict[tuple[str, str], list[str]] = {}
    for column in COLUMNS:
        verdict, words = row[column]
        if verdict != RIGHT and words and words not in UNTOLD:
            found.setdefault((verdict, words), []).append(column)
    return found


def _cell(words: str) -> str:
    return " ".join(words.replace("|", "\\|").replace("<", "&lt;").split())
