"""Train a source model of the demo: a small masked language model of one language or several.

A plain torch loop. It stops after ``--minutes`` and goes on from its checkpoint when called again; the
learning rate is a trapezoid over tokens (warm-up, constant, linear decay), so a part can end anywhere.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from demo_data import cut_blocks, encode_stream, read_lines, unigram_entropy
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import nn
from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

BATCH_BLOCKS = 32
MASK_SHARE = 0.2
WARM_UP_TOKENS = 600_000
PEAK_RATE = 1e-3
SMOOTHING = 0.6  # languages are drawn in proportion to (their tokens) ** SMOOTHING


@dataclass
class Progress:
    """What a checkpoint must know beyond tensors."""

    tokens: int = 0
    step: int = 0
    loss: float = 0.0


def build_model(tokenizer: Tokenizer, seed: int) -> XLMRobertaForMaskedLM:
    """Return a fresh model of 4 layers x 256 with tied embeddings."""
    torch.manual_seed(seed)
    config = XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=1024,
        max_position_embeddings=130,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        layer_norm_eps=1e-5,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
    )
    model = XLMRobertaForMaskedLM(config)
    positions = model.roberta.embeddings.position_embeddings.weight
    positions.data[2:] = sinusoids(positions.shape[0] - 2, positions.shape[1])
    return model


def sinusoids(length: int, width: int) -> torch.Tensor:
    """Return sinusoidal positions of shape (length, width) to start from.

    Learned positions of random start leave so small a model for millions of tokens at the unigram loss:
    it must first find out which positions are neighbours.
    """
    angles = torch.arange(length)[:, None] * torch.logspace(0, -3, width // 2)[None, :]
    return 0.03 * torch.cat([angles.sin(), angles.cos()], dim=1)


def build_optimizers(model: nn.Module) -> list[torch.optim.Optimizer]:
    """Return AdamW for everything; matrices decay, vectors do not.

    Muon on the backbone was tried first: with about 800 predictions a step it amplified noise, the weights grew
    sixfold within 1,200 steps, and the loss stayed at the unigram entropy.
    """
    matrices = [p for p in model.parameters() if p.ndim == 2]
    vectors = [p for p in model.parameters() if p.ndim != 2]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
    return [torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.98))]


def row_length(tokens: int, total: int) -> int:
    """Return the length of rows: short ones first, where a neighbour is a large part of what attention sees."""
    share = tokens / total
    return 32 if share < 0.7 else 64 if share < 0.8 else 128


def rate_factor(tokens: int, *, total: int, decay: int) -> float:
    """Return the trapezoid's height in [0, 1] after ``tokens`` of ``total`` tokens."""
    rise = min(1.0, (tokens + 1) / WARM_UP_TOKENS)
    fall = min(1.0, max(0.0, (total - tokens) / decay))
    return min(rise, fall)


