"""What the map asks of the library: what feeds a selection, and cosines to directions; numbers derived by hand."""

import numpy as np
import pytest

from focus_core.analysis.provenance.selection import common_contributors
from focus_core.errors import InvalidInputError, RunFolderError
from focus_core.projection.axes import Direction, cosine_axes
from focus_core.projection.members import Member, members_of
from tests.toy_run import id_of, write_toy_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_toy_run(tmp_path_factory.mktemp("map") / "toy")


def test_the_source_tokens_of_a_selection_are_ranked_by_their_weight(run):
    """Farmer 0.6 + market 0.4, milk 1, four times 0.25: of three rows, milk has a third."""
    chosen = [id_of(run, t) for t in ("▁mkulima", "▁maziwa", "▁nyumba", "▁farmer", "▁nadra")]
    found = common_contributors(run, [*chosen, chosen[0]])
    assert (found.n_combined, found.n_copied, found.n_fallback, found.n_sources) == (3, 1, 1, 7)
    weights = {c.text: (c.weight, c.share, c.n_fed) for c in found.contributors}
    assert [c.text for c in found.contributors[:3]] == ["milk", "farmer", "market"]
    assert weights["milk"] == pytest.approx((1.0, 1 / 3, 1))
    assert weights["farmer"] == pytest.approx((0.6, 0.2, 1))
    assert weights["house"] == pytest.approx((0.25, 0.25 / 3, 1))
    assert all(c.word_start for c in found.contributors)


def test_a_source_token_that_feeds_several_rows_counts_them(run):
    every = np.flatnonzero(run.column("tokens", "origin").astype(str) == "combined")
    found = common_contributors(run, every, n=1000)
    rows = np.isin(run.column("contributions", "target_id"), every)
    ids, counts = np.unique(run.column("contributions", "source_id")[rows], return_counts=True)
    assert {c.id: c.n_fed for c in found.contributors} == dict(zip(ids.tolist(), counts.tolist(), strict=True))
    assert sum(c.share for c in found.contributors) == pytest.approx(1)
    assert len(common_contributors(run, every, n=2).contributors) == 2


def test_nothing_combined_has_no_contributors(run):
    assert common_contributors(run, []).contributors == ()
    found = common_contributors(run, [id_of(run, "▁farmer")])
    assert (found.n_copied, found.contributors) == (1, ())


@pytest.mark.parametrize("wrong", [[-1], [10**6]])
def test_a_selection_of_no_tokens_is_refused(run, wrong):
    with pytest.raises(RunFolderError, match="selection"):
        common_contributors(run, wrong)


ROWS = np.array([[2, 0], [0, 3], [4, 4], [0, 0], [-1, 0]], dtype=np.float32)
TURNED = ROWS[:, ::-1].copy()


def member(rows, title="m"):
    return Member(key=title, title=title, digest="0", width=2, read=lambda ids: rows[ids])


def test_every_token_lies_at_its_cosines_to_two_others_in_each_member():
    found = cosine_axes([member(ROWS), member(TURNED)], np.arange(5), [Direction(plus=(0,)), Direction(plus=(1,))])
    half = np.sqrt(0.5)
    expected = [[1, 0], [0, 1], [half, half], [0, 0], [-1, 0]]
    assert found.dtype == np.float32
    assert found[0] == pytest.approx(np.array(expected), abs=1e-6)
    assert found[1] == pytest.approx(np.array(expected), abs=1e-6), "directions are each member's own"


def test_a_direction_may_be_a_sum_and_a_difference():
    """(1, 0) - (0, 1) has length sqrt(2): the cosine of (1, 0) with it is sqrt(1/2), of (1, 1) it is 0."""
    found = cosine_axes([member(ROWS)], np.arange(3), [Direction(plus=(0,), minus=(1,)), Direction(plus=(0, 1))])
    half = np.sqrt(0.5)
    assert found[0] == pytest.approx(np.array([[half, half], [-half, half], [0, 1]]), abs=1e-6)


@pytest.mark.parametrize("axis", [Direction(plus=()), Direction(plus=(0,), minus=(0,)), Direction(plus=(3,))])
def test_a_direction_that_points_nowhere_is_refused(axis):
    with pytest.raises(InvalidInputError, match="axis"):
        cosine_axes([member(ROWS)], np.arange(3), [axis])


def test_cosines_are_those_of_the_run_itself(run):
    a, b = id_of(run, "▁farmer"), id_of(run, "▁mkulima")
    found = cosine_axes(members_of(run, [], []), np.array([a, b]), [Direction(plus=(a,)), Direction(plus=(b,))])[0]
    x, y = (run.rows("input", [i])[0].astype(np.float64) for i in (a, b))
    cosine = x @ y / np.linalg.norm(x) / np.linalg.norm(y)
    assert found == pytest.approx(np.array([[1, cosine], [cosine, 1]]), abs=1e-6)
