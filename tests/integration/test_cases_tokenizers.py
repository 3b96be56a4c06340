"""What a tokenizer's files do not say survives a run and an export; a test for each case that once went wrong."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    DebertaV2Config,
    DebertaV2ForMaskedLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    RobertaConfig,
    RobertaForMaskedLM,
    T5Config,
    T5ForConditionalGeneration,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from focus_core.analysis.provenance.explain import explain_token
from focus_core.api import run_to_folder
from focus_core.export.model_folder import export_model
from focus_core.initialization.config import InitConfig
from focus_core.initialization.request import InitRequest
from focus_core.runs.folder import RunFolder
from focus_core.tokenization.vocabulary import load_vocabulary
from tests.conftest import SENTENCES
from tests.tiny_models import byte_level_bpe, sentencepiece_bpe, tiny_tokenizer

SIZES = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
BERT_SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def write_spm(path: Path, **options: Any) -> None:
    """Train a small SentencePiece model of type unigram."""
    path.parent.mkdir(parents=True, exist_ok=True)
    model = io.BytesIO()
    plain = {"vocab_size": 120, "hard_vocab_limit": False, "minloglevel": 2}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 20), model_writer=model, **plain | options
    )
    path.write_bytes(model.getvalue())


def llama(n_rows: int) -> PreTrainedModel:
    return LlamaForCausalLM(LlamaConfig(vocab_size=n_rows, num_key_value_heads=1, **SIZES))


def run(folder: Path, source: Path, target: Path, **options: Any) -> RunFolder:
    """Copy what both share; no vectors are needed."""
    request = InitRequest(
        source=str(source), target_tokenizer=str(target), config=InitConfig(method="overlap", **options)
    )
    return run_to_folder(request, folder)


def test_newline_byte(tmp_path: Path) -> None:
    """A newline of byte-level BPE takes the row of ``<0x0A>``, a tab that of ``<0x09>``, bit for bit."""
    source, target = sentencepiece_bpe(), byte_level_bpe()
    for name, tokenizer in (("src", source), ("tgt", target)):
        (tmp_path / name).mkdir()
        tokenizer.save(str(tmp_path / name / "tokenizer.json"))
    llama(source.get_vocab_size()).save_pretrained(tmp_path / "src")
    made = run(tmp_path / "run", tmp_path / "src", tmp_path / "tgt")
    before = load_file(tmp_path / "src" / "model.safetensors")["model.embed_tokens.weight"]
    after = load_file(made.path / "embeddings.safetensors")["input"]
    for character, byte in (("Ċ", "<0x0A>"), ("ĉ", "<0x09>"), ("Ã", "<0xC3>"), ("a", "a")):
        assert torch.equal(after[target.token_to_id(character)], before[source.token_to_id(byte)])
    (newline,) = made.find("Ċ")
    assert "e(<U+000A>) = e(<0x0A>)" in explain_token(made, newline).formula


def test_bpe_dropout(tmp_path: Path) -> None:
    """Dropout left on in a file is switched off and said; two runs are equal, the export cuts a line one way."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", dropout=0.5))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=70, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False)
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    (tmp_path / "tgt").mkdir()
    tokenizer.save(str(tmp_path / "tgt" / "tokenizer.json"))
    n = load_vocabulary(tiny_tokenizer("llama", tmp_path / "src")).n
    llama(n).save_pretrained(tmp_path / "src")
    made = run(tmp_path / "run", tmp_path / "src", tmp_path / "tgt")
    assert "BPE dropout 0.5 of the tokenizer tgt was switched off" in " ".join(made.manifest["warnings"])
    for folder in (made.path / "target_tokenizer", export_model(made, tmp_path / "out")):
        loaded = AutoTokenizer.from_pretrained(folder)
        assert len({tuple(loaded(SENTENCES[0])["input_ids"]) for _ in range(30)}) == 1
    again = load_vocabulary(tmp_path / "tgt")
    assert again.digest == made.manifest["target"]["digest"]


