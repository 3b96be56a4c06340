"""Plan how appended BPE tokens are reached: which merges to append, and in which order.

A merge appended at the end has the lowest priority, so it never changes how a string was tokenized before; it only
joins what was left apart. A token that the merges so far leave as ``[a, b]`` is therefore reached by the one new merge
``(a, b)``, and stays reached whatever is appended later for other tokens that contain it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

MAX_PARTS = 12
"""Longest cut for which a tree of merges is looked for."""

Pair = tuple[str, str]


class MergePlan:
    """The merges of a BPE model, growing."""

    def __init__(self, tokens: Collection[str], merges: Sequence[Pair]) -> None:
        self.tokens = set(tokens)
        self.ranks: dict[Pair, int] = {}
        for pair in merges:
            self.ranks.setdefault(pair, len(self.ranks))
        self.n_given = len(self.ranks)

    @property
    def new_merges(self) -> list[Pair]:
        """The merges appended so far, in order."""
        return list(self.ranks)[self.n_given :]

    def cut(self, token: str) -> list[str]:
        """Return the pieces that the merges leave of a string."""
        parts = list(token)
        while len(parts) > 1:
            ranks = [self.ranks.get(pair) for pair in pairwise(parts)]
            best = min((rank for rank in ranks if rank is not None), default=None)
            if best is None:
                break
            at = ranks.index(best)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return parts

    def append(self, token: str) -> bool:
        """Append a token and the merges that reach it."""
        parts = self.cut(token)
        tree = merge_tree(parts, self.tokens)
        added = [pair for pair in tree if pair not in self.ranks]
        if len(parts) > 1 and not added:
            return False
        for pair in added:
            self.ranks[pair] = len(self.ranks)
        if self.cut(token) != [token]:
            for pair in added:
                del self.ranks[pair]
            return False
        self.tokens.add(token)
        return True


def merge_tree(parts: Sequence[str], known: Collection[str]) -> list[Pair]:
    """Return merges that join ``parts`` pairwise into one string, each result before the last a known token."""
    n = len(parts)
    if n == 1 or n > MAX_PARTS or any(part not in known for part in parts):
        return []
    trees: dict[tuple[int, int], list[Pair]] = {(i, i + 1): [] for i in range(n)}
    for width in range(2, n + 1):
        for start in range(n - width + 1):
            stop = start + width
            if width < n and "".join(parts[start:stop]) not in known:
                continue
            middles = (m for m in range(start + 1, stop) if (start, m) in trees and (m, stop) in trees)
            for middle in middles:
                pair = ("".join(parts[start:middle]), "".join(parts[middle:stop]))
                trees[start, stop] = [*trees[start, middle], *trees[middle, stop], pair]
                break
    return trees.get((0, n), [])


def plan_merges(
    tokens: Collection[str], merges: Sequence[Pair], new_tokens: Iterable[str]
) -> tuple[list[str], list[Pair], list[str]]:
    """Append every new token that can be reached.

    Tokens are tried shortest first, and again as long as others, once appended, made a way to them.
    """
    plan = MergePlan(tokens, merges)
    waiting = sorted(set(new_tokens) - plan.tokens, key=lambda token: (len(token), token))
    reached: list[str] = []
    progress = True
    while waiting and progress:
        left = [token for token in waiting if not plan.append(token)]
        progress = len(left) < len(waiting)
        still = set(left)
        reached += [token for token in waiting if token not in still]
        waiting = left
    return reached, plan.new_merges, waiting
