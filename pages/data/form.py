"""The inputs of the page Data and run beside text and source model: target tokenizer, options.

Owns the widgets and the part of a request that they amount to. A user's text becomes one only after it was compared
with a list or a pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from focus_core.initialization.config import OF_FASTTEXT, RANGES, InitConfig
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.request import TRAINABLE
from focus_core.numerics.formats import count
from focus_core.tokenization.corpus_statistics import CorpusStatistics, suggest_size, supported_size
from focus_core.types import METHOD_SUMMARIES, AuxiliarySpace, Fallback, Family, MatchMode, MethodName, Need, Preset
from focus_ui.data import catalog
from focus_ui.jobs.form import seed_input
from focus_ui.session.errors import LABELS
from focus_ui.widgets.choice import choose, switch
from focus_ui.widgets.corpus_choice import SERVER, UPLOAD, CorpusChoice
from focus_ui.widgets.further_inputs import FURTHER
from focus_ui.widgets.tokenizer_choice import Choice, server_folder, uploaded_tokenizer
from pages.data.normalization import normalization_choice
from pages.data.trimming import trimming_choice

TRAIN, TRIMMED = "Train a new one", "Trim the source's"
FAMILIES = {
    "unigram": "Unigram (SentencePiece, as XLM-R)",
    "bpe": "Byte-level BPE (as GPT-2)",
    "wordpiece": "WordPiece (as BERT)",
}
NEAR_ALPHABET = 300
"""Tokens below which a suggested vocabulary is called one of letters."""
LEAST_SIZE = 8
"""Tokens that a vocabulary has at least: the special ones and a character or two."""
MATCHES = {
    MatchMode.EXACT: "exact: the very same token (the paper)",
    MatchMode.FUZZY: "fuzzy: case and leading space do not matter",
    MatchMode.SYMBOLS: "symbols: numbers and punctuation only",
}
FALLBACKS = {
    Fallback.NORMAL: "drawn from N(mean, std) of the source embeddings (the paper)",
    Fallback.SCRIPT: "drawn likewise, from embeddings of the same script",
    Fallback.SUBWORDS: "mean of the source subwords (pieces) of its text",
    Fallback.MEAN: "the mean source embedding",
    Fallback.MULTIVARIATE: "drawn with the full covariance of the source embeddings",
}
SIZE, SUGGESTED, DEFAULT_SIZE = "_vocab_size", "suggested_size", 8000
"""Where the session keeps the size of the vocabulary and the one suggested last, and the one before any text."""
SPACES = {
    AuxiliarySpace.COUNTS: "counts: of the tokens that stand near each one",
    AuxiliarySpace.FASTTEXT: "fasttext: trained by fastText (the paper)",
}
PRESETS = {Preset.DEFAULT: "default", Preset.PAPER: "as in the paper"}
AUTO = "auto"
"""What an option is called that the size of the text decides."""
VECTORS = {
    "dim": "Length of the vectors by which tokens are compared. An empty field is the preset's.",
    "epochs": "How often fastText reads the text; counts need no epochs. An empty field is the preset's; auto goes by "
    "the size of the text.",
    "min_count": "A token seen fewer times gets no vector, and its embedding falls back. An empty field is the "
    "preset's; with auto, counts take every token, and fastText's goes by the size of the text.",
}
"""What the options of the making of vectors mean."""
TOP_K = "At most so many contributors a token, the most similar ones. An empty field is no bound, as in the paper."
MIN_FIELD = 170
"""Pixels below which a number and its buttons do not stand beside one another."""


def target_choice(statistics: CorpusStatistics | None) -> tuple[Choice, int] | None:
    """Draw the choice of a target tokenizer; return it with its size, or ``None`` while there is none."""
    kinds = [TRAIN, TRIMMED, UPLOAD, *([SERVER] if catalog.operator_folders() else [])]
    kind = switch("Target tokenizer", kinds, "_target_kind", default=TRAIN)
    if kind == UPLOAD:
        return uploaded_tokenizer("_target_upload", "target_tokenizer")
    if kind == SERVER:
        chosen = server_folder("tokenizer", "target_tokenizer", "_server_target")
        return (chosen, 32_000) if chosen else None
    if kind == TRIMMED:
        fields = trimming_choice("_trimmed", persist_state="session")
        return Choice(label="trimmed", fields=fields), int(fields.get("vocab_size", DEFAULT_SIZE))
    return _trained_tokenizer(statistics)


def _trained_tokenizer(statistics: CorpusStatistics | None) -> tuple[Choice, int]:
    family = choose("Kind", FAMILIES, "_family", persist_state="session", width="stretch")
    suggested = _suggest_size(statistics, TRAINABLE[str(family)])
    n_tokens = st.number_input(
        "Size in tokens", min_value=LEAST_SIZE, max_value=250_000, step=100, key=SIZE, persist_state="session"
    )
    if statistics is not None:
        _advise(statistics, TRAINABLE[str(family)], suggested, int(n_tokens))
    fields: dict[str, Any] = {"train_tokenizer": str(family), "vocab_size": int(n_tokens)}
    fields |= normalization_choice("_normalization", persist_state="session")
    return Choice(label=f"{family} {count(n_tokens)}", fields=fields), int(n_tokens)


def _advise(statistics: CorpusStatistics, family: Family, suggested: int, n_tokens: int) -> None:
    """Say which size a text supports and why, and warn of one that is too small or too large to be of use."""
    most, words = supported_size(statistics, family), f"its {count(statistics.n_words)} different words"
    about = ", by its length"
    if suggested == most:
        about = f": {words} support no more; a text of more words gives a better vocabulary"
    times = statistics.count_tokens(n_tokens) / max(1, n_tokens)
    st.caption(
        f"Suggested for this text: {count(suggested)}{about}. At {count(n_tokens)}, a token is seen about "
        f"{times:.0f} times on average; what is seen a few times says little of how it is used."
    )
    if 0 < most < n_tokens:
        st.warning(
            f"By {words} this text supports about {count(most)} tokens; with many more, few shared tokens get a "
            "vector, and a size that the text cannot fill is refused once the run has started.",
            icon=":material/warning:",
        )
    if suggested < NEAR_ALPHABET:
        st.warning(
            f"A vocabulary of fewer than about {count(NEAR_ALPHABET)} tokens is close to an alphabet: most tokens are "
            "letters and fragments, and their embeddings say little of words. Give a text of more different words.",
            icon=":material/abc:",
        )


def _suggest_size(statistics: CorpusStatistics | None, family: Family) -> int:
    """Return the size that fits a text, and fill it in unless somebody chose another; no text changes nothing."""
    before = int(st.session_state.get(SUGGESTED, DEFAULT_SIZE))
    suggested = suggest_size(statistics, family) if statistics is not None else before
    if st.session_state.get(SIZE, before) == before:
        st.session_state[SIZE] = suggested
    st.session_state[SUGGESTED] = suggested
    return suggested


def take_size(refused: int, largest: int) -> None:
    """Fill in the largest size that a text supports where the form holds the one that was refused."""
    if st.session_state.get(SIZE) == refused:
        st.session_state[SIZE] = largest


def _offered(known: str) -> list[MethodName]:
    """Return the methods that need no more than this form asks for, and a known one."""
    given = (Need.TEXT, Need.BODY, *FURTHER)
    return [name for name in MethodName if name == known or not METHODS[name].lacks(given)]


def options(*, start: InitConfig | None = None, mark: str = "", resolved: Sequence[str] = ()) -> InitConfig:
    """Draw the options, filled in as they stand at the start; return them as chosen."""
    given = _Given(start=start or InitConfig(), mark=mark, resolved=resolved)
    method = given.choose(
        st, "method", "Method", _offered(given.start.method), lambda m: f"{m}: {METHOD_SUMMARIES[m]}",
        "FOCUS compares tokens by vectors made from your text. The others are what it is compared with; they "
        "make none and take seconds.",
    )  # fmt: skip
    lists = st.grid(2, min_column_width=MIN_FIELD, vertical_alignment="bottom")
    preset = given.choose(
        lists, "preset", "Preset", list(PRESETS), lambda p: PRESETS[p],
        "The paper trains fastText for 3 epochs of 300 dimensions and drops tokens seen fewer than 10 times; the "
        "default counts neighbours, for every token.",
    )  # fmt: skip
    match = given.choose(lists, "match", "Match", list(MATCHES), lambda m: MATCHES[m])
    fallback = given.choose(
        lists, "fallback", "Tokens that cannot be combined", list(FALLBACKS), lambda f: FALLBACKS[f],
        "For the methods focus, subword-mean and overlap; the others make their embeddings in their own way.",
    )  # fmt: skip
    extend = given.start.extend
    if "extend" not in resolved:
        extend = lists.toggle(
            "Keep the source's tokens", value=extend, key=f"_extend{mark}", persist_state="session",
            help="The new tokens are added to the source's vocabulary instead of taking its place.",
        )  # fmt: skip
    compares, own_defaults = METHODS[method].makes_vectors, METHODS[method].defaults
    usual = InitConfig.for_preset(preset)
    space = given.space(lists, usual, enabled=compares)
    if space != usual.auxiliary_space:
        usual = InitConfig.for_preset(preset, auxiliary_space=space)
    usual = METHODS[method].with_defaults(usual)
    numbers = st.grid(3, min_column_width=MIN_FIELD)
    warm = given.temperature(method)  # a run of the command line may lie outside of what is usual
    own_mark = f"{mark}_{method}" if "temperature" in own_defaults else mark
    temperature = numbers.number_input(
        "Temperature", min_value=min(0.01, warm), max_value=max(10.0, warm), value=warm, step=0.05,
        format="%.4g" if warm < 0.01 else None, key=f"_temperature{own_mark}", persist_state="session",
        help="Similarities are divided by it: below 1 fewer contributors, above 1 more. The paper: 1.",
    )  # fmt: skip
    left_open = given.number(
        numbers, "top_k", TOP_K, usual.top_k or "all", enabled=compares or "top_k" in own_defaults
    )  # fmt: skip
    seed = seed_input(numbers, key=f"_seed{mark}", value=given.start.seed, persist_state="session")
    for name, meaning in VECTORS.items():
        empty, enabled = (
            getattr(usual, name),
            name in own_defaults or (compares and (space == AuxiliarySpace.FASTTEXT or name not in OF_FASTTEXT)),
        )
        left_open |= given.number(numbers, name, meaning, AUTO if empty is None else empty, enabled=enabled)
    own = {"fallback": fallback} if METHODS[method].fallback is None else {}
    config = InitConfig.for_preset(
        preset, method=method, match=match, auxiliary_space=space, temperature=temperature, seed=seed, extend=extend,
        covariance_scale=given.start.covariance_scale, **own, **left_open,
    )  # fmt: skip
    _say_what_is_replaced(config, ("temperature", *left_open))
    return config


def _say_what_is_replaced(config: InitConfig, filled: Sequence[str]) -> None:
    """Draw which filled fields hold a general default, in whose place the method takes its own."""
    taken = METHODS[config.method].with_defaults(config)
    for name in filled:
        general, own = getattr(config, name), getattr(taken, name)
        if general != own:
            st.caption(f"{LABELS[name]} {general:g} counts as not chosen: {config.method} takes its own, {own:g}.")


@dataclass(frozen=True, kw_only=True)
class _Given:
    """What a form starts from."""

    start: InitConfig
    mark: str
    resolved: Sequence[str]

    def choose(
        self,
        place: Any,
        name: str,
        label: str,
        values: Sequence[Any],
        names: Callable[[Any], str],
        meaning: str | None = None,
    ) -> Any:
        """Draw a list of values and return the chosen one."""
        own = getattr(self.start, name)
        if name in self.resolved:
            return own
        found = place.selectbox(
            label, values, index=values.index(own), format_func=names, help=meaning, key=f"_{name}{self.mark}",
            persist_state="session",
        )  # fmt: skip
        return type(values[0])(found)

    def temperature(self, method: str) -> float:
        """Return the temperature to begin with; a general default, or another method's own, is not one chosen."""
        general = InitConfig.temperature
        old, new = (METHODS[name].defaults.get("temperature", general) for name in (self.start.method, method))
        return float(new if self.start.temperature in (general, old) else self.start.temperature)

    def space(self, place: Any, usual: InitConfig, *, enabled: bool) -> AuxiliarySpace:
        """Draw the choice of an auxiliary space, which begins as that of the preset."""
        own = self.start if self.start.preset == usual.preset else usual
        if "auxiliary_space" in self.resolved:
            return self.start.auxiliary_space
        found = place.selectbox(
            LABELS["auxiliary_space"], list(SPACES), index=list(SPACES).index(own.auxiliary_space),
            format_func=lambda space: SPACES[space], key=f"_auxiliary-space_{usual.preset}{self.mark}",
            help="How vectors are made from the text, by which tokens are compared.", disabled=not enabled,
            persist_state="session",
        )  # fmt: skip
        return AuxiliarySpace(found)

    def number(self, place: Any, name: str, meaning: str, empty: object, *, enabled: bool) -> dict[str, int | None]:
        """Draw a number that may be left out; return it where it was chosen and is of use."""
        # Left to the text's size in the run that is made again, it stays so while the field is empty.
        of_method = METHODS[self.start.method].defaults
        chosen = {option: value for option, value in self.start.chosen().items() if value != of_method.get(option, ...)}
        if name in self.resolved:
            return {name: chosen[name]} if name in chosen else {}
        key, own, auto = f"_{name.replace('_', '-')}{self.mark}", chosen.get(name), chosen.get(name, 0) is None
        if own is not None and key not in st.session_state:
            st.session_state[key] = own
        least, greatest = map(int, RANGES[name])
        value = place.number_input(
            LABELS[name], min_value=least, max_value=greatest, value=None, step=1, key=key,
            placeholder=AUTO if auto else str(empty), help=meaning, disabled=not enabled,
            persist_state="session",
        )  # fmt: skip
        return {name: value} if enabled and (auto or value is not None) else {}


def run_title(corpus: CorpusChoice, target: Choice, source: Choice, *, method: str = "focus") -> str:
    """Return the title of a job; plain text."""
    title = f"{target.label}, {corpus.label}, from {source.label}"
    return title if method == MethodName.FOCUS else f"{title}, {method}"
