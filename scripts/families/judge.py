"""Compare a source with what the product made of it, without asking the product: logits, generation, text vectors."""

from __future__ import annotations

import inspect
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOLERANCE = 1e-4
LENGTHS = (11, 7, 4)
LONGEST = 64
SHORTEST_LONG = 24
N_NEW = 5
COMPARED = ("logits", "prediction_logits", "last_hidden_state", "text_embeds", "pooler_output", "text_model_output")


@dataclass(frozen=True, kw_only=True, eq=False)
class Side:
    """A loaded model and the ids that it reads."""

    model: Any
    ids: dict[int, int]
    pad: int
    eos: int | None
    bos: int | None
    n_logits: int

    def read(self, lines: list[list[int]]) -> Any:
        """Return padded ids and their mask."""
        import torch

        longest = max(map(len, lines))
        rows = [[self.ids[i] for i in line] + [self.pad] * (longest - len(line)) for line in lines]
        mask = [[1] * len(line) + [0] * (longest - len(line)) for line in lines]
        return torch.tensor(rows), torch.tensor(mask)


def load_side(folder: Path, class_name: str, ids: dict[int, int], tokenizer: Any) -> Side:
    """Load a model folder with transformers alone, in float32."""
    import torch
    import transformers

    model = getattr(transformers, class_name).from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    pad = tokenizer.pad_token_id
    if pad is None:
        pad = next(iter(ids.values()))
    return Side(
        model=model.eval(),
        ids=ids,
        pad=pad,
        eos=tokenizer.eos_token_id,
        bos=tokenizer.bos_token_id,
        n_logits=len(tokenizer),
    )


def lines_of(copied: list[int], lengths: tuple[int, ...], seed: int) -> list[list[int]]:
    """Return lines of copied tokens as ids of the source; every token is as likely."""
    choose = random.Random(seed)
    return [[choose.choice(copied) for _ in range(length)] for length in lengths]


def compare_forward(source: Side, result: Side, copied: list[int], ends: tuple[int | None, int | None]) -> str:
    """Return what differs between two models on lines of copied tokens, ``""`` where nothing does.

    Parameters
    ----------
    source, result : Side
        The models; their ids are keyed by the source's.
    copied : list of int
        Ordinary copied tokens, as ids of the source.
    ends : tuple of int or None
        Copied special tokens that begin and end a line, as ids of the source.

    Returns
    -------
    str
        The largest difference and where.
    """
    lines = lines_of(copied, LENGTHS, 3)
    first, last = ends
    lines[0] = [*([first] if first is not None else []), *lines[0], *([last] if last is not None else [])]
    found = _differs("padded batch", source, result, lines, copied)
    if found:
        return found
    long = _longest_line(source, copied)
    return _differs(f"line of {len(long)} tokens", source, result, [long], copied) if long else ""


def _longest_line(source: Side, copied: list[int]) -> list[int]:
    """Return the longest line, up to `LONGEST`, that the source reads."""
    (line,) = lines_of(copied, (LONGEST,), 5)
    for length in range(LONGEST, SHORTEST_LONG, -1):
        try:
            outputs(source, [line[:length]])
        except (IndexError, RuntimeError, ValueError):
            continue
        return line[:length]
    return []


def _differs(where: str, source: Side, result: Side, lines: list[list[int]], copied: list[int]) -> str:
    wanted, got = _own(lambda: outputs(source, lines)), outputs(result, lines)
    if set(wanted) != set(got):
        return f"{where}: gives {', '.join(got)} instead of {', '.join(wanted)}"
    worst = 0.0
    for name, tensor in wanted.items():
        a, b = _cut(tensor, source, lines, copied), _cut(got[name], result, lines, copied)
        if not bool(a.isfinite().all()):
            raise NotJudgedError(f"the source's own {name} are not finite")
        scale = float(a.abs().max())
        difference = float((a - b).abs().max()) / max(scale, 1e-12)
        if not difference <= TOLERANCE:
            return f"{where}: {name} differ by {difference:.1e} of the largest"
        worst = max(worst, difference)
    return ""


class NotJudgedError(Exception):
    """The source itself cannot be asked."""


def _own(ask: Callable[[], Any]) -> Any:
    """Ask the source; where it cannot answer, nothing can be compared."""
    try:
        return ask()
    except Exception as reason:
        raise NotJudgedError(f"the source itself: {type(reason).__name__}: {str(reason).strip()[:150]}") from reason


def _cut(tensor: Any, side: Side, lines: list[list[int]], copied: list[int]) -> Any:
    """Return values at tokens that are no padding; of logits the columns of copied tokens."""
    import torch

    longest = max(map(len, lines))
    if tensor.ndim >= 3 and tensor.shape[:2] == (len(lines), longest):
        tensor = torch.cat([tensor[i, : len(line)] for i, line in enumerate(lines)])
    if tensor.shape[-1] == side.n_logits:
        tensor = tensor[..., [side.ids[i] for i in copied]]
    return tensor


