"""The closed choices and the protocols that every other module speaks in.

An enum that is stored as a code in an array lists its members in code order.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Protocol


class TokenKind(StrEnum):
    """What a token is; the code of a kind is its position here.

    ``normal``: text. ``byte``: ``<0xHH>``, or bytes that are not valid UTF-8. ``special``: a control token.
    """

    NORMAL = "normal"
    BYTE = "byte"
    SPECIAL = "special"


class Family(StrEnum):
    """The model inside a tokenizer, read from its own files."""

    UNIGRAM = "unigram"
    BPE = "bpe"
    BYTE_LEVEL_BPE = "byte-level-bpe"
    WORDPIECE = "wordpiece"
    WORDLEVEL = "wordlevel"


class SpecialTokenType(StrEnum):
    """What a special token is for."""

    BOS = "bos"
    EOS = "eos"
    UNK = "unk"
    SEP = "sep"
    PAD = "pad"
    CLS = "cls"
    MASK = "mask"


class MatchMode(StrEnum):
    """Which tokens of the two vocabularies count as the same."""

    EXACT = "exact"
    FUZZY = "fuzzy"
    SYMBOLS = "symbols"


class Rule(StrEnum):
    """Which rule matched a token; the code of a rule is its position here, ``none`` being 0."""

    NONE = "none"
    USER = "user"
    SPECIAL = "special"
    EXACT = "exact"
    FUZZY = "fuzzy"
    SYMBOL = "symbol"


class Origin(StrEnum):
    """Where a row of the new matrix came from; the code of an origin is its position here."""

    COPIED = "copied"
    COMBINED = "combined"
    FALLBACK = "fallback"


class Fallback(StrEnum):
    """What to do with a token that is neither copied nor combined.

    ``normal``: N(mean, std) of the source rows, per dimension (the paper). ``script``: the same, over source
    rows of the token's script and position. ``pieces``: mean of the rows of the source subwords of its text.
    ``mean``: the mean source row. ``multivariate``: N(mean, c Σ) with the full covariance of the source rows.
    """

    NORMAL = "normal"
    SCRIPT = "script"
    SUBWORDS = "pieces"
    MEAN = "mean"
    MULTIVARIATE = "multivariate"


class MethodName(StrEnum):
    """The initialisation methods, in the order in which a list shows them; `METHOD_SUMMARIES` says what each does."""

    FOCUS = "focus"
    SCRIPT = "script"
    SUBWORD_MEAN = "subword-mean"
    ASYMMETRIC_MEAN = "asymmetric-mean"
    MERGE = "merge"
    ALIGN = "align"
    JOINT_FOCUS = "joint-focus"
    UNIBRIDGE = "unibridge"
    TOKALIGN = "tokalign"
    WECHSEL = "wechsel"
    TIK_TO_TOK = "tik-to-tok"
    DICTIONARY_REMOVAL = "dictionary-removal"
    TRANS_TOKENIZATION = "trans-tokenization"
    RAMEN = "ramen"
    CLP = "clp"
    CLP_PLUS = "clp-plus"
    OMP = "omp"
    INTERPOLATION = "interpolation"
    SALT = "salt"
    OFA = "ofa"
    UNKS_EVERYWHERE = "unks-everywhere"
    RIDGE = "ridge"
    CONSTRAINED_WORD2VEC = "constrained-word2vec"
    VOCADT = "vocadt"
    TOKEN_DISTILLATION = "token-distillation"
    OVERLAP = "overlap"
    MULTIVARIATE_NORMAL = "multivariate-normal"
    MEAN = "mean"
    RANDOM = "random"


class Need(StrEnum):
    """What a method may need beyond source and target tokenizer; `NEED_SUMMARIES` says where to get it.

    ``text``: lines in the target language, or ready vectors of the target's tokens. ``dictionary``: pairs of words.
    ``parallel``: pairs of sentences. ``source-vectors``: static vectors of the source's words. ``donor``: a model that
    has the target tokenizer. ``body``: a source whose backbone can be run.
    """

    TEXT = "text"
    DICTIONARY = "dictionary"
    PARALLEL = "parallel"
    SOURCE_VECTORS = "source-vectors"
    DONOR = "donor"
    BODY = "body"


class Cost(StrEnum):
    """What a method's work grows with, the cheapest first; `COST_SUMMARIES` says why.

    A property of the method, not of one machine's clock. ``rows``: the number of rows. ``subwords``: the target's
    tokens, each split by the source tokenizer. ``dictionary``: the dictionary, whose entries are read and compared with
    both vocabularies. ``factors``: the width of the embeddings, which are factorised. ``words``: the words that have
    vectors, each split. ``donor``: new tokens times shared ones, which are compared. ``text``: the text, which is read
    and counted. ``align``: pairs of lines, whose words are linked. ``train``: tokens that go through the backbone,
    there and back.
    """

    ROWS = "rows"
    SUBWORDS = "subwords"
    DICTIONARY = "dictionary"
    FACTORS = "factors"
    WORDS = "words"
    DONOR = "donor"
    TEXT = "text"
    ALIGN = "align"
    TRAIN = "train"


class SubwordVectors(StrEnum):
    """How vectors of words become vectors of tokens.

    ``words``: a token's is the mean of the words whose tokens contain it. ``ngrams``: the mean over its n-grams.
    """

    WORDS = "words"
    NGRAMS = "ngrams"


class Interpolation(StrEnum):
    """How the nearest shared tokens of a donor are weighed.

    ``distance``: 1 / ||x - p||, over their sum. ``cosine``: the nearest by cosine, and cos(x, p) over their sum.
    ``barycentric``: the weights with sum 1 that come nearest to x. ``least-squares``: those of any sum.
    """

    DISTANCE = "distance"
    COSINE = "cosine"
    BARYCENTRIC = "barycentric"
    LEAST_SQUARES = "least-squares"


class Anchors(StrEnum):
    """Which source tokens joint FOCUS compares new tokens with.

    ``shared``: those that the target has too, as FOCUS does. ``all``: every one that the text has in the source's cut.
    """

    SHARED = "shared"
    ALL = "all"


class Factorization(StrEnum):
    """How source embeddings are cut to a rank.

    ``svd``: nearest in squares (OFA). ``semi-nmf``: the second factor has no negative number (UNKs Everywhere).
    """

    SVD = "svd"
    SEMI_NMF = "semi-nmf"


class AuxiliarySpace(StrEnum):
    """How auxiliary vectors are made from a text.

    ``counts``: from counts of neighbours, factorised. ``fasttext``: trained by fastText (the paper).
    """

    COUNTS = "counts"
    FASTTEXT = "fasttext"


class Aligner(StrEnum):
    """Which model links the words of parallel text.

    ``fast_align``: IBM model 2 with a prior for the diagonal (Dyer et al. 2013). ``ibm1``: IBM model 1, blind to order.
    """

    FAST_ALIGN = "fast_align"
    IBM1 = "ibm1"


class AuxiliaryKind(StrEnum):
    """What given auxiliary vectors are keyed by."""

    TOKEN = "token"
    WORD = "word"


class VocabSize(StrEnum):
    """What stands for the size of a tokenizer that is trained.

    ``auto``: the first size from which on the text hardly gets likelier (UniBridge's search; Unigram alone).
    """

    AUTO = "auto"


class Normalization(StrEnum):
    """What a target tokenizer that is trained does to text before it splits it.

    ``inherit``: what the source does to case, accents and Unicode form. ``none``: nothing beyond what tokenizers of its
    kind do. ``nfc``, ``nfkc``: that Unicode form.
    """

    INHERIT = "inherit"
    NONE = "none"
    NFC = "nfc"
    NFKC = "nfkc"


class Preset(StrEnum):
    """A named set of options."""

    DEFAULT = "default"
    PAPER = "paper"


class ProgressHook(Protocol):
    """Receives progress; raising from it cancels the work."""

    def __call__(self, stage: str, done: float, total: float, note: str = "") -> None:
        """Take note that ``done`` of ``total`` units of ``stage`` are finished (total 0: unknown)."""


def no_progress(stage: str, done: float, total: float, note: str = "") -> None:
    """Ignore progress."""


@contextmanager
def stage_of(progress: ProgressHook, stage: str) -> Iterator[None]:
    """Tell that a stage without parts begins and, where nothing was raised, that it ends."""
    progress(stage, 0, 1)
    yield
    progress(stage, 1, 1)


METHOD_SUMMARIES: dict[str, str] = {
    MethodName.FOCUS: "copy shared tokens, combine new ones from shared tokens that are used alike (the paper)",
    MethodName.SCRIPT: "copy shared tokens, draw new ones like source tokens of their script and word start",
    MethodName.SUBWORD_MEAN: "copy shared tokens, give new ones the mean of the source subwords of their text",
    MethodName.ASYMMETRIC_MEAN: "copy shared tokens, give new ones two means of their subwords, one for each side",
    MethodName.MERGE: "copy shared tokens, compose new ones of the parts that the target's own merges join",
    MethodName.ALIGN: "copy shared tokens, make new ones of the source tokens that stand where they stand in the text",
    MethodName.JOINT_FOCUS: "copy shared tokens, combine new ones from such as are used alike in both cuts",
    MethodName.UNIBRIDGE: "copy shared tokens, pair new ones with source tokens used alike, combine the rest from both",
    MethodName.TOKALIGN: "copy shared tokens, give new ones the row of the source token that lies alike to them",
    MethodName.WECHSEL: "copy shared tokens, combine new ones from the nearest in a space that a dictionary rotates",
    MethodName.TIK_TO_TOK: "copy shared tokens, give new ones the row of their translation, or of three near ones",
    MethodName.DICTIONARY_REMOVAL: "copy shared tokens, combine new ones from what a dictionary aligns them with",
    MethodName.TRANS_TOKENIZATION: "copy shared tokens, make new ones of what translates their words in parallel text",
    MethodName.RAMEN: "copy shared tokens, make new ones of the source tokens that parallel text links them with",
    MethodName.CLP: "copy shared tokens, weigh them all for new ones by their cosine in a donor, over the sum of all",
    MethodName.CLP_PLUS: "copy shared tokens, combine new ones from shared tokens that are near in a donor",
    MethodName.OMP: "copy shared tokens, build new ones from few of them as a donor's embeddings can be built",
    MethodName.INTERPOLATION: "copy shared tokens, weigh the nearest for new ones by where a donor has them",
    MethodName.SALT: "copy shared tokens, rebuild new ones in a donor from shared tokens that are used alike",
    MethodName.OFA: "copy shared tokens, combine new ones from source subwords of words that mean alike",
    MethodName.UNKS_EVERYWHERE: "copy shared tokens, draw new ones, both in a space of low rank with nothing negative",
    MethodName.RIDGE: "copy shared tokens, map the vectors of new ones to embeddings by a line through the shared ones",
    MethodName.CONSTRAINED_WORD2VEC: "copy shared tokens, learn mixtures of them for new ones as Word2Vec does",
    MethodName.VOCADT: "copy shared tokens, weigh them for new ones as training through the frozen backbone finds",
    MethodName.TOKEN_DISTILLATION: "copy shared tokens, teach new ones the states that the source has after pieces",
    MethodName.OVERLAP: "copy shared tokens, leave new ones to the fallback",
    MethodName.MULTIVARIATE_NORMAL: "copy special tokens, draw the rest from N(mean, c Σ) of the source embeddings",
    MethodName.MEAN: "copy special tokens, give the rest the mean source embedding",
    MethodName.RANDOM: "copy special tokens, draw the rest from N(mean, std) of the source embeddings",
}
"""What each method does, in one line."""


NEED_SUMMARIES: dict[str, str] = {
    Need.TEXT: "text in the target language, one sentence a line: what the model will read, or news and web text",
    Need.DICTIONARY: "pairs of words, source TAB target: Wiktionary's translations, or some hundred pairs of your own",
    Need.PARALLEL: "pairs of sentences, source TAB target: Bible verses, Tatoeba or OPUS",
    Need.SOURCE_VECTORS: "static vectors of the source language's words as .vec: those that fastText publishes",
    Need.DONOR: "a model folder that has the target tokenizer already, however small: trained here or from a hub",
    Need.BODY: "a source model with its backbone, and not a matrix of embeddings alone",
}
"""What each input is, and where to get it, in one line."""


COST_SUMMARIES: dict[str, str] = {
    Cost.ROWS: "it reads nothing and copies or draws every row",
    Cost.SUBWORDS: "it reads no text and splits every new token once",
    Cost.DICTIONARY: "it reads a dictionary and compares every new token with the source's",
    Cost.FACTORS: "it reads no text and factorises the embeddings",
    Cost.WORDS: "it splits the words that have vectors and compares subwords",
    Cost.DONOR: "it reads no text and compares the donor's embeddings",
    Cost.TEXT: "it reads the whole text to make vectors of its tokens",
    Cost.ALIGN: "it reads all parallel text some ten times to link its words",
    Cost.TRAIN: "it trains through the backbone",
}
"""Why a method costs what it costs, in a clause that follows its name."""


def tell_all(*hooks: ProgressHook) -> ProgressHook:
    """Return a hook that passes progress on to several, in their order.

    Parameters
    ----------
    *hooks : ProgressHook
        Who is told; what one of them raises goes up.

    Returns
    -------
    ProgressHook
        The hook.
    """

    def tell(stage: str, done: float, total: float, note: str = "") -> None:
        for hook in hooks:
            hook(stage, done, total, note)

    return tell


KINDS = tuple(TokenKind)
RULES = tuple(Rule)
ORIGINS = tuple(Origin)
