"""The options of the training of auxiliary vectors: which there are, and what they are where nobody chooses them.

Owns no widget and no command line.
"""

from __future__ import annotations

from focus_core.initialization.config import VECTOR_RANGES, InitConfig
from focus_core.types import Preset

VECTOR_OPTIONS = tuple(VECTOR_RANGES)
AUTO = "auto"
"""What an option is called that the size of the text decides."""


def standard(preset: str) -> dict[str, str]:
    """Return what the options of the vectors are where nobody chooses them.

    Examples
    --------
    >>> standard("default"), standard("paper")["--min-count"]
    ({'--dim': '100', '--epochs': 'auto', '--min-count': 'auto'}, '10')
    """
    config = InitConfig.for_preset(Preset(preset)).to_dict()
    values = {name: config[name.removeprefix("--").replace("-", "_")] for name in VECTOR_OPTIONS}
    return {name: AUTO if value is None else str(value) for name, value in values.items()}
