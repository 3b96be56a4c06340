"""The caches of what a run is made from: texts, tokenizers and matrices that were chosen, before any run.

Owns what is kept of a file between page runs, by its content; `cache` offers it to the rest of the app.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from focus_core.artifacts import digest_json, sha256_file, tensor_names
from focus_core.corpus.corpus import open_corpus
from focus_core.errors import FocusError
from focus_core.jobs.estimate import count_json_tokens
from focus_core.jobs.preview import Preview, preview_in_child
from focus_core.tokenization.corpus_survey import Survey, survey_corpus

PREVIEW_S = 20
"""Seconds to wait for tokenizers on a few lines; the largest take two."""


def survey(files: tuple[Path, ...], column: str, encoding: str | None = None) -> Survey:
    """Survey the beginning of a corpus; see `survey_corpus`."""
    return _survey(tuple((str(path), file_digest(path)) for path in files), column, encoding or "")


@st.cache_resource(max_entries=32, show_spinner="Reading the text")
def _survey(files: tuple[tuple[str, str], ...], column: str, encoding: str) -> Survey:
    return survey_corpus(open_corpus([path for path, _ in files], field=column, encoding=encoding or None))


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file; a file of the same time and size is not read again."""
    state = path.stat()
    return _file_digest(str(path), state.st_size, state.st_mtime_ns)


@st.cache_resource(max_entries=512, show_spinner=False)
def _file_digest(path: str, n_bytes: int, changed: int) -> str:
    del n_bytes, changed
    return sha256_file(Path(path))


def preview(source: str, target: str | None, lines: tuple[str, ...]) -> Preview:
    """Look at two tokenizers and some lines; see `preview_in_child`."""
    specs = [(spec, tokenizer_digest(Path(spec))) for spec in (source, *((target,) if target is not None else ()))]
    found = _preview(tuple(specs), digest_json(list(lines)), lines)
    if isinstance(found, FocusError):
        raise FocusError(found.message, hint=found.hint)
    return found


@st.cache_resource(max_entries=64, show_spinner="Looking at the tokenizers")
def _preview(specs: tuple[tuple[str, str], ...], digest: str, _lines: tuple[str, ...]) -> Preview | FocusError:
    del digest
    paths = [path for path, _ in specs]
    try:
        return preview_in_child(paths[0], paths[1] if len(paths) > 1 else None, _lines, seconds=PREVIEW_S)
    except FocusError as error:
        return error


def tokenizer_digest(path: Path) -> str:
    """Return a digest of a tokenizer's files: those of a folder that are small enough to belong to one."""
    files = sorted(path.glob("*.*")) if path.is_dir() else [path]
    own = [file for file in files if file.suffix in {".json", ".txt", ".model"} and file.is_file()]
    return digest_json([(file.name, file_digest(file)) for file in own])


def tokenizer_size(path: Path) -> int:
    """Return the number of tokens of an uploaded ``tokenizer.json``, read as JSON and nothing more."""
    return _tokenizer_size(str(path), file_digest(path))


@st.cache_resource(max_entries=32, show_spinner=False)
def _tokenizer_size(path: str, digest: str) -> int:
    del digest
    return count_json_tokens(Path(path))


def matrices(path: Path) -> dict[str, str]:
    """Return the matrices of a safetensors file and their shapes in words, largest first; only the header is read."""
    shapes = {name: shape for name, (_, shape) in tensor_names(path).items() if len(shape) == 2}
    ordered = sorted(shapes, key=lambda name: (-shapes[name][0] * shapes[name][1], name))
    return {name: f"{shapes[name][0]:,} × {shapes[name][1]:,}" for name in ordered}
