"""Who is bos, eos, unk, sep, pad, cls and mask, and whose word counts."""

from __future__ import annotations

from typing import Any

from focus_core.tokenization.special_tokens import find_special_token_types


def types(
    tokens: dict[str, int],
    *,
    config: dict[str, Any] | None = None,
    specials: list[str] | None = None,
    unk: str | None = None,
    processor: dict[str, Any] | None = None,
) -> dict[str, int]:
    declared = list(tokens) if specials is None else specials
    state = {
        "model": {"unk_token": unk},
        "added_tokens": [{"id": tokens[t], "content": t, "special": True} for t in declared],
        "post_processor": processor,
    }
    return {type_.value: i for type_, i in find_special_token_types(state, tokens.get, config or {}).items()}


def test_endoftext_of_gpt2_opens_and_closes() -> None:
    assert types({"<|endoftext|>": 50256}) == {"bos": 50256, "eos": 50256}


def test_type_that_the_configuration_names_as_null_has_no_token() -> None:
    """Qwen: <|endoftext|> is padding, <|im_end|> closes, and there is no bos at all."""
    tokens = {"<|endoftext|>": 0, "<|im_start|>": 1, "<|im_end|>": 2}
    config = {"bos_token": None, "eos_token": "<|im_end|>", "pad_token": {"content": "<|endoftext|>"}}
    assert types(tokens, config=config) == {"eos": 2, "pad": 0}


def test_bert_has_cls_and_sep_and_no_bos() -> None:
    """[CLS] opens the text in the post-processor as well; that does not make it a bos."""
    processor = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "[CLS]"}}, {"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "[SEP]"}}],
    }
    found = types({"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4}, processor=processor, unk="[UNK]")
    assert found == {"unk": 1, "sep": 3, "pad": 0, "cls": 2, "mask": 4}


def test_post_processor_tells_what_strings_do_not() -> None:
    processor = {
        "type": "Sequence",
        "processors": [
            {"type": "ByteLevel"},
            {
                "type": "TemplateProcessing",
                "single": [
                    {"SpecialToken": {"id": "@open"}},
                    {"Sequence": {"id": "A"}},
                    {"SpecialToken": {"id": "@end"}},
                ],
            },
        ],
    }
    assert types({"@open": 5, "@end": 6}, processor=processor) == {"bos": 5, "eos": 6}


def test_roberta_processing_names_cls_and_sep() -> None:
    processor = {"type": "RobertaProcessing", "sep": ["@s", 6], "cls": ["@c", 5]}
    assert types({"@c": 5, "@s": 6}, processor=processor) == {"sep": 6, "cls": 5}


def test_configuration_ids_count_only_for_special_tokens() -> None:
    """A wrong eos_token_id is common; it must not turn a word into a control token."""
    tokens = {"word": 0, "@stop": 1}
    config = {"eos_token_id": [1, 0], "bos_token_id": 0, "pad_token_id": 99}
    assert types(tokens, config=config, specials=["@stop"]) == {"eos": 1}


def test_configured_token_outside_the_vocabulary_is_no_special_token() -> None:
    assert types({"a": 0}, config={"mask_token": "<mask>"}, specials=[]) == {}


def test_unknown_token_of_the_model() -> None:
    assert types({"@u": 3}, unk="@u", specials=[]) == {"unk": 3}
