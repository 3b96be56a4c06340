"""Both tokenizers on the first lines, and what each match option would change, found in a process of its own.

``python -m focus_core.jobs.preview`` reads one request from standard input and writes one answer. It runs apart because
a hostile ``tokenizer.json`` may hang or exhaust a process, and because a vocabulary of a quarter of a million tokens
would hold up every other user for a second.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from focus_core.errors import VocabularyError, bad_input
from focus_core.initialization.overlap.preview import MatchPreview, preview_matches
from focus_core.initialization.reading import Reading, read_lines
from focus_core.jobs.limited import SECONDS, answer, ask
from focus_core.tokenization.preview import TokenizerView, view_tokenizer
from focus_core.tokenization.text_form import TextForm, read_text_form
from focus_core.tokenization.vocabulary import load_vocabulary
from focus_core.validation import typed_fields

MODULE = "focus_core.jobs.preview"


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
    reading : Reading or None
        How much of the lines the source's tokenizer knows; ``None`` where there are no lines.
    form : TextForm
        What the source tokenizer does to case, accents and Unicode form.
    """

    source: TokenizerView
    target: TokenizerView | None
    matches: MatchPreview | None
    reading: Reading | None
    form: TextForm


def preview_run(source: str, target: str | None, lines: Sequence[str]) -> Preview:
    """Look at two tokenizers and some lines."""
    old = load_vocabulary(source)
    new = load_vocabulary(target) if target is not None else None
    return Preview(
        source=view_tokenizer(old, lines),
        target=None if new is None else view_tokenizer(new, lines),
        matches=None if new is None else preview_matches(old, new),
        reading=read_lines(old, lines) if lines else None,
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
    seconds : float, default=SECONDS
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

    def silent(got: str) -> VocabularyError:
        remedy = "take other tokenizers, or start the run without a preview"
        return bad_input("tokenizers", "both to cut some lines quickly", got, remedy, VocabularyError)

    request = {"source": source, "target": target, "lines": list(lines)}
    found = ask(MODULE, request, seconds=seconds, error=VocabularyError, silent=silent, command=command)
    return Preview(**typed_fields(Preview, found, where="preview"))


def _reply(request: Mapping[str, Any]) -> dict[str, Any]:
    return dataclasses.asdict(preview_run(request["source"], request["target"], request["lines"]))


if __name__ == "__main__":
    raise SystemExit(answer(_reply))
