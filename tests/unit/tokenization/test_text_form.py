"""What a normaliser does to text, read from any of them, and a trained tokenizer that does the same."""

from __future__ import annotations

import json
import unicodedata
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, normalizers

from focus_core.corpus.corpus import Corpus, open_corpus
from focus_core.tokenization.encoding import DirectEncoder, WordEncoder, word_prefix
from focus_core.tokenization.text_form import TextForm, read_text_form, text_form
from focus_core.tokenization.training import train_tokenizer
from focus_core.tokenization.vocabulary import load_vocabulary, save_tokenizer_folder
from focus_core.types import Family, Normalization

LETTERS = [
    c
    for c in map(chr, range(0x30000))
    if c.isalpha() and unicodedata.name(c, "").startswith(("LATIN", "GREEK", "CYRILLIC"))
]
ODD = set("İͺ")
"""A charsmap that folds case leaves the first, and StripAccents without a letter makes nothing of the second."""
UNCASED = TextForm(lower=True, strips_accents=True, unicode_form="NFC")
FOLDED = TextForm(lower=True, folds="ςᲀᲁᲂᲃᲄᲅᲆᲇᲈ", unicode_form="NFKC")
SCRIPTS = {
    "Hindi": "हिन्दी में किताबें और क़लम बिकती हैं",
    "Thai": "เด็กๆ กินข้าวและดื่มน้ำที่ตลาด",
    "Arabic": "يَبِيعُ الفَلَّاحُ آنِيَةً فِي السُّوقِ",
    "Hebrew": "הַיְלָדִים קוֹנִים לֶחֶם שָׁם",
    "Korean": "아이들이 시장에서 빵을 삽니다",
    "Japanese": "がくせいがパンをかう",
    "Tamil": "குழந்தைகள் சந்தையில் பழம் வாங்குகிறார்கள்",
}
VIETNAMESE = "Những đứa trẻ mua bánh mì ở chợ Đông Ba"
LINES = [
    "Der Müller verkauft Brötchen, Käse und Äpfel auf dem großen Markt in Köln.",
    "Ärzte und Müller kaufen früh am Morgen süßes Gebäck ein.",
    "Die Kinder hören Öfen knistern und üben Flöte.",
    "Καλημέρα, οι άνθρωποι αγοράζουν ψωμί στην Αθήνα.",
    "Продавец ёлок и йогурта открыл лавку.",
    VIETNAMESE,
    *SCRIPTS.values(),
]
SIZES = {Family.UNIGRAM: 215, Family.BYTE_LEVEL_BPE: 340, Family.WORDPIECE: 420}


