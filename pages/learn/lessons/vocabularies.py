"""Chapters 1 to 3: what a tokenizer does, what an id means, what two vocabularies share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from focus_core.analysis.overlap_lists import matched, sizes_of
from focus_core.analysis.sentence import MAX_SENTENCE, has_tokenizers, unknown_id
from focus_core.analysis.worked_examples import encode_known, first_sentence
from focus_core.runs.folder import RunFolder
from focus_core.runs.tokens import TABLES, by_frequency, frequent_words, letter_tokens
from pages.learn.lessons.base import Chapter, Task, TaskKind, label, no_task

N_TRIED = 3000
N_OPTIONS = 3


@dataclass(frozen=True, kw_only=True)
class Subword:
    """One token of a sentence."""

    label: str
    shared: bool
    unknown: bool


@dataclass(frozen=True, kw_only=True)
class SameId:
    """What one id means to the two tokenizers."""

    id: int
    source: str
    target: str


def read_sentence(run: RunFolder, side: str, sentence: str) -> tuple[Subword, ...]:
    """Cut a sentence with one of the run's own tokenizers."""
    shared, unknown = matched(run, side), unknown_id(run, side)
    ids = encode_known(run, side, sentence[:MAX_SENTENCE])
    return tuple(Subword(label=label(run, TABLES[side], i), shared=bool(shared[i]), unknown=i == unknown) for i in ids)


@dataclass(frozen=True, kw_only=True)
class _Words:
    """A word that is one token for the new tokenizer alone, and words that are one for both."""

    right: str
    n_subwords: int
    wrong: tuple[str, ...]


def _words(run: RunFolder) -> _Words | None:
    return run.remember("lesson words", lambda: _find_words(run))


def _find_words(run: RunFolder) -> _Words | None:
    if not has_tokenizers(run):
        return None
    shared = matched(run, "target")
    alone, both = (by_frequency(run, np.flatnonzero(mask))[:N_TRIED] for mask in (~shared, shared))
    right = next(((word, n) for word, n in _single(run, alone) if n > 1), None)
    wrong = [word for word, n in _single(run, both) if n == 1][: N_OPTIONS - 1]
    if right is None or len(wrong) < N_OPTIONS - 1:
        return None
    return _Words(right=right[0], n_subwords=right[1], wrong=tuple(wrong))


def _single(run: RunFolder, ids: np.ndarray) -> Iterator[tuple[str, int]]:
    """Yield words that the target tokenizer reads as this one token, and how many the source tokenizer needs."""
    for i in ids[letter_tokens(run)[ids]].tolist():
        text = str(run.column("tokens", "text")[i])
        if encode_known(run, "target", text) == [i]:  # typed alone: with or without a mark
            yield text, len(encode_known(run, "source", text))


def _task_words(run: RunFolder) -> Task:
    words = _words(run)
    if words is None:
        return _task_counts(run)
    return Task(
        kind=TaskKind.CHOICE,
        question="Which of these is one token for the new tokenizer, but several for the old one?",
        options=tuple(sorted((words.right, *words.wrong))),
        answers=frozenset({words.right}),
        hint="Type each of them into the box above and count its subwords on both lines.",
        explanation=f"The new tokenizer knows {words.right} as one token; the old one splits it into "
        f"{words.n_subwords}.",
    )


def _counts(run: RunFolder) -> tuple[int, int] | None:
    """Return how many tokens the old and the new tokenizer need for the first sentence; ``None`` without one."""
    if not has_tokenizers(run):
        return None
    sentence = first_sentence(run)
    n_old, n_new = (len(encode_known(run, side, sentence)) for side in ("source", "target"))
    return (n_old, n_new) if n_old and n_new else None


def _task_counts(run: RunFolder) -> Task:
    """Compare the tokens of a sentence, where there are no words to choose from."""
    counts = _counts(run)
    if counts is None:
        raise no_task("1", "a run with both tokenizers and a sentence")
    n_old, n_new = counts
    return Task(
        kind=TaskKind.NUMBER,
        question=(
            "Take the sentence that stands in the box at first. How many tokens does the new tokenizer need for it, "
            "for each token of the old one? Two digits."
        ),
        number=n_new / n_old,
        tolerance=0.011,
        hint="Divide the number of tokens of the new tokenizer by that of the old one; both stand above the subwords.",
        explanation=(
            f"{n_new} by {n_old} is {n_new / n_old:.2f}. Below 1 the new tokenizer saves tokens, above 1 it splits "
            "this text into smaller subwords than the old one."
        ),
    )


def same_ids(run: RunFolder, first: int, *, n: int = 8) -> list[SameId]:
    """Return what some ids mean to both tokenizers."""
    sizes = {side: len(run.column(table, "id")) for side, table in TABLES.items()}
    first = max(0, min(first, sizes["target"] - n))
    found = []
    for i in range(first, min(first + n, sizes["target"])):
        names = {side: label(run, TABLES[side], i) if i < sizes[side] else "–" for side in TABLES}
        found.append(SameId(id=i, **names))
    return found


def asked_id(run: RunFolder) -> int | None:
    """Return the id that chapter 2 asks about: one that two different tokens carry; ``None`` where none does."""
    return run.remember("lesson id", lambda: _asked_id(run))


