"""The five steps of a run on the screen: what goes in, what it will take or took, with which parameters, its log.

Owns the words. They are made of the request, so that a plan, a running job and a finished run read alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from focus_core.initialization.auxiliary.vectors import OWN_KINDS
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.request import InitRequest
from focus_core.jobs.record import JobState
from focus_core.jobs.steps import STEPS, Step, StepTime
from focus_core.numerics.formats import count, duration, percent
from focus_core.runs.folder import RunFolder
from focus_core.runs.layout import TARGET_TOKENIZER
from focus_core.runs.summary import normalization_words
from focus_core.tokenization.display import markdown_escape, show_token
from focus_core.types import AuxiliarySpace
from focus_ui.data import catalog
from focus_ui.data.uploads import in_own_words
from pages.data.form import AUTO
from pages.data.normalization import NAMES

TITLES = {
    Step.TOKENIZERS: "Tokenizers",
    Step.CORPUS: "Text",
    Step.VECTORS: "Auxiliary vectors",
    Step.OVERLAP: "Overlap",
    Step.ROWS: "New embeddings",
}
MEANINGS = {
    Step.TOKENIZERS: "The source's tokenizer and model are read, and the new tokenizer is read or trained.",
    Step.CORPUS: "The text is tokenized with both tokenizers, and their tokens are counted.",
    Step.VECTORS: "Each new token gets a vector from the text, so that tokens can be compared.",
    Step.OVERLAP: "Tokens that both vocabularies have are found; their embeddings are copied.",
    Step.ROWS: "Every other embedding is combined from copied ones, and the run is written.",
}
WAITING, RUNNING, DONE, STOPPED, OUT = "waiting", "running", "done", "stopped", "left out"
ICONS = {
    WAITING: ":material/radio_button_unchecked:",
    RUNNING: ":material/progress_activity:",
    DONE: ":material/check_circle:",
    STOPPED: ":material/error:",
    OUT: ":material/do_not_disturb_on:",
}
INPUTS = "inputs"
"""The folder of a job's own copies; see `inputs_folder`."""
MAX_NAME = 40
PLAN_LABEL = "What will happen, step by step"


@dataclass(frozen=True, kw_only=True)
class StepText:
    """What is said of a step."""

    summary: str
    facts: Mapping[str, str] = field(default_factory=dict)
    used: bool = True


def describe(request: InitRequest) -> dict[Step, StepText]:
    """Return what a request makes of every step."""
    method = METHODS[request.config.method]
    config = method.with_defaults(request.config)
    return {
        Step.TOKENIZERS: _tokenizers(request),
        Step.CORPUS: _corpus(request),
        Step.VECTORS: _vectors(request),
        Step.OVERLAP: StepText(
            summary=f"match {config.match}" + (", source's tokens kept" if config.extend else ""),
            facts={"Match": config.match, "Source's tokens kept": "yes" if config.extend else "no"},
        ),
        Step.ROWS: StepText(
            summary=f"{config.method}, temperature {config.temperature:g}",
            facts={
                "Method": config.method,
                "Temperature": f"{config.temperature:g}",
                **({"Top-k": str(config.top_k)} if config.top_k is not None else {}),
                **({"Dimensions": str(config.dim)} if "dim" in method.defaults else {}),
                "Tokens that cannot be combined": config.fallback,
                "Seed": str(config.seed),
            },
        ),
    }


def _tokenizers(request: InitRequest) -> StepText:
    source = request.source or str(request.source_embeddings)
    shipped = {str(catalog.DEMO_SOURCE): "demo model", str(catalog.ENGLISH_SOURCE): "English demo model"}
    name = shipped.get(source) or _name(source)
    if request.trims:
        new = "the source's own, cut to the tokens that the text uses"
    elif request.target_tokenizer is None:
        new = f"{request.train_tokenizer} with {_size(request)}, trained on the text"
    else:
        given = Path(request.target_tokenizer)
        new = f"{_name(given)}, {'taken from the earlier run' if is_lent(given) else 'as it is'}"
        if given.name == TARGET_TOKENIZER:
            new = "taken from the earlier run"
    facts = {"Source model": name, "New tokenizer": new}
    if request.target_tokenizer is None and not request.trims:
        facts["Normalization"] = NAMES[request.normalizes]
    return StepText(summary=new, facts=facts)


def _size(request: InitRequest) -> str:
    """Return how large the tokenizer that is trained becomes, in words."""
    return f"{count(request.known_size)} tokens" if request.known_size else "as many tokens as the search finds"


def _corpus(request: InitRequest) -> StepText:
    files = request.corpus
    if not files:
        return StepText(summary="left out: no text", used=False)
    names = ", ".join(map(_name, files[:3])) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
    facts = {"Files": names, "Field": request.field, "Encoding": request.encoding or "UTF-8"}
    return StepText(summary=names, facts=facts)


