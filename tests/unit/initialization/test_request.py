"""A request as data: to JSON and back, as a command line and back, and what is refused in one line."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from focus_core import api
from focus_core.cli import main as cli
from focus_core.errors import InvalidInputError
from focus_core.initialization.config import InitConfig
from focus_core.initialization.request import OF_PRESETS, InitRequest, command_of, read_request, write_request
from focus_core.types import (
    Aligner,
    Anchors,
    AuxiliaryKind,
    AuxiliarySpace,
    Factorization,
    Fallback,
    Interpolation,
    MatchMode,
    MethodName,
    Normalization,
    Preset,
    SubwordVectors,
    VocabSize,
)

WORDS = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=8)
PATHS = WORDS.map(Path)
OPTIONS = {
    "method": st.sampled_from([str(name) for name in MethodName]),
    "match": st.sampled_from(MatchMode),
    "temperature": st.floats(1e-4, 1e4),
    "top_k": st.none() | st.integers(1, 10**6),
    "fallback": st.sampled_from(Fallback),
    "covariance_scale": st.floats(1e-12, 1e3),
    "auxiliary_space": st.sampled_from(AuxiliarySpace),
    "epochs": st.none() | st.integers(1, 10**6),
    "dim": st.integers(2, 4096),
    "min_count": st.none() | st.integers(1, 10**6),
    "seed": st.integers(0, 2**31 - 1),
    "device": st.sampled_from(["auto", "cpu", "cuda", "cuda:1"]),
    "threads": st.none() | st.integers(1, 1024),
    "memory_mib": st.integers(16, 2**20),
    "extend": st.booleans(),
    "examples": st.booleans(),
    "copy_overlap": st.booleans(),
    "subword_vectors": st.sampled_from(SubwordVectors),
    "least_pairs": st.integers(1, 10**6),
    "aligner": st.sampled_from(Aligner),
    "min_links": st.none() | st.integers(1, 10**6),
    "interpolation": st.sampled_from(Interpolation),
    "train_tokens": st.none() | st.integers(64, 10**9),
    "language_weight": st.none() | st.floats(0, 1e6),
    "anchors": st.sampled_from(Anchors),
    "rank": st.none() | st.integers(1, 10**6),
    "factorization": st.sampled_from(Factorization),
}
SOURCES = st.fixed_dictionaries({"source": WORDS}, optional={"source_tokenizer": WORDS}) | st.fixed_dictionaries(
    {"source_tokenizer": WORDS, "source_embeddings": PATHS}, optional={"tensor": WORDS}
)
TARGETS = (
    st.fixed_dictionaries({"target_tokenizer": WORDS})
    | st.fixed_dictionaries(
        {"train_tokenizer": st.sampled_from(["unigram", "bpe", "wordpiece"]), "vocab_size": st.integers(1, 10**6)},
        optional={"normalization": st.sampled_from(Normalization)},
    )
    | st.just({"train_tokenizer": "unigram", "vocab_size": VocabSize.AUTO})
)
TEXTS = st.fixed_dictionaries(
    {"corpus": st.lists(PATHS, min_size=1, max_size=3).map(tuple)},
    optional={
        "field": WORDS, "encoding": WORDS, "auxiliary": PATHS, "auxiliary_kind": st.sampled_from(AuxiliaryKind),
        "user_map": PATHS, "dictionary": PATHS, "parallel": PATHS, "source_vectors": PATHS, "donor": WORDS,
    },
)  # fmt: skip


def config_of(preset: Preset, options: dict[str, object]) -> InitConfig:
    """Return options of which none belongs to another auxiliary space than the chosen one, or contradicts another."""
    space = options.get("auxiliary_space", InitConfig.for_preset(preset).auxiliary_space)
    left_out = ("epochs",) if space == AuxiliarySpace.COUNTS else ()
    left_out += ("rank",) if options.get("extend") else ()
    return InitConfig.for_preset(preset, **{k: v for k, v in options.items() if k not in left_out})


CONFIGS = st.builds(
    config_of,
    st.sampled_from(Preset),
    st.fixed_dictionaries({}, optional=OPTIONS),
)
REQUESTS = st.builds(
    lambda source, target, text, config: InitRequest(**source, **target, **text, config=config),
    SOURCES, TARGETS, TEXTS, CONFIGS,
)  # fmt: skip
SMALL = {"source": "m", "target_tokenizer": "t"}
AUTO = InitRequest(**SMALL, config=InitConfig.for_preset(Preset.PAPER, epochs=None, min_count=None))


def test_the_strategies_leave_no_option_out():
    assert OPTIONS.keys() | {*OF_PRESETS, "preset"} == InitConfig.__annotations__.keys()


@given(REQUESTS)
@example(AUTO)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_command_line_of_a_request_asks_for_the_same(monkeypatch, made):
    """The words are read by the command line itself, up to the call that would do the work."""
    asked = []

    def take(request, output, **options):
        asked.append((request, output))
        raise InvalidInputError("enough")

    monkeypatch.setattr(api, "run_to_folder", take)
    assert cli.run([*command_of(made), "--output", "RUN"]) == 2
    assert asked == [(made, Path("RUN"))]


@given(REQUESTS)
@example(AUTO)
@settings(max_examples=100, deadline=None)
def test_a_request_is_the_same_after_json(made):
    plain = json.loads(json.dumps(made.to_dict()))
    assert plain == made.to_dict(), "plain values"
    assert InitRequest.from_dict(plain) == made


def test_what_has_its_default_is_left_out():
    assert InitRequest(**SMALL).to_dict() == SMALL
    assert AUTO.to_dict() == SMALL | {"config": {"preset": "paper", "epochs": None, "min_count": None}}
    kept = InitConfig(auxiliary_space=AuxiliarySpace.FASTTEXT, keep_eos_vector=True)
    assert InitRequest(**SMALL, config=kept).to_dict()["config"] == {
        "auxiliary_space": "fasttext", "keep_eos_vector": True,
    }  # fmt: skip


def test_a_preset_brings_what_is_left_out():
    assert InitRequest.from_dict(SMALL | {"config": {"preset": "paper"}}).config == InitConfig.for_preset(Preset.PAPER)


TRAINED = {"source": "m", "train_tokenizer": "bpe", "vocab_size": 900, "corpus": ["a.txt"]}


@pytest.mark.parametrize("preset", Preset)
@pytest.mark.parametrize("asked", [None, *Normalization])
def test_the_papers_preset_inherits_nothing_unless_it_is_asked_for(preset, asked):
    fields = TRAINED | {"config": {"preset": preset}} | ({"normalization": str(asked)} if asked else {})
    usual = Normalization.NONE if preset is Preset.PAPER else Normalization.INHERIT
    assert InitRequest.from_dict(fields).normalizes is (asked or usual)


def test_a_number_without_a_point_is_the_same_number(tmp_path):
    """Otherwise the manifests of two equal runs would differ."""
    found = InitRequest.from_dict(SMALL | {"config": {"temperature": 1}}).config
    assert repr(found) == repr(InitConfig())


def test_a_name_that_is_no_text_of_unicode_is_kept(tmp_path):
    request = InitRequest(**SMALL, corpus=(Path("a\udcff.txt"),))
    write_request(request, tmp_path / "request.json")
    assert read_request(tmp_path / "request.json") == request


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"vocab": 3}, "request: expected names among source, "),
        ({"config": {"seeds": 3}}, "config: expected names among method, "),
        ({"vocab_size": "900"}, "request.vocab_size: expected a whole number, got '900'"),
        ({"vocab_size": True}, "request.vocab_size: expected a whole number, got True"),
        ({"corpus": "a.txt"}, "request.corpus: expected a list, got 'a.txt'"),
        ({"corpus": ["a.txt", 3]}, "request.corpus: expected a path, got 3"),
        ({"source": None}, "the source: expected either --source or --source-embeddings, got neither"),
        (
            {"normalization": "nfc"},
            "--normalization: expected a tokenizer to train, by --train-tokenizer, got --target-tokenizer; leave it",
        ),
        ({"normalization": "nfd"}, "request.normalization: expected inherit, none, nfc, nfkc, got 'nfd'"),
        ({"field": None}, "request.field: expected a text, got None"),
        ({"auxiliary_kind": "line"}, "request.auxiliary_kind: expected token, word, got 'line'"),
        ({"auxiliary_kind": ["token"]}, "request.auxiliary_kind: expected token, word, got ['token']"),
        ({"config": []}, "config: expected names with values, got []"),
        ({"config": {"epochs": 2.5}}, "config.epochs: expected a whole number, got 2.5"),
        ({"config": {"temperature": "hot"}}, "config.temperature: expected a number, got 'hot'"),
        ({"config": {"extend": 1}}, "config.extend: expected true or false, got 1"),
        ({"config": {"preset": "big"}}, "config.preset: expected default, paper, got 'big'"),
        ({"config": {"seed": -1}}, "--seed: expected at least 0"),
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused_in_one_line_that_names_it(change, said):
    with pytest.raises(InvalidInputError) as caught:
        InitRequest.from_dict(SMALL | change)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("content", [None, "", "{", "\xff", "[]", '"a"', "null"])
def test_a_file_that_holds_no_request_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "request.json"
    if content is not None:
        path.write_bytes(content.encode("latin-1"))
    with pytest.raises(InvalidInputError, match=r"request.*: expected .*, got .*; ") as caught:
        read_request(path)
    assert "\n" not in str(caught.value)
