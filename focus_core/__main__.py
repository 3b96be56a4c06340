"""Run the command line: ``python -m focus_core``."""

import sys

from focus_core.cli.main import run

sys.exit(run())
