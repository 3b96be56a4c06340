"""Uploaded files: where they lie, under which names, and for how long.

One private folder a session, where names are random. A job's copy is named as its owner named the file, reduced to
letters and digits, so that the run says what it was made from; a client's file name is never a path and never Markdown.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from focus_core.artifacts import link_file
from focus_core.errors import Phrase, bad_input, parts_of
from focus_core.jobs.record import inputs_folder
from focus_core.numerics.formats import numbered, size
from focus_ui.data.catalog import CORPUS_SUFFIXES

PACKINGS = ("", ".gz", ".zst")
SUFFIXES = (*(kind + packing for kind in CORPUS_SUFFIXES for packing in PACKINGS), ".json", ".safetensors", ".vec")
CHUNK = 1 << 20
NAMES = "upload_names"
"""Where the session keeps what its files were called: a name by path."""
TEXTS, NEWEST = "uploaded_texts", "newest_texts"
"""Where the session keeps the paths of its texts, and those that came last."""
HANDED = "handed_over"
"""Where the session keeps which upload a job's input was made of: a path by path."""
UNNAMED = "tokenizer.json"
"""A name that says nothing: the library calls such a tokenizer by its folder, which is a job's own."""
MAX_NAME = 60


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


@st.cache_resource(scope="session", on_release=_remove, show_spinner=False)
def session_folder() -> Path:
    """Make the session's folder (mode 0700); it goes when the session ends."""
    return Path(tempfile.mkdtemp(prefix="focus-lab-upload-"))


def known_suffix(name: str) -> str:
    """Return the suffix of a file name if it is one that the app reads.

    Examples
    --------
    >>> known_suffix("../../Report.JSONL.gz")
    '.jsonl.gz'
    """
    lowered = name.lower()
    found = [suffix for suffix in SUFFIXES if lowered.endswith(suffix)]
    if not found:
        expected = ", ".join(CORPUS_SUFFIXES)
        raise bad_input("upload", expected=f"one of {expected}", got="another suffix", remedy="rename or convert it")
    return max(found, key=len)


def keep_upload(upload: UploadedFile) -> Path:
    """Write an uploaded file into the session's folder, once, and return where it lies."""
    if upload.size > limit_mb() << 20:
        subject = safe_name(upload.name, Path(f"file{known_suffix(upload.name)}"))
        remedy = "pack it as .gz or .zst, split it, or ask the operator to put it on this server"
        raise bad_input(subject, f"at most {limit_mb()} MB", size(upload.size), remedy)
    kept: dict[str, Path] = st.session_state.setdefault("uploads", {})
    path = kept.get(upload.file_id)
    if path is None or not path.is_file():
        path = session_folder() / f"{secrets.token_hex(8)}{known_suffix(upload.name)}"
        upload.seek(0)
        with path.open("xb") as stream:
            shutil.copyfileobj(upload, stream, CHUNK)
        kept[upload.file_id] = path
        st.session_state.setdefault(NAMES, {})[str(path)] = upload.name
    return path


def limit_mb() -> int:
    """Return how many megabytes an upload may have: the server's own limit."""
    return int(st.get_option("server.maxUploadSize"))


def shown_name(path: Path) -> str:
    """Return how an upload is called in titles and messages: what is harmless of its owner's name for it."""
    return safe_name(st.session_state.get(NAMES, {}).get(str(path), ""), path)


def distinct_names(paths: Sequence[Path]) -> dict[str, Path]:
    """Return paths by their shown names; the second of two equal names gets a number."""
    return dict(zip(numbered(map(shown_name, paths)), paths, strict=True))


def in_own_words(message: str) -> Phrase:
    """Return a message in which uploads are called as their owner called them."""
    parts = parts_of(message)
    for path in map(Path, st.session_state.get(NAMES, {})):
        parts = tuple(part.replace(path.name, shown_name(path)) for part in parts)
    return Phrase(parts)


def remember_texts(paths: Sequence[Path]) -> None:
    """Take note of uploaded texts, so that the session can choose them again elsewhere."""
    known: list[Path] = st.session_state.setdefault(TEXTS, [])
    known.extend(path for path in paths if path not in known)
    if paths:
        st.session_state[NEWEST] = list(paths)


def kept_texts() -> list[Path]:
    """Return the texts that this session uploaded, oldest first."""
    return [path for path in st.session_state.get(TEXTS, []) if path.is_file()]


def newest_texts() -> list[Path]:
    """Return the texts that were uploaded together last."""
    return list(st.session_state.get(NEWEST, []))


def original(path: Path) -> Path | None:
    """Return a file that a job read, or the upload it was made of; ``None`` where neither is there any more."""
    kept = st.session_state.get(HANDED, {}).get(str(path))
    found = Path(kept) if kept is not None else path
    return found if found.exists() else None


def is_upload(path: Path) -> bool:
    """Whether a file lies in the session's folder."""
    return path.parent == session_folder()


def hand_over(paths: Sequence[Path], root: Path, job_id: str) -> list[Path]:
    """Give uploaded files to a job, so that they outlive the session; other paths stay as they are."""
    return [_hand_over(path, root, job_id) if is_upload(path) else path for path in paths]


def _hand_over(path: Path, root: Path, job_id: str) -> Path:
    folder = inputs_folder(root, job_id)
    name = shown_name(path)
    target = _free(folder, f"uploaded-{name}" if name == UNNAMED else name)
    link_file(path, target)
    st.session_state.setdefault(HANDED, {})[str(target.resolve())] = str(path)
    return target.resolve()


def lend_folder(folder: Path, name: str, root: Path, job_id: str) -> Path:
    """Give a job a run's own tokenizer under the name that it has there, so that the new run calls it so too."""
    target = inputs_folder(root, job_id) / (harmless(name.rpartition("/")[2]) or folder.name)
    target.mkdir()
    for file in folder.iterdir():
        link_file(file, target / file.name)
    return target.resolve()


def safe_name(name: str, path: Path) -> str:
    """Return a file name made of a client's name: its letters, digits, ``-``, ``_`` and inner dots, and a known suffix.

    Examples
    --------
    >>> safe_name("../../etc/Habari za leo (2).txt", Path("0f3a.txt"))
    'Habari-za-leo-2.txt'
    """
    suffix = known_suffix(path.name)
    stem = name.replace("\\", "/").rpartition("/")[2]
    stem = stem[: -len(suffix)] if stem.lower().endswith(suffix) else stem
    kept = harmless(stem)
    return f"{kept}{suffix}" if kept else path.name


def harmless(stem: str) -> str:
    """Return the letters, digits and inner signs of a name; "" where nothing is left, or it is very long in bytes."""
    words = "".join(c if unicodedata.category(c)[0] in "LMN" or c in "-_." else " " for c in stem).split()
    kept = "-".join(words)[:MAX_NAME].strip("-.")
    return kept if len(kept.encode()) <= 3 * MAX_NAME else ""


def _free(folder: Path, name: str) -> Path:
    """Return a path of that name that is not taken; the second of two equal names gets a number."""
    suffix = known_suffix(name)
    names = [name, *(f"{name[: -len(suffix)]}-{i}{suffix}" for i in range(2, 1000))]
    return next(folder / free for free in names if not (folder / free).exists())
