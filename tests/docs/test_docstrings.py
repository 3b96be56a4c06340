"""Docstrings say what the code does: names, order and defaults of parameters, what is raised, a summary in one line.

Sections are owed where somebody outside a room of the core reads them; elsewhere one honest line is enough, and a
section that is there must be true all the same.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import ERROR_MSGS

import focus_core

ROOT = Path(__file__).resolve().parents[2]
TOPS = ("focus_core", "focus_ui", "pages", "scripts", "benchmarks", "examples")
Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
UNSTATED = object()


@dataclass(frozen=True)
class Entry:
    """One public name and where it stands."""

    path: Path
    name: str
    node: Documented

    @property
    def where(self) -> str:
        return f"{self.path.relative_to(ROOT).as_posix()}:{self.node.lineno} {self.name}"

    @property
    def text(self) -> str:
        return ast.get_docstring(self.node) or ""

    @property
    def parsed(self) -> NumpyDocString:
        return NumpyDocString(self.text)


def public(path: Path, body: list[ast.stmt], prefix: str = "") -> Iterator[Entry]:
    """Yield public functions and classes, and the public methods of these classes."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield Entry(path, prefix + node.name, node)
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield Entry(path, node.name, node)
            yield from public(path, node.body, f"{node.name}.")


def entries() -> list[Entry]:
    files = [p for folder in ("focus_core", "focus_ui", "pages") for p in sorted((ROOT / folder).rglob("*.py"))]
    return [e for p in files for e in public(p, ast.parse(p.read_text(encoding="utf-8")).body)]


def functions() -> list[Entry]:
    return [e for e in entries() if not isinstance(e.node, ast.ClassDef)]


def room_of(path: Path) -> tuple[str, ...]:
    """Return the room of a file: the package of the core, or all that is not the core."""
    parts = path.relative_to(ROOT).parts
    return parts[:2] if parts[0] == "focus_core" else parts[:1]


