"""Read a SentencePiece ``.model`` file into a ``tokenizers.Tokenizer``.

It needs no model-specific class, so a bare ``.model`` is enough; what a folder's class does with the ids is applied or
refused by name (`class_layouts`).

Limits
------
* Where ids stand in a ``vocab.json`` (Marian, M2M100), tokens that only the other language's model has are read as a
  last resort, where the class would give the unknown token.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from focus_core.models.hub import CONVERT
from focus_core.tokenization.classes.layouts import (
    DEFAULT_LANGUAGE,
    PLAIN,
    RENUMBERING,
    SENTENCEPIECE,
    SENTINELS,
    ClassLayout,
)
from focus_core.tokenization.classes.model_types import class_of, further_tokens, layout_of, roles_of
from focus_core.tokenization.encoding import LEADING_MARK, OUTER_SPACES
from focus_core.tokenization.parts import (
    ITS_JSON,
    added_entries,
    build_part,
    check_vocabulary,
    declare_added,
    not_a_tokenizer,
    read_json_object,
    template_of,
)

SPACE = "▁"
UNIGRAM, BPE = 1, 2
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED = 1, 2, 3, 4, 5
TIKTOKEN = re.compile(rb"(?:[A-Za-z0-9+/]+={0,2} \d+\r?\n){2}")
"""How tiktoken's files begin: a token in base64 and its rank, on each line."""

UNREACHED = 1000.0
"""How far below all others the score of a token lies that the file itself does not have."""

PLACEHOLDERS = 0x10F000
"""Private characters that hold a symbol's place while the text around it is normalised."""


class Piece(NamedTuple):
    """One entry of a SentencePiece model."""

    text: str
    score: float
    kind: int


def load_sentencepiece(path: Path, config: Mapping[str, Any], vocab: Path | None = None) -> Tokenizer:
    """Return a tokenizer that splits text as the SentencePiece library does with a model of type unigram or BPE.

    Parameters
    ----------
    path : Path
        The model.
    config : mapping
        What the JSON files beside it say.
    vocab : Path, default=None
        Where ids stand, for classes that keep them apart from the model.

    Returns
    -------
    tokenizers.Tokenizer
        With the ids of the folder's class, and the tokens that it adds.

    Raises
    ------
    VocabularyError
        If it is no such model, or its class numbers pieces in a way that is not known here.
    """
    proto = read_proto(path)
    layout = _layout(path.name, config)
    pieces = [Piece(p.piece, p.score, p.type) for p in proto.pieces]
    if layout.pieces_in_vocab:
        pieces = _place_by_vocab(path.name, pieces, vocab, layout)
    else:
        pieces = _surround(pieces, layout, config)
    check_vocabulary(path.name, [(piece.text, piece.score) for piece in pieces])
    backend = Tokenizer(build_part(path.name, lambda: _build_model(path.name, pieces, proto)))
    _set_pipeline(backend, proto, pieces, layout, config)
    _declare(backend, pieces, config)
    _add_class_tokens(backend, layout, config)
    _set_template(backend, proto, layout, config)
    return backend


def _layout(name: str, config: Mapping[str, Any]) -> ClassLayout:
    """Return what the folder's class does with the file; one that is not known here is refused by name."""
    owner, layout = class_of(config), layout_of(config, SENTENCEPIECE)
    got = ""
    if layout is None:
        got = f"ids {'renumbered' if owner in RENUMBERING else 'set'} by {owner}, in a way that is not known here"
    elif bool(config.get("tokenizer_class")) and owner not in str(config["tokenizer_class"]):
        if layout.skipped or layout.pieces_in_vocab:
            got = f"the class {config['tokenizer_class']} beside a model type whose own class {owner} renumbers pieces"
    elif owner == "PegasusTokenizer" and (config.get("offset", 103) != 103 or config.get("mask_token_sent", 1) is None):
        got = f"ids renumbered by {owner} with an offset of its own"
    elif owner == "PLBartTokenizer" and config.get("language_codes", "base") != "base":
        got = f"ids renumbered by {owner} for other languages"
    if layout is None or got:
        raise not_a_tokenizer(name, got, expected="ids as in the file, or a tokenizer.json", remedy=ITS_JSON)
    return layout


