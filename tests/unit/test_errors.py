"""focus_core.errors: one line, four parts, the right exit status."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from focus_core import errors
from focus_core.errors import (
    CancelledError,
    CorpusError,
    FocusError,
    InvalidInputError,
    bad_input,
    option,
    phrase,
)

BAD_INPUT = (
    errors.InvalidInputError,
    errors.VocabularyError,
    errors.CorpusError,
    errors.AuxiliaryError,
    errors.ModelError,
    errors.RunFolderError,
)


def test_the_message_has_four_parts_in_order() -> None:
    error = bad_input("vectors.vec", expected="50 rows", got="49", remedy="train them again")
    assert str(error) == "vectors.vec: expected 50 rows, got 49; train them again"
    assert error.message == "vectors.vec: expected 50 rows, got 49"
    assert error.hint == "train them again"


def test_the_message_is_one_line_whatever_it_quotes() -> None:
    error = bad_input("a\nb", expected="one\r\nline", got="two\t\tlines", remedy="join\n them")
    assert str(error) == "a b: expected one line, got two lines; join them"


@pytest.mark.parametrize("kind", BAD_INPUT)
def test_bad_input_exits_with_2(kind: type[InvalidInputError]) -> None:
    error = bad_input("x", expected="y", got="z", remedy="w", error=kind)
    assert type(error) is kind
    assert error.exit_status == 2


@pytest.mark.parametrize("kind", BAD_INPUT)
def test_bad_input_is_a_value_error_too(kind: type[InvalidInputError]) -> None:
    with pytest.raises(ValueError, match="expected y"):
        raise bad_input("x", expected="y", got="z", remedy="w", error=kind)


def test_cancelling_exits_with_130_and_is_no_bad_input() -> None:
    assert CancelledError.exit_status == 130
    assert not issubclass(CancelledError, InvalidInputError)


def test_an_error_without_remedy_is_its_message() -> None:
    assert str(FocusError("disk full")) == "disk full"
    assert FocusError("disk full").exit_status == 1


def test_every_error_of_the_module_is_a_focus_error() -> None:
    own = [v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, Exception)]
    assert len(own) == len(BAD_INPUT) + 2
    assert all(issubclass(kind, FocusError) for kind in own)


def test_an_error_crosses_a_process_border() -> None:
    """multiprocessing pickles an exception by its `args`; the message survives, and so does the class."""
    error = pickle.loads(pickle.dumps(CorpusError("corpus.txt: expected text")))
    assert type(error) is CorpusError
    assert error.message == "corpus.txt: expected text"


def test_an_error_knows_its_options_and_the_largest_size() -> None:
    remedy = phrase("give more text, or {vocab_size} {} or less", 151)
    error = bad_input(option("vocab_size"), expected="at most 151", got="810", remedy=remedy, largest=151)
    assert error.message.options == error.hint.options == ("vocab_size",)
    assert error.message.parts == ("", "vocab_size", ": expected at most 151, got 810")
    for again in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error), _written_down(error)):
        assert (str(again), again.text.parts, again.largest) == (str(error), error.text.parts, 151)


def _written_down(error: FocusError) -> FocusError:
    return type(error).from_dict(json.loads(json.dumps(error.to_dict())))


def test_an_error_that_quotes_a_name_of_bytes_can_be_written_down() -> None:
    again = _written_down(CorpusError("a\udcff.txt: expected text"))
    assert str(again) == "a\\udcff.txt: expected text"
    assert again.largest is None


def test_what_is_quoted_is_no_option_and_no_template() -> None:
    error = bad_input("a {b} --match.txt", expected="text", got="{}", remedy="see --match")
    assert str(error) == "a {b} --match.txt: expected text, got {}; see --match"
    assert error.text.options == ()


def test_white_space_beside_an_option_stays_one_space() -> None:
    error = FocusError(phrase(" {match}  of\n{seed} "), hint=phrase("\tlower {dim}\n"))
    assert (str(error.message), str(error.hint)) == ("--match of --seed", "lower --dim")
