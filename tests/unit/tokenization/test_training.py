"""Training a tokenizer: the sizes asked for, the sizes refused, and equal text giving an equal tokenizer."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from focus_core.corpus.corpus import Corpus, open_corpus
from focus_core.errors import CorpusError
from focus_core.tokenization import training as tokenizer_training
from focus_core.tokenization.training import suggest_vocab_size, train_tokenizer
from focus_core.types import Family
from tests.conftest import ROOT, SENTENCES

SIZES = {Family.UNIGRAM: 100, Family.BYTE_LEVEL_BPE: 290, Family.WORDPIECE: 190}
FAMILIES = sorted(SIZES)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(SENTENCES * 3), encoding="utf-8")
    return open_corpus([path])


@pytest.mark.parametrize("family", FAMILIES)
def test_exact_size_family_and_special_tokens(corpus: Corpus, family: Family) -> None:
    vocabulary = train_tokenizer(corpus, family=family, vocab_size=SIZES[family])
    assert vocabulary.n == vocabulary.n_present == SIZES[family]
    assert vocabulary.family is family
    names = {str(type_): vocabulary.tokens[i] for type_, i in vocabulary.special_token_types.items()}
    if family is Family.WORDPIECE:
        assert names == {
            "pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]",
        }  # fmt: skip
        assert vocabulary.tokens[:5] == ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    else:
        assert names == {
            "bos": "<s>", "cls": "<s>", "pad": "<pad>", "eos": "</s>", "sep": "</s>", "unk": "<unk>", "mask": "<mask>",
        }  # fmt: skip
        assert vocabulary.tokens[:4] == ("<s>", "<pad>", "</s>", "<unk>")


@pytest.mark.parametrize("family", FAMILIES)
def test_text_survives_the_round_trip(corpus: Corpus, family: Family) -> None:
    backend = train_tokenizer(corpus, family=family, vocab_size=SIZES[family]).backend
    text = "Der Bauer verkauft Milch, Eier und Brot auf dem Markt."
    assert backend.decode(backend.encode(text).ids).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("family", FAMILIES)
def test_size_that_the_corpus_cannot_support_names_the_largest(corpus: Corpus, family: Family) -> None:
    """The size it names is then accepted, and one more is not."""
    with pytest.raises(CorpusError, match="the largest that this corpus supports") as caught:
        train_tokenizer(corpus, family=family, vocab_size=50_000)
    assert "\n" not in str(caught.value)
    (largest,) = re.findall(r"at most ([\d,]+),", str(caught.value))
    size = int(largest.replace(",", ""))
    assert train_tokenizer(corpus, family=family, vocab_size=size).n == size
    with pytest.raises(CorpusError, match=f"at most {largest}"):
        train_tokenizer(corpus, family=family, vocab_size=size + 1)


@pytest.mark.parametrize("family", FAMILIES)
def test_size_smaller_than_the_characters_names_the_smallest(corpus: Corpus, family: Family) -> None:
    with pytest.raises(CorpusError, match="its characters and the special tokens") as caught:
        train_tokenizer(corpus, family=family, vocab_size=10)
    (smallest,) = re.findall(r"at least ([\d,]+):", str(caught.value))
    assert train_tokenizer(corpus, family=family, vocab_size=int(smallest)).n == int(smallest)


@pytest.mark.parametrize("family", FAMILIES)
def test_corpus_without_text(tmp_path: Path, family: Family) -> None:
    (tmp_path / "blank.txt").write_text("\n \n", encoding="utf-8")
    with pytest.raises(CorpusError, match="text to train a tokenizer on"):
        train_tokenizer(open_corpus([tmp_path / "blank.txt"]), family=family, vocab_size=300)


def test_family_that_is_not_trained(corpus: Corpus) -> None:
    with pytest.raises(CorpusError, match="unigram, bpe or wordpiece, got wordlevel"):
        train_tokenizer(corpus, family=Family.WORDLEVEL, vocab_size=100)


def test_equal_text_gives_an_equal_tokenizer_in_every_process(corpus: Corpus) -> None:
    """Hash tables of the trainers differ between processes; ids, scores and merges must not."""
    code = (
        "from focus_core.corpus.corpus import open_corpus; from focus_core.types import Family\n"
        "from focus_core.tokenization.training import train_tokenizer\n"
        f"corpus = open_corpus([{str(corpus.paths[0])!r}])\n"
        f"for family, size in {[(str(f), n) for f, n in SIZES.items()]!r}:\n"
        "    print(train_tokenizer(corpus, family=Family(family), vocab_size=size).digest)\n"
    )
    runs = [subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True) for _ in range(2)]
    assert runs[0].stdout == runs[1].stdout
    assert len(set(runs[0].stdout.split())) == len(SIZES)


@pytest.mark.parametrize("family", FAMILIES)
def test_bad_text_is_named_though_the_trainer_is_native(tmp_path: Path, family: Family) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"fine text\n" * 5 + b"gr\xf6\xdfer\n")
    with pytest.raises(CorpusError, match="line 6"):
        train_tokenizer(open_corpus([path]), family=family, vocab_size=300)


@pytest.mark.parametrize("family", FAMILIES)
def test_cancel_while_reading(corpus: Corpus, family: Family) -> None:
    def cancel(stage: str, done: float, total: float, note: str = "") -> None:
        assert stage == "train tokenizer"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_tokenizer(corpus, family=family, vocab_size=SIZES[family], progress=cancel)


def test_large_corpora_are_sampled_at_equal_distances(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    """33 lines; with a third of their bytes as the limit, step 4 takes lines 0, 4, 8, ..., over batches too."""
    monkeypatch.setattr(tokenizer_training, "MAX_CHARACTERS", corpus.n_bytes // 3)
    monkeypatch.setattr("focus_core.corpus.corpus.CHARACTERS_PER_BATCH", 100)
    taken = list(tokenizer_training._lines(corpus, lambda stage, done, total, note="": None))
    assert taken == list(SENTENCES * 3)[::4]


def test_long_lines_are_cut_for_the_trainer(tmp_path: Path) -> None:
    """SentencePiece would silently leave out a sentence of more than its limit."""
    (tmp_path / "a.txt").write_text("ab " * 3000, encoding="utf-8")
    taken = list(tokenizer_training._lines(open_corpus([tmp_path / "a.txt"]), lambda *a, **k: None))
    assert max(map(len, taken)) <= tokenizer_training.MAX_SENTENCE
    assert "".join(taken) == "ab " * 3000


def test_ten_sentences_support_the_size_that_is_suggested_for_them(tmp_path: Path) -> None:
    sentences = (
        "Mama anapika chakula jikoni.", "Watoto wanacheza nje ya nyumba.", "Baba amekwenda sokoni mapema.",
        "Mvua imenyesha usiku kucha.", "Shule yetu iko karibu na mto.", "Ng'ombe wanakula majani mabichi.",
        "Daktari anamtibu mgonjwa kwa upole.", "Kesho tutasafiri kwenda pwani.", "Rafiki yangu anasoma kitabu kipya.",
        "Wakulima wanavuna mahindi shambani.",
    )  # fmt: skip
    text = "\n".join(sentences)
    (tmp_path / "ten.txt").write_text(text, encoding="utf-8")
    size = suggest_vocab_size(len(text))
    assert train_tokenizer(open_corpus([tmp_path / "ten.txt"]), family=Family.UNIGRAM, vocab_size=size).n == size


def test_suggested_sizes_grow_with_the_corpus() -> None:
    sizes = [suggest_vocab_size(n) for n in (0, 1000, 30_000, 1_000_000, 10**8, 10**10)]
    assert sizes == sorted(sizes)
    assert sizes[:3] == [64, 170, 1000]
    assert sizes[-1] == 50_000
