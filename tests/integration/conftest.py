"""What tests of the command line share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from focus_core.cli import main as cli


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that must be refused: status 2, one line, nothing on standard output."""

    def run_refused(arguments: list[str], *words: str) -> str:
        capsys.readouterr()
        assert cli.run(arguments) == 2
        streams = capsys.readouterr()
        complaint = streams.err.strip().splitlines()[-1]
        assert not streams.out
        assert "Traceback" not in streams.err
        for word in words:
            assert word in complaint, complaint
        return complaint

    return run_refused
