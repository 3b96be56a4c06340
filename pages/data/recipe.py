"""What can be reused of a run: which of its steps need not be done again, and the request that does the others.

A run keeps its target tokenizer and its auxiliary vectors, not its text. Imports no streamlit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.request import InitRequest
from focus_core.initialization.supplied import FIELD_OF
from focus_core.jobs.steps import STEPS, Step
from focus_core.models.tensors import read_json
from focus_core.runs.again import request_of
from focus_core.runs.folder import RunFolder
from focus_core.runs.layout import AUXILIARY, TARGET_TOKENIZER
from focus_core.types import Need, Rule
from focus_ui.data import catalog

WORDS = {"vocab_size": "size", "train_tokenizer": "tokenizer", "min_frequency": "occurrences to stay",
         "auxiliary_space": "auxiliary space",
         "dim": "dimensions", "min_count": "least occurrences", "top_k": "top-k"}  # fmt: skip
MADE_BY = ("train_tokenizer", "vocab_size", "min_frequency", "normalization")
"""Fields of a request that say how the corpus makes the target tokenizer."""
OPEN = ("top_k", "dim", "epochs", "min_count")
"""Options whose field may be empty; only a method that compares vectors has them."""
MAX_TITLE = 160
Find = Callable[[Path], Path | None]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a run can be made from again: parts of a request, empty where something of them is gone."""

    id: str
    title: str
    source: Mapping[str, Any]
    target: Mapping[str, Any] = field(default_factory=dict)
    text: Mapping[str, Any] = field(default_factory=dict)
    further: Mapping[str, Any] = field(default_factory=dict)
    config: InitConfig
    tokenizer: Path | None = None
    auxiliary: Path | None = None
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
            return bool(self.target and self.text)
        if self.tokenizer is None:
            return False
        if step in (Step.CORPUS, Step.VECTORS):
            return bool(self.text)
        if METHODS[self.config.method].joint:
            return bool(self.text)
        return bool(self.text) or self.auxiliary is not None or not needs_vectors(self.config)


def needs_vectors(config: InitConfig) -> bool:
    """Whether the method of some options compares auxiliary vectors."""
    return METHODS[config.method].compares_tokens


def lacks_further(recipe: Recipe, config: InitConfig) -> tuple[Need, ...]:
    """Return what a method needs beside text that the run has no more."""
    given = [need for need, name in FIELD_OF.items() if name in recipe.further]
    return METHODS[config.method].lacks((Need.TEXT, Need.BODY, *given))


def recipe_of_run(run: RunFolder, asked: InitRequest | None, *, run_id: str, title: str, find: Find) -> Recipe:
    """Return what a finished run was made of; what it was asked for may have been lost, or never been there."""
    config = request_of(run.manifest).config
    old = recipe_of_request(asked, job_id=run_id, title=title, find=find) if asked is not None else None
    tokenizer, vectors = run.path / TARGET_TOKENIZER, run.path / AUXILIARY
    return Recipe(
        id=run_id,
        title=title,
        source=(old.source if old is not None else {}) or _source_of_log(run.path),
        target=old.target if old is not None else {},
        text=old.text if old is not None else {},
        further=old.further if old is not None else {},
        config=config,
        tokenizer=tokenizer.resolve() if tokenizer.is_dir() and not config.extend else None,
        auxiliary=vectors.resolve() if vectors.is_file() and not config.extend else None,
        n_target=int(run.manifest["counts"]["n_target"]),
        tokenizer_name=str(run.manifest["target"]["name"]),
        had_map=bool(run.manifest["counts"]["by_rule"].get(Rule.USER)),
    )


def recipe_of_request(asked: InitRequest, *, job_id: str, title: str, find: Find) -> Recipe:
    """Return what a job was started with."""
    corpus = [find(path) for path in asked.corpus]
    text = {"corpus": tuple(corpus), "field": asked.field, "encoding": asked.encoding}
    return Recipe(
        id=job_id,
        title=title,
        source=_found(asked, ("source", "source_tokenizer", "source_embeddings"), ("tensor",), find),
        target=_found(asked, ("target_tokenizer",), MADE_BY, find),
        text=text if corpus and None not in corpus else {},
        further=_further(asked, find),
        config=asked.config,
        n_target=asked.known_size,
    )


