"""fastText for real: a small stream through the child process, from start to vectors, and every way to stop it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from focus_core.artifacts import cache_root
from focus_core.corpus.corpus import open_corpus
from focus_core.errors import AuxiliaryError
from focus_core.initialization.auxiliary.fasttext_process import read_answer, run_child
from focus_core.initialization.auxiliary.loading import load_auxiliary
from focus_core.initialization.auxiliary.token_stream import TokenStream, tokenise_corpus
from focus_core.initialization.auxiliary.vectors import ANSWER, AuxiliaryVectors, train_auxiliary
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend
from focus_core.types import AuxiliaryKind
from tests.conftest import ROOT

WORDS = ["maize", "beans", "milk", "eggs", "market", "farm", "train", "bus", "car", "road", "__label__x"]
GROUPS = (WORDS[:6], WORDS[6:10])
"""Two topics whose words never meet, so that their vectors must part."""


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    """Ids: [UNK], the words, then `rare`, and the special token `</s>`."""
    names = ["[UNK]", *WORDS, "rare"]
    backend = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.add_special_tokens([AddedToken("</s>", special=True, normalized=False)])
    return vocabulary_from_backend(backend, name="words", config={"unk_token": "[UNK]", "eos_token": "</s>"})


@pytest.fixture(scope="module")
def stream(vocabulary: Vocabulary, tmp_path_factory: pytest.TempPathFactory) -> TokenStream:
    folder = tmp_path_factory.mktemp("stream")
    rng = np.random.default_rng(0)
    lines = [" ".join(rng.choice(GROUPS[i % 2], 8)) + " __label__x </s>" * (i % 5 == 0) for i in range(3000)]
    (folder / "corpus.txt").write_text("\n".join([*lines, "rare"]), encoding="utf-8")
    return tokenise_corpus(open_corpus([folder / "corpus.txt"]), vocabulary, folder / "stream.txt")


@pytest.fixture(scope="module")
def trained(stream: TokenStream, vocabulary: Vocabulary) -> AuxiliaryVectors:
    return train_auxiliary(stream, vocabulary, dim=16, epochs=30, min_count=2, threads=1, cache=False)


def cosine(made: AuxiliaryVectors, vocabulary: Vocabulary, one: str, other: str) -> float:
    a, b = (made.vectors[vocabulary.ids_of_tokens[name]] for name in (one, other))
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_vectors_tell_the_topics_apart(trained: AuxiliaryVectors, vocabulary: Vocabulary) -> None:
    assert cosine(trained, vocabulary, "maize", "beans") > 0.5
    assert cosine(trained, vocabulary, "bus", "car") > 0.5
    assert cosine(trained, vocabulary, "maize", "car") < 0.3


def test_tokens_that_fasttext_would_mangle_keep_a_vector(trained: AuxiliaryVectors, vocabulary: Vocabulary) -> None:
    assert trained.has_vector[vocabulary.ids_of_tokens["__label__x"]]
    assert not trained.has_vector[vocabulary.ids_of_tokens["</s>"]], "specials have none"
    assert not trained.has_vector[vocabulary.ids_of_tokens["rare"]], "seen once, min-count 2"
    assert not trained.has_vector[0]
    assert trained.n_vectors == len(WORDS)


def test_one_thread_gives_equal_bytes(stream: TokenStream, vocabulary: Vocabulary, trained: AuxiliaryVectors) -> None:
    again = train_auxiliary(stream, vocabulary, dim=16, epochs=30, min_count=2, threads=1, cache=False)
    assert again.vectors.tobytes() == trained.vectors.tobytes()
    assert again.settings == trained.settings


def test_several_threads_and_the_vector_of_the_line_end(stream: TokenStream, vocabulary: Vocabulary) -> None:
    made = train_auxiliary(stream, vocabulary, dim=16, epochs=5, min_count=2, threads=2, cache=False, keep_eos=True)
    assert made.settings["threads"] == 2
    assert made.has_vector[vocabulary.ids_of_tokens["</s>"]], "as the reference has it"
    assert made.n_vectors == len(WORDS) + 1


def test_cache_holds_vectors_and_not_fasttexts_file(stream: TokenStream, vocabulary: Vocabulary) -> None:
    first = train_auxiliary(stream, vocabulary, dim=8, epochs=1, min_count=2)
    (path,) = (p for p in cache_root().rglob("*") if p.is_file())
    assert path.name == ANSWER
    assert path.stat().st_size < 10_000
    second = train_auxiliary(stream, vocabulary, dim=8, epochs=1, min_count=2)
    assert second.vectors.tobytes() == first.vectors.tobytes()


def test_progress_rises_to_the_number_of_epochs(stream: TokenStream, vocabulary: Vocabulary) -> None:
    seen: list[tuple[str, float, float]] = []
    train_auxiliary(
        stream, vocabulary, dim=64, epochs=40, threads=1, cache=False,
        progress=lambda stage, done, total, note="": seen.append((stage, done, total)),
    )  # fmt: skip
    assert {stage for stage, _, _ in seen} == {"train vectors"}
    assert {total for _, _, total in seen} == {40}
    done = [value for _, value, _ in seen]
    assert done == sorted(done)
    assert done[-1] == 40  # how many steps lie between depends on the machine; `Progress` is tested on its own


def child_of_this_process() -> list[int]:
    """Return the fastText children that this process has (Linux)."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            parent = int((folder / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[1])
        except OSError:
            continue
        if b"focus_core.initialization.auxiliary.fasttext_worker" in command and parent == os.getpid():
            found.append(int(folder.name))
    return found


