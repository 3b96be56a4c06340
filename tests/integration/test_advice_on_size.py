"""The size of vocabulary that a run advises is the one that the form suggests for its text, and can be trained."""

from __future__ import annotations

from pathlib import Path

from focus_core.api import run_to_folder
from focus_core.corpus.corpus import open_corpus
from focus_core.initialization.config import InitConfig
from focus_core.initialization.request import InitRequest
from focus_core.tokenization.corpus_statistics import corpus_statistics, suggest_size
from focus_core.tokenization.training import suggest_vocab_size, train_tokenizer
from focus_core.types import Family

ASSETS = Path(__file__).resolve().parents[2] / "assets"


def test_a_repetitive_text_is_advised_no_more_tokens_than_it_has_pieces(tmp_path):
    """Twenty lines twenty times: by their length 890 tokens, by their words 110."""
    lines = (ASSETS / "corpora" / "sw.txt").read_text(encoding="utf-8").splitlines()[:20]
    text = tmp_path / "text.txt"
    text.write_text("\n".join(lines * 20), encoding="utf-8")
    request = InitRequest(
        source=str(ASSETS / "demo" / "source"),
        target_tokenizer=str(ASSETS / "demo" / "runs" / "sw-8k" / "target_tokenizer"),
        corpus=(text,),
        config=InitConfig(dim=4),
    )
    run = run_to_folder(request, tmp_path / "run")
    corpus = open_corpus([text])
    size = suggest_size(corpus_statistics(corpus))
    assert size < suggest_vocab_size(run.manifest["corpus"]["n_characters"]) / 5
    (told,) = [line for line in run.manifest["health"]["warnings"] if "small for its vocabulary" in line]
    assert f"a vocabulary of about {size:,} tokens would help" in told
    assert train_tokenizer(corpus, family=Family.UNIGRAM, vocab_size=size).n == size
