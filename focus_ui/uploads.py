"""Uploaded files: where they lie, under which names, and for how long.

Owns one private folder a session, where names are random. A job's copy is named as its owner named the file, reduced
to letters and digits, so that the run says what it was made from; a client's file name is never a path and never
Markdown.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from focus_core.errors import bad_input
from focus_core.job_record import inputs_folder
from focus_ui.catalog import CORPUS_SUFFIXES

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

PACKINGS = ("", ".gz", ".zst")
SUFFIXES = (*(kind + packing for kind in CORPUS_SUFFIXES for packing in PACKINGS), ".json", ".safetensors")
CHUNK = 1 << 20
NAMES = "upload_names"
"""Where the session keeps what its files were called: a name by path."""
MAX_NAME = 60


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


@st.cache_resource(scope="session", on_release=_remove, show_spinner=False)
def _session_folder() -> Path:
    """Make the session's folder (mode 0700); it goes when the session ends."""
    return Path(tempfile.mkdtemp(prefix="focus-lab-upload-"))


def known_suffix(name: str) -> str:
    """Return the suffix of a file name if it is one that the app reads.

    Parameters
    ----------
    name : str
        A client's file name.

    Returns
    -------
    str
        Such as ``.txt`` or ``.jsonl.gz``.

    Raises
    ------
    InvalidInputError
        If the suffix is none of ours.

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
    """Write an uploaded file into the session's folder, once, and return where it lies.

    Parameters
    ----------
    upload : UploadedFile
        What the uploader gave.

    Returns
    -------
    Path
        A file of a random name with the known suffix.

    Raises
    ------
    InvalidInputError
        If its suffix is none of ours.
    """
    kept: dict[str, Path] = st.session_state.setdefault("uploads", {})
    path = kept.get(upload.file_id)
    if path is None or not path.is_file():
        path = _session_folder() / f"{secrets.token_hex(8)}{known_suffix(upload.name)}"
        upload.seek(0)
        with path.open("xb") as stream:
            shutil.copyfileobj(upload, stream, CHUNK)
        kept[upload.file_id] = path
        st.session_state.setdefault(NAMES, {})[str(path)] = upload.name
    return path


def is_upload(path: Path) -> bool:
    """Whether a file lies in the session's folder."""
    return path.parent == _session_folder()


def hand_over(paths: Sequence[Path], root: Path, job_id: str) -> list[Path]:
    """Give uploaded files to a job, so that they outlive the session; other paths stay as they are.

    Parameters
    ----------
    paths : sequence of Path
        Files that the job reads.
    root : Path
        The folder of all runs.
    job_id : str
        The job's id.

    Returns
    -------
    list of Path
        Where the job finds them, in the same order.
    """
    return [_hand_over(path, root, job_id) if is_upload(path) else path for path in paths]


def _hand_over(path: Path, root: Path, job_id: str) -> Path:
    folder = inputs_folder(root, job_id)
    target = _free(folder, safe_name(st.session_state.get(NAMES, {}).get(str(path), ""), path))
    try:
        os.link(path, target)
    except OSError:  # another file system
        shutil.copyfile(path, target)
    return target.resolve()


def safe_name(name: str, path: Path) -> str:
    """Return a file name made of a client's name: its letters, digits, ``-``, ``_`` and inner dots, and a known suffix.

    Parameters
    ----------
    name : str
        What the client called the file.
    path : Path
        Where it is kept, under a random name with its known suffix; that name is taken where nothing is left.

    Returns
    -------
    str
        No separator, no leading dot, at most 60 characters before the suffix.

    Examples
    --------
    >>> safe_name("../../etc/Habari za leo (2).txt", Path("0f3a.txt"))
    'Habari-za-leo-2.txt'
    """
    suffix = known_suffix(path.name)
    stem = name.replace("\\", "/").rpartition("/")[2]
    stem = stem[: -len(suffix)] if stem.lower().endswith(suffix) else stem
    words = "".join(c if unicodedata.category(c)[0] in "LMN" or c in "-_." else " " for c in stem).split()
    kept = "-".join(words)[:MAX_NAME].strip("-.")
    return f"{kept}{suffix}" if kept and len(kept.encode()) <= 3 * MAX_NAME else path.name


def _free(folder: Path, name: str) -> Path:
    """Return a path of that name that is not taken; the second of two equal names gets a number."""
    suffix = known_suffix(name)
    names = [name, *(f"{name[: -len(suffix)]}-{i}{suffix}" for i in range(2, 1000))]
    return next(folder / free for free in names if not (folder / free).exists())
