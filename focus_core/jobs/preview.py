"""Both tokenizers on the first lines, and what each match option would change, found in a process of its own.

``python -m focus_core.jobs.preview`` reads one request from standard input and writes one answer. It runs apart because
a hostile ``tokenizer.json`` may hang or exhaust a process, and because a vocabulary of a quarter of a million tokens
would hold up every other user for a second.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from focus_core.artifacts import dump_json
from focus_core.errors import FocusError, VocabularyError, bad_input
from focus_core.initialization.overlap.preview import MatchPreview, preview_matches
from focus_core.tokenization.preview import TokenizerView, view_tokenizer
from focus_core.tokenization.text_form import TextForm, read_text_form
from focus_core.tokenization.vocabulary import load_vocabulary
from focus_core.validation import typed_fields

SECONDS = 60
"""Processor time, and nearly the whole time, that a child gets."""
MEMORY_BYTES = 6 << 30
"""Address space that a child gets."""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What can be said of a run before it is started.

    Parameters
    ----------
    source : TokenizerView
        The source tokenizer on the lines.
    target : TokenizerView or None
        The target tokenizer on the same lines; ``None`` where it is yet to be trained.
    matches : MatchPreview or None
        What each match option would change; ``None`` likewise.
    form : TextForm
        What the source tokenizer does to case, accents and Unicode form.
    """

    source: TokenizerView
    target: TokenizerView | None
    matches: MatchPreview | None
    form: TextForm


def preview_run(source: str, target: str | None, lines: Sequence[str]) -> Preview:
    """Look at two tokenizers and some lines."""
    old = load_vocabulary(source)
    new = load_vocabulary(target) if target is not None else None
    return Preview(
        source=view_tokenizer(old, lines),
        target=None if new is None else view_tokenizer(new, lines),
        matches=None if new is None else preview_matches(old, new),
        form=read_text_form(old.backend.normalizer),
    )


def preview_in_child(
    source: str, target: str | None, lines: Sequence[str], *, seconds: float = SECONDS, command: Sequence[str] = ()
) -> Preview:
    """Do the same in a child process that may neither hang nor take all memory.

    Parameters
    ----------
    source : str
        As in `preview_run`.
    target : str or None
        As in `preview_run`.
    lines : sequence of str
        As in `preview_run`.
    seconds : float, default=60
        How long to wait.
    command : sequence of str, default=()
        What to run instead of this module.

    Returns
    -------
    Preview
        Views and matches.

    Raises
    ------
    VocabularyError
        If one of them is no tokenizer, or the child did not answer in time.
    """
    root = Path(__file__).resolve().parents[2]
    request = dump_json({"source": source, "target": target, "lines": list(lines)}, indent=None)
    try:
        done = subprocess.run(
            list(command) or [sys.executable, "-m", "focus_core.jobs.preview"],
            input=request.encode("utf-8", "backslashreplace"),
            capture_output=True,
            timeout=seconds,
            cwd=root,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
            check=False,
        )
        answer = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as reason:
        hung = isinstance(reason, subprocess.TimeoutExpired)
        got = f"no answer in {seconds:.0f} s" if hung else "a process that died"
        remedy = "take other tokenizers, or start the run without a preview"
        raise bad_input("tokenizers", "both to cut some lines quickly", got, remedy, VocabularyError) from reason
    if "error" in answer:
        raise VocabularyError.from_dict(answer["error"])
    return Preview(**typed_fields(Preview, answer, where="preview"))


def main() -> int:
    """Answer one request from standard input."""
    _limit()
    request = json.loads(sys.stdin.buffer.read())  # UTF-8, whatever the locale says of text
    try:
        answer = dataclasses.asdict(preview_run(request["source"], request["target"], request["lines"]))
    except FocusError as error:
        answer = {"error": error.to_dict()}
    sys.stdout.write(json.dumps(answer))
    return 0


def _limit() -> None:
    """Let the system refuse more memory and time than sound tokenizers need (where it can)."""
    if sys.platform != "linux":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


if __name__ == "__main__":
    raise SystemExit(main())
