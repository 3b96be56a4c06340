"""What was copied computes as before: a text of copied tokens gives the same logits in source and result.

Held before vectors are made, on a result whose other entries are empty, and again at the export, on the folder that
was written. A difference is an error; too few copied tokens, or a model that cannot be run here, is "not proven".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core.errors import ModelError, bad_input, phrase
from focus_core.models.architectures import architecture_config, load_config, refusing
from focus_core.models.source import SourceModel
from focus_core.surgery.config import IdMap
from focus_core.surgery.exceptions import ENDS_WITH_HIGHEST_ID, LEGACY_END
from focus_core.surgery.layerwise import load_for_proof
from focus_core.surgery.parts import ModelParts, known_layout, model_parts
from focus_core.surgery.positions import folder_of, longest_text
from focus_core.surgery.probe import (
    LENGTHS,
    MOST_LENGTH,
    MOST_SCORES,
    TOLERANCE,
    UNLIMITED,
    WORK,
    Line,
    differences,
    probe_lines,
    run_probe,
    takes_mask,
)

if TYPE_CHECKING:
    import torch

RIGHT, NOT_PROVEN = "right", "not proven"
ENOUGH = 20
"""Copied tokens that a proof needs."""

MOST_TOKENS = 512
"""Copied tokens that are looked at; of more, some at equal distances."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Whether copied tokens compute as before.

    Parameters
    ----------
    verdict : str
        ``right`` or ``not proven``; a difference raises instead.
    n_tokens : int
        How many copied tokens the texts were made of.
    length : int
        Tokens of the longest text.
    outputs : tuple of str
        What was compared.
    reason : str, default=""
        Why it is not proven.
    """

    verdict: str
    n_tokens: int
    length: int = 0
    outputs: tuple[str, ...] = ()
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the proof as a manifest holds it."""
        told: dict[str, Any] = {"verdict": self.verdict, "n_tokens": self.n_tokens, "length": self.length}
        told |= {"outputs": list(self.outputs)} if self.outputs else {}
        return told | ({"reason": self.reason} if self.reason else {})


def cut_proof(proof: Proof, rank: int | None) -> Proof:
    """Return what a proof says of a result whose embeddings are cut to a rank.

    Parameters
    ----------
    proof : Proof
        Of the same result with the embeddings as they are.
    rank : int or None
        The rank.

    Returns
    -------
    Proof
        ``not proven``: copied tokens are near to what they were, so they compute otherwise.
    """
    reason = f"their embeddings are cut to rank {rank}; whole ones were {proof.verdict}"
    return dataclasses.replace(proof, verdict=NOT_PROVEN, outputs=(), reason=reason)


def proof_words(proof: Mapping[str, Any]) -> str:
    """Say what was proven, or why nothing was.

    Parameters
    ----------
    proof : mapping
        As `Proof.to_dict` returns it, and a manifest holds it under ``notes.proof``.

    Returns
    -------
    str
        A few words.

    Examples
    --------
    >>> proof_words({"verdict": "right", "n_tokens": 512, "length": 128, "outputs": ["logits"]})
    'a text of 512 copied tokens gives the same logits in source and result (lines of up to 128 tokens)'
    >>> proof_words({"verdict": "not proven", "n_tokens": 0, "reason": "no ordinary token is copied"})
    'not proven that copied tokens compute as in the source: no ordinary token is copied'
    """
    if proof["verdict"] != RIGHT:
        return f"not proven that copied tokens compute as in the source: {proof.get('reason', '')}"
    named = " and ".join(name.replace("_", " ") for name in proof["outputs"])
    text = f"a text of {proof['n_tokens']:,} copied tokens gives the same {named} in source and result"
    return f"{text} (lines of up to {proof['length']:,} tokens)"


@dataclass(frozen=True, kw_only=True, eq=False)
class Copies:
    """Which tokens a result copies.

    Parameters
    ----------
    target_ids, source_ids : ndarray of shape (n,), dtype int64
        Copied ordinary tokens in either vocabulary, pairwise.
    ids : IdMap
        Where all ids of the source's configuration go.
    """

    target_ids: np.ndarray
    source_ids: np.ndarray
    ids: IdMap

    def sample(self) -> Copies:
        """Return at most ``MOST_TOKENS`` of them, at equal distances."""
        n = len(self.target_ids)
        kept = np.unique(np.linspace(0, n - 1, min(n, MOST_TOKENS)).astype(int)) if n else np.zeros(0, int)
        return Copies(target_ids=self.target_ids[kept], source_ids=self.source_ids[kept], ids=self.ids)


