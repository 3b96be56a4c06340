"""How long the app takes from a click to the drawn page: on a run of 50,000 tokens, and on the bundled demo.

Usage: ``python -m benchmarks.bench_app [--data DIR] [--run RUN] [--runs 5] [--threads N]``. DIR (default: the
environment variable FOCUS_LAB_DATA) holds ``tokenizers/`` and ``corpora/sw/``; RUN is a large run made before.

Without RUN one is made: XLM-R's vocabulary of 250,002 to a Swahili one of 50,000, on real text, over a seeded random
source matrix of 256 dimensions, with a drifted copy imported as its training and a map of all its tokens by principal
components. A fresh server and a fresh Chromium then do what a reader does, and a script in the page takes the times:
*rerun* is from the key or button going down until the page has taken the server's last message; *drawn* is until
nothing is added to the page any more, less what a table puts inside its canvas for screen readers 300 ms later, which
is never painted. Every step first asserts that the page shows what was asked for and no error; the first of a kind is
a warm-up and is not counted. The search is timed in the process itself, over parts of real tokens.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import facts, median, write_result
from scripts.app_browser import ROOT, Visitor, find_chromium, launch, serve, visit

SOURCE, TARGET, WIDTH = "xlm-roberta-base-rebuilt", "focus-sw-xlmr-unigram-50k", 256
BIG, DEMO = "xlmr-sw-50k", "sw-8k"
LIMITS = {BIG: {"rerun": 300}, DEMO: {"drawn": 500}}
SEARCH_MS, START_S = 50, 3
TIMER = """
window.timer = {start: 0, idle: 0, drawn: 0};
window.state = () => document.querySelector('[data-testid="stApp"]')?.getAttribute('data-test-script-state');
const Socket = WebSocket;
window.WebSocket = class extends Socket {
  constructor(...how) {
    super(...how);
    this.addEventListener('message', () => { timer.idle = performance.now(); });
  }
};
for (const kind of ['pointerdown', 'keydown'])
  addEventListener(kind, () => { timer.start = performance.now(); timer.idle = timer.drawn = 0; }, true);
new MutationObserver(records => {
  const painted = records.some(record => record.addedNodes.length && !record.target.closest?.('canvas'));
  if (painted) timer.drawn = performance.now();
}).observe(document, {subtree: true, childList: true});
"""
QUIET = (
    "() => timer.idle > timer.start && performance.now() - Math.max(timer.idle, timer.drawn) > 600"
    " && state() === 'notRunning'"
)
LINK = """
selector => {
  const links = [...document.querySelectorAll(selector)].filter(a => !a.closest('[inert]'));
  const boxes = links.map(a => a.getBoundingClientRect());
  const box = boxes.find(box => box.width > 0 && box.top > 0 && box.bottom < innerHeight);
  return [box.left + box.width / 2, box.top + box.height / 2];
}
"""


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something a reader does on a page, again and again.

    Parameters
    ----------
    what : str
        In words.
    page : str
        The last part of the page's address.
    act : callable
        Does it once; told how many times it was done before.
    shown : str
        A text that the page shows afterwards.
    """

    what: str
    page: str
    act: Callable[[Visitor, int], None]
    shown: str


def press(role: str, *names: str) -> Callable[[Visitor, int], None]:
    """Return an act that presses controls in turn.

    Parameters
    ----------
    role : str
        Their role.
    *names : str
        Their names.

    Returns
    -------
    callable
        The act.
    """

    def act(visitor: Visitor, turn: int) -> None:
        visitor.page.get_by_role(role, name=names[turn % len(names)], exact=True).first.click()

    return act


def go_to(*names: str) -> Callable[[Visitor, int], None]:
    """Return an act that goes to pages in turn by the first link that leads there."""
    from playwright.sync_api import TimeoutError

    def act(visitor: Visitor, turn: int) -> None:
        name = names[turn % len(names)]
        for _ in range(3):  # what is still being laid out can move away from under the mouse
            visitor.page.mouse.click(*visitor.page.evaluate(LINK, f'a[href*="/{name}"]'))
            with contextlib.suppress(TimeoutError):
                visitor.page.wait_for_url(f"**/{name}*", timeout=5000)
                return
        sys.exit(f"no link leads to {name}")

    return act


