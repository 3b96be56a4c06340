"""The two tokenizers of a row: the source's of the family's own kind, the target's of the same kind with other ids.

The source is built by the class that transformers names for the family where that class takes a vocabulary; else by
the kind of model inside it. Both know the same ordinary words, in another order, and each some that the other lacks.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

SHARED = (
    "road", "sun", "tree", "river", "stone", "bread", "milk", "field", "house", "door", "rain", "wind", "bird", "fish",
    "hand", "foot", "book", "song", "word", "night", "day", "king", "ship", "salt", "gold", "corn", "goat", "wolf",
    "snow", "fire", "leaf", "seed", "lamp", "rope", "drum", "well",
)  # fmt: skip
ONLY_SOURCE = ("zebra", "quartz", "violin", "jigsaw", "oxygen", "kiwi")
ONLY_TARGET = ("vula", "zanga", "mbizi", "kwezo", "haraj", "tofu", "nyota", "ziwa")
ROLES = ("pad", "bos", "eos", "unk", "cls", "sep", "mask")
LETTERS = "abcdefghijklmnopqrstuvwxyz"

KINDS: dict[str, dict[str, str]] = {
    "wordpiece": {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"},
    "byte-level": {"bos": "<|begin|>", "eos": "<|endoftext|>", "pad": "<|pad|>"},
    "byte-fallback": {"unk": "<unk>", "bos": "<s>", "eos": "</s>", "pad": "<pad>"},
    "unigram": {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>"},
    "word-end": {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<special1>"},
    "wordlevel": {"unk": "<unk>", "pad": "<pad>", "bos": "<s>", "eos": "</s>", "mask": "<mask>"},
}
"""The special tokens of each kind of tokenizer, where the class of a family says nothing."""

KIND_OF_CLASS = {
    "BartphoTokenizer": "unigram", "BertGenerationTokenizer": "unigram", "BertJapaneseTokenizer": "wordpiece",
    "BertweetTokenizer": "word-end", "BioGptTokenizer": "word-end", "BlenderbotSmallTokenizer": "word-end",
    "ByT5Tokenizer": "wordlevel", "CTRLTokenizer": "word-end", "CanineTokenizer": "wordlevel",
    "ClvpTokenizer": "byte-level", "CpmAntTokenizer": "wordlevel", "CpmTokenizer": "unigram",
    "DPRQuestionEncoderTokenizer": "wordpiece", "DiaTokenizer": "wordlevel", "EsmTokenizer": "wordlevel",
    "EsmcTokenizer": "wordlevel", "FSMTTokenizer": "word-end",
    "FlaubertTokenizer": "word-end", "GPTNeoXJapaneseTokenizer": "wordlevel",
    "GPTSw3Tokenizer": "unigram", "M2M100Tokenizer": "unigram", "MarianTokenizer": "unigram",
    "MarkupLMTokenizer": "byte-level", "PegasusTokenizer": "unigram", "RoFormerTokenizer": "wordpiece",
    "Tipsv2Tokenizer": "unigram",
    "MgpstrTokenizer": "wordlevel", "PerceiverTokenizer": "wordlevel", "PhobertTokenizer": "word-end",
    "PLBartTokenizer": "unigram", "ProphetNetTokenizer": "wordpiece", "RagTokenizer": "wordpiece",
    "RoCBertTokenizer": "wordpiece", "SiglipTokenizer": "unigram", "Speech2TextTokenizer": "unigram",
    "SpeechT5Tokenizer": "unigram", "TapasTokenizer": "wordpiece", "VitsTokenizer": "wordlevel",
    "XLMTokenizer": "word-end",
}  # fmt: skip
"""The kind that stands for a class which reads files of its own and has no ``tokenizer.json``."""

BYTE_FALLBACK = (
    "aria", "idefics", "llama", "llava", "mistral", "mixtral", "persimmon", "phi3", "pixtral", "stablelm", "vip",
    "video_llava", "minicpm", "fuyu", "openvla", "paddleocr", "ernie4_5", "internlm", "gemma", "molmo", "jamba",
)  # fmt: skip
"""How types begin whose tokenizer is SentencePiece's BPE with bytes; all others of no class are byte-level."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two tokenizers and what they share.

    Parameters
    ----------
    kind : str
        Of both.
    built_by : str
        The class that built the source's, or ``tokenizers``.
    source, target : transformers.PreTrainedTokenizerBase
        The tokenizers.
    shared : dict of int to int
        Source id to target id of every token that has the same form in both, special tokens too.
    """

    kind: str
    built_by: str
    source: Any
    target: Any
    shared: dict[int, int]

    def ordinary(self) -> list[int]:
        """Return source ids of the copied tokens that are no special tokens."""
        special = set(self.source.all_special_ids)
        names = self.source.convert_ids_to_tokens(list(self.shared))
        return [i for i, name in zip(self.shared, names, strict=True) if i not in special and not name.startswith("<")]


def tokenizer_pair(model_type: str, class_name: str, wanted: Mapping[str, int], extra: Sequence[str]) -> Pair:
    """Return the tokenizers of a row.

    Parameters
    ----------
    model_type : str
        The family.
    class_name : str
        What transformers names for it.
    wanted : mapping of str to int
        Ids that the family's configuration assumes for its roles.
    extra : sequence of str
        Special tokens for what else the configuration names by an id.

    Returns
    -------
    Pair
        The target's special tokens lie in another order, and its words too.
    """
    kind, roles = kind_of(model_type, class_name)
    roles = roles | {role: f"<|{role}|>" for role in ("pad", "mask") if role in wanted and role not in roles}
    names = _in_order(roles, wanted)
    source, built_by = _made(kind, roles, names, [*SHARED, *ONLY_SOURCE], extra, class_name)
    words = [*ONLY_TARGET, *SHARED]
    random.Random(model_type).shuffle(words)
    again, _ = _made(kind, roles, _moved(names, roles), words, list(reversed(extra)), class_name, last=len(names) < 2)
    target = _wrapped(again.backend_tokenizer, roles, [])
    there = target.get_vocab()
    shared = {
        i: there[name] for name, i in sorted(source.get_vocab().items(), key=lambda item: item[1]) if name in there
    }
    return Pair(kind=kind, built_by=built_by, source=source, target=target, shared=shared)


def kind_of(model_type: str, class_name: str) -> tuple[str, dict[str, str]]:
    """Return the kind of tokenizer of a family and the special tokens by role."""
    if class_name in KIND_OF_CLASS:
        kind = KIND_OF_CLASS[class_name]
        return kind, dict(KINDS[kind])
    blank = _blank(class_name)
    if blank is None:
        kind = "byte-fallback" if model_type.startswith(BYTE_FALLBACK) else "byte-level"
        return kind, dict(KINDS[kind])
    roles = {role: str(name) for role in ROLES if (name := getattr(blank, f"{role}_token", None))}
    return _kind_inside(blank.backend_tokenizer), roles


def _blank(class_name: str) -> Any:
    """Return a tokenizer of a class without a vocabulary of ours; ``None`` where the class takes none."""
    import transformers

    found = getattr(transformers, class_name, None)
    if class_name == "TokenizersBackend" or not hasattr(found, "model"):
        return None
    return found()


def _kind_inside(backend: Tokenizer) -> str:
    """Return the kind of the model in a tokenizer."""
    model = backend.model
    if isinstance(model, models.WordPiece):
        return "wordpiece"
    if isinstance(model, models.Unigram):
        return "unigram"
    if getattr(model, "end_of_word_suffix", None):
        return "word-end"
    return "byte-fallback" if _has_spaces_as_marks(backend) else "byte-level"


def _has_spaces_as_marks(backend: Tokenizer) -> bool:
    return "▁" in f"{backend.normalizer!r}{backend.pre_tokenizer!r}{backend.decoder!r}"


def _in_order(roles: Mapping[str, str], wanted: Mapping[str, int]) -> list[str]:
    """Return the special tokens so that those with a small wanted id lie there."""
    names = list(dict.fromkeys(roles.values()))
    places: dict[int, str] = {}
    for role, place in wanted.items():
        name = roles.get(role)
        if name and place < len(names) and place not in places and name not in places.values():
            places[place] = name
    rest = iter([name for name in names if name not in places.values()])
    return [places[i] if i in places else next(rest) for i in range(len(names))]


def _moved(names: list[str], roles: Mapping[str, str]) -> list[str]:
    """Return the special tokens in another order: where padding was lies one that every text has."""
    moved = list(reversed(names))
    padding = roles.get("pad")
    used = roles.get("cls") or roles.get("bos") or roles.get("eos")
    if padding in names and used != padding:
        place = names.index(padding)
        here = moved.index(str(used))
        moved[place], moved[here] = moved[here], moved[place]
    return moved


def _made(
    kind: str,
    roles: dict[str, str],
    names: list[str],
    words: Sequence[str],
    extra: Sequence[str],
    class_name: str,
    *,
    last: bool = False,
) -> tuple[Any, str]:
    """Return a tokenizer of its family's own class where that takes a vocabulary, and what built it."""
    import transformers

    if class_name in KIND_OF_CLASS or _blank(class_name) is None:
        return _wrapped(_build(kind, names, words, roles, last=last), roles, extra), "tokenizers"
    vocabulary, merges = _vocabulary(kind, names, words, last=last)
    parts: dict[str, Any] = {"vocab": vocabulary}
    parts |= {f"{role}_token": name for role, name in roles.items() if name == f"<|{role}|>"}
    if kind == "unigram":
        parts["vocab"] = [(name, _score(name, names)) for name in vocabulary]
    elif kind != "wordpiece":
        parts["merges"] = merges
    made = getattr(transformers, class_name)(**parts)
    if kind == "unigram":  # some classes assume that the unknown token has their own id
        made.backend_tokenizer.model = models.Unigram(parts["vocab"], unk_id=vocabulary[roles["unk"]])
    if extra:
        made.add_special_tokens({"extra_special_tokens": list(extra)})
    return made, class_name


