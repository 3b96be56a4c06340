"""Models loaded by transformers: quietly, from local files, without code from a folder, and checked.

Owns every call of ``from_pretrained`` that makes a model. Refuses to know runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focus_core.errors import ModelError, bad_input
from focus_core.models.architectures import model_class

if TYPE_CHECKING:
    import torch

N_PROBE = 8


def verify_export(folder: Path, arrays: Mapping[str, torch.Tensor]) -> None:
    """Load a model folder as a user would and check that it holds the new embeddings.

    Parameters
    ----------
    folder : Path
        The model folder.
    arrays : mapping of str to torch.Tensor
        ``input`` and, where the model has them apart, ``output`` and ``bias``.

    Raises
    ------
    ModelError
        If weights are missing or have another shape, if a matrix differs from the given one in any bit, or if
        a forward pass over a few tokens gives anything that is not finite.
    """
    load_checked(folder, arrays, folder, dtype="auto")


def load_checked(folder: Path, arrays: Mapping[str, torch.Tensor], *place: Path | None, **options: Any) -> Any:
    """Load a model of a folder's architecture, check it as `verify_export` says, and return it."""
    import torch

    model, report = _from_pretrained(folder, *place, **options)
    lost = sorted({*map(str, report["missing_keys"]), *map(str, report["mismatched_keys"])})
    if lost:
        raise _does_not_load(f"{len(lost)} weights missing or of another shape, such as {lost[0]}")
    outside = model.get_output_embeddings()
    loaded = {
        "input": model.get_input_embeddings().weight,
        "output": getattr(outside, "weight", None),
        "bias": getattr(outside, "bias", None),
    }
    for name, tensor in arrays.items():
        if loaded[name] is None or not torch.equal(loaded[name].detach(), tensor.to(loaded[name].dtype)):
            raise _does_not_load(f"other values in {name}")
    ids = torch.arange(min(N_PROBE, len(arrays["input"]))).unsqueeze(0)
    extra = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
    with torch.no_grad():
        first = next(iter(model.eval()(input_ids=ids, attention_mask=torch.ones_like(ids), **extra).values()))
    if not bool(torch.isfinite(first).all()):
        raise _does_not_load("a forward pass that is not finite")
    return model


def load_float32(folder: Path) -> Any:
    """Load a model folder in float32, as it is."""
    import torch

    return _from_pretrained(folder, folder, dtype=torch.float32)[0]


def _from_pretrained(folder: Path, *place: Path | None, **options: Any) -> tuple[Any, dict[str, Any]]:
    """Return a model of a folder's architecture, and what transformers reports about loading it."""
    with quiet_transformers():
        model, report = model_class(folder).from_pretrained(
            *place, output_loading_info=True, local_files_only=True, trust_remote_code=False, **options
        )
    return model, report


def _does_not_load(got: str) -> ModelError:
    expected = "a folder that from_pretrained loads whole"
    return bad_input("the exported model", expected, got, "does the source folder load by itself?", ModelError)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence transformers' progress bars and reports; they are turned into errors or nothing."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
