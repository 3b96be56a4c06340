"""Extending a tokenizer: source ids stay, appended tokens are really produced, texts come back whole."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from focus_core.errors import VocabularyError
from focus_core.initialization.overlap.extension import Extension, extend_tokenizer
from focus_core.initialization.overlap.merges import MergePlan, merge_tree, plan_merges
from focus_core.tokenization.encoding import OUTER_SPACES
from focus_core.tokenization.vocabulary import Vocabulary, load_vocabulary, vocabulary_from_backend
from focus_core.types import SpecialTokenType
from tests.tiny_models import FAMILIES, SOURCE_LINES, TARGET_LINES, TOKENIZERS, target_tokenizer, tiny_tokenizer

LINES = (*SOURCE_LINES, *TARGET_LINES, "Brot und Milch am Markt")
LOSSLESS = ("roberta", "gpt2", "llama")


def pair(source: str, target: str, folder: Path) -> tuple[Vocabulary, Vocabulary]:
    paths = tiny_tokenizer(source, folder / "source"), target_tokenizer(target, folder / "target")
    return load_vocabulary(paths[0]), load_vocabulary(paths[1])


def appended_ids(extension: Extension) -> np.ndarray:
    return extension.extended_ids[extension.appended]


def encode(vocabulary: Vocabulary, text: str) -> list[str]:
    return vocabulary.backend.encode(text, add_special_tokens=False).tokens


@pytest.mark.parametrize("target", FAMILIES)
@pytest.mark.parametrize("source", FAMILIES)
def test_every_source_id_keeps_its_token(source: str, target: str, tmp_path: Path) -> None:
    """For all pairs of families: ids below n_source are the source's, new ids follow without a gap, each once."""
    old, new = pair(source, target, tmp_path)
    extension = extend_tokenizer(old, new)
    extended = extension.vocabulary
    assert extended.tokens[: old.n] == old.tokens
    assert extended.identities[: old.n] == old.identities
    assert {role: i for role, i in extended.special_token_types.items() if i < old.n} == dict(old.special_token_types)
    assert extended.present.all()
    assert sorted(appended_ids(extension)) == list(range(old.n, extended.n))
    assert extended.n == old.n + extension.n_pieces + extension.n_added_tokens
    everyone = np.concatenate([extension.target_ids, extension.left_out])
    assert sorted(everyone) == np.flatnonzero(new.present).tolist()


@pytest.mark.parametrize("target", FAMILIES)
@pytest.mark.parametrize("source", FAMILIES)
def test_mapped_tokens_are_the_same_text(source: str, target: str, tmp_path: Path) -> None:
    """A target token of text and its place read the same or are the same byte, and no two of text share a place."""
    old, new = pair(source, target, tmp_path)
    extension = extend_tokenizer(old, new)
    is_text = new.kinds[extension.target_ids] == 0
    places = extension.extended_ids[is_text].tolist()
    for i, place in zip(extension.target_ids[is_text].tolist(), places, strict=True):
        byte = "".join(f"<0x{byte:02X}>" for byte in new.contents[i])
        assert extension.vocabulary.texts[place] in {new.texts[i], byte}
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("target", FAMILIES)
@pytest.mark.parametrize("source", LOSSLESS)
def test_text_comes_back_whole(source: str, target: str, tmp_path: Path) -> None:
    """What the source tokenizer gives back from its ids, the extended one gives back from its own."""
    old, new = pair(source, target, tmp_path)
    extended = extend_tokenizer(old, new).vocabulary
    compared = 0
    for line in LINES:
        before = old.backend.encode(line, add_special_tokens=False)
        after = extended.backend.encode(line, add_special_tokens=False)
        if old.backend.decode(before.ids) == line:  # a Unigram model without bytes loses unknown characters
            assert extended.backend.decode(after.ids) == line
            compared += 1
    assert compared >= 4