def slide(label: str) -> Callable[[Visitor, int], None]:
    """Return an act that moves a slider by one step to the right, then to the left."""

    def act(visitor: Visitor, turn: int) -> None:
        handle = visitor.page.get_by_role("slider", name=label).first
        handle.focus()
        handle.press("ArrowLeft" if turn % 2 else "ArrowRight")

    return act


STEPS = (
    Step(
        what="Overlap: count by occurrences or entries",
        page="overlap",
        act=press("radio", "corpus occurrences", "vocabulary entries"),
        shown="Overlap",
    ),
    Step(
        what="Overlap: group by another property",
        page="overlap",
        act=press("radio", "length in characters", "script"),
        shown="Overlap",
    ),
    Step(what="Token: the next token", page="token", act=press("button", "Next"), shown="Formula"),
    Step(what="Token: another temperature", page="token", act=slide("Temperature"), shown="Formula"),
    Step(
        what="from page to page: Overlap, Token",
        page="",
        act=go_to("overlap", "token"),
        shown="Where embeddings come from",
    ),
    Step(
        what="from page to page: Train, Compare",
        page="",
        act=go_to("train", "compare"),
        shown="Where embeddings come from",
    ),
)


def make_run(data: Path, folder: Path, threads: int) -> Path:
    """Make the large run, its training and its map with the project's own commands; return its folder."""
    from safetensors.numpy import load_file, save_file

    random = np.random.default_rng(0)
    save_file({"rows": random.standard_normal((250_002, WIDTH), dtype=np.float32)}, folder / "source.safetensors")
    run = folder / BIG
    texts = [part for file in sorted((data / "corpora" / "sw").glob("*.txt")) for part in ("--corpus", str(file))]
    names = {side: str(data / "tokenizers" / name) for side, name in (("source", SOURCE), ("target", TARGET))}
    command("init", "--source-tokenizer", names["source"], "--source-embeddings", str(folder / "source.safetensors"),
            "--target-tokenizer", names["target"], *texts, "--epochs", "3", "--threads", str(threads),
            "--output", str(run))  # fmt: skip
    rows = load_file(run / "embeddings.safetensors")["input"].astype(np.float32)
    step = np.float32(0.4 / np.sqrt(WIDTH))
    drift = random.standard_normal(rows.shape, dtype=np.float32) * np.linalg.norm(rows, axis=1, keepdims=True)
    save_file({"input": rows + step * drift}, folder / "trained.safetensors")
    command("import", str(run), str(folder / "trained.safetensors"), "--name", "drifted")
    command("project", str(run), "--trained", "drifted", "--method", "pca", "--sample", str(len(rows)))
    return run


