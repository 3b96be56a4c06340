"""Build the demo's run folders: real text for the counts and the vectors, our own sentences for the examples."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from pathlib import Path

from demo_data import read_lines

from focus_core.api import run_request
from focus_core.artifacts import dump_json
from focus_core.corpus.corpus import open_corpus
from focus_core.initialization.auxiliary.token_stream import tokenise_corpus
from focus_core.initialization.config import InitConfig
from focus_core.initialization.request import InitRequest
from focus_core.initialization.result import FocusResult
from focus_core.runs.writer import write_run

SOURCE = "assets/demo/source"


def write_training_text(data: Path, language: str, folder: Path) -> Path:
    """Write the lines of a language that are not held out; what is held out stays unseen by every step."""
    path = folder / f"{language}.txt"
    lines = read_lines(data, language, held_out=False)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def initialise(data: Path, language: str, *, vocab_size: int) -> FocusResult:
    """Train the target tokenizer and the vectors on the real text and run FOCUS; no line of it is kept."""
    with tempfile.TemporaryDirectory(prefix="focus-lab-demo-") as name:
        corpus = write_training_text(data, language, Path(name))
        config = InitConfig(threads=1, examples=False)
        request = InitRequest(
            source=SOURCE, train_tokenizer="unigram", vocab_size=vocab_size, corpus=(corpus,), config=config
        )
        result = run_request(request, progress=tell)
    own = Path("assets/corpora") / f"{language}.txt"
    with tempfile.TemporaryDirectory(prefix="focus-lab-demo-") as name:
        stream = tokenise_corpus(open_corpus([own]), result.target, Path(name) / "stream.txt")
    return dataclasses.replace(result, examples=stream.examples)


def tell(stage: str, done: float, total: float, note: str = "") -> None:
    """Print progress where a stage begins or ends."""
    if not done or done >= total:
        print(stage, done, total, note, flush=True)


def write_demo_run(result: FocusResult, output: Path) -> None:
    """Write a run without times and paths, its source named from the project's folder; trainings beside it stay."""
    part = output.with_name(f"{output.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    write_run(result, part)
    (part / "log").mkdir(exist_ok=True)
    (part / "log" / "source.json").write_text(dump_json({"spec": SOURCE}) + "\n")
    if (output / "training").is_dir():  # trainings of the other methods do not depend on this run's weights
        (output / "training").rename(part / "training")
    shutil.rmtree(output, ignore_errors=True)
    part.rename(output)
