"""Weights of joint FOCUS, UniBridge and TokAlign by hand; what UniBridge's own code gets wrong is right here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from focus_core.errors import AuxiliaryError
from focus_core.initialization.methods.base import MethodInput, MethodOutput
from focus_core.initialization.methods.joint import focus, tokalign, unibridge
from focus_core.initialization.methods.joint.space import Space
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.weights import COMBINED, COPIED, FALLBACK
from focus_core.types import Anchors
from tests.unit.initialization.methods.joint.toy_cuts import made_input, made_space, place

SOURCE = ("▁na", "▁leo", "▁book", "book", "▁water")
TARGET = ("▁na", "▁leo", "▁kitabu", "▁maji", "▁siku")


def weighed(
    name: str, inputs: MethodInput, space: Space, monkeypatch: pytest.MonkeyPatch
) -> tuple[MethodOutput, dict[str, dict[str, float]]]:
    """Return what a method makes of a given space, and its rows by name."""
    module = {"joint-focus": focus, "unibridge": unibridge, "tokalign": tokalign}[name]
    monkeypatch.setattr(module, "two_spaces" if name == "tokalign" else "joint_space", lambda given: space)
    made = METHODS[name](inputs)
    rows = {}
    for i, token in enumerate(inputs.target.tokens):
        ids, weights, _ = made.weights.contributors(i)
        rows[token] = {inputs.source.tokens[s]: round(float(w), 3) for s, w in zip(ids, weights, strict=True)}
    return made, rows


def unit(cosine: float, axis: int, of: int) -> list[float]:
    """Return a unit vector with some cosine to the first axis, and the rest along another one."""
    found = [0.0] * of
    found[0], found[axis] = cosine, float(np.sqrt(1 - cosine**2))
    return found


def test_joint_focus_is_the_sparsemax_of_cosines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cosines .9 and .6 to shared tokens: tau = (1.5 - 1) / 2 = .25, weights .65 and .35; .8 to one that is not shared.

    With all source tokens .9, .8, .6: tau = (2.3 - 1) / 3 = .4333, weights .467, .367, .167.
    """
    near = {"▁na": unit(0.9, 1, 4), "▁leo": unit(0.6, 2, 4), "▁book": unit(0.8, 3, 4)}
    new = {"▁kitabu": [1.0, 0, 0, 0]}
    inputs = made_input(SOURCE, TARGET, method="joint-focus")
    made, rows = weighed("joint-focus", inputs, made_space(inputs, new, near), monkeypatch)
    assert rows["▁kitabu"] == {"▁na": 0.65, "▁leo": 0.35}
    assert rows["▁na"] == {"▁na": 1.0}
    assert made.anchor_ids.tolist() == [place(inputs.target, "▁na"), place(inputs.target, "▁leo")]
    assert made.weights.origins[place(inputs.target, "▁maji")] == FALLBACK, "it has no vector"
    every = made_input(SOURCE, TARGET, method="joint-focus", anchors=Anchors.ALL)
    _, rows = weighed("joint-focus", every, made_space(every, new, near), monkeypatch)
    assert rows["▁kitabu"] == {"▁na": 0.467, "▁book": 0.367, "▁leo": 0.167}


