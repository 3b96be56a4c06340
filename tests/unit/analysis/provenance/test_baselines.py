"""Neighbours of a row beside those that a random and the mean row would have: the rows are the methods' own."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from focus_core.analysis.provenance.baselines import _identity, baseline_embedding, start_neighbours
from focus_core.analysis.provenance.neighbours import embedding_neighbours
from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.base import MethodInput
from focus_core.initialization.methods.fallback import initialise_embeddings
from focus_core.initialization.methods.registry import METHODS
from focus_core.runs.folder import RunFolder
from focus_core.types import MethodName
from tests.toy_run import id_of, toy_matrix, toy_result, write_toy_run, write_toy_with_zero_row


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Return the toy with the statistics that the methods take: those of every token but the special ones."""
    from focus_core.initialization.methods.fallback import embedding_statistics, statistic_embeddings

    result = toy_result()
    matrix = torch.from_numpy(toy_matrix(result.source.n))
    found = embedding_statistics(matrix, statistic_embeddings(result.source, InitConfig(), len(matrix)))
    result = dataclasses.replace(result, statistics={"mean": found.mean, "std": found.std})
    return write_toy_run(tmp_path_factory.mktemp("baselines") / "toy", result=result)


@pytest.mark.parametrize("name", [MethodName.RANDOM, MethodName.MEAN])
def test_the_row_is_the_one_that_the_registered_method_makes(run, name):
    result = toy_result()
    method = METHODS[name]
    config = method.resolve(InitConfig(seed=42))
    inputs = MethodInput(source=result.source, target=result.target, overlap=result.overlap, config=config)
    matrix = torch.from_numpy(toy_matrix(result.source.n))
    made = initialise_embeddings(
        method(inputs).weights, matrix, source=result.source, target=result.target, config=config
    ).rows.numpy()
    ids = [id_of(run, token) for token in ("▁mkulima", "▁maziwa", "سلام", "**bold**", "▁farmer")]
    for target in ids:
        assert baseline_embedding(run, target, name) == pytest.approx(made[target], abs=1e-6)


def test_identities_are_those_of_the_vocabulary(run):
    """Every toy token, hostile ones and specials among them."""
    assert [_identity(run, i) for i in range(run.tokens().num_rows)] == list(toy_result().target.identities)


def test_the_first_list_is_the_runs_own(run):
    target = id_of(run, "▁mkulima")
    own, random, mean = start_neighbours(run, target, k=5)
    assert [found.method for found in (own, random, mean)] == ["focus", "random", "mean"]
    assert [n.id for n in own.neighbours] == [n.id for n in embedding_neighbours(run, target, k=5)]
    assert own.among([own.neighbours[0].id, target, 999]) == 1


def test_the_lists_agree_with_all_pairs(run):
    target = id_of(run, "▁nyumba")
    rows = run.embeddings().astype(np.float64)
    for found in start_neighbours(run, target, k=8)[1:]:
        row = baseline_embedding(run, target, MethodName(found.method)).astype(np.float64)
        cosines = rows @ row / np.linalg.norm(rows, axis=1) / np.linalg.norm(row)
        cosines[target] = -2
        assert [n.cosine for n in found.neighbours] == pytest.approx(np.sort(cosines)[::-1][:8], abs=1e-6)
        assert target not in {n.id for n in found.neighbours}


def test_a_second_time_gives_the_same_and_another_seed_another_random_row(run):
    target = id_of(run, "▁nyumba")
    assert start_neighbours(run, target) == start_neighbours(run, target)
    result = toy_result()
    other = write_toy_run(result=dataclasses.replace(result, config=dataclasses.replace(result.config, seed=43)))
    rows = [baseline_embedding(r, target, MethodName.RANDOM) for r in (run, other)]
    assert not np.allclose(rows[0], rows[1])


def test_a_row_of_zeros_has_no_neighbours_but_its_baselines_have():
    run = write_toy_with_zero_row(3)
    own, random, mean = start_neighbours(run, 3)
    assert own.neighbours == ()
    assert len(random.neighbours) == len(mean.neighbours) == 10
