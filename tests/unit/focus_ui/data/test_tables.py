"""The tables of the pages on the toy run."""

import csv
import io

import numpy as np
import pytest

from focus_ui.charts.csv_export import csv_bytes
from focus_ui.data import tables
from tests.toy_run import id_of, write_toy_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_toy_run(tmp_path_factory.mktemp("toy") / "run")


@pytest.fixture(scope="module")
def frame(run):
    return tables.token_table(run)


def test_every_token_has_a_row_and_a_category(frame):
    """28 copied (27 exact, 1 special), 105 combined, 2 fallback."""
    assert frame["category"].value_counts().to_dict() == {"combined": 105, "exact": 27, "fallback": 2, "special": 1}
    assert len(frame) == 135


def test_nothing_invisible_is_shown(frame):
    assert not frame["shown"].str.contains(r"[\x00-\x1f\x7f\u202a-\u202e\u200b]").any()
    assert (frame["shown"].str.len() > 0).all()


def test_groups_count_every_token_once(frame):
    for by in tables.GROUPINGS:
        for occurrences, whole in ((False, 135), (True, int(frame["frequency"].sum()))):
            groups = tables.group_sizes(frame, by, occurrences=occurrences)
            assert sum(size for _, sizes in groups for size in sizes.values()) == whole
            assert len(groups) <= tables.MAX_GROUPS


def test_many_groups_are_folded_and_the_rest_can_be_asked_for(frame):
    """Fourteen scripts of falling size: eleven are named, the last three stand under "other"."""
    many = frame.head(105).assign(script=[f"S{i:02d}" for i in range(14) for _ in range(14 - i)])
    groups = tables.group_sizes(many, "script", occurrences=False)
    assert [name for name, _ in groups] == [*(f"S{i:02d}" for i in range(11)), "other"]
    assert sum(groups[-1][1].values()) == 3 + 2 + 1
    rest = tables.filter_tokens(many, by="script", group="other")
    assert set(rest["script"]) == {"S11", "S12", "S13"}


def test_lengths_are_in_their_order(frame):
    names = [name for name, _ in tables.group_sizes(frame, "length", occurrences=False)]
    assert names == [name for _, name in tables.LENGTHS if name in names]


@pytest.mark.parametrize(("category", "n_rows"), [("", 135), ("both", 28), ("new", 107), ("exact", 27), ("fuzzy", 0)])
def test_filter_by_category(frame, category, n_rows):
    assert len(tables.filter_tokens(frame, category=category)) == n_rows


def test_filters_meet(frame, run):
    kept = tables.filter_tokens(frame, by="script", group="Latin", category="fallback", ids=[id_of(run, "▁nadra"), 0])
    assert kept["id"].tolist() == [id_of(run, "▁nadra")]


def test_the_most_frequent_comes_first(frame):
    assert (np.diff(tables.filter_tokens(frame)["frequency"]) <= 0).all()


def test_csv_is_safe_for_spreadsheets(frame):
    rows = list(csv.reader(io.StringIO(csv_bytes(frame).decode("utf-8-sig"))))
    assert rows[0] == list(frame.columns)
    assert len(rows) == 136
    assert not any(cell.startswith(("=", "+", "@", "\t")) for row in rows[1:] for cell in row)
    assert not any(cell.startswith("-") and not cell[1:].isdigit() for row in rows[1:] for cell in row)


def test_the_walk_is_a_circle(frame):
    assert tables.neighbouring_id(frame, 134, 1) == 0
    assert tables.neighbouring_id(frame, 0, -1) == 134
    gaps = frame[frame["id"] != 7]
    assert tables.neighbouring_id(gaps, 6, 1) == 8
    assert tables.neighbouring_id(gaps, 8, -1) == 6


def test_a_random_token_is_of_the_wanted_category(frame):
    generator = np.random.default_rng(1)
    drawn = {tables.random_id(frame, generator, category="fallback") for _ in range(20)}
    assert drawn == set(frame[frame["category"] == "fallback"]["id"])
    assert tables.random_id(frame, generator, category="fuzzy") in set(frame["id"])


def test_numbers_of_a_run_without_a_corpus(run):
    manifest = {**run.manifest, "corpus": None}
    assert tables.kpis(manifest)["occurrences"] is None
    assert tables.kpis(manifest)["overlap"] == pytest.approx(28 / 135)


def test_totals_follow_the_legend(frame):
    assert list(tables.category_totals(frame, occurrences=False)) == ["exact", "special", "combined", "fallback"]
