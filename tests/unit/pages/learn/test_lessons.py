"""Every chapter of the lessons: a wrong answer is refused with the hint, a right one accepted; runs that do not fit."""

import numpy as np
import pytest
from typer.testing import CliRunner

from focus_core.analysis.comparison.lists import hub_anchors
from focus_core.analysis.overlap_lists import sizes_of
from focus_core.analysis.sentence import read_both
from focus_core.analysis.worked_examples import first_sentence, worked_tokens
from focus_core.cli.main import app as command_line
from focus_core.errors import InvalidInputError
from focus_core.numerics.sparsemax import sparsemax_rows
from focus_core.runs.folder import open_run
from focus_ui.data.catalog import ASSETS
from pages.learn.lessons.base import Task, TaskKind, check_answer
from pages.learn.lessons.chapters import CHAPTERS
from pages.learn.lessons.judging import compared_tokens, origins_by_band, own_training
from pages.learn.lessons.one_row import exercise_of, row_sum, summed_tokens
from pages.learn.lessons.space import sparsemax_of
from pages.learn.lessons.vocabularies import read_sentence, same_ids
from tests.integration.small_inputs import make_small_inputs
from tests.tiny_runs import train_toy
from tests.toy_run import altered, id_of, source_id_of, write_toy_run

TRAINING = 8
MAX_WORDS = 120


@pytest.fixture(scope="module", params=["sw-8k", "ar-8k", "toy", "trained toy"])
def run(request, tmp_path_factory):
    if request.param in {"sw-8k", "ar-8k"}:
        return open_run(ASSETS / "demo" / "runs" / request.param)
    found = write_toy_run(tmp_path_factory.mktemp("lessons") / "toy")
    if request.param == "trained toy":
        train_toy(found)
    return found


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return write_toy_run(tmp_path_factory.mktemp("lessons") / "toy")


def right_answer(task):
    return sorted(task.answers)[0] if task.answers else f"{task.number:.4f}"


def wrong_answers(task):
    if task.kind is TaskKind.NUMBER:
        return [task.number + 2 * task.tolerance + 1e-3, f"{task.number - 2 * task.tolerance - 1e-3}", "nan", "inf"]
    others = [option for option in task.options if option not in task.answers]
    return [*others, "no such thing", "#999999999", "![x](https://example.org/x.png)"]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda c: c.short)
def test_a_right_answer_is_accepted_and_wrong_ones_get_the_hint(run, chapter):
    if chapter.number == TRAINING and own_training(run) is None:
        assert not chapter.fits(run)
        with pytest.raises(InvalidInputError, match="chapter 8"):
            chapter.task(run)
        return
    assert chapter.fits(run)
    task = chapter.task(run)
    reply = check_answer(task, right_answer(task))
    assert reply.accepted
    assert reply.text == task.explanation
    for wrong in wrong_answers(task):
        reply = check_answer(task, wrong)
        assert not reply.accepted, wrong
        assert reply.text == task.hint


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda c: c.short)
def test_a_choice_is_among_three_different_ones_and_one_is_right(run, chapter):
    task = chapter.task(run) if chapter.fits(run) else None
    assert task is not None or chapter.number == TRAINING
    if task is not None and task.kind is TaskKind.CHOICE:
        assert len(set(task.options)) == len(task.options) == 3
        assert len(task.answers & set(task.options)) == 1


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda c: c.short)
def test_chapters_are_short(chapter):
    assert len(chapter.words.split()) <= MAX_WORDS


def test_chapters_are_numbered_in_order():
    assert [chapter.number for chapter in CHAPTERS] == list(range(1, 9))
    assert len({chapter.title for chapter in CHAPTERS}) == len(CHAPTERS)


def number_task(number, tolerance=0.5):
    return Task(kind=TaskKind.NUMBER, question="q", hint="h", explanation="e", number=number, tolerance=tolerance)


@pytest.mark.parametrize("given", ["38.8", "38,8", " 39 % ", 38.6, "38.8%"])
def test_numbers_may_be_written_as_people_do(given):
    assert check_answer(number_task(38.8), given).accepted


@pytest.mark.parametrize("given", ["12,896", "12896", "12896.0"])
def test_thousands_may_have_a_comma(given):
    assert check_answer(number_task(12896, 0), given).accepted


def test_a_minus_sign_may_be_the_typographers():
    assert check_answer(number_task(-0.044, 0.001), "\u22120.044").accepted
    assert not check_answer(number_task(-0.044, 0.001), "0.044").accepted


@pytest.mark.parametrize("given", ["a lot", "1..2", "--1", "1e"])
def test_what_is_no_number_is_said_to_be_none(given):
    reply = check_answer(number_task(12), given)
    assert not reply.accepted
    assert "number" in reply.text


