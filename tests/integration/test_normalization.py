"""A tokenizer that is trained inherits what the source does to case, accents and Unicode form, and the run says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, normalizers

from focus_core.cli import main as cli
from focus_core.errors import InvalidInputError
from focus_core.evaluation.report import text_form_notes
from focus_core.initialization.request import InitRequest
from focus_core.runs.folder import open_run
from focus_core.runs.summary import differing_options
from focus_core.tokenization.text_form import TextForm, read_text_form
from focus_core.tokenization.vocabulary import load_vocabulary
from tests.tiny_models import TARGET_LINES, tiny_model

UNCASED = "lower-case text without accents, in Unicode form NFC"
AS_WRITTEN = "text as it is written"
CAPITALS = ("Der Bauer Geht Um Acht Auf Den Markt", "The Farmer Sells Bread At The Market", "Größe, Äpfel, Öfen")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an uncased model, and a text in which English words have capitals."""
    folder = tmp_path_factory.mktemp("uncased")
    tiny_model("bert", folder / "source")
    path = folder / "source" / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.save(str(path))
    (folder / "text.txt").write_text("\n".join((*TARGET_LINES, *CAPITALS) * 3), encoding="utf-8")
    return folder


@pytest.fixture
def init(inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Make a run; return it with what was printed."""

    def make(*options: str, kind: str = "wordpiece", size: int = 140) -> tuple[Any, str]:
        output = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        words = ["--train-tokenizer", kind, "--vocab-size", str(size), "--corpus", str(inputs / "text.txt")]
        words += ["--source", str(inputs / "source"), "--method", "overlap", "--output", str(output)]
        capsys.readouterr()
        assert cli.run(["init", *words, *options]) == 0
        return open_run(output), capsys.readouterr().out

    return make


def shared(run: Any) -> int:
    return int(run.manifest["counts"]["n_overlap"])


@pytest.mark.parametrize(("kind", "size"), [("wordpiece", 140), ("unigram", 60), ("bpe", 300)])
def test_the_default_inherits_and_shares_more(init: Any, kind: str, size: int) -> None:
    run, printed = init(kind=kind, size=size)
    assert f"normalization: source and new tokenizer read {UNCASED}" in printed
    assert run.manifest["notes"]["normalization"] == {"asked": "inherit", "source": UNCASED, "target": UNCASED}
    assert ("normalization", "none", "inherit") in differing_options(run.manifest)
    assert not any("fewer tokens" in warning for warning in run.manifest["warnings"])
    plain, said = init("--normalization", "none", kind=kind, size=size)
    own = "text in Unicode form NFKC" if kind == "unigram" else AS_WRITTEN
    assert plain.manifest["notes"]["normalization"] == {"asked": "none", "source": UNCASED, "target": own}
    assert f"normalization: the source reads {UNCASED}; the new tokenizer {own}" in said
    assert "fewer tokens are shared; take --normalization inherit" in said
    assert shared(run) > shared(plain)
    saved = Tokenizer.from_file(str(run.path / "target_tokenizer" / "tokenizer.json"))
    assert read_text_form(saved.normalizer) == TextForm(lower=True, strips_accents=True, unicode_form="NFC")


def test_the_papers_preset_inherits_nothing(init: Any) -> None:
    run, _ = init("--preset", "paper")
    assert run.manifest["notes"]["normalization"]["asked"] == "none"
    assert "normalization" not in run.manifest["differences_from_paper"]
    assert run.manifest["notes"]["normalization"]["target"] == AS_WRITTEN
    chosen, _ = init("--preset", "paper", "--normalization", "inherit")
    assert chosen.manifest["notes"]["normalization"]["target"] == UNCASED


def test_a_unicode_form_alone(init: Any) -> None:
    run, _ = init("--normalization", "nfkc")
    assert run.manifest["notes"]["normalization"]["target"] == "text in Unicode form NFKC"


def test_an_extension_is_of_tokens_that_the_source_can_read(init: Any) -> None:
    run, _ = init("--extend")
    assert run.manifest["notes"]["normalization"]["target"] == UNCASED
    appended = run.tokens().column("text").to_pylist()[run.manifest["counts"]["n_source"] :]
    assert appended
    assert [text for text in appended if text != text.lower()] == []


@pytest.mark.parametrize(("kind", "size"), [("wordpiece", 140), ("unigram", 60)])
def test_the_exported_models_tokenizer_reads_text_so(init: Any, tmp_path: Path, kind: str, size: int) -> None:
    from transformers import AutoTokenizer

    run, _ = init(kind=kind, size=size)
    assert cli.run(["export", str(run.path), str(tmp_path / "model")]) == 0
    loaded = AutoTokenizer.from_pretrained(tmp_path / "model")
    target = load_vocabulary(run.path / "target_tokenizer").backend
    for line in (*CAPITALS, "हिन्दी में क़लम"):
        assert loaded(line)["input_ids"] == target.encode(line).ids
    assert loaded(CAPITALS[0])["input_ids"] == loaded(CAPITALS[0].upper())["input_ids"]


def test_a_loss_without_capitals_is_said_to_be_one(init: Any) -> None:
    run, _ = init()
    (note,) = text_form_notes(load_vocabulary(run.path / "target_tokenizer"))
    assert note.startswith(f"Its tokenizer reads {UNCASED}: what is not read costs no bits.")
    plain, _ = init("--normalization", "nfc")
    assert text_form_notes(load_vocabulary(plain.path / "target_tokenizer")) == []


def test_a_ready_tokenizer_has_its_own(inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--source", str(inputs / "source"), "--target-tokenizer", str(inputs / "source"), "--method", "overlap"]
    assert cli.run(["init", *given, "--output", str(tmp_path / "run")]) == 0
    assert "normalization" not in capsys.readouterr().out
    assert "normalization" not in json.loads((tmp_path / "run" / "manifest.json").read_text())["notes"]
    assert cli.run(["init", *given, "--normalization", "none", "--output", str(tmp_path / "other")]) == 2
    (told,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert told.startswith("--normalization: expected a tokenizer to train, by --train-tokenizer")
    with pytest.raises(InvalidInputError, match="--normalization: expected inherit, none, nfc, nfkc, got 'upper'"):
        InitRequest(source="m", train_tokenizer="bpe", vocab_size=9, corpus=(tmp_path,), normalization="upper")
