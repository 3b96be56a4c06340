"""Small models of four families with their tokenizers, built in memory and saved as real model folders.

Every weight is drawn from a seed, the bias of a masked-LM head included, so that a bias in the wrong place
shows. Nothing here is trained: the tests ask where numbers go, not whether they are good.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

FAMILIES = ("bert", "roberta", "gpt2", "llama")
MASKED = ("bert", "roberta")
HIDDEN = 16
SOURCE_LINES = (
    "the farmer sells maize and beans at the market",
    "the children run home because of the rain",
    "milk, eggs and 12 loaves of bread for the farmer",
    "a small house, a large market and a green field",
)
TARGET_LINES = (
    "der Bauer verkauft Milch, Eier und Brot auf dem Markt",
    "die Kinder laufen nach Hause, weil es regnet",
    "the market opens at 8 and the farmer sells bread",
    "ein kleines Haus, ein grosser Markt, ein gruenes Feld",
)
BERT_ROLES = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
ROBERTA_ROLES = {
    "bos_token": "<s>",
    "pad_token": "<pad>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
    "cls_token": "<s>",
    "sep_token": "</s>",
}
GPT2_ROLES = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
LLAMA_ROLES = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}


def word_pieces(lines: tuple[str, ...] = SOURCE_LINES) -> Tokenizer:
    """Return a WordPiece tokenizer with BERT's special tokens, ``[PAD]`` being id 0: words and characters."""
    words = sorted({word for line in lines for word in line.replace(",", "").split() if len(word) > 1})
    characters = sorted({c for line in lines for c in line if c != " "})
    specials = list(BERT_ROLES.values())
    names = [*specials, *characters, *(f"##{c}" for c in characters if c.isalnum()), *words]
    vocabulary = {name: i for i, name in enumerate(names)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in specials])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def unigram(
    lines: tuple[str, ...] = SOURCE_LINES, *, specials: tuple[str, ...] = ("<s>", "<pad>", "</s>", "<unk>")
) -> Tokenizer:
    """Return a Unigram tokenizer as in XLM-R, ``<mask>`` being the last id.

    Scores are chosen by hand: -1 for special tokens, -4 - length / 10 for words, -8 for single characters.
    """
    words = sorted({f"▁{word}" for line in lines for word in line.split()})
    characters = sorted({c for line in lines for c in line if c != " "} | {"▁"})
    scored = [(name, -1.0) for name in specials]
    scored += [(word, -4.0 - len(word) / 10) for word in words if len(word) > 1]
    scored += [(c, -8.0) for c in characters]
    tokenizer = Tokenizer(models.Unigram([*scored, ("<mask>", 0.0)], unk_id=specials.index("<unk>")))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in (*specials, "<mask>")])
    ids = [(name, specials.index(name)) for name in ("<s>", "</s>")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=ids
    )
    return tokenizer


def byte_level_bpe(lines: tuple[str, ...] = SOURCE_LINES, *, size: int = 320) -> Tokenizer:
    """Return a byte-level BPE tokenizer as in GPT-2; it has no padding token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def sentencepiece_bpe(lines: tuple[str, ...] = SOURCE_LINES, *, n_merges: int = 60) -> Tokenizer:
    """Return a BPE tokenizer with byte fallback as in Llama 2, its merges learned from ``lines``."""
    pieces = [f"<0x{byte:02X}>" for byte in range(256)]
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Metaspace()
    characters = sorted({c for line in lines for c in line.replace(" ", "▁")} | {"▁"})
    trainer = trainers.BpeTrainer(
        vocab_size=len(characters) + n_merges, initial_alphabet=characters, show_progress=False
    )
    learner.train_from_iterator(lines, trainer)
    merges = _merges(learner)
    names = ["<unk>", "<s>", "</s>", *pieces, *characters, *(a + b for a, b in merges)]
    vocabulary = {name: i for i, name in enumerate(dict.fromkeys(names))}
    model = models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in ("<unk>", "<s>", "</s>")])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    return tokenizer


def _merges(tokenizer: Tokenizer) -> list[tuple[str, str]]:
    """Return the merges of a BPE tokenizer, in order."""
    return [(left, right) for left, right in json.loads(tokenizer.to_str())["model"]["merges"]]


TOKENIZERS: dict[str, Any] = {
    "bert": (word_pieces, BERT_ROLES),
    "roberta": (unigram, ROBERTA_ROLES),
    "gpt2": (byte_level_bpe, GPT2_ROLES),
    "llama": (sentencepiece_bpe, LLAMA_ROLES),
}


def save_tokenizer(tokenizer: Tokenizer, roles: dict[str, str], folder: Path) -> Path:
    """Write a tokenizer folder as transformers does and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **roles).save_pretrained(folder)
    return folder


