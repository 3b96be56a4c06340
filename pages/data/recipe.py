"""What a run was made of, and the command line that makes it again from one of its steps.

Owns what can be reused: a run keeps its target tokenizer and its auxiliary vectors, not its text. Imports no streamlit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from focus_core.initialization.methods.registry import METHODS
from focus_core.jobs.record import Job
from focus_core.jobs.steps import STEPS, Step
from focus_core.models.tensors import read_json
from focus_core.runs.folder import RunFolder
from focus_core.runs.layout import AUXILIARY, TARGET_TOKENIZER
from focus_core.types import MethodName, Preset, Rule
from focus_ui.data import catalog
from pages.data.vector_options import AUTO, VECTOR_OPTIONS, standard

SWITCHES = {"--extend"}
SOURCES = ("--source", "--source-tokenizer", "--source-embeddings", "--tensor")
TARGETS = ("--target-tokenizer", "--train-tokenizer", "--vocab-size")
READINGS = ("--field", "--encoding")
OPEN = ("--top-k", *VECTOR_OPTIONS)
"""Options whose field may be empty; only a method that compares vectors has them."""
CHOICES = ("--method", "--preset", "--match", "--fallback", "--temperature", "--seed", "--extend", *OPEN)
"""Options that the form has; the rest of a run's options are kept as they were."""
KEPT = ("--covariance-scale",)
DEFAULTS = {
    "--method": "focus", "--preset": "default", "--match": "exact", "--fallback": "normal", "--temperature": "1.0",
    "--seed": "42",
}  # fmt: skip
WORDS = {
    "--vocab-size": "size", "--train-tokenizer": "tokenizer", "--dim": "dimensions", "--min-count": "least occurrences",
    "--top-k": "top-k",
}  # fmt: skip
NO_TOP_K = "all contributors"
"""What an emptied top-k is called."""
MAX_TITLE = 160
INPUTS = "inputs"
"""The folder of a job's own copies; see `job_record.inputs_folder`."""
Find = Callable[[Path], Path | None]


def read_options(arguments: Sequence[str]) -> dict[str, list[str]]:
    """Return the options of a command line, each with its values in order.

    Examples
    --------
    >>> read_options(["init", "--corpus", "a.txt", "--extend", "--corpus", "b.txt"])
    {'--corpus': ['a.txt', 'b.txt'], '--extend': ['']}
    """
    options: dict[str, list[str]] = {}
    words = iter(arguments[1:])
    for name in words:
        options.setdefault(name, []).append("" if name in SWITCHES else next(words, ""))
    return options


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a run can be made from again."""

    id: str
    title: str
    source: Mapping[str, str]
    target: Mapping[str, str]
    tokenizer: Path | None
    auxiliary: Path | None
    corpus: tuple[Path, ...]
    reading: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    n_target: int = 0
    tokenizer_name: str = ""
    had_map: bool = False

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps from which it can be run again."""
        return tuple(step for step in STEPS if self.has(step))

    def has(self, step: Step) -> bool:
        """Whether all that a run from a step needs is there."""
        if not self.source:
            return False
        if step is Step.TOKENIZERS:
            return bool(self.target) and bool(self.corpus)
        if self.tokenizer is None:
            return False
        if step in (Step.CORPUS, Step.VECTORS):
            return bool(self.corpus)
        return bool(self.corpus) or self.auxiliary is not None or not needs_vectors(self.options)


def needs_vectors(options: Mapping[str, str]) -> bool:
    """Whether the method of some options compares auxiliary vectors."""
    return METHODS[options.get("--method", MethodName.FOCUS)].needs_auxiliary


def kept_options(recipe: Recipe) -> dict[str, str]:
    """Return the options of a run that no form has; they stay as they were."""
    return {name: value for name, value in recipe.options.items() if name in KEPT}


def recipe_of_run(run: RunFolder, job: Job | None, *, run_id: str, title: str, find: Find) -> Recipe:
    """Return what a finished run was made of."""
    config: Mapping[str, Any] = run.manifest["config"]
    made = job if job is not None and job.verb == "init" else None
    old = recipe_of_job(made, title=title, find=find) if made is not None else None
    tokenizer, vectors = run.path / TARGET_TOKENIZER, run.path / AUXILIARY
    whole = not config["extend"]
    return Recipe(
        id=run_id,
        title=title,
        source=old.source if old is not None and old.source else _source_of_log(run.path),
        target=old.target if old is not None else {},
        tokenizer=tokenizer.resolve() if whole and tokenizer.is_dir() else None,
        auxiliary=vectors.resolve() if whole and vectors.is_file() else None,
        corpus=old.corpus if old is not None else (),
        reading=old.reading if old is not None else {},
        options=_options_of_config(config),
        n_target=int(run.manifest["counts"]["n_target"]),
        tokenizer_name=str(run.manifest["target"]["name"]),
        had_map=bool(run.manifest["counts"]["by_rule"].get(Rule.USER)),
    )


def recipe_of_job(job: Job, *, title: str, find: Find) -> Recipe:
    """Return what a job was started with; a file that is gone leaves its place empty."""
    given = read_options(job.arguments)
    corpus = [find(Path(path)) for path in given.get("--corpus", ())]
    return Recipe(
        id=job.id,
        title=title,
        source=_found({name: given[name][-1] for name in SOURCES if name in given}, find),
        target=_found({name: given[name][-1] for name in TARGETS if name in given}, find),
        tokenizer=None,
        auxiliary=None,
        corpus=tuple(path for path in corpus if path is not None) if None not in corpus else (),
        reading={name: given[name][-1] for name in READINGS if name in given},
        options={name: given[name][-1] for name in (*CHOICES, *KEPT) if name in given},
        n_target=int(given.get("--vocab-size", ["0"])[-1]),
    )