@pytest.mark.parametrize("given", [None, "", "   "])
def test_no_answer_is_asked_for_one(given):
    assert check_answer(number_task(0), given).text == "Give an answer first."


def test_a_right_to_left_token_may_be_typed_without_the_marks_it_is_shown_with():
    task = Task(
        kind=TaskKind.TOKEN, question="", hint="", explanation="", answers=frozenset({"▁\u2068\u0627\u0644\u2069"})
    )
    assert check_answer(task, "▁\u0627\u0644").accepted


@pytest.mark.parametrize("seed", range(20))
def test_the_textbook_sparsemax_is_the_library_s(seed):
    scores = np.random.default_rng(seed).uniform(-1, 1, size=3 + seed % 4)
    exact = sparsemax_rows(scores[None])
    dense = np.zeros(len(scores))
    dense[exact.indices] = exact.weights
    assert np.allclose(sparsemax_of(scores.tolist()).weights, dense, atol=1e-6)


def test_sparsemax_of_three_numbers_by_hand():
    """1 + 2 * 0.6 > 1.4 and 1 + 3 * 0.1 < 1.5: two stay, tau = (1.4 - 1) / 2."""
    found = sparsemax_of([0.8, 0.6, 0.1])
    assert found.weights == pytest.approx((0.6, 0.4, 0.0))
    assert found.threshold == pytest.approx(0.2)
    assert sparsemax_of([2.0, 0.0]).weights == pytest.approx((1.0, 0.0))
    assert sparsemax_of([-1.0]).weights == (1.0,)


def test_both_tokenizers_read_a_sentence(toy):
    old, new = (read_sentence(toy, side, "mkulima farmer") for side in ("source", "target"))
    assert [subword.label for subword in new] == ["▁mkulima", "▁farmer"]
    assert [subword.shared for subword in new] == [False, True]
    assert old[-1].label == "▁farmer"
    assert len(old) > 2
    assert read_sentence(toy, "source", "") == ()
    assert len(read_sentence(toy, "target", "farmer " * 1000)) < 60


def test_the_first_sentence_is_one_the_run_kept(toy):
    assert first_sentence(toy) == "Mkulima anauza maziwa sokoni."


def with_lines(toy, *lines):
    """Return the toy as if it had kept these lines."""
    n = len(toy.column("examples", "line"))
    return altered(toy, columns={"examples.line": np.array([*lines, *lines[-1:] * n][:n], dtype=object)})


def test_the_first_sentence_holds_nothing_unknown_where_there_is_such_a_line(toy):
    """The toy's source knows neither mkulima nor maziwa; of what both know whole, the length decides."""
    unknown, short, long = "Mkulima anauza maziwa sokoni.", "market", "farmer market rain farmer"
    assert first_sentence(with_lines(toy, unknown, short, long)) == long
    assert first_sentence(with_lines(toy, short, unknown)) == short
    assert first_sentence(with_lines(toy, "mkulima", unknown)) == unknown


@pytest.mark.parametrize("name", ["sw-8k", "ar-8k"])
def test_the_demo_s_first_sentence_is_read_whole_by_both_and_saves_tokens(name):
    demo = open_run(ASSETS / "demo" / "runs" / name)
    reading = read_both(demo, first_sentence(demo))
    assert reading.source.measures.n_unknown == reading.target.measures.n_unknown == 0
    assert len(reading.target.subwords) + 1 < len(reading.source.subwords)


def test_the_first_sentence_is_read_as_it_stands():
    """Marks around right-to-left text belong to how a token is shown; a tokenizer would read them as tokens."""
    arabic = open_run(ASSETS / "demo" / "runs" / "ar-8k")
    sentence = first_sentence(arabic)
    assert sentence in arabic.column("examples", "line").tolist()
    assert "<unk>" not in [subword.label for subword in read_sentence(arabic, "target", sentence)]


def test_the_same_id_names_two_tokens(toy):
    asked = id_of(toy, "▁mkulima")
    assert source_id_of(toy, "▁The") == asked
    found = same_ids(toy, asked, n=1)
    assert (found[0].id, found[0].source, found[0].target) == (asked, "▁The", "▁mkulima")
    assert [pair.id for pair in same_ids(toy, 10**9, n=8)] == list(range(127, 135))
    assert same_ids(toy, 127, n=8)[0].source == "–"


def test_where_every_old_id_still_holds_the_new_rows_are_counted(toy):
    """An extended vocabulary: the source is the first 40 tokens of the target, so 95 rows are missing."""
    extended = altered(toy, columns={"source_tokens.token": toy.column("tokens", "token")[:40].copy()})
    task = CHAPTERS[1].task(extended)
    assert task.kind is TaskKind.NUMBER
    assert check_answer(task, "95").accepted
    assert not check_answer(task, "40").accepted