def _wrapped(backend: Tokenizer, roles: Mapping[str, str], extra: Sequence[str]) -> Any:
    from transformers import PreTrainedTokenizerFast

    backend.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in extra])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, **{f"{role}_token": name for role, name in roles.items() if role in ROLES}
    )


def _score(name: str, specials: Iterable[str]) -> float:
    if name in specials:
        return 0.0
    return -8.0 if len(name) == 1 else -3.0 - len(name) / 10


def _vocabulary(
    kind: str, specials: Sequence[str], words: Sequence[str], *, last: bool = False
) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Return the ids of a kind of tokenizer, and the merges where it has them."""
    merges: list[tuple[str, str]] = []
    if kind == "wordpiece":
        names = [*LETTERS, *(f"##{c}" for c in LETTERS), *words]
    elif kind == "wordlevel":
        names = list(words)
    elif kind == "unigram":
        names = ["▁", *LETTERS, *(f"▁{word}" for word in words)]
    else:
        alphabet, spelt = _spelling(kind, words)
        names = list(alphabet)
        for pieces in spelt:
            for end in range(2, len(pieces) + 1):
                merges.append(("".join(pieces[: end - 1]), pieces[end - 1]))
                names.append("".join(pieces[:end]))
    ordered = dict.fromkeys([*names, *specials] if last else [*specials, *names])
    return {name: i for i, name in enumerate(ordered)}, list(dict.fromkeys(merges))


def _spelling(kind: str, words: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Return the alphabet of a kind of byte-pair encoding, and the words as letters of it."""
    if kind == "byte-level":
        return sorted(pre_tokenizers.ByteLevel.alphabet()), [["Ġ", *word] for word in words]
    if kind == "byte-fallback":
        return [*(f"<0x{byte:02X}>" for byte in range(256)), "▁", *LETTERS], [["▁", *word] for word in words]
    return [*LETTERS, *(f"{c}</w>" for c in LETTERS)], [[*word[:-1], f"{word[-1]}</w>"] for word in words]


