"""A comparison that is done, and what was measured in one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from focus_core.artifacts import read_array
from focus_core.errors import RunFolderError, bad_input
from focus_core.experiments.layout import KIND, SCHEMA_VERSION, SOURCE, Layout, piece_name, read_json
from focus_core.experiments.lines import HELD_OUT, read_lines
from focus_core.runs.folder import RunFolder, open_run

REMEDY = "give the folder that `compare` wrote"


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """Everything that was measured in a comparison, before anything is concluded from it.

    Parameters
    ----------
    manifest : dict
        What was asked for, and of what.
    methods : tuple of str
        The methods that ran, in the registry's order.
    seeds : tuple of int
        Their seeds.
    lines : tuple of str
        The lines that were measured.
    start, probe : ndarray of shape (n_methods, n_seeds, n_lines), dtype float64
        Bits of every line right after initialisation, and after the probe.
    source, unigram : ndarray of shape (n_seeds, n_lines), dtype float64
        Bits under the source model with its own tokenizer, and under the characters' own frequencies.
    characters, words : ndarray of shape (n_seeds, n_lines), dtype int64
        What these bits stand for; the same for all.
    facts : mapping of str to tuple of dict
        What else each method's pieces found out, a seed each: ``learning_rate``, ``rates``, ``tokens``, ``curve``,
        ``counts``, ``config``, ``retrieval``, ``notes``.
    source_facts : dict
        ``objective``, under ``source`` and ``target`` how each tokenizer splits the lines, and under ``predicted`` how
        much the source predicted and how much of it is unknown to its tokenizer.
    """

    manifest: dict[str, Any]
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    lines: tuple[str, ...]
    start: np.ndarray
    probe: np.ndarray
    source: np.ndarray
    unigram: np.ndarray
    characters: np.ndarray
    words: np.ndarray
    facts: Mapping[str, tuple[dict[str, Any], ...]]
    source_facts: dict[str, Any]


def read_measured(layout: Layout) -> Measured:
    """Return everything that was measured in a comparison whose pieces are all done.

    Parameters
    ----------
    layout : Layout
        The folder.

    Returns
    -------
    Measured
        Arrays and facts.

    Raises
    ------
    RunFolderError
        If two pieces measured other characters: they come from different lines.
    """
    manifest = read_json(layout.manifest)
    methods, seeds = tuple(manifest["methods"]), tuple(range(1, manifest["request"]["seeds"] + 1))
    own = {name: read_array(layout.arrays(SOURCE), name) for name in ("bits", "unigram_bits", "characters", "words")}
    found: dict[str, list[list[np.ndarray]]] = {"start_bits": [], "probe_bits": []}
    for method in methods:
        for row in found.values():
            row.append([])
        for place, seed in enumerate(seeds):
            path = layout.arrays(piece_name(method, seed))
            if not np.array_equal(read_array(path, "characters"), own["characters"][place]):
                subject, got = f"piece {piece_name(method, seed)}", "other characters than the source"
                raise bad_input(subject, "the same lines and words", got, "compare anew", RunFolderError)
            for name, rows in found.items():
                rows[-1].append(read_array(path, name))
    facts = {m: tuple(read_json(layout.facts(piece_name(m, seed))) for seed in seeds) for m in methods}
    return Measured(
        manifest=manifest,
        methods=methods,
        seeds=seeds,
        lines=tuple(read_lines(layout.text / HELD_OUT)),
        start=np.array(found["start_bits"]),
        probe=np.array(found["probe_bits"]),
        source=np.array(own["bits"]),
        unigram=np.array(own["unigram_bits"]),
        characters=np.array(own["characters"]),
        words=np.array(own["words"]),
        facts=facts,
        source_facts=read_json(layout.facts(SOURCE)),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """A finished comparison.

    Parameters
    ----------
    path : Path
        Its folder.
    manifest : dict
        What was asked for, and of what.
    table : dict
        Everything that is shown.
    """

    path: Path
    manifest: dict[str, Any]
    table: dict[str, Any]

    @property
    def layout(self) -> Layout:
        """Where its parts lie."""
        return Layout(root=self.path)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that ran."""
        return tuple(self.manifest["methods"])

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of each."""
        return tuple(range(1, int(self.manifest["request"]["seeds"]) + 1))

    def run(self, method: str, seed: int) -> RunFolder:
        """Open the run of a method and a seed."""
        return open_run(self.layout.run(piece_name(method, seed)))

    def markdown(self) -> str:
        """Return the table as Markdown."""
        return (self.path / "table.md").read_text(encoding="utf-8").rstrip("\n")

    def costs(self) -> dict[str, Any]:
        """Return ``seconds`` and ``peak_mib`` of every piece; of what was made elsewhere, nothing."""
        return dict(read_json(self.layout.costs)) if self.layout.costs.is_file() else {}


def open_comparison(path: str | Path) -> Comparison:
    """Open a finished comparison.

    Parameters
    ----------
    path : str or Path
        The folder.

    Returns
    -------
    Comparison
        Its manifest and its table read, everything else on demand.

    Raises
    ------
    RunFolderError
        If there is none, or it is of another version.
    """
    folder = Path(path)
    layout, subject = Layout(root=folder), f"comparison {folder.name}"
    if folder.name.endswith(".part"):
        remedy = "wait for it, or call `compare` again with the same request"
        raise bad_input(subject, "a finished comparison", "an unfinished one", remedy, RunFolderError)
    try:
        manifest, table = read_json(layout.manifest), read_json(layout.table)
    except (OSError, ValueError) as reason:
        raise bad_input(subject, "a finished comparison", "none", REMEDY, RunFolderError) from reason
    for found in (manifest, table):
        kind = (found.get("kind"), found.get("schema_version")) if isinstance(found, dict) else None
        if kind != (KIND, SCHEMA_VERSION):
            raise bad_input(subject, f"a {KIND} of version {SCHEMA_VERSION}", str(kind), REMEDY, RunFolderError)
    return Comparison(path=folder, manifest=manifest, table=table)


def is_comparison(path: Path) -> bool:
    """Tell whether a folder is a finished comparison, without a word about what is wrong with it."""
    try:
        open_comparison(path)
    except RunFolderError:
        return False
    return True
