"""Models that once ended `adapt` or `evaluate` in a traceback, or never: each by the name of its case."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    BartConfig,
    BartForCausalLM,
    FNetConfig,
    FNetForMaskedLM,
    MobileBertConfig,
    MobileBertForMaskedLM,
    OPTConfig,
    OPTForCausalLM,
    RwkvConfig,
    RwkvForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
    XLNetConfig,
    XLNetLMHeadModel,
)

from focus_core.api import run_to_folder
from focus_core.cli import main as cli
from focus_core.initialization.config import InitConfig
from focus_core.initialization.request import InitRequest
from tests.tiny_models import ROBERTA_ROLES, save_tokenizer, target_tokenizer, unigram
from tests.unit.export.test_run_model import corpus_of

SMALL = {"d_model": 16, "max_position_embeddings": 66, "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
BART = {f"{side}_{part}": n for side in ("encoder", "decoder") for part, n in (("layers", 1), ("attention_heads", 2))}
OPT = {"hidden_size": 16, "word_embed_proj_dim": 8, "num_hidden_layers": 1, "ffn_dim": 16, "num_attention_heads": 2}
TRAIN = ("--steps", "2", "--batch-tokens", "64", "--max-seq-length", "16", "--evaluations", "1", "--device", "cpu")


def run_of(folder: Path, kind: Any, config: Any) -> Path:
    """Make a run of a small model, its weights drawn, by a method that needs no vectors."""
    source = folder / "model"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        kind(config).save_pretrained(source)
    save_tokenizer(unigram(), ROBERTA_ROLES, source)
    target = target_tokenizer("roberta", folder / "target")
    request = InitRequest(source=str(source), target_tokenizer=str(target), config=InitConfig(method="overlap"))
    return run_to_folder(request, folder / "run").path


def adapt_and_evaluate(folder: Path, run: Path) -> tuple[int, int]:
    """Return the exit status of both verbs."""
    text = str(corpus_of(folder))
    adapted = cli.run(["adapt", str(run), "--name", "mine", "--corpus", text, *TRAIN])
    return adapted, cli.run(["evaluate", str(run), "--corpus", text, "--device", "cpu"])


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        (BartForCausalLM, BartConfig(**SMALL, **BART, decoder_ffn_dim=16, vocab_size=unigram().get_vocab_size())),
        (OPTForCausalLM, OPTConfig(**{**SMALL, **OPT}, vocab_size=unigram().get_vocab_size())),
    ],
    ids=["bart", "opt"],
)
def test_adapt_traceback(kind: Any, config: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of(tmp_path, kind, config)
    assert adapt_and_evaluate(tmp_path, run) == (0, 0)
    assert (run / "training" / "mine" / "trained.safetensors").is_file()
    assert "bits per character" in capsys.readouterr().out


def test_xlnet_hangs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It sees every token of its input, so its loss of the next one would be read off: refused, and at once."""
    config = XLNetConfig(vocab_size=unigram().get_vocab_size(), d_model=16, n_layer=1, n_head=2, d_inner=16)
    assert config.max_position_embeddings == -1, "no limit"
    run = run_of(tmp_path, XLNetLMHeadModel, config)
    began = time.monotonic()
    assert adapt_and_evaluate(tmp_path, run) == (2, 2)
    assert time.monotonic() - began < 60
    assert_refused(run, capsys, "XLNetLMHeadModel, which reads the tokens that it would predict")


def assert_refused(run: Path, capsys: pytest.CaptureFixture[str], reason: str) -> None:
    said = capsys.readouterr().err
    assert said.count(reason) == 2, said
    assert "Traceback" not in said
    assert not list((run / "training").glob("*")), "nothing half-written"


