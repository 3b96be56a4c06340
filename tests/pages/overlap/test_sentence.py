"""A sentence on the Overlap page: what the strip is given, where the sentence comes from, where a click leads."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from focus_core.analysis.sentence import MAX_SENTENCE, read_both
from focus_core.analysis.worked_examples import first_sentence
from focus_core.runs.folder import open_run
from focus_core.runs.legend import UNKNOWN
from focus_ui.widgets.sentence_strip.strip import LOST, opened_token, strip_data
from pages.overlap.sentence import OWN
from tests.hostile_tokens import HOSTILE_TOKENS
from tests.pages.conftest import param, texts
from tests.toy_run import id_of, source_id_of, write_toy_run

SHOWN = "_overlap_sentence"


def strip(at):
    """Return what the strip draws."""
    (component,) = (e for e in at.get("bidi_component") if "focus_sentence_strip" in e.proto.component_name)
    return json.loads(component.proto.json)


def test_a_line_of_the_run_comes_first(open_app):
    at = open_app("overlap")
    assert at.text_input(key=SHOWN).value == "Mkulima anauza maziwa sokoni."
    assert param(at, "text") == "Mkulima anauza maziwa sokoni."
    labels = [subword["label"] for subword in strip(at)["target"]]
    assert "▁maziwa" in labels
    assert "▁sokoni" in labels


def test_the_address_names_the_sentence(open_app, toy):
    """The source cuts mkulima in three, the target knows it: 1 of 2 words continued, or none."""
    at = open_app("overlap", text="mkulima farmer")
    data = strip(at)
    assert [subword["label"] for subword in data["target"]] == ["▁mkulima", "▁farmer"]
    assert data["target"][0]["links"] == [0, 1, 2]
    measures = {m["title"]: (m["source"]["text"], m["target"]["text"]) for m in data["measures"]}
    assert measures == {
        "Tokens": ("4", "2"),
        "Tokens per word": ("2.00", "1.00"),
        "Continued words": ("50 %", "0 %"),
        "Characters per token": ("3.50", "7.00"),
        "Unknown tokens": ("1", "0"),
    }


def test_a_sample_and_then_words_of_ones_own(open_app):
    at = open_app("overlap")
    at.get("pills")[0].set_value("العربية").run()
    assert not at.exception
    assert strip(at)["dir"] == "rtl"
    assert param(at, "text") == at.text_input(key=SHOWN).value
    at.text_input(key=SHOWN).set_value("market farmer").run()
    assert [subword["label"] for subword in strip(at)["target"]] == ["▁market", "▁farmer"]
    assert param(at, "text") == "market farmer"
    assert at.get("pills")[0].value is None


def test_nothing_to_read(open_app):
    at = open_app("overlap")
    at.text_input(key=SHOWN).set_value("").run()
    assert not at.exception
    assert "Write a sentence" in texts(at)


def test_a_sentence_beyond_the_limit_is_cut(open_app):
    at = open_app("overlap", text="farmer " * 1000)
    assert len(at.text_input(key=SHOWN).value) == MAX_SENTENCE


@pytest.mark.parametrize(
    ("side", "token", "parameter"), [("target", "▁mkulima", "token"), ("source", "▁farmer", "source")]
)
def test_a_click_on_a_piece_opens_its_token(open_app, toy, side, token, parameter):
    at = open_app("overlap", text="mkulima farmer")
    wanted = id_of(toy, token) if side == "target" else source_id_of(toy, token)
    at.session_state["overlap_strip"] = {"opened": {"side": side, "id": wanted}}
    at.run()
    assert not at.exception
    assert param(at, parameter) == str(wanted)
    assert token in at.title[0].value


@pytest.mark.parametrize("event", [None, {}, "x", {"side": "tokens", "id": 1}, {"side": "target", "id": "1"},
                                   {"side": "target", "id": 10**9}, {"side": "source", "id": None}])  # fmt: skip
def test_a_click_on_what_is_not_there_leads_nowhere(toy, event):
    assert opened_token(event, read_both(toy, "farmer")) is None


def test_a_token_of_the_source_alone_has_a_colour_of_its_own(toy):
    data = strip_data(read_both(toy, "The mkulima"))
    assert data["source"][0]["category"] == "in the source alone"
    assert data["legend"][-1] == {"label": LOST, "color": UNKNOWN.color, "framed": True}
    unknown = next(subword for subword in data["source"] if subword["unknown"])
    assert (unknown["category"], unknown["color"], unknown["about"]) == (UNKNOWN.label, UNKNOWN.color, LOST)


def test_bytes_are_written_short(toy):
    assert [p["short"] for p in strip_data(read_both(toy, "<0xE0><0xA4>"))["target"]][-1] == "E0 A4"


def test_hostile_sentences_draw(open_app):
    at = open_app("overlap")
    for text in HOSTILE_TOKENS[::7]:
        at.text_input(key=SHOWN).set_value(text[:MAX_SENTENCE].encode("utf-8", "replace").decode()).run()
        assert not at.exception, ascii(text)


def test_a_run_without_tokenizers_says_so(open_app, toy, tmp_path, monkeypatch):
    """A folder whose tokenizers were deleted still shows its bars and its table."""
    import shutil

    shutil.rmtree(write_toy_run(tmp_path / "demo" / "toy").path / "source_tokenizer")
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    at = open_app("overlap")
    assert "holds no tokenizers" in texts(at)
    assert len(at.dataframe) == 1


@pytest.fixture
def two_runs(tmp_path, monkeypatch):
    """Two runs whose own sentences differ: the toy, and one whose text has another first line."""
    write_toy_run(tmp_path / "demo" / "a-toy")
    other = write_toy_run(tmp_path / "demo" / "b-toy")
    table = pq.read_table(other.path / "examples.parquet")
    lines = [line.replace("Mkulima", "Leo mkulima") for line in table.column("line").to_pylist()]
    place = table.schema.get_field_index("line")
    table = table.set_column(place, table.schema.field(place), pa.array(lines, table.schema.field(place).type))
    pq.write_table(table, other.path / "examples.parquet")
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    own = {run: first_sentence(open_run(tmp_path / "demo" / run)) for run in ("a-toy", "b-toy")}
    assert own["a-toy"] != own["b-toy"]
    return own


def choose_run(at, run):
    at.selectbox(key="_run_choice").set_value(run).run()
    assert not at.exception
    assert param(at, "run") == run
    return at


@pytest.mark.parametrize("where", ["token", "overlap"])
def test_the_sentence_of_a_run_goes_with_its_run(open_app, two_runs, where):
    at = open_app("overlap", run="a-toy")
    assert at.text_input(key=SHOWN).value == two_runs["a-toy"]
    at = choose_run(at if where == "overlap" else open_app("token", user=at), "b-toy")
    at = at if where == "overlap" else open_app("overlap", user=at)
    assert at.text_input(key=SHOWN).value == two_runs["b-toy"]
    assert param(at, "text") == two_runs["b-toy"], "a link shows the same"
    assert at.get("pills")[0].value == OWN
    guest = open_app("overlap", run="b-toy", text=param(at, "text"))
    assert guest.get("pills")[0].value == OWN
    assert choose_run(guest, "a-toy").text_input(key=SHOWN).value == two_runs["a-toy"]


@pytest.mark.parametrize("chip", ["Kiswahili", None])
def test_a_sentence_of_ones_own_stays_when_the_run_changes(open_app, two_runs, chip):
    at = open_app("overlap", run="a-toy")
    if chip is None:
        at.text_input(key=SHOWN).set_value("market farmer").run()
    else:
        at.get("pills")[0].set_value(chip).run()
    said = at.text_input(key=SHOWN).value
    at = choose_run(at, "b-toy")
    assert at.text_input(key=SHOWN).value == said
    assert param(at, "text") == said
    assert at.get("pills")[0].value == chip
    at.get("pills")[0].set_value(OWN).run()
    assert at.text_input(key=SHOWN).value == two_runs["b-toy"]


def test_the_chip_of_the_sentence_stays_lit_when_it_is_clicked_again(open_app):
    at = open_app("overlap")
    at.get("pills")[0].set_value(None).run()
    assert at.get("pills")[0].value == OWN
