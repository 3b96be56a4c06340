"""A run in a few plain sentences, for the terminal and the report, and what its options are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from focus_core.numerics.formats import plain_percent
from focus_core.surgery.proof import proof_words


def summary_lines(manifest: Mapping[str, Any]) -> list[str]:
    """Return a run's result, one line a topic.

    Parameters
    ----------
    manifest : mapping
        The run's manifest.

    Returns
    -------
    list of str
        Sizes, origins of rows, auxiliary space, then one line a warning.
    """
    counts, health = manifest["counts"], manifest.get("health") or {}
    origins = counts["by_origin"]
    corpus = manifest.get("corpus") or {}
    anchors = f" over {counts['n_anchors']:,} anchors" if manifest.get("auxiliary") else ""
    lines = [
        f"{manifest['source']['name']} ({counts['n_source']:,} tokens) -> "
        f"{manifest['target']['name']} ({counts['n_target']:,} tokens)",
        f"{manifest['config']['method']}: copied {origins['copied']:,}, combined {origins['combined']:,}"
        f"{anchors}, fallback {origins['fallback']:,}{_filled(manifest)}",
    ]
    if (proof := (manifest.get("notes") or {}).get("proof")) is not None:
        lines.append(f"proof: {proof_words(proof)}")
    if (low_rank := (manifest.get("notes") or {}).get("low_rank")) is not None:
        lines.append(f"rank: {rank_words(low_rank)}")
    if (normalization := (manifest.get("notes") or {}).get("normalization")) is not None:
        lines.append(f"normalization: {normalization_words(normalization)}")
    if (size := (manifest.get("notes") or {}).get("vocabulary_size")) is not None:
        lines.append(f"vocabulary size: {size_words(size)}")
    if (trimming := (manifest.get("notes") or {}).get("trimming")) is not None:
        lines.append(f"trimmed: {trimming_words(trimming)}")
    if not counts["n_new"]:
        lines.append("nothing new to initialise: every target token is in the source vocabulary")
    if corpus:
        line = f"corpus occurrences: {plain_percent(corpus['share_overlap_occurrences'])} on shared tokens"
        if origins["combined"]:
            share = plain_percent(corpus["share_combined_of_new_occurrences"])
            line += f"; of the new ones, {share} on combined embeddings"
        lines.append(line)
    if health.get("median_support") is not None:
        lines.append(
            f"auxiliary space: mean cosine {health['mean_cosine']:.2f}, median support {health['median_support']:g}, "
            f"median largest weight {health['median_max_weight']:.2f}"
        )
    return lines + [f"warning: {text}" for text in manifest["warnings"]]


def rank_words(note: Mapping[str, Any]) -> str:
    """Say what a rank did to the embeddings.

    Parameters
    ----------
    note : mapping
        The manifest's ``notes.low_rank``.

    Returns
    -------
    str
        A few words.

    Examples
    --------
    >>> note = {"rank": 8, "width": 16, "factorization": "svd", "copies_equal": False, "error": {"input": 0.25}}
    >>> rank_words(note)
    '8 of 16 by svd: copied embeddings are near to the source, not equal (error input 25.0 %)'
    >>> rank_words(note | {"rank": 16, "copies_equal": True, "error": {}})
    '16 of 16: nothing is cut, copied embeddings equal the source'
    """
    if note["copies_equal"]:
        return f"{note['rank']} of {note['width']}: nothing is cut, copied embeddings equal the source"
    errors = ", ".join(f"{name} {plain_percent(error)}" for name, error in note["error"].items())
    how = f"{note['rank']} of {note['width']} by {note['factorization']}"
    return f"{how}: copied embeddings are near to the source, not equal (error {errors})"


def normalization_words(note: Mapping[str, str]) -> str:
    """Say what the source and a tokenizer that was trained do to text.

    Parameters
    ----------
    note : mapping
        The manifest's ``notes.normalization``.

    Returns
    -------
    str
        A few words.

    Examples
    --------
    >>> normalization_words({"asked": "inherit", "source": "lower-case text", "target": "lower-case text"})
    'source and new tokenizer read lower-case text'
    """
    if note["source"] == note["target"]:
        return f"source and new tokenizer read {note['source']}"
    return f"the source reads {note['source']}; the new tokenizer {note['target']}"


def size_words(note: Mapping[str, Any]) -> str:
    """Say which size of vocabulary a search found, and after which.

    Parameters
    ----------
    note : mapping
        The manifest's ``notes.vocabulary_size``.

    Returns
    -------
    str
        A few words.

    Examples
    --------
    >>> tried = [{"vocab_size": 3000, "average_log_probability": -90.0}]
    >>> tried += [{"vocab_size": 4000, "average_log_probability": -86.5}]
    >>> size_words({"found": 4000, "reason": "difference", "nats": 5.0, "tried": tried})
    '4,000 tokens, the last of 2 tried: a line gets 3.50 nats likelier than at 3,000, which is less than 5'
    """
    tried = note["tried"]
    words = f"{note['found']:,} tokens, the last of {len(tried)} tried"
    if note["reason"] != "difference":
        why = "the text supports no more" if note["reason"] == "text" else "no larger one is tried"
        return f"{words}: {why}"
    before, last = tried[-2:]
    gain = abs(last["average_log_probability"] - before["average_log_probability"])
    than = f"{before['vocab_size']:,}, which is less than {note['nats']:g}"
    return f"{words}: a line gets {gain:.2f} nats likelier than at {than}"


def trimming_words(note: Mapping[str, Any]) -> str:
    """Say what a trimmed tokenizer has kept.

    Parameters
    ----------
    note : mapping
        The manifest's ``notes.trimming``.

    Returns
    -------
    str
        A few words.

    Examples
    --------
    >>> trimming_words({"n_source": 16000, "n_kept": 3210, "kept_share": 0.9987})
    '3,210 of 16,000 source tokens kept, which are 99.9 % of the text'
    """
    share = plain_percent(note["kept_share"])
    return f"{note['n_kept']:,} of {note['n_source']:,} source tokens kept, which are {share} of the text"


def _filled(manifest: Mapping[str, Any]) -> str:
    """Return what the fallback rows of the input matrix were filled with, in brackets."""
    counts = manifest.get("notes", {}).get("fallbacks", {}).get("input", {})
    return f" ({', '.join(f'{kind} {n:,}' for kind, n in counts.items())})" if counts else ""


def option_words(value: Any, chosen: Any = None) -> str:
    """Write the value of an option; one that was left open shows what was chosen for it.

    Parameters
    ----------
    value : Any
        The option's value; ``None`` where it was left open.
    chosen : Any, default=None
        What was taken in its place.

    Returns
    -------
    str
        A few words.

    Examples
    --------
    >>> option_words(3), option_words(None, 5), option_words(None)
    ('3', '5 (chosen by the size of the text)', 'none')
    """
    if value is not None:
        return str(value)
    return "none" if chosen is None else f"{chosen} (chosen by the size of the text)"


def differing_options(manifest: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the options of a run that differ from the paper's.

    Parameters
    ----------
    manifest : mapping
        The run's manifest.

    Returns
    -------
    list of tuple of str
        Option, the paper's value, this run's; an option that was left open, and for which the paper's own value was
        chosen, does not differ.
    """
    chosen = chosen_options(manifest)
    pairs = (manifest.get("differences_from_paper") or {}).items()
    return [
        (name, option_words(paper), option_words(own, chosen.get(name)))
        for name, (paper, own) in pairs
        if own is not None or chosen.get(name) != paper
    ]


def chosen_options(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the training of auxiliary vectors ran with, open options filled; empty where there was none."""
    return (manifest.get("auxiliary") or {}).get("settings") or {}