def extended_copies(copies: Copies, n_source: int) -> Copies:
    """Return the copies of an extension, which keeps every id of the source and appends at least one.

    Parameters
    ----------
    copies : Copies
        Of a replacement by the same target.
    n_source : int
        Ids of the source vocabulary.

    Returns
    -------
    Copies
        Every source id is itself.
    """
    ordinary = np.setdiff1d(np.arange(n_source), list(copies.ids.source_special_types.values()))
    kept = {i: i for i in range(n_source)}
    specials = {**copies.ids.target_special_types, **copies.ids.source_special_types}
    ids = dataclasses.replace(
        copies.ids,
        n_target=n_source + 1,
        copied=kept,
        target_special_types={role: i for role, i in specials.items() if role in copies.ids.source_special_types},
        extended=True,
    )
    return Copies(target_ids=ordinary, source_ids=ordinary, ids=ids)


def empty_result(model: SourceModel, copies: Copies) -> ModelParts:
    """Return a result that holds the copied tokens alone; all others are zeros that take no memory.

    Parameters
    ----------
    model : SourceModel
        The source.
    copies : Copies
        Which tokens it copies.

    Returns
    -------
    ModelParts
        What `model_parts` makes of it.

    Raises
    ------
    ModelError
        As `model_parts`.
    """
    known = dict(copies.ids.copied)
    wanted = {*zip(copies.target_ids.tolist(), copies.source_ids.tolist(), strict=True), *_specials(known, copies.ids)}
    rows = np.array(sorted(wanted), np.int64).reshape(-1, 2)
    arrays = {
        name: _filled(tensor, model.axis_of(name), rows, copies.ids.n_target) for name, tensor in model.tensors.items()
    }
    return model_parts(model, arrays, copies.ids)


def _specials(known: Mapping[int, int], ids: IdMap) -> set[tuple[int, int]]:
    """Return (target, source) of the special tokens that are copied."""
    return {(known[i], i) for i in ids.source_special_types.values() if i in known}


def _filled(matrix: torch.Tensor, axis: int, rows: np.ndarray, n: int) -> torch.Tensor:
    """Return zeros with the copied entries of a tensor in their new places."""
    import torch

    shape = list(matrix.shape)
    shape[axis] = n
    made = torch.zeros(shape, dtype=matrix.dtype)
    within = rows[rows[:, 1] < matrix.shape[axis]]
    places, sources = torch.from_numpy(within[:, 0].copy()), torch.from_numpy(within[:, 1].copy())
    made.index_copy_(axis, places, matrix.index_select(axis, sources))
    return made


def prove(model: SourceModel, copies: Copies, *, folder: Path | None = None) -> Proof:
    """Compare source and result on texts of copied tokens.

    Parameters
    ----------
    model : SourceModel
        The source, with one entry an id.
    copies : Copies
        Which tokens the result copies.
    folder : Path, default=None
        A model folder that was written; ``None`` builds a result of the copied tokens alone.

    Returns
    -------
    Proof
        ``not proven`` with fewer than ``ENOUGH`` copied tokens, or where the source itself cannot be run here.

    Raises
    ------
    ModelError
        If source and result differ, or the result does not load or run though the source does.
    """
    parts = empty_result(model, copies) if folder is None else None  # refuses what no text can make right
    sample = copies.sample()
    n = len(sample.target_ids)
    if not n or model.layout is None:
        return Proof(verdict=NOT_PROVEN, n_tokens=0, reason="no ordinary token is copied")
    source, result = _sides(model, sample, parts, folder)
    tried = _run_source(model, source, result, copies, n)  # one model at a time is in memory
    if isinstance(tried, str):
        return Proof(verdict=NOT_PROVEN, n_tokens=n, reason=tried)
    lines, before = tried
    loaded = load_for_proof(model, parts=parts, folder=folder)
    with refusing(f"the result for {model.name} ({model.model_type})", "a model that runs on what its source reads"):
        after = [result.run(loaded, line) for line in lines]
    return _judge(model, n, max(line.places.shape[1] for line in lines), before, after)


def _sides(model: SourceModel, sample: Copies, parts: ModelParts | None, folder: Path | None) -> tuple[_Side, _Side]:
    """Describe how source and result call the tokens, from their configurations."""
    place = folder_of(model)
    before = load_config(place)
    after = architecture_config(place, parts.config) if parts else load_config(folder or place)
    layout = known_layout(model)
    end = model.n_rows - 1 if _ends_with_highest(before) else _one_id(before, "eos")
    source = _Side(
        table=sample.source_ids, n_rows=layout.tensors[layout.input].n_rows, end=end, pad=_one_id(before, "pad")
    )
    result = _Side(
        table=sample.target_ids, n_rows=sample.ids.n_target, end=_one_id(after, "eos"), pad=_one_id(after, "pad")
    )
    return source, result


