"""Digests in the manifests of runs, trainings and projections, and whether their files are still those.

Owns which files belong to a folder, the digest of each, and the digest that names the whole.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from focus_core.artifacts import dump_json, sha256_bytes, sha256_file
from focus_core.errors import RunFolderError
from focus_core.runs.layout import APART, MANIFEST, SCHEMA_VERSION, check_version


@dataclass(frozen=True, kw_only=True)
class Changes:
    """How a folder differs from what its manifest says: names of files, sorted."""

    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


def seal(manifest: Mapping[str, Any], folder: Path, *, without: Collection[str] = ()) -> dict[str, Any]:
    """Return a manifest with the digests of a folder's files and the digest that names it.

    Parameters
    ----------
    manifest : mapping
        JSON values; what an earlier seal put there is replaced.
    folder : Path
        Holds every file but the manifest.
    without : collection of str, default=()
        Names of files that will be gone when the folder is finished.

    Returns
    -------
    dict
        With ``schema_version``, ``files`` and ``digest``.
    """
    files = {name: sha256_file(folder / name) for name in own_files(folder) if name not in without}
    digest = name_of(manifest)
    return {**manifest, "schema_version": SCHEMA_VERSION, "files": files, "digest": digest}


def own_files(folder: Path) -> list[str]:
    """Return the names of a folder's files: not the manifest, the log, what was added later, and hidden ones."""
    found = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    own = [path for path in found if path.parts[0] not in APART and not any(p.startswith(".") for p in path.parts)]
    return sorted(path.as_posix() for path in own)


def name_of(manifest: Mapping[str, Any]) -> str:
    """Return the digest that names a run, training or projection: of its manifest as version 1 wrote it.

    subtle: so a run that is migrated keeps its name, and everything that names it, here or elsewhere, still does.
    """
    content = {key: value for key, value in manifest.items() if key not in {"files", "digest"}}
    return sha256_bytes(_written({**content, "schema_version": 1}))


def read_name(manifest: Mapping[str, Any], data: bytes) -> str:
    """Return the digest that names a folder whose manifest was read from some bytes, whatever its version."""
    return sha256_bytes(data) if manifest["schema_version"] == 1 else name_of(manifest)


def changes_of(folder: Path) -> Changes | None:
    """Compare every file of a folder, its manifest among them, with the digests in it.

    Parameters
    ----------
    folder : Path
        Of a run, a training or a projection.

    Returns
    -------
    Changes or None
        ``None`` where the manifest has no digests: it is of version 1. Nothing that it names is looked for elsewhere.
    """
    data = (folder / MANIFEST).read_bytes()
    try:
        manifest = dict(json.loads(data))
        check_version(folder.name, manifest)
    except (ValueError, TypeError, RecursionError, RunFolderError):
        return Changes(changed=(MANIFEST,))
    if manifest["schema_version"] == 1:
        return None
    recorded, there = manifest["files"], own_files(folder)
    changed = [name for name in there if name in recorded and sha256_file(folder / name) != recorded[name]]
    whole = data == _written(manifest) and manifest["digest"] == name_of(manifest)
    return Changes(
        changed=tuple(changed if whole else [MANIFEST, *changed]),
        missing=tuple(sorted(recorded.keys() - set(there))),
        added=tuple(sorted(set(there) - recorded.keys())),
    )


def _written(manifest: Mapping[str, Any]) -> bytes:
    return f"{dump_json(manifest)}\n".encode()