def tiny_tokenizer(family: str, folder: Path, lines: tuple[str, ...] = SOURCE_LINES) -> Path:
    """Write the tokenizer of a family, trained on ``lines``, and return its folder."""
    build, roles = TOKENIZERS[family]
    return save_tokenizer(build(lines), roles, folder)


def target_tokenizer(family: str, folder: Path) -> Path:
    """Write a tokenizer of the family's kind for another language; it shares some words with the source."""
    return tiny_tokenizer(family, folder, TARGET_LINES)


def _ids(tokenizer: Tokenizer, roles: dict[str, str]) -> dict[str, int | None]:
    ids = {f"{name}_id": tokenizer.token_to_id(token) for name, token in roles.items()}
    return {name: ids.get(name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}


def build_model(family: str, *, n_rows: int, tied: bool, ids: dict[str, int | None]) -> PreTrainedModel:
    """Return an untrained model of a family with ``n_rows`` embedding rows of 16 numbers."""
    encoder = {
        "hidden_size": HIDDEN,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 66,
    }
    common = {"vocab_size": n_rows, "tie_word_embeddings": tied, **ids}
    if family == "bert":
        return BertForMaskedLM(BertConfig(**encoder, **common))
    if family == "roberta":
        return XLMRobertaForMaskedLM(XLMRobertaConfig(**encoder, type_vocab_size=1, **common))
    if family == "gpt2":
        return GPT2LMHeadModel(GPT2Config(n_embd=HIDDEN, n_layer=2, n_head=2, n_positions=64, **common))
    return LlamaForCausalLM(LlamaConfig(**encoder, num_key_value_heads=2, **common))


def tiny_model(
    family: str,
    folder: Path,
    *,
    tied: bool = True,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
    extra_rows: int = 0,
    max_shard_size: str = "1GB",
) -> Path:
    """Write a small model with its tokenizer and return the folder.

    Parameters
    ----------
    family : {"bert", "roberta", "gpt2", "llama"}
        Which architecture, with the kind of tokenizer that goes with it.
    folder : Path
        Where to; it is made.
    tied : bool, default=True
        Whether the output matrix is the input matrix.
    dtype : torch.dtype, default=torch.float32
        Type of every weight.
    seed : int, default=0
        Seed of the weights.
    extra_rows : int, default=0
        Padding rows after the last id, as many released models have.
    max_shard_size : str, default="1GB"
        Small values give a sharded folder.

    Returns
    -------
    Path
        The folder.
    """
    build, roles = TOKENIZERS[family]
    tokenizer = build()
    state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    n_rows = tokenizer.get_vocab_size() + extra_rows
    model = build_model(family, n_rows=n_rows, tied=tied, ids=_ids(tokenizer, roles))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.2 + (parameter == 1).float())
        for name, parameter in model.named_parameters(remove_duplicate=False):
            if name.endswith("decoder.bias"):  # untied: the head's two bias tensors hold one bias
                parameter.copy_(dict(model.named_parameters())[name.replace("decoder.", "")])
    torch.random.set_rng_state(state)
    model.to(dtype).save_pretrained(folder, max_shard_size=max_shard_size)
    save_tokenizer(tokenizer, roles, folder)
    return folder
