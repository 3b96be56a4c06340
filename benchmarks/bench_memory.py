"""Peak memory of a whole initialisation, beside the matrices' own size: ``python -m benchmarks.bench_memory``.

The source is a folder of random weights: input and output embeddings, apart, of 250k tokens x 2,048 numbers in
bfloat16, and one tiny layer. It is replaced by a vocabulary of 50k tokens, and extended by 50k. What is reported is
anonymous memory above that of the bare imports, at its highest; the source's matrices are mapped from their file and
are no part of it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.common import RESULTS, facts, in_child, write_result

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WHAT = {"replace": "replacement", "extend": "extension"}
MOST = 1.3
"""Times the size of source and result matrices together."""


def word(number: int, mark: str) -> str:
    """Return a word of its own for a number; the first letter keeps the languages apart."""
    letters = []
    for _ in range(5):
        number, place = divmod(number, len(LETTERS))
        letters.append(LETTERS[place])
    return mark + "".join(letters)


def make_source(folder: Path, *, n: int, width: int) -> None:
    """Write a model folder of random weights with a word-level tokenizer of ``n`` ids."""
    import torch
    from transformers import LlamaConfig

    from focus_core.artifacts import write_arrays

    config = LlamaConfig(
        vocab_size=n, hidden_size=width, intermediate_size=16, num_hidden_layers=1, num_attention_heads=width // 8,
        num_key_value_heads=1, head_dim=8, tie_word_embeddings=False, pad_token_id=None, bos_token_id=0, eos_token_id=1,
    )  # fmt: skip
    config.architectures = ["LlamaForCausalLM"]
    folder.mkdir(parents=True)
    config.save_pretrained(folder)
    shapes = {
        "self_attn.q_proj": (width, width), "self_attn.k_proj": (8, width), "self_attn.v_proj": (8, width),
        "self_attn.o_proj": (width, width), "mlp.gate_proj": (16, width), "mlp.up_proj": (16, width),
        "mlp.down_proj": (width, 16),
    }  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    tensors = {f"model.layers.0.{name}.weight": torch.zeros(shape).bfloat16() for name, shape in shapes.items()}
    norms = ("model.norm", "model.layers.0.input_layernorm", "model.layers.0.post_attention_layernorm")
    tensors |= {f"{name}.weight": torch.ones(width).bfloat16() for name in norms}
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        tensors[name] = torch.empty((n, width), dtype=torch.bfloat16).normal_(generator=generator)
    write_arrays(folder / "model.safetensors", tensors, metadata={"format": "pt"})
    save_words(folder, [word(i, "s") for i in range(n - 3)])


def save_words(folder: Path, words: list[str]) -> None:
    """Write a word-level tokenizer of three special tokens and some words."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    names = ["<s>", "</s>", "<unk>", *words]
    tokenizer = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(names[:3])
    roles = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **roles).save_pretrained(folder)


def make_target(folder: Path, *, n: int, n_source: int, shared: int) -> None:
    """Write a tokenizer of ``n`` ids, ``shared`` of its words those of the source, in another order."""
    choose = random.Random(0)
    words = [word(i, "s") for i in choose.sample(range(n_source - 3), shared)]
    words += [word(i, "t") for i in range(n - 3 - shared)]
    choose.shuffle(words)
    folder.mkdir(parents=True)
    save_words(folder, words)


class Watch(threading.Thread):
    """Samples this process's anonymous memory and keeps the highest."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.before, self.peak, self.done = anonymous(), 0, False

    def run(self) -> None:
        """Look a hundred times a second."""
        while not self.done:
            self.peak = max(self.peak, anonymous())
            time.sleep(0.01)

    def stop(self) -> int:
        """Return the highest above the start, in bytes."""
        self.peak = max(self.peak, anonymous())
        self.done = True
        self.join()
        return self.peak - self.before


def anonymous() -> int:
    """Return the anonymous memory of this process in bytes (Linux)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) * 1024


def child(folder: Path, kind: str, method: str) -> dict[str, Any]:
    """Initialise once and return the peak, with the sizes of source and result."""
    from focus_core.api import run_to_folder
    from focus_core.artifacts import tensor_names
    from focus_core.initialization.config import InitConfig
    from focus_core.initialization.request import InitRequest
    from scripts.families.processes import warm_up

    warm_up()
    config = InitConfig(method=method, extend=kind == "extend", examples=False)
    request = InitRequest(source=str(folder / "source"), target_tokenizer=str(folder / f"target-{kind}"), config=config)
    watch = Watch()
    watch.start()
    start = time.perf_counter()
    run_to_folder(request, folder / f"run-{kind}")
    seconds, peak = time.perf_counter() - start, watch.stop()
    made = tensor_names(folder / f"run-{kind}" / "embeddings.safetensors")
    source = tensor_names(folder / "source" / "model.safetensors")
    sizes = [shape[0] * shape[1] * 2 for _, shape in made.values()]
    own = [source[name][1] for name in ("model.embed_tokens.weight", "lm_head.weight")]
    return {
        "peak": peak, "result": sum(sizes), "source": sum(a * b * 2 for a, b in own), "seconds": round(seconds, 1),
    }  # fmt: skip


def main() -> None:
    """Make the inputs, measure each kind in a process of its own, print a table and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=250_000, help="ids of the source")
    parser.add_argument("--width", type=int, default=2048)
    parser.add_argument("--target", type=int, default=50_000, help="ids of the new vocabulary, and ids appended")
    parser.add_argument("--method", default="overlap")
    parser.add_argument("--keep", action=argparse.BooleanOptionalAction, default=True, help="in benchmarks/results")
    parser.add_argument("--child", nargs=2, metavar=("FOLDER", "KIND"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(child(Path(given.child[0]), given.child[1], given.method)))
        return
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        folder = Path(name)
        make_source(folder / "source", n=given.n, width=given.width)
        make_target(folder / "target-replace", n=given.target, n_source=given.n, shared=given.target // 2)
        shared = given.target // 5
        make_target(folder / "target-extend", n=given.target + shared + 3, n_source=given.n, shared=shared)
        rows = [_measure(folder, kind, given) for kind in WHAT]
    for row in rows:
        print(_said(row))
    if given.keep:
        write_result("memory", facts(1), rows, RESULTS)


def _measure(folder: Path, kind: str, given: argparse.Namespace) -> dict[str, Any]:
    """Measure one kind in a process of its own and return a row as the table of results has it."""
    made = in_child("benchmarks.bench_memory", "--method", given.method, "--child", str(folder), kind, threads=1)
    return {
        "what": f"{WHAT[kind]}, anonymous memory of the whole `init` beside the matrices' own size",
        "size": f"{given.n:,} {'→' if kind == 'replace' else '+'} {given.target:,} × {given.width:,} bfloat16, untied",
        "seconds": made["seconds"],
        "reference": "source and result matrices",
        "reference_seconds": None,
        "target": f"≤ {MOST} × the matrices",
        "mib": round(made["peak"] / 2**20),
        "reference_mib": round((made["source"] + made["result"]) / 2**20),
    }


def _said(row: dict[str, Any]) -> str:
    share = row["mib"] / row["reference_mib"]
    return (
        f"{row['what']}: {row['size']}: {row['mib']:,} MiB beside {row['reference_mib']:,} MiB, "
        f"{share:.2f} times as much (at most {MOST}), in {row['seconds']} s"
    )


if __name__ == "__main__":
    sys.exit(main())