def _vectors(request: InitRequest) -> StepText:
    config, chosen = request.config, request.config.chosen()
    method = METHODS[config.method]
    if not method.makes_vectors:
        return StepText(summary=f"left out: {config.method} compares none", used=False)
    if request.auxiliary is not None and not method.joint:
        return StepText(summary="taken from the earlier run", facts={"Vectors": "those of the earlier run"}, used=False)
    given = {"Dimensions": "dim", "Epochs": "epochs", "Least occurrences": "min_count"}
    facts = {"Preset": str(config.preset), "Auxiliary space": str(config.auxiliary_space)}
    facts |= {"Seed": str(config.seed)} if config.auxiliary_space == AuxiliarySpace.FASTTEXT else {}
    facts |= {
        word: AUTO if chosen[name] is None else str(chosen[name]) for word, name in given.items() if name in chosen
    }
    made = "counted in" if config.auxiliary_space == AuxiliarySpace.COUNTS else "trained on"
    where = "the text, as both tokenizers cut it" if method.joint else "the text"
    summary = f"{made} {where}" if request.corpus else "left out: no text"
    return StepText(summary=summary, facts=facts, used=bool(request.corpus))


def is_lent(tokenizer: Path) -> bool:
    """Tell whether a target tokenizer is one that an earlier run kept, and lent to a job under its name.

    Examples
    --------
    >>> is_lent(Path("runs/.jobs/0f/inputs/unigram-840")), is_lent(Path("runs/.jobs/0f/inputs/mine.json"))
    (True, False)
    """
    return tokenizer.parent.name == INPUTS and tokenizer.suffix != ".json"


def _name(path: str | Path) -> str:
    """Return the last part of a path as it is shown; an upload is called as its owner called it."""
    return show_token(in_own_words(Path(path).name), limit=MAX_NAME).replace("␣", " ")


def results(run: RunFolder) -> dict[Step, str]:
    """Return in words what each step of a finished run gave."""
    counts, corpus = run.manifest["counts"], run.manifest.get("corpus")
    vectors = run.manifest.get("auxiliary")
    rules = ", ".join(f"{rule} {count(n)}" for rule, n in counts["by_rule"].items() if n)
    origins = counts["by_origin"]
    found = {
        Step.TOKENIZERS: f"{count(counts['n_source'])} source tokens, {count(counts['n_target'])} new ones",
        Step.OVERLAP: f"{count(counts['n_overlap'])} shared ({rules or 'none'}), {count(counts['n_new'])} new",
        Step.ROWS: f"{count(origins['combined'])} combined, {count(origins['copied'])} copied, "
        f"{count(origins['fallback'])} by fallback",
    }
    if normalization := (run.manifest.get("notes") or {}).get("normalization"):
        found[Step.TOKENIZERS] += f"; {normalization_words(normalization)}"
    if corpus:
        found[Step.CORPUS] = f"{count(corpus['n_lines'])} lines, {count(corpus['n_tokens'])} new tokens"
        if corpus.get("unknown_share"):
            found[Step.CORPUS] += f", {percent(corpus['unknown_share'])} of them unknown"
    if vectors:
        size = f"{count(vectors['n_vectors'])} vectors of {count(vectors['dim'])} dimensions"
        found[Step.VECTORS] = size + _how(vectors)
    return found


def _how(vectors: Mapping[str, Any]) -> str:
    settings = vectors.get("settings") or {}
    if vectors["kind"] not in OWN_KINDS:
        return ""
    least = ""
    if int(settings.get("min_count") or 0) > 1:
        least = f", tokens seen {count(settings['min_count'])} times or more"
    return (f", {count(settings['epochs'])} epochs" if "epochs" in settings else ", by counts") + least


def draw_plan(texts: Mapping[Step, StepText], seconds: Mapping[Step, float]) -> None:
    """Draw the steps of a run that has not been started."""
    for step in STEPS:
        text = texts[step]
        taking = f"about {duration(max(1.0, seconds[step]))}" if text.used and step in seconds else ""
        with st.expander(_headline(step, text.summary, taking), type="step", icon=ICONS[WAITING if text.used else OUT]):
            _body(step, text)


def draw_job(
    texts: Mapping[Step, StepText],
    times: tuple[StepTime, ...],
    state: JobState,
    *,
    given: Mapping[Step, str],
    again: Callable[[Step], None] | None = None,
) -> None:
    """Draw the steps of a job."""
    for time in times:
        text, now = texts[time.step], _state_of(time, texts[time.step], state)
        took = ""
        if time.seconds is not None and text.used:
            took = duration(time.seconds) if time.seconds >= 1 else "under a second"
        if now == RUNNING and time.fraction and text.used:
            took = f"{time.fraction:.0%} after {took}"
        with st.expander(_headline(time.step, text.summary, took), type="step", icon=ICONS[now]):
            _body(time.step, text)
            if time.step in given:
                st.markdown(f"**Gave:** {markdown_escape(given[time.step])}")
            if time.log:
                st.code("\n".join(time.log[-12:]), language=None, wrap_lines=True)
            if again is not None:
                again(time.step)


def _state_of(time: StepTime, text: StepText, state: JobState) -> str:
    if state is JobState.DONE:
        return DONE if text.used else OUT
    if time.current:
        return RUNNING if state is JobState.RUNNING else STOPPED
    if time.seconds is not None:
        return DONE
    return WAITING if text.used else OUT


def _headline(step: Step, summary: str, taking: str) -> str:
    words = f"**{TITLES[step]}** {markdown_escape(summary)}"
    return f"{words} · {taking}" if taking else words


def _body(step: Step, text: StepText) -> None:
    st.caption(MEANINGS[step])
    if text.facts:
        st.markdown("  \n".join(f"{name}: **{markdown_escape(value)}**" for name, value in text.facts.items()))