def _build(
    kind: str, specials: Sequence[str], words: Sequence[str], roles: Mapping[str, str], *, last: bool
) -> Tokenizer:
    """Return a tokenizer of a kind."""
    vocabulary, merges = _vocabulary(kind, specials, words, last=last)
    unknown = roles.get("unk")
    tokenizer = Tokenizer(_model(kind, vocabulary, merges, unknown, specials))
    if kind == "wordpiece":
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
    elif kind == "byte-level":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = decoders.ByteLevel()
    elif kind in ("unigram", "byte-fallback"):
        tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        if kind == "word-end":
            tokenizer.decoder = decoders.BPEDecoder(suffix="</w>")
    tokenizer.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in specials])
    _frame(tokenizer, roles)
    return tokenizer


def _model(
    kind: str, vocabulary: dict[str, int], merges: list[tuple[str, str]], unknown: str | None, specials: Sequence[str]
) -> Any:
    if kind == "wordpiece":
        return models.WordPiece(vocabulary, unk_token=unknown or "[UNK]")
    if kind == "wordlevel":
        return models.WordLevel(vocabulary, unk_token=unknown or "<unk>")
    if kind == "unigram":
        scored = [(name, _score(name, specials)) for name in vocabulary]
        return models.Unigram(scored, unk_id=vocabulary.get(unknown or "", 0))
    options: dict[str, Any] = {"unk_token": unknown} if unknown in vocabulary else {}
    if kind == "byte-fallback":
        options |= {"byte_fallback": True, "fuse_unk": True}
    if kind == "word-end":
        options["end_of_word_suffix"] = "</w>"
    return models.BPE(vocabulary, merges, **options)


def _frame(tokenizer: Tokenizer, roles: Mapping[str, str]) -> None:
    """Put the first and the last token around a text, as encoders do."""
    first, last = roles.get("cls"), roles.get("sep")
    if first and last:
        ids = [(name, tokenizer.token_to_id(name)) for name in dict.fromkeys((first, last))]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{first} $A {last}", pair=f"{first} $A {last} $B {last}", special_tokens=ids
        )


def save(tokenizer: Any, folder: Path) -> None:
    """Write a tokenizer's folder."""
    tokenizer.save_pretrained(folder)


def text_lines(words: Sequence[str], n: int) -> list[str]:
    """Return lines of ordinary words of the target, most of them shared."""
    choose = random.Random(7)
    return [" ".join(choose.choices([*words, *ONLY_TARGET[:4]], k=choose.randint(5, 11))) for _ in range(n)]
