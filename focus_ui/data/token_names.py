"""How tokens are called on a page: plain lines for tables, Markdown for links. Imports no streamlit."""

from __future__ import annotations

from collections.abc import Sequence

from focus_core.runs.folder import RunFolder
from focus_core.runs.legend import category_of
from focus_core.runs.tokens import row_name
from focus_core.tokenization.display import LIMIT, markdown_escape


def target_names(run: RunFolder, ids: Sequence[int], *, limit: int = LIMIT) -> list[str]:
    """Return target tokens as visible lines."""
    return [row_name(row, limit=limit) for row in run.token_rows(list(ids))]


def source_names(run: RunFolder, ids: Sequence[int], *, limit: int = LIMIT) -> list[str]:
    """Return source tokens as visible lines; the source tokenizer's own marks tell whether one begins a word."""
    return [row_name(row, limit=limit) for row in run.source_rows(list(ids))]


def source_label(run: RunFolder, source_id: int) -> str:
    """Return a source token as a visible line."""
    return source_names(run, [source_id])[0]


def token_label(run: RunFolder, target_id: int) -> str:
    """Return a target token as Markdown: a mark in the colour of its origin, the token, its id."""
    row = run.token_rows([target_id])[0]
    shown = markdown_escape(row_name(row, limit=32))
    return f":{category_of(row['origin'], row['rule']).badge}[■] {shown} :gray[#{target_id}]"
