"""A lint of the app's own source: what shows text can do harm with a token, so some calls are banned."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([ROOT / "app.py", *(p for room in ("focus_ui", "pages") for p in (ROOT / room).rglob("*.py"))])

BANNED_CALLS = {"table", "write", "html", "iframe", "components"}
"""``st.table`` renders Markdown in cells, ``st.write`` guesses, the others take HTML."""

MARKDOWN_CALLS = {
    "markdown", "title", "header", "subheader", "caption", "error", "warning", "info", "success", "toast", "badge",
    "metric", "expander", "button", "page_link", "progress", "status", "tabs", "popover", "latex", "checkbox", "toggle",
    "radio", "pills", "segmented_control", "form_submit_button", "download_button", "link", "link_button",
}  # fmt: skip
"""Their labels and values are Markdown."""

SAFE_CALLS = {
    "markdown_escape",
    "count",
    "percent",
    "duration",
    "size",
    "len",
    "token_label",
    "_title",
    "_word",
    "_capped",
}
"""What may stand in braces inside a text for Markdown: numbers, and text that was escaped."""

SAFE_NAMES = {
    "label", "value", "category", "icon", "color", "status", "badge", "title", "options", "source", "target", "tau",
    "divided", "hint", "text", "about", "words", "source_id", "target_id", "job_now", "name", "used",
    "AT_WORK",
}  # fmt: skip
"""Names whose values are fixed words, numbers, or were escaped where they were made; a reviewer checks additions."""

RAW_ATTRIBUTES = {"token", "text", "display", "title", "formula", "note", "stage"}
"""Attributes that hold a user's text as it is."""


def calls(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]


def called(node):
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def raw_parts(node):
    """Return the pieces of f-strings below a node that are neither formatted numbers, nor escaped, nor known words."""
    for value in ast.walk(node):
        if not isinstance(value, ast.FormattedValue):
            continue
        inner = value.value
        if value.format_spec is not None:  # a number: text has no such format
            continue
        if isinstance(inner, ast.Call) and called(inner) in SAFE_CALLS:
            continue
        if isinstance(inner, ast.Subscript | ast.Constant | ast.BoolOp):
            continue
        if isinstance(inner, ast.Name) and inner.id in SAFE_NAMES:
            continue
        if isinstance(inner, ast.Attribute) and inner.attr not in RAW_ATTRIBUTES:
            continue
        yield ast.unparse(inner)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_banned_calls(path):
    tree = ast.parse(path.read_text("utf-8"))
    used = {
        node.func.attr
        for node in calls(tree)
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "st" and node.func.attr in BANNED_CALLS
    }
    assert not used
    keywords = {keyword.arg for node in calls(tree) for keyword in node.keywords}
    assert not keywords & {"unsafe_allow_html", "unsafe_allow_javascript"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_raw_text_in_markdown(path):
    tree = ast.parse(path.read_text("utf-8"))
    raw = [
        f"{node.lineno}: {part}"
        for node in calls(tree)
        if node.func.attr in MARKDOWN_CALLS
        for argument in [*node.args, *(k.value for k in node.keywords if k.arg in {"label", "body", "text", "help"})]
        for part in raw_parts(argument)
    ]
    assert not raw, f"{path.name}: escape these with markdown_escape: {raw}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_attribute_with_a_users_text_is_given_to_markdown_directly(path):
    tree = ast.parse(path.read_text("utf-8"))
    raw = [
        f"{node.lineno}: {ast.unparse(argument)}"
        for node in calls(tree)
        if node.func.attr in MARKDOWN_CALLS
        for argument in node.args
        if isinstance(argument, ast.Attribute)
        and argument.attr in RAW_ATTRIBUTES
        and ast.unparse(argument) != "page.title"
    ]
    assert not raw


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_caches_are_bounded_and_hash_no_heavy_argument(path):
    """Streamlit hashes a sample of large arrays: heavy arguments of a cached function begin with an underscore."""
    tree = ast.parse(path.read_text("utf-8"))
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for decorator in function.decorator_list:
            text = ast.unparse(decorator)
            if "st.cache" not in text:
                continue
            assert "max_entries" in text or "scope='session'" in text, function.name
            for argument in function.args.args:
                kind = ast.unparse(argument.annotation)
                plain = kind in {"str", "int"} or kind.startswith("tuple[")
                assert plain or argument.arg.startswith("_"), (function.name, argument.arg)


def test_the_lint_finds_what_it_looks_for():
    bad = ast.parse("st.markdown(f'a {token} b')\nst.caption(f'{explanation.display}')")
    assert [part for node in calls(bad) for a in node.args for part in raw_parts(a)] == [
        "token",
        "explanation.display",
    ]
    good = ast.parse("st.markdown(f'a {markdown_escape(token)} {n:.2f}')")
    assert not [part for node in calls(good) for a in node.args for part in raw_parts(a)]
