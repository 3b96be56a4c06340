"""Which class reads a folder's tokenizer, and what is known of it.

``tokenizer_class`` names it, or ``model_type`` does. A class that is neither known nor generic is refused by whoever
reads the files, by its name: its ids would be a guess.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from focus_core.tokenization.classes.layouts import MERGES, PLAIN, SENTENCEPIECE, WORDPIECES, ClassLayout
from focus_core.types import SpecialTokenType

GENERIC = {"PreTrainedTokenizer", "TokenizersBackend", "PythonBackend", "SentencePieceBackend"}
"""Classes that add nothing and move nothing, without ``Fast``."""

MODEL_TYPES = {
    "AlbertTokenizer": "albert yoso",
    "BartTokenizer": "florence2",
    "BarthezTokenizer": "barthez",
    "BartphoTokenizer": "bartpho",
    "BertGenerationTokenizer": "bert-generation",
    "BertJapaneseTokenizer": "bert-japanese",
    "BertTokenizer": "align bark bert blip bros chinese_clip convbert electra ernie flava git grounding-dino "
    "layoutlm megatron-bert mm-grounding-dino nezha nomic_bert qdqbert realm retribert squeezebert tvp vilt "
    "visual_bert",
    "BertweetTokenizer": "bertweet",
    "BigBirdPegasusTokenizer": "bigbird_pegasus",
    "BigBirdTokenizer": "big_bird",
    "BioGptTokenizer": "biogpt",
    "BlenderbotSmallTokenizer": "blenderbot-small",
    "BlenderbotTokenizer": "blenderbot",
    "ByT5Tokenizer": "byt5",
    "CLIPTokenizer": "aimv2 clip clipseg groupvit omdet-turbo oneformer owlv2 owlvit sam3 sam3_video xclip",
    "CTRLTokenizer": "ctrl",
    "CamembertTokenizer": "camembert",
    "CanineTokenizer": "canine",
    "ClvpTokenizer": "clvp",
    "CodeLlamaTokenizer": "code_llama",
    "CohereTokenizer": "aya_vision cohere cohere2",
    "CpmAntTokenizer": "cpmant",
    "CpmTokenizer": "cpm",
    "DPRQuestionEncoderTokenizer": "dpr",
    "DebertaTokenizer": "deberta",
    "DebertaV2Tokenizer": "deberta-v2",
    "DiaTokenizer": "dia",
    "DistilBertTokenizer": "distilbert",
    "EsmTokenizer": "esm",
    "EsmcTokenizer": "esmc esmfold2",
    "FNetTokenizer": "fnet",
    "FSMTTokenizer": "fsmt",
    "FlaubertTokenizer": "flaubert",
    "FunnelTokenizer": "funnel",
    "GPT2Tokenizer": "blip-2 codegen dbrx emu3 gpt2 gpt_neo gptj hyperclovax_vision_v2 instructblip "
    "instructblipvideo jais2 opt phi starcoder2",
    "GPTNeoXJapaneseTokenizer": "gpt_neox_japanese",
    "GPTNeoXTokenizer": "falcon_mamba gpt_neox mamba mamba2 mpt olmo olmoe rwkv xlstm",
    "GPTSw3Tokenizer": "gpt-sw3",
    "GemmaTokenizer": "diffusion_gemma gemma gemma2 gemma3 gemma3_text gemma3n gemma3n_text recurrent_gemma "
    "shieldgemma2 t5gemma zaya",
    "HerbertTokenizer": "herbert",
    "LEDTokenizer": "led",
    "LasrTokenizer": "lasr_ctc lasr_encoder",
    "LayoutLMv2Tokenizer": "layoutlmv2",
    "LayoutLMv3Tokenizer": "layoutlmv3",
    "LayoutXLMTokenizer": "layoutxlm",
    "LlamaTokenizer": "idefics idefics2",
    "LukeTokenizer": "luke",
    "LxmertTokenizer": "lxmert",
    "M2M100Tokenizer": "m2m_100",
    "MBart50Tokenizer": "mbart50",
    "MBartTokenizer": "mbart",
    "MLukeTokenizer": "mluke",
    "MPNetTokenizer": "mpnet",
    "MarianTokenizer": "marian",
    "MarkupLMTokenizer": "markuplm",
    "MgpstrTokenizer": "mgp-str",
    "MobileBertTokenizer": "mobilebert",
    "MvpTokenizer": "mvp",
    "MyT5Tokenizer": "myt5",
    "NllbTokenizer": "nllb nllb-moe",
    "NougatTokenizer": "nougat pp_formulanet",
    "OpenAIGPTTokenizer": "openai-gpt",
    "PLBartTokenizer": "plbart",
    "ParakeetTokenizer": "granite_speech5_ctc nemotron3_5_asr nemotron_asr_streaming parakeet_ctc parakeet_rnnt "
    "parakeet_tdt",
    "PegasusTokenizer": "pegasus pegasus_x",
    "PerceiverTokenizer": "perceiver",
    "PhobertTokenizer": "phobert",
    "ProphetNetTokenizer": "prophetnet",
    "Qwen2Tokenizer": "audioflamingo3 colqwen2 cosmos3_omni dots3_note fun_asr_nano hunyuan_vl internvl "
    "lighton_ocr moss_transcribe_diarize ovis2 qianfan_ocr qwen2 qwen2_5_omni qwen2_5_vl qwen2_audio qwen2_moe "
    "qwen2_vl qwen3 qwen3_asr qwen3_moe qwen3_next qwen3_omni_moe qwen3_vl qwen3_vl_moe vibevoice",
    "Qwen3_5Tokenizer": "qwen3_5 qwen3_5_moe qwen3_5_moe_text qwen3_5_text qwen4_exp",
    "ReformerTokenizer": "reformer",
    "RemBertTokenizer": "rembert",
    "RoCBertTokenizer": "roc_bert",
    "RoFormerTokenizer": "roformer",
    "RobertaTokenizer": "bart bridgetower clap data2vec-text ibert lilt longformer mega mra roberta "
    "roberta-prelayernorm",
    "SeamlessM4TTokenizer": "seamless_m4t seamless_m4t_v2",
    "Siglip2Tokenizer": "siglip2",
    "SiglipTokenizer": "siglip",
    "Speech2TextTokenizer": "speech_to_text",
    "SpeechT5Tokenizer": "speecht5",
    "SplinterTokenizer": "splinter",
    "T5Tokenizer": "longt5 mt5 musicgen musicgen_melody pix2struct pop2piano switch_transformers t5 umt5",
    "TapasTokenizer": "tapas",
    "Tipsv2Tokenizer": "tipsv2",
    "UdopTokenizer": "udop",
    "VideoPrismTokenizer": "videoprism",
    "VitsTokenizer": "vits",
    "Wav2Vec2CTCTokenizer": "data2vec-audio hubert unispeech unispeech-sat wav2vec2 wav2vec2-bert wav2vec2-conformer",
    "Wav2Vec2PhonemeCTCTokenizer": "wav2vec2_phoneme",
    "WhisperTokenizer": "whisper",
    "XGLMTokenizer": "xglm",
    "XLMRobertaTokenizer": "gte jina_embeddings_v3 metaclip_2 trocr xlm-roberta xlm-roberta-xl xmod",
    "XLMTokenizer": "xlm",
    "XLNetTokenizer": "xlnet",
}
"""The class of each ``model_type`` whose class is not generic."""

CLASS_OF_TYPE = MappingProxyType({type_: name for name, types in MODEL_TYPES.items() for type_ in types.split()})


def class_of(config: Mapping[str, Any]) -> str:
    """Return the class that reads a folder's tokenizer, without ``Fast``; ``""`` where it is generic or unknown."""
    owner = str(config.get("tokenizer_class") or "").removesuffix("Fast")
    if owner and owner not in GENERIC:
        return owner
    return CLASS_OF_TYPE.get(str(config.get("model_type")), "")


