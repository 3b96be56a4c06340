"""Pieces in their order, resumed after a kill, refused before anything runs; the pieces themselves are made up."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from focus_core.artifacts import write_arrays
from focus_core.errors import FocusError, InvalidInputError
from focus_core.experiments import children, compare
from focus_core.experiments.children import Ended, Piece, run_pieces
from focus_core.experiments.compare import compare_methods, pieces_of
from focus_core.experiments.folder import is_comparison, open_comparison, read_measured
from focus_core.experiments.inputs import read_inputs
from focus_core.experiments.layout import CHECKPOINT, Layout, write_json
from focus_core.experiments.lines import GIVEN_PAIRS, HELD_OUT, read_lines
from focus_core.experiments.request import ComparisonRequest, methods_of
from tests.tiny_models import target_tokenizer, tiny_model

WORDS = ("Milch", "Brot", "Markt", "Haus", "Feld", "Bauer", "Kinder", "regnet")


@pytest.fixture(scope="module")
def request_of(tmp_path_factory: pytest.TempPathFactory) -> ComparisonRequest:
    folder = tmp_path_factory.mktemp("compare")
    text = folder / "text.txt"
    text.write_text("".join(f"{a} {b} {c} {i}\n" for i, (a, b, c) in enumerate(triples())), encoding="utf-8")
    return ComparisonRequest(
        source=str(tiny_model("roberta", folder / "model")),
        target_tokenizer=str(target_tokenizer("roberta", folder / "target")),
        corpus=(text,),
        methods=("focus", "mean"),
        seeds=2,
        probe_tokens=1000,
    )


def triples() -> Iterator[tuple[str, str, str]]:
    return ((a, b, c) for a in WORDS for b in WORDS for c in WORDS[:4])


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "POLL_S", 0.0)


class Fake:
    """A piece that is done at once: 2 bits a character at the start, less with every seed after the probe."""

    started: list[str]

    def __init__(self, layout: Layout, piece: str, threads: int) -> None:
        self.layout, self.piece, self.ended = layout, piece, False
        type(self).started.append(piece)

    def poll(self) -> Ended:
        if not self.ended:
            write_piece(self.layout, self.piece)
        self.ended = True
        return Ended(status=0, peak_bytes=7 << 20)

    def terminate(self) -> None:
        self.ended = True

    kill = terminate


def write_piece(layout: Layout, piece: str) -> None:
    n = len(read_lines(layout.text / HELD_OUT))
    layout.measured.mkdir(exist_ok=True)
    ones = np.full(n, 5, np.int64)
    if piece == "source":
        write_json(layout.facts(piece), {"objective": "mlm", "source": {}, "target": {}})
        rows = {name: np.stack([ones, ones]) for name in ("characters", "words")}
        bits = {name: np.full((2, n), cost) for name, cost in (("bits", 3.0), ("unigram_bits", 9.0))}
        write_arrays(layout.arrays(piece), {**rows, **bits})
        return
    method, _, seed = piece.rpartition("-")
    write_json(layout.facts(piece), {"learning_rate": 0.001, "method": method})
    probe = np.full(n, 10.0 - int(seed))
    arrays = {"start_bits": np.full(n, 10.0), "probe_bits": probe, "characters": ones, "words": ones}
    write_arrays(layout.arrays(piece), arrays)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[Fake]:
    monkeypatch.setattr(Fake, "started", [], raising=False)
    return Fake


ALL = ["source", "focus-1", "mean-1", "focus-2", "mean-2"]


def test_the_source_comes_first_and_the_first_seed_before_the_others() -> None:
    found = pieces_of(("focus", "mean"), (1, 2))
    assert [(piece.name, piece.after) for piece in found] == [
        ("source", None), ("focus-1", "source"), ("mean-1", "source"), ("focus-2", "focus-1"), ("mean-2", "mean-1"),
    ]  # fmt: skip


def test_a_comparison_becomes_a_folder(request_of: ComparisonRequest, fake: type[Fake], tmp_path: Path) -> None:
    told: list[tuple[str, float, float]] = []
    output = compare_methods(
        request_of,
        tmp_path / "out",
        start=fake,
        progress=lambda stage, done, total, note="": told.append((stage, done, total)),
    )
    assert fake.started == ALL
    assert ("compare", 5, 5) in told
    assert is_comparison(output)
    made = open_comparison(output)
    assert (made.methods, made.seeds) == (("focus", "mean"), (1, 2))
    assert made.costs()["focus-1"]["peak_mib"] == 7.0
    assert not (output / CHECKPOINT).exists()
    assert not output.with_name("out.part").exists()
    measured = read_measured(made.layout)
    assert measured.start.shape == (2, 2, len(measured.lines))
    np.testing.assert_array_equal(measured.probe[0, :, 0], [9.0, 8.0])


@pytest.mark.parametrize("after", [1, 3, 5])
def test_what_is_killed_goes_on_and_repeats_nothing(
    request_of: ComparisonRequest, fake: type[Fake], tmp_path: Path, after: int
) -> None:
    whole = compare_methods(request_of, tmp_path / "whole", start=fake)
    fake.started.clear()

    def killed(stage: str, done: float, total: float, note: str = "") -> None:
        if stage == "compare" and done == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare_methods(request_of, tmp_path / "out", start=fake, progress=killed)
    part = Layout(root=tmp_path / "out.part")
    done = [piece for piece in ALL if part.arrays(piece).exists()]
    assert len(done) == after
    before, fake.started[:] = list(fake.started), []
    output = compare_methods(request_of, tmp_path / "out", start=fake)
    assert set(before) & set(done) == set(done)
    assert fake.started == [piece for piece in ALL if piece not in done]
    for name in ("manifest.json", "table.json", "table.md", "text/fit.txt", "measured/focus-2.safetensors"):
        assert (output / name).read_bytes() == (whole / name).read_bytes(), name


def test_the_same_request_in_a_finished_folder_runs_nothing(
    request_of: ComparisonRequest, fake: type[Fake], tmp_path: Path
) -> None:
    output = compare_methods(request_of, tmp_path / "out", start=fake)
    fake.started.clear()
    other_order = dataclasses.replace(request_of, methods=("mean", "focus"))
    assert compare_methods(other_order, tmp_path / "out", start=fake) == output
    assert fake.started == []


@pytest.mark.parametrize("finished", [True, False])
def test_another_request_in_the_same_folder_is_refused(
    request_of: ComparisonRequest, fake: type[Fake], tmp_path: Path, finished: bool
) -> None:
    def killed(stage: str, done: float, total: float, note: str = "") -> None:
        if stage == "compare" and done == 2 and not finished:
            raise KeyboardInterrupt

    try:
        compare_methods(request_of, tmp_path / "out", start=fake, progress=killed)
    except KeyboardInterrupt:
        assert not finished
    with pytest.raises(InvalidInputError, match="which differs in seeds, got another one"):
        compare_methods(dataclasses.replace(request_of, seeds=3), tmp_path / "out", start=fake)
    assert (tmp_path / ("out" if finished else "out.part")).is_dir()


def test_a_strange_folder_is_not_touched(request_of: ComparisonRequest, fake: type[Fake], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(InvalidInputError, match="expected a new folder, got one that exists"):
        compare_methods(request_of, tmp_path / "out", start=fake)
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]
    assert not is_comparison(tmp_path / "out")


class Failing(Fake):
    """FOCUS ends with bad input, as its child wrote it down."""

    def poll(self) -> Ended:
        if self.piece != "focus-1":
            return super().poll()
        write_json(self.layout.error(self.piece), InvalidInputError("too few anchors", hint="take another").to_dict())
        return Ended(status=2, peak_bytes=0)


def test_the_error_of_a_piece_is_told_with_its_name(
    request_of: ComparisonRequest, fake: type[Fake], tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match=r"^focus-1: too few anchors; take another$"):
        compare_methods(request_of, tmp_path / "out", start=Failing)
    assert not list(tmp_path.iterdir())  # no method was done: nothing is worth keeping


class Dying(Fake):
    """The second seed dies without a word."""

    def poll(self) -> Ended:
        return Ended(status=-9, peak_bytes=0) if self.piece == "mean-2" else super().poll()


def test_a_piece_that_dies_leaves_the_others(request_of: ComparisonRequest, fake: type[Fake], tmp_path: Path) -> None:
    with pytest.raises(FocusError, match="piece mean-2: expected it to finish, got exit status -9"):
        compare_methods(request_of, tmp_path / "out", start=Dying)
    fake.started.clear()
    compare_methods(request_of, tmp_path / "out", start=fake)
    assert fake.started == ["mean-2"]


def test_a_piece_that_nobody_waited_for_says_itself_what_it_took(
    request_of: ComparisonRequest, fake: type[Fake], tmp_path: Path
) -> None:
    def killed(stage: str, done: float, total: float, note: str = "") -> None:
        if stage == "compare" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare_methods(request_of, tmp_path / "out", start=fake, progress=killed)
    part = Layout(root=tmp_path / "out.part")
    write_piece(part, "mean-1")  # done, and its parent gone
    write_json(part.own_cost("mean-1"), {"seconds": 3.5, "peak_mib": 9.0})
    costs = open_comparison(compare_methods(request_of, tmp_path / "out", start=fake)).costs()
    assert costs["mean-1"] == {"seconds": 3.5, "peak_mib": 9.0}
    assert set(costs) == {"prepare", *ALL}


class Slow(Fake):
    """A piece that takes some looks; at most so many run at a time as were asked for."""

    alive = most = 0

    def __init__(self, layout: Layout, piece: str, threads: int) -> None:
        super().__init__(layout, piece, threads)
        self.looks = 3
        Slow.alive += 1
        Slow.most = max(Slow.most, Slow.alive)

    def poll(self) -> Ended | None:  # type: ignore[override]
        self.looks -= 1
        if self.looks:
            return None
        Slow.alive -= 1
        return super().poll()


@pytest.mark.parametrize("jobs", [1, 3])
def test_no_more_pieces_run_than_asked_for(fake: type[Fake], tmp_path: Path, jobs: int) -> None:
    layout = Layout(root=tmp_path)
    layout.text.mkdir()
    (layout.text / HELD_OUT).write_text("a\nb\n", encoding="utf-8")
    Slow.alive = Slow.most = 0
    pieces = [Piece(name=f"mean-{i}", after=f"mean-{i - 1}" if i == 5 else None) for i in range(1, 6)]
    run_pieces(pieces, layout, jobs=jobs, threads=1, progress=lambda *_: None, start=Slow)
    assert Slow.most == jobs
    assert fake.started.index("mean-5") > fake.started.index("mean-4")


def test_what_lacks_an_input_is_missing_and_refused_where_it_was_named(
    request_of: ComparisonRequest, fake: type[Fake], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from focus_core.experiments import inputs
    from focus_core.types import Need

    needy = dataclasses.replace(inputs.METHODS["mean"], needs=(Need.DICTIONARY,))
    monkeypatch.setitem(inputs.METHODS, "mean", needy)
    said = r"^method mean: expected pairs of words.*, got none; give it by --dictionary, or leave the method out of"
    with pytest.raises(InvalidInputError, match=said):
        compare_methods(request_of, tmp_path / "out", start=fake)
    assert not list(tmp_path.iterdir())
    found = read_inputs(dataclasses.replace(request_of, methods=()))
    assert found.missing["mean"] == (Need.DICTIONARY,)
    assert found.missing["ramen"] == (Need.PARALLEL,)
    assert not {"mean", "ramen"} & set(found.methods)
    assert "focus" in found.methods


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"methods": ("nonsense",)}, r"--methods: expected focus, .* or all, got 'nonsense'"),
        ({"seeds": 0}, "--seeds: expected at least 1 and at most 100, got 0"),
        ({"probe_tokens": 10}, "--probe-tokens: expected at least 1000"),
        ({"corpus": ()}, "--corpus: expected text in the target language, got none"),
        ({"device": "abacus"}, "--device"),
    ],
)
def test_a_request_that_cannot_be_met_is_one_line(request_of: ComparisonRequest, changes: dict, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        dataclasses.replace(request_of, **changes)


def test_vectors_with_nan_are_refused(request_of: ComparisonRequest, tmp_path: Path) -> None:
    path = tmp_path / "en.vec"
    path.write_text("2 2\nmarket 1 2\nbread 1 nan\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"en.vec: expected 2 finite numbers in line 3, got NaN or infinity"):
        read_inputs(dataclasses.replace(request_of, vectors=path))


def test_a_source_without_a_head_is_refused(request_of: ComparisonRequest, tmp_path: Path) -> None:
    folder = tmp_path / "static"
    folder.mkdir()
    write_arrays(folder / "model.safetensors", {"embeddings": np.ones((60, 4), np.float32)})
    with pytest.raises(InvalidInputError):
        read_inputs(dataclasses.replace(request_of, source=str(folder)))


def test_methods_read_the_pairs_that_retrieval_does_not_measure(
    request_of: ComparisonRequest, fake: type[Fake], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A half of the words by their hash; without a method that reads a dictionary, all are left to measure."""
    from focus_core.experiments import inputs
    from focus_core.experiments.measures import is_given
    from focus_core.experiments.piece import _further
    from focus_core.types import Need

    pairs = tmp_path / "pairs.tsv"
    lines = [f"{word}{i}\tx{i}" for i, word in enumerate(WORDS * 3)]
    pairs.write_text("\n".join(lines), encoding="utf-8")
    asked = dataclasses.replace(request_of, dictionary=pairs)
    plain = Layout(root=compare_methods(asked, tmp_path / "plain", start=fake))
    assert not (plain.text / GIVEN_PAIRS).exists()
    reader = dataclasses.replace(inputs.METHODS["mean"], uses=(Need.DICTIONARY,))
    monkeypatch.setitem(inputs.METHODS, "mean", reader)
    layout = Layout(root=compare_methods(asked, tmp_path / "out", start=fake))
    given = [line for line in lines if is_given(line.split("\t")[0])]
    assert 0 < len(given) < len(lines)
    assert read_lines(layout.text / GIVEN_PAIRS) == given
    assert json.loads(layout.manifest.read_text())["text"]["n_given_pairs"] == len(given)
    assert _further(layout, asked, "mean") == {"dictionary": layout.text / GIVEN_PAIRS}
    assert _further(layout, asked, "focus") == {}


