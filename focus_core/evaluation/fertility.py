"""How finely a tokenizer splits text: tokens per word, continued words, characters per token."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from focus_core.corpus.fertility import Segmentation, tokens_of_words, word_spans
from focus_core.tokenization.encoding import plain_backend
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import SpecialTokenType

_LINES_AT_ONCE = 1024


def measure_segmentation(vocabulary: Vocabulary, lines: Sequence[str]) -> Segmentation:
    """Count how a tokenizer splits some lines."""
    backend = plain_backend(vocabulary.backend)
    unknown_id = vocabulary.special_token_types.get(SpecialTokenType.UNK, -1)
    per_word: list[np.ndarray] = []
    n_tokens = n_unknown = 0
    for start in range(0, len(lines), _LINES_AT_ONCE):
        part = list(lines[start : start + _LINES_AT_ONCE])
        for line, encoding in zip(part, backend.encode_batch(part, add_special_tokens=False), strict=True):
            n_tokens += len(encoding.ids)
            n_unknown += encoding.ids.count(unknown_id)
            per_word.append(tokens_of_words(word_spans(line), list(encoding.offsets), line))
    counts = np.concatenate(per_word) if per_word else np.zeros(0, np.int64)
    return Segmentation(
        n_characters=sum(map(len, lines)),
        n_words=len(counts),
        n_tokens=n_tokens,
        n_word_tokens=int(counts.sum()),
        n_continued=int((counts > 1).sum()),
        n_unknown=n_unknown,
    )
