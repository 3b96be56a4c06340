"""What else a token needs so that a tokenizer still makes it: the parts that merges join to it, its letters alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

Pair = tuple[str, str]


def needs_of(model: Mapping[str, Any]) -> Callable[[str], set[str]]:
    """Return what says which tokens of the vocabulary a token needs beside itself.

    Parameters
    ----------
    model : mapping
        The ``model`` of a ``tokenizer.json``.

    Returns
    -------
    callable
        From a native form to native forms. BPE: the symbols that it begins as and every part that its merges make on
        the way. Unigram and WordPiece: its letters as tokens of their own, so that no word of these letters is unknown;
        whole words need nothing.
    """
    if model["type"] == "BPE":
        return MergeTable(model).parts
    if model["type"] == "WordLevel":
        return lambda token: set()
    prefix = model.get("continuing_subword_prefix") or ""
    vocabulary = {token for token, _ in model["vocab"]} if model["type"] == "Unigram" else set(model["vocab"])
    return lambda token: set(symbols_of(token, prefix=prefix)) & vocabulary


def symbols_of(token: str, *, prefix: str = "", suffix: str = "") -> list[str]:
    """Return the symbols of single characters that a token is made of.

    Parameters
    ----------
    token : str
        Its native form.
    prefix : str, default=""
        What every symbol begins with that does not open a word.
    suffix : str, default=""
        What the symbol ends with that ends a word.

    Returns
    -------
    list of str
        In their order.

    Examples
    --------
    >>> symbols_of("abc", prefix="##"), symbols_of("##bc", prefix="##"), symbols_of("ab</w>", suffix="</w>")
    (['a', '##b', '##c'], ['##b', '##c'], ['a', 'b</w>'])
    """
    inside = bool(prefix) and token.startswith(prefix) and token != prefix
    ends = bool(suffix) and token.endswith(suffix) and token != suffix
    text = token[len(prefix) * inside : len(token) - len(suffix) * ends]
    symbols = [character if not i and not inside else prefix + character for i, character in enumerate(text)]
    return [*symbols[:-1], symbols[-1] + suffix] if ends else symbols


class MergeTable:
    """The merges of a BPE model, by which it makes a token of its symbols.

    Parameters
    ----------
    model : mapping
        The ``model`` of a ``tokenizer.json``.
    """

    def __init__(self, model: Mapping[str, Any]) -> None:
        self.prefix = model.get("continuing_subword_prefix") or ""
        self.suffix = model.get("end_of_word_suffix") or ""
        self.vocabulary: set[str] = set(model["vocab"])
        self.ranks: dict[Pair, int] = {}
        for pair in map(pair_of, model["merges"]):
            self.ranks.setdefault(pair, len(self.ranks))

    def made(self, pair: Pair) -> str:
        """Return what a merge makes of its two parts."""
        return pair[0] + pair[1].removeprefix(self.prefix)

    def parts(self, token: str) -> set[str]:
        """Return the tokens that stand on the way from symbols to a token, itself left out.

        A word's cut holds the token only if its merges went this way within it: none of them crossed its ends, and
        what lies outside does not change which of those inside comes first.
        """
        row = symbols_of(token, prefix=self.prefix, suffix=self.suffix)
        found = set(row)
        while len(row) > 1:
            ranks = [self.ranks.get(pair) for pair in pairwise(row)]
            best = min((rank for rank in ranks if rank is not None), default=None)
            if best is None:
                break
            at = ranks.index(best)
            row[at : at + 2] = [self.made((row[at], row[at + 1]))]
            found.add(row[at])
        return (found & self.vocabulary) - {token}


def pair_of(merge: str | list[str]) -> Pair:
    """Return the two parts of a merge, in either way of writing it.

    Examples
    --------
    >>> pair_of("t h"), pair_of(["t", "h"])
    (('t', 'h'), ('t', 'h'))
    """
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    return left, right