def test_cancel_kills_the_child_and_leaves_no_cache(stream: TokenStream, vocabulary: Vocabulary) -> None:
    def cancel(stage: str, done: float, total: float, note: str = "") -> None:
        assert len(child_of_this_process()) == 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_auxiliary(stream, vocabulary, dim=64, epochs=1000, threads=1, progress=cancel)
    assert child_of_this_process() == []
    assert not [p for p in cache_root().rglob("*") if p.is_file()]


def test_child_ends_when_its_parent_is_killed(stream: TokenStream, tmp_path: Path) -> None:
    """A parent that is killed cannot clean up; the child notices that its standard input is closed."""
    code = (
        "import sys; from pathlib import Path\n"
        "from focus_core.initialization.auxiliary.fasttext_worker import PAPER_SETTINGS\n"
        "from focus_core.initialization.auxiliary.fasttext_process import Progress, run_child\n"
        "settings = PAPER_SETTINGS | {'dim': 100, 'epoch': 100000, 'minCount': 1, 'thread': 1, 'seed': 1}\n"
        f"paths = dict(input={str(stream.path)!r}, output={str(tmp_path / 'out')!r})\n"
        "request = dict(task='train', settings=settings, **paths)\n"
        "hook = lambda *a: (sys.stdout.write('trains\\n'), sys.stdout.flush())\n"
        f"run_child(request, Path({str(tmp_path)!r}), progress=Progress(hook, epochs=100000, size=1))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"trains\n"
    request = str(tmp_path / "request.json").encode()
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and _running(request):
        time.sleep(0.1)
    assert not _running(request)


def _running(argument: bytes) -> bool:
    """Say whether a process with this argument runs (one that has ended but is not collected does not count)."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if argument in path.read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False


def test_failure_of_the_child_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("", encoding="utf-8")
    settings = {"dim": 4, "epoch": 1, "minCount": 1, "thread": 1, "seed": 1}
    request = {
        "task": "train",
        "input": str(tmp_path / "empty.txt"),
        "output": str(tmp_path / "o"),
        "settings": settings,
    }
    with pytest.raises(
        AuxiliaryError, match="fastText: expected training to finish, got it ended with status"
    ) as caught:
        run_child(request, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def model(stream: TokenStream, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fastText .bin as its own library writes it, in another process; with few n-gram rows, to be small."""
    path = tmp_path_factory.mktemp("model") / "model.bin"
    code = (
        "import fasttext\n"
        f"m = fasttext.train_unsupervised({str(stream.path)!r}, model='cbow', dim=16, epoch=5, minCount=2, thread=1,"
        f" bucket=5000, verbose=0)\nm.save_model({str(path)!r})\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)
    return path


def reference_vectors(model: Path, words: list[str]) -> np.ndarray:
    """Ask fastText itself, in another process."""
    code = (
        "import sys, json, fasttext\n"
        f"m = fasttext.load_model({str(model)!r})\n"
        "print(json.dumps([m.get_word_vector(w).tolist() for w in json.loads(sys.argv[1])]))\n"
    )
    import json

    done = subprocess.run([sys.executable, "-c", code, json.dumps(words)], check=True, cwd=ROOT, capture_output=True)
    return np.array(json.loads(done.stdout.splitlines()[-1]), dtype=np.float32)


def test_given_bin_by_token_is_fasttexts_vector_of_each_known_token(model: Path, vocabulary: Vocabulary) -> None:
    given = load_auxiliary(model, vocabulary, kind=AuxiliaryKind.TOKEN)
    known = [*WORDS[:10], "␛__label__x"]
    ids = [vocabulary.ids_of_tokens[name.removeprefix("␛")] for name in known]
    assert np.array_equal(given.vectors[ids], reference_vectors(model, known))
    assert not given.has_vector[vocabulary.ids_of_tokens["rare"]], "n-grams alone do not make a token known"
    assert given.dim == 16


def test_given_bin_by_word_composes_vectors_from_ngrams(model: Path, vocabulary: Vocabulary) -> None:
    """As WECHSEL does; `rare` is no word of the model, its n-grams make a vector."""
    given = load_auxiliary(model, vocabulary, kind=AuxiliaryKind.WORD)
    names = [*WORDS, "rare"]
    ids = [vocabulary.ids_of_tokens[name] for name in names]
    assert np.array_equal(given.vectors[ids], reference_vectors(model, names))
    assert given.has_vector[vocabulary.ids_of_tokens["rare"]]
    assert not given.has_vector[vocabulary.ids_of_tokens["</s>"]], "specials are no words"


def test_answer_of_a_child_that_knows_nothing(model: Path, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("unheard", encoding="utf-8")
    request = {
        "task": "tokens",
        "input": str(model),
        "names": str(tmp_path / "names.txt"),
        "output": str(tmp_path / "o"),
    }
    run_child(request, tmp_path)
    names, rows = read_answer(tmp_path / "o")
    assert names == []
    assert rows.shape == (0, 16)
