"""Read ``vocab.json`` + ``merges.txt``: the format of GPT-2, RoBERTa, Qwen 2, CLIP and the first GPT.

The two files do not say how a text is cut before its merges, nor what their characters stand for; the folder's class
does. Without one they are read as GPT-2's, unless the tokens themselves are written in another way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from focus_core.models.hub import TokenizerFiles
from focus_core.tokenization.classes.layouts import MERGES, ROBERTA_LAYOUT, ClassLayout
from focus_core.tokenization.classes.model_types import class_of, layout_of, roles_of
from focus_core.tokenization.parts import (
    ITS_JSON,
    build_part,
    check_vocabulary,
    declare_added,
    not_a_tokenizer,
    read_json_object,
    read_text,
    template_of,
    with_added,
)

GPT2_SPECIALS = ("<|endoftext|>", "<s>", "<pad>", "</s>", "<unk>", "<mask>")
WORD_END, JOINED = "</w>", "@@"
QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PATTERNS = {
    "Qwen2Tokenizer": QWEN2,
    "Qwen3_5Tokenizer": QWEN2.replace(r"\p{L}+", r"[\p{L}\p{M}]+").replace(r"[^\s\p{L}\p{N}]", r"[^\s\p{L}\p{M}\p{N}]"),
}
"""How a class cuts a text before its merges, where it is not GPT-2's way."""

CLIP = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def load_merges(files: TokenizerFiles) -> Tokenizer:
    """Read ``vocab.json`` and ``merges.txt`` as the folder's class does.

    Parameters
    ----------
    files : TokenizerFiles
        Of kind ``gpt2``.

    Returns
    -------
    tokenizers.Tokenizer
        With the tokens that the configuration adds.

    Raises
    ------
    VocabularyError
        If the files are not of that kind, or their class reads them in a way that is not known here.
    """
    config = files.config
    vocab, merges = _read(files)
    owner, layout = class_of(config), layout_of(config, MERGES)
    if layout is None:
        raise not_a_tokenizer(
            "vocab.json", f"the files of {owner}", expected="files as GPT-2's class reads", remedy=ITS_JSON
        )
    if not owner:
        _refuse_other_marks(vocab)
    vocab = with_added(vocab, config)
    if owner in {"CLIPTokenizer", "OpenAIGPTTokenizer"}:
        backend = _word_ends(owner, vocab, merges, roles_of(layout, config))
    else:
        backend = _byte_level(owner, vocab, merges, config)
    _set_template(backend, layout, config)
    declare_added(backend, config, [*GPT2_SPECIALS, *layout.roles.values()])
    return backend


def _read(files: TokenizerFiles) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Return ids and merges."""
    vocab = read_json_object(files.paths["vocab"])
    check_vocabulary("vocab.json", vocab)
    lines = read_text(files.paths["merges"]).split("\n")
    rows = [line.removesuffix("\r").split(" ") for line in lines if line.strip() and not line.startswith("#version")]
    bad = next((row for row in rows if len(row) != 2), None)
    if bad is not None or not vocab:
        raise not_a_tokenizer("merges.txt", repr(" ".join(bad or ())), expected="two tokens a line")
    return vocab, [(left, right) for left, right in rows]


def _refuse_other_marks(vocab: Mapping[str, int]) -> None:
    """Refuse tokens that say in another way than GPT-2's where words begin."""
    for mark in (WORD_END, JOINED):
        count = sum(token.endswith(mark) and token != mark for token in vocab)
        if count > len(vocab) / 10:
            got = f"{count:,} of {len(vocab):,} tokens that end in {mark}, and no tokenizer_class"
            raise not_a_tokenizer(
                "vocab.json", got, expected="tokens as GPT-2 writes them, or the name of their class", remedy=ITS_JSON
            )


def _byte_level(
    owner: str, vocab: dict[str, int], merges: list[tuple[str, str]], config: Mapping[str, Any]
) -> Tokenizer:
    """Build GPT-2's kind: bytes as characters, a space before each word."""
    backend = Tokenizer(build_part("merges.txt", lambda: models.BPE(vocab=vocab, merges=merges)))
    prefix = bool(config.get("add_prefix_space", owner == "BlenderbotTokenizer"))
    if owner in PATTERNS:
        split = pre_tokenizers.Split(Regex(PATTERNS[owner]), "isolated")
        in_bytes = pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=False)
        backend.normalizer = normalizers.NFC()
        backend.pre_tokenizer = pre_tokenizers.Sequence([split, in_bytes])
    else:
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    backend.decoder = decoders.ByteLevel()
    return backend


def _word_ends(owner: str, vocab: dict[str, int], merges: list[tuple[str, str]], roles: Mapping[str, str]) -> Tokenizer:
    """Build the kinds that mark where a word ends: CLIP's, over bytes, and the first GPT's, over characters."""
    options = {"unk_token": roles.get("unk", roles.get("eos")), "end_of_word_suffix": WORD_END}
    model = build_part("merges.txt", lambda: models.BPE(vocab=vocab, merges=merges, **options))
    backend = Tokenizer(model)
    if owner == "CLIPTokenizer":
        steps = [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
        split = pre_tokenizers.Split(Regex(CLIP), "removed", invert=True)
        backend.normalizer = normalizers.Sequence(steps)
        backend.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False)])
        backend.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Replace(WORD_END, " ")])
    else:
        backend.normalizer = normalizers.BertNormalizer(lowercase=True)
        backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        backend.decoder = decoders.BPEDecoder(suffix=WORD_END)
    return backend


def _set_template(backend: Tokenizer, layout: ClassLayout, config: Mapping[str, Any]) -> None:
    """Set which special tokens surround a text: the class's, and without one RoBERTa's where it has them."""
    roles = roles_of(layout, config)
    sides = [f"{{{type_}}}" if config.get(f"add_{type_}_token") is True else "" for type_ in ("bos", "eos")]
    if layout.template is not None:
        backend.post_processor = template_of(backend, layout.template, roles)
    elif any(sides):
        one, two = (" ".join(part for part in (sides[0], text, sides[1]) if part) for text in ("$A", "$B"))
        backend.post_processor = template_of(backend, (one, f"{one} {two}"), roles)
    elif not layout.roles and None not in {backend.token_to_id("<s>"), backend.token_to_id("</s>")}:
        template = ROBERTA_LAYOUT.template or ("$A", "$A $B")
        backend.post_processor = template_of(backend, template, roles_of(ROBERTA_LAYOUT, config))
    else:
        backend.post_processor = processors.ByteLevel(trim_offsets=False)
