"""UniBridge's search for a size: where it stops, what it writes, what it refuses."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from focus_core.cli import main as cli
from focus_core.corpus.corpus import open_corpus
from focus_core.errors import CorpusError, InvalidInputError, bad_input
from focus_core.initialization.methods.joint import size_search
from focus_core.initialization.methods.joint.size_search import average_log_probability, first_flat, search_size
from focus_core.initialization.request import InitRequest
from focus_core.runs.folder import open_run
from focus_core.types import VocabSize
from tests.tiny_models import SOURCE_LINES, TARGET_LINES, tiny_model
from tests.unit.initialization.methods.joint.toy_cuts import unigram

ANY: Any = None
"""In place of a tokenizer that nothing looks at."""


def trained(values: dict[int, float], *, largest: int = 10**6) -> Any:
    """Return a training that gives known averages, and refuses sizes above some largest."""

    def train(size: int) -> tuple[Any, float]:
        if size > largest:
            raise bad_input("--vocab-size", f"at most {largest}", str(size), "less", CorpusError, largest=largest)
        return ANY, values[size]

    return train


def test_it_stops_at_the_first_small_difference() -> None:
    """-100, -93.87, -89.79: differences of 6.13 and 4.08. That of 5 exactly is not small."""
    found = first_flat(trained({3000: -100.0, 4000: -93.87, 5000: -89.79, 6000: 0.0}))
    assert (found.size, found.reason, len(found.tried)) == (5000, "difference", 3)
    assert first_flat(trained({3000: -100.0, 4000: -95.0, 5000: -91.0})).size == 5000
    assert found.to_dict()["tried"][1] == {"vocab_size": 4000, "average_log_probability": -93.87}


def test_each_size_is_compared_with_the_one_before() -> None:
    """Not with the first: 4 nats a step go on for ever by the first, and end at once by the one before."""
    assert first_flat(trained({3000: -100.0, 4000: -96.0})).size == 4000


def test_it_takes_the_largest_that_the_text_supports() -> None:
    found = first_flat(trained({3000: -100.0, 4000: -90.0}, largest=4500))
    assert (found.size, found.reason) == (4000, "text")
    with pytest.raises(CorpusError, match="at most 2500"):
        first_flat(trained({}, largest=2500))


def test_it_ends_with_the_largest_size() -> None:
    sizes = {size: -float(10**6 - 6 * size) for size in range(3000, 61_000, 1000)}
    found = first_flat(trained(sizes))
    assert (found.size, found.reason) == (60_000, "largest")


def test_another_error_is_no_answer() -> None:
    """A file that vanishes on the way is not the end of a text."""

    def train(size: int) -> tuple[Any, float]:
        if size > 3000:
            raise CorpusError("text.txt: expected a file, got nothing")
        return ANY, -1.0

    with pytest.raises(CorpusError, match="nothing"):
        first_flat(train)


def test_the_average_is_over_lines(tmp_path: Path) -> None:
    """``na na / ma / na``: three of four tokens are ``▁na``: (3 log 3/4 + log 1/4) / 3 lines."""
    text = tmp_path / "text.txt"
    text.write_text("na na\n\nma\nna\n", encoding="utf-8")
    found = average_log_probability(open_corpus([text]), unigram(("▁na", "▁ma"), "t"))
    assert math.isclose(found, (3 * math.log(3 / 4) + math.log(1 / 4)) / 3)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    words = sorted({word for line in (*SOURCE_LINES, *TARGET_LINES) for word in line.split()})
    chance = np.random.default_rng(0)
    path.write_text("".join(f"{' '.join(chance.choice(words, 8))}\n" for _ in range(200)), encoding="utf-8")
    return path


def test_a_run_says_what_was_tried(text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tokenizer is the one that the size found gives when it is asked for."""
    monkeypatch.setattr(size_search, "FIRST", 60)
    monkeypatch.setattr(size_search, "STEP", 20)
    source = tiny_model("roberta", tmp_path / "source")
    words = ["init", "--source", str(source), "--train-tokenizer", "unigram", "--corpus", str(text)]
    words += ["--method", "overlap", "--output"]
    assert cli.run([*words, str(tmp_path / "auto"), "--vocab-size", "auto"]) == 0
    run = open_run(tmp_path / "auto")
    told = run.manifest["notes"]["vocabulary_size"]
    assert told["found"] == run.manifest["counts"]["n_target"] == told["tried"][-1]["vocab_size"]
    assert told["reason"] in {"difference", "text"}
    assert cli.run([*words, str(tmp_path / "same"), "--vocab-size", str(told["found"])]) == 0
    same = open_run(tmp_path / "same")
    assert same.manifest["target"]["digest"] == run.manifest["target"]["digest"]
    assert "vocabulary_size" not in same.manifest["notes"]


def test_what_is_no_size_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Before anything is read."""
    with pytest.raises(InvalidInputError, match="--vocab-size: expected a whole number beside --train-tokenizer bpe"):
        InitRequest(source="m", train_tokenizer="bpe", vocab_size=VocabSize.AUTO, corpus=(Path("a.txt"),))
    words = ["init", "--source", "m", "--train-tokenizer", "unigram", "--corpus", "a.txt", "--output"]
    assert cli.run([*words, str(tmp_path / "run"), "--vocab-size", "few"]) == 2
    assert "--vocab-size: expected auto or a whole number, got 'few'" in capsys.readouterr().err


@pytest.mark.long
@pytest.mark.parametrize(
    ("files", "sizes"),
    [("sw", [3000, 4000, 5000]), ("xh", [3000, 4000, 5000, 6000])],
)
def test_it_stops_where_the_authors_search_does(data_dir: Path, files: str, sizes: list[int]) -> None:
    """On Bible and news in Swahili, and on isiXhosa."""
    found = search_size(open_corpus([data_dir / "corpora" / files]))
    assert [size for size, _ in found.tried] == sizes
    assert found.reason == "difference"
