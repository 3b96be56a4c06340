"""Writing a run folder: equal results give equal bytes.

Times and paths belong to ``log/``, which is not written here.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from focus_core import __version__
from focus_core.artifacts import dump_json, write_arrays, write_parquet
from focus_core.initialization.auxiliary.vectors import AuxiliaryVectors
from focus_core.initialization.result import FocusResult
from focus_core.initialization.weights import WeightMatrix
from focus_core.runs import layout
from focus_core.runs.digests import seal
from focus_core.runs.layout import COLUMNS
from focus_core.tokenization.vocabulary import Vocabulary, save_tokenizer_folder
from focus_core.types import KINDS, ORIGINS, RULES

if TYPE_CHECKING:
    import pyarrow as pa

LIBRARIES = (
    "entmax", "fasttext", "numpy", "pyarrow", "safetensors", "scipy", "sentencepiece", "tokenizers", "torch",
    "transformers",
)  # fmt: skip
"""What may change a result from version to version."""

ROW_BLOCK = 4096


def write_run(result: FocusResult, part: Path) -> None:
    """Write every file of a run into a folder that is still growing; the manifest comes last.

    Parameters
    ----------
    result : FocusResult
        What to write.
    part : Path
        An existing folder without these files, to be renamed by the caller when this returns.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written; the caller removes it.
    """
    _write_table(part, "contributions", _contributions(result.weights))
    if result.output_weights is not None:
        _write_table(part, "contributions_output", _contributions(result.output_weights))
    _write_table(part, "tokens", _tokens(result))
    _write_table(part, "source_tokens", _source_tokens(result))
    _write_table(part, "candidates", _candidates(result))
    if result.examples is not None:
        _write_table(part, "examples", _examples(result.examples))
    write_arrays(part / layout.EMBEDDINGS, {**result.embeddings, **result.extra_tensors})
    if result.auxiliary is not None:
        write_arrays(part / layout.AUXILIARY, {"vectors": result.auxiliary.vectors})
    write_arrays(part / layout.STATISTICS, result.statistics)
    save_tokenizer_folder(result.source, part / layout.SOURCE_TOKENIZER)
    save_tokenizer_folder(result.target, part / layout.TARGET_TOKENIZER, source=result.source)
    write_manifest(part, _manifest(result))


def write_manifest(part: Path, manifest: Mapping[str, Any], *, without: Collection[str] = ()) -> None:
    """Write the manifest of a run, training or projection with the digests of its files, last of all.

    Parameters
    ----------
    part : Path
        The folder, which holds every other file.
    manifest : mapping
        What it says; `plain` makes JSON of it.
    without : collection of str, default=()
        Names of files that will be gone when the folder is finished.
    """
    text = dump_json(seal(plain(manifest), part, without=without)) + "\n"
    (part / layout.MANIFEST).write_text(text, encoding="utf-8", newline="\n")


# --- tables -----------------------------------------------------------------------------------------------------


def _write_table(part: Path, name: str, columns: Mapping[str, Any]) -> None:
    """Write one table with its columns in their order."""
    import pyarrow as pa

    arrays = {key: _strings(value) if isinstance(value, list) else value for key, value in columns.items()}
    names = [*COLUMNS[name], *(key for key in (*layout.SCALES, layout.RESIDUAL) if key in arrays)]
    write_parquet(part / f"{name}.parquet", pa.table({key: arrays[key] for key in names}))


def _strings(values: list[str | None]) -> pa.Array:
    r"""Return text for Arrow, which refuses lone surrogates: they become ``\ud800`` and the like."""
    import pyarrow as pa

    try:
        return pa.array(values, type=pa.string())
    except UnicodeEncodeError:
        return pa.array([v if v is None else _without_surrogates(v) for v in values], type=pa.string())


def _without_surrogates(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _optional(values: np.ndarray, missing: np.ndarray, kind: str) -> pa.Array:
    """Return numbers with null where ``missing``."""
    import pyarrow as pa

    return pa.array(values, mask=missing, type=getattr(pa, kind)())


def _counts(frequency: np.ndarray | None, n_rows: int) -> pa.Array:
    """Return occurrences as int64, null throughout where there was no corpus."""
    unknown = frequency is None
    values = np.zeros(n_rows, dtype=np.int64) if frequency is None else frequency.astype(np.int64)
    return _optional(values, np.full(n_rows, unknown), "int64")


def _names(codes: np.ndarray, names: Sequence[str], present: np.ndarray) -> list[str | None]:
    """Return the names of some codes; ``None`` at ids that hold no token."""
    known = [str(name) for name in names]
    return [known[c] if here else None for c, here in zip(codes.tolist(), present.tolist(), strict=True)]


def _contributions(found: WeightMatrix) -> dict[str, Any]:
    """Return the entries of ``W``, sorted by target id, falling weight, source id."""
    targets = np.repeat(np.arange(found.n_target, dtype=np.int32), found.support)
    sources = found.matrix.indices.astype(np.int32)
    weights = found.matrix.data.astype(np.float32)
    similarities = np.asarray(found.similarities, dtype=np.float32)
    order = np.lexsort((sources, -weights, targets))
    return {
        "target_id": targets[order],
        "source_id": sources[order],
        "weight": weights[order],
        "similarity": _optional(similarities[order], np.isnan(similarities[order]), "float32"),
    }


def _tokens(result: FocusResult) -> dict[str, Any]:
    """Return one row per target id; an id without a token has null for kind, origin and rule."""
    further = {
        "input_scale": result.input_scale,
        "output_scale": result.output_scale,
        layout.RESIDUAL: result.residual,
    }
    target, weights, present = result.target, result.weights, result.target.present
    covered = np.zeros(target.n, dtype=bool) if result.auxiliary is None else result.auxiliary.has_vector
    return {
        **_described(target),
        "word_start": target.word_start,
        "origin": _names(weights.origins, ORIGINS, present),
        "rule": _names(weights.rules, RULES, present),
        "source_id": result.copied_from,
        "frequency": _counts(result.frequency, target.n),
        "has_auxiliary": covered,
        "n_contributors": weights.support.astype(np.int32),
        "max_weight": np.asarray(weights.max_weight, dtype=np.float32),
        "effective_contributors": np.asarray(weights.effective_contributors, dtype=np.float32),
        "norm": embedding_norms(result.embeddings["input"]),
        **{name: np.asarray(values, dtype=np.float32) for name, values in further.items() if values is not None},
    }


def _described(vocabulary: Vocabulary) -> dict[str, Any]:
    """Return the columns that a vocabulary gives alone."""
    scripts = [s if p else None for s, p in zip(vocabulary.scripts, vocabulary.present.tolist(), strict=True)]
    return {
        "id": np.arange(vocabulary.n, dtype=np.int32),
        "token": list(vocabulary.tokens),
        "text": list(vocabulary.texts),
        "kind": _names(vocabulary.kinds, KINDS, vocabulary.present),
        "script": scripts,
    }


def embedding_norms(matrix: Any) -> np.ndarray:
    """Return the length of every row, computed in float32 blocks."""
    norms = np.empty(matrix.shape[0], dtype=np.float32)
    for start in range(0, len(norms), ROW_BLOCK):
        block = matrix[start : start + ROW_BLOCK].detach().cpu().float()
        norms[start : start + ROW_BLOCK] = block.norm(dim=1).numpy()
    return norms


def _source_tokens(result: FocusResult) -> dict[str, Any]:
    """Return one row per source id, with what it feeds: entries and weight over combined rows and fallbacks."""
    # ``target_id`` is the lowest target id that is a copy of it; -1 where none is. Copies do not count as fed. Signed
    # weights count by size.
    n_source = result.source.n
    matrix, copied = result.weights.matrix, np.flatnonzero(result.copied_from >= 0)
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    fed = result.copied_from[rows] < 0
    sources = matrix.indices[fed]
    targets = np.full(n_source, -1, dtype=np.int32)
    targets[result.copied_from[copied[::-1]]] = copied[::-1]  # subtle: the last assignment, the lowest id, holds
    return {
        **_described(result.source),
        "frequency": _counts(result.source_frequency, n_source),
        "target_id": targets,
        "n_fed": np.bincount(sources, minlength=n_source).astype(np.int32),
        "weight_fed": np.bincount(sources, weights=np.abs(matrix.data[fed]), minlength=n_source).astype(np.float32),
    }


def _candidates(result: FocusResult) -> dict[str, Any]:
    """Return all source candidates of matched tokens, sorted by target id, then rank."""
    found = result.overlap.candidates
    order = np.lexsort((found.rank, found.target_id))
    rules = [str(RULES[code]) for code in found.rule[order].tolist()]
    return {
        "target_id": found.target_id[order].astype(np.int32),
        "source_id": found.source_id[order].astype(np.int32),
        "rule": rules,
        "rank": found.rank[order].astype(np.int32),
    }


def _examples(examples: list[tuple[int, str]]) -> dict[str, Any]:
    """Return the corpus lines sorted by target id; lines of one token keep their order."""
    ordered = sorted(examples, key=lambda pair: pair[0])
    return {
        "target_id": np.array([target for target, _ in ordered], dtype=np.int32),
        "line": [line for _, line in ordered],
    }


# --- manifest ---------------------------------------------------------------------------------------------------


def _manifest(result: FocusResult) -> dict[str, Any]:
    """Return everything the manifest says; docs/run_format.md explains every key."""
    corpus = None if result.corpus is None else {**result.corpus, **result.occurrence_shares}
    return {
        "kind": layout.KIND,
        "config": result.config.to_dict(),
        "differences_from_paper": result.config.differences_from_paper() | _normalization(result),
        "versions": versions(),
        "inputs": result.inputs,
        "source": _summary(result.source),
        "target": _summary(result.target),
        "counts": result.counts,
        "corpus": corpus,
        "auxiliary": _auxiliary(result.auxiliary),
        "health": result.health,
        "overlap_statistics": result.overlap_statistics,
        "matrices": _matrices(result),
        "notes": result.notes,
        "warnings": result.warnings,
    }


def _normalization(result: FocusResult) -> dict[str, list[str]]:
    """Return what a trained tokenizer does to text where the paper's does nothing beyond its kind."""
    asked = result.notes.get("normalization", {}).get("asked", "none")
    return {} if asked == "none" else {"normalization": ["none", asked]}


