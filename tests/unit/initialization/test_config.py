"""focus_core.initialization.config: defaults, ranges, the two presets, and what differs from the paper."""

from __future__ import annotations

import dataclasses
import json

import pytest

from focus_core.errors import InvalidInputError
from focus_core.initialization.config import PAPER, InitConfig
from focus_core.types import AuxiliarySpace, Fallback, MatchMode, Preset

BY_ROLE = {"special_tokens": ["same string", "same string, then role"]}
"""Held in both presets: that special tokens of two families are new tokens is nobody's wish."""


def test_the_paper_preset_differs_from_the_paper_in_special_tokens_alone() -> None:
    assert InitConfig.for_preset(Preset.PAPER).differences_from_paper() == BY_ROLE


def test_the_paper_preset_is_the_published_settings() -> None:
    """3 epochs, 300 dimensions, min-count 10, exact match, temperature 1, all anchors, N(mean, std) for the rest."""
    paper = InitConfig.for_preset(Preset.PAPER)
    assert (paper.epochs, paper.dim, paper.min_count) == (3, 300, 10)
    assert (paper.match, paper.temperature, paper.top_k) == (MatchMode.EXACT, 1.0, None)
    assert paper.fallback is Fallback.NORMAL
    assert (paper.keep_eos_vector, paper.specials_in_statistics) == (True, True)


def test_every_difference_of_the_default_preset_is_listed() -> None:
    assert (
        InitConfig().differences_from_paper()
        == {
            "auxiliary_space": ["fasttext", "counts"],
            "dim": [300, 100],
            "min_count": [10, None],
            "specials_in_statistics": [True, False],
        }
        | BY_ROLE
    )
    by_fasttext = InitConfig(auxiliary_space=AuxiliarySpace.FASTTEXT).differences_from_paper()
    assert by_fasttext["epochs"] == [3, None]
    assert by_fasttext["keep_eos_vector"] == [True, False]
    assert "auxiliary_space" not in by_fasttext


def test_an_option_that_is_set_to_the_papers_value_is_no_difference() -> None:
    config = InitConfig.for_preset(Preset.DEFAULT, auxiliary_space=AuxiliarySpace.FASTTEXT, epochs=3)
    assert "epochs" not in config.differences_from_paper()


@pytest.mark.parametrize(("name", "value"), [("epochs", 3), ("keep_eos_vector", True)])
def test_an_option_of_fasttext_is_refused_with_counts(name: str, value: object) -> None:
    flag = f"--{name.replace('_', '-')}"
    with pytest.raises(InvalidInputError) as refused:
        InitConfig(auxiliary_space=AuxiliarySpace.COUNTS, **{name: value})
    assert str(refused.value) == (
        f"{flag}: expected --auxiliary-space fasttext, whose option it is, got counts; "
        "leave it out, or add --auxiliary-space fasttext"
    )


def test_an_unknown_auxiliary_space_names_those_there_are() -> None:
    with pytest.raises(InvalidInputError, match=r"^--auxiliary-space: expected counts, fasttext, got 'glove'"):
        InitConfig(auxiliary_space="glove")


def test_counts_under_the_papers_preset_leave_fasttexts_options_out() -> None:
    config = InitConfig.for_preset(Preset.PAPER, auxiliary_space=AuxiliarySpace.COUNTS)
    assert (config.epochs, config.keep_eos_vector, config.dim, config.min_count) == (None, False, 300, 10)
    assert config.chosen() == {"preset": "paper", "auxiliary_space": "counts"}
    assert InitConfig.from_dict(config.chosen()) == config


def test_what_was_stored_before_there_were_counts_still_means_fasttext() -> None:
    assert InitConfig.from_dict({"epochs": 20}).auxiliary_space is AuxiliarySpace.FASTTEXT
    assert InitConfig.from_dict({"preset": "paper"}).auxiliary_space is AuxiliarySpace.FASTTEXT
    assert InitConfig.from_dict({"seed": 3}).auxiliary_space is InitConfig.auxiliary_space
    with pytest.raises(InvalidInputError, match=r"^--epochs: "):
        InitConfig.from_dict({"epochs": 20, "auxiliary_space": "counts"})


def test_every_option_of_the_paper_is_an_option() -> None:
    assert set(PAPER) <= {field.name for field in dataclasses.fields(InitConfig)}


def test_overrides_win_over_the_preset() -> None:
    config = InitConfig.for_preset(Preset.PAPER, epochs=7, match=MatchMode.FUZZY)
    assert (config.epochs, config.match, config.preset) == (7, MatchMode.FUZZY, Preset.PAPER)
    assert config.differences_from_paper() == {"epochs": [3, 7], "match": ["exact", "fuzzy"]} | BY_ROLE


def test_options_survive_json() -> None:
    config = InitConfig.for_preset(Preset.PAPER, seed=7, top_k=12)
    back = json.loads(json.dumps(config.to_dict()))
    assert InitConfig(**back) == config


@pytest.mark.parametrize(
    ("option", "value", "name"),
    [
        ("temperature", 0.0, "--temperature"),
        ("temperature", -1.0, "--temperature"),
        ("temperature", float("nan"), "--temperature"),
        ("dim", 1, "--dim"),
        ("dim", 5000, "--dim"),
        ("seed", -1, "--seed"),
        ("seed", 2**31, "--seed"),
        ("memory_mib", 8, "--memory"),
        ("top_k", 0, "--top-k"),
        ("epochs", 0, "--epochs"),
        ("min_count", 0, "--min-count"),
        ("threads", 0, "--threads"),
        ("device", "tpu", "--device"),
    ],
)
def test_an_option_outside_its_range_names_itself(option: str, value: object, name: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"^{name}: expected .*, got .*; choose "):
        InitConfig(**{option: value})


def test_options_cannot_be_changed_afterwards() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        InitConfig().seed = 3  # type: ignore[misc]
