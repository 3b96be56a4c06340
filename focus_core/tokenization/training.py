"""Trains a tokenizer from a corpus: Unigram, byte-level BPE or WordPiece; equal text gives an equal tokenizer."""

from __future__ import annotations

import dataclasses
import io
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from focus_core.corpus.corpus import Corpus, iter_batches
from focus_core.corpus.readers import refuse
from focus_core.errors import CorpusError, bad_input, option, phrase
from focus_core.tokenization.formats import BERT_SPECIALS
from focus_core.tokenization.text_form import TextForm
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend
from focus_core.types import Family, ProgressHook, no_progress

STAGE = "train tokenizer"
ROBERTA_SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
ROBERTA_TEMPLATE = processors.TemplateProcessing(
    single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
)
MAX_CHARACTERS = 50_000_000
"""Characters that a tokenizer is trained on (SentencePiece needs some 40 bytes of memory for each); of more text,
lines are taken at equal distances."""
MAX_SENTENCE = 2000
"""Characters of a training sentence; SentencePiece would leave out what is much longer."""
MIN_FREQUENCY = 2
"""Occurrences that a BPE or WordPiece merge needs."""
SIZE_FACTOR, CHARACTERS_PER_PIECE, SMALLEST, LARGEST = 6.0, 6.0, 64, 50_000
"""The rule of `suggest_vocab_size`."""


def train_tokenizer(
    corpus: Corpus,
    *,
    family: Family,
    vocab_size: int,
    form: TextForm | None = None,
    progress: ProgressHook = no_progress,
) -> Vocabulary:
    """Train a tokenizer of a given size.

    Parameters
    ----------
    corpus : Corpus
        The text.
    family : Family
        ``unigram`` (SentencePiece's trainer, XLM-R's order of specials), ``byte-level-bpe`` or ``wordpiece``.
    vocab_size : int
        Number of ids, specials included.
    form : TextForm, default=None
        What its normaliser does to case, accents and Unicode form beyond what those of its family do; ``None``:
        nothing.
    progress : ProgressHook
        Told the bytes read as stage ``train tokenizer``.

    Returns
    -------
    Vocabulary
        Exactly ``vocab_size`` ids.

    Raises
    ------
    CorpusError
        If the corpus does not support that many; the message names the largest size it does.
    """
    form = form or TextForm()
    if family is Family.UNIGRAM:
        backend = train_unigram(_lines(corpus, progress), vocab_size=vocab_size, form=form)
    elif family is Family.BYTE_LEVEL_BPE:
        backend = _train_byte_level_bpe(_lines(corpus, progress), vocab_size, form)
    elif family is Family.WORDPIECE:
        backend = _train_wordpiece(corpus, vocab_size, form, progress)
    else:
        raise refuse(option("train_tokenizer"), "unigram, bpe or wordpiece", str(family), "choose one of them")
    progress(STAGE, 1, 1)
    return vocabulary_from_backend(backend, name=f"{family}-{vocab_size}", config=_config(family))


def train_unigram(
    lines: Iterator[str], *, vocab_size: int, character_coverage: float = 0.9998, form: TextForm | None = None
) -> Tokenizer:
    """Train a Unigram tokenizer with SentencePiece, XLM-R's special ids around its pieces.

    Parameters
    ----------
    lines : iterator of str
        The text.
    vocab_size : int
        Number of ids, specials included.
    character_coverage : float, default=0.9998
        Share of the text's characters that get a piece of their own.
    form : TextForm, default=None
        What is done to text before SentencePiece's own NFKC, or in its place where it is another Unicode form.

    Returns
    -------
    Tokenizer
        With the trained normaliser; ids 0 to 3 are ``<s> <pad> </s> <unk>``, the last is ``<mask>``.

    Raises
    ------
    CorpusError
        If the text does not support that many; the message names the largest size it does.
    """
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    before, own_rule = _before_sentencepiece(form or TextForm())
    if before:
        lines = map(normalizers.Sequence(before).normalize_str, lines)
    model, guarded = io.BytesIO(), _Guarded(lines)
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=guarded,
            model_writer=model,
            model_type="unigram",
            normalization_rule_name="nmt_nfkc" if own_rule else "identity",
            vocab_size=vocab_size - 1,
            character_coverage=character_coverage,
            bos_id=0,
            pad_id=1,
            eos_id=2,
            unk_id=3,
            num_threads=1,  # sums of several threads depend on their timing
            max_sentence_length=8 * MAX_SENTENCE,
            minloglevel=2,
        )
    except RuntimeError as reason:
        guarded.raise_caught()
        raise _unsupported(str(reason), vocab_size) from reason
    guarded.raise_caught()
    return unigram_backend(sentencepiece_model_pb2.ModelProto.FromString(model.getvalue()), before)


