"""The Learn page: each chapter has its link, refuses a wrong answer with a hint and accepts a right one."""

import numpy as np
import pytest
from streamlit.runtime.context import ContextProxy

from focus_core.analysis.worked_examples import first_sentence, worked_tokens
from focus_core.jobs.record import hash_owner
from focus_core.runs.folder import open_run
from focus_ui.data.catalog import ASSETS
from focus_ui.session import state
from pages.learn.lessons import vocabularies
from pages.learn.lessons.base import TaskKind, label
from pages.learn.lessons.chapters import CHAPTERS
from pages.learn.lessons.space import asked_alike
from pages.learn.lessons.vocabularies import read_sentence
from tests.pages.conftest import links, param, texts
from tests.pages.frame import components, own_run, owner_of
from tests.toy_run import id_of

NUMBERS = [chapter.number for chapter in CHAPTERS]


def answer(at, run, number, given):
    key = f"_answer_{run.digest[:12]}_{number}"
    task = CHAPTERS[number - 1].task(run)
    (at.radio if task.kind is TaskKind.CHOICE else at.text_input)(key=key).set_value(given)
    next(button for button in at.button if button.label == "Check").click().run()
    assert not at.exception
    return at


def right_and_wrong(run, number):
    task = CHAPTERS[number - 1].task(run)
    if task.kind is TaskKind.CHOICE:
        return next(iter(task.answers)), next(option for option in task.options if option not in task.answers)
    if task.kind is TaskKind.NUMBER:
        return f"{task.number:.4f}", f"{task.number + 3 * task.tolerance + 0.001:.4f}"
    return sorted(task.answers)[0], "<b>no such token</b>"


def plain(text):
    return text.replace("\\", "").replace("\u2060", "")


def said(at):
    return plain("\n".join(element.value for element in (*at.success, *at.warning)))


@pytest.mark.parametrize("number", NUMBERS)
def test_a_wrong_answer_is_refused_with_a_hint_and_a_right_one_accepted(open_app, trained_toy, number):
    task = CHAPTERS[number - 1].task(trained_toy)
    right, wrong = right_and_wrong(trained_toy, number)
    at = open_app("learn", chapter=number)
    assert CHAPTERS[number - 1].title in texts(at)
    at = answer(at, trained_toy, number, wrong)
    assert not at.success
    assert "Not yet" in said(at)
    assert task.hint in said(at)
    assert "0 of 8" in texts(at)
    at = answer(at, trained_toy, number, right)
    assert "Right" in at.success[0].value
    assert task.explanation in said(at)
    assert "1 of 8" in texts(at)
    assert at.get_by_key(f"_chapter_{number}").proto.icon == ":material/check_circle:"


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("name", ["sw-8k", "ar-8k"])
def test_every_chapter_is_drawn_on_the_demo_that_ships(open_app, monkeypatch, name, number):
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(ASSETS / "demo" / "runs"))
    run = open_run(ASSETS / "demo" / "runs" / name)
    at = open_app("learn", run=name, chapter=number)
    assert not at.error
    at = answer(at, run, number, right_and_wrong(run, number)[0])
    assert len(at.success) == 1


def browser_keeps(monkeypatch, cookies):
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda self: cookies))


def solved(at):
    """Return the chapters with a mark."""
    return [n for n in NUMBERS if at.get_by_key(f"_chapter_{n}").proto.icon == ":material/check_circle:"]


def kept(at):
    (given,) = components(at, "focus_lab_learnt")
    assert given["cookie"] == state.LEARNT_COOKIE
    return {
        state.OWNER_COOKIE: owner_of(at),
        state.LEARNT_COOKIE: f"{given['mark']}.{'-'.join(map(str, given['solved']))}",
    }


def test_what_was_solved_is_solved_after_a_reload(open_app, toy, monkeypatch):
    at = answer(open_app("learn", chapter=2), toy, 2, right_and_wrong(toy, 2)[0])
    assert solved(at) == [2]
    browser_keeps(monkeypatch, kept(at))
    again = open_app("learn", chapter=3)
    assert solved(again) == [2]
    assert "1 of 8" in texts(again)
    again = answer(again, toy, 3, right_and_wrong(toy, 3)[0])
    assert solved(again) == [2, 3]
    assert kept(again)[state.LEARNT_COOKIE].endswith(".2-3")
    assert param(again, "chapter") == "3"
    assert set(again.query_params) == {"run", "chapter"}, "a copied link does not tell what was solved"


def test_who_is_forgotten_has_solved_nothing(open_app, toy, monkeypatch):
    at = answer(open_app("learn", chapter=2), toy, 2, right_and_wrong(toy, 2)[0])
    cookies = kept(at)
    browser_keeps(monkeypatch, cookies)
    own_run(owner_of(at), toy.path)
    at = open_app("start")
    at.button(key="_forget_runs").click().run()
    assert solved(open_app("learn", user=at)) == []
    browser_keeps(monkeypatch, cookies | {state.OWNER_COOKIE: owner_of(at)})
    assert solved(open_app("learn")) == [], "the next session, with the cookie that is still there"


