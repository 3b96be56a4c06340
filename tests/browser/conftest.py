"""The app on a free port, one Chromium for all tests, one context a user."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from focus_core.runs.folder import RunFolder, open_run
from scripts.app_browser import Visitor, launch, serve, visit
from tests.tiny_models import tiny_model
from tests.tiny_runs import train_toy
from tests.toy_run import write_toy_run


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder: demo runs (the toy, plain and trained), one for runs, and a model that the operator offers."""
    folder = tmp_path_factory.mktemp("app")
    write_toy_run(folder / "demo" / "toy")
    train_toy(write_toy_run(folder / "demo" / "trained"))
    tiny_model("roberta", folder / "offered" / "tiny")
    return folder


@pytest.fixture(scope="session")
def toy(folder: Path) -> RunFolder:
    """Return the toy run."""
    return open_run(folder / "demo" / "toy")


@pytest.fixture(scope="session")
def environment(folder: Path) -> dict[str, str]:
    """Return the variables of the app's process."""
    return {
        "FOCUS_LAB_DEMO_RUNS": str(folder / "demo"),
        "FOCUS_LAB_RUNS": str(folder / "runs"),
        "FOCUS_LAB_PATHS": str(folder / "offered"),
        "FOCUS_LAB_CACHE": str(folder / "cache"),
        "PATH": os.environ["PATH"],
    }


@pytest.fixture(scope="session")
def address(folder: Path, environment: dict[str, str], chromium: str) -> Iterator[str]:
    """Return the address of a running app."""
    del chromium  # no browser, no server
    with serve(folder, environment) as address:
        yield address


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Any]:
    """Return a running Chromium."""
    with launch(chromium) as browser:
        yield browser


@pytest.fixture
def user(browser: Any, address: str) -> Iterator[Callable[..., Visitor]]:
    """Return a function that lets a new user come; at the end none may have met an error or left this machine."""
    visitors: list[Visitor] = []
    with ExitStack() as stack:

        def come(**options: Any) -> Visitor:
            visitors.append(stack.enter_context(visit(browser, options.pop("address", address), **options)))
            return visitors[-1]

        yield come
        for visitor in visitors:
            assert visitor.page.locator('[data-testid="stException"]').count() == 0
    assert [error for visitor in visitors for error in visitor.errors] == []


@pytest.fixture
def runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let this process write to the server's folder of runs, and return it."""
    monkeypatch.setenv("FOCUS_LAB_RUNS", str(folder / "runs"))
    return folder / "runs"
