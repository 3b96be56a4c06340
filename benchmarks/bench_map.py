"""The canvas of the page Map at 50,000 points, in a real Chromium: hover, lasso, repaint, and what is sent.

Usage: ``python -m benchmarks.bench_map [--tokens 50000] [--runs 5] [--threads N] [--scheme light]``.

The run is synthetic: 50,000 made-up words of which a fifth is shared with a source of 20,000, every other row a mean of
ten source rows; a training with made-up measures of change; a joint layout of both states around 200 centres. A fresh
server and a fresh Chromium without a graphics card open the page. *Hover* is from a pointer event's own time stamp to
the first frame after the ring was drawn in both panes; a run is the median of 20 points. *Lasso* is from the release of
the button to the first frame with the table of that selection. *Repaint* is one full painting of both panes. Bytes are
those of the web socket's messages.

Before anything is printed, every hover must find the point that is nearest on the screen, and every lasso the points
that an even-odd count in NumPy finds inside.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import facts, median, write_result
from scripts.app_browser import Visitor, find_chromium, launch, serve, visit

N_SOURCE, N_SHARED, WIDTH, N_WEIGHTS, SEED = 20_000, 10_000, 32, 10, 7
N_CENTRES, N_HOVERS, MIN_CORNERS, WAIT_MS = 200, 20, 12, 120_000
TARGETS = {"hover": 0.05, "lasso": 0.5}
SYLLABLES = [c + v for c in "bcdfghjklmnprstvwyz" for v in "aeiou"]
MAP = (
    """[...document.querySelectorAll('*')].map((e) => e.shadowRoot?.querySelector('.stage')?.focusMap).find((m) => m)"""
)
STARTED = """() => {
    window.times = { hover: [], lasso: [], path: [] };
    const m = MAP;
    const end = m.endLasso;
    m.endLasso = function (lasso) { window.times.path = lasso.path; return end.call(this, lasso); };
    const after = (done) => requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = done;
        port2.postMessage(0);
    });
    m.top.addEventListener('pointermove', (event) => {
        const was = m.hovered;
        const done = () => window.times.hover.push([event.timeStamp, performance.now(), m.hovered, was]);
        queueMicrotask(() => after(done));
    }, true);
    m.top.addEventListener('pointerup', (event) => {
        const begin = event.timeStamp;
        const look = () => {
            const box = document.querySelector('.st-key-map_selection');
            const words = box?.innerText.match(/([\\d,]+) tokens on this map/)?.[1].replaceAll(',', '');
            const table = box?.querySelector('[data-testid="stDataFrame"] canvas');
            if (m.selected && Number(words) === m.selected.length && table) {
                after(() => window.times.lasso.push([begin, performance.now()]));
            } else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
    }, true);
}""".replace("MAP", MAP)


def words(n: int) -> list[str]:
    """Return different made-up words, each with the mark of a word's start."""
    base = len(SYLLABLES)
    return ["▁" + SYLLABLES[i % base] + SYLLABLES[i // base % base] + SYLLABLES[i // base**2 % base] for i in range(n)]


def make_run(folder: Path, n: int) -> None:
    """Write the run, its training and its layout."""
    from focus_core.runs.folder import open_run
    from focus_core.runs.writer import write_run
    from tests.tiny_runs import add_projection, add_training

    part = folder.with_name("part")
    part.mkdir(parents=True)
    write_run(result(n), part)
    part.rename(folder)
    run = open_run(folder)
    random = np.random.default_rng(SEED)
    total = len(run.column("tokens", "id"))
    k = np.round(10 * random.beta(2, 2, total))
    changes = {"cosine": random.beta(8, 1.5, total), "norm_ratio": np.ones(total), "kept": k / (20 - k)}
    add_training(run, "made-up", trained=run.embeddings(), changes=changes)
    centres = random.normal(size=(N_CENTRES, 2)) * 10
    plane = centres[random.integers(0, N_CENTRES, total)] + random.normal(size=(total, 2))
    members = {"initialised": plane, "trained:made-up": plane + 0.6 * random.normal(size=plane.shape)}
    add_projection(run, "made-up", members, np.arange(total))


def result(n: int) -> Any:
    """Return a finished initialisation of made-up words."""
    import scipy.sparse
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers

    from focus_core.initialization.config import InitConfig
    from focus_core.initialization.overlap.matching import match_vocabularies
    from focus_core.initialization.result import FocusResult
    from focus_core.initialization.weights import WeightMatrix
    from focus_core.tokenization.vocabulary import vocabulary_from_backend
    from focus_core.types import ORIGINS, RULES, MatchMode, Origin, Rule

    def vocabulary(names: list[str], title: str) -> Any:
        tokenizer = Tokenizer(models.Unigram([("<unk>", 0.0), *((name, -1.0) for name in names)], unk_id=0))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        return vocabulary_from_backend(tokenizer, name=title, config={"unk_token": "<unk>"})

    every = words(n + N_SOURCE - N_SHARED)
    source, target = vocabulary(every[-N_SOURCE:], "made-up source"), vocabulary(every[:n], "made-up target")
    overlap = match_vocabularies(source, target, mode=MatchMode.EXACT)
    random = np.random.default_rng(SEED)
    rules = np.full(target.n, RULES.index(Rule.NONE), dtype=np.uint8)
    rules[overlap.target_ids] = overlap.rules
    origins = np.full(target.n, ORIGINS.index(Origin.COMBINED), dtype=np.uint8)
    origins[overlap.target_ids] = ORIGINS.index(Origin.COPIED)
    sizes = np.where(origins == ORIGINS.index(Origin.COPIED), 1, N_WEIGHTS)
    indptr = np.concatenate([[0], np.cumsum(sizes)])
    # one source token in each of ten equal parts of the vocabulary: ascending, and none twice
    steps = np.arange(N_WEIGHTS) * (source.n // N_WEIGHTS)
    fed = steps + random.integers(0, source.n // N_WEIGHTS, (target.n, N_WEIGHTS))
    columns = np.concatenate([row[:size] for row, size in zip(fed, sizes, strict=True)]).astype(np.int32)
    columns[indptr[overlap.target_ids]] = overlap.source_ids
    shares = np.repeat(1.0 / sizes, sizes).astype(np.float32)
    matrix = scipy.sparse.csr_array((shares, columns, indptr), shape=(target.n, source.n))
    rows = random.normal(size=(source.n, WIDTH)).astype(np.float32)
    return FocusResult(
        source=source,
        target=target,
        overlap=overlap,
        auxiliary=None,
        weights=WeightMatrix(
            matrix=matrix, similarities=np.full(matrix.nnz, np.nan, np.float32), origins=origins, rules=rules
        ),
        embeddings={"input": torch.from_numpy(np.asarray(matrix @ rows, dtype=np.float32))},
        statistics={"mean": rows.mean(axis=0), "std": rows.std(axis=0, ddof=1)},
        config=InitConfig(dim=WIDTH, min_count=1),
        frequency=(10**6 / (1 + np.arange(target.n))).astype(np.int64),
        source_frequency=np.zeros(source.n, dtype=np.int64),
        corpus={"n_lines": 1, "n_characters": 1, "n_tokens": 1, "n_bytes": 1},
    )


def ask(visitor: Visitor, question: str, value: Any = None) -> Any:
    """Evaluate something about the map; ``m`` is the map, ``v`` the value."""
    return visitor.page.evaluate(f"(v) => {{ const m = {MAP}; return {question}; }}", value)


def on_screen(visitor: Visitor, pane: int) -> np.ndarray:
    """Return where every row lies in the window, shape (n, 2)."""
    question = "Array.from({ length: m.points.n }, (_, r) => (({ x, y }) => [x, y])(m.placesOf(r)[v]))"
    return np.array(ask(visitor, question, pane)) + stage_corner(visitor)


def stage_corner(visitor: Visitor) -> np.ndarray:
    """Return where the canvas begins in the window."""
    box = visitor.page.locator(".focus-map .stage").bounding_box()
    return np.array([box["x"], box["y"]])


def inside(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Say which points lie inside a polygon, by the even-odd rule."""
    odd = np.zeros(len(points), dtype=bool)
    for (xa, ya), (xb, yb) in zip(polygon, np.roll(polygon, 1, axis=0), strict=True):
        crosses = (ya > points[:, 1]) != (yb > points[:, 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            odd ^= crosses & (points[:, 0] < (xb - xa) * (points[:, 1] - ya) / (yb - ya) + xa)
    return odd


def hovers(visitor: Visitor, runs: int) -> list[float]:
    """Return the median seconds of every run of hovers; stop where another point than the nearest was found."""
    random = np.random.default_rng(SEED)
    medians = []
    for run in range(-1, runs):
        found = []
        pane = run % 2
        points = on_screen(visitor, pane)
        for row in random.choice(len(points), N_HOVERS, replace=False):
            x, y = points[row] + 0.3
            visitor.page.evaluate("() => { times.hover = []; }")
            visitor.page.mouse.move(x, y)
            visitor.page.wait_for_function("() => times.hover.length", timeout=WAIT_MS)
            begin, end, hovered, before = visitor.page.evaluate("() => times.hover.at(-1)")
            far = np.hypot(*(points[[hovered, row]] - [x, y]).T)
            if hovered < 0 or far[0] > far[1] + 0.6:
                sys.exit(f"hover found row {hovered} at {far[0]:.2f} pixels, not {row} at {far[1]:.2f}")
            if hovered != before:
                found.append((end - begin) / 1000)
        if run >= 0:
            medians.append(median(found))
    return medians


def lassos(visitor: Visitor, runs: int, traffic: dict[str, list[int]]) -> tuple[list[float], list[int], list[int]]:
    """Return seconds and sizes of every lasso, and the bytes received for it; stop where one selects other points."""
    found, sizes, received = [], [], []
    for run in range(-1, runs):
        points = on_screen(visitor, 1)
        corner = stage_corner(visitor)
        middle, radius = np.median(points, axis=0), 20.0 + 2 * run
        angles = 2 * math.pi * np.arange(40) / 40
        path = middle + radius * np.column_stack([np.cos(angles), np.sin(angles)])
        visitor.page.evaluate("() => { times.lasso = []; }")
        traffic["received"].clear()
        visitor.page.keyboard.down("Shift")
        visitor.page.mouse.move(*path[0])
        visitor.page.mouse.down()
        for x, y in path[1:]:
            visitor.page.mouse.move(x, y)
        visitor.page.mouse.up()
        visitor.page.keyboard.up("Shift")
        visitor.page.wait_for_function("() => times.lasso.length", timeout=WAIT_MS)
        begin, end = visitor.page.evaluate("() => times.lasso.at(-1)")
        selected = set(ask(visitor, "[...m.selected]"))
        drawn = np.array(visitor.page.evaluate("() => times.path")) + corner
        expected = set(np.flatnonzero(inside(points, drawn)).tolist())
        if selected != expected or len(drawn) < MIN_CORNERS:
            sys.exit(f"a lasso of {len(drawn)} corners has {len(selected)} points, not the {len(expected)} inside")
        visitor.settle()
        if run >= 0:
            found.append((end - begin) / 1000)
            sizes.append(len(selected))
            received.append(sum(traffic["received"]))
    return found, sizes, received


def repaints(visitor: Visitor, runs: int) -> list[float]:
    """Return the seconds of one painting of all points in both panes."""
    return [ask(visitor, "(m.paint(), m.took)") / 1000 for _ in range(runs)]


def measure(visitor: Visitor, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Open the page and time everything on it."""
    traffic: dict[str, list[int]] = {"received": [], "sent": []}

    def watch(socket: Any) -> None:
        socket.on("framereceived", lambda data: traffic["received"].append(len(data)))
        socket.on("framesent", lambda data: traffic["sent"].append(len(data)))

    visitor.page.on("websocket", watch)
    visitor.open("map", run="big")
    visitor.page.wait_for_function(f"() => {MAP}?.points", timeout=WAIT_MS)
    visitor.settle()
    payload = max(traffic["received"])
    visitor.page.evaluate(STARTED)
    repaint = repaints(visitor, options.runs)
    hover = hovers(visitor, options.runs)
    lasso, sizes, received = lassos(visitor, options.runs, traffic)
    size = f"{options.tokens:,} points, two panes"
    rows = [
        {"what": "Map: hover to rings in both panes", "seconds": median(hover), "target": "≤ 50 ms",
         "all_seconds": hover},
        {"what": "Map: lasso to table shown", "seconds": median(lasso), "target": "≤ 500 ms", "all_seconds": lasso,
         "selected": sizes, "bytes_received": received},
        {"what": "Map: one painting of both panes", "seconds": median(repaint), "all_seconds": repaint},
    ]  # fmt: skip
    shared = {"size": size, "reference": "none", "reference_seconds": None, "payload_bytes": payload}
    return [{**shared, **row} for row in rows]


def main() -> None:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--scheme", choices=["light", "dark"], default="light")
    parser.add_argument("--output", type=Path, default=None, help="a folder for the result, in place of results/")
    options = parser.parse_args()
    chromium = find_chromium()
    if chromium is None:
        sys.exit("no Chromium on this machine")
    before = facts(options.threads)
    print(f"load {before['load']}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_run(folder / "demo" / "big", options.tokens)
        environment = {"FOCUS_LAB_DEMO_RUNS": str(folder / "demo"), "FOCUS_LAB_RUNS": str(folder / "runs")}
        with (
            serve(folder, environment) as address,
            launch(chromium) as browser,
            visit(browser, address, scheme=options.scheme, width=1440, height=1300) as visitor,
        ):
            rows = measure(visitor, options)
            if visitor.errors:
                sys.exit(f"the page failed: {visitor.errors[:3]}")
    for row in rows:
        print(f"{row['what']}, {row['size']}: {row['seconds'] * 1000:.4g} ms {row.get('target', '')}")
    lasso = rows[1]
    print(f"points, once a layout: {rows[0]['payload_bytes']:,} bytes; "
          f"a lasso of {lasso['selected']} points brings {lasso['bytes_received']} bytes")  # fmt: skip
    load = facts(options.threads)["load"]
    print(f"load after {load}")
    facts_now = before | {"load_after": load}
    write_result("map", facts_now, rows, **({"folder": options.output} if options.output else {}))


if __name__ == "__main__":
    main()
