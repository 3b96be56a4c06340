"""From token states to the embedding of a sentence: what the modules after a sentence-transformers model compute.

Without such modules it is the mean over tokens. The weights of Dense and LayerNorm stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focus_core.errors import ModelError, bad_input
from focus_core.models.sentence_modules import CONFIG, MODULES, WEIGHTS, SentenceModule, read_modules
from focus_core.models.tensors import read_json

if TYPE_CHECKING:
    import torch

Step = Callable[["torch.Tensor"], "torch.Tensor"]

MEAN = "mean"
OLD_MODES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": MEAN,
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""Keys of older configurations, in the order in which several modes are joined."""

SENTENCE = "sentence_embedding"
INPUT, OUTPUT = "module_input_name", "module_output_name"
REMEDY = "make the run from a model whose sentence embeddings are pooled token states"


@dataclass(frozen=True, kw_only=True, eq=False)
class SentenceHead:
    """What is done with the states of a sentence's tokens.

    Parameters
    ----------
    modes : tuple of str, default=(MEAN,)
        How they are pooled; several are joined.
    steps : tuple of callable, default=()
        What is done with the pooled vectors, in this order.
    """

    modes: tuple[str, ...] = (MEAN,)
    steps: tuple[Step, ...] = ()

    def apply(self, states: torch.Tensor, attention: torch.Tensor) -> torch.Tensor:
        """Return one vector a sentence.

        Parameters
        ----------
        states : torch.Tensor of shape (n, length, d)
            Token states.
        attention : torch.Tensor of shape (n, length), dtype int64
            0 at padding, which stands at the end; every sentence has a token.

        Returns
        -------
        torch.Tensor of shape (n, d_sentence)
            Sentence embeddings.
        """
        import torch

        found = torch.cat([_POOLED[mode](states, attention.unsqueeze(-1)) for mode in self.modes], dim=-1)
        for step in self.steps:
            found = step(found)
        return found


def _cls(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    del mask
    return states[:, 0]


def _max(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    found: torch.Tensor = states.masked_fill(mask == 0, float("-inf")).max(dim=1).values
    return found


def _mean(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return (states * mask).sum(dim=1) / mask.sum(dim=1)


def _mean_sqrt(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return (states * mask).sum(dim=1) / mask.sum(dim=1).sqrt()


def _weighted_mean(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    weights = mask.cumsum(dim=1) * mask
    return (states * weights).sum(dim=1) / weights.sum(dim=1)


def _last(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    import torch

    return states[torch.arange(len(states), device=states.device), mask.sum(dim=1).squeeze(-1) - 1]


_POOLED: Mapping[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "cls": _cls,
    "max": _max,
    MEAN: _mean,
    "mean_sqrt_len_tokens": _mean_sqrt,
    "weightedmean": _weighted_mean,
    "lasttoken": _last,
}


def read_head(folder: Path, *, device: str = "cpu") -> SentenceHead:
    """Read what follows the model of a folder.

    Parameters
    ----------
    folder : Path
        A model folder; without ``modules.json`` the mean over tokens is taken.
    device : str, default="cpu"
        Where the weights of modules are put.

    Returns
    -------
    SentenceHead
        What sentence-transformers computes after the model.

    Raises
    ------
    ModelError
        If a module is another than Pooling, Dense, LayerNorm, Normalize or Dropout, the pooling is not the first, or
        a module reads something else than the sentence's embedding.
    """
    _, *modules = read_modules(folder) or (None,)
    if not modules:
        return SentenceHead()
    first, *others = modules
    if first.kind != "Pooling":
        raise _unknown(first, "a Pooling right after the model")
    steps = [_BUILT[m.kind](_config(folder, m), folder / m.path, device) for m in others if _is_known(m)]
    return SentenceHead(modes=_modes(_config(folder, first)), steps=tuple(step for step in steps if step is not None))


def _unknown(module: SentenceModule, expected: str) -> ModelError:
    return bad_input(MODULES, expected, module.kind or module.type, REMEDY, ModelError)


def _is_known(module: SentenceModule) -> bool:
    if module.kind not in _BUILT:
        raise _unknown(module, f"modules that are {', '.join(sorted(_BUILT))}")
    return True


def _config(folder: Path, module: SentenceModule) -> Mapping[str, Any]:
    """Return a module's configuration; empty where it has none."""
    found = read_json(folder / module.path / CONFIG) if module.path else None
    names = {found[key] for key in (INPUT, OUTPUT) if found.get(key)} if found else set()
    if names - {SENTENCE}:
        raise _unknown(replace(module, type=f"{module.type}, which reads {names.pop()}"), f"modules of the {SENTENCE}")
    return found or {}


def _modes(config: Mapping[str, Any]) -> tuple[str, ...]:
    given = config.get("pooling_mode")
    if given is None:
        return tuple(mode for key, mode in OLD_MODES.items() if config.get(key)) or (MEAN,)
    modes = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, Sequence) else ()
    if not modes or not set(modes) <= set(_POOLED):
        raise bad_input(f"Pooling of {MODULES}", ", ".join(_POOLED), repr(given), REMEDY, ModelError)
    return modes


# --- what may follow the pooling ------------------------------------------------------------------------------------


def _normalize(config: Mapping[str, Any], place: Path, device: str) -> Step:
    import torch

    del config, place, device
    return lambda x: torch.nn.functional.normalize(x, p=2, dim=-1)


def _nothing(config: Mapping[str, Any], place: Path, device: str) -> None:
    """Drop nothing: a dropout between modules is there for the library's own training."""
    del config, place, device


def _layer_norm(config: Mapping[str, Any], place: Path, device: str) -> Step:
    import torch

    del config
    weights = _weights(place, device)
    return lambda x: torch.nn.functional.layer_norm(x, x.shape[-1:], weights["norm.weight"], weights["norm.bias"])


def _dense(config: Mapping[str, Any], place: Path, device: str) -> Step:
    import torch

    weights, activation = _weights(place, device), _activation(str(config.get("activation_function", _TANH)))

    def step(x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = activation(
            torch.nn.functional.linear(x, weights["linear.weight"], weights.get("linear.bias"))
        )
        if not config.get("use_residual"):
            return found
        residual = weights.get("residual.weight")
        return found + (x if residual is None else torch.nn.functional.linear(x, residual))

    return step


_TANH = "torch.nn.modules.activation.Tanh"


def _activation(name: str) -> Any:
    """Return an activation of torch by its full name."""
    import torch

    kind = getattr(torch.nn, name.rpartition(".")[2], None)
    if not name.startswith("torch.nn.") or not (isinstance(kind, type) and issubclass(kind, torch.nn.Module)):
        raise bad_input(f"Dense of {MODULES}", "an activation of torch.nn", name, REMEDY, ModelError)
    return kind()


def _weights(place: Path, device: str) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return {name: tensor.float() for name, tensor in load_file(place / WEIGHTS, device=device).items()}


_BUILT: Mapping[str, Callable[[Mapping[str, Any], Path, str], Step | None]] = {
    "Normalize": _normalize,
    "Dropout": _nothing,
    "LayerNorm": _layer_norm,
    "Dense": _dense,
}
