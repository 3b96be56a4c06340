"""The rules of docs/architecture.md, held by a machine: who imports whom, how long things are, what may not appear."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "focus_core"
WITH_ROOT = {
    **os.environ,
    "PYTHONPATH": str(ROOT),
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
}

TOP = {"errors", "validation", "artifacts", "types", "api", "__init__", "__main__"}
"""What may lie at the top of focus_core; everything else has a room."""

SEAMS = {
    "huggingface_hub": {"models.hub", "export.model_card"},
    "fasttext": {"initialization.auxiliary.vectors", "initialization.auxiliary.fasttext_worker"},
    "transformers": {"models", "export"},
    "sentencepiece": {"tokenization.sentencepiece_model", "tokenization.training"},
    "entmax": {"numerics.sparsemax"},
    "typer": {"cli"},
    "umap": {"projection"},
    "numba": {"numerics.compiled"},
    "threadpoolctl": {"initialization.auxiliary.svd"},
    "thot": {"initialization.methods.parallel.aligner_worker"},
}
"""Libraries that only these modules and rooms of focus_core may import, anywhere in them."""

COME_ALONG = {"httpx2": "huggingface-hub"}
"""Libraries that are named in one place only to catch their errors, and what brings them along."""

HEAVY = (
    "torch", "transformers", "fasttext", "umap", "numba", "streamlit", "sentencepiece", "pyarrow", "huggingface_hub",
    "thot",
)  # fmt: skip
APP = ("focus_ui", "pages")
MAX_MODULE, MAX_FUNCTION, MAX_PAGE, MAX_ROOM = 400, 60, 80, 15


def python_files(*folders: str) -> list[Path]:
    return sorted(p for folder in folders for p in (ROOT / folder).rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported_names(path: Path) -> Iterator[str]:
    """Yield the full dotted name of everything a file imports, at its top or inside a function."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def dotted(path: Path) -> str:
    """Return the name of a module of focus_core without the package's own."""
    return ".".join(path.relative_to(CORE).with_suffix("").parts)


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def contracts() -> str:
    done = subprocess.run(
        ["lint-imports", "--no-cache"], capture_output=True, text=True, cwd=ROOT, check=False, env=WITH_ROOT
    )
    return done.stdout + done.stderr


def test_imports_keep_the_contracts() -> None:
    """Those of pyproject.toml: layers of the core and of the app, pages apart, no screen in the core."""
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", contracts()), contracts()


def test_every_room_stands_in_the_contract() -> None:
    """A folder or a file that no layer names would be free to import anything."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = {c["id"]: re.findall(r"[a-z_]+", " ".join(c["layers"])) for c in listed if "layers" in c}
    rooms = {
        "core-layers": CORE,
        "initialization-layers": CORE / "initialization",
        "ui-layers": ROOT / "focus_ui",
    }
    for name, folder in rooms.items():
        there = {p.stem for p in folder.iterdir() if p.suffix == ".py" or (p / "__init__.py").is_file()}
        assert there - {"__init__", "__main__"} <= set(layers[name]), name


def test_the_top_of_the_library_is_bare() -> None:
    assert {p.stem for p in CORE.glob("*.py")} == TOP


@pytest.mark.parametrize("room", sorted({p.parent for p in python_files("focus_core", *APP)}), ids=short)
def test_rooms_stay_small(room: Path) -> None:
    assert len([p for p in room.glob("*.py") if p.stem != "__init__"]) <= MAX_ROOM
    assert (room / "__init__.py").is_file()


@pytest.mark.parametrize("path", [p for p in python_files("focus_core", *APP) if p.stem == "__init__"], ids=short)
def test_no_package_re_exports(path: Path) -> None:
    """A name has one address: that of the module that defines it. `focus_core` itself loads its public names lazily."""
    assert not list(imported_names(path)) or path == CORE / "__init__.py"


@pytest.mark.parametrize("path", python_files("focus_core"), ids=short)
def test_libraries_stay_behind_their_seams(path: Path) -> None:
    used = {name.split(".")[0] for name in imported_names(path)}
    outside = {lib for lib, seams in SEAMS.items() if lib in used and not _lies_in(dotted(path), seams)}
    assert not outside, f"{short(path)} imports {sorted(outside)}"


def _lies_in(module: str, seams: set[str]) -> bool:
    return any(module == seam or module.startswith(f"{seam}.") for seam in seams)


@pytest.mark.parametrize("path", sorted((ROOT / "pages").glob("*/page.py")), ids=short)
def test_pages_compute_nothing(path: Path) -> None:
    used = {name.split(".")[0] for name in imported_names(path)}
    assert not used & {"numpy", "torch", "pandas", "scipy", "transformers", "tokenizers", "plotly", "pyarrow"}


@pytest.mark.parametrize("path", python_files(*APP), ids=short)
def test_the_app_trains_no_model_itself(path: Path) -> None:
    """What takes long is a job: a child process that runs the command line."""
    used = {name.split(".")[0] for name in imported_names(path)}
    assert not used & {"torch", "transformers", "fasttext", "umap", "sentencepiece"}


@cache
def distributions_by_import() -> dict[str, list[str]]:
    return dict(packages_distributions())


def requirements(name: str) -> set[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {line.partition("==")[0].lower().replace("_", "-") for line in lines if "==" in line}


@pytest.mark.parametrize("path", [*python_files("focus_core", *APP), ROOT / "app.py"], ids=short)
def test_requirements_name_everything_that_is_imported(path: Path) -> None:
    """A library that only comes along with another one disappears with that one's next version."""
    homes = distributions_by_import()
    used = {n.split(".")[0] for n in imported_names(path)} - sys.stdlib_module_names - {"focus_core", *APP}
    pinned = requirements("requirements.txt")
    known = {n: {COME_ALONG.get(n, h).lower().replace("_", "-") for h in homes.get(n, [n])} for n in used}
    missing = {name for name, distributions in known.items() if not distributions & pinned}
    assert not missing, f"{short(path)} imports {sorted(missing)}, which requirements.txt does not pin"


