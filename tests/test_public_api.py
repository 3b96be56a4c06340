"""The library's public face, written down: a change here changes its users' code and needs a line in the CHANGELOG."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import focus_core

ROOT = Path(__file__).resolve().parent.parent

CALLS = {
    "run_focus": ("*, source, target, model, corpus=, auxiliary=, user_map=, supplied=, config=, progress=, heed="),
    "run_focus_from_pretrained": (
        "*, source, target_tokenizer=, corpus=, auxiliary=, train_tokenizer=, vocab_size=, min_frequency=, "
        "normalization=, dictionary=, parallel=, source_column=, target_column=, source_vectors=, donor=, output=, "
        "config=, progress="
    ),
    "load_vocabulary": "spec",
    "match_vocabularies": "source, target, *, mode=, user_map=",
    "open_run": "path",
    "explain_token": "run, target_id, *, n_neighbours=",
    "run_checks": "run, *, fresh=",
    "export_model": "run, destination, *, source=",
}
"""Functions and how they are called; `name=` has a default, what follows `*` is given by name."""

TYPES = {
    "AuxiliaryVectors",
    "FocusError",
    "FocusResult",
    "InitConfig",
    "InvalidInputError",
    "Overlap",
    "RunFolder",
    "Vocabulary",
    "WeightMatrix",
}


def signature(function: object) -> str:
    """Return a signature as names alone, in the form of CALLS."""
    words: list[str] = []
    for parameter in inspect.signature(function).parameters.values():  # type: ignore[arg-type]
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in words:
            words.append("*")
        words.append(parameter.name + ("" if parameter.default is parameter.empty else "="))
    return ", ".join(words)


def test_the_names_are_these() -> None:
    assert set(focus_core.__all__) == {*CALLS, *TYPES, "__version__"}
    assert set(dir(focus_core)) == set(focus_core.__all__)


@pytest.mark.parametrize("name", CALLS)
def test_functions_are_called_like_this(name: str) -> None:
    assert signature(getattr(focus_core, name)) == CALLS[name]


@pytest.mark.parametrize("name", sorted(TYPES))
def test_types_are_types(name: str) -> None:
    assert inspect.isclass(getattr(focus_core, name))


def test_a_public_name_is_the_one_of_its_module() -> None:
    for name, home in focus_core._HOME.items():
        assert getattr(focus_core, name) is getattr(import_module(f"focus_core.{home}"), name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'run_fokus'"):
        focus_core.run_fokus  # noqa: B018


def test_the_version_is_one() -> None:
    """pyproject.toml, CITATION.cff and the package say the same."""
    project = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    citation = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    assert project
    assert citation
    assert focus_core.__version__ == project.group(1) == citation.group(1)


def test_the_package_ships_its_types() -> None:
    assert (ROOT / "focus_core" / "py.typed").exists()


def test_help_names_the_verbs_and_exits_with_0() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "focus_core", "--help"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0
    for verb in ("overlap", "init", "explain", "check", "export"):
        assert re.search(rf"^\W*{verb}\b", done.stdout, re.MULTILINE), done.stdout
