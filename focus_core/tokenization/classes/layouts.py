"""Tables of tokenizer classes: what each makes of its files, beside what stands in them.

A folder's files do not say everything: XLM-R's class shifts the ids of its SentencePiece model by one, T5's appends a
hundred sentinels, DeBERTa-v2's a ``[MASK]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

WITH_TYPES = ("input_ids", "token_type_ids", "attention_mask")
BERT = ("{cls} $A {sep}", "{cls} $A {sep} $B:1 {sep}:1")
ROBERTA = ("{bos} $A {eos}", "{bos} $A {eos} {eos} $B {eos}")
FAIRSEQ = ("bos", "pad", "eos", "unk")


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


LANGUAGES_25 = _names(
    "ar_AR cs_CZ de_DE en_XX es_XX et_EE fi_FI fr_XX gu_IN hi_IN it_IT ja_XX kk_KZ ko_KR lt_LT lv_LV my_MM "
    "ne_NP nl_XX ro_RO ru_RU si_LK tr_TR vi_VN zh_CN"
)
LANGUAGES_50 = LANGUAGES_25 + _names(
    "af_ZA az_AZ bn_IN fa_IR he_IL hr_HR id_ID ka_GE km_KH mk_MK ml_IN mn_MN mr_IN pl_PL ps_AF pt_XX sv_SE "
    "sw_KE ta_IN te_IN th_TH tl_XX uk_UA ur_PK xh_ZA gl_ES sl_SI"
)
LANGUAGES_100 = _names(
    "af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et fa ff fi fr fy ga gd gl gu ha he hi hr "
    "ht hu hy id ig ilo is it ja jv ka kk km kn ko lb lg ln lo lt lv mg mk ml mn mr ms my ne nl no ns oc or pa "
    "pl ps pt ro ru sd si sk sl so sq sr ss su sv sw ta th tl tn tr uk ur uz vi wo xh yi yo zh zu"
)
"""The languages of mBART, mBART-50 and M2M100, in the order of their ids."""


@dataclass(frozen=True, kw_only=True)
class ClassLayout:
    """What one class does.

    Parameters
    ----------
    roles : mapping of str to str, default={}
        The special tokens that it names where no configuration does; one that has no id gets the next.
    opening, skipped : tuple of str, int
        Tokens before the pieces of a SentencePiece file, by role or by name, and how many pieces they replace.
    closing : tuple of str
        Tokens after the pieces.
    template : tuple of str and str, default=None
        How one text and two are surrounded, roles in braces; ``None`` leaves it to the file.
    inputs : tuple of str, default=()
        ``model_input_names``, where they are not those of every class.
    left_padding : bool, default=False
        Whether it pads on the left.
    pieces_in_vocab : bool, default=False
        Whether ids stand in a ``vocab.json`` beside the SentencePiece file.
    cleans : tuple of str, default=None
        What it does to a text before the file's own normaliser: ``quotes`` (of two characters become one), ``accents``
        (are taken off, unless ``keep_accents``), ``lower`` (unless ``do_lower_case`` is false); ``None``: nothing.
    """

    roles: Mapping[str, str] = field(default_factory=dict)
    opening: tuple[str, ...] = ()
    skipped: int = 0
    closing: tuple[str, ...] = ()
    template: tuple[str, str] | None = None
    inputs: tuple[str, ...] = ()
    left_padding: bool = False
    pieces_in_vocab: bool = False
    cleans: tuple[str, ...] | None = None


def _named(**roles: str) -> dict[str, str]:
    return roles


S = _named(bos="<s>", eos="</s>", unk="<unk>", sep="</s>", pad="<pad>", cls="<s>")
S_MASK = S | _named(mask="<mask>")
CLS = _named(sep="[SEP]", pad="<pad>", cls="[CLS]", mask="[MASK]", unk="<unk>")
T5 = _named(eos="</s>", unk="<unk>", pad="<pad>")
WORDPIECE = _named(unk="[UNK]", sep="[SEP]", pad="[PAD]", cls="[CLS]", mask="[MASK]")
ALBERT = ClassLayout(roles=CLS | _named(bos="[CLS]", eos="[SEP]"), template=BERT, cleans=("quotes", "accents", "lower"))
REMBERT = replace(ALBERT, cleans=("quotes",))
XLMR = ClassLayout(roles=S_MASK, opening=FAIRSEQ, skipped=3, closing=("mask",), template=ROBERTA)
LLAMA = ClassLayout(roles=_named(bos="<s>", eos="</s>", unk="<unk>"), left_padding=True)
PLAIN = ClassLayout()
SENTINELS = "<extra_id_{}>"

SENTENCEPIECE: dict[str, ClassLayout] = {
    "AlbertTokenizer": ALBERT,
    "RemBertTokenizer": REMBERT,
    "FNetTokenizer": ClassLayout(
        roles=CLS | _named(bos="<s>", eos="</s>"), template=BERT, inputs=WITH_TYPES[:2], cleans=("quotes",)
    ),
    "BigBirdTokenizer": ClassLayout(roles=CLS | _named(bos="<s>", eos="</s>"), template=BERT),
    "XLNetTokenizer": ClassLayout(
        roles=S_MASK | _named(sep="<sep>", cls="<cls>"),
        template=("$A {sep} {cls}:2", "$A {sep} $B:1 {sep}:1 {cls}:2"),
        left_padding=True,
        cleans=("quotes", "accents"),
    ),
    "DebertaV2Tokenizer": ClassLayout(
        roles=WORDPIECE | _named(bos="[CLS]", eos="[SEP]"), template=BERT, inputs=WITH_TYPES, cleans=()
    ),
    **dict.fromkeys(("T5Tokenizer", "MT5Tokenizer"), ClassLayout(roles=T5, template=("$A {eos}", "$A {eos} $B {eos}"))),
    "UdopTokenizer": ClassLayout(roles=T5 | _named(sep="</s>"), template=("$A {eos}", "$A {eos} $B {eos}")),
    "PegasusTokenizer": ClassLayout(
        roles=T5 | _named(mask="<mask_2>"),
        opening=("pad", "eos", "<mask_1>", "mask", *(f"<unk_{i}>" for i in range(2, 103))),
        skipped=2,
        template=("$A {eos}", "$A $B {eos}"),
    ),
    "ReformerTokenizer": ClassLayout(roles=_named(eos="</s>", unk="<unk>")),
    "BertGenerationTokenizer": ClassLayout(roles=_named(bos="<s>", eos="</s>", unk="<unk>", pad="<pad>", sep="<::::>")),
    "LlamaTokenizer": LLAMA,
    "GemmaTokenizer": ClassLayout(
        roles=_named(bos="<bos>", eos="<eos>", unk="<unk>", pad="<pad>", mask="<mask>"), left_padding=True
    ),
    "XLMRobertaTokenizer": XLMR,
    "LayoutXLMTokenizer": XLMR,
    "CamembertTokenizer": ClassLayout(
        roles=S_MASK,
        opening=("<s>NOTUSED", "pad", "</s>NOTUSED", "unk", "<unk>NOTUSED"),
        skipped=1,
        closing=("mask",),
        template=ROBERTA,
    ),
    "MBartTokenizer": ClassLayout(
        roles=S_MASK,
        opening=FAIRSEQ,
        skipped=3,
        closing=(*LANGUAGES_25, "mask"),
        template=("$A {eos} {src_lang}", "$A $B {eos} {src_lang}"),
    ),
    "MBart50Tokenizer": ClassLayout(
        roles={key: token for key, token in S_MASK.items() if key != "bos"},
        opening=("cls", "pad", "eos", "unk"),
        skipped=3,
        closing=(*LANGUAGES_50, "mask"),
        template=("{src_lang} $A {eos}", "{src_lang} $A $B {eos}"),
    ),
    "PLBartTokenizer": ClassLayout(
        roles=S_MASK,
        opening=FAIRSEQ,
        skipped=3,
        closing=("__java__", "__python__", "__en_XX__", "mask"),
        template=("$A {eos}", "$A $B {eos}"),
    ),
    "XGLMTokenizer": ClassLayout(
        roles=S,
        opening=FAIRSEQ,
        skipped=3,
        closing=tuple(f"<madeupword{i}>" for i in range(7)),
        template=("{eos} $A", "{eos} $A {eos} {eos} $B"),
    ),
    "M2M100Tokenizer": ClassLayout(
        roles={key: token for key, token in S.items() if key != "cls"},
        closing=tuple(f"__{code}__" for code in LANGUAGES_100),
        template=("{src_lang} $A {eos}", "{src_lang} $A $B {eos}"),
        pieces_in_vocab=True,
    ),
    "Speech2TextTokenizer": ClassLayout(
        roles=_named(bos="<s>", eos="</s>", unk="<unk>", pad="<pad>"),
        template=("$A {eos}", "$A $B {eos}"),
        pieces_in_vocab=True,
    ),
    "MarianTokenizer": ClassLayout(roles=T5, template=("$A {eos}", "$A $B {eos}"), pieces_in_vocab=True),
}
"""Classes that read a SentencePiece model."""

DEFAULT_LANGUAGE = {"M2M100Tokenizer": "__en__", "MBartTokenizer": "en_XX", "MBart50Tokenizer": "en_XX"}

RENUMBERING = {
    "BarthezTokenizer", "BartphoTokenizer", "CpmTokenizer", "MLukeTokenizer", "NllbTokenizer", "SeamlessM4TTokenizer",
    "SpeechT5Tokenizer",
}  # fmt: skip
"""Classes that number pieces in ways that are not written here."""

GPT2_ROLES = _named(bos="<|endoftext|>", eos="<|endoftext|>")
ROBERTA_LAYOUT = ClassLayout(roles=S_MASK, template=("{cls} $A {sep}", "{cls} $A {sep} {sep} $B {sep}"))
GPT2_LAYOUT = ClassLayout(roles=GPT2_ROLES)
QWEN = ClassLayout(roles=_named(eos="<|endoftext|>", pad="<|endoftext|>"))

MERGES: dict[str, ClassLayout] = {
    **dict.fromkeys(("GPT2Tokenizer", "CodeGenTokenizer", "WhisperTokenizer"), GPT2_LAYOUT),
    **dict.fromkeys(
        ("RobertaTokenizer", "BartTokenizer", "LEDTokenizer", "LongformerTokenizer", "MvpTokenizer"), ROBERTA_LAYOUT
    ),
    "BlenderbotTokenizer": ClassLayout(roles=S_MASK, template=("$A {eos}", "$A {eos} $B {eos}")),
    "DebertaTokenizer": ClassLayout(
        roles=WORDPIECE | _named(bos="[CLS]", eos="[SEP]"), template=BERT, inputs=WITH_TYPES
    ),
    "Qwen2Tokenizer": QWEN,
    "Qwen3_5Tokenizer": QWEN,
    "CLIPTokenizer": ClassLayout(
        roles=GPT2_ROLES | _named(bos="<|startoftext|>", pad="<|endoftext|>"),
        template=("{bos} $A {eos}", "{bos} $A {eos} {eos} $B {eos}"),
    ),
    "OpenAIGPTTokenizer": ClassLayout(roles=_named(unk="<unk>")),
}
"""Classes that read ``vocab.json`` with ``merges.txt``."""

BERT_LAYOUT = ClassLayout(roles=WORDPIECE, template=BERT, inputs=WITH_TYPES)
WORDPIECES: dict[str, ClassLayout] = {
    **dict.fromkeys(
        (
            "BertTokenizer", "ConvBertTokenizer", "DPRContextEncoderTokenizer", "DPRQuestionEncoderTokenizer",
            "DPRReaderTokenizer", "ElectraTokenizer", "LayoutLMTokenizer", "LayoutLMv2Tokenizer", "LxmertTokenizer",
            "MobileBertTokenizer", "RealmTokenizer", "RetriBertTokenizer", "SqueezeBertTokenizer",
        ),
        BERT_LAYOUT,
    ),
    "DistilBertTokenizer": ClassLayout(roles=WORDPIECE, template=BERT),
    "MPNetTokenizer": ClassLayout(
        roles=S_MASK | _named(unk="[UNK]"), template=("{cls} $A {sep}", "{cls} $A {sep} {sep} $B {sep}")
    ),
    "FunnelTokenizer": ClassLayout(
        roles=S_MASK | _named(sep="<sep>", cls="<cls>"), template=("{cls}:2 $A {sep}", "{cls}:2 $A {sep} $B:1 {sep}:1")
    ),
}  # fmt: skip
"""Classes that read a ``vocab.txt`` of WordPieces."""
