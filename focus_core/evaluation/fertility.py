"""How finely a tokenizer splits text: tokens per word, continued words, characters per token."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from focus_core.corpus.fertility import Segmentation, tokens_of_words, word_spans
from focus_core.evaluation.windows import encode_lines
from focus_core.tokenization.vocabulary import Vocabulary
from focus_core.types import SpecialTokenType


def measure_segmentation(vocabulary: Vocabulary, lines: Sequence[str]) -> Segmentation:
    """Count how a tokenizer splits some lines."""
    unknown_id = vocabulary.special_token_types.get(SpecialTokenType.UNK, -1)
    per_word: list[np.ndarray] = []
    n_tokens = n_unknown = 0
    for number, ids, offsets in encode_lines(vocabulary, lines):
        n_tokens += len(ids)
        n_unknown += int((ids == unknown_id).sum())
        per_word.append(tokens_of_words(word_spans(lines[number]), offsets, lines[number]))
    counts = np.concatenate(per_word) if per_word else np.zeros(0, np.int64)
    return Segmentation(
        n_characters=sum(map(len, lines)),
        n_words=len(counts),
        n_tokens=n_tokens,
        n_word_tokens=int(counts.sum()),
        n_continued=int((counts > 1).sum()),
        n_unknown=n_unknown,
    )
