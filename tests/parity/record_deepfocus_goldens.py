"""Record what the reference implementation makes of a small case: inputs and result in one file.

Usage: ``python tests/parity/record_deepfocus_goldens.py``, in an environment with requirements-bench.txt.
The case: two Unigram vocabularies that share words, auxiliary vectors for most tokens, a random source matrix.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

GOLDEN = Path(__file__).parent.parent / "data" / "golden" / "deepfocus.npz"
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")


def make_words(rng: np.random.Generator, n: int) -> list[str]:
    """Make distinct words, three in four of them word starts: the reference guesses the family from these."""
    found: dict[str, None] = {}
    while len(found) < n:
        word = "".join(rng.choice(list("abdefghiklmnoprstuwyz"), int(rng.integers(2, 8))))
        found["▁" * int(rng.random() < 0.75) + word] = None
    return list(found)


def make_case() -> dict[str, Any]:
    """Make the inputs: 304 source tokens, 504 target tokens of which 204 are shared, one in eight without vector."""
    rng = np.random.default_rng(20230523)
    words = make_words(rng, 600)
    target = [*words[:200], *words[300:]]
    rng.shuffle(target)
    target_tokens = [*SPECIALS, *target]
    centres = rng.standard_normal((40, 24))
    vectors = centres[rng.integers(40, size=len(target_tokens))] + rng.standard_normal((len(target_tokens), 24))
    has_vector = (rng.random(len(target_tokens)) > 0.125) & (np.arange(len(target_tokens)) >= len(SPECIALS))
    vectors[~has_vector] = 0
    return {
        "source_tokens": np.array([*SPECIALS, *words[:300]]),
        "target_tokens": np.array(target_tokens),
        "vectors": vectors.astype(np.float32),
        "matrix": rng.standard_normal((304, 32)).astype(np.float32),
    }


def run_reference(case: dict[str, Any]) -> np.ndarray:
    """Run the reference on the case, its auxiliary model replaced by the given vectors."""
    import torch
    from deepfocus import focus as reference
    from tokenizers import Tokenizer, decoders, models
    from transformers import PreTrainedTokenizerFast

    def wrap(tokens: np.ndarray) -> Any:
        backend = Tokenizer(models.Unigram([(str(token), -1.0) for token in tokens], unk_id=3))
        backend.decoder = decoders.Metaspace()
        return PreTrainedTokenizerFast(tokenizer_object=backend)

    pairs = zip(case["target_tokens"].tolist(), case["vectors"], strict=True)
    vectors = {token: vector for token, vector in pairs if vector.any()}
    original = reference.load_target_token_embedding
    reference.load_target_token_embedding = lambda **_: vectors
    try:
        made = reference.FOCUS(
            target_tokenizer=wrap(case["target_tokens"]),
            source_tokenizer=wrap(case["source_tokens"]),
            source_embeddings=torch.from_numpy(case["matrix"]),
            fasttext_model_path="given",
            verbosity="silent",
        )
    finally:
        reference.load_target_token_embedding = original
    rows: np.ndarray = made.numpy()
    return rows


if __name__ == "__main__":
    case = make_case()
    expected = run_reference(case)
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(GOLDEN, **case, expected=expected, version=np.array(version("deepfocus")))
    print(f"{GOLDEN}: {expected.shape} of deepfocus {version('deepfocus')}")
