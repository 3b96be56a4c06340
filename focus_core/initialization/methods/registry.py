"""The registry of initialisation methods.

Each method is one function from `MethodInput` to `MethodOutput`; a new one is a new entry here and a new name in
`focus_core.types.MethodName`.
"""

from __future__ import annotations

from difflib import get_close_matches

from focus_core.initialization.methods.base import Method
from focus_core.initialization.methods.composition.align import align, check_lines
from focus_core.initialization.methods.composition.asymmetric import asymmetric_mean
from focus_core.initialization.methods.composition.merge import check_parts, merge
from focus_core.initialization.methods.copying import copy_overlap, copy_specials
from focus_core.initialization.methods.dictionary.removal import removal_loop
from focus_core.initialization.methods.dictionary.tik_to_tok import tik_to_tok
from focus_core.initialization.methods.dictionary.wechsel import DIM, NEIGHBOURS, TEMPERATURE, wechsel
from focus_core.initialization.methods.donor import methods as donor
from focus_core.initialization.methods.donor.space import check_donor
from focus_core.initialization.methods.focus import focus
from focus_core.initialization.methods.joint.focus import joint_focus
from focus_core.initialization.methods.joint.tokalign import tokalign
from focus_core.initialization.methods.joint.unibridge import unibridge
from focus_core.initialization.methods.learned.body import check_trainable
from focus_core.initialization.methods.learned.constrained_word2vec import TRAIN_TOKENS as HULL_TOKENS
from focus_core.initialization.methods.learned.constrained_word2vec import check_text as check_hull
from focus_core.initialization.methods.learned.constrained_word2vec import constrained_word2vec
from focus_core.initialization.methods.learned.ridge import SHOWN, ridge
from focus_core.initialization.methods.learned.token_distillation import TRAIN_TOKENS as DISTILLED_TOKENS
from focus_core.initialization.methods.learned.token_distillation import check_distillable, token_distillation
from focus_core.initialization.methods.learned.vocadt import TRAIN_TOKENS, vocadt
from focus_core.initialization.methods.low_rank.ofa import ofa
from focus_core.initialization.methods.parallel.alignment import check_text
from focus_core.initialization.methods.parallel.ramen import ramen
from focus_core.initialization.methods.parallel.trans_tokenization import trans_tokenization
from focus_core.initialization.methods.subword_mean import subword_mean
from focus_core.types import Cost, Factorization, Fallback, MethodName, Need

