"""What holds of the joint methods whatever the text and the vectors are."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from focus_core.corpus.corpus import open_corpus
from focus_core.initialization.methods.joint.focus import new_with_vector
from focus_core.initialization.methods.joint.space import count_cuts, shared_types
from focus_core.initialization.methods.joint.tokalign import most_alike
from focus_core.initialization.methods.joint.unibridge import mutual_pairs
from focus_core.tokenization.encoding import DirectEncoder
from tests.unit.initialization.methods.joint.toy_cuts import made_input, made_space

WORDS = st.sampled_from(["na", "maji", "leo", "ja", "jaja", "mana"])
LINES = st.lists(st.lists(WORDS, min_size=1, max_size=6).map(" ".join), min_size=1, max_size=8)


@given(LINES)
@settings(max_examples=25)
def test_every_cut_counts_its_own_neighbours(lines: list[str]) -> None:
    """At distance d a line of k tokens has k - d pairs, in each cut; frequencies are those of the cuts."""
    inputs = made_input()
    cuts = [DirectEncoder(one.backend, None).encode_ids(lines) for one in (inputs.target, inputs.source)]
    types = shared_types(inputs.overlap, n_target=inputs.target.n, n_source=inputs.source.n)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.txt"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        counts = count_cuts(open_corpus([path]), inputs.target, inputs.source, types)
    everything = np.arange(counts.pairs.n_tokens)
    for distance in (1, 2):
        expected = sum(max(0, len(row) - distance) for cut in cuts for row in cut)
        assert counts.pairs.matrix(distance, everything).sum() == expected
    for found, cut in zip((counts.target_frequency, counts.source_frequency), cuts, strict=True):
        assert found.tolist() == np.bincount(np.concatenate([*cut]), minlength=len(found)).tolist()


@given(st.integers(0, 2**31), st.integers(0, 6), st.integers(0, 6))
@settings(max_examples=60)
def test_pairs_are_one_to_one_and_each_the_nearest_of_the_other(seed: int, n_new: int, n_old: int) -> None:
    """Against all cosines; shared tokens and those without a vector are in no pair."""
    chance = np.random.default_rng(seed)
    new, old = [f"▁t{i}" for i in range(6)], [f"▁s{i}" for i in range(6)]
    inputs = made_input(("▁na", *old), ("▁na", *new))
    vectors = chance.normal(size=(14, 4))
    target = {"▁na": vectors[0], **dict(zip(new[:n_new], vectors[1:7], strict=False))}
    source = {"▁na": vectors[0], **dict(zip(old[:n_old], vectors[7:13], strict=False))}
    space = made_space(inputs, target, source)
    target_ids, source_ids, cosines = mutual_pairs(inputs, space, new_with_vector(inputs, space))
    found = {(inputs.target.tokens[t], inputs.source.tokens[s]) for t, s in zip(target_ids, source_ids, strict=True)}
    length = np.linalg.norm(vectors, axis=1)
    table = (vectors @ vectors.T / np.outer(length, length))[1 : 1 + n_new, 7 : 7 + n_old]
    expected = {
        (new[i], old[int(row.argmax())])
        for i, row in enumerate(table)
        if n_old and int(table[:, int(row.argmax())].argmax()) == i
    }
    assert found == expected
    assert len(set(target_ids.tolist())) == len(set(source_ids.tolist())) == len(cosines)


@given(st.integers(0, 2**31), st.integers(0, 40), st.integers(1, 40))
@settings(max_examples=30)
def test_the_most_alike_has_the_largest_product(seed: int, n: int, m: int) -> None:
    """Whatever the size of the blocks."""
    chance = np.random.default_rng(seed)
    new, old = (chance.normal(size=(size, 5)).astype(np.float32) for size in (n, m))
    nearest, products = most_alike(new, old, memory_mib=16)
    np.testing.assert_allclose(products, (new @ old.T).max(axis=1, initial=-np.inf), rtol=1e-4, atol=1e-5)
    assert ((nearest >= 0) & (nearest < m)).all()
