"""The joint space: which tokens are neighbours, and that its bytes are a matter of text and options alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from focus_core.corpus.corpus import open_corpus
from focus_core.errors import AuxiliaryError, CorpusError, InvalidInputError
from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.joint import space as joint
from focus_core.initialization.methods.joint.space import apart_types, count_cuts, joint_space, shared_types
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.overlap.matching import match_vocabularies
from focus_core.types import AuxiliarySpace, Preset
from tests.unit.initialization.methods.joint.toy_cuts import SOURCE, TARGET, made_input, place, unigram

TEXT = "na maji na\nleo maji\nleo jaja na\n"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def counted(text: Path, *, shared: bool) -> dict[tuple[str, str, int], int]:
    """Return how often one type stood before another one, by names; a source token's own type has a mark."""
    inputs = made_input(text=text)
    old, new = inputs.source, inputs.target
    size = {"n_target": new.n, "n_source": old.n}
    types = shared_types(inputs.overlap, **size) if shared else apart_types(**size)
    counts = count_cuts(open_corpus([text]), new, old, types)
    names = [*new.tokens, *(f"{token}*" for token in old.tokens)]
    found = {}
    for distance in (1, 2):
        matrix = counts.pairs.matrix(distance, np.arange(counts.pairs.n_tokens)).tocoo()
        for i, j, n in zip(*matrix.coords, matrix.data, strict=True):
            found[names[i], names[j], distance] = int(n)
    return found


def test_neighbours_come_from_both_cuts(text: Path) -> None:
    """The target cuts na|maji|na, leo|maji, leo|?|na; the source na|ma|ji|na, leo|ma|ji, leo|ja|ja|na."""
    found = counted(text, shared=True)
    assert found["▁na", "▁maji", 1] == found["▁maji", "▁na", 1] == found["▁na", "▁na", 2] == 1
    assert found["▁na", "▁ma*", 1] == found["ji*", "▁na", 1] == 1
    assert found["▁leo", "▁maji", 1] == found["▁leo", "▁ma*", 1] == 1
    assert found["▁ma*", "ji*", 1] == 2
    assert found["▁leo", "▁ja*", 1] == found["▁ja*", "ja*", 1] == found["ja*", "▁na", 1] == 1
    alone = {"▁maji", "▁jana"}
    mixed = [pair for pair in found if {*pair[:2]} & alone and any(name.endswith("*") for name in pair[:2])]
    assert not mixed, "what each cut has alone meets what both share, and never each other"


def test_spaces_that_are_apart_share_nothing(text: Path) -> None:
    """No pair has one token of each cut."""
    assert all(first.endswith("*") == second.endswith("*") for first, second, _ in counted(text, shared=False))


def test_a_source_token_of_two_targets_has_the_type_of_the_first() -> None:
    """By the user's own pairs."""
    old, new = unigram(SOURCE, "source"), unigram(TARGET, "target")
    leo, maji = place(new, "▁leo"), place(new, "▁maji")
    overlap = match_vocabularies(old, new, user_map={maji: place(old, "▁leo")})
    assert {maji, leo} <= set(overlap.target_ids.tolist())
    types = shared_types(overlap, n_target=new.n, n_source=old.n)
    assert types[place(old, "▁leo")] == min(leo, maji)
    assert types[place(old, "▁ma")] == new.n + place(old, "▁ma")


def test_shared_tokens_have_one_vector_and_unseen_source_tokens_none(text: Path) -> None:
    """In little text as well, where vectors are drawn to those spelt alike."""
    inputs = made_input(source=(*SOURCE, "▁kwa"), text=text)
    space = joint_space(inputs)
    for token in ("▁na", "▁leo"):
        np.testing.assert_array_equal(
            space.source[place(inputs.source, token)], space.target[place(inputs.target, token)]
        )
        assert space.source[place(inputs.source, token)].any()
    assert not space.source[place(inputs.source, "▁kwa")].any()
    assert not space.source[0].any(), "special tokens have none"


def test_a_least_count_leaves_out_what_comes_less_often(text: Path) -> None:
    """``▁ja`` comes once, ``▁ma`` twice."""
    inputs = made_input(text=text, min_count=2)
    space = joint_space(inputs)
    assert space.source[place(inputs.source, "▁ma")].any()
    assert not space.source[place(inputs.source, "▁ja")].any()
    assert not space.target[place(inputs.target, "▁jana")].any()


def test_the_bytes_do_not_depend_on_threads_or_the_cache(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor on whether the text was read in one batch."""
    monkeypatch.setattr(joint, "LITTLE_TEXT", 0)
    found = []
    for threads in (1, 3, 3):
        monkeypatch.setenv("FOCUS_LAB_CACHE", str(tmp_path / f"cache-{threads}"))
        space = joint_space(made_input(text=text, threads=threads))
        found.append(space.target.tobytes() + space.source.tobytes())
    assert found[0] == found[1] == found[2]
    whole = joint_space(made_input(text=text))
    monkeypatch.setattr(joint, "iter_batches", lambda corpus, on_read: ([line] for line in TEXT.splitlines()))
    assert joint_space(made_input(text=text)).counts.pairs.digest == whole.counts.pairs.digest


def test_without_text_nothing_is_counted(tmp_path: Path) -> None:
    with pytest.raises(AuxiliaryError, match="--corpus: expected text for joint-focus"):
        joint_space(made_input(method="joint-focus"))
    empty = tmp_path / "empty.txt"
    empty.write_text("\n \n", encoding="utf-8")
    with pytest.raises(CorpusError):
        joint_space(made_input(text=empty))


@pytest.mark.parametrize("name", ["joint-focus", "unibridge", "tokalign"])
def test_no_other_space_stands_for_counts(name: str) -> None:
    """And the paper's preset, which asks for fastText, says how to go on."""
    for config in (
        InitConfig(method=name, auxiliary_space=AuxiliarySpace.FASTTEXT),
        InitConfig.for_preset(Preset.PAPER, method=name),
    ):
        with pytest.raises(InvalidInputError, match=f"--auxiliary-space: expected counts beside --method {name}"):
            METHODS[name].resolve(config)
    METHODS[name].resolve(InitConfig.for_preset(Preset.PAPER, method=name, auxiliary_space=AuxiliarySpace.COUNTS))
