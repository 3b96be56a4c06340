"""A folder's tokens have the ids that its class gives them: those of transformers, for every class that builds here."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sentencepiece

from focus_core.errors import VocabularyError
from focus_core.tokenization.vocabulary import Vocabulary, load_vocabulary
from tests.conftest import SENTENCES

CLS = {"control_symbols": ["[CLS]", "[SEP]", "[MASK]"]}
T5 = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
ALBERT = {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, **CLS}
BIRD = {"pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3}
DEBERTA = {
    "pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3,
    "pad_piece": "[PAD]", "bos_piece": "[CLS]", "eos_piece": "[SEP]", "unk_piece": "[UNK]",
}  # fmt: skip
XLNET = {"control_symbols": ["<cls>", "<sep>", "<pad>", "<mask>"], "user_defined_symbols": ["<eop>", "<eod>", ".", "("]}
FALLBACK = {"model_type": "bpe", "byte_fallback": True, "vocab_size": 380}
GEMMA = {**FALLBACK, "pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3, "bos_piece": "<bos>", "eos_piece": "<eos>"}
XLMR: dict[str, Any] = {}
FAIRSEQ = "sentencepiece.bpe.model"

FOLDERS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "albert": ("spiece.model", ALBERT, {}),
    "rembert": ("sentencepiece.model", ALBERT, {}),
    "t5": ("spiece.model", T5, {}),
    "mt5": ("spiece.model", T5, {"extra_ids": 3}),
    "switch_transformers": ("spiece.model", T5, {"additional_special_tokens": ["<x>"]}),
    "deberta-v2": ("spm.model", DEBERTA, {}),
    "xlnet": ("spiece.model", XLNET, {}),
    "big_bird": ("spiece.model", BIRD, {}),
    "bert-generation": ("spiece.model", BIRD, {}),
    "pegasus": ("spiece.model", T5, {}),
    "reformer": ("spiece.model", {"model_type": "bpe", "vocab_size": 120}, {}),
    "fnet": ("spiece.model", {"unk_id": 0, "bos_id": 1, "eos_id": 2, "pad_id": 3}, {}),
    "mbart": (FAIRSEQ, XLMR, {"src_lang": "de_DE"}),
    "mbart50": (FAIRSEQ, XLMR, {"tokenizer_class": "MBart50Tokenizer"}),
    "camembert": (FAIRSEQ, XLMR, {}),
    "xlm-roberta": (FAIRSEQ, XLMR, {}),
    "xmod": (FAIRSEQ, XLMR, {"tokenizer_class": "XLMRobertaTokenizerFast", "mask_token": "<m>"}),
    "plbart": (FAIRSEQ, XLMR, {}),
    "llama": ("tokenizer.model", FALLBACK, {"tokenizer_class": "LlamaTokenizer", "pad_token": "<pad>"}),
    "mistral": ("tokenizer.model", FALLBACK, {"additional_special_tokens": ["<a>", "<b>"]}),
    "gemma": ("tokenizer.model", GEMMA, {}),
}
"""By model type: the file, how it is trained, and tokenizer_config.json."""

TYPE_OF = {"mbart50": "mbart"}
TEMPLATE_LOST = {"fnet", "rembert", "llama", "mistral", "gemma"}
"""Whose special tokens around a text transformers 5 forgets, where the folder has no tokenizer.json."""


@cache
def trained(options: str) -> bytes:
    model = io.BytesIO()
    plain = {"vocab_size": 120, "model_type": "unigram", "minloglevel": 2}
    merged = plain | json.loads(options)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 20),
        model_writer=model,
        **merged,
        hard_vocab_limit=merged["model_type"] == "bpe",
    )
    return model.getvalue()


def write(folder: Path, model_type: str, file: str, options: dict[str, Any], config: dict[str, Any]) -> Path:
    """Write a folder with a SentencePiece model, and what says which class it has."""
    (folder / file).write_bytes(trained(json.dumps(options)))
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}), encoding="utf-8")
    if config:
        (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def with_transformers(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


def roles(vocabulary: Vocabulary) -> dict[str, str]:
    return {f"{type_}_token": vocabulary.tokens[i] for type_, i in vocabulary.special_token_types.items()}


@pytest.mark.parametrize("name", FOLDERS)
def test_ids_are_those_of_the_class(tmp_path: Path, name: str) -> None:
    """Every token, special token and template; a model type alone is enough."""
    file, options, config = FOLDERS[name]
    folder = write(tmp_path, TYPE_OF.get(name, name), file, options, config)
    ours, theirs = load_vocabulary(folder), with_transformers(folder)
    assert dict(ours.ids_of_tokens) == theirs.get_vocab()
    assert ours.present.all()
    named = {key: token for key, token in theirs.special_tokens_map.items() if isinstance(token, str)}
    assert named.items() <= roles(ours).items()
    if name not in TEMPLATE_LOST:
        assert ours.backend.encode("milk").tokens[-1:] == theirs.convert_ids_to_tokens(theirs("milk")["input_ids"])[-1:]
        one, two = theirs("milk", "the"), ours.backend.encode("milk", "the")
        assert len(two.ids) == len(one["input_ids"])
        assert one.get("token_type_ids") in (None, two.type_ids)


@pytest.mark.parametrize(
    ("name", "opening"), [("fnet", "[CLS]"), ("rembert", "[CLS]"), ("llama", "<s>"), ("gemma", "<bos>")]
)
def test_what_opens_a_text_is_not_forgotten(tmp_path: Path, name: str, opening: str) -> None:
    file, options, config = FOLDERS[name]
    vocabulary = load_vocabulary(write(tmp_path, name, file, options, config))
    assert vocabulary.backend.encode("milk").tokens[0] == opening
    assert vocabulary.backend.encode("milk", "the").tokens[0] == opening


def test_xglm_has_made_up_words(tmp_path: Path) -> None:
    """transformers 5 itself reads nothing of such a folder; its converter from SentencePiece has the ids."""
    from transformers.convert_slow_tokenizer import XGLMConverter

    folder = write(tmp_path, "xglm", FAIRSEQ, XLMR, {})
    from sentencepiece import sentencepiece_model_pb2

    proto = sentencepiece_model_pb2.ModelProto.FromString((folder / FAIRSEQ).read_bytes())
    expected = [token for token, _ in XGLMConverter.vocab(None, proto)]
    assert list(load_vocabulary(folder).tokens) == expected


def test_pegasus_numbers_its_masks_as_it_was_trained(tmp_path: Path) -> None:
    """``<mask_1>`` is 2 also where the configuration names both, which transformers 5 exchanges."""
    named = {"mask_token": "<mask_2>", "mask_token_sent": "<mask_1>", "offset": 103}
    vocabulary = load_vocabulary(write(tmp_path, "pegasus", "spiece.model", T5, named))
    assert vocabulary.tokens[:5] == ("<pad>", "</s>", "<mask_1>", "<mask_2>", "<unk_2>")
    assert vocabulary.tokens[104:106] == ("<unk_102>", "<unk>")


@pytest.mark.parametrize(
    ("model_type", "like"),
    [("umt5", "t5"), ("longt5", "t5"), ("pegasus_x", "pegasus"), ("xlm-roberta-xl", "xlm-roberta")],
)
def test_types_that_transformers_reads_from_tokenizer_json_alone(tmp_path: Path, model_type: str, like: str) -> None:
    """Their class is documented, though AutoTokenizer finds no file under that name."""
    file, options, _ = FOLDERS[like]
    for name in (model_type, like):
        (tmp_path / name).mkdir()
    found = load_vocabulary(write(tmp_path / model_type, model_type, file, options, {}))
    assert found.tokens == load_vocabulary(write(tmp_path / like, like, file, options, {})).tokens


@pytest.mark.parametrize(
    ("model_type", "config", "said"),
    [
        ("nllb-moe", {}, "renumbered by NllbTokenizer"),
        ("m2m_100", {"tokenizer_class": "NllbTokenizerFast"}, "renumbered by NllbTokenizer"),
        ("m2m_100", {}, "no vocab.json beside it"),
        ("barthez", {}, "renumbered by BarthezTokenizer"),
        ("seamless_m4t", {}, "renumbered by SeamlessM4TTokenizer"),
        ("bigbird_pegasus", {}, "set by BigBirdPegasusTokenizer"),
        ("pegasus", {"offset": 0}, "with an offset of its own"),
        ("plbart", {"language_codes": "multi"}, "for other languages"),
        ("gpt2", {}, "set by GPT2Tokenizer"),
        ("roberta", {}, "set by RobertaTokenizer"),
        (None, {"tokenizer_class": "HouseTokenizer"}, "set by HouseTokenizer"),
        (
            "xlm-roberta",
            {"tokenizer_class": "PreTrainedTokenizerFast"},
            "whose own class XLMRobertaTokenizer renumbers",
        ),
    ],
)
def test_other_numberings_are_refused_by_name(
    tmp_path: Path, model_type: str | None, config: dict[str, Any], said: str
) -> None:
    folder = write(tmp_path, model_type or "", FAIRSEQ, XLMR, config)
    with pytest.raises(VocabularyError, match=said) as error:
        load_vocabulary(folder)
    assert "\n" not in str(error.value)


def test_parts_of_a_composed_model_say_which_class(tmp_path: Path) -> None:
    folder = write(tmp_path, "", FAIRSEQ, XLMR, {})
    composed = {"model_type": "encoder-decoder", "encoder": {"model_type": "xlm-roberta"}, "decoder": {}}
    (folder / "config.json").write_text(json.dumps(composed), encoding="utf-8")
    assert load_vocabulary(folder).tokens[:2] == ("<s>", "<pad>")


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("albert", {}),
        ("albert", {"do_lower_case": False, "keep_accents": True}),
        ("rembert", {}),
        ("rembert", {"do_lower_case": True, "keep_accents": False}),
        ("xlnet", {}),
        ("deberta-v2", {}),
        ("deberta-v2", {"do_lower_case": True}),
        ("t5", {"do_lower_case": True}),
    ],
)
def test_a_text_is_cleaned_as_the_class_does(tmp_path: Path, name: str, config: dict[str, Any]) -> None:
    """Case, accents and quotes, before the file's own normaliser sees them: that file says nothing of it."""
    file, options, own = FOLDERS[name]
    folder = write(tmp_path, name, file, options, own | config)
    ours, theirs = load_vocabulary(folder), with_transformers(folder)
    special = set(ours.special_token_types.values())  # RemBERT of transformers 5 says [CLS] for the unknown
    for text in (*SENTENCES, "MILK größer  été", "``the'' Farmer"):
        ids = ours.backend.encode(text, add_special_tokens=False).ids
        expected = theirs(text, add_special_tokens=False)["input_ids"]
        assert [i for i in ids if i not in special] == [i for i in expected if i not in special]


