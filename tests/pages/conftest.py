"""What the tests of the pages share: the app on a toy run, with empty caches, as one user."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from focus_core.runs.folder import RunFolder, open_run
from tests.tiny_runs import train_toy
from tests.toy_run import write_toy_run

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "start": "../pages/start/page.py",
    "learn": "../pages/learn/page.py",
    "data": "../pages/data/page.py",
    "overlap": "../pages/overlap/page.py",
    "token": "../pages/token/page.py",
    "map": "../pages/map/page.py",
    "train": "../pages/train/page.py",
    "methods": "../pages/methods/page.py",
    "compare": "../pages/compare/page.py",
    "export": "../pages/export/page.py",
}


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of demo runs that holds the toy."""
    folder = tmp_path_factory.mktemp("demo")
    write_toy_run(folder / "toy")
    return folder


@pytest.fixture(scope="session")
def toy(demo_folder: Path) -> RunFolder:
    """Return the toy run."""
    return open_run(demo_folder / "toy")


@pytest.fixture(scope="session")
def trained_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of demo runs that holds the toy, trained from two initialisations and projected."""
    folder = tmp_path_factory.mktemp("trained")
    train_toy(write_toy_run(folder / "toy"))
    return folder


@pytest.fixture
def trained_toy(trained_folder: Path, monkeypatch: pytest.MonkeyPatch, empty_caches: None) -> RunFolder:
    """Return the trained toy, which is the demo of this test."""
    del empty_caches  # it comes first, and names another demo
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(trained_folder))
    return open_run(trained_folder / "toy")


@pytest.fixture(autouse=True)
def empty_caches(demo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Show the toy as the demo; caches of Streamlit outlive a test otherwise."""
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(demo_folder))
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def open_app() -> Callable[..., Any]:
    """Return a function that opens the app at a page, as a fresh user, and fails on any exception."""

    def go(page: str = "start", *, user: AppTest | None = None, **parameters: object) -> AppTest:
        at = user or AppTest.from_file(str(ROOT / "focus_ui" / "main.py"), default_timeout=60)
        for name, value in parameters.items():
            at.query_params[name] = str(value)
        if user is None:
            at.run()
        if page != "start" or user is not None:
            at.switch_page(PAGES[page]).run()
        assert not at.exception, [e.message for e in at.exception]
        # `app.py` itself, or a page's script alone, gives an empty screen and no exception
        assert at.sidebar.children, "the sidebar is not drawn"
        assert at.title or at.get("heading"), "the page has no title"
        return at

    return go


def texts(at: AppTest) -> str:
    """Return every text that a page draws, one a line."""
    kinds = (
        "title",
        "header",
        "subheader",
        "markdown",
        "caption",
        "warning",
        "error",
        "info",
        "success",
        "code",
        "text",
    )
    return "\n".join(str(e.value) for kind in kinds for e in at.get(kind))


def links(at: AppTest) -> list[Any]:
    """Return the page links of a page."""
    return [e.proto for e in at.get("page_link")]


def param(at: AppTest, name: str) -> str | None:
    """Return a parameter of the page's address; AppTest holds a list or a string."""
    value = at.query_params.get(name)
    return value[-1] if isinstance(value, list) else value