def test_requirements_are_exact() -> None:
    for path in ROOT.glob("requirements*.txt"):
        lines = [x for x in path.read_text(encoding="utf-8").splitlines() if x and not x.startswith(("#", "-r "))]
        assert [x for x in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][\w.]*", x)] == []


def test_streamlit_only_in_the_app() -> None:
    allowed = [ROOT / "app.py", *python_files(*APP, "tests/pages", "tests/browser")]
    everywhere = [*python_files("focus_core", "scripts", "examples", "benchmarks", "tests"), *ROOT.glob("*.py")]
    users = {p for p in everywhere if any(n.split(".")[0] == "streamlit" for n in imported_names(p))}
    assert users <= set(allowed), sorted(map(short, users - set(allowed)))


def test_importing_the_library_loads_nothing_heavy() -> None:
    code = f"import sys, focus_core; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", python_files("focus_core"), ids=short)
def test_modules_import_nothing_heavy_at_their_top(path: Path) -> None:
    """A command such as `overlap` must not pay for torch; `python -m focus_core --help` for nothing at all."""
    top = tree_of(path).body
    names = {a.name for n in top if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module for n in top if isinstance(n, ast.ImportFrom) and n.module}
    heavy = {n.split(".")[0] for n in names} & set(HEAVY)
    assert not heavy, f"{short(path)} imports {sorted(heavy)} at its top; import inside the function that needs it"