def test_a_dictionary_of_which_methods_may_read_nothing_is_refused(
    request_of: ComparisonRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from focus_core.experiments import inputs
    from focus_core.experiments.measures import is_given
    from focus_core.types import Need

    monkeypatch.setitem(inputs.METHODS, "mean", dataclasses.replace(inputs.METHODS["mean"], needs=(Need.DICTIONARY,)))
    word = next(word for word in WORDS if not is_given(word))
    (tmp_path / "one.tsv").write_text(f"{word}\tx\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"one\.tsv: expected pairs enough that methods may read half"):
        read_inputs(dataclasses.replace(request_of, dictionary=tmp_path / "one.tsv"))


def test_a_donor_must_have_the_target_tokenizer(request_of: ComparisonRequest) -> None:
    with pytest.raises(InvalidInputError, match="--donor: expected a model with the target tokenizer, got another one"):
        read_inputs(dataclasses.replace(request_of, donor=request_of.source))


def test_methods_train_from_the_same_budget(request_of: ComparisonRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    from focus_core.experiments import request

    assert request_of.probe_of("mean") == 1000
    spending = dataclasses.replace(request.METHODS["mean"], spent_tokens=400)
    monkeypatch.setitem(request.METHODS, "mean", spending)
    assert dataclasses.replace(request_of, probe_tokens=1600).probe_of("mean") == 1200
    with pytest.raises(InvalidInputError, match="at least 1,400, for mean itself trains on 400, got 1,000"):
        dataclasses.replace(request_of)


def test_a_list_of_methods_is_read() -> None:
    assert methods_of("focus,mean, focus") == ("focus", "mean")
    assert methods_of("all") == ()
    with pytest.raises(InvalidInputError, match="names with commas between, or all, got ''"):
        methods_of("")


def test_what_is_no_comparison_is_named(tmp_path: Path) -> None:
    for name in ("none", "out.part"):
        with pytest.raises(InvalidInputError, match="expected a finished comparison"):
            open_comparison(tmp_path / name)
    (tmp_path / "old").mkdir()
    for name in ("manifest.json", "table.json"):
        (tmp_path / "old" / name).write_text(json.dumps({"kind": "comparison", "schema_version": 9}))
    with pytest.raises(InvalidInputError, match="a comparison of version 1"):
        open_comparison(tmp_path / "old")


@pytest.fixture(autouse=True)
def _plain_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is concluded has tests of its own; here it is the mean."""

    def finish(layout: Layout) -> None:
        measured = read_measured(layout)
        found = {"schema_version": 1, "kind": "comparison", "probe": measured.probe.mean(axis=(1, 2)).tolist()}
        write_json(layout.table, found)
        (layout.root / "table.md").write_text("table\n")

    monkeypatch.setattr(compare, "_finish", finish)
