"""A titled list of tokens of one vocabulary: why they stand there, and what to do about them.

Owns the form of such a list, whoever names the tokens. Refuses to choose them.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_LISTED = 50


@dataclass(frozen=True, kw_only=True)
class TokenList:
    """Tokens to look at, in order, with what they have in common and what can be done.

    Parameters
    ----------
    key : str
        Names the list; the code of the check, where one named its tokens.
    title : str
        A few words.
    meaning : str
        Why these tokens stand here.
    remedy : str, default=""
        What to do about them, or why it matters; empty where nothing need be done.
    ids : tuple of int, default=()
        The tokens, the first to look at first.
    side : str, default="target"
        Which vocabulary they belong to: ``target`` or ``source``.
    status : str, default=""
        The verdict of the check; empty where the list does not judge.
    measure : str, default=""
        What ``values`` hold; empty where the list has no number of its own.
    values : tuple of float, default=()
        What the tokens are ranked by; empty without a measure.
    n_more : int, default=0
        How many more tokens fit that are not listed.
    """

    key: str
    title: str
    meaning: str
    remedy: str = ""
    ids: tuple[int, ...] = ()
    side: str = "target"
    status: str = ""
    measure: str = ""
    values: tuple[float, ...] = ()
    n_more: int = 0

    @property
    def n_total(self) -> int:
        """How many tokens fit, listed or not."""
        return len(self.ids) + self.n_more