def _surround(pieces: list[Piece], layout: ClassLayout, config: Mapping[str, Any]) -> list[Piece]:
    """Put pieces at the ids that the tokenizer's class gives them."""
    named = {**layout.roles, **roles_of(layout, config)}  # what a configuration denies still has its id
    opening = [Piece(named.get(n, n), 0.0, UNKNOWN if n == "unk" else CONTROL) for n in layout.opening]
    closing = [Piece(named.get(name, name), 0.0, CONTROL) for name in layout.closing]
    if class_of(config).removeprefix("M") == "T5Tokenizer":
        known = {piece.text for piece in pieces}
        names = [SENTINELS.format(i) for i in reversed(range(_count_sentinels(config)))]
        closing = [Piece(name, 0.0, CONTROL) for name in names if name not in known]
    return [*opening, *pieces[layout.skipped :], *closing]


def _count_sentinels(config: Mapping[str, Any]) -> int:
    """Return how many ``<extra_id_N>`` T5's class adds: 100, unless a configuration says how many."""
    count = config.get("extra_ids", 100)
    return count if type(count) is int and 0 <= count <= 10_000 else 100


def _place_by_vocab(name: str, pieces: list[Piece], vocab: Path | None, layout: ClassLayout) -> list[Piece]:
    """Put pieces at the ids of a ``vocab.json``; what only that file has is never reached before a piece."""
    if vocab is None:
        raise not_a_tokenizer(name, "no vocab.json beside it", expected="vocab.json, which holds the ids")
    ids = read_json_object(vocab)
    check_vocabulary(vocab.name, ids)
    ordered = sorted(ids, key=ids.__getitem__)
    if [ids[token] for token in ordered] != list(range(len(ordered))):
        raise not_a_tokenizer(vocab.name, "ids with gaps", expected="an id for every number from 0")
    own = {piece.text: piece for piece in pieces}
    lost = [piece.text for piece in pieces if piece.kind == NORMAL and piece.text not in ids]
    if lost:
        got = f"{len(lost):,} of {len(pieces):,} pieces without an id there, {lost[0]!r} among them"
        raise not_a_tokenizer(vocab.name, got, expected="an id for every piece of the SentencePiece model")
    unknown = layout.roles["unk"]
    named = set(layout.roles.values())
    lowest = min(piece.score for piece in pieces) - UNREACHED
    placed = []
    for token in ordered:
        kind = UNKNOWN if token == unknown else CONTROL if token in named else NORMAL
        placed.append(own[token]._replace(kind=kind) if token in own else Piece(token, lowest, kind))
    return placed


def _build_model(name: str, pieces: Sequence[Piece], proto: Any) -> models.Model:
    """Build the model from pieces in the order of ids."""
    fallback = bool(proto.trainer_spec.byte_fallback)
    unk_id = next((i for i, piece in enumerate(pieces) if piece.kind == UNKNOWN), None)
    if proto.trainer_spec.model_type == UNIGRAM:
        return models.Unigram(_scores(pieces), unk_id=unk_id, byte_fallback=fallback)
    vocab = {piece.text: i for i, piece in enumerate(pieces)}
    joined = {p.text: (p.score, i) for i, p in enumerate(pieces) if p.kind in {NORMAL, USER_DEFINED, UNUSED}}
    unknown = pieces[unk_id].text if unk_id is not None else None
    options = {"unk_token": unknown, "fuse_unk": True, "byte_fallback": fallback}
    model = models.BPE(vocab, merges_of_scores(joined), **options)
    unreached = [p.text for p in pieces if p.kind == USER_DEFINED and not _reaches(model, p.text)]
    if not unreached:
        return model
    # A symbol is cut out of the text and then is a token whole, which no merges make of it; looking whole parts up is
    # the same for every other piece that its own merges reach.
    wrong = next((p.text for p in pieces if p.kind == NORMAL and not _reaches(model, p.text)), None)
    if wrong is not None:
        got = f"the user-defined symbol {unreached[0]!r} beside the piece {wrong!r}, which no merges reach"
        raise not_a_tokenizer(name, got, expected="symbols that a tokenizer.json can hold")
    return models.BPE(vocab, merges_of_scores(joined), ignore_merges=True, **options)


def _reaches(model: models.BPE, text: str) -> bool:
    """Tell whether the merges make one token of a text."""
    return len(model.tokenize(text)) == 1


