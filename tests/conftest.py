"""What every test shares: thread caps, a closed network, private folders, tokenizers built in memory.

The caps come before numpy is imported: each worker of pytest-xdist would otherwise start a thread per core.
"""

# ruff: noqa: E402 (the environment is set before the first import that reads it)

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["STREAMLIT_BROWSER_GATHER_USAGE_STATS"] = "false"
os.environ.pop("TOKENIZERS_PARALLELISM", None)

import ipaddress
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

ROOT = Path(__file__).resolve().parent.parent

# The same examples on every machine, and no verdict on how fast it is: a busy machine is not a wrong result.
settings.register_profile("lab", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lab")

SENTENCES = (
    "The farmer sells maize and beans at the market.",
    "The farmer's wife sells milk, eggs and 12 loaves of bread.",
    "It rains at the market; the children run home.",
    "Die Kinder laufen nach Hause, weil es regnet.",
    "Der Bauer verkauft Milch, Eier und Brot auf dem Markt.",
    "Watoto wanakimbia nyumbani kwa sababu mvua inanyesha.",
    "Mkulima anauza maziwa, mayai na mkate sokoni.",
    "الأطفال يركضون إلى البيت لأن المطر ينزل.",
    "يبيع الفلاح الحليب والبيض والخبز في السوق.",
    "Der Markt öffnet um 8 Uhr: größer, schöner, näher!",
    "नमस्ते दुनिया 😀",
)
"""A corpus of a few lines in four scripts; small enough to train every family in milliseconds."""


def pytest_configure(config: pytest.Config) -> None:
    """Give fixtures of wide scope folders of their own, never the user's."""
    del config
    folder = tempfile.mkdtemp(prefix="focus-lab-tests-")
    os.environ["FOCUS_LAB_CACHE"] = f"{folder}/cache"
    os.environ["FOCUS_LAB_RUNS"] = f"{folder}/runs"
    os.environ.pop("FOCUS_LAB_PATHS", None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove those folders."""
    del config
    shutil.rmtree(Path(os.environ["FOCUS_LAB_CACHE"]).parent, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark a test by the fixtures it asks for, so that a marker cannot be forgotten."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        if "data_dir" in names:
            item.add_marker("data")
        if "chromium" in names:
            item.add_marker("browser")


def _is_local(host: object) -> bool:
    if not isinstance(host, str) or host in {"", "localhost"}:
        return host in {None, "", b"", "localhost", b"localhost"}
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _refuse(host: object) -> None:
    raise RuntimeError(f"a test tried to reach {host!r}; tests use no network")


@pytest.fixture(autouse=True, scope="session")
def closed_network() -> Iterator[None]:
    """Let sockets reach this machine only."""
    patch = pytest.MonkeyPatch()
    look_up = socket.getaddrinfo

    def guarded(original: Callable[..., Any]) -> Callable[..., Any]:
        def connect(self: socket.socket, address: Any) -> Any:
            if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_local(address[0]):
                _refuse(address[0])
            return original(self, address)

        return connect

    def guarded_look_up(host: Any, *arguments: Any, **options: Any) -> Any:
        if not _is_local(host):
            _refuse(host)
        return look_up(host, *arguments, **options)

    patch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
    patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
    patch.setattr(socket, "getaddrinfo", guarded_look_up)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def private_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every test its own cache and its own folder of runs."""
    folder = tmp_path_factory.mktemp("private")
    monkeypatch.setenv("FOCUS_LAB_CACHE", str(folder / "cache"))
    monkeypatch.setenv("FOCUS_LAB_RUNS", str(folder / "runs"))


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of the real text, tokenizers and models, or skip."""
    folder = os.environ.get("FOCUS_LAB_DATA", "")
    if not folder:
        pytest.skip("FOCUS_LAB_DATA is not set: no real data on this machine")
    path = Path(folder)
    if not (path / "tokenizers").is_dir():
        pytest.fail(f"FOCUS_LAB_DATA={folder} has no folder tokenizers/")
    return path


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of a Chromium, or skip; with FOCUS_LAB_REQUIRE_BROWSER=1 its absence is a failure."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    if os.environ.get("FOCUS_LAB_REQUIRE_BROWSER") == "1":
        pytest.fail("no Chromium on this machine, and FOCUS_LAB_REQUIRE_BROWSER=1 asks for one")
    pytest.skip("no Chromium on this machine")


@dataclass(frozen=True, kw_only=True)
class TokenizerFamily:
    """One family of tokenizers and a small member of it."""

    name: str
    tokenizer: Tokenizer


ROBERTA_SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
BERT_SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def _wordpiece() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=220, special_tokens=BERT_SPECIALS, show_progress=False)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def _byte_level_bpe() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=380,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return tokenizer


def _bpe() -> Tokenizer:
    """SentencePiece's BPE with byte fallback, as in Llama 2: `▁` for the space, `<0xHH>` for unknown bytes."""
    pieces = [f"<0x{byte:02X}>" for byte in range(256)]
    characters = sorted({c for s in SENTENCES[:7] for c in s.replace(" ", "▁")} | {"▁"})
    merges = [("▁", "m"), ("▁m", "a"), ("▁", "d"), ("▁d", "e"), ("▁de", "r"), ("e", "r"), ("▁", "t"), ("t", "h")]
    names = ["<unk>", "<s>", "</s>", *pieces, *characters, *("".join(pair) for pair in merges)]
    vocabulary = {name: i for i, name in enumerate(names)}
    model = models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in ("<unk>", "<s>", "</s>")])
    return tokenizer


def _unigram() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=200, special_tokens=ROBERTA_SPECIALS, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return tokenizer


def _wordlevel() -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(vocab_size=120, special_tokens=BERT_SPECIALS, show_progress=False)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return tokenizer


BUILDERS: dict[str, Callable[[], Tokenizer]] = {
    "wordpiece": _wordpiece,
    "byte-level-bpe": _byte_level_bpe,
    "bpe": _bpe,
    "unigram": _unigram,
    "wordlevel": _wordlevel,
}
"""Named as in ``focus_core.types.Family``."""


@pytest.fixture(scope="session")
def build_tokenizer() -> Callable[[str], Tokenizer]:
    """Return a function from a family's name to a fresh small tokenizer of that family."""
    return lambda name: BUILDERS[name]()


@pytest.fixture(params=sorted(BUILDERS))
def tokenizer_family(request: pytest.FixtureRequest) -> TokenizerFamily:
    """Return one small tokenizer of every family in turn."""
    return TokenizerFamily(name=request.param, tokenizer=BUILDERS[request.param]())