def test_chat_template_lost(tmp_path: Path) -> None:
    """Templates beside the target survive; with an extension those of the source do."""
    for name in ("src", "tgt"):
        tiny_tokenizer("llama", tmp_path / name)
        (tmp_path / name / "chat_template.jinja").write_text(f"{name} {TEMPLATE}", encoding="utf-8")
    extra = tmp_path / "src" / "additional_chat_templates"
    extra.mkdir()
    (extra / "tools.jinja").write_text("with tools", encoding="utf-8")
    config = json.loads((tmp_path / "tgt" / "tokenizer_config.json").read_text("utf-8"))
    write_json(tmp_path / "tgt" / "tokenizer_config.json", config | {"model_max_length": 77, "padding_side": "left"})
    llama(load_vocabulary(tmp_path / "src").n).save_pretrained(tmp_path / "src")
    made = run(tmp_path / "replaced", tmp_path / "src", tmp_path / "tgt")
    out = AutoTokenizer.from_pretrained(export_model(made, tmp_path / "out"))
    assert (out.chat_template, out.model_max_length, out.padding_side) == (f"tgt {TEMPLATE}", 77, "left")
    said = out.apply_chat_template([{"role": "user", "content": "milk"}], tokenize=False)
    assert said == "tgt <user>milk"
    made = run(tmp_path / "extended", tmp_path / "src", tmp_path / "tgt", extend=True)
    out = AutoTokenizer.from_pretrained(export_model(made, tmp_path / "more"))
    assert out.chat_template == {"default": f"src {TEMPLATE}", "tools": "with tools"}


def write_bert(folder: Path, words: list[str], class_: str | None = None) -> None:
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join([*BERT_SPECIALS, *words]) + "\n", encoding="utf-8")
    write_json(
        folder / "tokenizer_config.json", {"do_lower_case": False} | ({"tokenizer_class": class_} if class_ else {})
    )


@pytest.mark.parametrize("extend", [False, True])
def test_token_types_lost(tmp_path: Path, extend: bool) -> None:
    """A pair gets its token types from the export as it did from source and target."""
    write_bert(tmp_path / "src", ["a", "b", "c"], "BertTokenizer")
    write_bert(tmp_path / "tgt", ["a", "b", "neu", "alt"], "BertTokenizerFast")
    BertForMaskedLM(BertConfig(vocab_size=8, **SIZES)).save_pretrained(tmp_path / "src")
    made = run(tmp_path / "run", tmp_path / "src", tmp_path / "tgt", extend=extend)
    out = export_model(made, tmp_path / "out")
    expected = [0, 0, 0, 1, 1, 1]
    for folder in (tmp_path / "src", tmp_path / "tgt", out):
        pair = AutoTokenizer.from_pretrained(folder)("a", "b b")
        assert pair["token_type_ids"] == expected


def test_token_types_lost_by_a_trained_tokenizer(tmp_path: Path) -> None:
    """A tokenizer that the run itself trains tells two texts apart as the source's does."""
    write_bert(tmp_path / "src", ["a", "b", "c"], "BertTokenizer")
    BertForMaskedLM(BertConfig(vocab_size=8, **SIZES)).save_pretrained(tmp_path / "src")
    (tmp_path / "c.txt").write_text("\n".join(SENTENCES * 3), encoding="utf-8")
    options = {"train_tokenizer": "wordpiece", "vocab_size": 170, "corpus": (tmp_path / "c.txt",)}
    request = InitRequest(source=str(tmp_path / "src"), config=InitConfig(method="overlap"), **options)
    made = run_to_folder(request, tmp_path / "run")
    out = AutoTokenizer.from_pretrained(export_model(made, tmp_path / "out"))
    assert sorted(set(out("milk", "the milk")["token_type_ids"])) == [0, 1]
    assert load_vocabulary(tmp_path / "out").digest == made.manifest["target"]["digest"]


def test_token_types_are_not_given_to_a_model_without(tmp_path: Path) -> None:
    """BERT's tokenizer on RoBERTa: an id of type 1 would lie outside its table."""
    roberta = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    n = load_vocabulary(tiny_tokenizer("roberta", tmp_path / "src")).n
    RobertaForMaskedLM(RobertaConfig(vocab_size=n, type_vocab_size=1, **SIZES, **roberta)).save_pretrained(
        tmp_path / "src"
    )
    write_bert(tmp_path / "tgt", ["a", "b"], "BertTokenizer")
    made = run(tmp_path / "run", tmp_path / "src", tmp_path / "tgt")
    out = AutoTokenizer.from_pretrained(export_model(made, tmp_path / "out"))
    assert "token_type_ids" not in out("a", "b b")