METHODS: dict[str, Method] = {
    str(method.name): method
    for method in (
        Method(
            name=MethodName.FOCUS,
            compute_weights=focus,
            citation="K. Dobler and G. de Melo, *FOCUS*, EMNLP 2023, arXiv 2305.14481",
            made_of="A weighted mean of source embeddings: of the shared tokens that are used alike.",
            needs=(Need.TEXT,),
            sparsemax=True,
            cost=Cost.TEXT,
        ),
        Method(
            name=MethodName.SCRIPT,
            compute_weights=copy_overlap,
            citation="Script-wise with position and identity, after C. M. Downey et al., "
            "*Embedding structure matters*, MRL 2023, arXiv 2309.04679",
            fallback=Fallback.SCRIPT,
        ),
        Method(
            name=MethodName.SUBWORD_MEAN,
            compute_weights=subword_mean,
            made_of="The mean of the source embeddings of its own subwords (pieces).",
            cost=Cost.SUBWORDS,
            citation="Mean of source subwords, after L. Gee et al., *Fast Vocabulary Transfer*, EMNLP industry 2022, "
            "arXiv 2402.09977",
        ),
        Method(
            name=MethodName.ASYMMETRIC_MEAN,
            compute_weights=asymmetric_mean,
            made_of="The mean of its source subwords at the usual norm; its output weighs them by their characters.",
            cost=Cost.SUBWORDS,
            citation="Asymmetric subword means, after R. Joshi, U. Vaidya, S. S. Chauhan and N. Wartikar, *Beyond "
            "Initialization Loss*, 2026, arXiv 2608.03494",
        ),
        Method(
            name=MethodName.MERGE,
            compute_weights=merge,
            check=check_parts,
            made_of="The mean of the two parts that a merge of the target makes it of, down to shared tokens.",
            cost=Cost.SUBWORDS,
            citation="Merge, after A. Yamaguchi, A. Villavicencio and N. Aletras, *How Can We Effectively Expand the "
            "Vocabulary of LLMs with 0.01GB of Target Language Text?*, Computational Linguistics 2026, "
            "arXiv 2406.11477",
        ),
        Method(
            name=MethodName.ALIGN,
            compute_weights=align,
            check=check_lines,
            citation="Align, after A. Yamaguchi, A. Villavicencio and N. Aletras, *How Can We Effectively Expand the "
            "Vocabulary of LLMs with 0.01GB of Target Language Text?*, Computational Linguistics 2026, "
            "arXiv 2406.11477",
            made_of="A weighted mean of the source tokens that cover its characters in the text.",
            needs=(Need.TEXT,),
            needs_lines=True,
            cost=Cost.TEXT,
        ),
        Method(
            name=MethodName.JOINT_FOCUS,
            compute_weights=joint_focus,
            citation="Joint FOCUS: one space of both tokenizers' cuts, after K. Dobler and G. de Melo, *FOCUS*, "
            "EMNLP 2023, arXiv 2305.14481",
            made_of="A weighted mean of the source tokens that are used alike when both tokenizers cut the text.",
            needs=(Need.TEXT,),
            own_vectors=True,
            joint=True,
            sparsemax=True,
            options=("anchors",),
            cost=Cost.TEXT,
        ),
        Method(
            name=MethodName.UNIBRIDGE,
            compute_weights=unibridge,
            citation="T. Pham, K. M. Le and L. A. Tuan, *UniBridge*, ACL 2024, arXiv 2406.09717",
            made_of="The one source token whose nearest it is and that is nearest to it, or a weighted mean of shared "
            "tokens and such ones.",
            needs=(Need.TEXT,),
            own_vectors=True,
            joint=True,
            cost=Cost.TEXT,
        ),
        Method(
            name=MethodName.TOKALIGN,
            compute_weights=tokalign,
            citation="C. Li, J. Zhang and C. Zong, *TokAlign*, ACL 2025, arXiv 2506.03523",
            made_of="The one source token that lies to shared tokens as it does, each in its own tokenizer's cut.",
            needs=(Need.TEXT,),
            own_vectors=True,
            joint=True,
            cost=Cost.TEXT,
        ),
        Method(
            name=MethodName.WECHSEL,
            compute_weights=wechsel,
            citation="B. Minixhofer, F. Paischer and N. Rekabsaz, *WECHSEL*, NAACL 2022, arXiv 2112.06598",
            made_of="A weighted mean of the source tokens nearest to it in a space that a dictionary rotates.",
            needs=(Need.TEXT, Need.DICTIONARY),
            uses=(Need.SOURCE_VECTORS,),
            own_vectors=True,
            options=("copy_overlap", "subword_vectors", "least_pairs"),
            defaults={"temperature": TEMPERATURE, "top_k": NEIGHBOURS, "dim": DIM},
            cost=Cost.TEXT,
        ),
        Method(
            name=MethodName.TIK_TO_TOK,
            compute_weights=tik_to_tok,
            citation="F. Remy et al., *Tik-to-Tok*, 2023, arXiv 2310.03477",
            made_of="Its one translation, or a weighted mean of the three source tokens nearest to it by a dictionary.",
            needs=(Need.DICTIONARY,),
            options=("copy_overlap",),
            cost=Cost.DICTIONARY,
        ),
        Method(
            name=MethodName.DICTIONARY_REMOVAL,
            compute_weights=removal_loop,
            citation="The removal loop of *Dictionaries to the Rescue*, Findings of ACL 2025",
            made_of="A weighted mean of the source tokens that a dictionary's entries align it with.",
            needs=(Need.DICTIONARY,),
            options=("copy_overlap",),
            cost=Cost.DICTIONARY,
        ),
        Method(
            name=MethodName.TRANS_TOKENIZATION,
            compute_weights=trans_tokenization,
            check=check_text,
            citation="F. Remy et al., *Trans-Tokenization and Cross-lingual Vocabulary Transfers*, COLM 2024, "
            "arXiv 2408.04303",
            made_of="A weighted mean of the source tokens of the words that parallel text links its words with.",
            needs=(Need.PARALLEL,),
            options=("copy_overlap", "aligner", "min_links"),
            cost=Cost.ALIGN,
        ),
        Method(
            name=MethodName.RAMEN,
            compute_weights=ramen,
            check=check_text,
            citation="K. Tran, *From English to Foreign Languages: Transferring Pre-trained Language Models*, 2020, "
            "arXiv 2002.07306",
            made_of="A weighted mean of the source tokens that parallel text links it with.",
            needs=(Need.PARALLEL,),
            options=("copy_overlap", "aligner", "min_links"),
            cost=Cost.ALIGN,
        ),
        Method(
            name=MethodName.CLP,
            compute_weights=donor.clp,
            check=donor.check_clp,
            citation="M. Ostendorff and G. Rehm, *CLP-Transfer*, 2023, arXiv 2301.09626",
            made_of="A sum of shared tokens' source embeddings, each weighed by its cosine in the donor's space.",
            needs=(Need.DONOR,),
            signed=True,
            cost=Cost.DONOR,
        ),
        Method(
            name=MethodName.CLP_PLUS,
            compute_weights=donor.clp_plus,
            check=check_donor,
            citation="CLP+, after A. Yamaguchi, A. Villavicencio and N. Aletras, *An Empirical Study on Cross-lingual "
            "Vocabulary Adaptation for Efficient Language Model Inference*, EMNLP Findings 2024, arXiv 2402.10712",
            made_of="A weighted mean of the shared tokens that are like it in the donor's space.",
            needs=(Need.DONOR,),
            sparsemax=True,
            cost=Cost.DONOR,
        ),
        Method(
            name=MethodName.OMP,
            compute_weights=donor.omp,
            check=check_donor,
            citation="C. Goddard and F. Fernandes Neto, *Training-Free Tokenizer Transplantation via Orthogonal "
            "Matching Pursuit*, 2025, arXiv 2506.06607",
            made_of="A sum of a few shared tokens' source embeddings, by the weights that rebuild its donor embedding.",
            needs=(Need.DONOR,),
            signed=True,
            cost=Cost.DONOR,
        ),
        Method(
            name=MethodName.INTERPOLATION,
            compute_weights=donor.interpolation,
            check=check_donor,
            citation="Interpolation between neighbours, after mergekit's tokensurgeon (Arcee AI)",
            made_of="A weighted sum of the shared tokens nearest to it in the donor's space.",
            needs=(Need.DONOR,),
            signed=True,
            options=("interpolation",),
            cost=Cost.DONOR,
        ),
        Method(
            name=MethodName.SALT,
            compute_weights=donor.salt,
            check=check_donor,
            citation="S. Lee et al., *SALT*, ACL Findings 2025, arXiv 2505.10945",
            made_of="A sum of shared tokens used alike, by the weights that rebuild its donor embedding.",
            needs=(Need.TEXT, Need.DONOR),
            signed=True,
            cost=Cost.TEXT,
        ),
        Method(
            name=MethodName.OFA,
            compute_weights=ofa,
            citation="Y. Liu et al., *OFA*, NAACL Findings 2024, arXiv 2311.08849",
            made_of="A weighted mean of the source subwords nearest to it by the words that they are a part of.",
            needs=(Need.SOURCE_VECTORS,),
            options=("copy_overlap",),
            defaults={"temperature": 0.1, "top_k": 10},
            cost=Cost.WORDS,
        ),
        Method(
            name=MethodName.UNKS_EVERYWHERE,
            compute_weights=copy_overlap,
            citation="J. Pfeiffer et al., *UNKs Everywhere*, EMNLP 2021, arXiv 2012.15562",
            defaults={"factorization": Factorization.SEMI_NMF},
            rank=100,
            cost=Cost.FACTORS,
        ),
        Method(
            name=MethodName.RIDGE,
            compute_weights=ridge,
            citation="Ridge regression, after A. Hoerl and R. Kennard, *Ridge Regression*, Technometrics 1970",
            made_of="What a linear map, fitted on the shared tokens, makes of its auxiliary vector: a sum over all of "
            "them, of which the largest weights are named.",
            needs=(Need.TEXT,),
            signed=True,
            beyond="The map weighs every shared token; those with the largest weights are shown.",
            defaults={"top_k": SHOWN},
            cost=Cost.TEXT,
        ),
        Method(
            name=MethodName.CONSTRAINED_WORD2VEC,
            compute_weights=constrained_word2vec,
            check=check_hull,
            citation="Constrained Word2Vec, after N. Mundra et al., *An Empirical Comparison of Vocabulary Expansion "
            "and Initialization Approaches for Language Models*, CoNLL 2024, arXiv 2407.05841",
            made_of="A mixture of all shared tokens that was learned from what stands beside it in the text; the "
            "largest weights are named.",
            needs=(Need.TEXT,),
            own_vectors=True,
            signed=True,
            beyond="The mixture has every shared token in it; those with the largest weights are shown.",
            options=("train_tokens",),
            defaults={"top_k": SHOWN},
            cost=Cost.TRAIN,
            spent_tokens=HULL_TOKENS,
        ),
        Method(
            name=MethodName.VOCADT,
            compute_weights=vocadt,
            check=check_trainable,
            citation="VocADT, H. Han et al., *Adapters for Altering LLM Vocabularies*, ICLR 2025, arXiv 2410.09644",
            made_of="A weighted sum of the shared tokens that are used alike; the weights were trained through the "
            "frozen backbone.",
            needs=(Need.TEXT, Need.BODY),
            signed=True,
            options=("train_tokens",),
            cost=Cost.TRAIN,
            spent_tokens=TRAIN_TOKENS,
        ),
        Method(
            name=MethodName.TOKEN_DISTILLATION,
            compute_weights=token_distillation,
            check=check_distillable,
            citation="Token Distillation, after K. Dobler, D. Elliott and G. de Melo, *Token Distillation: "
            "Attention-aware Input Embeddings For New Tokens*, ICLR 2026, arXiv 2505.20133",
            made_of="It started as the mean of its source subwords (pieces), and was moved until the backbone makes of "
            "it what it makes of them.",
            needs=(Need.TEXT, Need.BODY),
            own_vectors=True,
            signed=True,
            beyond="Training moved it away from the mean of its pieces, whose weights are shown.",
            options=("train_tokens", "language_weight"),
            cost=Cost.TRAIN,
            spent_tokens=DISTILLED_TOKENS,
        ),
        Method(
            name=MethodName.OVERLAP, compute_weights=copy_overlap, citation="Overlap copied, no method for the rest"
        ),
        Method(
            name=MethodName.MULTIVARIATE_NORMAL,
            compute_weights=copy_specials,
            citation="Multivariate normal, after J. Hewitt, *Initializing New Word Embeddings for Pretrained Language "
            "Models*, 2021",
            copies_text=False,
            fallback=Fallback.MULTIVARIATE,
        ),
        Method(
            name=MethodName.MEAN,
            compute_weights=copy_specials,
            citation="Mean source embedding, a baseline",
            copies_text=False,
            fallback=Fallback.MEAN,
        ),
        Method(
            name=MethodName.RANDOM,
            compute_weights=copy_specials,
            citation="Random embeddings of the source's mean and deviation, a baseline",
            copies_text=False,
            fallback=Fallback.NORMAL,
        ),
    )
}
"""Methods by the name that ``--method`` takes, FOCUS first."""


def like_method(name: str, otherwise: str = "choose one of these") -> str:
    """Return a remedy for a name that no method has: the method whose name is nearest, where one is near.

    Parameters
    ----------
    name : str
        What somebody wrote.
    otherwise : str, default="choose one of these"
        The remedy where no name is near.

    Returns
    -------
    str
        Some words.

    Examples
    --------
    >>> like_method("foccus"), like_method("xyz")
    ('did you mean focus? Else choose one of these', 'choose one of these')
    """
    near = get_close_matches(name.lower(), METHODS, n=1)
    return f"did you mean {near[0]}? Else {otherwise}" if near else otherwise
