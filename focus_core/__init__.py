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
    "InitConfig": "config",
    "Vocabulary": "vocabulary",
    "load_vocabulary": "vocabulary",
    "Overlap": "overlap",
    "match_vocabularies": "overlap",
    "AuxiliaryVectors": "auxiliary",
    "WeightMatrix": "weights",
    "FocusResult": "result",
    "run_focus": "pipeline",
    "run_focus_from_pretrained": "requests",
    "RunFolder": "run_folder",
    "open_run": "run_folder",
    "explain_token": "provenance",
    "run_checks": "checks",
    "export_model": "export",
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