def _auxiliary(auxiliary: AuxiliaryVectors | None) -> dict[str, Any] | None:
    if auxiliary is None:
        return None
    return {
        "kind": str(auxiliary.kind),
        "dim": auxiliary.dim,
        "n_vectors": auxiliary.n_vectors,
        "settings": auxiliary.settings,
    }


def _summary(vocabulary: Vocabulary) -> dict[str, Any]:
    return {
        "name": vocabulary.name,
        "family": str(vocabulary.family),
        "n": vocabulary.n,
        "digest": vocabulary.digest,
        "marks": {
            "word_start": "Ġ" if vocabulary.marks.byte_level else vocabulary.marks.space,
            "continuation": vocabulary.marks.continuation,
        },
        "roles": {str(role): int(index) for role, index in vocabulary.special_token_types.items()},
    }


def _matrices(result: FocusResult) -> dict[str, Any]:
    described = {
        name: {"shape": list(tensor.shape), "dtype": str(tensor.dtype).removeprefix("torch.")}
        for name, tensor in {**result.embeddings, **result.extra_tensors}.items()
    }
    return {**described, "tied": result.tied}


def versions() -> dict[str, str]:
    """Return the versions of Python, this library and the libraries that a result may depend on.

    Returns
    -------
    dict of str to str
        A library that is not installed is left out.
    """
    found = {"focus-lab": __version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: numpy scalars as Python's, NaN and infinity as ``None``.

    Parameters
    ----------
    value : object
        Dictionaries, sequences, arrays, scalars, text, nested.

    Returns
    -------
    object
        Dictionaries with text keys, lists, numbers, text, ``None``.

    Raises
    ------
    TypeError
        If something has no such form.
    """
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return _without_surrogates(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(entry) for entry in value]
    raise TypeError(f"no JSON form for {type(value).__name__}")