def outputs(side: Side, lines: list[list[int]]) -> dict[str, Any]:
    """Return what a model gives for some lines, by name."""
    import torch

    ids, mask = side.read(lines)
    with torch.no_grad():
        return _named(_call(side.model, ids, mask))


def _call(model: Any, ids: Any, mask: Any) -> Any:
    """Call a model with the text alone, and with what its kind needs beside it."""
    takes = inspect.signature(model.forward).parameters
    if "input_ids" not in takes and hasattr(model, "get_text_features"):
        return model.get_text_features(input_ids=ids, attention_mask=mask)
    given: dict[str, Any] = {"input_ids": ids}
    if "attention_mask" in takes:
        given["attention_mask"] = mask
    if getattr(model.config, "is_encoder_decoder", False) and "decoder_input_ids" in takes:
        given["decoder_input_ids"] = ids
    given |= beside(model, takes, ids)
    try:
        return model(**given)
    except (ValueError, TypeError, AttributeError):
        if hasattr(model, "get_text_features"):
            return model.get_text_features(input_ids=ids, attention_mask=mask)
        raise


def beside(model: Any, takes: Any, ids: Any) -> dict[str, Any]:
    """Return boxes, pixels or sound for a model that reads no text without them."""
    import torch

    config, given = model.config, {}
    if "bbox" in takes:
        given["bbox"] = torch.zeros((*ids.shape, 4), dtype=torch.long)
    name = getattr(model, "main_input_name", "input_ids")
    generator = torch.Generator().manual_seed(2)
    if name == "input_features" and "input_features" in takes:
        channels = getattr(config, "input_feat_per_channel", None)  # Speech2Text has them last
        length = 2 * getattr(config, "max_source_positions", 32)
        shape = (length, channels) if channels else (getattr(config, "num_mel_bins", 16), length)
        given["input_features"] = torch.randn((len(ids), *shape), generator=generator)
        given["decoder_input_ids"] = ids
    return given


def _named(output: Any) -> dict[str, Any]:
    """Return the tensors of an output that say what a model read."""
    import torch

    if isinstance(output, torch.Tensor):
        return {"text_features": output.float()}
    found = {}
    for name in COMPARED:
        value = output.get(name) if hasattr(output, "get") else None
        if isinstance(value, torch.Tensor):
            found[name] = value.float()
    for name in ("logits", "prediction_logits"):
        if name in found:
            return {name: found[name]}
    if not found:
        raise NotJudgedError(f"an output of {', '.join(output)}")
    return found


def compare_generation(source: Side, result: Side, copied: list[int]) -> str:
    """Return what differs in a few greedily generated tokens, restricted to copied ones; ``""`` where nothing does."""
    first = _own(lambda: _generate(source, copied))
    second = _generate(result, copied)
    back = {target: origin for origin, target in result.ids.items()}
    again = [back.get(i, -1) for i in second]
    return "" if first == again else f"generates {second[:6]} instead of {[result.ids.get(i) for i in first[:6]]}"


def _generate(side: Side, copied: list[int]) -> list[int]:
    """Return the ids that a model generates, in its own vocabulary, those of the prompt left out."""
    import torch
    from transformers import LogitsProcessor, LogitsProcessorList

    stops = [] if side.eos is None else [side.eos]  # a model that is made to stop must be able to
    allowed = torch.tensor([*(side.ids[i] for i in copied), *stops])

    class Only(LogitsProcessor):
        def __call__(self, input_ids: Any, scores: Any) -> Any:
            del input_ids
            kept = torch.full_like(scores, float("-inf"))
            kept[:, allowed] = scores[:, allowed]
            return kept

    ids, mask = side.read(lines_of(copied, (6,), 9))
    extra = beside(side.model, inspect.signature(side.model.forward).parameters, ids)
    extra.pop("decoder_input_ids", None)
    if "input_features" in extra:
        given: dict[str, Any] = {"input_features": extra["input_features"]}
    else:
        given = {"input_ids": ids, "attention_mask": mask, **extra}
    made = side.model.generate(
        **given,
        max_new_tokens=N_NEW,
        do_sample=False,
        num_beams=1,
        logits_processor=LogitsProcessorList([Only()]),
    )
    made = getattr(made, "sequences", made)[0].tolist()
    decoder = getattr(side.model.config, "is_encoder_decoder", False)
    return made[1:] if decoder else made[ids.shape[1] :]


def mapped_eos(source: Path, result: Path, ids: dict[int, int]) -> str:
    """Return what is wrong with the id at which the result stops; ``""`` where it is the source's token."""
    for name in ("generation_config.json", "config.json"):
        before, after = source / name, result / name
        if before.is_file() and after.is_file():
            old, new = (json.loads(path.read_text()).get("eos_token_id") for path in (before, after))
            old, new = (value if isinstance(value, list) else [value] for value in (old, new))
            wanted = [ids.get(i) for i in old if i is not None]
            if [i for i in wanted if i is not None] and new != wanted:
                return f"stops at {new} in {name} instead of {wanted}"
    return ""
