"""What is kept of texts, tokenizers and matrices that were chosen, before any run, by what their files hold."""

from __future__ import annotations

import math
from pathlib import Path

from focus_core.artifacts import digest_json, tensor_names
from focus_core.corpus.corpus import open_corpus
from focus_core.errors import FocusError
from focus_core.jobs.estimate import count_json_tokens
from focus_core.jobs.preview import Preview, preview_in_child
from focus_core.jobs.source_summary import SourceSummary, summarise_in_child
from focus_core.tokenization.corpus_statistics import CorpusStatistics, corpus_statistics
from focus_ui.data.kept import file_digest, kept

PREVIEW_S = 20
"""Seconds to wait for tokenizers on a few lines; the largest take two."""


def _statistics(files: tuple[Path, ...], column: str, encoding: str | None = None) -> CorpusStatistics:
    return corpus_statistics(open_corpus([str(path) for path in files], field=column, encoding=encoding))


statistics = kept(_statistics, most=32, spinner="Reading the text")
tokenizer_size = kept(count_json_tokens, most=32)
"""The number of tokens of an uploaded ``tokenizer.json``, read as JSON and nothing more."""


def summary(
    source: str | None, tokenizer: str | None = None, embeddings: str | None = None, tensor: str | None = None
) -> SourceSummary:
    """Return what is in a source on this server; see `summarise_in_child`. What is wrong with it is raised anew."""
    specs = [Path(spec) for spec in (source, tokenizer, embeddings) if spec is not None]
    found = _summary(source, tokenizer, embeddings, tensor, [_files_digest(path) for path in specs])
    if isinstance(found, FocusError):
        raise FocusError(found.message, hint=found.hint)
    return found


def _summarise(
    source: str | None, tokenizer: str | None, embeddings: str | None, tensor: str | None, digests: list[str]
) -> SourceSummary | FocusError:
    del digests
    try:
        return summarise_in_child(source, tokenizer, embeddings, tensor)
    except FocusError as error:
        return error


_summary = kept(_summarise, most=64, spinner="Looking at the model")


def _files_digest(path: Path) -> str:
    """Return a digest of names, sizes and times of a folder's files: weights are too large to read for a look."""
    files = [file for file in sorted(path.rglob("*")) if file.is_file()] if path.is_dir() else [path]
    states = [(file.name, file.stat()) for file in files]
    return digest_json([(name, state.st_size, state.st_mtime_ns) for name, state in states])


def preview(source: str, target: str | None, lines: tuple[str, ...]) -> Preview:
    """Look at two tokenizers and some lines; see `preview_in_child`."""
    digests = [_tokenizer_digest(Path(spec)) for spec in (source, target) if spec is not None]
    found = _preview(source, target, lines, digests)
    if isinstance(found, FocusError):
        raise FocusError(found.message, hint=found.hint)
    return found


def _look(source: str, target: str | None, lines: tuple[str, ...], digests: list[str]) -> Preview | FocusError:
    del digests
    try:
        return preview_in_child(source, target, lines, seconds=PREVIEW_S)
    except FocusError as error:
        return error


_preview = kept(_look, most=64, spinner="Looking at the tokenizers")


def _tokenizer_digest(path: Path) -> str:
    """Return a digest of a tokenizer's files: those of a folder that are small enough to belong to one."""
    files = sorted(path.glob("*.*")) if path.is_dir() else [path]
    own = [file for file in files if file.suffix in {".json", ".txt", ".model"} and file.is_file()]
    return digest_json([(file.name, file_digest(file)) for file in own])


def _count_parameters(folder: Path) -> int:
    shapes = (shape for file in folder.glob("*.safetensors") for _, shape in tensor_names(file).values())
    return sum(math.prod(shape) for shape in shapes)


n_parameters = kept(_count_parameters, most=32)
"""How many numbers the weights of a model folder hold; only headers are read."""


def matrices(path: Path) -> dict[str, str]:
    """Return the matrices of a safetensors file and their shapes in words, largest first; only the header is read."""
    shapes = {name: shape for name, (_, shape) in tensor_names(path).items() if len(shape) == 2}
    ordered = sorted(shapes, key=lambda name: (-shapes[name][0] * shapes[name][1], name))
    return {name: f"{shapes[name][0]:,} × {shapes[name][1]:,}" for name in ordered}