def test_options_bound_and_sharpen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cosines .9 and .6 over .5 are 1.8 and 1.2: tau = (3 - 1) / 2 = 1, weights .8 and .2."""
    near = {"▁na": unit(0.9, 1, 3), "▁leo": unit(0.6, 2, 3)}
    for options, expected in (({"temperature": 0.5}, {"▁na": 0.8, "▁leo": 0.2}), ({"top_k": 1}, {"▁na": 1.0})):
        inputs = made_input(SOURCE, TARGET, method="joint-focus", **options)
        space = made_space(inputs, {"▁kitabu": [1.0, 0, 0]}, near)
        assert weighed("joint-focus", inputs, space, monkeypatch)[1]["▁kitabu"] == expected


PAIRS_TARGET = {"▁kitabu": [1.0, 0, 0], "▁maji": [0.9, 0.435889894, 0], "▁siku": [0, 0, 1.0]}
PAIRS_SOURCE = {"▁na": [0, 0, 1.0], "▁book": [1.0, 0, 0], "▁water": [0, 1.0, 0]}


def test_unibridge_pairs_what_is_nearest_to_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """``▁maji`` lies nearest to ``▁book`` too, but ``▁book`` to ``▁kitabu``: no pair, so it is combined.

    Its anchors are ``▁na`` (cosine 0) and the partner ``▁book`` (.9): 1 + 2 * 0 > .9, tau = (.9 - 1) / 2 = -.05,
    weights .95 and .05. ``▁water`` has no partner and is no anchor.
    """
    inputs = made_input(SOURCE, TARGET, method="unibridge")
    made, rows = weighed("unibridge", inputs, made_space(inputs, PAIRS_TARGET, PAIRS_SOURCE), monkeypatch)
    assert rows["▁kitabu"] == {"▁book": 1.0}
    assert rows["▁maji"] == {"▁book": 0.95, "▁na": 0.05}
    assert rows["▁siku"] == {"▁na": 1.0}, "nearest to a shared token, which may be no partner"
    assert made.notes == {"n_anchors": 2, "n_pairs": 1, "n_combined": 2}
    assert made.weights.origins[place(inputs.target, "▁leo")] == COPIED
    assert made.weights.origins[place(inputs.target, "▁kitabu")] == COMBINED


def test_the_embedding_of_a_pair_equals_the_source_bit_for_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = made_input(SOURCE, TARGET, method="unibridge")
    made, _ = weighed("unibridge", inputs, made_space(inputs, PAIRS_TARGET, PAIRS_SOURCE), monkeypatch)
    matrix = torch.from_numpy(np.random.default_rng(0).normal(size=(inputs.source.n, 5)).astype(np.float32))
    rows = made.weights.apply(matrix)
    assert torch.equal(rows[place(inputs.target, "▁kitabu")], matrix[place(inputs.source, "▁book")])


def test_unibridge_looks_a_token_up_with_its_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    """``book`` and ``▁book`` are two tokens: the authors' code asks for a third, the word with a space."""
    inputs = made_input(SOURCE, TARGET, method="unibridge")
    source = {"▁na": [0, 0, 1.0], "▁book": [0, 1.0, 0], "book": [1.0, 0, 0]}
    _, rows = weighed("unibridge", inputs, made_space(inputs, {"▁kitabu": [1.0, 0, 0]}, source), monkeypatch)
    assert rows["▁kitabu"] == {"book": 1.0}


def test_unibridge_names_source_ids_and_no_places_in_a_shorter_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors of equal tokens, shared tokens and tokens without one all make such a list shorter than the ids."""
    inputs = made_input(SOURCE, TARGET, method="unibridge")
    space = made_space(inputs, {"▁maji": [0, 1.0, 0]}, {"▁na": [0, 0, 1.0], "▁water": [0, 1.0, 0]})
    target_ids, source_ids, cosines = unibridge.mutual_pairs(inputs, space, focus.new_with_vector(inputs, space))
    assert target_ids.tolist() == [place(inputs.target, "▁maji")]
    assert source_ids.tolist() == [place(inputs.source, "▁water")]
    np.testing.assert_allclose(cosines, [1.0])


LETTERS = tuple("abeijkmortuwz")
CONTEXTS = ("na {} leo", "leo {} na", "{} leo leo", "na na {}")


def write_uses(folder: Path) -> Path:
    """Write a text in which ``kitabu`` and ``book`` are used alike, and ``maji`` and ``water`` are, otherwise."""
    lines = [line.format(word) for line in CONTEXTS[:2] for word in ("kitabu", "book") for _ in range(3)]
    lines += [line.format(word) for line in CONTEXTS[2:] for word in ("maji", "water") for _ in range(3)]
    path = folder / "uses.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_unibridge_finds_pairs_in_one_space_of_both_cuts(tmp_path: Path) -> None:
    """Each word is one token of one vocabulary and letters in the other. Spaces of their own could not tell.

    Run again it gives the same bytes: nothing is drawn.
    """
    text, found = write_uses(tmp_path), []
    for _ in range(2):
        inputs = made_input((*SOURCE, "▁", *LETTERS), (*TARGET, "▁", *LETTERS), text, method="unibridge")
        made = METHODS["unibridge"](inputs)
        found.append(made.weights.matrix.data.tobytes() + made.weights.matrix.indices.tobytes())
        for new, old in (("▁kitabu", "▁book"), ("▁maji", "▁water")):
            ids, weights, similarities = made.weights.contributors(place(inputs.target, new))
            assert [inputs.source.tokens[i] for i in ids] == [old]
            assert weights.tolist() == [1.0]
            assert similarities[0] > 0.9
    assert found[0] == found[1]


def test_a_token_without_a_vector_falls_back_and_is_no_mean_of_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """The authors' code puts a random vector in its place and combines it."""
    inputs = made_input(SOURCE, TARGET, method="unibridge")
    space = made_space(inputs, {"▁kitabu": [1.0, 0, 0]}, PAIRS_SOURCE)
    made, rows = weighed("unibridge", inputs, space, monkeypatch)
    assert made.weights.origins[place(inputs.target, "▁siku")] == FALLBACK
    assert rows["▁siku"] == {}