def _scores(pieces: Sequence[Piece]) -> list[tuple[str, float]]:
    """Return the scores of a Unigram model; a user-defined symbol gets the one by which it nearly always wins."""
    # As sentencepiece's unigram_model.cc: length in bytes times the best score of a normal piece, less 0.1. That best
    # score starts from the smallest positive float there, so with log probabilities it is as good as zero.
    best = max((piece.score for piece in pieces if piece.kind == NORMAL), default=0.0)
    bonus = max(best, 0.0)
    return [
        (piece.text, len(piece.text.encode()) * bonus - 0.1 if piece.kind == USER_DEFINED else piece.score)
        for piece in pieces
    ]


def read_proto(path: Path) -> Any:
    """Parse the protobuf message of a SentencePiece model."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from sentencepiece import sentencepiece_model_pb2

    expected, content = "a SentencePiece model", path.read_bytes()
    if TIKTOKEN.match(content):
        raise not_a_tokenizer(path.name, "a tiktoken file (base64 lines)", expected=expected, remedy=CONVERT)
    try:
        proto = sentencepiece_model_pb2.ModelProto.FromString(content)
    except DecodeError as error:
        raise not_a_tokenizer(path.name, "no message of that kind", expected=expected) from error
    if len(proto.pieces) < 2 or not all(piece.piece for piece in proto.pieces):
        raise not_a_tokenizer(path.name, f"{len(proto.pieces)} pieces", expected=expected)
    odd = proto.trainer_spec.treat_whitespace_as_suffix or not proto.normalizer_spec.escape_whitespaces
    if odd or proto.trainer_spec.model_type not in {UNIGRAM, BPE}:
        got = "a word, character or white-space-as-suffix model, or one without marks of white space"
        raise not_a_tokenizer(path.name, got, expected="a SentencePiece model of type unigram or BPE")
    return proto


def special_token_names(path: Path, config: Mapping[str, Any]) -> dict[str, str]:
    """Return ``{"bos_token": piece, ...}`` as the folder's class names them, or else the model file itself."""
    layout = layout_of(config, SENTENCEPIECE) or PLAIN
    if layout.roles:
        return {f"{role}_token": token for role, token in roles_of(layout, config).items()}
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


def _set_pipeline(
    backend: Tokenizer, proto: Any, pieces: Sequence[Piece], layout: ClassLayout, config: Mapping[str, Any]
) -> None:
    """Set normaliser, pre-tokenizer and decoder as the model's own specification says, after what its class does."""
    spec, trainer = proto.normalizer_spec, proto.trainer_spec
    prefix = bool(spec.add_dummy_prefix) and config.get("add_prefix_space") is not False
    symbols = sorted({p.text for p in pieces if p.kind == USER_DEFINED}, key=lambda text: (-len(text), text))
    steps = _cleaning(layout, config)
    protected: dict[str, str] = {}
    if spec.precompiled_charsmap:
        charsmap = normalizers.Precompiled(spec.precompiled_charsmap)
        # a symbol stays as it is, even where the charsmap would change it or join an accent to its last letter
        changed = [s for s in symbols if s[-1].isalpha() or charsmap.normalize_str(s) != s]
        protected = {symbol: chr(PLACEHOLDERS + i) for i, symbol in enumerate(changed)}
        steps += [normalizers.Replace(symbol, place) for symbol, place in protected.items()]
        steps.append(charsmap)
    if spec.remove_extra_whitespaces:
        marks = "".join(place for symbol, place in protected.items() if not symbol.strip(SPACE))
        outer = OUTER_SPACES.replace(SPACE, SPACE + marks)
        steps += [normalizers.Replace(Regex(outer), ""), normalizers.Replace(Regex(" {2,}"), " ")]
    steps += [normalizers.Replace(place, symbol) for symbol, place in protected.items()]
    scheme = "never"
    if prefix and spec.remove_extra_whitespaces:
        scheme = "always"
        steps.append(normalizers.Replace(Regex(LEADING_MARK), SPACE * 2))
    elif prefix:
        # subtle: Metaspace adds no mark before a leading space, SentencePiece does
        steps.append(normalizers.Prepend(" "))
    backend.normalizer = normalizers.Sequence(steps) if steps else None
    # subtle: pieces may only cross spaces where the trainer allowed it; splitting elsewhere is equal and faster
    crossing = any(SPACE in piece.text[1:] for piece in pieces) or not trainer.split_by_whitespace
    backend.pre_tokenizer = _splitter(scheme, not crossing, symbols if trainer.model_type == BPE else [])
    tail = [decoders.Strip(" ", 1, 0)] if prefix else []
    backend.decoder = decoders.Sequence([decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), *tail])


