"""Give a pretrained language model a new vocabulary, and say where every new embedding came from.

The names below are the library; everything else may change. They load on first use, so that importing the
package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "FocusError": "errors",
    "InvalidInputError": "errors",
    "InitConfig": "initialization.config",
    "Vocabulary": "tokenization.vocabulary",
    "load_vocabulary": "tokenization.vocabulary",
    "Overlap": "initialization.overlap.matching",
    "match_vocabularies": "initialization.overlap.matching",
    "AuxiliaryVectors": "initialization.auxiliary.vectors",
    "WeightMatrix": "initialization.weights",
    "FocusResult": "initialization.result",
    "run_focus": "initialization.pipeline",
    "run_focus_from_pretrained": "api",
    "RunFolder": "runs.folder",
    "open_run": "runs.folder",
    "explain_token": "analysis.provenance.explain",
    "run_checks": "analysis.checks.registry",
    "export_model": "export.model_folder",
}

__all__ = [*sorted(_HOME), "__version__"]


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'focus_core' has no attribute {name!r}")
    return getattr(import_module(f"focus_core.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
