"""Real processes in the place of pieces: what they cost, what they said, and that none outlives the comparison."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from focus_core.artifacts import write_arrays
from focus_core.errors import FocusError
from focus_core.experiments import children
from focus_core.experiments.children import Piece, Process, own_cost, piece_progress, run_pieces
from focus_core.experiments.layout import Layout, read_json, write_json


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    found = Layout(root=tmp_path)
    found.measured.mkdir()
    return found


def let_pieces_be(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(children, "COMMAND", (sys.executable, "-c", program))


def quiet(stage: str, done: float, total: float, note: str = "") -> None:
    """Listen to nothing."""


def test_a_piece_is_paid_for(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds 64 MiB for a moment, says a word, and moves its arrays to their place."""
    write_arrays(tmp_path / "arrays", {"bits": np.zeros(3)})
    program = "import sys, os; b = b'x' * (64 << 20); print('done', os.environ['OMP_NUM_THREADS']); "
    let_pieces_be(monkeypatch, program + f"os.replace({str(tmp_path / 'arrays')!r}, {str(layout.arrays('one'))!r})")
    run_pieces([Piece(name="one")], layout, jobs=1, threads=3, progress=quiet)
    cost = read_json(layout.costs)["one"]
    own = (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * children.KIB / 2**20
    )  # a child starts with what its parent had
    assert 64 < cost["peak_mib"] < max(1024, own + 64)
    assert 0 < cost["seconds"] < 60
    assert layout.words("one").read_text() == "done 3\n"


def test_the_last_words_of_a_piece_that_failed_are_told(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    let_pieces_be(monkeypatch, "import sys; print('no space left', file=sys.stderr); sys.exit(1)")
    with pytest.raises(FocusError, match="piece one: expected it to finish, got exit status 1 after 'no space left'"):
        run_pieces([Piece(name="one")], layout, jobs=1, threads=1, progress=quiet)


@pytest.mark.parametrize("deaf", [False, True])
def test_no_piece_outlives_what_cancels_it(layout: Layout, monkeypatch: pytest.MonkeyPatch, deaf: bool) -> None:
    """One that does not listen is killed."""
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN); " if deaf else ""
    let_pieces_be(monkeypatch, f"import signal, time; {ignore}print('here', flush=True); time.sleep(600)")
    monkeypatch.setattr(children, "GRACE_S", 0.3)
    started: list[Process] = []

    def start(layout: Layout, piece: str, threads: int) -> Process:
        started.append(Process(layout, piece, threads))
        return started[-1]

    def cancel(stage: str, done: float, total: float, note: str = "") -> None:
        if all(layout.words(name).is_file() and layout.words(name).read_text() for name in ("one", "two")):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_pieces([Piece(name="one"), Piece(name="two")], layout, jobs=2, threads=1, progress=cancel, start=start)
    assert len(started) == 2
    assert not any(psutil.pid_exists(one._process.pid) for one in started)


def test_a_piece_says_how_far_it_is(layout: Layout) -> None:
    tell = piece_progress(layout, "one")
    tell("train", 1, 4)
    tell("train", 2, 4)  # too soon after the other
    assert read_json(layout.progress("one")) == "train 25 %"
    assert own_cost()["peak_mib"] > 1
    write_json(layout.own_cost("one"), own_cost(since=0.0))
    assert read_json(layout.own_cost("one"))["seconds"] > 1e9
