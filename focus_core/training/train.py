"""From a run and a text, or pairs of lines, to a trained state in the run's folder."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from focus_core.artifacts import dump_json, write_arrays
from focus_core.corpus.corpus import Corpus, open_corpus
from focus_core.corpus.parallel import ParallelText, read_parallel, split_pairs
from focus_core.errors import RunFolderError, bad_input, option, phrase
from focus_core.export.run_model import load_run_model
from focus_core.export.sentence_encoder import load_run_encoder, load_source_encoder
from focus_core.numerics.similarity import resolve_device
from focus_core.runs.additions import addition_path
from focus_core.runs.folder import RunFolder, open_run
from focus_core.runs.log import growing_run, part_of
from focus_core.runs.writer import write_manifest
from focus_core.training import writer as files
from focus_core.training.checkpoint import CHECKPOINT, State
from focus_core.training.dataset import read_text
from focus_core.training.distill import TEACHER, Distillation, ask_teacher
from focus_core.training.drift import measure_change, write_change
from focus_core.training.language import LanguageModelling
from focus_core.training.loop import Trainer
from focus_core.training.options import Objective, Precision, TrainConfig, Trained, with_current_names
from focus_core.training.pairs import encode_pairs, read_hashes
from focus_core.types import ProgressHook, no_progress, stage_of, tell_all

OPTIONS = "options.json"
READ_LINES = "read_lines.safetensors"
"""The hashes of all lines of the pairs that a distillation read: what is measured later leaves these lines out."""

MAY_CHANGE = ("learning_rate", "device", "threads")


def adapt_run(
    run: str | Path | RunFolder,
    *,
    name: str,
    config: TrainConfig,
    corpus: Sequence[Path | str] = (),
    parallel: Path | str | None = None,
    source_column: str | None = None,
    target_column: str | None = None,
    field: str = "text",
    encoding: str | None = None,
    source: str | Path | None = None,
    held_out_from: int = 0,
    resume: bool = False,
    terminal: IO[str] | None = None,
    progress: ProgressHook = no_progress,
) -> Path:
    """Train the model of a run on text in its new vocabulary.

    Parameters
    ----------
    run : str, Path or RunFolder
        A finished run whose source has a backbone, and a language-model head unless the objective is ``distill``.
    name : str
        What the training is called; its folder is ``RUN/training/NAME``.
    config : TrainConfig
        The options.
    corpus : sequence of Path or str, default=()
        Text, one sentence a line; a part of the lines is kept aside to measure on.
    parallel : Path or str, default=None
        With ``distill``, pairs of a source line and its translation in place of a text; see `read_parallel`.
    source_column, target_column : str, default=None
        The columns of ``parallel``; ``None`` is right for two and three columns.
    field : str, default="text"
        Field or column that holds the text.
    encoding : str, default=None
        Encoding of the files; ``None`` is UTF-8.
    source : str or Path, default=None
        Where the source model is; ``None`` takes what the run's log remembers.
    held_out_from : int, default=0
        Which slice of a text's lines is kept aside; see `focus_core.corpus.held_out.is_held_out`.
    resume : bool, default=False
        Whether to go on with an interrupted training of that name and these options.
    terminal : file, default=None
        Where progress is printed; ``None`` prints none.
    progress : ProgressHook, default=no_progress
        Told the same; raising from it cancels.

    Returns
    -------
    Path
        The folder of the training: its matrices, its backbone where that was trained, its curve, a table of tokens and
        snapshots on the way.

    Raises
    ------
    InvalidInputError
        If an input cannot be used, the name is taken, or there is nothing to resume.
    DivergedError
        If the loss ran away; the last good checkpoint is kept.

    Notes
    -----
    Where the process is killed, the folder ``NAME.part`` keeps the last checkpoint, at most a minute old. A resumed
    training ends with the same weights as one that never stopped, for an equal number of threads.
    """
    run = run if isinstance(run, RunFolder) else open_run(run)
    output = training_folder(run, name)
    text = _read_input(config, corpus, parallel, (source_column, target_column), field=field, encoding=encoding)
    with growing_run(output, checkpoint=CHECKPOINT, resume=resume, terminal=terminal) as (part, log):
        _resolve_options(part, config, text, held_out_from, resume=resume)
        tell = tell_all(log, progress)
        with stage_of(tell, "read"):
            trainer = _trainer(run, text, config, source, held_out_from, part, tell)
            trainer.check()
        state = trainer.run(
            lambda step: files.write_snapshot(part, trainer.model, step), lambda: choose_precision(config, trainer)
        )
        with stage_of(tell, "write"):
            _write(part, run, name, trainer, state)
            (part / OPTIONS).unlink()
    return output


def _read_input(
    config: TrainConfig,
    corpus: Sequence[Path | str],
    parallel: Path | str | None,
    columns: tuple[str | None, str | None],
    *,
    field: str,
    encoding: str | None,
) -> Corpus | ParallelText:
    """Return the text or the pairs that an objective learns from; refuse what it does not read."""
    distil = config.objective is Objective.DISTILL
    reads, other = ("parallel", "corpus") if distil else ("corpus", "parallel")
    given = {"corpus": bool(corpus), "parallel": parallel is not None}
    if given[other]:
        remedy = phrase("leave it out, or give {objective} {}", "mlm or clm" if distil else Objective.DISTILL)
        raise bad_input(option(other), phrase("{} alone", option(reads)), "both" if given[reads] else "it", remedy)
    if not given[reads]:
        what = "pairs of lines to distill from, in a .tsv file" if distil else "a text to train on"
        raise bad_input(option(reads), what, "none", phrase("name a file with {}", option(reads)))
    if parallel is not None:
        return read_parallel(parallel, source_column=columns[0], target_column=columns[1], encoding=encoding)
    return open_corpus(corpus, field=field, encoding=encoding)


def training_folder(run: RunFolder, name: str) -> Path:
    """Return the folder of a training of that name."""
    return addition_path(run.path, "training", name, subject=option("name"))


def _resolve_options(part: Path, config: TrainConfig, text: Corpus | ParallelText, first: int, *, resume: bool) -> None:
    """Note the options of a training that begins; one that goes on must have the same."""
    read = {"corpus" if isinstance(text, Corpus) else "parallel": text.digest}
    options = {**config.to_dict(), **read, **({"held_out_from": first} if first else {})}
    path = part / OPTIONS
    if not resume:
        path.write_text(dump_json(options), encoding="utf-8", newline="\n")
        return
    before = with_current_names(json.loads(path.read_text(encoding="utf-8")))
    for key, value in options.items():
        if key not in MAY_CHANGE and before.get(key) != json.loads(dump_json(value)):
            expected = f"{str(before.get(key))[:40]}, as when the training began"
            remedy = "resume it with the same options, or start another"
            raise bad_input(option(key), expected, str(value)[:40], remedy, RunFolderError)


def _trainer(
    run: RunFolder,
    text: Corpus | ParallelText,
    config: TrainConfig,
    source: str | Path | None,
    first: int,
    part: Path,
    tell: ProgressHook,
) -> Trainer:
    """Load what a training needs."""
    import torch

    if config.threads:
        torch.set_num_threads(config.threads)
    device = resolve_device(config.device)
    task: LanguageModelling | Distillation
    if isinstance(text, Corpus):
        task = _language_modelling(run, text, config, source, first, device, tell)
    else:
        task = _distillation(run, text, config, source, device, part, tell)
    return Trainer(model=task.model, task=task, config=config, device=device, folder=part, progress=tell)


def _language_modelling(
    run: RunFolder,
    text: Corpus,
    config: TrainConfig,
    source: str | Path | None,
    first: int,
    device: str,
    tell: ProgressHook,
) -> LanguageModelling:
    """Load a model with its head, and cut a text into sequences."""
    model = load_run_model(run, source=source, device=device)
    if config.objective not in {None, Objective(model.objective)}:
        got, remedy = f"one made for {model.objective}", phrase("leave {objective} out, or give {}", model.objective)
        raise bad_input(option("objective"), expected=f"a model made for {config.objective}", got=got, remedy=remedy)
    length = min(config.max_seq_length, model.n_positions)
    reading = read_text(text, model, length=length, first=first, progress=tell)
    return LanguageModelling(model=model, text=reading, config=config, device=device, corpus=text)


def _distillation(
    run: RunFolder,
    text: ParallelText,
    config: TrainConfig,
    source: str | Path | None,
    device: str,
    part: Path,
    tell: ProgressHook,
) -> Distillation:
    """Load student and teacher, and let the teacher read its side; it is gone before the first step."""
    split = split_pairs(text)
    student = load_run_encoder(run, source=source, device=device)
    pairs = encode_pairs(
        split,
        student,
        length=config.max_seq_length,
        batch_tokens=config.batch_tokens,
        n_steps=config.n_steps,
        seed=config.seed,
    )
    write_arrays(part / READ_LINES, {"hashes": read_hashes(split, pairs.used)})
    teacher = load_source_encoder(run, source=source, device=device)
    wanted = ask_teacher(teacher, pairs, part / TEACHER, tell)
    return Distillation(model=student, pairs=pairs, teacher=wanted, text=text)


def choose_precision(config: TrainConfig, trainer: Trainer) -> str:
    """Choose the arithmetic of the products: bfloat16 helps some processors and ruins others, so it is timed."""
    import torch

    if config.precision is not Precision.AUTO:
        return str(config.precision)
    width = int(trainer.model.matrices()["input"].shape[1])
    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        a, b = (torch.ones(shape, dtype=dtype, device=trainer.device) for shape in ((2048, width), (width, 4 * width)))
        seconds[dtype] = min(_time(lambda a=a, b=b: a @ b, trainer.device) for _ in range(7))
    return "bfloat16" if seconds[torch.bfloat16] < 0.8 * seconds[torch.float32] else "float32"


def _time(work: Any, device: str) -> float:
    import torch

    start = time.perf_counter()
    work()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter() - start


def _write(part: Path, run: RunFolder, name: str, trainer: Trainer, state: State) -> None:
    """Write everything that a finished training is."""
    (part / TEACHER).unlink(missing_ok=True)
    trained_backbone = trainer.config.train is not Trained.EMBEDDINGS
    matrices = files.write_matrices(part, trainer.model, backbone=trained_backbone)
    files.write_curve(part, state.curve)
    trained = trainer.model.matrices()["input"].detach().cpu().numpy()
    change, drift = measure_change(run, trained, trainer.progress)
    write_change(part, change)
    content = {
        "config": {**trainer.config.to_dict(), **_resolved(trainer, state)},
        "corpus": trainer.task.describe(),
        "result": _result(trainer, state),
        "movement": drift,
        "matrices": matrices,
        "has_body": trained_backbone,
        "warnings": [*state.warnings, *trainer.task.warnings()],
    }
    write_manifest(part, files.manifest_of(run, name, content), without=(CHECKPOINT, OPTIONS))


def _resolved(trainer: Trainer, state: State) -> dict[str, Any]:
    """Return the options that were left open, as they were resolved: equal bytes depend on them."""
    import torch

    resolved = {"objective": trainer.task.objective, "precision": state.precision, "device": trainer.device}
    return resolved | {"threads": torch.get_num_threads(), "max_seq_length": trainer.task.length}


def _result(trainer: Trainer, state: State) -> dict[str, Any]:
    """Return the numbers that a reader looks for first."""
    first, last = state.curve[0], state.curve[-1]
    stopped = "reached" if trainer.reached(state) else "finished"
    measured = {
        f"{key}_{when}": row[key]
        for key in ("held_out_loss", "held_out_bits")
        for when, row in (("start", first), ("end", last))
    }
    return {"steps": state.step, "tokens": last["tokens"], "stopped": stopped, **measured}


def unfinished(run: RunFolder, name: str) -> bool:
    """Tell whether a training was interrupted and can be resumed.

    Parameters
    ----------
    run : RunFolder
        The run.
    name : str
        The training's name.

    Returns
    -------
    bool
        Whether its growing folder holds a checkpoint.
    """
    return (part_of(training_folder(run, name)) / CHECKPOINT).is_file()