def _cleaning(layout: ClassLayout, config: Mapping[str, Any]) -> list[Any]:
    """Return what the class does to a text before the file's own normaliser."""
    if layout.cleans is None:
        return []
    keeps, lowers = (config.get(key) for key in ("keep_accents", "do_lower_case"))
    steps: list[Any] = []
    if "quotes" in layout.cleans:
        steps += [normalizers.Replace("``", '"'), normalizers.Replace("''", '"')]
    if "accents" in layout.cleans if not isinstance(keeps, bool) else not keeps and "quotes" in layout.cleans:
        steps += [normalizers.NFKD(), normalizers.StripAccents()]
    if "lower" in layout.cleans if not isinstance(lowers, bool) else lowers:
        steps.append(normalizers.Lowercase())
    return steps


def _splitter(scheme: str, split: bool, symbols: Sequence[str]) -> Any:
    """Return the pre-tokenizer; a BPE model's user-defined symbols are parts of their own, the longest first."""
    if not symbols:
        return pre_tokenizers.Metaspace(SPACE, prepend_scheme=scheme, split=split)
    pattern = Regex("|".join(map(re.escape, symbols)))
    parts = [
        pre_tokenizers.Metaspace(SPACE, prepend_scheme=scheme, split=False),
        pre_tokenizers.Split(pattern, "isolated"),
    ]
    return pre_tokenizers.Sequence([*parts, *([pre_tokenizers.Split(SPACE, "merged_with_next")] if split else [])])


def _declare(backend: Tokenizer, pieces: Iterable[Piece], config: Mapping[str, Any]) -> None:
    """Declare control symbols as special, and what the configuration adds with ids."""
    special = [AddedToken(p.text, special=True, normalized=False) for p in pieces if p.kind in {UNKNOWN, CONTROL}]
    backend.add_special_tokens(special)
    for i, entry in added_entries(config):
        token = entry["content"]
        if backend.token_to_id(token) is None and i != backend.get_vocab_size():
            got = f"added token {token!r} with id {i} after {backend.get_vocab_size()} tokens"
            raise not_a_tokenizer("tokenizer_config.json", got, expected="added tokens that follow the pieces")
        declare_added(backend, {"added_tokens_decoder": {str(i): entry}}, ())
    declare_added(backend, {key: value for key, value in config.items() if key != "added_tokens_decoder"}, ())


def _add_class_tokens(backend: Tokenizer, layout: ClassLayout, config: Mapping[str, Any]) -> None:
    """Add the special tokens that the class or the configuration names and no piece is, in the class's order."""
    more = layout.closing if layout.pieces_in_vocab else ()
    names = [*more, *roles_of(layout, config).values(), *further_tokens(config)]
    backend.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in dict.fromkeys(names)])


def _set_template(backend: Tokenizer, proto: Any, layout: ClassLayout, config: Mapping[str, Any]) -> None:
    """Set which special tokens surround a text."""
    if layout.template is not None:
        language = config.get("src_lang") or DEFAULT_LANGUAGE.get(class_of(config), "")
        names = {**roles_of(layout, config), "src_lang": _language_token(backend, str(language))}
        backend.post_processor = template_of(backend, layout.template, names)
        return
    # The file does not say. Models with byte fallback (Llama, Mistral) open with ``bos``; a configuration decides
    # otherwise.
    names = {"bos": proto.trainer_spec.bos_piece, "eos": proto.trainer_spec.eos_piece}
    opens = bool(proto.trainer_spec.byte_fallback)
    wanted = {"bos": config.get("add_bos_token", opens), "eos": config.get("add_eos_token", False)}
    used = {type_: names[type_] for type_ in names if wanted[type_] and backend.token_to_id(names[type_]) is not None}
    if used:
        opening, closing = (f"{used[type_]}{{}}" if type_ in used else "" for type_ in ("bos", "eos"))
        one, two = (
            [part.format(type_) for part in (opening, f"${text}{{}}", closing) if part]
            for text, type_ in (("A", ""), ("B", ":1"))
        )
        ids = [(token, backend.token_to_id(token)) for token in dict.fromkeys(used.values())]
        backend.post_processor = processors.TemplateProcessing(single=one, pair=[*one, *two], special_tokens=ids)


def _language_token(backend: Tokenizer, language: str) -> str:
    """Return the token of a language code, as the vocabulary spells it."""
    return language if backend.token_to_id(language) is not None else f"__{language}__"
