"""Options of the command line in the words of the forms.

Owns which field stands for which option: the library speaks to both, and names an option.
"""

from __future__ import annotations

import re

LABELS = {
    "--vocab-size": "Size in tokens",
    "--train-tokenizer": "Kind",
    "--target-tokenizer": "Target tokenizer",
    "--method": "Method",
    "--preset": "Preset",
    "--match": "Match",
    "--fallback": "Rows that cannot be combined",
    "--temperature": "Temperature",
    "--top-k": "Top-k",
    "--seed": "Seed",
    "--dim": "Dimensions",
    "--epochs": "Epochs",
    "--min-count": "Least occurrences",
    "--extend": "Keep the source's tokens",
    "--field": "Field or column that holds the text",
    "--encoding": "Encoding",
    "--corpus": "Text",
    "--source": "Source model",
    "--source-tokenizer": "tokenizer.json",
    "--source-embeddings": "Embeddings",
    "--tensor": "Tensor",
    "--learning-rate": "Learning rate",
}
WITHOUT_FIELD = {
    "--covariance-scale", "--map", "--auxiliary", "--auxiliary-kind", "--length", "--resume", "--objective",
}  # fmt: skip
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
LARGEST = re.compile(r"--vocab-size: expected at most ([\d,]+), the largest")


def in_field_words(text: str) -> str:
    """Return a message in which options of the command line are called as the form calls them.

    Examples
    --------
    >>> in_field_words("--vocab-size: expected at most 151, got 810; give more text, or --vocab-size 151 or less")
    'Size in tokens: expected at most 151, got 810; give more text, or “Size in tokens” 151 or less'
    >>> in_field_words("lower --min-count"), in_field_words("give --map")
    ('lower “Least occurrences”', 'give --map (an option of the command line)')
    """

    def words(found: re.Match[str]) -> str:
        name = found[0]
        if name in WITHOUT_FIELD:
            return f"{name} (an option of the command line)"
        label = LABELS.get(name)
        return name if label is None else f"“{label}”" if found.start() else label

    return OPTION.sub(words, text)


def largest_size(message: str) -> int | None:
    """Return the largest vocabulary that a text supports, where a job failed because it was asked for more.

    Examples
    --------
    >>> largest_size("--vocab-size: expected at most 1,510, the largest that this corpus supports, got 8,100; ...")
    1510
    >>> largest_size("corpus.txt: expected some text") is None
    True
    """
    found = LARGEST.match(message)
    return int(found[1].replace(",", "")) if found else None
