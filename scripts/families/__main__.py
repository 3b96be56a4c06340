"""Judge every family and write docs/families.md: ``python -m scripts.families``."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def main() -> None:
    """Judge the families that the arguments name, keep the rows and write the page."""
    from scripts.families.catalogue import kinds
    from scripts.families.processes import SECONDS, run_rows, warm_up
    from scripts.families.row import judge_kind

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="model types, with commas")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="most that a row may take")
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "families.json", help="where rows are kept")
    parser.add_argument("--resume", action="store_true", help="keep the rows that are there, judge the others")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "families.md")
    given = parser.parse_args()
    kept = _read(given.json) if given.resume or given.only else {}
    only = given.only.split(",") if given.only else None
    known = {kind.model_type: kind for kind in kinds()}
    asked = [known[name] for name in only or known if not given.resume or name not in kept]
    warm_up()
    for row in run_rows(asked, judge_kind, jobs=given.jobs, seconds=given.seconds):
        kept[row["type"]] = row
        _write(given.json, kept)
        print(_said(row), flush=True)
    _page(given.page, list(kept.values()))


def _read(path: Path) -> dict[str, Any]:
    return {row["type"]: row for row in json.loads(path.read_text(encoding="utf-8"))} if path.is_file() else {}


def _write(path: Path, rows: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps([rows[name] for name in sorted(rows)], indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def _said(row: dict[str, Any]) -> str:
    from scripts.families.row import COLUMNS

    if not row["built"]:
        return f"{row['type']}: not built: {row['reason']}"
    return f"{row['type']} ({row['seconds']} s): " + ", ".join(f"{c} {row[c][0]}" for c in COLUMNS)


def _page(path: Path, rows: list[dict[str, Any]]) -> None:
    import transformers

    from scripts.families.table import render, totals
    from scripts.families.tokenizers import SHARED

    path.write_text(render(rows, transformers.__version__, len(SHARED)), encoding="utf-8", newline="\n")
    print("\n".join(totals(rows)))


if __name__ == "__main__":
    main()
