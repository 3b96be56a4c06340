"""Whether WECHSEL gives what its authors' package gives: ``python -m benchmarks.bench_wechsel``.

Equal inputs on both sides: the demo's source and Swahili tokenizers, the words of the dictionary that ships with seeded
vectors, and that dictionary. Vectors of tokens, the rotation and the new embeddings are compared; a row whose tenth
place several source tokens share is counted and left out: the package's choice is a matter of a partition's order.
Each pair of words stands once in the dictionary and is lower-case, so the repeats of the package weigh all alike.
Asserts a difference of at most 1e-4.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import facts, write_result
from focus_core.corpus.dictionary import read_dictionary
from focus_core.initialization.auxiliary.words import WordVectors
from focus_core.initialization.methods.dictionary.alignment import align_pairs, procrustes
from focus_core.initialization.methods.dictionary.nearest import nearest_sources
from focus_core.initialization.methods.dictionary.token_space import token_vectors
from focus_core.initialization.methods.dictionary.wechsel import NEIGHBOURS, TEMPERATURE, softmax
from focus_core.models.source import load_source
from focus_core.numerics.similarity import normalise_rows
from focus_core.tokenization.vocabulary import load_vocabulary
from focus_core.types import SubwordVectors

ASSETS = Path(__file__).resolve().parent.parent / "assets"
SOURCE, TARGET = ASSETS / "demo" / "source", ASSETS / "demo" / "runs" / "sw-8k" / "target_tokenizer"
DICTIONARY = ASSETS / "dictionaries" / "en-sw.tsv"
DIM, LARGEST, ALIKE = 32, 1e-4, 1e-6


def seeded(words: list[str], seed: int) -> WordVectors:
    """Return words with seeded vectors and frequencies."""
    chance = np.random.default_rng(seed)
    vectors = chance.normal(size=(len(words), DIM)).astype(np.float32)
    frequency = np.sort(chance.integers(1, 1000, len(words)))[::-1].astype(np.float64)
    return WordVectors(name="", digest="", n_bytes=0, words=tuple(words), vectors=vectors, frequency=frequency)


def as_gensim(words: WordVectors) -> Any:
    """Return the same vectors as the package takes them."""
    from gensim.models import Word2Vec

    model = Word2Vec(vector_size=DIM, min_count=1)
    model.wv.add_vectors(list(words.words), words.vectors)
    model.wv.expandos["count"] = words.frequency.copy()
    return model


def theirs(source: WordVectors, target: WordVectors, matrix: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the package's vectors of tokens on either side, the source's rotated, and its new embeddings."""
    import wechsel
    from transformers import AutoTokenizer

    tokenizers = [AutoTokenizer.from_pretrained(path) for path in (SOURCE, TARGET)]
    models = [as_gensim(words) for words in (source, target)]
    maker = wechsel.WECHSEL(*models, bilingual_dictionary=str(DICTIONARY))
    spaces = [
        wechsel.get_subword_embeddings_in_word_embedding_space(
            tokenizer, wechsel.WordEmbedding(model), use_subword_info=False, verbose=False
        )[0]
        for tokenizer, model in zip(tokenizers, models, strict=True)
    ]
    rotated = maker.source_transform(spaces[0])
    made, _, _ = wechsel.create_target_embeddings(rotated, spaces[1], *tokenizers, matrix, verbose=False)
    return rotated, spaces[1], made


def compare() -> dict[str, Any]:
    """Return how far both sides lie apart, and how many rows tie."""
    pairs = read_dictionary(DICTIONARY)
    source_words, target_words = (seeded(list(dict.fromkeys(p[side] for p in pairs.pairs)), side) for side in (0, 1))
    source, target = load_vocabulary(SOURCE), load_vocabulary(TARGET)
    matrix = load_source(SOURCE).input.float().numpy()[: source.n]
    aligned = align_pairs(pairs, source_words, target_words)
    rotation = procrustes(source_words.vectors[aligned.source_rows], target_words.vectors[aligned.target_rows])
    left = (token_vectors(source_words, source, SubwordVectors.WORDS) @ rotation).astype(np.float32)
    right = token_vectors(target_words, target, SubwordVectors.WORDS)
    rows, ids = np.flatnonzero(right.any(axis=1)), np.flatnonzero(left.any(axis=1)).astype(np.int32)
    found = nearest_sources(
        right[rows], left[ids], ids, k=NEIGHBOURS,
        new_starts=target.word_start[rows], source_starts=source.word_start[ids],
    )  # fmt: skip
    made = np.einsum("nk,nkd->nd", softmax(found.cosines, TEMPERATURE), matrix[found.source_ids])
    cosines = normalise_rows(right[rows]) @ normalise_rows(left[ids]).T
    ordered = -np.sort(-cosines, axis=1)
    clear = ordered[:, NEIGHBOURS - 1] - ordered[:, NEIGHBOURS] > ALIKE
    their_left, their_right, their_made = theirs(source_words, target_words, matrix)
    return {
        "n_rows": len(rows),
        "n_without_tie": int(clear.sum()),
        "n_pairs": len(aligned.source_rows),
        "source_vectors": float(abs(their_left[ids] - left[ids]).max()),
        "target_vectors": float(abs(their_right[rows] - right[rows]).max()),
        "embeddings": float(abs(their_made[rows] - made)[clear].max()),
    }


def main() -> None:
    """Compare, write the result, and fail where both sides differ."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = compare()
    print(found)
    if max(found[name] for name in ("source_vectors", "target_vectors", "embeddings")) > LARGEST:
        raise SystemExit("WECHSEL differs from the package")
    write_result("wechsel", facts(1), [found])


if __name__ == "__main__":
    main()
