"""Tokens that changed together: planted groups are found, chance makes none, equal input gives equal groups."""

from __future__ import annotations

import numpy as np
import pytest

from focus_core.analysis.comparison.neighbour_groups import changed_groups, training_groups
from focus_core.errors import InvalidInputError
from focus_core.runs.additions import open_training
from focus_core.runs.folder import RunFolder, open_run
from tests.tiny_runs import add_training, train_toy
from tests.toy_run import altered, write_toy_run

N, D = 600, 24
PLANTED = (range(9), range(100, 112))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return write_toy_run(tmp_path_factory.mktemp("together") / "toy")


@pytest.fixture(scope="module")
def large(run: RunFolder) -> RunFolder:
    """Return the toy as a run of 600 tokens, each seen 50 times."""
    columns = {"tokens.kind": np.array(["normal"] * N, dtype=object), "tokens.frequency": np.full(N, 50.0)}
    return altered(run, columns=columns)


def states(seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return rows before and after: the tokens of a planted group move from one place to another, the rest stays."""
    random = np.random.default_rng(seed)
    before = random.normal(size=(N, D)).astype(np.float32)
    homes = random.normal(size=(4, D)) * 4
    for place, anchors in enumerate((range(200, 215), range(220, 235), range(240, 255), range(260, 275))):
        before[list(anchors)] = homes[place] + 0.1 * random.normal(size=(15, D))
    after = before.copy()
    for number, members in enumerate(PLANTED):
        ids = list(members)
        before[ids] = homes[2 * number] + 0.3 * random.normal(size=(len(ids), D))
        after[ids] = homes[2 * number + 1] + 0.3 * random.normal(size=(len(ids), D))
    return before, after


def test_planted_groups_are_found_with_what_they_gained_and_lost(large: RunFolder) -> None:
    found = changed_groups(large, *states())
    assert found.n_compared == N
    first, second = (sorted(group.ids) for group in found.groups[:2])
    assert sorted([first, second]) == [list(members) for members in PLANTED]
    for group in found.groups[:2]:
        number = 0 if 0 in group.ids else 1
        was, became = (range(200, 215), range(220, 235)) if number == 0 else (range(240, 255), range(260, 275))
        assert group.gained
        assert set(group.gained) <= {*became, *PLANTED[number]}
        assert group.lost
        assert set(group.lost) <= {*was, *PLANTED[number]}
        assert 0.2 <= group.agreement <= 1
        assert group.kept < 0.5
        assert group.occurrences == 50 * len(group.ids)


def test_every_token_is_in_at_most_one_group(large: RunFolder) -> None:
    ids = [i for group in changed_groups(large, *states()).groups for i in group.ids]
    assert len(ids) == len(set(ids))


def test_without_change_there_is_no_group(large: RunFolder) -> None:
    before, _ = states()
    assert changed_groups(large, before, before.copy()).groups == ()


def test_chance_moves_tokens_apart_and_makes_no_group(large: RunFolder) -> None:
    random = np.random.default_rng(5)
    one, other = (random.normal(size=(N, D)).astype(np.float32) for _ in range(2))
    assert sum(len(group.ids) for group in changed_groups(large, one, other).groups) < N / 20


def test_equal_input_gives_equal_groups(large: RunFolder) -> None:
    assert changed_groups(large, *states()) == changed_groups(large, *states())


def test_rare_tokens_move_by_noise_and_are_left_out(large: RunFolder) -> None:
    seen = np.full(N, 50.0)
    seen[list(PLANTED[0])] = 9
    found = changed_groups(
        altered(large, columns={"tokens.frequency": seen, "tokens.kind": large.column("tokens", "kind")}), *states()
    )
    assert found.n_compared == N - len(PLANTED[0])
    assert [sorted(group.ids) for group in found.groups[:1]] == [list(PLANTED[1])]


def test_a_run_without_a_corpus_compares_all(large: RunFolder) -> None:
    columns = {"tokens.frequency": np.full(N, np.nan), "tokens.kind": large.column("tokens", "kind")}
    found = changed_groups(altered(large, columns=columns), *states())
    assert found.n_compared == N
    assert np.isnan(found.groups[0].occurrences)


def test_of_many_tokens_those_that_turned_most_are_compared(large: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("focus_core.analysis.comparison.neighbour_groups.MOST_TOKENS", 40)
    found = changed_groups(large, *states())
    assert (found.n_compared, found.n_total) == (40, N)
    assert sorted(sorted(group.ids) for group in found.groups[:2]) == [list(members) for members in PLANTED]


def test_of_rows_of_two_widths_the_most_frequent_are_compared(
    large: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No angle lies between rows of two widths: not the least ids are taken, but those that are seen most."""
    monkeypatch.setattr("focus_core.analysis.comparison.neighbour_groups.MOST_TOKENS", 40)
    seen = np.full(N, 50.0)
    seen[list(PLANTED[1])] = 500
    often = altered(large, columns={"tokens.frequency": seen, "tokens.kind": large.column("tokens", "kind")})
    before, after = states()
    found = changed_groups(often, before, np.hstack([after, np.zeros((N, 8), dtype=np.float32)]))
    assert (found.n_compared, found.n_total) == (40, N)
    assert list(PLANTED[1]) in [sorted(group.ids) for group in found.groups]


def test_the_groups_of_a_training_of_hostile_tokens(run: RunFolder) -> None:
    train_toy(run)
    opened = open_run(run.path)
    found = training_groups(opened, open_training(opened, "focus-seed-1"))
    assert found.n_total >= found.n_compared > 0
    strange = add_training(opened, "strange", method="random", trained=opened.embeddings())
    with pytest.raises(InvalidInputError, match="expected one of this run, got another run's"):
        training_groups(opened, strange)
