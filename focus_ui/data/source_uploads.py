"""Source models that somebody uploads, as a zip or as a folder: unpacked once, kept beside the runs made from them."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from focus_core.artifacts import sha256_bytes
from focus_core.errors import ModelError, bad_input
from focus_core.jobs.record import hash_owner
from focus_core.jobs.sources import keep_source
from focus_core.models.unpack import PackedFile, Unpacked, top_folder, unpack_files, unpack_zip
from focus_core.numerics.formats import size
from focus_ui.data.uploads import harmless, limit_mb, session_folder

UNPACKED, KEPT = "unpacked_sources", "kept_sources"
"""Where the session keeps what it unpacked, by upload, and where a run's copy of it lies, by folder."""
UNNAMED = "uploaded-model"
"""What a model is called whose owner's name for it leaves nothing."""
ZIP = ".zip"


def unpack_upload(upload: UploadedFile) -> Unpacked:
    """Return the model in an uploaded zip as a folder of this session; it is unpacked once."""
    stem = upload.name.replace("\\", "/").rpartition("/")[2]
    name = harmless(stem[: -len(ZIP)] if stem.lower().endswith(ZIP) else stem) or UNNAMED
    _check_size(upload.size, name)
    return _once([upload], lambda place: unpack_zip(upload, place / name, name=f"{name}{ZIP}"))


def unpack_folder(uploads: Sequence[UploadedFile]) -> Unpacked:
    """Return the model in an uploaded folder, likewise; the browser sends the files with their paths in it."""
    name = harmless(top_folder(upload.name for upload in uploads)) or UNNAMED
    files = [PackedFile(name=upload.name, n_bytes=upload.size, open=partial(_from_start, upload)) for upload in uploads]
    return _once(uploads, lambda place: unpack_files(files, place / name, name=name))


def _check_size(n_bytes: int, name: str) -> None:
    if n_bytes > limit_mb() << 20:
        remedy = "ask the operator to put the model's folder on this server"
        raise bad_input(f"{name}{ZIP}", f"at most {limit_mb()} MB", size(n_bytes), remedy, ModelError)


def _from_start(upload: UploadedFile) -> contextlib.AbstractContextManager[UploadedFile]:
    """Return an upload to be read once more; it stays open, since it is the session's."""
    upload.seek(0)
    return contextlib.nullcontext(upload)


def _once(uploads: Sequence[UploadedFile], make: Callable[[Path], Unpacked]) -> Unpacked:
    """Unpack into the session's folder, unless these very uploads lie there."""
    known: dict[str, Unpacked] = st.session_state.setdefault(UNPACKED, {})
    key = sha256_bytes(" ".join(sorted(upload.file_id for upload in uploads)).encode())
    found = known.get(key)
    if found is None or not found.folder.is_dir():
        found = known[key] = make(session_folder() / secrets.token_hex(8))
    return found


def keep_for_runs(source: str, root: Path, owner: str) -> str:
    """Return where a run finds its source: an unpacked upload is kept beside the runs, anything else lies where it is.

    Parameters
    ----------
    source : str
        A folder or a Hub id.
    root : Path
        The folder of all runs.
    owner : str
        The secret of whose run it will be.

    Returns
    -------
    str
        The folder that stays as long as a run of this owner needs it; see `keep_source`.
    """
    folder = Path(source)
    if folder.parent.parent != session_folder():
        return source
    kept: dict[str, str] = st.session_state.setdefault(KEPT, {})
    if not Path(kept.get(source, "-")).is_dir():
        kept[source] = str(keep_source(folder, root=root, owner=hash_owner(owner)))
    return kept[source]