@pytest.mark.parametrize("family", FAMILIES)
def test_trap_no_helper_to_extend_a_tokenizer(family: str, tmp_path: Path) -> None:
    """Text of the target language is read with appended ids, and with fewer tokens than before."""
    old, new = pair(family, family, tmp_path)
    extension = extend_tokenizer(old, new)
    assert extension.n_added_tokens == 0
    used = {i for line in TARGET_LINES for i in extension.vocabulary.backend.encode(line).ids}
    assert len(used & set(appended_ids(extension).tolist())) >= 10
    n_before = sum(len(old.backend.encode(line).ids) for line in TARGET_LINES)
    n_after = sum(len(extension.vocabulary.backend.encode(line).ids) for line in TARGET_LINES)
    assert n_after < n_before


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_every_appended_bpe_piece_is_reached(family: str, tmp_path: Path) -> None:
    """The model itself, given the piece's own string, answers with that one piece."""
    old, new = pair(family, family, tmp_path)
    extension = extend_tokenizer(old, new)
    model = extension.vocabulary.backend.model
    for i in appended_ids(extension).tolist():
        token = extension.vocabulary.tokens[i]
        assert [piece.id for piece in model.tokenize(token)] == [i], token


@pytest.mark.parametrize("family", FAMILIES)
def test_extending_by_itself_changes_nothing(family: str, tmp_path: Path) -> None:
    folder = tiny_tokenizer(family, tmp_path / "one")
    old = load_vocabulary(folder)
    extension = extend_tokenizer(old, load_vocabulary(folder))
    assert extension.vocabulary.tokens == old.tokens
    assert not extension.appended.any()
    assert np.array_equal(extension.target_ids, extension.extended_ids)
    assert all(encode(extension.vocabulary, line) == encode(old, line) for line in LINES)


def test_arrays_cannot_be_written(tmp_path: Path) -> None:
    extension = extend_tokenizer(*pair("bert", "bert", tmp_path))
    with pytest.raises(ValueError, match="read-only"):
        extension.extended_ids[0] = 3


# --- Unigram ----------------------------------------------------------------------------------------------------


def unigram(pieces: list[tuple[str, float]], *, added: tuple[str, ...] = ()) -> Vocabulary:
    tokenizer = Tokenizer(models.Unigram([("<unk>", 0.0), *pieces], unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens([AddedToken("<unk>", normalized=False)])
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in added])
    return vocabulary_from_backend(tokenizer, name="u")


def test_scores_come_along_on_the_sources_scale() -> None:
    """Shared pieces ▁a, b, c score -5, -6, -9 here and -2, -3, -4 there: differences -3, -3, -5, median -3.

    The new piece ▁ab scores -2.5 there, so -5.5 here: better than ▁a + b at -11, hence produced.
    """
    source = unigram([("▁a", -5.0), ("b", -6.0), ("c", -9.0)])
    target = unigram([("▁a", -2.0), ("b", -3.0), ("c", -4.0), ("▁ab", -2.5)])
    extension = extend_tokenizer(source, target)
    assert extension.score_shift == -3.0
    vocab = json.loads(extension.vocabulary.backend.to_str())["model"]["vocab"]
    assert vocab[-1] == ["▁ab", -5.5]
    assert encode(extension.vocabulary, "ab ac") == ["▁ab", "▁a", "c"]


def test_added_tokens_of_the_source_keep_their_ids() -> None:
    """<mask> has id 3, after the model's three pieces: new pieces come after it, not over it."""
    source = unigram([("▁a", -5.0), ("b", -6.0)], added=("<mask>",))
    extension = extend_tokenizer(source, unigram([("▁a", -5.0), ("▁zz", -2.0)]))
    assert extension.vocabulary.tokens == ("<unk>", "▁a", "b", "<mask>", "▁zz")
    assert extension.vocabulary.special_token_types[SpecialTokenType.MASK] == 3
    assert (
        encode(extension.vocabulary, "zz <mask> a")
        == ["▁zz", "▁", "<mask>", "▁a"][:1] + encode(extension.vocabulary, "zz <mask> a")[1:]
    )
    assert extension.vocabulary.backend.encode("<mask>").ids == [3]