def test_a_prefix_that_is_switched_off(tmp_path: Path) -> None:
    file, options, _ = FOLDERS["llama"]
    config = {"tokenizer_class": "LlamaTokenizer", "add_prefix_space": False}
    vocabulary = load_vocabulary(write(tmp_path, "llama", file, options, config))
    assert not vocabulary.backend.encode("milk", add_special_tokens=False).tokens[0].startswith("▁")


def with_ids(folder: Path, model_type: str, file: str, order: Any, more: tuple[str, ...] = ()) -> Path:
    """Write a folder whose ids stand in vocab.json, the pieces of the SentencePiece file in another order."""
    write(folder, model_type, file, XLMR, {})
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / file))
    names = [*order, *(pieces.id_to_piece(i) for i in reversed(range(3, len(pieces)))), *more]
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(names)}), encoding="utf-8")
    return folder


@pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")
@pytest.mark.parametrize(
    ("model_type", "file", "order", "more"),
    [
        ("m2m_100", FAIRSEQ, ("<s>", "<pad>", "</s>", "<unk>"), ()),
        ("speech_to_text", FAIRSEQ, ("<s>", "<pad>", "</s>", "<unk>"), ()),
        ("marian", "source.spm", ("</s>", "<unk>"), ("▁Feld", "<pad>")),
    ],
)
def test_ids_in_a_vocab_json(tmp_path: Path, model_type: str, file: str, order: Any, more: tuple[str, ...]) -> None:
    """Marian, M2M100, Speech2Text: pieces and scores in one file, ids in the other."""
    folder = with_ids(tmp_path, model_type, file, order, more)
    if model_type == "marian":
        (folder / "target.spm").write_bytes((folder / file).read_bytes())
    ours, theirs = load_vocabulary(folder), with_transformers(folder)
    assert theirs.get_vocab().items() <= dict(ours.ids_of_tokens).items()
    assert {t: theirs.convert_tokens_to_ids(t) for t in ours.tokens} == dict(ours.ids_of_tokens)
    for text in SENTENCES:
        assert ours.backend.encode(text).ids == theirs(text)["input_ids"]


def test_a_piece_without_an_id_is_said(tmp_path: Path) -> None:
    folder = with_ids(tmp_path, "marian", "source.spm", ("</s>", "<unk>"), ("<pad>",))
    ids = json.loads((folder / "vocab.json").read_text("utf-8"))
    ids = {token: i for i, token in enumerate(token for token in ids if token != "m")}
    (folder / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    with pytest.raises(VocabularyError, match=r"1 of [0-9]+ pieces without an id there, 'm'"):
        load_vocabulary(folder)
