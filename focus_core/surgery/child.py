"""The proof in a process of its own, so that a large model's memory, time and faults stay out of the caller's.

Owns the request that goes there and the answer that comes back, both JSON. A small model is proven in place: a process
of its own would take longer to start than the proof takes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from focus_core.artifacts import dump_json
from focus_core.errors import ModelError
from focus_core.models.source import SourceModel, fit_to_vocabulary, load_source
from focus_core.surgery.config import IdMap
from focus_core.surgery.proof import NOT_PROVEN, Copies, Proof, prove

SMALL_BYTES = 67_108_864
"""Size of the source's files up to which the proof runs in place."""

POLL = 0.5
"""Seconds between two looks at whether the work was cancelled."""


def prove_apart(
    model: SourceModel,
    copies: Copies,
    *,
    folder: Path | None = None,
    poll: Callable[[], None] | None = None,
    small_bytes: int = SMALL_BYTES,
) -> Proof:
    """Prove that copied tokens compute as before, as `prove`, a large model in a process of its own.

    Parameters
    ----------
    model : SourceModel
        The source, with one entry an id.
    copies : Copies
        Which tokens the result copies.
    folder : Path, default=None
        A model folder that was written; ``None`` builds a result of the copied tokens alone.
    poll : callable, default=None
        Called while the other process works; raising from it ends that process.
    small_bytes : int, default=67_108_864
        Size of the source's files up to which the proof runs in place.

    Returns
    -------
    Proof
        As `prove`; ``not proven`` where the process was ended from outside, as the system does when memory ends.

    Raises
    ------
    ModelError
        As `prove`.
    """
    if model.n_bytes <= small_bytes:
        return prove(model, copies, folder=folder)
    with tempfile.TemporaryDirectory(prefix="focus-lab-proof-") as place:
        request, answer = Path(place, "request.json"), Path(place, "answer.json")
        request.write_text(dump_json(_request(model, copies, folder)), encoding="utf-8")
        status = _run(request, answer, poll)
        told = json.loads(answer.read_text(encoding="utf-8")) if answer.is_file() else {}
    if "error" in told:
        raise ModelError.from_dict(told["error"])
    if "proof" not in told:
        reason = f"its process ended with status {status}; was there memory for the model?"
        return Proof(verdict=NOT_PROVEN, n_tokens=len(copies.sample().target_ids), reason=reason)
    fields = told["proof"]
    return Proof(**{**fields, "outputs": tuple(fields.get("outputs", ()))})


def _request(model: SourceModel, copies: Copies, folder: Path | None) -> dict[str, Any]:
    """Return what the other process needs, as JSON."""
    sample, ids = copies.sample(), copies.ids
    return {
        "source": str(model.folder),
        "n_ids": model.n_rows,
        "folder": None if folder is None else str(folder),
        "target_ids": sample.target_ids.tolist(),
        "source_ids": sample.source_ids.tolist(),
        "ids": {
            "n_rows": ids.n_rows,
            "n_target": ids.n_target,
            "copied": list(ids.copied.items()),
            "source_special_types": dict(ids.source_special_types),
            "target_special_types": dict(ids.target_special_types),
            "extended": ids.extended,
        },
    }


def _run(request: Path, answer: Path, poll: Callable[[], None] | None) -> int:
    """Run the other process to its end; end it when ``poll`` raises."""
    package = str(Path(__file__).resolve().parents[2])
    paths = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    child = subprocess.Popen(
        [sys.executable, "-m", "focus_core.surgery.child", str(request), str(answer)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    )
    try:
        while True:
            try:
                return child.wait(POLL)
            except subprocess.TimeoutExpired:
                if poll is not None:
                    poll()
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def answer_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to a request.

    Parameters
    ----------
    request : mapping
        What the calling process wrote.

    Returns
    -------
    dict
        ``proof`` as `Proof.to_dict`, or ``error`` as `FocusError.to_dict`.
    """
    fields = dict(request["ids"])
    fields["copied"] = dict(fields["copied"])
    copies = Copies(
        target_ids=np.array(request["target_ids"], np.int64),
        source_ids=np.array(request["source_ids"], np.int64),
        ids=IdMap(**fields),
    )
    folder = None if request["folder"] is None else Path(request["folder"])
    try:
        model = fit_to_vocabulary(load_source(request["source"]), request["n_ids"])
        return {"proof": prove(model, copies, folder=folder).to_dict()}
    except ModelError as error:
        return {"error": error.to_dict()}


def main(arguments: list[str]) -> int:
    """Answer the request in a file into another file."""
    request, answer = map(Path, arguments)
    told = answer_of(json.loads(request.read_text(encoding="utf-8")))
    answer.write_text(dump_json(told), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
