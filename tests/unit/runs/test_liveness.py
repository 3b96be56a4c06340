"""Life and death of a process that a record names: by number and beginning, in every form that was ever written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from focus_core.runs.liveness import process_lives, process_started
from focus_core.runs.log import writer_lives


def test_a_beginning_is_the_clock_ticks_that_older_records_hold():
    stat = Path("/proc/self/stat")
    if not stat.exists():
        pytest.skip("a system without /proc")
    assert process_started(os.getpid()) == int(stat.read_text().rpartition(")")[2].split()[19])


def test_a_process_lives_until_it_ends_even_unburied():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = process_started(child.pid)
    assert process_lives(child.pid, started)
    assert not process_lives(child.pid, started - 1000), "a later process of the same number"
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
    assert not process_lives(child.pid, started)
    child.wait()
    assert not process_lives(child.pid, started)
    assert process_started(child.pid) == 0


def test_setting_the_clock_changes_no_beginning(monkeypatch):
    started, began = process_started(os.getpid()), psutil.boot_time()
    for module in (psutil, psutil._psplatform):
        monkeypatch.setattr(module, "boot_time", lambda: began + 7200)
    assert process_started(os.getpid()) == started


def test_a_process_that_cannot_be_looked_at_lives(monkeypatch):
    def deny(*_):
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "status", deny)
    assert process_lives(os.getpid(), 1)


@pytest.mark.parametrize(
    ("pid", "started", "lives"),
    [
        (os.getpid(), process_started(os.getpid()), True),
        (os.getpid(), str(process_started(os.getpid())), True),  # as it was written until now
        (os.getpid(), "unknown", True),
        (os.getpid(), str(process_started(os.getpid()) + 5000), False),
        (os.getpid(), None, False),
        (os.getpid(), "odd", False),
        (-1, "unknown", False),
        (2**40, "unknown", False),
    ],
    ids=["as now", "as text", "unknown", "another's number", "none", "odd", "no number", "nobody's number"],
)
def test_every_form_of_a_record_is_understood(tmp_path, pid, started, lives):
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "process.json").write_text(json.dumps({"pid": pid, "started": started}))
    assert writer_lives(tmp_path) is lives
