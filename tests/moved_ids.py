"""Tiny models of any class whose tokens all get other ids: the source's words in another order, new ones among them.

Both tokenizers split at spaces, so that a text of copied words is known by hand: word ``w7`` of the source is word
``w7`` of the target, at another id.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from focus_core.models.architectures import quiet_transformers
from focus_core.models.source import SourceModel, load_source
from focus_core.surgery.config import IdMap
from focus_core.surgery.proof import Copies

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
ROLES = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>"}
WORDS = tuple(f"w{i}" for i in range(30))
SOURCE = (*SPECIALS, *WORDS)
TARGET = ("<unk>", "<s>", "</s>", "<pad>", "<mask>", *(f"n{i}" for i in range(6)), *reversed(WORDS))
"""The padding id moves from 1 to 3."""

SAME_PAD = ("<unk>", "<pad>", "<s>", "</s>", "<mask>", *(f"n{i}" for i in range(6)), *reversed(WORDS))
"""The padding id stays 1."""

N = len(SOURCE)
IDS = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
SMALL = {
    "vocab_size": N,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 32,
    **IDS,
}
PAIR = {
    "vocab_size": N,
    "d_model": 16,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 16,
    "decoder_ffn_dim": 16,
    "max_position_embeddings": 32,
    "decoder_start_token_id": 2,
    **IDS,
}


def write_tokenizer(folder: Path, tokens: tuple[str, ...]) -> Path:
    """Write a tokenizer of whole words, the special tokens declared."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(models.WordLevel({token: i for i, token in enumerate(tokens)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens([token for token in tokens if token in SPECIALS])
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@contextmanager
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def write_model(folder: Path, kind: Any, config: Any) -> Path:
    """Write a model whose every weight is drawn from a seed, buffers of the vocabulary's size included."""
    with _seeded(), quiet_transformers():
        model = kind(config)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
            for name, buffer in model.named_buffers():
                if name == "final_logits_bias":
                    buffer.normal_()
        model.save_pretrained(folder)
    return folder


def moved(
    folder: Path, kind: Any, config: Any, target: tuple[str, ...] = TARGET, n_words: int = len(WORDS)
) -> tuple[SourceModel, Copies]:
    """Return a source that lies in ``folder``, and which of its tokens a target copies: the first ``n_words``."""
    write_model(folder, kind, config)
    write_tokenizer(folder, SOURCE)
    kept = [token for token in SOURCE if token in target and (token in SPECIALS or int(token[1:]) < n_words)]
    pairs = sorted((target.index(token), SOURCE.index(token)) for token in kept if token not in SPECIALS)
    ids = IdMap(
        n_rows=N,
        n_target=len(target),
        copied={SOURCE.index(token): target.index(token) for token in kept},
        source_special_types={role: SOURCE.index(token) for role, token in ROLES.items()},
        target_special_types={role: target.index(token) for role, token in ROLES.items() if token in target},
    )
    rows = np.array(pairs, np.int64).reshape(-1, 2)
    return load_source(folder), Copies(target_ids=rows[:, 0], source_ids=rows[:, 1], ids=ids)
