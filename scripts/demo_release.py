"""Write a trained source model as the folder that the project ships, with its model card."""

from __future__ import annotations

import json
from pathlib import Path

from demo_data import SOURCES, Source
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
language: [{languages}]
pipeline_tag: fill-mask
---

# {title}

{purpose}: an XLM-RoBERTa of 4 layers x 256 (4 heads, tied embeddings, vocabulary of {vocab_size:,} Unigram pieces, 128
positions), stored in half precision.

## Data

{text}, listed with sources and licences in `assets/README.md`. {held_out_percent} % of the lines, chosen by a hash of
their text, were never trained on.

## Training

{tokens:,} tokens, 20 % of them masked; AdamW, peak rate 1e-3, falling to zero over the last millions of tokens. Rows of
32 tokens for 70 % of them, then of 64 up to 80 %, then of 128: with long rows from the start so small a model stays at
the unigram entropy for millions of tokens. {drawn}`scripts/demo_source.py` holds every setting.

## Measured on held-out lines

Cross entropy in nats of masked tokens (15 %, every one replaced by the mask), beside the entropy of the tokens' own
distribution on the same lines, which is what a model without any context could reach at best:

| language | masked loss | unigram entropy | difference |
|---|---:|---:|---:|
{rows}

Command: `python scripts/build_demo.py source --which {which} --data DIR`, then `release` with the same options.

## Limits

It has read {amount}. It knows spelling, frequent words and
short-range grammar; it knows no facts and must not be used to produce or judge text. It exists so that the demo runs
offline and small.
"""


def card(made: Source, table: dict[str, dict[str, float]], tokens: int, held_out_percent: int) -> str:
    """Return the model card's text."""
    rows = [
        f"| {name} | {table[name]['loss']:.2f} | {table[name]['entropy']:.2f} "
        f"| {table[name]['loss'] - table[name]['entropy']:+.2f} |"
        for name in made.languages
    ]
    several = "Languages are drawn in proportion to\n(their tokens) ** 0.6. " if len(made.languages) > 1 else ""
    return CARD.format(
        languages=", ".join(made.languages),
        title=made.title,
        purpose=made.purpose,
        text=made.text,
        amount=made.amount,
        vocab_size=made.vocab_size,
        which=next(name for name, source in SOURCES.items() if source is made),
        tokens=tokens,
        drawn=several,
        rows="\n".join(rows),
        held_out_percent=held_out_percent,
    )


def write_release(
    model: PreTrainedModel,
    tokenizer_json: Path,
    made: Source,
    *,
    table: dict[str, dict[str, float]],
    progress: Progress,
    held_out_percent: int,
) -> None:
    """Write config, half-precision weights, tokenizer and card; nothing is tied twice in the file."""
    folder = made.folder
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
    (folder / "README.md").write_text(card(made, table, progress.tokens, held_out_percent), encoding="utf-8")
