"""The folder of a comparison: what lies where, in one that grows and in one that is done."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from focus_core.artifacts import atomic_write_bytes, dump_json

SCHEMA_VERSION = 1
KIND = "comparison"
CHECKPOINT = "unfinished.json"
"""What makes a growing comparison worth keeping: the request that it answers."""
SOURCE = "source"
"""The piece that measures the source model under its own tokenizer."""
PROBE = "probe"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the parts of a comparison lie.

    Parameters
    ----------
    root : Path
        The folder, growing or done.
    """

    root: Path

    @property
    def manifest(self) -> Path:
        """What was asked for, and of what."""
        return self.root / "manifest.json"

    @property
    def table(self) -> Path:
        """Everything that is shown."""
        return self.root / "table.json"

    @property
    def text(self) -> Path:
        """Lines to fit on and lines to measure on."""
        return self.root / "text"

    @property
    def measured(self) -> Path:
        """What every line cost, a file a piece."""
        return self.root / "measured"

    @property
    def log(self) -> Path:
        """Times and paths."""
        return self.root / "log"

    @property
    def request(self) -> Path:
        """The request with its paths."""
        return self.log / "request.json"

    @property
    def costs(self) -> Path:
        """Seconds and peak memory of every piece."""
        return self.log / "costs.json"

    def run(self, piece: str) -> Path:
        """Return the run folder of a piece."""
        return self.root / "runs" / piece

    def arrays(self, piece: str) -> Path:
        """Return the arrays of a piece; they are written last, so that a piece with arrays is done."""
        return self.measured / f"{piece}.safetensors"

    def facts(self, piece: str) -> Path:
        """Return what else a piece found out."""
        return self.measured / f"{piece}.json"

    def progress(self, piece: str) -> Path:
        """Return where a running piece says how far it is."""
        return self.log / "pieces" / f"{piece}.json"

    def words(self, piece: str) -> Path:
        """Return where a piece's own words go."""
        return self.log / "pieces" / f"{piece}.txt"

    def own_cost(self, piece: str) -> Path:
        """Return where a piece says what it took so far, for the case that nobody is left to wait for it."""
        return self.log / "pieces" / f"{piece}-cost.json"

    def error(self, piece: str) -> Path:
        """Return where a piece writes down the error that ends it."""
        return self.log / "pieces" / f"{piece}-error.json"

    def kept(self, piece: str) -> Path:
        """Return where a piece keeps the probes among which it chooses."""
        return self.root / "probes" / piece


def piece_name(method: str, seed: int) -> str:
    """Return the name of a piece, which is that of its run folder."""
    return f"{method}-{seed}"


def write_json(path: Path, value: Any) -> None:
    """Write one JSON file whole or not at all, with the folder around it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write_bytes(path, (dump_json(value) + "\n").encode())


def read_json(path: Path) -> Any:
    """Return what one JSON file holds."""
    return json.loads(path.read_text(encoding="utf-8"))
