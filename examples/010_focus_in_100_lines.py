"""FOCUS in a hundred lines: the whole method on a vocabulary of a dozen words, with nothing but numpy.

Left out on purpose: token identities across families of tokenizers, special tokens, training of the auxiliary vectors,
memory, speed. The library does those, and a test holds that both give the same numbers.
"""

import numpy as np

# 1. A source model: it knows some tokens, and has an embedding of 4 numbers for each.
SOURCE = ["▁water", "▁milk", "▁bread", "▁river", "▁school", "▁book", "▁teacher", "!"]
EMBEDDINGS = np.random.default_rng(0).normal(size=(len(SOURCE), 4)).astype(np.float32)

# 2. A target vocabulary: what it shares with the source, and what is new to the model.
TARGET = ["▁water", "▁milk", "▁river", "▁book", "▁teacher", "!", "▁lake", "▁pupil", "▁tea", "▁zyx"]

# 3. Auxiliary vectors: which target tokens are used alike. FOCUS makes them from text in the target language;
#    here they are written down: (liquid, drink, nature, learning). "▁zyx" is not in the text and has none.
AUXILIARY = np.array(
    [
        [0.9, 0.5, 0.6, 0.0],  # ▁water
        [0.7, 0.9, 0.0, 0.0],  # ▁milk
        [0.8, 0.0, 0.9, 0.0],  # ▁river
        [0.0, 0.0, 0.0, 0.9],  # ▁book
        [0.0, 0.1, 0.1, 0.9],  # ▁teacher
        [0.1, -0.3, -0.2, 0.1],  # !
        [0.8, 0.1, 0.8, 0.0],  # ▁lake
        [0.0, 0.1, 0.0, 0.9],  # ▁pupil
        [0.6, 0.9, 0.1, 0.1],  # ▁tea
        [0.0, 0.0, 0.0, 0.0],  # ▁zyx
    ],
    dtype=np.float32,
)


def match(source: list[str], target: list[str]) -> dict[int, int]:
    """Return ``{target id: source id}`` of the tokens that both have."""
    place = {token: i for i, token in enumerate(source)}
    return {t: place[token] for t, token in enumerate(target) if token in place}


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the cosine of every row of ``a`` (n, d) with every row of ``b`` (m, d), shape (n, m)."""
    unit_a = a / np.linalg.norm(a, axis=1, keepdims=True)
    unit_b = b / np.linalg.norm(b, axis=1, keepdims=True)
    return unit_a @ unit_b.T


def sparsemax(scores: np.ndarray) -> np.ndarray:
    """Project a row of scores (m,) onto the simplex: ``max(z - tau, 0)``, which sums to 1 and is mostly zero.

    Sort the scores; as long as ``1 + j z_j`` exceeds the sum of the first j, the j-th is in the support; tau follows
    (Martins & Astudillo 2016, proposition 1).
    """
    ordered = np.sort(scores)[::-1]
    sizes = np.arange(1, len(ordered) + 1)
    k = sizes[1 + sizes * ordered > ordered.cumsum()].max()
    tau = (ordered[:k].sum() - 1) / k
    return np.maximum(scores - tau, 0)


def focus_weights(n_source: int, pairs: dict[int, int], auxiliary: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Return W of shape (n_target, n_source), and the target ids that nothing is known about.

    A shared token copies its source token. A new one mixes the source tokens of the anchors (the shared tokens that
    have an auxiliary vector) by the sparsemax of its similarities to them.
    """
    weights = np.zeros((len(auxiliary), n_source), dtype=np.float32)
    has_vector = auxiliary.any(axis=1)
    anchors = [t for t in pairs if has_vector[t]]
    unknown = []
    for t in range(len(auxiliary)):
        if t in pairs:
            weights[t, pairs[t]] = 1
        elif has_vector[t]:
            row = sparsemax(cosines(auxiliary[[t]], auxiliary[anchors])[0])
            weights[t, [pairs[a] for a in anchors]] = row
        else:
            unknown.append(t)
    return weights, unknown


def new_embeddings(weights: np.ndarray, unknown: list[int], embeddings: np.ndarray, seed: int = 42) -> np.ndarray:
    """Return ``W @ E``; tokens that nothing is known about get a draw from N(mean, std) of the source embeddings."""
    new = weights @ embeddings
    shape = (len(unknown), embeddings.shape[1])
    new[unknown] = np.random.default_rng(seed).normal(embeddings.mean(axis=0), embeddings.std(axis=0), shape)
    return new


def main() -> None:
    """Print what every target token is made of."""
    weights, unknown = focus_weights(len(SOURCE), match(SOURCE, TARGET), AUXILIARY)
    new = new_embeddings(weights, unknown, EMBEDDINGS)
    for t, token in enumerate(TARGET):
        order = np.argsort(-weights[t])
        recipe = " + ".join(f"{weights[t, s]:.2f} {SOURCE[s]}" for s in order if weights[t, s] > 0)
        print(f"{token:10} = {recipe or 'random':55} -> {np.round(new[t], 2)}")


if __name__ == "__main__":
    main()