def test_tokalign_compares_relations_and_not_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """The source's space is turned by 90°: r of ``▁kitabu`` is (.6, .8), of ``▁book`` (.6, .8), of ``▁water`` (1, 0).

    The products are 1 and .6, while by cosine ``▁kitabu`` is nearer to ``▁water`` (.8) than to ``▁book`` (0). The
    pivots take part: r of ``▁leo`` is (0, 1), product .8. ``▁siku`` takes the same source token.
    """
    inputs = made_input(SOURCE, TARGET, method="tokalign")
    target = {"▁na": [2.0, 0], "▁leo": [0, 3.0], "▁kitabu": [0.6, 0.8], "▁siku": [1.2, 1.6]}
    source = {"▁na": [0, 1.0], "▁leo": [-1.0, 0], "▁book": [-0.8, 0.6], "▁water": [0, 2.0]}
    made, rows = weighed("tokalign", inputs, made_space(inputs, target, source), monkeypatch)
    assert rows["▁kitabu"] == rows["▁siku"] == {"▁book": 1.0}
    assert rows["▁na"] == {"▁na": 1.0}
    assert made.weights.origins[place(inputs.target, "▁maji")] == FALLBACK, "the text does not have it"
    np.testing.assert_allclose(made.weights.contributors(place(inputs.target, "▁kitabu"))[2], [1.0], atol=1e-6)
    assert made.notes == {"n_pivots": 2, "n_aligned": 2, "n_sources_taken": 1}


def test_pivots_lie_at_equal_distances_among_the_frequent_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five shared tokens, three pivots: the most and the least frequent, and the one in the middle."""
    monkeypatch.setattr(tokalign, "PIVOTS", 3)
    tokens = ("▁a", "▁b", "▁c", "▁d", "▁e")
    inputs = made_input(tokens, tokens, method="tokalign")
    space = made_space(inputs, *({token: [1.0] for token in tokens} for _ in range(2)))
    often = np.array([0, 3, 9, 1, 7, 5])
    space.counts.__dict__.update(target_frequency=often, source_frequency=often + 1)
    chosen = inputs.overlap.target_ids[tokalign.pivot_positions(inputs, space)]
    assert [inputs.target.tokens[i] for i in chosen] == ["▁b", "▁e", "▁c"]


@pytest.mark.parametrize("name", ["joint-focus", "unibridge", "tokalign"])
def test_no_shared_token_of_text_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = made_input(SOURCE, TARGET, method=name)
    space = made_space(inputs, {"▁kitabu": [1.0]}, {"▁book": [1.0]})
    with pytest.raises(AuxiliaryError, match="a shared token of text"):
        weighed(name, inputs, space, monkeypatch)


@pytest.mark.parametrize("name", ["joint-focus", "unibridge", "tokalign"])
def test_without_new_tokens_every_row_is_a_copy(name: str) -> None:
    """And no text is needed."""
    inputs = made_input(SOURCE, ("▁na", "▁leo"), method=name)
    assert METHODS[name](inputs).weights.origins.tolist() == [COPIED] * 3