@pytest.mark.parametrize("config", [None, {"extra_ids": 7}, {"tokenizer_class": "T5Tokenizer", "extra_ids": 100}])
def test_sentinels_and_mask_lost(tmp_path: Path, config: dict[str, Any] | None) -> None:
    """T5's class adds ``<extra_id_N>``, the last number first; their rows are theirs and no padding."""
    write_spm(tmp_path / "src" / "spiece.model", pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    if config is not None:
        write_json(tmp_path / "src" / "tokenizer_config.json", config)
    count = 100 if config is None else config["extra_ids"]
    write_json(tmp_path / "src" / "config.json", {"model_type": "t5"})
    n = load_vocabulary(tmp_path / "src").n
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    ids = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
    T5ForConditionalGeneration(T5Config(vocab_size=n + 2, **sizes, **ids)).save_pretrained(tmp_path / "src")
    right = AutoTokenizer.from_pretrained(tmp_path / "src")
    assert (len(right), right.convert_tokens_to_ids("<extra_id_0>")) == (n, n - 1)
    made = run(tmp_path / "run", tmp_path / "src", tmp_path / "src")
    assert made.manifest["counts"]["by_origin"] == {"copied": n, "combined": 0, "fallback": 0}
    out = AutoTokenizer.from_pretrained(export_model(made, tmp_path / "out"))
    assert out.get_vocab() == right.get_vocab()
    assert out.tokenize("milk <extra_id_0> the")[-2:] == right.tokenize("milk <extra_id_0> the")[-2:]
    assert out.convert_tokens_to_ids(f"<extra_id_{count - 1}>") == n - count


def test_sentinels_and_mask_lost_of_deberta(tmp_path: Path) -> None:
    """DeBERTa-v2's class adds ``[MASK]``."""
    names = {"pad_piece": "[PAD]", "bos_piece": "[CLS]", "eos_piece": "[SEP]", "unk_piece": "[UNK]"}
    write_spm(tmp_path / "src" / "spm.model", pad_id=0, bos_id=1, eos_id=2, unk_id=3, **names)
    write_json(tmp_path / "src" / "config.json", {"model_type": "deberta-v2"})
    n = load_vocabulary(tmp_path / "src").n
    config = DebertaV2Config(vocab_size=n + 1, type_vocab_size=0, **SIZES)
    DebertaV2ForMaskedLM(config).save_pretrained(tmp_path / "src")
    right = AutoTokenizer.from_pretrained(tmp_path / "src")
    assert (len(right), right.mask_token_id) == (n, n - 1)
    made = run(tmp_path / "run", tmp_path / "src", tmp_path / "src")
    out = AutoTokenizer.from_pretrained(made.path / "target_tokenizer")
    assert out.get_vocab() == right.get_vocab()
    assert out.mask_token_id == n - 1


def test_xlmr_spm_offset(tmp_path: Path) -> None:
    """XLM-R's class shifts the ids of its file; the model type says so where no class is named."""
    write_spm(tmp_path / "src" / "sentencepiece.bpe.model")
    write_json(tmp_path / "src" / "tokenizer_config.json", {"model_max_length": 512})
    write_json(tmp_path / "src" / "config.json", {"model_type": "xlm-roberta"})
    source = load_vocabulary(tmp_path / "src")
    ids = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    config = XLMRobertaConfig(vocab_size=source.n, type_vocab_size=1, **SIZES, **ids)
    XLMRobertaForMaskedLM(config).save_pretrained(tmp_path / "src")
    right = AutoTokenizer.from_pretrained(tmp_path / "src")
    assert dict(source.ids_of_tokens) == right.get_vocab()
    made = run(tmp_path / "run", tmp_path / "src", tmp_path / "src")
    before = load_file(tmp_path / "src" / "model.safetensors")["roberta.embeddings.word_embeddings.weight"]
    after = load_file(made.path / "embeddings.safetensors")["input"]
    assert torch.equal(before, after)
    assert 20 in made.find(right.convert_ids_to_tokens(20))


def test_user_symbols_spaces(tmp_path: Path) -> None:
    """After a user-defined symbol the next word keeps its start; in the export too."""
    write_spm(tmp_path / "tgt" / "tokenizer.model", user_defined_symbols=[".", "(", ")"])
    reference = sentencepiece.SentencePieceProcessor(str(tmp_path / "tgt" / "tokenizer.model"))
    n = load_vocabulary(tiny_tokenizer("llama", tmp_path / "src")).n
    llama(n).save_pretrained(tmp_path / "src")
    made = run(tmp_path / "run", tmp_path / "src", tmp_path / "tgt")
    out = AutoTokenizer.from_pretrained(export_model(made, tmp_path / "out"))
    for text in ("milk. the farmer", "milk (the) farmer", " milk", ". . ("):
        assert out.tokenize(text) == reference.encode(text, out_type=str)
