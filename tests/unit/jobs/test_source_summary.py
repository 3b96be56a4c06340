"""What is in a source, found before a run: as a run would read it, in a child that is limited."""

import json
import sys

import numpy as np
import pytest
import sentencepiece
from safetensors.numpy import save_file

from focus_core.errors import InvalidInputError, ModelError
from focus_core.jobs.source_summary import summarise_in_child, summarise_source
from focus_ui.data.catalog import DEMO_SOURCE
from tests.tiny_models import HIDDEN, SOURCE_LINES, build_model, tiny_model


def test_a_whole_model_says_what_it_holds(tmp_path):
    folder = tiny_model("bert", tmp_path / "tiny")
    (folder / "LICENSE.txt").write_text("mine")
    found = summarise_in_child(str(folder))
    assert (found.whole, found.objective, found.architecture) == (True, "mlm", "BertForMaskedLM")
    assert (found.n_layers, found.width, found.family) == (2, HIDDEN, "wordpiece")
    assert found.n_rows == found.n_tokens
    assert (found.generation, found.licence, found.modules) == (False, "LICENSE.txt", ())
    from transformers import AutoModelForMaskedLM

    model = AutoModelForMaskedLM.from_pretrained(folder)
    assert found.n_parameters == model.num_parameters()


def test_a_model_that_writes_predicts_the_next_token(tmp_path):
    found = summarise_source(str(tiny_model("gpt2", tmp_path / "tiny")))
    assert (found.objective, found.n_layers, found.generation) == ("clm", 2, True)


def sentencepiece_model(folder):
    """Write a tiny Llama whose tokenizer is a SentencePiece model and nothing else; return the folder."""
    folder.mkdir()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SOURCE_LINES * 20), model_prefix=str(folder / "m"), vocab_size=60, minloglevel=2,
        hard_vocab_limit=False,
    )  # fmt: skip
    (folder / "m.model").rename(folder / "tokenizer.model")
    n = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model")).get_piece_size()
    build_model("llama", n_rows=n, tied=True, ids={}).save_pretrained(folder)
    return folder


def test_a_sentencepiece_model_is_read_as_the_tokenizer(tmp_path):
    found = summarise_source(str(sentencepiece_model(tmp_path / "tiny")))
    assert (found.family, found.objective) == ("unigram", "clm")
    assert found.n_tokens == found.n_rows


@pytest.mark.parametrize("content", [b"no model", b"\x0a\xff\xff\xff\xff\x0f", bytes(range(256)) * 50])
def test_a_hostile_sentencepiece_model_is_one_line(tmp_path, content):
    folder = sentencepiece_model(tmp_path / "tiny")
    (folder / "tokenizer.model").write_bytes(content)
    with pytest.raises(InvalidInputError) as caught:
        summarise_source(str(folder))
    assert "tokenizer.model" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_body_without_a_head_predicts_nothing(tmp_path):
    from transformers import AutoModel

    folder = tiny_model("bert", tmp_path / "tiny")
    AutoModel.from_pretrained(folder).save_pretrained(folder)
    found = summarise_source(str(folder))
    assert (found.whole, found.objective, found.architecture) == (True, "", "BertModel")


def test_a_matrix_is_no_model_whatever_lies_beside_it(tmp_path):
    folder = tiny_model("bert", tmp_path / "tiny")
    rows = summarise_source(str(folder)).n_rows
    save_file({"embeddings": np.ones((rows, 4), "f4")}, folder / "model.safetensors")
    found = summarise_source(str(folder))
    assert (found.whole, found.objective, found.n_layers, found.width) == (False, "", None, 4)
    bare = summarise_source(None, str(folder / "tokenizer.json"), str(folder / "model.safetensors"), "embeddings")
    assert (bare.whole, bare.n_rows, bare.n_parameters) == (False, rows, 4 * rows)


def test_the_demo_is_what_the_form_says_of_it():
    found = summarise_source(str(DEMO_SOURCE))
    assert (found.whole, found.objective) == (True, "mlm")


def test_what_a_run_would_refuse_is_refused_in_the_same_words(tmp_path):
    folder = tiny_model("bert", tmp_path / "tiny")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": {"quant_method": "gptq"}}))
    with pytest.raises(ModelError) as here:
        summarise_source(str(folder))
    with pytest.raises(ModelError) as there:
        summarise_in_child(str(folder))
    assert str(here.value) == str(there.value)


def test_a_tokenizer_that_does_not_belong_is_refused(tmp_path):
    folder = tiny_model("bert", tmp_path / "tiny")
    save_file({"embeddings": np.ones((3, 4), "f4")}, folder / "model.safetensors")
    with pytest.raises(ModelError, match="one for every id of the source tokenizer"):
        summarise_source(str(folder))


@pytest.mark.parametrize(("code", "words"), [("import time; time.sleep(9)", "no answer in 0 s"), ("1/0", "that died")])
def test_a_child_that_hangs_or_dies_is_an_error_in_words(tmp_path, code, words):
    with pytest.raises(ModelError, match=words):
        summarise_in_child(str(tmp_path), seconds=0.3, command=[sys.executable, "-c", code])
