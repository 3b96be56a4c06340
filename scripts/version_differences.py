"""What differs between two sets of files, told by what they hold; and which differences between versions are expected.

Owns the table of named exceptions and the comparing functions of `compare_versions.py`. Runs nothing.
"""

from __future__ import annotations

import difflib
import io
import json
import re
import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml


@dataclass(frozen=True, kw_only=True)
class Named:
    """An exception: differences whose place fits ``where`` as a whole are expected."""

    reason: str
    where: str
    """A regular expression over ``COMPARISON/FILE: PATH``, such as ``init focus/run/manifest.json: counts.n_new``."""
    kind: str = "changed"
    """``added``, ``removed`` or ``changed``."""
    values: tuple[Any, Any] | None = None
    """The value before and the one after; ``None`` takes any."""
    migrated_only: bool = False
    """Only in a file whose own ``schema_version`` went from 1 to 2."""


EXCEPTIONS: tuple[Named, ...] = (
    Named(
        reason="run folders are written in schema 2",
        where=r".*manifest\.json: schema_version",
        values=(1, 2),
    ),
    Named(
        reason="schema 2 keeps the SHA-256 of every file, and has other new fields at the top of a manifest",
        where=r".*manifest\.json: [^.\[\]]+",
        kind="added",
        migrated_only=True,
    ),
    Named(
        reason="the check of a run's files, FOC012, is new and stands last",
        where=r"[^:]+/\d\d-check\.(txt: line 12|json: \[11\])",
        kind="added",
    ),
    Named(
        reason="a map names a training by its manifest, whose options have new names",
        where=r"adapt [^:]+/projection/[^/]+/manifest\.json: members\[1\]\.digest",
    ),
    Named(
        reason="the report's table of checks, one line of its page, has a row more: FOC012",
        where=r"[^:]+/r\.html: line 79",
    ),
)
"""What may differ, beside the version number of the package and the digests of manifests (`substitutions`)."""

WIDTH = 100

RENAMED = {
    "mask_share": "mlm_probability",
    "warm_up_share": "warmup_ratio",
    "clip": "max_grad_norm",
    "length": "max_seq_length",
}
"""Old name -> new name, of JSON keys, columns and tensors: options of a training have the field's words."""

