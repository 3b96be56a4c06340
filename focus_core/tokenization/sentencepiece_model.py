"""Read a SentencePiece ``.model`` file into a ``tokenizers.Tokenizer``.

It needs no model-specific class, so a bare ``.model`` is enough; layouts whose ids differ from the file's are applied
or refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from focus_core.tokenization.parts import added_entries, build_part, check_vocabulary, declare_added, not_a_tokenizer

SPACE = "▁"
UNIGRAM, BPE = 1, 2
UNKNOWN, CONTROL, USER_DEFINED = 2, 3, 4
FAIRSEQ_CLASSES = {"XLMRobertaTokenizer", "XLMRobertaTokenizerFast"}
"""Classes that renumber: ``<s> <pad> </s> <unk>``, then the fourth piece of the file and on, then ``<mask>``."""

RENUMBERING_CLASSES = {
    "BarthezTokenizer", "CamembertTokenizer", "MBartTokenizer", "MBart50Tokenizer", "NllbTokenizer", "PegasusTokenizer",
    "XGLMTokenizer", "M2M100Tokenizer", "Speech2TextTokenizer", "CpmTokenizer",
}  # fmt: skip
"""Classes that renumber pieces in ways not written here; their ids stand in their ``tokenizer.json``."""


def load_sentencepiece(path: Path, config: Mapping[str, Any]) -> Tokenizer:
    """Return a tokenizer that splits text as the SentencePiece library does with a model of type unigram or BPE."""
    proto = read_proto(path)
    pieces = _apply_layout(path.name, [(p.piece, p.score, p.type) for p in proto.pieces], config)
    check_vocabulary(path.name, [(piece, score) for piece, score, _ in pieces])
    backend = Tokenizer(build_part(path.name, lambda: _build_model(pieces, proto.trainer_spec)))
    _set_pipeline(backend, proto)
    _declare(backend, pieces, config)
    _set_template(backend, proto, config)
    return backend


def _build_model(pieces: list[tuple[str, float, int]], trainer: Any) -> models.Model:
    """Build the model from (piece, score, type) in the order of ids."""
    fallback = bool(trainer.byte_fallback)
    unk_id = next((i for i, (_, _, kind) in enumerate(pieces) if kind == UNKNOWN), None)
    if trainer.model_type == UNIGRAM:
        scored = [(piece, score) for piece, score, _ in pieces]
        return models.Unigram(scored, unk_id=unk_id, byte_fallback=fallback)
    vocab = {piece: i for i, (piece, _, _) in enumerate(pieces)}
    merges = merges_of_scores({piece: (score, i) for i, (piece, score, _) in enumerate(pieces)})
    unknown = pieces[unk_id][0] if unk_id is not None else None
    return models.BPE(vocab, merges, unk_token=unknown, fuse_unk=True, byte_fallback=fallback)


def read_proto(path: Path) -> Any:
    """Parse the protobuf message of a SentencePiece model."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from sentencepiece import sentencepiece_model_pb2

    expected = "a SentencePiece model"
    try:
        proto = sentencepiece_model_pb2.ModelProto.FromString(path.read_bytes())
    except DecodeError as error:
        raise not_a_tokenizer(path.name, "no message of that kind", expected=expected) from error
    if len(proto.pieces) < 2 or not all(piece.piece for piece in proto.pieces):
        raise not_a_tokenizer(path.name, f"{len(proto.pieces)} pieces", expected=expected)
    if proto.trainer_spec.model_type not in {UNIGRAM, BPE} or proto.trainer_spec.treat_whitespace_as_suffix:
        got = "a word, character or white-space-as-suffix model"
        raise not_a_tokenizer(path.name, got, expected="a SentencePiece model of type unigram or BPE")
    return proto


def special_token_names(path: Path) -> dict[str, str]:
    """Return ``{"bos_token": piece, ...}`` as the model file itself names its control symbols."""
    spec = read_proto(path).trainer_spec
    ids = {"bos": spec.bos_id, "eos": spec.eos_id, "unk": spec.unk_id, "pad": spec.pad_id}
    return {f"{type_}_token": getattr(spec, f"{type_}_piece") for type_, i in ids.items() if i >= 0}


def merges_of_scores(pieces: Mapping[str, tuple[float, int]]) -> list[tuple[str, str]]:
    """Rebuild the merges of a SentencePiece BPE model from the scores of its pieces."""
    ranked = [
        ((-score, i, cut), piece[:cut], piece[cut:])
        for piece, (score, i) in pieces.items()
        for cut in range(1, len(piece))
        if piece[:cut] in pieces and piece[cut:] in pieces
    ]
    ranked.sort(key=lambda item: item[0])
    return [(left, right) for _, left, right in ranked]