def test_an_encoder_decoder_is_refused_by_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    size = {"vocab_size": unigram().get_vocab_size(), "d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1}
    config = T5Config(**size, num_heads=2, decoder_start_token_id=1, pad_token_id=1, eos_token_id=2)
    run = run_of(tmp_path, T5ForConditionalGeneration, config)
    assert adapt_and_evaluate(tmp_path, run) == (2, 2)
    assert_refused(run, capsys, "T5ForConditionalGeneration, an encoder-decoder")


def test_a_recurrent_model_ends_with_the_weights_that_it_was_trained_to(tmp_path: Path) -> None:
    """RWKV divides weights of its deep layers in place when it evaluates; what is kept is undivided."""
    from focus_core.export.run_model import load_run_model
    from focus_core.runs.folder import open_run

    size = {"vocab_size": unigram().get_vocab_size(), "hidden_size": 16, "num_hidden_layers": 2, "rescale_every": 1}
    run = run_of(tmp_path, RwkvForCausalLM, RwkvConfig(**size, bos_token_id=0, eos_token_id=2))
    assert cli.run(["adapt", str(run), "--name", "mine", "--corpus", str(corpus_of(tmp_path)), *TRAIN]) == 0
    before, after = (load_run_model(open_run(run), trained=name).backbone() for name in (None, "mine"))
    for name, weight in before.items():
        torch.testing.assert_close(after[name], weight, rtol=0, atol=0.01, msg=name)  # two small steps
    source = RwkvForCausalLM.from_pretrained(tmp_path / "model").state_dict()
    for name, weight in before.items():
        assert torch.equal(weight, source[name]), name


def test_a_table_in_two_parts_is_trained_and_exported_with_both(tmp_path: Path) -> None:
    """MobileBERT's output embeddings are the input's beside a second table, whose tokens lie along its columns."""
    from focus_core.export.run_model import export_state, load_model_folder, load_run_model
    from focus_core.runs.folder import open_run

    size = {"vocab_size": unigram().get_vocab_size(), "hidden_size": 32, "embedding_size": 16, "num_hidden_layers": 1}
    size |= {"num_attention_heads": 2, "intermediate_size": 32, "intra_bottleneck_size": 16, "pad_token_id": 1}
    run = run_of(tmp_path, MobileBertForMaskedLM, MobileBertConfig(**size, max_position_embeddings=66))
    assert adapt_and_evaluate(tmp_path, run) == (0, 0)
    opened = open_run(run)
    assert opened.extra_names(), "the second table"
    trained, initial = (load_run_model(opened, trained=name) for name in ("mine", None))
    loaded = load_model_folder(export_state(opened, "mine", tmp_path / "out")).model
    ids = torch.arange(5, 12)[None]
    with torch.no_grad():
        found = loaded(input_ids=ids).logits
        assert torch.equal(found, trained.model(input_ids=ids).logits)
        assert not torch.equal(found, initial.model(input_ids=ids).logits)
    for name in opened.extra_names():
        assert not torch.equal(trained.matrices()[name], initial.matrices()[name]), name


def test_a_model_that_reads_no_padding_is_measured_as_if_each_line_were_alone(tmp_path: Path) -> None:
    """FNet mixes whole sequences: beside a longer line, padding would change what it says of a shorter one."""
    from focus_core.corpus.corpus import open_corpus
    from focus_core.evaluation.masked import score_masked
    from focus_core.export.run_model import load_run_model
    from focus_core.runs.folder import open_run
    from focus_core.training.dataset import read_text
    from focus_core.training.language import LanguageModelling
    from focus_core.training.options import TrainConfig

    size = {"vocab_size": unigram().get_vocab_size(), "hidden_size": 16, "num_hidden_layers": 1}
    size |= {"intermediate_size": 16, "max_position_embeddings": 66, "pad_token_id": 1}
    model = load_run_model(open_run(run_of(tmp_path, FNetForMaskedLM, FNetConfig(**size))))
    assert not model.reading.padding
    lines = corpus_of(tmp_path, 60).read_text().splitlines()
    together = score_masked(model, lines).bits
    np.testing.assert_allclose(together, [score_masked(model, [line]).bits[0] for line in lines], rtol=1e-5)

    text = read_text(open_corpus([corpus_of(tmp_path)]), model, length=16)
    lengths = {len(ids) for ids in text.held_out.sequences}
    assert len(lengths) > 1
    task = LanguageModelling(model=model, text=text, config=TrainConfig(steps=1), device="cpu")
    nats, n = task._held_out_nats("float32")
    numbers = range(len(text.held_out.sequences))
    alone = [task._padded(np.array([i])) for i in numbers]
    assert n == sum(int(chosen.sum()) for _, chosen, _ in alone)
    with torch.no_grad():
        expected = 0.0
        for ids, chosen, _ in alone:
            scores = model.model(input_ids=torch.where(chosen, int(model.mask_id or 0), ids)).logits[chosen]
            expected += float(torch.nn.functional.cross_entropy(scores, ids[chosen], reduction="sum"))
    assert nats == pytest.approx(expected, rel=1e-5)
