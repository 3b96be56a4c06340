"""The five steps of a run, from its log."""

import json

import pytest

from focus_core.jobs.steps import STEPS, Step, read_steps


def write_log(folder, events, timings=None, *, tail=""):
    (folder / "log").mkdir(parents=True)
    lines = [{"stage": s, "done": d, "total": t, "note": n, "time": at} for s, d, t, n, at in events]
    (folder / "log" / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + tail)
    if timings is not None:
        (folder / "log" / "timings.json").write_text(json.dumps(timings))
    return folder


EVENTS = [
    ("read", 0, 1, "", 100.0),
    ("train tokenizer", 1, 4, "reading", 101.0),
    ("train tokenizer", 4, 4, "", 103.0),
    ("read", 1, 1, "", 103.5),
    ("match", 0, 1, "", 104.0),
    ("tokenise", 0, 9, "", 104.5),
    ("count", 9, 9, "", 106.0),
    ("train vectors", 1, 4, "epoch 2 of 4", 108.0),
]


def test_a_growing_run_is_timed_by_the_changes_of_stage(tmp_path):
    steps = {s.step: s for s in read_steps(write_log(tmp_path, EVENTS, tail='{"stage": "comb'), now=110.0)}
    assert [s.step for s in read_steps(tmp_path)] == list(STEPS)
    seconds = {step: found.seconds for step, found in steps.items()}
    assert seconds == {Step.TOKENIZERS: 4.0, Step.CORPUS: 3.5, Step.VECTORS: 2.0, Step.OVERLAP: 0.5, Step.ROWS: None}
    assert [s for s, found in steps.items() if found.current] == [Step.VECTORS]
    assert steps[Step.VECTORS].fraction == 0.25
    assert steps[Step.VECTORS].note == "epoch 2 of 4"


def test_a_finished_run_is_timed_by_its_own_account(tmp_path):
    timings = {"read": 3.0, "train tokenizer": 1.0, "match": 0.5, "similarities": 0.25, "write": 1.0}
    steps = read_steps(write_log(tmp_path, EVENTS, timings))
    assert [s.seconds for s in steps] == [4.0, None, None, 0.5, 1.25]
    assert not any(s.current for s in steps)


def test_every_line_of_the_log_belongs_to_a_step(tmp_path):
    log = "read 100 % \nmatch 100 % \ntrain vectors 40 % epoch 2\nTraceback\nwrite 100 % "
    found = {s.step: s.log for s in read_steps(tmp_path, log=log)}
    assert found[Step.TOKENIZERS] == ("read 100 % ",)
    assert found[Step.OVERLAP] == ("match 100 % ",)
    assert found[Step.VECTORS] == ("train vectors 40 % epoch 2", "Traceback")
    assert found[Step.ROWS] == ("write 100 % ",)


@pytest.mark.parametrize(
    "content", [None, "", "{", "[]\n", '{"stage": 1}\n', "\x00\xff\n", '{"time": "x", "stage": 3}\n']
)
def test_a_log_that_is_missing_or_damaged_says_nothing(tmp_path, content):
    if content is not None:
        (tmp_path / "log").mkdir()
        (tmp_path / "log" / "events.jsonl").write_text(content, encoding="utf-8")
        (tmp_path / "log" / "timings.json").write_text("[", encoding="utf-8")
    steps = read_steps(tmp_path, now=5.0)
    assert [(s.seconds, s.current, s.fraction) for s in steps] == [(None, False, None)] * 5