@pytest.mark.parametrize("path", python_files("focus_core", *APP), ids=short)
def test_modules_stay_short(path: Path) -> None:
    limit = MAX_PAGE if path.match("pages/*/page.py") else MAX_MODULE
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def is_command(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Say whether a function is a verb of the command line: its signature is the table of options."""
    return any(ast.unparse(d).startswith(("app.command", "app.callback")) for d in function.decorator_list)


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return a function's lines without its docstring; of a verb of the command line, without its signature too."""
    first = function.body[0]
    documented = ast.get_docstring(function, clean=False) is not None
    begin = first.lineno if is_command(function) else function.lineno
    total = (function.end_lineno or 0) - begin + 1
    return total - ((first.end_lineno or 0) - first.lineno + 1 if documented else 0)


@pytest.mark.parametrize("path", python_files("focus_core", *APP), ids=short)
def test_functions_stay_short(path: Path) -> None:
    long = {f.name: length(f) for f in functions(path) if length(f) > MAX_FUNCTION}
    assert not long, f"{short(path)}: {long}"


def _called(node: ast.AST) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _is_broad(handler: ast.ExceptHandler) -> bool:
    """Say whether a handler catches everything and does not raise again."""
    broad = {"Exception", "BaseException"}
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {n.id for n in caught if isinstance(n, ast.Name)}
    raises = any(isinstance(n, ast.Raise) for n in ast.walk(handler))
    return (handler.type is None or bool(names & broad)) and not raises


@pytest.mark.parametrize("path", python_files("focus_core"), ids=short)
def test_core_has_no_assert_no_print_no_broad_except(path: Path) -> None:
    nodes = list(ast.walk(tree_of(path)))
    assert not [n.lineno for n in nodes if isinstance(n, ast.Assert)], "input is checked by errors, not by assert"
    assert not [n for n in nodes if _called(n) in {"print", "exec", "eval", "breakpoint"}]
    assert not [n.lineno for n in nodes if isinstance(n, ast.ExceptHandler) and _is_broad(n)]


@pytest.mark.parametrize("path", python_files("focus_core"), ids=short)
def test_core_seeds_no_global_generator(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"np\.random\.seed|torch\.manual_seed|random\.seed\(", source)


def tracked_files() -> list[Path]:
    """Return the files under version control, or every text file where there is no git."""
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, cwd=ROOT, check=False)
    if listed.returncode == 0 and listed.stdout:
        names = [ROOT / name for name in listed.stdout.split("\0") if name]
        return [p for p in names if p.is_file()]
    skipped = {".git", ".venv", "build", "runs"}
    return [p for p in ROOT.rglob("*") if p.is_file() and not skipped & set(p.relative_to(ROOT).parts)]


TEXT = {".py", ".md", ".toml", ".txt", ".cfg", ".cff", ".yaml", ".yml", ".json", ".jsonl", ".svg", ".css", ".js", ""}
# Joined here, so that this file does not contain what it forbids.
MACHINE_PATHS = re.compile("|".join([r"(?<![\w.])/" + r"work/", r"(?<![\w.])/" + r"root/", r"/" + r"home/\w+/"]))
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3]) + r")\b")


def text_files() -> list[Path]:
    return [p for p in tracked_files() if p.suffix in TEXT]


def lines_matching(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    found = []
    for path in paths:
        text = path.read_text(encoding="utf-8", errors="replace")
        if pattern.search(text):
            found += [f"{short(path)}:{i}" for i, line in enumerate(text.splitlines(), 1) if pattern.search(line)]
    return found


def test_no_path_of_one_machine() -> None:
    assert lines_matching(MACHINE_PATHS, text_files()) == []


def test_only_the_ci_script_knows_where_its_data_lies() -> None:
    pattern = re.compile(r"\.\./" + "shared")
    assert {line.split(":")[0] for line in lines_matching(pattern, text_files())} <= {".ci/run"}


def test_only_documents_of_this_project_are_cited() -> None:
    pattern = re.compile(r"\b(DES" + r"IGN|METH" + r"ODS|STY" + r"LE|U" + r"X)(\.md|: [A-Z]| section|,? \d)")
    assert lines_matching(pattern, text_files()) == []


def test_nothing_is_left_unfinished() -> None:
    source = [p for p in text_files() if p.suffix in {".py", ".md", ".toml", ""}]
    assert lines_matching(UNFINISHED, source) == []


def test_no_stub_functions() -> None:
    """A function whose body is `...`, `pass` or NotImplementedError is allowed in a Protocol or abstract only."""
    stubs = []
    for path in python_files("focus_core", *APP):
        protocols = {
            id(item)
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.ClassDef) and any("Protocol" in ast.unparse(base) for base in node.bases)
            for item in node.body
        }
        stubs += [f"{short(path)}:{f.lineno}" for f in functions(path) if id(f) not in protocols and _is_stub(f)]
    assert stubs == []


def _is_stub(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    if any(ast.unparse(d) == "abstractmethod" for d in function.decorator_list):
        return False
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if any(isinstance(n, ast.Raise) and n.exc and "NotImplementedError" in ast.unparse(n.exc) for n in body):
        return True
    if not body:
        # a hook that ignores progress, and the group that holds the verbs of the command line
        return function.name != "no_progress" and not is_command(function)
    return all(isinstance(n, ast.Pass) or (isinstance(n, ast.Expr) and ast.unparse(n) == "...") for n in body)