# --- BPE --------------------------------------------------------------------------------------------------------


def bpe(tokens: str, merges: str) -> Vocabulary:
    """Return a byte-level BPE from ``"a b ab"`` and ``"a+b"``."""
    names = tokens.split()
    pairs = [(left, right) for left, _, right in (merge.partition("+") for merge in merges.split())]
    tokenizer = Tokenizer(models.BPE({name: i for i, name in enumerate(names)}, pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return vocabulary_from_backend(tokenizer, name="b")


def test_merges_follow_the_sources_cut() -> None:
    """The target makes `abc` from a+bc, but the source has already joined a+b: the new merge is ab+c."""
    extension = extend_tokenizer(bpe("a b c ab", "a+b"), bpe("a b c bc abc", "b+c a+bc"))
    assert encode(extension.vocabulary, "abc") == ["abc"]
    merges = json.loads(extension.vocabulary.backend.to_str())["model"]["merges"]
    assert merges == [["a", "b"], ["b", "c"], ["ab", "c"]]
    assert encode(extension.vocabulary, "ab") == ["ab"]


def test_piece_without_a_way_is_left_out() -> None:
    """The source cuts `abcd` into a, bc, d; neither abc nor bcd is a token, so nothing joins them."""
    extension = extend_tokenizer(bpe("a b c d bc", "b+c"), bpe("a b c d ab cd abcd", "a+b c+d ab+cd"))
    assert [extension.vocabulary.tokens[i] for i in appended_ids(extension)] == ["ab", "cd"]
    assert extension.left_out.tolist() == [6]
    assert encode(extension.vocabulary, "abcd") == ["a", "bc", "d"]


def test_whole_word_without_a_way_is_found_by_its_string() -> None:
    """As above with the word mark: `Ġabcd` is a whole word, so no merge is needed."""
    source = bpe("a b c d Ġ bc", "b+c")
    extension = extend_tokenizer(source, bpe("a b c d Ġ Ġa cd Ġab Ġabcd", "Ġ+a c+d Ġa+b Ġab+cd"))
    assert encode(extension.vocabulary, "a abcd") == ["a", "Ġabcd"]
    assert encode(extension.vocabulary, "a abcda")[1:] != ["Ġabcd", "a"]


def test_bytes_that_are_no_text_are_pieces_of_byte_level_bpe() -> None:
    """The first two bytes of a three-byte character: Ã and ł are E0... as GPT-2 writes them."""
    source, target = bpe("à ¤ ħ", ""), bpe("à ¤ ħ à¤", "à+¤")
    extension = extend_tokenizer(source, target)
    assert extension.vocabulary.tokens[3] == "à¤"
    assert encode(extension.vocabulary, "अ") == ["à¤", "ħ"]


def test_byte_level_target_of_a_sentencepiece_source(tmp_path: Path) -> None:
    """Both are BPE, so tokens are respelt: ``Ġder`` is appended as ``▁der``."""
    source, target = pair("llama", "gpt2", tmp_path)
    extension = extend_tokenizer(source, target)
    assert extension.n_pieces > 20
    assert extension.n_added_tokens <= 1
    place = dict(zip(extension.target_ids.tolist(), extension.extended_ids.tolist(), strict=True))
    token = next(i for i, t in enumerate(target.tokens) if t.startswith("Ġ") and place.get(i, 0) >= source.n)
    assert extension.vocabulary.tokens[place[token]] == "▁" + target.texts[token]


def test_appended_specials_get_their_role(tmp_path: Path) -> None:
    """GPT-2 has no padding token; BERT's is appended and takes the role, and no text is cut by it."""
    source, target = pair("gpt2", "bert", tmp_path)
    extension = extend_tokenizer(source, target)
    extended = extension.vocabulary
    assert SpecialTokenType.PAD not in source.special_token_types
    assert extended.tokens[extended.special_token_types[SpecialTokenType.PAD]] == "[PAD]"
    assert extended.special_token_types[SpecialTokenType.PAD] >= source.n
    assert (
        extended.kinds[extended.special_token_types[SpecialTokenType.PAD]]
        == source.kinds[source.special_token_types[SpecialTokenType.EOS]]
    )


# --- other pairs ------------------------------------------------------------------------------------------------


def test_tokens_that_a_lower_casing_source_cannot_see_are_left_out() -> None:
    """`Haus` becomes `haus` before the model sees it: a row for it could never be used."""
    names = ["[UNK]", "haus", "h", "##a"]
    backends = []
    for lowercase, extra in ((True, []), (False, ["Haus", "baum"])):
        tokenizer = Tokenizer(models.WordPiece({n: i for i, n in enumerate([*names, *extra])}, unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        backends.append(vocabulary_from_backend(tokenizer, name="w"))
    extension = extend_tokenizer(*backends)
    assert [backends[1].tokens[i] for i in extension.left_out] == ["Haus"]
    assert encode(extension.vocabulary, "Baum Haus") == ["baum", "haus"]


def test_added_tokens_that_a_byte_level_decoder_would_break_are_left_out(tmp_path: Path) -> None:
    """`größer` is in GPT-2's alphabet, so the decoder reads ö as byte F6; ` größer` is not, and comes back."""
    lines = ("größer und größer", "x größer")
    source = load_vocabulary(tiny_tokenizer("gpt2", tmp_path / "source"))
    target = load_vocabulary(tiny_tokenizer("roberta", tmp_path / "target", lines))
    extended = extend_tokenizer(source, target).vocabulary
    assert " größer" in extended.tokens
    assert extended.backend.decode(extended.backend.encode("x größer, ößö").ids) == "x größer, ößö"


def test_source_with_id_gaps_is_refused() -> None:
    backend = Tokenizer(models.WordLevel({"a": 0, "[UNK]": 3}, unk_token="[UNK]"))
    source = vocabulary_from_backend(backend, name="gappy")
    with pytest.raises(VocabularyError, match="none for id 1; replace the vocabulary"):
        extend_tokenizer(source, source)


def test_extended_tokenizer_survives_its_folder(tmp_path: Path) -> None:
    """Saved and loaded again, by this library and by transformers: the same ids."""
    from transformers import AutoTokenizer

    from focus_core.tokenization.vocabulary import save_tokenizer_folder

    for number, (source, target) in enumerate((s, t) for s in FAMILIES for t in FAMILIES):
        folder = tmp_path / str(number)
        extended = extend_tokenizer(*pair(source, target, folder)).vocabulary
        save_tokenizer_folder(extended, folder / "saved")
        again = load_vocabulary(folder / "saved")
        theirs = AutoTokenizer.from_pretrained(folder / "saved")
        assert again.tokens == extended.tokens
        assert again.special_token_types == extended.special_token_types
        for line in LINES:
            ids = extended.backend.encode(line).ids
            assert again.backend.encode(line).ids == theirs(line)["input_ids"] == ids


@pytest.mark.parametrize(
    ("source", "target", "n_pieces", "n_left_out"),
    [
        ("xlm-roberta-base-rebuilt", "focus-sw-xlmr-unigram-50k", 37_680, 0),
        ("gpt2", "focus-sw-bpe-50k", 30_000, 3_000),
        ("llama2/tokenizer.model", "focus-sw-bpe-50k", 30_000, 5_000),
    ],
)
def test_real_tokenizers(data_dir: Path, source: str, target: str, n_pieces: int, n_left_out: int) -> None:
    """At least so many pieces, at most so many left out; Swahili gets shorter, and no line changes its text."""
    old, new = (load_vocabulary(data_dir / "tokenizers" / name) for name in (source, target))
    extension = extend_tokenizer(old, new)
    assert extension.n_pieces >= n_pieces
    assert len(extension.left_out) <= n_left_out
    lines = (data_dir / "corpora" / "sw" / "voa_news.txt").read_text(encoding="utf-8").splitlines()[:300]
    before = old.backend.encode_batch(lines, add_special_tokens=False)
    after = extension.vocabulary.backend.encode_batch(lines, add_special_tokens=False)
    assert sum(len(e.ids) for e in after) < 0.8 * sum(len(e.ids) for e in before)
    for ours, theirs in zip(after, before, strict=True):
        assert extension.vocabulary.backend.decode(ours.ids) == old.backend.decode(theirs.ids)


# --- merge plan -------------------------------------------------------------------------------------------------


def test_tree_of_merges() -> None:
    """a, b, c, d join as (a b) (c d) when ab and cd are tokens, and not at all when only bc is."""
    assert merge_tree("abcd", {*"abcd", "ab", "cd"}) == [("a", "b"), ("c", "d"), ("ab", "cd")]
    assert merge_tree("abcd", {*"abcd", "bc"}) == []
    assert merge_tree("ab", {"a"}) == []
    assert merge_tree("a", {"a"}) == []


def test_plan_tries_again_when_a_way_opened() -> None:
    """`abc` and `de` come first by length; then `abcde` is abc + de."""
    reached, merges, unreached = plan_merges("abcde", [], ["abcde", "ab", "abc", "de", "xy"])
    assert reached == ["ab", "de", "abc", "abcde"]
    assert merges == [("a", "b"), ("d", "e"), ("ab", "c"), ("abc", "de")]
    assert unreached == ["xy"]


words = st.text("abc", min_size=1, max_size=7)


@settings(max_examples=200, deadline=None)
@given(st.lists(words, max_size=12), st.lists(words, max_size=12), st.lists(words, max_size=10))
def test_plan_holds_for_any_vocabulary(old: list[str], new: list[str], texts: list[str]) -> None:
    """Reached tokens cut to themselves; old tokens cut as before; the library's own BPE agrees on every text."""
    _, merges, _ = plan_merges("abc", [], old)
    tokens = ["a", "b", "c", *dict.fromkeys(a + b for a, b in merges)]
    reached, added, unreached = plan_merges(tokens, merges, new)
    plan = MergePlan([*tokens, *reached], [*merges, *added])
    assert all(plan.cut(token) == [token] for token in [*tokens, *reached])
    assert set(reached) | set(unreached) == set(new) - set(tokens)
    names = {token: i for i, token in enumerate([*tokens, *reached])}
    theirs = models.BPE(names, [*merges, *added])
    for text in texts:
        assert plan.cut(text) == [piece.value for piece in theirs.tokenize(text)]


MARKING = {
    "stripped": (
        normalizers.Sequence([normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " ")]),
        pre_tokenizers.Metaspace(),
    ),
    "stripped as sentencepiece does": (normalizers.Replace(Regex(OUTER_SPACES), ""), pre_tokenizers.Metaspace()),
    "cut at white space": (
        normalizers.NFKC(),
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]),
    ),
    "marked by the normaliser": (normalizers.Prepend(" "), pre_tokenizers.Metaspace(prepend_scheme="never")),
    "marked alone": (normalizers.NFKC(), pre_tokenizers.Metaspace()),
}
"""How SentencePiece models, and the classes made of them, mark where a word starts."""


@pytest.mark.parametrize("target", ["gpt2", "bert", "llama"])
@pytest.mark.parametrize("marking", MARKING)
def test_a_space_behind_an_added_token_is_kept(marking: str, target: str, tmp_path: Path) -> None:
    """Whatever takes spaces off the ends of a text, or puts a mark there, does not do so behind an added token."""
    backend = TOKENIZERS["roberta"][0]()
    backend.normalizer, backend.pre_tokenizer = MARKING[marking]
    source = vocabulary_from_backend(backend, name="source")
    extension = extend_tokenizer(source, load_vocabulary(target_tokenizer(target, tmp_path / "target")))
    assert extension.n_added_tokens
    extended = extension.vocabulary.backend
    for text in ("the farmer sells Milch the bread", "the Markt the rain", "farmer the market"):
        assert extended.decode(extended.encode(text, add_special_tokens=False).ids).strip() == text
