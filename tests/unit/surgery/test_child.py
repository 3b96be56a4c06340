"""The proof in a process of its own says what the proof in place says, ends with its caller, and survives its death."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import transformers as hf

from focus_core.errors import CancelledError, ModelError
from focus_core.surgery import child
from focus_core.surgery.child import answer_of, prove_apart
from focus_core.surgery.proof import NOT_PROVEN, RIGHT, prove
from tests.moved_ids import PAIR, SMALL, moved


def test_another_process_gives_the_same_proof(tmp_path: Path) -> None:
    model, copies = moved(tmp_path / "model", hf.BartForConditionalGeneration, hf.BartConfig(**PAIR))
    there = prove_apart(model, copies, small_bytes=0)
    assert there == prove(model, copies)
    assert there.verdict == RIGHT


def test_a_refusal_comes_back_as_one(tmp_path: Path) -> None:
    """Asked in place, since the process is the same as above: what is raised there is an error here."""
    model, copies = moved(tmp_path / "model", hf.MPNetForMaskedLM, hf.MPNetConfig(**SMALL))
    told = answer_of(child._request(model, copies, None))
    with pytest.raises(ModelError, match="expected id 1, which is written into its class, got id 3"):
        raise ModelError.from_dict(told["error"])


def test_a_cancelled_caller_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, copies = moved(tmp_path / "model", hf.BertForMaskedLM, hf.BertConfig(**SMALL))
    monkeypatch.setattr(child, "POLL", 0.01)

    def cancelled() -> None:
        raise CancelledError("cancelled")

    with pytest.raises(CancelledError):
        prove_apart(model, copies, poll=cancelled, small_bytes=0)


def test_a_process_that_was_killed_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the system does when memory ends."""
    model, copies = moved(tmp_path / "model", hf.BertForMaskedLM, hf.BertConfig(**SMALL))

    def start(*_: object, **options: object) -> object:
        del options
        return original(["/bin/sh", "-c", f"kill -{int(signal.SIGKILL)} $$"], env=dict(os.environ))

    original = child.subprocess.Popen
    monkeypatch.setattr(child.subprocess, "Popen", start)
    proof = prove_apart(model, copies, small_bytes=0)
    assert proof.verdict == NOT_PROVEN
    assert "status -9" in proof.reason