def test_sizes_of_the_toy(toy):
    """40 source and 135 target tokens, 28 of them the same: five specials, eight anchors, fifteen shared."""
    sizes = sizes_of(toy)
    assert (sizes.source_only, sizes.both, sizes.target_only) == (12, 28, 107)
    assert sizes.share == pytest.approx(28 / 135)


def test_a_row_is_the_sum_of_its_terms(run):
    for target_id in summed_tokens(run):
        found = row_sum(run, target_id, n_terms=2)
        assert found.largest_error < 1e-3
        assert found.weights.sum() + found.rest_weight == pytest.approx(1.0, abs=1e-5)


def test_the_exercise_by_hand(toy):
    """▁nyumba has four weights of 0.25; three of them count."""
    exercise = exercise_of(toy)
    assert exercise.id == id_of(toy, "▁nyumba")
    assert [weight for _, weight, _ in exercise.terms] == [0.25, 0.25, 0.25]
    rows = toy.rows("input", [id_of(toy, name) for name, _, _ in exercise.terms])
    assert exercise.answer == pytest.approx(0.25 * rows[:, exercise.dimension - 1].sum(), rel=0.01)


def test_hubs_of_equal_size_are_all_right(toy):
    task = CHAPTERS[6].task(toy)
    first = hub_anchors(toy, n=100)
    ties = [hub for hub in first if hub.n_fed == first[0].n_fed]
    assert len(ties) > 1
    assert all(check_answer(task, f"#{hub.id}").accepted for hub in ties)


def test_bands_count_every_new_row(toy):
    counts = toy.manifest["counts"]["by_origin"]
    bands = origins_by_band(toy)
    assert sum(sizes["combined"] for _, sizes in bands) == counts["combined"]
    assert sum(sizes["fallback"] for _, sizes in bands) == counts["fallback"]
    assert dict(bands)["1 to 9"]["fallback"] == 2


def test_the_training_is_the_one_of_this_very_run(toy, tmp_path):
    assert own_training(toy) is None
    run = write_toy_run(tmp_path / "toy")
    train_toy(run)
    training = own_training(run)
    assert training is not None
    assert training.name == "focus-seed-1"
    kept = dict(zip(*(training.tokens()[name].to_pylist() for name in ("id", "kept")), strict=True))
    compared = compared_tokens(run)
    assert all(share == pytest.approx(kept[i]) for i, share in compared)
    best = max(compared, key=lambda pair: pair[1])[0]
    assert check_answer(CHAPTERS[7].task(run), "▁" + str(run.column("tokens", "text")[best])).accepted


def test_a_damaged_training_is_passed_over(tmp_path):
    run = write_toy_run(tmp_path / "toy")
    train_toy(run)
    (run.path / "training" / "focus-seed-1" / "tokens.parquet").write_bytes(b"x")
    assert own_training(run) is None
    assert not CHAPTERS[7].fits(run)


def test_a_run_without_auxiliary_vectors_fits_the_first_chapters(tmp_path):
    run = write_toy_run(tmp_path / "toy")
    (run.path / "auxiliary.safetensors").unlink()
    assert [chapter.number for chapter in CHAPTERS if chapter.fits(run)] == [1, 2, 3, 6, 7]


@pytest.mark.parametrize(
    ("family", "options", "numbers"),
    [
        ("bert", (), [1, 2, 3, 4, 5, 6, 7]),
        ("gpt2", ("--extend",), [1, 2, 3, 4, 5, 6, 7]),
        ("roberta", ("--method", "subword-mean"), [1, 2, 3, 6, 7]),
        ("llama", ("--method", "random"), [1, 2, 3]),
    ],
)
def test_runs_of_every_family_and_method_fit_what_they_can(tmp_path, family, options, numbers):
    words = make_small_inputs(tmp_path, family).arguments(tmp_path / "run", *options)
    if "--method" in options:  # no vectors are compared
        place = words.index("--auxiliary")
        del words[place : place + 2]
    done = CliRunner().invoke(command_line, words)
    assert done.exit_code == 0, done.output
    run = open_run(tmp_path / "run")
    fitting = [chapter for chapter in CHAPTERS if chapter.fits(run)]
    assert [chapter.number for chapter in fitting] == numbers
    for chapter in fitting:
        task = chapter.task(run)
        assert check_answer(task, right_answer(task)).accepted
        assert not any(check_answer(task, wrong).accepted for wrong in wrong_answers(task))


def test_a_run_that_combined_nothing_fits_no_chapter_on_sums(toy):
    origin = toy.column("tokens", "origin").copy()
    origin[origin == "combined"] = "fallback"
    none = altered(toy, columns={"tokens.origin": origin, "source_tokens.n_fed": np.zeros(40, dtype=np.int32)})
    assert worked_tokens(none) == []
    assert [chapter.number for chapter in CHAPTERS if chapter.fits(none)] == [1, 2, 3]
