"""Count the lines of the code: ``python scripts/count_lines.py [FOLDER ...]``.

Code and docstrings of Python files apart, without blank lines and comments; templates, style sheets and scripts of the
browser beside them.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("focus_core", "focus_ui", "pages")
BESIDE = (".html", ".css", ".js")
EMPTY = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def docstring_lines(tree: ast.AST) -> set[int]:
    """Return the numbers of the lines that docstrings take."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            first = node.body[0]
            lines.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return lines


def python_lines(source: str) -> tuple[int, int]:
    """Return the number of lines with code, and of lines that docstrings take.

    Examples
    --------
    >>> python_lines('''"Say nothing."
    ...
    ... x = 1  # one
    ... # a comment
    ... ''')
    (1, 1)
    """
    documented = docstring_lines(ast.parse(source))
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in EMPTY:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - documented), len(documented)


def main(folders: list[str]) -> None:
    """Print a line a folder, and their sum."""
    total = [0, 0, 0]
    print(f"{'':12} {'code':>8} {'docstrings':>11} {'html, css, js':>14}")
    for folder in folders:
        files = sorted((ROOT / folder).rglob("*"))
        counts = [python_lines(p.read_text(encoding="utf-8")) for p in files if p.suffix == ".py"]
        beside = sum(
            len([x for x in p.read_text(encoding="utf-8").splitlines() if x.strip()])
            for p in files
            if p.suffix in BESIDE
        )
        row = [sum(code for code, _ in counts), sum(documented for _, documented in counts), beside]
        total = [a + b for a, b in zip(total, row, strict=True)]
        print(f"{folder:12} {row[0]:8,} {row[1]:11,} {row[2]:14,}")
    print(f"{'together':12} {total[0]:8,} {total[1]:11,} {total[2]:14,}")


if __name__ == "__main__":
    main(sys.argv[1:] or list(FOLDERS))