WORDS = re.compile(
    r"\b(?:an?|the|its|is|are|have|has|of|by|for|them|that|which|whose|lengths?|norms?|rows?|embeddings?|matrix|"
    r"matrices|input|output|body|backbone|pieces?|subwords?|cuts?|tokeni[sz]e[sd]?|tokenization|movement|moved|"
    r"drift(?:ed)?|kept|neighbours?|overlap|attached|imported)\b",
    re.IGNORECASE,
)
"""Old words and new, and the little ones that go with them; a text that differs by these alone says the same."""


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same; ``reason`` is set where a rename explains it."""

    where: str
    kind: str
    before: Any = None
    after: Any = None
    reason: str = ""

    def __str__(self) -> str:
        """Say it in one line."""
        if self.kind != "changed":
            value = self.before if self.kind == "removed" else self.after
            return f"{self.where}: {self.kind}" + ("" if value is None else f" {_short(_text(value))}")
        old, new = _text(self.before), _text(self.after)
        alike = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), 0)
        return f"{self.where}: {_short(old, alike)} -> {_short(new, alike)}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(text: str, at: int = 0) -> str:
    """Return some 100 characters of a text, from shortly before a place where it gets interesting."""
    start = max(0, at - 40) if len(text) > WIDTH else 0
    return ("..." if start else "") + text[start : start + WIDTH] + ("..." if len(text) > start + WIDTH else "")


def aligned(before: Iterable[str], after: Iterable[str], where: str) -> tuple[list[tuple[str, str]], list[Difference]]:
    """Pair the names of two sets, renamed ones too, and tell what stands on one side only."""
    old, new = list(before), set(after)
    now = {name: name if name in new else RENAMED.get(name, name) for name in old}
    found = [Difference(where + name, "removed") for name in old if now[name] not in new]
    found += [Difference(where + name, "added") for name in sorted(new - set(now.values()))]
    pairs = [(name, now[name]) for name in old if now[name] in new]
    renamed = [(name, other) for name, other in pairs if name != other]
    found += [Difference(where + name, "changed", name, other, "a field was renamed") for name, other in renamed]
    return pairs, found


def compare_json(before: Any, after: Any, where: str = "") -> list[Difference]:
    """Compare two JSON values by their structure."""
    if isinstance(before, dict) and isinstance(after, dict):
        pairs, found = aligned(before, after, f"{where}." if where else "")
        return found + [d for old, new in pairs for d in compare_json(before[old], after[new], _path(where, old))]
    if isinstance(before, list) and isinstance(after, list):
        n = min(len(before), len(after))
        found = [d for i in range(n) for d in compare_json(before[i], after[i], f"{where}[{i}]")]
        found += [Difference(f"{where}[{i}]", "removed", before[i]) for i in range(n, len(before))]
        return found + [Difference(f"{where}[{i}]", "added", None, after[i]) for i in range(n, len(after))]
    return [] if type(before) is type(after) and before == after else [Difference(where, "changed", before, after)]


def _path(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def compare_parquet(before: bytes, after: bytes) -> list[Difference]:
    """Compare two tables by columns: names, types, values; and by the notes kept in the schema."""
    old, new = (pq.read_table(io.BytesIO(data)) for data in (before, after))
    if len(old) != len(new):
        return [Difference("rows", "changed", len(old), len(new))]
    pairs, found = aligned(old.column_names, new.column_names, "column ")
    for name, other in pairs:
        types = (str(old.schema.field(name).type), str(new.schema.field(other).type))
        if types[0] != types[1]:
            found.append(Difference(f"column {name}.type", "changed", *types))
        # repr tells 0.0 from -0.0 and lets NaN equal NaN
        values = [[repr(value) for value in table[c].to_pylist()] for table, c in ((old, name), (new, other))]
        unlike = [i for i, (a, b) in enumerate(zip(*values, strict=True)) if a != b]
        if unlike:
            rows = f"column {name} ({len(unlike)} of {len(old)} rows), row {unlike[0]}"
            found.append(Difference(rows, "changed", *(column[unlike[0]] for column in values)))
    return found + compare_json(_notes(old), _notes(new), "metadata")


def _notes(table: Any) -> dict[str, Any]:
    notes = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    return {key: json.loads(value) if value[:1] in "{[" else value for key, value in notes.items()}


def compare_safetensors(before: bytes, after: bytes) -> list[Difference]:
    """Compare two files of tensors by names, types, shapes and elements."""
    (old, old_data), (new, new_data) = _tensors(before), _tensors(after)
    found = compare_json(old.pop("__metadata__", {}), new.pop("__metadata__", {}), "metadata")
    pairs, unpaired = aligned(old, new, "tensor ")
    for name, other in pairs:
        forms = [[entry["dtype"], entry["shape"]] for entry in (old[name], new[other])]
        a, b = (d[slice(*e["data_offsets"])] for d, e in ((old_data, old[name]), (new_data, new[other])))
        if forms[0] != forms[1]:
            unpaired.append(Difference(f"tensor {name}", "changed", *forms))
        elif a != b:
            unpaired.append(Difference(f"tensor {name}", "changed", *_elements(a, b, forms[0][1])))
    return found + unpaired


def _tensors(data: bytes) -> tuple[dict[str, Any], bytes]:
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def _elements(before: bytes, after: bytes, shape: list[int]) -> tuple[str, str]:
    """Say how many elements are unlike, and show the first as hexadecimal digits."""
    count = 1
    for length in shape:
        count *= length
    size = len(before) // count
    cuts = range(0, len(before), size)
    unlike = [i for i in cuts if before[i : i + size] != after[i : i + size]]
    first = unlike[0]
    text = f"{len(unlike)} of {count} elements, first at {first // size}: {before[first : first + size].hex()}"
    return text, after[first : first + size].hex()


def compare_text(before: bytes, after: bytes) -> list[Difference]:
    """Compare two texts line by line."""
    old, new = (data.decode("utf-8", "backslashreplace").splitlines() for data in (before, after))
    found = []
    for kind, i, i_end, j, j_end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        n = min(i_end - i, j_end - j)
        found += [Difference(f"line {i + k + 1}", "changed", old[i + k], new[j + k]) for k in range(n)]
        found += [Difference(f"line {k + 1}", "removed", old[k]) for k in range(i + n, i_end)]
        found += [Difference(f"line {k + 1}", "added", None, new[k]) for k in range(j + n, j_end)]
    return found


def compare_card(before: bytes, after: bytes) -> list[Difference]:
    """Compare two model cards: what their heads say, whichever way it is written, and their texts line by line."""
    old, new = (data.decode("utf-8").split("---\n", 2) for data in (before, after))
    if not len(old) == len(new) == 3:
        return compare_text(before, after)
    heads = compare_json(yaml.safe_load(old[1]), yaml.safe_load(new[1]), "head")
    found = heads + compare_text(old[2].encode(), new[2].encode())
    reason = "the head of a model card is written as the Hub writes it, and says the same"
    return found or [Difference("head", "changed", old[1], new[1], reason)]


def compare_zip(before: bytes, after: bytes) -> list[Difference]:
    """Compare two archives by what is in them."""
    contents = []
    for data in (before, after):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            contents.append({name: archive.read(name) for name in archive.namelist()})
    return compare_contents(*contents)


READERS = {
    ".json": lambda before, after: compare_json(json.loads(before), json.loads(after)),
    ".parquet": compare_parquet,
    ".safetensors": compare_safetensors,
    ".zip": compare_zip,
    ".md": compare_card,
}
"""How to compare files of a kind; all others are text."""


def compare_file(name: str, before: bytes, after: bytes) -> list[Difference]:
    """Compare two files of one name: by bytes, and where these differ by what the file holds."""
    if before == after:
        return []
    try:
        found = READERS.get(Path(name).suffix, compare_text)(before, after)
    except (ValueError, struct.error, zipfile.BadZipFile) as error:
        found = [Difference(f"cannot be read: {error}", "changed", *(data[:60].hex() for data in (before, after)))]
    found = found or [Difference("", "changed", f"{len(before)} bytes", f"{len(after)} other bytes, same content")]
    return [replace(d, where=f"{name}: {d.where}".removesuffix(": ")) for d in found]


def compare_contents(before: dict[str, bytes], after: dict[str, bytes]) -> list[Difference]:
    """Compare two sets of files by name."""
    found = [Difference(name, "removed") for name in sorted(before.keys() - after.keys())]
    found += [Difference(name, "added") for name in sorted(after.keys() - before.keys())]
    for name in sorted(before.keys() & after.keys()):
        found += compare_file(name, before[name], after[name])
    return found


Substitution = tuple[str, str, str]
"""A text before, the same after, and the reason: a value that differs by this alone is expected."""


def expected_reason(difference: Difference, *, migrated: set[str], known: list[Substitution]) -> str:
    """Return why a difference is expected, or an empty text.

    Parameters
    ----------
    difference : Difference
        The difference; its place begins with the comparison's name.
    migrated : set of str
        The files whose ``schema_version`` went from 1 to 2.
    known : list of (str, str, str)
        Text before, text after, and the reason.

    Returns
    -------
    str
        The reason of a rename, of an entry of `EXCEPTIONS`, or of the substitutions that make the values equal.
    """
    if difference.reason:
        return difference.reason
    file = difference.where.partition(": ")[0]
    for named in EXCEPTIONS:
        fits = named.kind == difference.kind and re.fullmatch(named.where, difference.where)
        values = named.values in (None, (difference.before, difference.after))
        if fits and values and (file in migrated or not named.migrated_only):
            return named.reason
    if _same_but_for_words(difference.before, difference.after):
        return "a text has the field's words"
    return _substituted(difference.before, difference.after, known)


def _same_but_for_words(before: Any, after: Any) -> bool:
    """Say whether two texts, numbers included, differ by the renamed words alone."""
    if not isinstance(before, str) or not isinstance(after, str):
        return False
    first, second = (re.sub(r"[\s.,;:]+", " ", WORDS.sub("", text).lower()).strip() for text in (before, after))
    return first == second


def _substituted(before: Any, after: Any, known: list[Substitution]) -> str:
    reasons: dict[str, None] = {}
    for old, new, reason in known:
        if isinstance(before, str) and old in before and old != new:
            before = before.replace(old, new)
            reasons[reason] = None
    return "; ".join(reasons) if reasons and before == after else ""


def migrated_files(found: list[Difference]) -> set[str]:
    """Return the files whose ``schema_version`` went from 1 to 2."""
    places = [d.where for d in found if d.where.endswith(": schema_version") and (d.before, d.after) == (1, 2)]
    return {place.partition(": ")[0] for place in places}