def _ends_with_highest(config: Any) -> bool:
    """Whether a text ends with the highest id, whatever the configuration names."""
    return config.model_type in ENDS_WITH_HIGHEST_ID and _one_id(config, "eos") == LEGACY_END


def _one_id(config: Any, role: str) -> int | None:
    """Return the id of a special token, or the first of several."""
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    value = getattr(text, f"{role}_token_id", None)
    first = value[0] if isinstance(value, list | tuple) and value else value
    return first if isinstance(first, int) else None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Side:
    """One of the two models, and how the tokens are called there: ordinary ones, then the end of a text."""

    table: np.ndarray
    n_rows: int
    end: int | None
    pad: int | None

    def run(self, model: Any, line: Line) -> dict[str, torch.Tensor]:
        """Return what a model makes of a line."""
        table = self.table if self.end is None else np.append(self.table, self.end)
        ids = line.ids(table, 0 if self.pad is None else self.pad)
        return run_probe(model, ids, line.mask, n_rows=self.n_rows, columns=self.table)


def _run_source(
    model: SourceModel, source: _Side, result: _Side, copies: Copies, n: int
) -> tuple[tuple[Line, ...], list[dict[str, torch.Tensor]]] | str:
    """Return lines that the source reads and what it makes of them, or why it reads none."""
    why, loaded = "", load_for_proof(model)
    longest = _longest(model, loaded)
    # some classes read a few tokens less than their configuration says
    for length in dict.fromkeys((longest, longest - 1, longest - 2, longest - 4, longest // 2, LENGTHS[-1])):
        lines = _lines(source, result, copies, n, max(length, 1), masked=takes_mask(loaded))
        try:
            with refusing(model.name, "a source that runs on a text"):
                return lines, [source.run(loaded, line) for line in lines]
        except ModelError as reason:
            raised = str(reason.message).rpartition(", got ")[2]
            why = why or f"the source itself does not run on a text ({raised})"
    return why


def _lines(source: _Side, result: _Side, copies: Copies, n: int, longest: int, *, masked: bool) -> tuple[Line, ...]:
    """Choose lines that both sides can read: closed and padded where those tokens are copied too."""
    known = copies.ids.copied if not copies.ids.extended else None

    def same(before: int | None, after: int | None) -> bool:
        if before is None or after is None or before < 0 or after < 0:
            return False
        return before == after if known is None else known.get(before) == after

    ends = same(source.end, result.end)
    return probe_lines(n + ends, longest, ends=ends, padded=masked and same(source.pad, result.pad))


def _longest(model: SourceModel, loaded: Any) -> int:
    """Return the tokens of the long line: all that the source reads, within what can be computed here."""
    limit = longest_text(loaded.config, model.positions)
    if limit is None or limit > MOST_LENGTH:
        limit = UNLIMITED
    affordable = int(WORK / max(sum(p.numel() for p in loaded.parameters()), 1))
    affordable = min(affordable, MOST_SCORES // max(model.n_rows, 1))
    return max(1, min(limit, max(affordable, LENGTHS[-1])))


def _judge(
    model: SourceModel, n: int, length: int, before: list[dict[str, torch.Tensor]], after: list[dict[str, torch.Tensor]]
) -> Proof:
    """Compare the outputs; a difference is an error."""
    outputs: set[str] = set()
    for old, new in zip(before, after, strict=True):
        for name, gap, largest in differences(old, new):
            if not gap <= TOLERANCE * largest:
                raise _differs(model, name, gap, largest)
            outputs.add(name)
    told: dict[str, Any] = {"n_tokens": n, "length": length, "outputs": tuple(sorted(outputs))}
    if n < ENOUGH or not outputs:
        why = f"{n} copied tokens are too few" if outputs else "the model has no outputs to compare"
        return Proof(verdict=NOT_PROVEN, reason=why, **told)
    return Proof(verdict=RIGHT, **told)


def _differs(model: SourceModel, name: str, gap: float, largest: float) -> ModelError:
    return bad_input(
        f"the result for {model.name} ({model.model_type})",
        expected=f"the source's own {name} for a text of copied tokens",
        got=f"a difference of {gap:.3g} where the largest value is {largest:.3g}",
        remedy=phrase(
            "this architecture cannot be given a new vocabulary here; give {source_tokenizer} and "
            "{source_embeddings} for its embeddings alone"
        ),
        error=ModelError,
    )
