"""Run every benchmark and write the tables: ``python -m benchmarks [NAME...]``.

NAME is one of overlap, corpus, auxiliary, combine, sparsemax, whole_run, projection, map, app, memory, normalization,
sentences, retrieval, translation, wechsel; none means all. Real data is found through the environment variable
FOCUS_LAB_DATA; what needs it fails without it. Takes about two hours on two cores.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OF_TIME = ("overlap", "corpus", "auxiliary", "combine", "sparsemax", "whole_run", "projection", "map", "app")
NAMES = (*OF_TIME, "memory", "normalization", "sentences", "retrieval", "translation", "wechsel")
WRITE_THEMSELVES = {
    "auxiliary",
    "combine",
    "sparsemax",
    "whole_run",
    "projection",
    "map",
    "app",
    "memory",
    "normalization",
    "sentences",
    "retrieval",
    "wechsel",
    "translation",
}


def run(name: str) -> int:
    """Run one benchmark in a process of its own; its table goes to standard output."""
    extra = [] if name in WRITE_THEMSELVES else ["--json", f"benchmarks/results/{name}.json"]
    command = [sys.executable, "-W", "ignore", "-m", f"benchmarks.bench_{name}", *extra]
    print(f"== {name}", flush=True)
    return subprocess.run(command, cwd=HERE.parent, check=False, env=os.environ | {"TQDM_DISABLE": "1"}).returncode


def main() -> None:
    """Run the named benchmarks, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], default=[])
    names = parser.parse_args().names or NAMES
    failed = [name for name in names if run(name)]
    subprocess.run([sys.executable, str(HERE.parent / "scripts" / "write_benchmark_table.py")], check=True)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
