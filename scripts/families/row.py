"""One row: a family built, put through the product's verbs, and judged from outside."""

from __future__ import annotations

import contextlib
import io
import json
import math
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from scripts.families.build import build_source
from scripts.families.catalogue import Kind
from scripts.families.judge import (
    NotJudgedError,
    compare_forward,
    compare_generation,
    load_side,
    mapped_eos,
)
from scripts.families.tokenizers import ONLY_TARGET, SHARED, Pair, text_lines

STEPS = ("init", "proof", "export", "forward", "generate", "adapt", "evaluate", "extend")
"""The columns in the order in which they are judged."""
COLUMNS = ("init", "export", "proof", "forward", "generate", "adapt", "evaluate", "extend")
RIGHT, REFUSED, WRONG, NONE = "right", "refused", "wrong", "n/a"
N_LINES = 300
METHOD = ("--method", "subword-mean", "--no-examples")


def judge_kind(
    kind: Kind,
    folder: Path,
    keep: Callable[[dict[str, Any]], None] = lambda row: None,
    *,
    columns: Sequence[str] = STEPS,
) -> dict[str, Any]:
    """Return the row of a family.

    Parameters
    ----------
    kind : Kind
        The family.
    folder : Path
        An empty folder to work in.
    keep : callable, default=None
        Receives the row after every step.
    columns : sequence of str, default=STEPS
        Which are judged, in this order.

    Returns
    -------
    dict
        ``type, class, mapping, tokenizer, kind, built`` and each of `COLUMNS` as ``[verdict, words]``.
    """
    row: dict[str, Any] = {"type": kind.model_type, "class": kind.class_name, "mapping": kind.mapping}
    try:
        with _quiet():
            pair = build_source(kind, folder)
            load_side(folder / "source", kind.class_name, {0: 0}, pair.source)
    except BaseException as reason:
        if isinstance(reason, KeyboardInterrupt):
            raise
        row |= {"tokenizer": kind.tokenizer, "built": False, "reason": one_line(reason)}
        keep(row)
        return row
    row |= {"tokenizer": pair.built_by, "kind": pair.kind, "built": True, "copied": len(pair.ordinary())}
    keep(row)
    steps = _Row(kind, folder, pair)
    for column in columns:
        row[column] = steps.judge(column)
        keep(row)
    return row


def finished(row: dict[str, Any], reason: str) -> dict[str, Any]:
    """Return a row whose process was stopped: the column that it was at is wrong, those after it are not known."""
    missing = [column for column in STEPS if column not in row] if row["built"] else []
    return row | {column: [NONE, ""] if n else [WRONG, reason] for n, column in enumerate(missing)}


def one_line(reason: BaseException) -> str:
    """Return an exception as one line without paths."""
    lines = [line.strip() for line in str(reason).splitlines() if line.strip()]
    text = lines[-1] if type(reason).__name__.startswith("Strict") and lines else lines[0] if lines else ""
    return f"{type(reason).__name__}: {text}"[:200]