@pytest.mark.parametrize(
    "word", ["", "1", "MARK", "MARK.", "MARK.x", "MARK.-1", "MARK.1-", "MARK.100", "MARK.９", "MARK.1<b>", "00000000.1"]
)
def test_a_cookie_that_is_no_list_of_chapters_counts_for_nothing(open_app, monkeypatch, word):
    secret = "a" * 32
    mark = hash_owner(secret)[:8]
    browser_keeps(monkeypatch, {state.OWNER_COOKIE: secret, state.LEARNT_COOKIE: word.replace("MARK", mark)})
    at = open_app("learn")
    assert solved(at) == []
    assert "0 of 8" in texts(at)
    browser_keeps(monkeypatch, {state.OWNER_COOKIE: secret, state.LEARNT_COOKIE: f"{mark}.0-7-9-99"})
    at = open_app("learn")
    assert solved(at) == [7], "of the numbers those of chapters"
    assert "1 of 8" in texts(at)


def test_every_chapter_has_its_link(open_app, toy):
    del toy
    at = open_app("learn")
    assert param(at, "chapter") == "1"
    at.button(key="_chapter_5").click().run()
    assert param(at, "chapter") == "5"
    assert param(at, "run") == "toy"
    assert CHAPTERS[4].title in texts(at)
    at.button(key="_turn_Next").click().run()
    assert param(at, "chapter") == "6"
    at.button(key="_turn_Back").click().run()
    assert param(at, "chapter") == "5"


def test_the_chapter_is_kept_while_one_looks_at_another_page(open_app, toy):
    del toy
    at = open_app("learn", chapter=4)
    del at.query_params["chapter"]
    at = open_app("overlap", user=at)
    at = open_app("learn", user=at)
    assert param(at, "chapter") == "4"


@pytest.mark.parametrize("named", ["0", "9", "-1", "x", "![a](https://example.org/x.png)"])
def test_a_chapter_that_does_not_exist_is_said_and_the_first_shown(open_app, named):
    at = open_app("learn", chapter=named)
    assert "no chapter" in at.warning[0].value
    assert CHAPTERS[0].title in texts(at)
    assert param(at, "chapter") == "1"


def test_no_answer_is_asked_for_one(open_app, toy):
    at = open_app("learn", chapter=3)
    next(button for button in at.button if button.label == "Check").click().run()
    assert "Give an answer first" in said(at)
    at = answer(at, toy, 3, "many")
    assert "does not read as a number" in said(at)


def test_a_run_that_was_not_trained_is_told_about_training_on_the_demo(open_app, toy, trained_folder, monkeypatch):
    at = open_app("learn", chapter=8)
    assert "Neither the current run nor a demo" in texts(at)
    assert "Your task" not in texts(at)
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(ASSETS / "demo" / "runs"))
    from focus_ui.data import catalog
    from tests.toy_run import write_toy_run

    write_toy_run(catalog.runs_root() / ("b" * 32))
    at = open_app("learn", run="b" * 32, chapter=8)
    assert "told on the demo" in texts(at)
    assert param(at, "run") == "b" * 32
    demo = open_run(ASSETS / "demo" / "runs" / "sw-8k")
    at = answer(at, demo, 8, right_and_wrong(demo, 8)[0])
    assert len(at.success) == 1


def test_moving_a_similarity_moves_the_threshold(open_app, toy):
    at = open_app("learn", chapter=5)
    name = f"{toy.digest[:12]}_5"
    for place, value in enumerate((0.8, 0.6, 0.1)):
        at.slider(key=f"_learn_similarity_{name}_{place}").set_value(value).run()
    assert not at.exception
    assert "Threshold 0.20" in at.get("plotly_chart")[0].proto.alt
    assert "0.80 weighs 0.600, 0.60 weighs 0.400, 0.10 weighs 0.000" in at.get("plotly_chart")[0].proto.alt


def test_pieces_of_right_to_left_text_run_from_the_right(open_app, toy):
    key = f"_learn_sentence_{toy.digest[:12]}_1"
    at = open_app("learn", chapter=1)
    assert "\u2067" not in texts(at)
    at.text_input(key=key).set_value("سلام mkulima").run()
    lines = [element for element in at.markdown if element.value.startswith("\u2067")]
    assert len(lines) == 2, "one line a tokenizer"
    assert all(line.value.endswith("\u2069") for line in lines)
    at.text_input(key=key).set_value("mkulima سلام").run()
    assert "\u2067" not in texts(at)