def _found(options: Mapping[str, str], find: Find) -> dict[str, str]:
    """Return the options with their paths as they are now; none where one of them is gone."""
    found = {}
    for name, value in options.items():
        if name not in ("--tensor", "--train-tokenizer", "--vocab-size") and not _is_name(value):
            path = find(Path(value))
            if path is None:
                return {}
            value = str(path)
        found[name] = value
    return found


def _is_name(value: str) -> bool:
    """Whether a value is the id of a model on the Hub, which the operator lets users name."""
    return catalog.allows_hub() and catalog.is_hub_id(value) and not Path(value).exists()


def _source_of_log(folder: Path) -> dict[str, str]:
    """Return the source that the run's own log remembers, where it is still there."""
    spec = str((read_json(folder / "log" / "source.json") or {}).get("spec") or "")
    path = catalog.ROOT / spec
    if spec and path.is_dir():
        return {"--source": str(path)}
    return {"--source": spec} if spec and _is_name(spec) else {}


def _options_of_config(config: Mapping[str, Any]) -> dict[str, str]:
    """Return a manifest's options as those of the command line; what nobody chose is left out."""
    names = {name: name.removeprefix("--").replace("-", "_") for name in (*CHOICES, *KEPT)}
    chosen = {name: config.get(key) for name, key in names.items()}
    given = {name: str(value) for name, value in chosen.items() if value is not None and name not in SWITCHES}
    usual = standard(config.get("preset") or Preset.DEFAULT)
    given |= {name: AUTO for name in VECTOR_OPTIONS if chosen[name] is None}
    given = {name: value for name, value in given.items() if usual.get(name) != value}
    return given | ({"--extend": ""} if config.get("extend") else {})


def command(
    recipe: Recipe,
    step: Step,
    options: Mapping[str, str],
    *,
    target: Mapping[str, str] | None = None,
    corpus: Sequence[Path] | None = None,
    reading: Sequence[str] | None = None,
) -> list[str | Path]:
    """Return the command line that makes a run again from a step; files stand in it as paths."""
    words: list[str | Path] = ["init", *_pairs(recipe.source)]
    if step is Step.TOKENIZERS:
        words += _pairs(target if target is not None else recipe.target)
    else:
        words += ["--target-tokenizer", recipe.tokenizer or ""]
    for path in recipe.corpus if corpus is None else corpus:
        words += ["--corpus", path]
    if recipe.corpus or corpus:
        words += reading if reading is not None else [word for pair in recipe.reading.items() for word in pair]
    if reuses_vectors(recipe, step, options):
        words += ["--auxiliary", str(recipe.auxiliary), "--auxiliary-kind", "token"]
    for name, value in (kept_options(recipe) | dict(options)).items():
        words += [name] if name in SWITCHES else [name, value]
    return words


def _pairs(options: Mapping[str, str]) -> list[str | Path]:
    """Return options as words; what is a file is a path, so that an upload can be handed over."""
    words: list[str | Path] = []
    for name, value in options.items():
        words += [name, Path(value) if Path(value).is_file() else value]
    return words


def reuses_vectors(recipe: Recipe, step: Step, options: Mapping[str, str]) -> bool:
    """Tell whether a run from a step takes the vectors that the run keeps."""
    return step in (Step.OVERLAP, Step.ROWS) and recipe.auxiliary is not None and needs_vectors(options)


def changes(recipe: Recipe, options: Mapping[str, str]) -> list[str]:
    """Return in words what differs from the run's own options."""
    before = DEFAULTS | dict(recipe.target) | dict(recipe.options)
    found = [
        f"{_word(name)} {value}"
        for name, value in options.items()
        if name in before and name not in (*SWITCHES, *OPEN) and not _same(before[name], value)
    ]
    found += _open_changes(recipe, options)
    toggled = [name for name in SWITCHES if (name in options) != (name in recipe.options)]
    found += [f"{'' if name in options else 'no '}{name.removeprefix('--')}" for name in toggled]
    return found + ["without its map"] * recipe.had_map


def _open_changes(recipe: Recipe, options: Mapping[str, str]) -> list[str]:
    """Return what was chosen, or left open again, of the options that only a method that compares vectors has."""
    old, new = (standard(given.get("--preset", Preset.DEFAULT)) | dict(given) for given in (recipe.options, options))
    changed = [name for name in OPEN if needs_vectors(options) and old.get(name) != new.get(name)]
    named = [name for name in changed if name in options or name in recipe.options]
    return [f"{_word(name)} {new[name]}" if name in new else NO_TOP_K for name in named]


def _word(name: str) -> str:
    return WORDS.get(name, name.removeprefix("--").replace("-", " "))


def _same(before: str, after: str) -> bool:
    try:
        return float(before) == float(after)
    except ValueError:
        return before == after


def title_of(recipe: Recipe, changed: Sequence[str]) -> str:
    """Return the title of a run made again: what was changed, then the old one."""
    title = f"{', '.join(changed) or 'again'} · {recipe.title}"
    return title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1]}…"


def is_reused(tokenizer: str) -> bool:
    """Tell whether a target tokenizer on a command line is one that an earlier run kept.

    Examples
    --------
    >>> is_reused("runs/.jobs/0f/inputs/unigram-840"), is_reused("runs/.jobs/0f/inputs/mine.json")
    (True, False)
    """
    path = Path(tokenizer)
    return path.parent.name == INPUTS and path.suffix != ".json"
