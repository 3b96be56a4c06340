"""How numbers are written."""

import math

import numpy as np
import pytest

from focus_core.numerics.formats import count, cut_percent, decimal, duration, percent, plain_percent, ratio, size


@pytest.mark.parametrize(
    ("share", "words"), [(0.0, "0.0 %"), (1.0, "100.0 %"), (None, "–"), (0.00001, "< 0.1 %"), (0.2074, "20.7 %")]
)
def test_percent(share, words):
    assert percent(share) == words


def test_numbers_in_words():
    assert count(50002) == "50,002"
    assert duration(0.4) == "0 s"
    assert duration(59.7) == "1 min 0 s"
    assert size(17_100) == "17.1 kB"
    assert size(3.2e9) == "3.2 GB"


def test_a_terminal_shows_what_a_page_calls_small():
    assert (percent(0.0004), plain_percent(0.0004)) == ("< 0.1 %", "0.0 %")
    assert plain_percent(0.12345, digits=2) == "12.35 %"
    assert plain_percent(None) == "-"


@pytest.mark.parametrize(("share", "words"), [(1.0, "100 %"), (0.999, "99 %"), (1 - 1e-7, "100 %"), (0.004, "0 %")])
def test_a_cut_share_is_never_rounded_up_to_all(share, words):
    assert cut_percent(share) == words


def test_a_number_that_is_not_known_has_its_word():
    assert decimal(1234.5, 1) == "1234.5"
    assert decimal(1234.5, 1, group=",") == "1,234.5"
    assert decimal(None, 2, unknown="unknown") == "unknown"
    assert decimal(math.nan, 2, unknown="–") == "–"


def test_a_ratio_of_nothing_is_not_known():
    assert ratio(np.int64(1), np.int64(4)) == 0.25
    assert ratio(0, 0) is None
