"""The registry of initialisation methods.

Each method is one function from `MethodInput` to `MethodOutput` in a file of its own; a new one is a new entry here.
"""

from __future__ import annotations

from focus_core.methods.base import Method, MethodInput, MethodOutput
from focus_core.methods.fallback import InitialisedMatrix, Statistics, initialise_matrix
from focus_core.methods.focus import focus

METHODS: dict[str, Method] = {"focus": focus}
"""Methods by the name that ``--method`` takes."""

__all__ = [
    "METHODS",
    "InitialisedMatrix",
    "Method",
    "MethodInput",
    "MethodOutput",
    "Statistics",
    "initialise_matrix",
]