@cache
def read_elsewhere() -> set[tuple[str, str]]:
    """Return ``(module, name)`` of what another room imports, and of what `focus_core` gives out."""
    found = {(f"focus_core.{home}", name) for name, home in focus_core._HOME.items()}
    for path in (p for top in TOPS for p in sorted((ROOT / top).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("focus_core."):
                home = ROOT.joinpath(*str(node.module).split(".")).with_suffix(".py")
                if room_of(path) != room_of(home):
                    found |= {(str(node.module), alias.name) for alias in node.names}
    return found


def owes_sections(entry: Entry) -> bool:
    """Say whether a function of the core, no method, is imported from another room."""
    parts = entry.path.relative_to(ROOT).with_suffix("").parts
    return (".".join(parts), entry.name) in read_elsewhere()


def defaults_of(node: Documented) -> dict[str, object]:
    """Return ``{parameter: source of its default, or UNSTATED}``, a class's fields included."""
    if isinstance(node, ast.ClassDef):
        own = [s for s in node.body if isinstance(s, ast.FunctionDef) and s.name == "__init__"]
        if own:
            return defaults_of(own[0])
        fields = [s for s in node.body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)]
        shown = [f for f in fields if not f.target.id.startswith("_") and "ClassVar" not in ast.unparse(f.annotation)]
        return {f.target.id: UNSTATED if f.value is None else ast.unparse(f.value) for f in shown}
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    values: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    pairs = [*zip(positional, values, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    found = {a.arg: UNSTATED if v is None else ast.unparse(v) for a, v in pairs if a.arg not in {"self", "cls"}}
    for star, extra in (("*", arguments.vararg), ("**", arguments.kwarg)):
        if extra is not None:
            found[star + extra.arg] = UNSTATED
    return found


def documented_parameters(entry: Entry) -> list[tuple[str, str]]:
    """Return ``(name, type line)`` of the section Parameters, or Attributes for a class; shared lines are split."""
    parsed = entry.parsed
    listed = parsed["Parameters"] or (parsed["Attributes"] if isinstance(entry.node, ast.ClassDef) else [])
    return [(name.strip(), item.type) for item in listed for name in item.name.split(",")]


def is_command(entry: Entry) -> bool:
    """Say whether it is a verb of the command line, whose options document themselves in `--help`."""
    return any(ast.unparse(d).startswith(("app.command", "app.callback")) for d in entry.node.decorator_list)


def own_raises(node: Documented) -> set[str]:
    """Return the classes that a function raises by itself; a bare `raise` passes on another's."""
    nested = {id(n) for f in ast.walk(node) if f is not node and isinstance(f, ast.FunctionDef) for n in ast.walk(f)}
    raised = [n.exc for n in ast.walk(node) if isinstance(n, ast.Raise) and n.exc is not None and id(n) not in nested]
    return {ast.unparse(e.func if isinstance(e, ast.Call) else e) for e in raised}


def fails(found: list[str]) -> None:
    assert not found, "\n" + "\n".join(found)


def test_every_public_name_is_documented() -> None:
    fails([e.where for e in entries() if not e.text and not is_property_setter(e)])


def is_property_setter(entry: Entry) -> bool:
    return any(ast.unparse(d).endswith(".setter") for d in entry.node.decorator_list)


def test_the_summary_is_one_line_that_ends_with_a_period() -> None:
    summaries = [(e, e.text.split("\n\n")[0]) for e in entries() if e.text]
    fails([e.where for e, s in summaries if "\n" in s or not s.endswith((".", "…")) or s[0].islower()])


def test_sections_can_be_read() -> None:
    """numpydoc warns about a section it does not know and raises on one that comes twice; both fail here."""
    for entry in entries():
        assert entry.parsed["Summary"] or entry.parsed["Signature"] or not entry.text, entry.where
    assert "PR01" in ERROR_MSGS


def test_parameters_are_documented_by_name_and_in_order() -> None:
    """Fields of a class are given by name, so their order is free, and its docstring may name inherited ones."""
    wrong = []
    for entry in entries():
        names, own = [n for n, _ in documented_parameters(entry)], list(defaults_of(entry.node))
        same = set(own) <= set(names) if isinstance(entry.node, ast.ClassDef) else names == own
        if names and not same:
            wrong.append(f"{entry.where}: documents {names}, takes {own}")
    fails(wrong)


def test_functions_of_several_parameters_document_them() -> None:
    several = [e for e in functions() if len(defaults_of(e.node)) > 2 and owes_sections(e) and not is_command(e)]
    assert len(several) > 30
    fails([e.where for e in several if not documented_parameters(e) and "progress" not in e.name.lower()])


def constants(path: Path) -> dict[str, str]:
    """Return ``{name: source}`` of the values that a module gives to names in capitals."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return {
        t.id: ast.unparse(s.value)
        for s in body
        if isinstance(s, ast.Assign)
        for t in s.targets
        if isinstance(t, ast.Name) and t.id.isupper()
    }


def normal(text: str) -> str:
    """Return a default without the ways of writing it: quotes, a read-only wrapper, the class of an enum."""
    if re.fullmatch(r"[\d_]+ *<< *\d+", text):
        text = str(int.__lshift__(*(int(part) for part in text.split("<<"))))
    text = re.sub(r"^MappingProxyType\((.*)\)$", r"\1", text.strip())
    text = text.strip().strip("`").strip("\"'").replace("_", "").lower()
    return re.sub(r"^\w+\.(?=[a-z])", "", text)


def test_defaults_in_docstrings_equal_the_signature() -> None:
    """A function's docstring states every default; that of a class may leave it to the line of the field."""
    wrong = []
    for entry in entries():
        own = defaults_of(entry.node)
        for name, kind in documented_parameters(entry):
            stated = re.search(r"default=(.+)$", kind)
            value = own.get(name, UNSTATED)
            silent = value in (UNSTATED, "no_progress") or isinstance(entry.node, ast.ClassDef)
            if "field(" in str(value) or (stated is None and silent):
                continue
            value = constants(entry.path).get(str(value), value) if str(value).isupper() else value
            if stated is None or value is UNSTATED or normal(stated.group(1)) != normal(str(value)):
                said = stated.group(1) if stated else "no default"
                wrong.append(
                    f"{entry.where}: {name} is said to have {said}, has {'none' if value is UNSTATED else value}"
                )
    fails(wrong)


def test_what_is_raised_is_documented() -> None:
    fails(
        [
            f"{e.where}: {sorted(own_raises(e.node))}"
            for e in functions()
            if own_raises(e.node)
            and owes_sections(e)
            and not e.parsed["Raises"]
            and not is_command(e)
            and "CancelledError" not in own_raises(e.node)
        ]
    )


def test_the_checks_above_can_fail() -> None:
    """A function with every fault: a name too many, a default that is another, an undocumented error."""
    source = '''
    def f(a, *, b=3):
        """Do it.

        Parameters
        ----------
        a : int
        c : int, default=4
        """
        raise ValueError(a)
    '''
    node = ast.parse(textwrap.dedent(source)).body[0]
    assert isinstance(node, ast.FunctionDef)
    entry = Entry(ROOT / "x.py", "f", node)
    assert [n for n, _ in documented_parameters(entry)] != list(defaults_of(node))
    assert defaults_of(node) == {"a": UNSTATED, "b": "3"}
    assert own_raises(node) == {"ValueError"}
    assert not entry.parsed["Raises"]
