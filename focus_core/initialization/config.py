"""Every option of an initialisation, its range, its two presets and how it differs from the paper.

No other module hides a default.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from focus_core.errors import InvalidInputError, bad_input, option, phrase
from focus_core.types import (
    Aligner,
    Anchors,
    AuxiliarySpace,
    Factorization,
    Fallback,
    Interpolation,
    MatchMode,
    MethodName,
    Normalization,
    Preset,
    SubwordVectors,
)
from focus_core.validation import check_options, typed_fields

PAPER: dict[str, Any] = {
    "method": MethodName.FOCUS,
    "match": MatchMode.EXACT,
    "temperature": 1.0,
    "top_k": None,
    "fallback": Fallback.NORMAL,
    "rank": None,
    "auxiliary_space": AuxiliarySpace.FASTTEXT,
    "epochs": 3,
    "dim": 300,
    "min_count": 10,
    "keep_eos_vector": True,
    "specials_in_statistics": True,
}
"""The options of the paper (Dobler & de Melo 2023, section 3 and the first release of its code)."""
OF_FASTTEXT = ("epochs", "keep_eos_vector")
"""Options of fastText alone."""
OF_METHODS = (
    "copy_overlap", "aligner", "min_links", "interpolation", "subword_vectors", "least_pairs", "anchors",
    "train_tokens", "language_weight",
)  # fmt: skip
"""Options of single methods alone; a method names those that it has."""
NORMALIZATION = {Preset.DEFAULT: Normalization.INHERIT, Preset.PAPER: Normalization.NONE}
"""What a tokenizer that is trained does to text before it splits it, where nothing else was asked for."""
RANGES: dict[str, tuple[float, float]] = {
    "temperature": (1e-4, 1e4),
    "covariance_scale": (1e-12, 1e3),
    "seed": (0, 2**31 - 1),
    "memory_mib": (16, 2**20),
    "dim": (2, 4096),
    "epochs": (1, 10**6),
    "min_count": (1, 10**6),
    "top_k": (1, 10**6),
    "threads": (1, 1024),
    "least_pairs": (1, 10**6),
    "min_links": (1, 10**6),
    "rank": (1, 10**6),
    "train_tokens": (64, 10**9),
    "language_weight": (0.0, 1e6),
}
"""The least and the greatest value of every option that is a number."""


@dataclass(frozen=True, kw_only=True)
class InitConfig:
    """The options of one initialisation.

    Parameters
    ----------
    method : str, default="focus"
        One of ``types.MethodName``, a key of the registry ``focus_core.initialization.methods.registry.METHODS``.
    match : MatchMode, default="exact"
        Which tokens count as shared.
    temperature : float, default=1.0
        Similarities are divided by it before sparsemax; 1.0 is the paper.
    top_k : int, default=None
        Most contributors a token may have; ``None`` leaves sparsemax alone (the paper).
    fallback : Fallback, default="normal"
        What becomes of tokens that are neither copied nor combined. A method with a fallback of its own takes
        that one; the default stands for it.
    covariance_scale : float, default=1.0
        What the covariance is multiplied by where rows are drawn from N(mean, c Σ): 1e-5 in Hewitt's code,
        1e-9 in transformers, which both come near to the mean.
    auxiliary_space : AuxiliarySpace, default="counts"
        How auxiliary vectors are made from the corpus.
    epochs : int, default=None
        fastText epochs; ``None`` chooses by the size of the corpus.
    dim : int, default=100
        Length of the auxiliary vectors.
    min_count : int, default=None
        Tokens seen less often get no auxiliary vector; ``None``: fastText's is chosen by the size of the corpus, and
        counts take every token.
    rank : int, default=None
        Cut the source's embeddings to this rank and make every new row in that space; ``None``, and the width itself:
        as they are. Below the width copied embeddings are near to their source's and no longer equal.
    factorization : Factorization, default="svd"
        How they are cut.
    seed : int, default=42
        Seed of every random row and of fastText.
    device : str, default="auto"
        ``cpu``, ``cuda`` or ``auto``.
    threads : int, default=None
        Threads for tokenising and fastText; ``None`` decides by the size of the corpus.
    memory_mib : int, default=512
        Budget of one block of similarities, in MiB. It never depends on free memory, so results do not.
    extend : bool, default=False
        Keep the source tokenizer's ids and append what the target tokenizer adds.
    examples : bool, default=True
        Store up to three corpus lines a token.
    copy_overlap : bool, default=True
        Whether shared tokens are copied, for methods that can do without: they make those rows like every other.
    subword_vectors : SubwordVectors, default="words"
        How vectors of words become vectors of tokens, for WECHSEL.
    least_pairs : int, default=50
        Fewer pairs of a dictionary than this do not align two spaces, for WECHSEL.
    aligner : Aligner, default="ibm1"
        Which model links the words of parallel text.
    min_links : int, default=None
        Pairs of words that are linked less often count for nothing; ``None`` is the method's own number.
    interpolation : Interpolation, default="distance"
        How ``interpolation`` weighs the nearest shared tokens.
    train_tokens : int, default=None
        Tokens of the text that a method that trains through the backbone sees; ``None`` is the method's own number.
    language_weight : float, default=None
        What token distillation multiplies the model's own loss by before it is added; ``None``: 1 where input and
        output embeddings are one matrix, which cannot do without it, else 0.
    anchors : Anchors, default="shared"
        Which source tokens joint FOCUS compares new tokens with.
    keep_eos_vector, specials_in_statistics : bool, default=False
        Whether ``</s>`` keeps its trained vector, and whether the rows of special tokens count for the mean and
        the standard deviation. The paper's preset sets both, as the reference does.
    preset : Preset, default="default"
        The preset these options started from.

    Raises
    ------
    InvalidInputError
        If an option lies outside its range, or belongs to the other auxiliary space.
    """

    method: str = "focus"
    match: MatchMode = MatchMode.EXACT
    temperature: float = 1.0
    top_k: int | None = None
    fallback: Fallback = Fallback.NORMAL
    covariance_scale: float = 1.0
    rank: int | None = None
    factorization: Factorization = Factorization.SVD
    auxiliary_space: AuxiliarySpace = AuxiliarySpace.COUNTS
    epochs: int | None = None
    dim: int = 100
    min_count: int | None = None
    seed: int = 42
    device: str = "auto"
    threads: int | None = None
    memory_mib: int = 512
    extend: bool = False
    examples: bool = True
    copy_overlap: bool = True
    subword_vectors: SubwordVectors = SubwordVectors.WORDS
    least_pairs: int = 50
    aligner: Aligner = Aligner.IBM1
    min_links: int | None = None
    interpolation: Interpolation = Interpolation.DISTANCE
    train_tokens: int | None = None
    language_weight: float | None = None
    anchors: Anchors = Anchors.SHARED
    keep_eos_vector: bool = False
    specials_in_statistics: bool = False
    preset: Preset = Preset.DEFAULT

    def __post_init__(self) -> None:
        check_options(self, RANGES)
        if self.auxiliary_space not in tuple(AuxiliarySpace):
            named = repr(str(self.auxiliary_space))
            raise bad_input(option("auxiliary_space"), ", ".join(AuxiliarySpace), named, "choose one of these")
        if self.rank is not None and self.extend:
            expected, got = phrase("none beside {extend}, which keeps the source's embeddings"), str(self.rank)
            raise bad_input(option("rank"), expected, got, "leave one of the two out")
        if self.auxiliary_space == AuxiliarySpace.COUNTS:
            for name in OF_FASTTEXT:
                if getattr(self, name):
                    raise _of_fasttext(name)

    @classmethod
    def for_preset(cls, preset: Preset, **overrides: Any) -> InitConfig:
        """Return the options of a preset, changed by the given ones.

        Parameters
        ----------
        preset : Preset
            Where to start.
        **overrides : Any
            Options that the caller chose.

        Returns
        -------
        InitConfig
            The options.
        """
        start = dict(PAPER) if preset is Preset.PAPER else {}
        if overrides.get("auxiliary_space") == AuxiliarySpace.COUNTS:
            start = {name: value for name, value in start.items() if name not in OF_FASTTEXT}
        return cls(**(start | overrides | {"preset": preset}))

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> InitConfig:
        """Return the options that plain JSON values describe: one that is left out is that of the named preset.

        What names an option of fastText but no auxiliary space, as was written before there were two, means fastText.
        What is unknown, of the wrong type or out of its range raises `InvalidInputError`.
        """
        given = typed_fields(cls, mapping, where="config")
        if any(given.get(name) for name in OF_FASTTEXT):
            given = {"auxiliary_space": AuxiliarySpace.FASTTEXT} | given
        return cls.for_preset(**{"preset": Preset.DEFAULT} | given)

    def chosen(self) -> dict[str, Any]:
        """Return the options that are not those of the preset, after the preset where that is not the default."""
        usual, named = self.for_preset(self.preset), self.preset is not Preset.DEFAULT
        alike = self.for_preset(self.preset, auxiliary_space=self.auxiliary_space).to_dict()
        alike["auxiliary_space"] = usual.auxiliary_space
        chosen = {name: value for name, value in self.to_dict().items() if value != alike[name]}
        return ({"preset": self.preset} if named else {}) | chosen

    def to_dict(self) -> dict[str, Any]:
        """Return the options as plain JSON values, in the order of the fields."""
        return dataclasses.asdict(self)

    def differences_from_paper(self) -> dict[str, list[Any]]:
        """Return ``{option: [paper's value, ours]}`` for every option that differs from the paper.

        Special tokens match by type under either preset: the reference leaves those whose strings differ to
        chance, which nobody wants back.
        """
        ours = self.to_dict()
        without = OF_FASTTEXT if self.auxiliary_space == AuxiliarySpace.COUNTS else ()
        differing = {n: [value, ours[n]] for n, value in PAPER.items() if ours[n] != value and n not in without}
        return differing | {"special_tokens": ["same string", "same string, then role"]}


def _of_fasttext(name: str) -> InvalidInputError:
    expected, got = phrase("{auxiliary_space} fasttext, whose option it is"), str(AuxiliarySpace.COUNTS)
    return bad_input(option(name), expected, got, phrase("leave it out, or add {auxiliary_space} fasttext"))