def _apply_layout(
    name: str, pieces: list[tuple[str, float, int]], config: Mapping[str, Any]
) -> list[tuple[str, float, int]]:
    """Put pieces at the ids that the tokenizer's class gives them."""
    owner = str(config.get("tokenizer_class", ""))
    if owner in FAIRSEQ_CLASSES:
        opening = [("<s>", 0.0, CONTROL), ("<pad>", 0.0, CONTROL), ("</s>", 0.0, CONTROL), ("<unk>", 0.0, UNKNOWN)]
        return [*opening, *pieces[3:], ("<mask>", 0.0, CONTROL)]
    if owner.removesuffix("Fast") in RENUMBERING_CLASSES:
        raise not_a_tokenizer(name, f"ids renumbered by {owner}", expected="ids as in the file, or a tokenizer.json")
    return pieces


def _set_pipeline(backend: Tokenizer, proto: Any) -> None:
    """Set normaliser, pre-tokenizer and decoder as the model's own specification says."""
    spec, trainer = proto.normalizer_spec, proto.trainer_spec
    steps: list[Any] = []
    if spec.precompiled_charsmap:
        steps.append(normalizers.Precompiled(spec.precompiled_charsmap))
    if spec.remove_extra_whitespaces:
        steps += [normalizers.Strip(left=True, right=True), normalizers.Replace(Regex(" {2,}"), " ")]
    scheme = "never"
    if spec.add_dummy_prefix and _has_user_symbols(proto):
        scheme = "first"  # not before every stretch of text between two such symbols
    elif spec.add_dummy_prefix and spec.remove_extra_whitespaces:
        scheme = "always"
    elif spec.add_dummy_prefix:
        # subtle: Metaspace adds no mark before a leading space, SentencePiece does
        steps.append(normalizers.Prepend(" "))
    backend.normalizer = normalizers.Sequence(steps) if steps else None
    # subtle: pieces may only cross spaces where the trainer allowed it; splitting elsewhere is equal and faster
    crossing = any(SPACE in piece.piece[1:] for piece in proto.pieces) or not trainer.split_by_whitespace
    backend.pre_tokenizer = pre_tokenizers.Metaspace(SPACE, prepend_scheme=scheme, split=not crossing)
    tail = [decoders.Strip(" ", 1, 0)] if spec.add_dummy_prefix else []
    backend.decoder = decoders.Sequence([decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), *tail])


def _has_user_symbols(proto: Any) -> bool:
    """Tell whether some pieces are cut out of the text before anything else."""
    return any(piece.type == USER_DEFINED for piece in proto.pieces)


def _declare(backend: Tokenizer, pieces: list[tuple[str, float, int]], config: Mapping[str, Any]) -> None:
    """Declare control symbols as special, user-defined ones as added, and what the configuration adds."""
    for piece, _, kind in pieces:
        if kind in {UNKNOWN, CONTROL}:
            backend.add_special_tokens([AddedToken(piece, special=True, normalized=False)])
        elif kind == USER_DEFINED:
            backend.add_tokens([AddedToken(piece, special=False, normalized=False)])
    for i, entry in added_entries(config):
        token = entry["content"]
        if backend.token_to_id(token) is None and i != backend.get_vocab_size():
            got = f"added token {token!r} with id {i} after {backend.get_vocab_size()} tokens"
            raise not_a_tokenizer("tokenizer_config.json", got, expected="added tokens that follow the pieces")
        declare_added(backend, {"added_tokens_decoder": {str(i): entry}}, ())
    declare_added(backend, {key: value for key, value in config.items() if key != "added_tokens_decoder"}, ())


def _set_template(backend: Tokenizer, proto: Any, config: Mapping[str, Any]) -> None:
    """Set which control symbols surround a text."""
    # The file does not say. Models with byte fallback (Llama, Mistral) open with ``bos``; a configuration decides
    # otherwise, and the XLM-R layout has its own.
    names = {"bos": proto.trainer_spec.bos_piece, "eos": proto.trainer_spec.eos_piece}
    fairseq = str(config.get("tokenizer_class", "")) in FAIRSEQ_CLASSES
    wanted = {
        "bos": config.get("add_bos_token", fairseq or bool(proto.trainer_spec.byte_fallback)),
        "eos": config.get("add_eos_token", fairseq),
    }
    used = {type_: names[type_] for type_ in names if wanted[type_] and backend.token_to_id(names[type_]) is not None}
    if used:
        single = " ".join(part for part in (used.get("bos"), "$A", used.get("eos")) if part)
        ids = [(token, backend.token_to_id(token)) for token in dict.fromkeys(used.values())]
        backend.post_processor = processors.TemplateProcessing(single=single, special_tokens=ids)