@contextlib.contextmanager
def _quiet() -> Any:
    """Swallow what libraries print."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


class _Row:
    """The steps of one row; each looks at what those before it left."""

    def __init__(self, kind: Kind, folder: Path, pair: Pair) -> None:
        self.kind, self.folder, self.pair = kind, folder, pair
        self.copied, self.made = pair.ordinary(), dict[str, list[str]]()
        self.corpus = folder / "lines.txt"
        self.corpus.write_text("\n".join(text_lines(SHARED, N_LINES)) + "\n", encoding="utf-8")

    def judge(self, column: str) -> list[str]:
        """Return the verdict of a column and its words."""
        needed = {"init": "", "extend": "", "forward": "export", "generate": "export"}.get(column, "init")
        if needed and self.made[needed][0] != RIGHT:
            self.made[column] = [NONE, "refused before" if self.made[needed][0] == REFUSED else ""]
        else:
            self.made[column] = getattr(self, f"_{column}")()
        return self.made[column]

    def _init(self) -> list[str]:
        return self._verb("init", *self._named("run"), *METHOD)

    def _named(self, run: str) -> tuple[str, ...]:
        source, target = str(self.folder / "source"), str(self.folder / "target")
        return ("--source", source, "--target-tokenizer", target, "--output", str(self.folder / run))

    def _verb(self, *words: str) -> list[str]:
        """Run a verb of the product in this process; return its verdict."""
        status, said = run_verb(words)
        if status == 0:
            return [RIGHT, ""]
        return [REFUSED if status == 2 and said.count("\n") == 0 else WRONG, said]

    def _export(self, run: str = "run", out: str = "out") -> list[str]:
        return self._verb("export", str(self.folder / run), str(self.folder / out))

    def _proof(self) -> list[str]:
        manifest = json.loads((self.folder / "run" / "manifest.json").read_text(encoding="utf-8"))
        proof = manifest.get("proof") or manifest["notes"].get("proof")
        if not isinstance(proof, dict):
            return [NONE, "the run holds none"]
        verdict = str(proof.get("verdict"))
        words = str(proof.get("reason") or proof.get("note") or "")
        return [RIGHT if verdict == "right" else WRONG if verdict == "wrong" else verdict, words]

    def _sides(self, out: str, tokenizer: Any, ids: dict[int, int]) -> tuple[Any, Any]:
        itself = {i: i for i in ids}
        with _quiet():
            source = load_side(self.folder / "source", self.kind.class_name, itself, self.pair.source)
            return source, load_side(self.folder / out, self.kind.class_name, ids, tokenizer)

    def _ends(self, ids: dict[int, int]) -> tuple[int | None, int | None]:
        tokenizer = self.pair.source
        first = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else tokenizer.bos_token_id
        last = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
        return (first if first in ids else None), (last if last in ids else None)

    def _forward(self) -> list[str]:
        return _judged(self._compare)

    def _compare(self) -> str:
        source, result = self._sides("out", self.pair.target, self.pair.shared)
        return compare_forward(source, result, self.copied, self._ends(self.pair.shared))

    def _generate(self) -> list[str]:
        return _judged(self._continue)

    def _continue(self) -> str:
        source, result = self._sides("out", self.pair.target, self.pair.shared)
        if not source.model.can_generate():
            raise NotJudgedError("generates no text")
        wrong = mapped_eos(self.folder / "source", self.folder / "out", self.pair.shared)
        return wrong or compare_generation(source, result, self.copied)

    def _adapt(self) -> list[str]:
        sizes = (
            "--steps",
            "2",
            "--batch-tokens",
            "256",
            "--max-seq-length",
            "32",
            "--evaluations",
            "2",
            "--threads",
            "1",
        )
        return self._verb("adapt", str(self.folder / "run"), "--name", "a", "--corpus", str(self.corpus), *sizes)

    def _evaluate(self) -> list[str]:
        run = str(self.folder / "run")
        targets = [run, f"{run}:a"] if self.made["adapt"][0] == RIGHT else [run]
        return _finite(*run_verb(("evaluate", *targets, "--corpus", str(self.corpus), "--json"), output=True))

    def _extend(self) -> list[str]:
        made = self._verb("init", *self._named("longer"), *METHOD, "--extend")
        if made[0] != RIGHT:
            return made
        made = self._export("longer", "outlonger")
        return _judged(self._extended) if made[0] == RIGHT else made

    def _extended(self) -> str:
        from transformers import AutoTokenizer

        ids = {i: i for i in self.pair.source.get_vocab().values()}
        with _quiet():
            tokenizer = AutoTokenizer.from_pretrained(self.folder / "outlonger")
        source, result = self._sides("outlonger", tokenizer, ids)
        appended = [i for i in tokenizer(" ".join(ONLY_TARGET))["input_ids"] if i >= len(self.pair.source)]
        if not appended:
            return "no appended token is ever read"
        return compare_forward(source, result, self.copied, self._ends(ids))


def run_verb(words: tuple[str, ...], *, output: bool = False) -> tuple[int, str]:
    """Run the product's command line in this process.

    Parameters
    ----------
    words : tuple of str
        Its arguments.
    output : bool, default=False
        Whether to return what was printed where it succeeds.

    Returns
    -------
    status : int
        The exit status; 1 where it ends in a traceback.
    words : str
        What it said last.
    """
    from focus_core.cli.main import run

    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = run(list(words))
    except Exception as reason:
        place = traceback.extract_tb(reason.__traceback__)
        own = next((f"{Path(f.filename).name}:{f.lineno}" for f in reversed(place) if "focus_core" in f.filename), "")
        return 1, f"{words[0]}: {one_line(reason)} at {own}"
    lines = [line for line in err.getvalue().splitlines() if line.strip() and "it/s]" not in line]
    return status, out.getvalue() if output and status == 0 else f"{words[0]}: {lines[-1] if lines else ''}"[:300]


def _finite(status: int, said: str) -> list[str]:
    """Return the verdict of an evaluation: every number that it gives is finite."""
    if status:
        return [REFUSED if status == 2 else WRONG, said]
    report = json.loads(said)
    numbers = [value for value in _numbers(report) if value is not None]
    if not numbers or not all(math.isfinite(value) for value in numbers):
        return [WRONG, "evaluate: a number that is not finite"]
    return [RIGHT, ""]


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for entry in value.values() for number in _numbers(entry)]
    if isinstance(value, list):
        return [number for entry in value for number in _numbers(entry)]
    return [float(value)] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def _judged(step: Callable[[], str]) -> list[str]:
    """Return the verdict of a comparison."""
    try:
        with _quiet():
            wrong = step()
    except NotJudgedError as reason:
        return [NONE, str(reason)]
    except Exception as reason:
        return [WRONG, one_line(reason)]
    return [WRONG if wrong else RIGHT, wrong]