def layout_of(config: Mapping[str, Any], table: Mapping[str, ClassLayout]) -> ClassLayout | None:
    """Return what the class of a folder does with files of one kind; ``None`` where that is not known."""
    owner = class_of(config)
    return table.get(owner) if owner else PLAIN


def known_layout(config: Mapping[str, Any]) -> ClassLayout:
    """Return what a folder's class does, whatever its files are; of an unknown one nothing."""
    owner = class_of(config)
    return next((table[owner] for table in (SENTENCEPIECE, MERGES, WORDPIECES) if owner in table), PLAIN)


def roles_of(layout: ClassLayout, config: Mapping[str, Any]) -> dict[str, str]:
    """Return the special tokens by role: the configuration's word before the class's, even that there is none."""
    named = dict(layout.roles)
    for type_ in SpecialTokenType:
        key = f"{type_}_token"
        if key in config:
            token = token_string(config[key])
            named.pop(type_.value, None)
            if token:
                named[type_.value] = token
    return {type_.value: named[type_.value] for type_ in SpecialTokenType if type_.value in named}


def further_tokens(config: Mapping[str, Any]) -> list[str]:
    """Return the other special tokens that a configuration lists."""
    for key in ("extra_special_tokens", "additional_special_tokens"):
        listed = config.get(key)
        if isinstance(listed, Sequence) and not isinstance(listed, str):
            return [token for token in map(token_string, listed) if token]
        if isinstance(listed, Mapping):
            return [token for token in map(token_string, listed.values()) if token]
    return []


def token_string(value: Any) -> str | None:
    """Return the token that a configuration names: a string, or an object with ``content``."""
    if isinstance(value, Mapping):
        value = value.get("content")
    return value if isinstance(value, str) and value else None
