"""Write the trained source model as the folder that the project ships, with its model card."""

from __future__ import annotations

import json
from pathlib import Path

from demo_data import LANGUAGES
from demo_source import Progress
from safetensors.torch import save_file
from transformers import PreTrainedModel

TOKENIZER_CONFIG = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "model_max_length": 128,
    "bos_token": "<s>",
    "cls_token": "<s>",
    "eos_token": "</s>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}

CARD = """---
license: cc-by-sa-4.0
language: [en, de, ar, ha, xh, sw]
pipeline_tag: fill-mask
---

# FOCUS Lab demo source

A small multilingual masked language model, trained to be the source model of FOCUS Lab's demo: an XLM-RoBERTa of
4 layers x 256 (4 heads, tied embeddings, vocabulary of 16,000 Unigram pieces, 128 positions), stored in half precision.

## Data

English, German, Arabic, Hausa, isiXhosa and Swahili: public-domain and CC-licensed Bibles, news, speeches, laws and
web text, listed with sources and licences in `assets/README.md`. {held_out_percent} % of the lines, chosen by a hash of
their text, were never trained on.

## Training

{tokens:,} tokens, 20 % of them masked, on two cores; AdamW, peak rate 1e-3, the last 3 million tokens with a falling
rate. Rows of 32 tokens first (up to 11.0 million), then of 64 (up to about 12.2 million), then of 128: with long rows
from the start so small a model stays at the unigram entropy for millions of tokens. Languages are drawn in proportion
to (their tokens) ** 0.6. `scripts/demo_source.py` holds every setting.

## Measured on held-out lines

Cross entropy in nats of masked tokens (15 %, every one replaced by the mask), beside the entropy of the tokens' own
distribution on the same lines, which is what a model without any context could reach at best:

| language | masked loss | unigram entropy | difference |
|---|---:|---:|---:|
{rows}

Command: `python scripts/build_demo.py source --data DIR`, then `python scripts/build_demo.py release --data DIR`.

## Limits

It has read tens of megabytes, half of them scripture, laws and government text. It knows spelling, frequent words and
short-range grammar; it knows no facts and must not be used to produce or judge text. It exists so that the demo runs
offline and small.
"""


def card(table: dict[str, dict[str, float]], tokens: int, held_out_percent: int) -> str:
    """Return the model card's text."""
    rows = [
        f"| {name} | {table[name]['loss']:.2f} | {table[name]['entropy']:.2f} "
        f"| {table[name]['loss'] - table[name]['entropy']:+.2f} |"
        for name in LANGUAGES
    ]
    return CARD.format(tokens=tokens, rows="\n".join(rows), held_out_percent=held_out_percent)


def write_release(
    model: PreTrainedModel,
    tokenizer_json: Path,
    folder: Path,
    *,
    table: dict[str, dict[str, float]],
    progress: Progress,
    held_out_percent: int,
) -> None:
    """Write config, half-precision weights, tokenizer and card; nothing is tied twice in the file."""
    folder.mkdir(parents=True, exist_ok=True)
    half = model.half()
    half.config.dtype = "float16"
    half.config.architectures = ["XLMRobertaForMaskedLM"]
    half.config.save_pretrained(folder)
    tied = {
        "lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight",
        "lm_head.decoder.bias": "lm_head.bias",
    }
    tensors = {tied.get(n, n): p.detach().contiguous() for n, p in half.named_parameters()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    (folder / "tokenizer.json").write_bytes(tokenizer_json.read_bytes())
    (folder / "tokenizer_config.json").write_text(json.dumps(TOKENIZER_CONFIG, indent=1, sort_keys=True) + "\n")
    (folder / "README.md").write_text(card(table, progress.tokens, held_out_percent), encoding="utf-8")