@cache
def charsmap(rule: str) -> normalizers.Normalizer:
    """Return the normaliser that SentencePiece has by a name."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    made = sentencepiece.SentencePieceNormalizer(rule_name=rule).serialized_model_proto()
    spec = sentencepiece_model_pb2.ModelProto.FromString(made).normalizer_spec
    return normalizers.Precompiled(spec.precompiled_charsmap)


def kinds() -> dict[str, tuple[normalizers.Normalizer, TextForm]]:
    """Return normalisers of models in use, each with what it does."""
    n = normalizers
    return {
        "BERT, uncased": (n.BertNormalizer(), UNCASED),
        "BERT, cased": (n.BertNormalizer(lowercase=False), TextForm()),
        "BERT, lower-case with accents": (n.BertNormalizer(strip_accents=False), TextForm(lower=True)),
        "BERT, cased without accents": (
            n.BertNormalizer(lowercase=False, strip_accents=True),
            TextForm(strips_accents=True, unicode_form="NFC"),
        ),
        "ALBERT": (
            n.Sequence([n.NFKD(), n.StripAccents(), n.Lowercase(), charsmap("nmt_nfkc")]),
            TextForm(lower=True, strips_accents=True, unicode_form="NFKC"),
        ),
        "CLIP": (
            n.Sequence([n.NFC(), n.Replace(Regex(r"\s+"), " "), n.Lowercase()]),
            TextForm(lower=True, unicode_form="NFC"),
        ),
        "XLM-R": (
            n.Sequence([charsmap("nmt_nfkc"), n.Replace(Regex(" {2,}"), " ")]),
            TextForm(unicode_form="NFKC"),
        ),
        "charsmap that folds case": (charsmap("nmt_nfkc_cf"), FOLDED),
        "charsmap that folds case, no white space": (charsmap("nfkc_cf"), FOLDED),
        "Llama": (n.Sequence([n.Prepend("▁"), n.Replace(" ", "▁")]), TextForm()),
        "lower-case": (n.Lowercase(), TextForm(lower=True)),
        "NFD and no accents": (
            n.Sequence([n.NFD(), n.StripAccents()]),
            TextForm(strips_accents=True, unicode_form="NFC"),
        ),
        "no combining marks": (n.StripAccents(), TextForm()),
        **{name: (getattr(n, name)(), TextForm(unicode_form=name)) for name in ("NFC", "NFD", "NFKC", "NFKD")},
        "white space": (n.Sequence([n.Nmt(), n.Strip()]), TextForm()),
        "a letter of its own": (n.Replace("ё", "е"), TextForm()),
        "nothing left": (n.Replace(Regex("."), ""), TextForm()),
        "nothing left but ASCII": (n.Replace(Regex(r"[^\x00-\x7f]"), "?"), TextForm()),
        "capitals are one": (n.Replace(Regex(r"\p{Lu}"), "x"), TextForm()),
        "marked and folded": (n.Sequence([charsmap("nmt_nfkc_cf"), n.Prepend("▁"), n.Replace(" ", "▁")]), FOLDED),
    }


def applied(form: TextForm):
    return normalizers.Sequence(form.steps()).normalize_str


@pytest.mark.parametrize("name", kinds())
def test_every_kind_of_normaliser_is_read(name: str) -> None:
    normalizer, form = kinds()[name]
    assert read_text_form(normalizer) == form


def test_no_normaliser_does_nothing() -> None:
    assert read_text_form(None) == TextForm()
    assert TextForm().steps() == []


@pytest.mark.parametrize("name", [name for name in kinds() if kinds()[name][1] != TextForm() and "marked" not in name])
def test_letters_become_what_the_source_makes_of_them(name: str) -> None:
    """Every Latin, Greek and Cyrillic letter that Unicode has."""
    normalizer, form = kinds()[name]
    own = applied(form)
    differing = {c for c in LETTERS if own(c) != normalizer.normalize_str(c)}
    assert differing <= ODD


FORMS = list(dict.fromkeys(form for _, form in kinds().values() if form != TextForm()))


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_form_is_read_back_from_its_own_normaliser(form: TextForm) -> None:
    assert read_text_form(normalizers.Sequence(form.steps())) == form


@pytest.mark.parametrize("form", FORMS, ids=str)
@settings(max_examples=40, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=20))
def test_a_second_time_nothing_changes(form: TextForm, text: str) -> None:
    once = applied(form)(text)
    assert applied(form)(once) == once


WORDS = st.builds(str.__add__, st.sampled_from(LETTERS), st.text("\u0301\u0308\u0323\u0345", max_size=2))


@settings(max_examples=100, deadline=None)
@given(words=st.lists(st.lists(WORDS, max_size=5).map("".join) | st.just("12"), max_size=4))
def test_texts_become_what_an_uncased_source_makes_of_them(words: list[str]) -> None:
    text = " ".join(words)
    assert applied(UNCASED)(text) == normalizers.BertNormalizer().normalize_str(text)


@pytest.mark.parametrize("language", SCRIPTS)
@pytest.mark.parametrize("form", [UNCASED, FOLDED, TextForm(strips_accents=True, unicode_form="NFKC")], ids=str)
def test_marks_of_other_scripts_stay(language: str, form: TextForm) -> None:
    unicode_form = form.unicode_form
    assert applied(form)(SCRIPTS[language]) == unicodedata.normalize(unicode_form, SCRIPTS[language])


def test_what_is_stripped_is_stripped() -> None:
    assert applied(UNCASED)("Größe ÀÉÎ İstanbul") == "große aei istanbul"
    assert applied(UNCASED)("Ἄνθρωπος Йод Ёлка") == "ανθρωπος иод елка"
    assert applied(UNCASED)(VIETNAMESE) == "nhung đua tre mua banh mi o chơ đong ba".replace("chơ", "cho")
    assert applied(UNCASED)("e\u0301\u0323 ´ 3\u0301") == "e ´ 3\u0301", "no letter, no accent"


def test_what_is_asked_for() -> None:
    uncased = normalizers.BertNormalizer()
    assert text_form(Normalization.INHERIT, uncased) == UNCASED
    assert text_form(Normalization.NONE, uncased) == TextForm()
    assert text_form(Normalization.NFC, uncased) == TextForm(unicode_form="NFC")
    assert text_form(Normalization.NFKC, None) == TextForm(unicode_form="NFKC")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    path = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    path.write_text("\n".join(LINES * 3), encoding="utf-8")
    return open_corpus([path])


@pytest.mark.parametrize("family", sorted(SIZES))
@pytest.mark.parametrize("form", [UNCASED, FOLDED, TextForm(unicode_form="NFD")], ids=str)
def test_a_trained_tokenizer_has_the_form_and_keeps_it_when_it_is_loaded(
    corpus: Corpus, tmp_path: Path, family: Family, form: TextForm
) -> None:
    from transformers import AutoTokenizer

    trained = train_tokenizer(corpus, family=family, vocab_size=SIZES[family], form=form)
    save_tokenizer_folder(trained, tmp_path / "saved")
    loaded = load_vocabulary(tmp_path / "saved")
    auto = AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert read_text_form(loaded.backend.normalizer) == read_text_form(auto.backend_tokenizer.normalizer) == form
    assert loaded.digest == trained.digest
    texts = [t for t, kind in zip(trained.texts, trained.kinds, strict=True) if kind == 0]
    longer = [t for t in texts if len(t) > 1]  # a byte-level BPE has every byte
    assert len(longer) >= 8
    assert [t for t in longer if applied(form)(t) != t] == [], "trained on the text as it is normalised"
    for line in LINES:
        ids = trained.backend.encode(line).ids
        assert auto(line)["input_ids"] == ids
        read = trained.backend.decode(ids).replace(" ", "")
        assert read == applied(form)(line).replace(" ", "") or trained.special_token_types["unk"] in ids
    assert word_prefix(trained.backend) is not None, "words are still tokenised once each"


@pytest.fixture(scope="module")
def encoders(corpus: Corpus) -> list[tuple[DirectEncoder, WordEncoder]]:
    """Return both encoders of trained tokenizers of every form, families in turn."""
    found = []
    for form, family in zip(FORMS, sorted(SIZES) * len(FORMS), strict=False):
        backend = train_tokenizer(corpus, family=family, vocab_size=SIZES[family], form=form).backend
        direct = DirectEncoder(backend, [str(i).encode() for i in range(backend.get_vocab_size())])
        found.append((direct, WordEncoder(direct, prefix=str(word_prefix(backend)))))
    return found


MARKED = st.text(st.sampled_from(" aÉßςΆйİ\u0301\u0345\u0308한ガｶﾞﾞ´ͺ™①हि중ｱ\u200d\u00a0-7"), max_size=14)


@settings(max_examples=40, deadline=None)
@given(lines=st.lists(MARKED, min_size=1, max_size=4))
def test_words_apart_are_words_together(encoders: list[tuple[DirectEncoder, WordEncoder]], lines: list[str]) -> None:
    for direct, words in encoders:
        assert words.encode(lines).rows == direct.encode(lines).rows


def test_a_unicode_form_that_sentencepiece_has_of_its_own_changes_no_byte(corpus: Corpus) -> None:
    plain = train_tokenizer(corpus, family=Family.UNIGRAM, vocab_size=SIZES[Family.UNIGRAM])
    inherited = train_tokenizer(
        corpus, family=Family.UNIGRAM, vocab_size=SIZES[Family.UNIGRAM], form=TextForm(unicode_form="NFKC")
    )
    assert inherited.backend.to_str() == plain.backend.to_str()
    assert read_text_form(plain.backend.normalizer) == TextForm(unicode_form="NFKC")


def test_a_unicode_form_of_its_own_takes_the_place_of_sentencepieces(corpus: Corpus) -> None:
    form = TextForm(unicode_form="NFC")
    trained = train_tokenizer(corpus, family=Family.UNIGRAM, vocab_size=SIZES[Family.UNIGRAM], form=form)
    assert read_text_form(trained.backend.normalizer) == form
    assert "Precompiled" not in json.dumps(json.loads(trained.backend.to_str())["normalizer"])
    assert trained.backend.encode("Die\u00a0  Kinder").tokens == trained.backend.encode("Die\u00a0 Kinder").tokens


@pytest.mark.parametrize("family", sorted(SIZES))
def test_no_form_is_the_tokenizer_of_before(corpus: Corpus, family: Family) -> None:
    trained = train_tokenizer(corpus, family=family, vocab_size=SIZES[family])
    assert train_tokenizer(corpus, family=family, vocab_size=SIZES[family], form=TextForm()).digest == trained.digest
    assert any(t != t.lower() for t in trained.texts if "<" not in t and "[" not in t)
    assert isinstance(trained.backend, Tokenizer)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (TextForm(), "text as it is written"),
        (TextForm(lower=True), "lower-case text"),
        (UNCASED, "lower-case text without accents, in Unicode form NFC"),
        (FOLDED, "case-folded text, in Unicode form NFKC"),
        (TextForm(unicode_form="NFKC"), "text in Unicode form NFKC"),
        (TextForm(strips_accents=True), "text without accents"),
    ],
)
def test_words(form: TextForm, words: str) -> None:
    assert form.words == words


def test_who_keeps_more() -> None:
    assert TextForm().keeps_more_than(UNCASED)
    assert TextForm(lower=True).keeps_more_than(UNCASED)
    assert not UNCASED.keeps_more_than(TextForm())
    assert not TextForm(lower=True).keeps_more_than(TextForm(lower=True, unicode_form="NFKC"))
