"""The run that every check starts from: a sound one, which each test then spoils in one way."""

from __future__ import annotations

import pytest

from focus_core.runs.folder import RunFolder
from tests.toy_run import write_toy_run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return write_toy_run(tmp_path_factory.mktemp("checks") / "toy")