def mask_tokens(
    blocks: torch.Tensor, *, mask_id: int, n_ids: int, generator: torch.Generator, share: float = MASK_SHARE
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (input ids, positions chosen): 80 % become the mask, 10 % a random id, 10 % stay.

    Special ids (0 to 3) are never chosen. Shapes: (n, length) both.
    """
    chosen = (torch.rand(blocks.shape, generator=generator) < share) & (blocks > 3)
    kind = torch.rand(blocks.shape, generator=generator)
    noise = torch.randint(4, n_ids - 1, blocks.shape, generator=generator)
    masked = torch.where(chosen & (kind < 0.8), mask_id, blocks)
    return torch.where(chosen & (kind >= 0.9), noise, masked), chosen


def masked_loss(
    model: XLMRobertaForMaskedLM, inputs: torch.Tensor, targets: torch.Tensor, chosen: torch.Tensor
) -> torch.Tensor:
    """Return the mean cross entropy in nats at the chosen positions (the head runs only there)."""
    hidden = model.roberta(input_ids=inputs).last_hidden_state
    logits = model.lm_head(hidden[chosen])
    return nn.functional.cross_entropy(logits.float(), targets[chosen])


def bfloat16_is_faster() -> bool:
    """Time one matrix product in both types: bfloat16 helps on some processors and ruins others."""
    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        a, b = torch.randn(2048, 256).to(dtype), torch.randn(256, 1024).to(dtype)
        a @ b
        start = time.perf_counter()
        for _ in range(10):
            a @ b
        seconds[dtype] = time.perf_counter() - start
    return seconds[torch.bfloat16] < 0.8 * seconds[torch.float32]


def draw_epoch(sizes: list[int], rng: np.random.Generator) -> np.ndarray:
    """Return shuffled block indices: every language repeated in proportion to size ** SMOOTHING."""
    starts = np.concatenate([[0], np.cumsum(sizes)])
    wanted = np.array(sizes, dtype=np.float64) ** SMOOTHING
    wanted *= sum(sizes) / wanted.sum()
    picks = []
    for start, size, count in zip(starts, sizes, wanted.round().astype(int), strict=False):
        rounds = [start + rng.permutation(size) for _ in range(-(-int(count) // size))]
        picks.append(np.concatenate(rounds)[:count])
    return rng.permutation(np.concatenate(picks))


@torch.no_grad()
def held_out_losses(
    model: XLMRobertaForMaskedLM, tokenizer: Tokenizer, data: Path, *, languages: Sequence[str], bfloat16: bool
) -> dict[str, dict[str, float]]:
    """Return per language the masked loss on held-out lines and the unigram entropy, in nats."""
    model.eval()
    table = {}
    for language in languages:
        stream = encode_stream(tokenizer, read_lines(data, language, held_out=True))
        blocks = torch.from_numpy(cut_blocks(stream, open_id=0)).long()
        generator = torch.Generator().manual_seed(1)
        total, count = 0.0, 0
        for part in blocks.split(64):
            chosen = (torch.rand(part.shape, generator=generator) < 0.15) & (part > 3)
            inputs = torch.where(chosen, tokenizer.token_to_id("<mask>"), part)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
                loss = masked_loss(model, inputs, part, chosen)
            total, count = total + float(loss) * int(chosen.sum()), count + int(chosen.sum())
        words = stream[stream > 3]
        table[language] = {"loss": total / count, "entropy": unigram_entropy(words), "n_masked": count}
    model.train()
    return table


def save_checkpoint(
    folder: Path, model: nn.Module, optimizers: list[torch.optim.Optimizer], progress: Progress
) -> None:
    """Write weights and optimizer state as safetensors and JSON, replacing the previous ones at once."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, torch.Tensor] = {f"model.{n}": p.detach().clone() for n, p in model.named_parameters()}
    for k, optimizer in enumerate(optimizers):
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{k}.{index}.{n}": torch.as_tensor(v).clone() for n, v in state.items()}
    new = folder / "checkpoint.safetensors.new"
    save_file(tensors, new, metadata={"progress": json.dumps(vars(progress))})
    new.replace(folder / "checkpoint.safetensors")


def load_checkpoint(folder: Path, model: nn.Module, optimizers: list[torch.optim.Optimizer]) -> Progress:
    """Restore the last checkpoint of ``folder``, or return a fresh progress when there is none."""
    from safetensors import safe_open

    path = folder / "checkpoint.safetensors"
    if not path.exists():
        return Progress()
    tensors = load_file(path)
    parameters = dict(model.named_parameters())
    for name, parameter in parameters.items():
        parameter.data.copy_(tensors[f"model.{name}"])
    for k, optimizer in enumerate(optimizers):
        whole = optimizer.state_dict()
        states: dict[int, dict[str, Any]] = {}
        for key, value in tensors.items():
            head, _, rest = key.partition(f"optimizer.{k}.")
            if not head and rest:
                index, name = rest.split(".", 1)
                states.setdefault(int(index), {})[name] = value
        optimizer.load_state_dict({"state": states, "param_groups": whole["param_groups"]})
    with safe_open(path, "pt") as file:
        return Progress(**json.loads(file.metadata()["progress"]))


def load_blocks(
    tokenizer: Tokenizer, data: Path, languages: Sequence[str]
) -> tuple[torch.Tensor, list[int], np.ndarray]:
    """Return all training blocks, the number per language, and the smoothed unigram distribution."""
    parts = [
        cut_blocks(encode_stream(tokenizer, read_lines(data, language, held_out=False)), open_id=0)
        for language in languages
    ]
    sizes = [len(part) for part in parts]
    blocks = np.concatenate(parts)
    counts = np.bincount(blocks.ravel(), minlength=tokenizer.get_vocab_size()) + 0.5
    return torch.from_numpy(blocks).long(), sizes, counts / counts.sum()


def train(
    tokenizer: Tokenizer,
    data: Path,
    work: Path,
    *,
    languages: Sequence[str],
    total: int,
    decay: int,
    minutes: float,
    seed: int = 0,
) -> tuple[XLMRobertaForMaskedLM, Progress]:
    """Train until ``total`` tokens or until ``minutes`` have passed; return the model and its progress."""
    started = time.monotonic()
    model = build_model(tokenizer, seed)
    blocks, sizes, unigram = load_blocks(tokenizer, data, languages)
    model.lm_head.bias.data.copy_(torch.from_numpy(np.log(unigram)))
    optimizers = build_optimizers(model)
    progress = load_checkpoint(work, model, optimizers)
    bfloat16 = bfloat16_is_faster()
    mask_id, n_ids = tokenizer.token_to_id("<mask>"), tokenizer.get_vocab_size()
    batches_per_epoch = len(draw_epoch(sizes, np.random.default_rng(0))) // BATCH_BLOCKS
    epoch, order = -1, np.empty(0, dtype=np.int64)
    saved = time.monotonic()
    while progress.tokens < total and time.monotonic() - started < 60 * minutes:
        if progress.step // batches_per_epoch != epoch:
            epoch = progress.step // batches_per_epoch
            order = draw_epoch(sizes, np.random.default_rng((seed, epoch)))
        at = progress.step % batches_per_epoch * BATCH_BLOCKS
        batch = blocks[torch.from_numpy(order[at : at + BATCH_BLOCKS])].view(-1, row_length(progress.tokens, total))
        generator = torch.Generator().manual_seed(seed * 1_000_003 + progress.step)
        inputs, chosen = mask_tokens(batch, mask_id=mask_id, n_ids=n_ids, generator=generator)
        factor = rate_factor(progress.tokens, total=total, decay=decay)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
            loss = masked_loss(model, inputs, batch, chosen)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = PEAK_RATE * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        progress.tokens, progress.step = progress.tokens + batch.numel(), progress.step + 1
        progress.loss += (loss.item() - progress.loss) * (0.02 if progress.step > 50 else 0.2)
        if progress.step % 100 == 0:
            speed = progress.tokens / (time.monotonic() - started)
            print(f"step {progress.step} tokens {progress.tokens} loss {progress.loss:.3f} {speed:.0f}/s", flush=True)
        if progress.step % 1500 == 0:
            print(
                json.dumps(held_out_losses(model, tokenizer, data, languages=languages, bfloat16=bfloat16)), flush=True
            )
        if time.monotonic() - saved > 240:
            save_checkpoint(work, model, optimizers, progress)
            saved = time.monotonic()
    save_checkpoint(work, model, optimizers, progress)
    return model, progress
