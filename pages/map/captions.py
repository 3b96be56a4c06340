"""What one must know to read a map, in sentences, below the map and in a saved picture of it."""

from __future__ import annotations

from focus_core.numerics.formats import count, percent
from pages.map.tables import COSINES, METHOD_WORDS, Chosen, MapLayout

NEAR_WORDS = (
    "Lines lead from the chosen token to its ten nearest in the original space: whole where they are among the ten in "
    "both states, broken where in one."
)


def alt_words(chosen: Chosen) -> str:
    """Return a map in words for those who do not see it; the numbers stand in the card and on the page Train."""
    layout = chosen.layout
    method = METHOD_WORDS.get(layout.method, layout.method)
    members = " and ".join(dict.fromkeys(layout.members[key] for key in (chosen.left, chosen.right)))
    by = f" ({', '.join(layout.axes)})" if layout.axes else ""
    return f"Map of {count(len(layout.ids))} tokens by {method}{by}: {members}"


def honest_words(chosen: Chosen) -> list[str]:
    """Return what one must know to read a map: method, sample, seed, how far it can be trusted."""
    layout = chosen.layout
    sample = "all" if len(layout.ids) == layout.n_total else f"{count(len(layout.ids))} of"
    if layout.method == COSINES:
        return _words_on_cosines(layout, sample, two=chosen.left != chosen.right)
    method = METHOD_WORDS.get(layout.method, "a layout")
    words = [f"{method} of {sample} {count(layout.n_total)} tokens, seed {layout.seed}."]
    if chosen.left != chosen.right:
        words.append(
            "Both states were laid out together: a token that stays where it was stands in the same place in both."
        )
    if layout.explained:
        shares = " and ".join(percent(share) for share in layout.explained[:2])
        words.append(f"The two axes hold {shares} of the variance: most of it is not in this picture.")
    if layout.trust is not None:
        words.append(
            f"Trustworthiness {layout.trust:.2f}: 1 if all neighbours on the map are neighbours in the original space, "
            "0.5 by chance; what lies far apart says little."
        )
    words.append("All numbers come from the original space; only the picture is flat.")
    return words


def _words_on_cosines(layout: MapLayout, sample: str, *, two: bool) -> list[str]:
    sampled = "" if sample == "all" else f" (drawn evenly over frequency, seed {layout.seed})"
    words = [
        f"{sample.capitalize()} {count(layout.n_total)} tokens{sampled} at their cosines, exact and in the original "
        "space: nothing was projected, so every place can be read off the axes."
    ]
    if two:
        words.append("Each state is measured against its own embeddings of the tokens on the axes.")
    return words
