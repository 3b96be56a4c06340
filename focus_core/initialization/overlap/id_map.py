"""Where the ids of a source's configuration go when its vocabulary is replaced by another."""

from __future__ import annotations

from focus_core.initialization.overlap.matching import Overlap
from focus_core.surgery.config import IdMap
from focus_core.tokenization.vocabulary import Vocabulary


def id_map(source: Vocabulary, target: Vocabulary, overlap: Overlap, n_rows: int) -> IdMap:
    """Return the ids of the target that copy those of the source, and both sides' special tokens by type.

    Parameters
    ----------
    source, target : Vocabulary
        The two vocabularies.
    overlap : Overlap
        Which target token is which source token.
    n_rows : int
        Rows of the source's input embeddings.

    Returns
    -------
    IdMap
        Of several copies the lowest target id counts.
    """
    copied = dict(zip(overlap.source_ids[::-1].tolist(), overlap.target_ids[::-1].tolist(), strict=True))
    return IdMap(
        n_rows=n_rows,
        n_target=target.n,
        copied=copied,
        source_special_types={str(role): i for role, i in source.special_token_types.items()},
        target_special_types={str(role): i for role, i in target.special_token_types.items()},
    )