def _asked_id(run: RunFolder) -> int | None:
    n = min(len(run.column(table, "id")) for table in TABLES.values())
    differ = run.column("tokens", "token")[:n] != run.column("source_tokens", "token")[:n]
    present = (run.column("tokens", "kind")[:n] != None) & (run.column("source_tokens", "kind")[:n] != None)  # noqa: E711
    ids = np.flatnonzero(differ & present)
    return next(map(int, [*frequent_words(run, ids)[:1], *by_frequency(run, ids)[:1]]), None)


def _task_ids(run: RunFolder) -> Task:
    asked = asked_id(run)
    if asked is None:
        return _task_rows(run)
    name, right = label(run, "tokens", asked), label(run, "source_tokens", asked)
    n = len(run.column("source_tokens", "id"))
    others = [label(run, "source_tokens", (asked + step) % n) for step in (1, -1, 2, -2, 3)]
    wrong = [other for other in dict.fromkeys(others) if other not in {right, "–"}][: N_OPTIONS - 1]
    return Task(
        kind=TaskKind.CHOICE,
        question=f"The new tokenizer calls {name} by the id {asked}. Whose embedding would the old table give it?",
        options=tuple(sorted({right, *wrong})),
        answers=frozenset({right}),
        hint=f"Go to id {asked} in the table and read the column of the old vocabulary.",
        explanation=f"Embedding {asked} was learnt for {right}: the model would read {name} and think of {right}.",
    )


def _task_rows(run: RunFolder) -> Task:
    """Ask for the rows that are missing, where a vocabulary was extended and the old ids still hold."""
    sizes = {side: len(run.column(table, "id")) for side, table in TABLES.items()}
    more = sizes["target"] - sizes["source"]
    return Task(
        kind=TaskKind.NUMBER,
        question="In this run no id changed its token. How many more embeddings has the new model than the old?",
        number=more,
        hint="Subtract the size of the old vocabulary from that of the new one; both stand beside the run's name.",
        explanation=f"{sizes['target']:,} less {sizes['source']:,} is {more:,}: these ids had no embedding before.",
    )


def _task_overlap(run: RunFolder) -> Task:
    sizes = sizes_of(run)
    total = sizes.both + sizes.target_only
    used = "" if sizes.occurrences is None else f" In the text they make up {100 * sizes.occurrences:.1f} %."
    return Task(
        kind=TaskKind.NUMBER,
        question="What share of the new vocabulary, in per cent, is also in the old one? A whole number is enough.",
        number=100 * sizes.share,
        tolerance=0.6,
        hint="Divide the tokens in both by all tokens of the new vocabulary: those in both and those of the new alone.",
        explanation=f"{sizes.both:,} of {total:,} new tokens are in both: {100 * sizes.share:.1f} %.{used}",
    )


TOKENIZERS = Chapter(
    number=1,
    title="What a tokenizer does to a sentence",
    short="Tokenizers",
    words=(
        "A language model never sees letters. A **tokenizer** turns text into tokens from a fixed list, its "
        "vocabulary, and hands their numbers on. One with a short list, or made for another language, splits words "
        "into small **subwords** (pieces): sentences become long, slow and costly, and a subword of two letters says "
        "little.\n\n"
        "Below, both tokenizers of a run read the same sentence: the **old** one, with which the model was trained, "
        "and the **new** one, which takes its place. Their numbers of tokens tell which of them splits finer. "
        "Change the sentence and watch the subwords. Blue ones are in both vocabularies."
    ),
    needs="both tokenizers and a sentence",
    fits=lambda run: _words(run) is not None or _counts(run) is not None,
    task=_task_words,
)

IDS = Chapter(
    number=2,
    title="Why the old embeddings no longer fit",
    short="Ids",
    words=(
        "The first layer of a model is a table with one row of numbers for each token: its **embedding**. The model "
        "finds it by the token's id, its place in the vocabulary, and by nothing else.\n\nA new tokenizer numbers "
        "its tokens anew. The same id then names another token, and the embedding that lies there was learnt for "
        "the old one. With the old table the model would take every word for a different one; ids beyond its end have "
        "no embedding at all. So each new token needs one that suits it. Walk through the ids to see who sits where."
    ),
    needs="two vocabularies",
    fits=lambda run: len(run.column("source_tokens", "id")) > 0,
    task=_task_ids,
)

OVERLAP = Chapter(
    number=3,
    title="What two vocabularies share",
    short="Overlap",
    words=(
        "Not everything is lost. Both lists hold digits, punctuation, names, and words or endings that the old "
        "tokenizer knew already. Such a token has a good embedding, only in another place: FOCUS **copies** it, bit "
        "for bit. What is left over has to be made.\n\nTwo shares matter, and they differ. Counted as **entries** of "
        "the vocabulary, often less than half is shared. Counted as **occurrences** in the text it is mostly far more, "
        "because what is shared tends to be what is used all the time. Switch between the two."
    ),
    needs="a new vocabulary",
    fits=lambda run: bool(run.manifest["counts"]["n_target"]),
    task=_task_overlap,
)