def _before_sentencepiece(form: TextForm) -> tuple[list[Any], bool]:
    """Return what is done to text before SentencePiece sees it, and whether its own NFKC follows."""
    if form.unicode_form not in {"", "NFKC"}:
        return [*form.steps(), normalizers.Nmt()], False  # its rule for white space and control characters alone
    whole = dataclasses.replace(form, unicode_form="NFKC")
    return (whole.steps() if whole.lower or whole.strips_accents else []), True


def unigram_backend(proto: Any, before: Sequence[Any] = ()) -> Tokenizer:
    """Return the tokenizer of a SentencePiece Unigram model whose ids 0 to 3 are ``<s> <pad> </s> <unk>``.

    Its normaliser is what was done to the text before it was trained, then its own.
    """
    pieces = [(p.piece, 0.0 if i < 4 else p.score) for i, p in enumerate(proto.pieces)]
    tokenizer = Tokenizer(models.Unigram([*pieces, ("<mask>", 0.0)], unk_id=3))
    charsmap = proto.normalizer_spec.precompiled_charsmap
    own = [normalizers.Precompiled(charsmap)] if charsmap else []
    spaces = (
        Regex(" {2,}") if before else " {2,}"
    )  # read as it stands; a Regex would give earlier tokenizers other bytes
    tokenizer.normalizer = normalizers.Sequence([*before, *own, normalizers.Replace(spaces, " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(
        [AddedToken(name, special=True, normalized=False) for name in ROBERTA_SPECIALS[:4]]
        + [AddedToken("<mask>", special=True, normalized=False, lstrip=True)]
    )
    tokenizer.post_processor = ROBERTA_TEMPLATE
    return tokenizer


def _unsupported(reason: str, vocab_size: int) -> CorpusError:
    """Translate SentencePiece's refusal; its sizes are one short of ours, which has the mask token too."""
    most = re.search(r"value <= (\d+)", reason)
    least = re.search(r"required_chars\. \d+ vs (\d+)", reason)
    if most:
        return _too_large(vocab_size, int(most[1]) + 1)
    if least:
        return _too_small(vocab_size, int(least[1]) + 1)
    got = "nothing to learn from" if "sentences_.empty" in reason else reason.splitlines()[0][:160]
    return refuse("corpus", expected="text to train a tokenizer on", got=got, remedy="give more text")


def _too_large(vocab_size: int, largest: int) -> CorpusError:
    expected = f"at most {largest:,}, the largest that this corpus supports"
    remedy = phrase("give more text, or {vocab_size} {} or less", largest)
    return bad_input(option("vocab_size"), expected, f"{vocab_size:,}", remedy, CorpusError, largest=largest)


def _too_small(vocab_size: int, smallest: int) -> CorpusError:
    expected = f"at least {smallest:,}: its characters and the special tokens"
    return refuse(option("vocab_size"), expected, f"{vocab_size:,}", phrase("give {vocab_size} {} or more", smallest))


def _train_byte_level_bpe(lines: Iterator[str], vocab_size: int, form: TextForm) -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    if vocab_size < len(alphabet) + len(ROBERTA_SPECIALS):
        raise _too_small(vocab_size, len(alphabet) + len(ROBERTA_SPECIALS))
    tokenizer, steps = Tokenizer(models.BPE()), form.steps()
    if steps:
        tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=MIN_FREQUENCY,
        initial_alphabet=alphabet,
        special_tokens=list(ROBERTA_SPECIALS),
        show_progress=False,
    )
    _train(tokenizer, trainer, lines, vocab_size)
    tokenizer.post_processor = ROBERTA_TEMPLATE
    return tokenizer


def _train_wordpiece(corpus: Corpus, vocab_size: int, form: TextForm, progress: ProgressHook) -> Tokenizer:
    """Train WordPiece; its trainer numbers characters by the order of a hash table, so they are numbered before."""
    plain, steps = normalizers.BertNormalizer(lowercase=False, strip_accents=False), form.steps()
    normalizer = normalizers.Sequence([plain, *steps]) if steps else plain
    splitter = pre_tokenizers.BertPreTokenizer()
    first, later = set[str](), set[str]()
    for line in _lines(corpus, progress, part=0):
        for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(line)):
            first.add(word[0])
            later.update(word[1:])
    characters = [*sorted(first | later), *(f"##{character}" for character in sorted(later))]
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size,
        min_frequency=MIN_FREQUENCY,
        special_tokens=[*BERT_SPECIALS, *characters],
        show_progress=False,
    )
    learner = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    learner.normalizer, learner.pre_tokenizer = normalizer, splitter
    _train(learner, trainer, _lines(corpus, progress, part=1), vocab_size)
    tokenizer = Tokenizer(models.WordPiece(learner.get_vocab(), unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in BERT_SPECIALS])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def _train(tokenizer: Tokenizer, trainer: Any, lines: Iterator[str], vocab_size: int) -> None:
    """Train, and hold the tokenizer to the size that was asked for."""
    guarded = _Guarded(lines)
    tokenizer.train_from_iterator(guarded, trainer)
    guarded.raise_caught()
    reached = tokenizer.get_vocab_size()
    if not guarded.count:
        raise refuse("corpus", expected="text to train a tokenizer on", got="none", remedy="give a file with text")
    if reached < vocab_size:
        raise _too_large(vocab_size, reached)
    if reached > vocab_size:
        raise _too_small(vocab_size, reached)