def command(*arguments: str) -> None:
    """Run the project's command line; stop where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "focus_core", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{arguments[0]} failed: {done.stderr[-1000:]}")


def search_row(run: Path, runs: int) -> dict[str, Any]:
    """Time the search over parts of real tokens, found or not; assert that each finds the token it was cut from."""
    from focus_core.analysis.provenance.search import find_tokens
    from focus_core.runs.folder import open_run

    opened = open_run(run)
    texts = [str(text).strip() for text in opened.column("tokens", "text")]
    ids = [i for i in range(0, len(texts), len(texts) // 60) if len(texts[i]) > 3]
    queries = [texts[i][: 1 + place % 4] for place, i in enumerate(ids)] + ["zzqx", "#17"]
    find_tokens(opened, "a", limit=8)
    for i in ids[:10]:
        if i not in find_tokens(opened, texts[i], limit=len(texts)):
            sys.exit(f"the search did not find token {i}")
    seconds = []
    for _ in range(runs):
        for query in queries:
            start = time.perf_counter()
            find_tokens(opened, query, limit=8)
            seconds.append(time.perf_counter() - start)
    return row(f"token search, {len(queries)} queries", BIG, seconds, f"≤ {SEARCH_MS} ms", slowest=max(seconds))


def row(what: str, run: str, seconds: list[float], target: str, **further: float) -> dict[str, Any]:
    """Return one line of the results; further times in seconds."""
    return {
        "what": what,
        "size": run,
        "reference": "none",
        "seconds": median(seconds),
        "reference_seconds": None,
        "target": target,
        **{name: median([value]) for name, value in further.items()},
    }


def start_row(browser: Any, folder: Path, environment: dict[str, str], runs: int) -> dict[str, Any]:
    """Time the first page of fresh servers, from the first healthy answer to the last thing drawn."""
    seconds = []
    for _ in range(runs):
        with serve(folder, environment) as address:
            start = time.perf_counter()
            with visit(browser, address) as visitor:
                visitor.page.goto(address)
                visitor.page.get_by_text("Shared: the row is copied").first.wait_for()
                visitor.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
                seconds.append(time.perf_counter() - start)
    return row("server answering to Start drawn", DEMO, seconds, f"≤ {START_S} s", slowest=max(seconds))


def time_step(visitor: Visitor, step: Step, run: str, runs: int) -> dict[str, Any]:
    """Do a step several times; return its median times."""
    visitor.open(step.page, run=run)
    rerun, drawn = [], []
    for turn in range(-2, runs):  # the first two, one in each direction, fill the caches
        step.act(visitor, turn + 2)
        visitor.page.wait_for_function(QUIET)
        if visitor.page.locator('[data-testid="stException"]').count():
            sys.exit(f"{step.what}: the page shows an error")
        if turn >= 0:
            times = visitor.page.evaluate("[timer.idle - timer.start, Math.max(timer.idle, timer.drawn) - timer.start]")
            rerun.append(times[0] / 1000)
            drawn.append(times[1] / 1000)
    if not visitor.page.get_by_text(step.shown).count():
        sys.exit(f"{step.what}: the page does not show {step.shown!r}")
    kind, limit = next(iter(LIMITS[run].items()))
    counted = {"rerun": rerun, "drawn": drawn}[kind]
    return row(f"{step.what} ({kind})", run, counted, f"≤ {limit} ms", rerun=median(rerun), drawn=median(drawn))


@contextmanager
def reader(browser: Any, folder: Path, environment: dict[str, str]) -> Iterator[Visitor]:
    """Serve the app and let one reader come whose page carries the timer."""
    with serve(folder, environment) as address, visit(browser, address, width=1440, height=900) as visitor:
        visitor.page.add_init_script(TIMER)
        yield visitor
        if visitor.errors:
            sys.exit(f"the page met errors: {visitor.errors[:3]}")


def measure(run: Path, folder: Path, runs: int, chromium: str) -> list[dict[str, Any]]:
    """Measure everything; a line is printed as soon as it is known."""
    runs_folder = folder / "runs"
    (folder / "demo").mkdir(exist_ok=True)
    (folder / "demo" / BIG).symlink_to(run.resolve())
    quiet = {"FOCUS_LAB_RUNS": str(runs_folder)}
    rows = [search_row(run, runs)]
    with launch(chromium) as browser:
        rows.append(start_row(browser, folder, quiet, runs))
        for name, environment in ((BIG, quiet | {"FOCUS_LAB_DEMO_RUNS": str(folder / "demo")}), (DEMO, quiet)):
            with reader(browser, folder, environment) as visitor:
                for step in STEPS:
                    rows.append(time_step(visitor, step, name, runs))
                    print("{what}, {size}: {seconds} s".format(**rows[-1]), flush=True)
    return rows


def main() -> None:
    """Make the run where none is given, measure, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("FOCUS_LAB_DATA"))
    parser.add_argument("--run", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    chromium = find_chromium()
    if chromium is None or (options.run is None and options.data is None):
        sys.exit("needs a Chromium, and --run, --data or FOCUS_LAB_DATA")
    before = facts(options.threads)
    print(f"load {before['load']}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = options.run or make_run(options.data, folder, options.threads)
        rows = measure(run, folder, options.runs, chromium)
    for found in rows[:2]:
        print("{what}, {size}: {seconds} s".format(**found))
    write_result("app", before | {"load_after": facts(options.threads)["load"]}, rows)


if __name__ == "__main__":
    main()