def _further(asked: InitRequest, find: Find) -> dict[str, Any]:
    """Return what some methods read beside the text, each where it is still there."""
    files = {name: getattr(asked, name) for name in FIELD_OF.values() if isinstance(getattr(asked, name), Path)}
    found = {name: find(path) for name, path in files.items()}
    return {name: path for name, path in found.items() if path is not None} | (
        {} if asked.donor is None else {"donor": asked.donor}
    )


def _found(asked: InitRequest, files: Sequence[str], others: Sequence[str], find: Find) -> dict[str, Any]:
    """Return fields of a request with their paths as they are now; none where one of them is gone."""
    fields = {name: getattr(asked, name) for name in (*files, *others) if getattr(asked, name) is not None}
    for name in files:
        if name in fields and not _is_name(str(fields[name])):
            path = find(Path(fields[name]))
            if path is None:
                return {}
            fields[name] = type(fields[name])(path)
    return fields


def _is_name(value: str) -> bool:
    """Whether a value is the id of a model on the Hub, which the operator lets users name."""
    return catalog.allows_hub() and catalog.names_hub_model(value)


def _source_of_log(folder: Path) -> dict[str, str]:
    """Return the source that the run's own log remembers, where it is still there."""
    spec = str((read_json(folder / "log" / "source.json") or {}).get("spec") or "")
    path = catalog.ROOT / spec
    if spec and path.is_dir():
        return {"source": str(path)}
    return {"source": spec} if spec and _is_name(spec) else {}


def request_from(
    recipe: Recipe,
    step: Step,
    config: InitConfig,
    *,
    target: Mapping[str, Any] | None = None,
    text: Mapping[str, Any] | None = None,
) -> InitRequest:
    """Return the request that makes a run again from a step."""
    new = target or recipe.target if step is Step.TOKENIZERS else {"target_tokenizer": str(recipe.tokenizer)}
    reused = recipe.auxiliary if step in (Step.OVERLAP, Step.ROWS) and needs_vectors(config) else None
    needed = {FIELD_OF[need] for need in METHODS[config.method].inputs if need in FIELD_OF}
    further = {name: value for name, value in recipe.further.items() if name in needed}
    return InitRequest(**recipe.source, **new, **(text or recipe.text), **further, auxiliary=reused, config=config)


def changes(recipe: Recipe, config: InitConfig, target: Mapping[str, Any] | None = None) -> list[str]:
    """Return in words what differs from the run's own options."""
    method = METHODS[config.method]
    before, config = METHODS[recipe.config.method].with_defaults(recipe.config), method.with_defaults(config)
    old, new = (before.to_dict() | dict(recipe.target), config.to_dict() | dict(target or recipe.target))
    chosen = before.chosen() | config.chosen()
    names = ["method", "preset", "match", "temperature", "seed"]
    names += ["fallback"] if method.fallback is None else []
    names += dict(recipe.target) | dict(target) if target else ()
    has = (
        ("auxiliary_space", *OPEN) if method.makes_vectors else tuple(name for name in OPEN if name in method.defaults)
    )
    names += (name for name in has if name in chosen and name not in names)
    implied = method.defaults if new["method"] != old["method"] else {}
    differ = (name for name in names if new.get(name) not in (old.get(name), implied.get(name, ...)))
    found = [_change(name, new.get(name)) for name in differ]
    if old["extend"] != new["extend"]:
        found.append("extend" if config.extend else "no extend")
    return found + ["without its map"] * recipe.had_map


def _change(name: str, value: Any) -> str:
    if name == "normalization":
        return f"normalization {value or 'of the preset'}"
    if value is None:
        return "all contributors" if name == "top_k" else f"{WORDS.get(name, name)} auto"
    return f"{WORDS.get(name, name)} {value}"


def title_of(recipe: Recipe, changed: Sequence[str]) -> str:
    """Return the title of a run made again: what was changed, then the old one."""
    title = f"{', '.join(changed) or 'again'} · {recipe.title}"
    return title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1]}…"