class _Guarded:
    """An iterator that keeps what its source raises, for native code that would swallow or garble it."""

    def __init__(self, source: Iterator[str]) -> None:
        self._source = source
        self._caught: BaseException | None = None
        self.count = 0

    def __iter__(self) -> _Guarded:
        return self

    def __next__(self) -> str:
        try:
            line = next(self._source)
        except StopIteration:
            raise
        except BaseException as reason:
            self._caught = reason
            raise StopIteration from reason
        self.count += 1
        return line

    def raise_caught(self) -> None:
        """Raise what the source raised, if anything."""
        if self._caught is not None:
            raise self._caught


def _lines(corpus: Corpus, progress: ProgressHook, *, part: int = 0) -> Iterator[str]:
    """Yield training sentences: of a large corpus, lines at equal distances; ``part`` is 1 when read again."""
    done = 0

    def on_read(n_bytes: int) -> None:
        nonlocal done
        done += n_bytes

    packed = any(path.suffix in {".gz", ".zst", ".parquet"} for path in corpus.paths)
    step = 1 + (corpus.n_bytes * (4 if packed else 1)) // MAX_CHARACTERS
    place, left = 0, 2 * MAX_CHARACTERS
    for batch in iter_batches(corpus, on_read=on_read):
        for line in batch[-place % step :: step]:
            for start in range(0, len(line), MAX_SENTENCE):
                yield line[start : start + MAX_SENTENCE]
            left -= len(line)
        place += len(batch)
        progress(STAGE, part * corpus.n_bytes + min(done, corpus.n_bytes), 3 * corpus.n_bytes, "reading")
        if left < 0:
            return


def _config(family: Family) -> dict[str, Any]:
    """Return what a tokenizer_config.json says about the special tokens."""
    if family is Family.WORDPIECE:
        pad, unk, cls, sep, mask = BERT_SPECIALS
        return {"pad_token": pad, "unk_token": unk, "cls_token": cls, "sep_token": sep, "mask_token": mask}
    bos, pad, eos, unk, mask = ROBERTA_SPECIALS
    names = {"bos_token": bos, "cls_token": bos, "eos_token": eos, "sep_token": eos}
    return names | {"pad_token": pad, "unk_token": unk, "mask_token": mask}


def suggest_vocab_size(n_characters: int) -> int:
    """Return a size of vocabulary that a corpus can support.

    Examples
    --------
    >>> suggest_vocab_size(30_000), suggest_vocab_size(10_000_000)
    (1000, 19000)
    """
    growing = min(SIZE_FACTOR * math.sqrt(max(0, n_characters)), n_characters / CHARACTERS_PER_PIECE)
    size = min(LARGEST, max(SMALLEST, growing))
    unit = 10 ** (int(math.log10(size)) - 1)
    return int(round(size / unit) * unit)