def test_a_sentence_of_ones_own_is_cut_by_both(open_app, toy):
    at = open_app("learn", chapter=1)
    at.text_input(key=f"_learn_sentence_{toy.digest[:12]}_1").set_value("mkulima <b>x</b> ![i](https://e.org/x)").run()
    assert not at.exception
    drawn = texts(at)
    assert ":orange-background[" in drawn
    assert "](https://e.org" not in drawn
    at.text_input(key=f"_learn_sentence_{toy.digest[:12]}_1").set_value("").run()
    assert "0 tokens" in texts(at)


def test_ids_can_be_walked_through(open_app, toy):
    at = open_app("learn", chapter=2)
    asked = id_of(toy, "▁mkulima")
    at.number_input(key=f"_learn_id_{toy.digest[:12]}_2").set_value(asked).run()
    frame = at.dataframe[0].value
    assert frame["id"].tolist()[0] == asked
    assert frame["the old vocabulary calls it"].tolist()[0] == "▁The"
    assert frame["the new vocabulary calls it"].tolist()[0] == "▁mkulima"


def test_the_text_can_be_counted_instead_of_the_vocabulary(open_app, toy):
    at = open_app("learn", chapter=3)
    assert "in both 28" in at.get("plotly_chart")[0].proto.alt
    at.get_by_key(f"_learn_unit_{toy.digest[:12]}_3").set_value("Occurrences in the text").run()
    share = 100 * toy.manifest["corpus"]["share_overlap_occurrences"]
    assert f"{share:.1f} per cent" in at.get("plotly_chart")[0].proto.alt


@pytest.mark.parametrize("shown", ["Rare tokens", "Hubs", "Space"])
def test_all_three_troubles_have_a_picture(open_app, toy, shown):
    at = open_app("learn", chapter=7)
    at.get_by_key(f"_learn_trouble_{toy.digest[:12]}_7").set_value(shown).run()
    assert not at.exception
    assert len(at.get("plotly_chart")) == 1
    assert at.get("plotly_chart")[0].proto.alt


def test_the_door_of_the_start_page_leads_to_the_first_chapter(open_app, toy):
    del toy
    door = next(link for link in links(open_app("start")) if link.label == "Learn")
    assert "chapter=1" in door.query_string
    assert "run=toy" in door.query_string


def test_a_damaged_run_is_said(open_app, toy, tmp_path, monkeypatch):
    import shutil

    shutil.copytree(toy.path, tmp_path / "demo" / "toy")
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    (tmp_path / "demo" / "toy" / "tokens.parquet").write_bytes(b"x")
    at = open_app("learn", chapter=7)
    assert not at.exception
    assert at.error


def test_every_row_of_the_sum_belongs_to_the_run(open_app, trained_toy):
    at = open_app("learn", chapter=6)
    assert "differ by at most" in texts(at)
    assert np.isfinite(at.dataframe[0].value["weight"]).all()
    del trained_toy


def test_pieces_have_the_colours_of_overlap_and_what_is_unknown_its_own(open_app, toy):
    at = open_app("learn", chapter=1)
    at.text_input(key=f"_learn_sentence_{toy.digest[:12]}_1").set_value("The farmer maziwa mk").run()
    said = plain(texts(at))
    assert ":blue-background[▁farmer]" in said, "in both"
    assert ":gray-background[▁The]" in said, "in the source alone"
    assert ":orange-background[▁maziwa]" in said, "in the target alone"
    assert ":red-background[<unk> ?]" in said, "the toy's source knows no m"
    assert "unknown here, the characters are lost" in said
    at.text_input(key=f"_learn_sentence_{toy.digest[:12]}_1").set_value("farmer").run()
    assert "unknown here" not in plain(texts(at))


def test_chapter_4_says_which_token_is_asked_for(open_app, toy):
    asked = asked_alike(toy)
    at = open_app("learn", chapter=4)
    key = f"_learn_token_{toy.digest[:12]}_4"
    name = label(toy, "tokens", asked)
    assert at.selectbox(key=key).value == asked
    assert at.selectbox(key=key).options[0] == f"{name}  #{asked}  · asked in the task"
    assert f"The task asks about {name}." in plain(texts(at))
    other = next(i for i in worked_tokens(toy) if i != asked)
    at.selectbox(key=key).set_value(other).run()
    assert f"The task asks about {name}, which is not the one shown here." in plain(texts(at))


def test_a_run_without_words_to_choose_from_is_still_told_on_itself(open_app, toy, monkeypatch):
    monkeypatch.setattr(vocabularies, "_words", lambda run: None)
    at = open_app("learn", chapter=1)
    assert "told on the demo" not in texts(at)
    n_old, n_new = (len(read_sentence(toy, side, first_sentence(toy))) for side in ("source", "target"))
    at.text_input(key=f"_answer_{toy.digest[:12]}_1").set_value(f"{n_new / n_old:.2f}")
    next(button for button in at.button if button.label == "Check").click().run()
    assert len(at.success) == 1
