"""Where new words land: how often a new Swahili word lies next to its English translation, by method.

Usage: ``python -m benchmarks.bench_translation [METHOD...] [--data DIR] [--work DIR] [--pairs 40000]``.

The source is potion-base-4m, English static embeddings that know no Swahili: whatever brings a Swahili word next to its
translation was brought by the method. The target is the demo's Swahili tokenizer of 8,000 tokens. Parallel text is
TICO-19 and the Bible; text the Bible and Voice of America; a dictionary is one half of Wiktionary's source words, and
then the other half is asked for. Measured is P@1: of the words of the dictionary that are one token on either side, how
many have a right translation as the nearest of all candidates by cosine; tokens that the vocabularies share apart.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

from benchmarks.common import facts, write_result
from focus_core.api import run_request
from focus_core.corpus.dictionary import read_dictionary
from focus_core.corpus.parallel import read_parallel
from focus_core.experiments.measures import find_listed, is_given, measure_retrieval
from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.request import InitRequest
from focus_core.models.source import load_source
from focus_core.types import MatchMode, Need

NAME = "translation"
SOURCE = "models/potion-base-4m-int8"
TARGET = Path(__file__).resolve().parent.parent / "assets/demo/runs/sw-8k/target_tokenizer"
TEXTS = ("corpora/sw/bible_neno.txt", "corpora/sw/voa_news.txt")
DICTIONARY, VERSES, TICO = (
    "dict/wiktionary_en-sw.tsv",
    "parallel/multi/bible_en-de-sw-ha.tsv",
    "parallel/en-sw/tico19.tsv",
)
MEASURABLE = (Need.TEXT, Need.PARALLEL, Need.DICTIONARY)


def write_inputs(data: Path, work: Path, pairs: int) -> dict[str, Path]:
    """Write the pairs of lines and the half of the dictionary that methods are given; return where they lie."""
    verses = read_parallel(data / VERSES, source_column="en", target_column="sw").pairs
    lines = [*read_parallel(data / TICO).pairs, *verses][:pairs]
    half = [pair for pair in read_dictionary(data / DICTIONARY).pairs if is_given(pair[0])]
    found = {"parallel": work / "pairs.tsv", "dictionary": work / "dictionary.tsv"}
    for name, rows in (("parallel", lines), ("dictionary", half)):
        found[name].write_text("".join(f"{a}\t{b}\n" for a, b in rows), encoding="utf-8")
    return found


def measure(method: str, data: Path, inputs: dict[str, Path]) -> dict[str, Any]:
    """Initialise by one method and look every word of the dictionary up."""
    needs = METHODS[method].needs
    given: dict[str, Any] = {name: path for name, path in inputs.items() if Need(name) in needs}
    if Need.TEXT in needs:
        given["corpus"] = tuple(data / text for text in TEXTS)
    config = InitConfig(method=method, threads=1, device="cpu")
    start = time.perf_counter()
    made = run_request(InitRequest(source=str(data / SOURCE), target_tokenizer=str(TARGET), config=config, **given))
    seconds = time.perf_counter() - start
    rows = load_source(str(data / SOURCE)).input.float().numpy()
    pairs = find_listed(
        made.source, made.target, read_dictionary(data / DICTIONARY).pairs, rows, match=MatchMode.EXACT,
        given=Need.DICTIONARY in needs,
    )  # fmt: skip
    found = measure_retrieval(pairs, made.embeddings["input"].float().numpy(), seed=0)
    kept = {"counts": made.counts["by_origin"], "notes": made.notes.get("method"), "seconds": round(seconds, 1)}
    return {"method": method, **found, **kept}


def say(row: dict[str, Any]) -> None:
    """Print one row."""
    new, shared = (row[name]["precision"]["1"] for name in ("new", "shared"))
    n = row["new"]["n_words"]
    print(
        f"{row['method']:20} P@1 new {new:.3f} of {n:,} words, shared {shared:.3f}, {row['seconds']:.0f} s", flush=True
    )


def main() -> None:
    """Measure, print, and write the results."""
    able = [name for name, method in METHODS.items() if set(method.needs) <= set(MEASURABLE)]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("methods", nargs="*", choices=[*able, []], default=[])
    parser.add_argument("--data", type=Path, default=os.environ.get("FOCUS_LAB_DATA"))
    parser.add_argument("--work", type=Path, default=Path("build/translation"))
    parser.add_argument("--pairs", type=int, default=40_000)
    options = parser.parse_args()
    if options.data is None:
        raise SystemExit("name the folder of real data with --data or FOCUS_LAB_DATA")
    options.work.mkdir(parents=True, exist_ok=True)
    inputs = write_inputs(Path(options.data), options.work, options.pairs)
    command = f"python -m benchmarks.bench_{NAME} --pairs {options.pairs}"
    environment, rows = facts(1) | {"command": command}, []
    for method in options.methods or able:
        rows.append(measure(method, Path(options.data), inputs))
        say(rows[-1])
    n_pairs = len(read_parallel(inputs["parallel"]).pairs)
    settings = {"n_pairs": n_pairs, "source": Path(SOURCE).name, "target": "sw-8k"}
    write_result(NAME, environment | {"settings": settings}, rows)


if __name__ == "__main__":
    main()
