"""The command line on small real files: statuses, streams, and what is left behind."""

from __future__ import annotations

import errno
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from focus_core.artifacts import read_array, sha256_file, write_arrays
from focus_core.cli import main as cli
from focus_core.jobs.steps import STAGE_STEPS, STEPS, step_of
from focus_core.runs.again import init_command
from focus_core.runs.folder import open_run
from tests.integration.small_inputs import SmallInputs, make_small_inputs
from tests.language_samples import write_sample


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallInputs:
    return make_small_inputs(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def run(small: SmallInputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("runs") / "run"
    assert cli.run(small.arguments(output)) == 0
    return output


def leavings(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_init_writes_a_whole_run(run: Path) -> None:
    folder = open_run(run)
    counts = folder.manifest["counts"]
    assert counts["n_overlap"] + counts["n_new"] == counts["n_target"]
    assert sum(counts["by_origin"].values()) == counts["n_target"]
    assert sum(counts["by_rule"].values()) == counts["n_overlap"]
    assert counts["by_origin"]["combined"] > 0
    assert (run / "log" / "events.jsonl").exists()
    assert leavings(run.parent) == ["run"]


def test_init_ends_with_the_problems_that_it_found(
    small: SmallInputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(small.arguments(tmp_path / "run")) == 0
    lines = capsys.readouterr().out.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("checks: "))
    found = [(line[:6], line[7:21].strip()) for line in lines[head + 1 :] if line.startswith("FOC")]
    assert cli.run(["check", str(tmp_path / "run"), "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    fired = [(r["code"], r["status"]) for r in results if r["status"] in ("problem", "warning")]
    assert fired, "these vectors are drawn at random: something is found"
    assert found == sorted(fired, key=lambda one: one[1] != "problem")
    assert not any(line.startswith("warning: ") for line in lines[head:]), "they end it"


def test_strict_makes_a_problem_exit_2_and_the_finished_run_stays(
    small: SmallInputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under ``mean`` every new embedding is the same one: nothing foresees that, and FOC010 finds it."""
    output = tmp_path / "run"
    assert cli.run(small.arguments(output, "--method", "mean", "--strict")) == 2
    streams = capsys.readouterr()
    assert "FOC010 problem" in streams.out
    complaint = streams.err.splitlines()[-1]
    assert complaint.startswith(f"run {output}: expected no problem with --strict, got FOC010 Duplicate")
    assert complaint.endswith("the run is finished and stays there")
    assert open_run(output).manifest["counts"]["n_target"] > 0
    assert leavings(tmp_path) == ["run"]


def test_strict_refuses_before_anything_is_spent_where_it_can_be_told(
    small: SmallInputs, tmp_path: Path, refused: Callable[..., str]
) -> None:
    few = small.arguments(tmp_path / "run", "--strict", "--match", "symbols")
    refused(few, "overlap: expected at least 20 shared tokens of text")
    text = write_sample(tmp_path, "he", 30)
    unknown = [word if word != str(small.corpus) else str(text) for word in few]
    refused(unknown, "corpus: expected a text most of whose letters the source's tokenizer knows", "--map")
    assert leavings(tmp_path) == ["he.txt"]


@pytest.mark.parametrize("space", ["counts", "fasttext"])
def test_every_stage_that_a_run_names_has_a_step(small: SmallInputs, tmp_path: Path, space: str) -> None:
    arguments = _with_own_vectors(small, tmp_path, space)
    assert cli.run(arguments) == 0
    stages = json.loads((tmp_path / "run" / "log" / "timings.json").read_text())
    by = {"counts": "factorise counts", "fasttext": "train vectors"}
    # "count" stands in logs of older versions alone; the others are of tokenizers that are made, and of other methods.
    others = {"train tokenizer", "trim tokenizer", "count", "count both cuts", "align"}
    assert set(stages) == set(STAGE_STEPS) - others - set(by.values()) | {by[space]}
    assert {step_of(stage) for stage in stages} == set(STEPS)


def _with_own_vectors(small: SmallInputs, folder: Path, space: str) -> list[str]:
    """Return the words of an `init` that makes its own vectors, on a text long enough for that."""
    (folder / "corpus.txt").write_text(small.corpus.read_text("utf-8") * 20, "utf-8")
    words = small.arguments(
        folder / "run", "--dim", "8", "--min-count", "1", "--threads", "1", "--auxiliary-space", space
    )
    words += ["--epochs", "1"] if space == "fasttext" else []
    place = words.index("--auxiliary")
    words = [*words[:place], *words[place + 2 :]]
    words[words.index("--corpus") + 1] = str(folder / "corpus.txt")
    return words


def test_copied_rows_are_bit_equal_and_combined_rows_are_w_times_e(run: Path, small: SmallInputs) -> None:
    folder = open_run(run)
    tokens = folder.tokens().to_pylist()
    source = read_array(small.source / "model.safetensors", "roberta.embeddings.word_embeddings.weight")
    made = np.asarray(folder.embeddings("input"))
    pairs = {t["id"]: t for t in tokens}
    for row in (t for t in tokens if t["origin"] == "copied"):
        assert made[row["id"]].tobytes() == source[row["source_id"]].tobytes()
    sums = {i: np.zeros(source.shape[1]) for i, t in pairs.items() if t["origin"] == "combined"}
    for entry in folder.contributions().to_pylist():
        if entry["target_id"] in sums:
            sums[entry["target_id"]] += entry["weight"] * source[entry["source_id"]].astype(np.float64)
    assert sums
    for i, expected in sums.items():
        np.testing.assert_allclose(made[i], expected, atol=1e-5)


def test_overlap_json_adds_up(small: SmallInputs, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["overlap", "--source-tokenizer", str(small.source), "--target-tokenizer", str(small.target), "--json"]
    assert cli.run(words) == 0
    counts = json.loads(capsys.readouterr().out)
    assert set(counts) == {"n_source", "n_target", "n_overlap", "n_new", "by_rule"}
    assert sum(counts["by_rule"].values()) == counts["n_overlap"]
    assert counts["n_overlap"] + counts["n_new"] == counts["n_target"]


def test_explain_by_id_and_by_text(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    combined = next(t for t in open_run(run).tokens().to_pylist() if t["origin"] == "combined")
    assert cli.run(["explain", str(run), f"#{combined['id']}", "--json"]) == 0
    (explanation,) = json.loads(capsys.readouterr().out)
    assert explanation["token"] == combined["token"]
    assert sum(c["weight"] for c in explanation["contributors"]) == pytest.approx(1, abs=1e-5)
    assert cli.run(["explain", str(run), combined["token"]]) == 0
    assert combined["token"].strip("▁Ġ#") in capsys.readouterr().out


def test_explain_refuses_an_unknown_token(run: Path, refused: Callable[..., str]) -> None:
    refused(["explain", str(run), "no-such-token-anywhere"], "no-such-token-anywhere")


def test_check_prints_every_check(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["check", str(run), "--json"]) == 0
    codes = [c["code"] for c in json.loads(capsys.readouterr().out)]
    assert codes == sorted(codes)
    assert len(codes) >= 10


def test_export_loads_and_runs(run: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    assert cli.run(["export", str(run), str(tmp_path / "model")]) == 0
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    model = AutoModelForMaskedLM.from_pretrained(tmp_path / "model")
    encoded = tokenizer("der Bauer verkauft Milch", return_tensors="pt")
    with torch.no_grad():
        logits = model(**encoded).logits
    assert logits.shape[-1] == open_run(run).manifest["counts"]["n_target"]
    assert torch.isfinite(logits).all()


def tree(folder: Path) -> dict[str, str]:
    files = (p for p in folder.rglob("*") if p.is_file() and "log" not in p.relative_to(folder).parts[:1])
    return {str(p.relative_to(folder)): sha256_file(p) for p in files}


def test_the_same_command_twice_gives_the_same_bytes(small: SmallInputs, run: Path, tmp_path: Path) -> None:
    assert cli.run(small.arguments(tmp_path / "again")) == 0
    assert tree(tmp_path / "again") == tree(run)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--preset", "paper", "--temperature", "0.5", "--top-k", "3", "--match", "fuzzy", "--seed", "7"),
        ("--fallback", "multivariate", "--covariance-scale", "0.1", "--extend", "--no-examples"),
        ("--method", "subword-mean"),
        ("--preset", "paper", "--epochs", "auto", "--min-count", "auto"),
    ],
    ids=str,
)
def test_the_command_of_a_report_makes_the_same_run_again(
    small: SmallInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    """It names files as the manifest does, so it is called where they lie."""
    arguments = small.arguments(tmp_path / "first", *options)
    if "subword-mean" in options:
        place = arguments.index("--auxiliary")
        arguments = [*arguments[:place], *arguments[place + 2 :]]
    assert cli.run(arguments) == 0
    words = shlex.split(init_command(open_run(tmp_path / "first").manifest))
    assert words[:3] == ["python", "-m", "focus_core"]
    monkeypatch.chdir(small.source.parent)
    assert cli.run([*words[3:-1], str(tmp_path / "again")]) == 0
    assert tree(tmp_path / "again") == tree(tmp_path / "first")


def test_a_request_makes_the_run_of_its_options(small: SmallInputs, run: Path, tmp_path: Path) -> None:
    fields = {
        "source": str(small.source),
        "target_tokenizer": str(small.target),
        "corpus": [str(small.corpus)],
        "auxiliary": str(small.auxiliary),
    }
    for name, config, options in (("same", {}, None), ("cold", {"temperature": 1, "top_k": 3}, ("--top-k", "3"))):
        (tmp_path / "request.json").write_text(json.dumps(fields | {"config": config}))
        words = ["init", "--request", str(tmp_path / "request.json"), "--output", str(tmp_path / name)]
        assert cli.run(words) == 0
        if options is not None:
            assert cli.run(small.arguments(tmp_path / "typed", *options)) == 0
        assert tree(tmp_path / name) == tree(run if options is None else tmp_path / "typed")


def test_a_request_beside_other_options_is_refused(
    small: SmallInputs, tmp_path: Path, refused: Callable[..., str]
) -> None:
    """Even where an option has the value that it has by default."""
    words = ["init", "--request", str(tmp_path / "request.json"), "--output", str(tmp_path / "run")]
    told = refused([*words, "--seed", "42", "--map", "pairs.tsv", "--memory", "512"])
    assert told == (
        "--request: expected no option beside it but --output, got --seed, --map, --memory; "
        "write them into the file, or leave it out"
    )
    refused(words, "request.json: expected a request as JSON, got No such file or directory")
    (tmp_path / "request.json").write_text('{"source": "a", "target": "b"}')
    refused(words, "request: expected names among source,", "got 'target'")
    assert leavings(tmp_path) == ["request.json"]


def test_auto_is_chosen_under_the_preset_of_the_paper_too(small: SmallInputs, tmp_path: Path) -> None:
    for name, words in {"auto": ("--epochs", "auto", "--min-count", "auto"), "paper": ()}.items():
        assert cli.run(small.arguments(tmp_path / name, "--preset", "paper", *words)) == 0
    configs = [open_run(tmp_path / name).manifest["config"] for name in ("auto", "paper")]
    assert [(c["epochs"], c["min_count"]) for c in configs] == [(None, None), (3, 10)]


def test_a_run_does_not_depend_on_the_block_size(small: SmallInputs, run: Path, tmp_path: Path) -> None:
    assert cli.run(small.arguments(tmp_path / "blocks", "--memory", "16")) == 0
    ours, other = tree(tmp_path / "blocks"), tree(run)
    assert {n for n in other if ours[n] != other[n]} <= {"manifest.json"}  # it records the option


def test_extension_keeps_every_source_id(small: SmallInputs, tmp_path: Path) -> None:
    assert cli.run(small.arguments(tmp_path / "extended", "--extend")) == 0
    folder = open_run(tmp_path / "extended")
    tokens = folder.tokens().to_pylist()
    n_source = folder.manifest["counts"]["n_source"]
    assert [t["source_id"] for t in tokens[:n_source]] == list(range(n_source))
    assert {t["origin"] for t in tokens[n_source:]} <= {"combined", "fallback"}
    assert len(tokens) > n_source


# ---- bad input: each by its name in the issue ---------------------------------------------------------------------


def test_empty_corpus(small: SmallInputs, tmp_path: Path, refused: Callable[..., str]) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_bytes(b"")
    refused(_with_corpus(small, tmp_path, empty), "empty.txt")
    blank = tmp_path / "blank.txt"
    blank.write_text(" \n\n\t\n", encoding="utf-8")
    refused(_with_corpus(small, tmp_path, blank), "blank.txt")
    assert leavings(tmp_path) == ["blank.txt", "empty.txt"]


def test_binary_or_wrongly_encoded_file(small: SmallInputs, tmp_path: Path, refused: Callable[..., str]) -> None:
    binary = tmp_path / "binary.txt"
    binary.write_bytes(bytes(range(256)) * 4)
    refused(_with_corpus(small, tmp_path, binary), "binary.txt")
    latin = tmp_path / "latin.txt"
    latin.write_bytes("eins\nzwei\nschön\n".encode("latin-1"))
    refused(_with_corpus(small, tmp_path, latin), "latin.txt", "line 3", "--encoding")
    assert leavings(tmp_path) == ["binary.txt", "latin.txt"]


def test_jsonl_without_the_field(small: SmallInputs, tmp_path: Path, refused: Callable[..., str]) -> None:
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text('{"body": "der Markt"}\n', encoding="utf-8")
    refused(_with_corpus(small, tmp_path, corpus), "corpus.jsonl", "text", "body")


def test_unknown_suffix(small: SmallInputs, tmp_path: Path, refused: Callable[..., str]) -> None:
    corpus = tmp_path / "corpus.docx"
    corpus.write_bytes(b"x")
    refused(_with_corpus(small, tmp_path, corpus), "corpus.docx")


def test_corpus_in_which_no_target_token_occurs(
    small: SmallInputs, tmp_path: Path, refused: Callable[..., str]
) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("日\n" * 30, encoding="utf-8")
    refused(_with_corpus(small, tmp_path, corpus), "corpus.txt")


def test_tokenizer_file_that_is_not_one(small: SmallInputs, tmp_path: Path, refused: Callable[..., str]) -> None:
    wrong = tmp_path / "tokenizer.json"
    wrong.write_text('{"hello": 1}', encoding="utf-8")
    words = small.arguments(tmp_path / "run")
    words[words.index("--target-tokenizer") + 1] = str(wrong)
    refused(words, "tokenizer.json")
    words[words.index("--target-tokenizer") + 1] = str(tmp_path / "nowhere.json")
    refused(words, "nowhere.json")


@pytest.mark.parametrize("case", ["nan", "rank", "rows"])
def test_matrix_with_nan_wrong_rank_or_fewer_rows_than_ids(
    case: str, small: SmallInputs, tmp_path: Path, refused: Callable[..., str]
) -> None:
    matrix = np.array(read_array(small.source / "model.safetensors", "roberta.embeddings.word_embeddings.weight"))
    if case == "nan":
        matrix[3, 2] = np.nan
    wrong = {"nan": matrix, "rank": matrix[:, :, None], "rows": matrix[:-1]}[case]
    write_arrays(tmp_path / "matrix.safetensors", {"embeddings": np.ascontiguousarray(wrong)})
    words = small.arguments(tmp_path / "run", "--source-tokenizer", str(small.source))
    at = words.index("--source")
    words[at : at + 2] = ["--source-embeddings", str(tmp_path / "matrix.safetensors")]
    refused(words, "matrix")
    assert leavings(tmp_path) == ["matrix.safetensors"]


def test_vectors_of_the_wrong_length(small: SmallInputs, tmp_path: Path, refused: Callable[..., str]) -> None:
    write_arrays(tmp_path / "short.safetensors", {"vectors": np.ones((3, 8), np.float32)})
    words = small.arguments(tmp_path / "run")
    words[words.index("--auxiliary") + 1] = str(tmp_path / "short.safetensors")
    refused(words, "short.safetensors", "3")


def test_no_overlap(small: SmallInputs, tmp_path: Path, refused: Callable[..., str]) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"[none]": 0, "日本": 1, "東京": 2}, unk_token="[none]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "corpus.txt").write_text("日本 東京\n" * 20, encoding="utf-8")
    write_arrays(tmp_path / "v.safetensors", {"vectors": np.ones((3, 8), np.float32)})
    words = small.arguments(tmp_path / "run")
    words[words.index("--target-tokenizer") + 1] = str(tmp_path / "tokenizer.json")
    words[words.index("--auxiliary") + 1] = str(tmp_path / "v.safetensors")
    words[words.index("--corpus") + 1] = str(tmp_path / "corpus.txt")
    refused(words, "overlap", "--match fuzzy")
    assert not (tmp_path / "run").exists()


def test_output_folder_that_exists(small: SmallInputs, run: Path, refused: Callable[..., str]) -> None:
    before = tree(run)
    refused(small.arguments(run), str(run), "exists")
    assert tree(run) == before


def test_nothing_new_to_initialise_is_a_success_that_says_so(
    small: SmallInputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from focus_core.tokenization.vocabulary import load_vocabulary
    from tests.integration.small_inputs import write_vectors

    vocabulary = load_vocabulary(small.source)
    vectors = write_vectors(tmp_path / "v.safetensors", vocabulary.n, vocabulary.kinds == 2)
    words = small.arguments(tmp_path / "run")
    words[words.index("--target-tokenizer") + 1] = str(small.source)
    words[words.index("--auxiliary") + 1] = str(vectors)
    assert cli.run(words) == 0
    assert "nothing new to initialise" in capsys.readouterr().out
    assert open_run(tmp_path / "run").manifest["counts"]["by_origin"]["combined"] == 0


@pytest.mark.parametrize(
    ("words", "subject"),
    [
        (["init", "--output", "x"], "the source"),
        (["init", "--output", "x", "--source", "a", "--source-embeddings", "b"], "the source"),
        (["init", "--output", "x", "--source", "a"], "the target"),
        (["init", "--output", "x", "--source", "a", "--target-tokenizer", "b"], "--corpus"),
        (["init", "--output", "x", "--epochs", "many"], "--epochs"),
        (["init", "--output", "x", "--temperature", "0"], "--temperature"),
        (["init", "--output", "x", "--method", "magic", "--source", "a", "--target-tokenizer", "b"], "--method"),
        (["explain", "nowhere", "a"], "nowhere"),
        (["check", "nowhere"], "nowhere"),
        (["export", "nowhere", "there"], "nowhere"),
        (["fly"], "fly"),
    ],
)
def test_arguments_that_contradict_or_are_missing(
    words: list[str], subject: str, refused: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(words, subject)
    assert not leavings(tmp_path)


# ---- the disk, the interrupt, the kill ----------------------------------------------------------------------------

WRITERS = [
    "focus_core.api.load_vocabulary",
    "focus_core.initialization.pipeline.tokenise_corpus",
    "focus_core.initialization.pipeline.initialise_tensor",
    "focus_core.api.write_run",
]


@pytest.mark.parametrize("where", WRITERS)
def test_disk_full_leaves_nothing(
    where: str,
    small: SmallInputs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(where, full)
    assert cli.run(small.arguments(tmp_path / "run")) == 1
    assert os.strerror(errno.ENOSPC) in capsys.readouterr().err.splitlines()[-1]
    assert not leavings(tmp_path)


@pytest.mark.parametrize("where", WRITERS)
def test_interrupt_leaves_nothing(
    where: str, small: SmallInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(where, interrupted)
    assert cli.run(small.arguments(tmp_path / "run")) == 130
    assert not leavings(tmp_path)


def _start(small: SmallInputs, output: Path) -> subprocess.Popen[bytes]:
    """Start an `init` that stops for good in the middle of its work, and wait until it is there."""
    code = (
        "import signal, sys, time, focus_core.initialization.pipeline as p\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs ignore it
        "from focus_core.cli.main import run\n"
        "def wait(*a, **k):\n    time.sleep(600)\n"
        "p.initialise_embeddings = wait\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, *small.arguments(output)], stderr=subprocess.DEVNULL)
    events = output.with_name(f"{output.name}.part") / "log" / "events.jsonl"
    for _ in range(600):
        if events.exists() and '"embed"' in events.read_text(encoding="utf-8"):
            return process
        assert process.poll() is None, "the command ended before it was interrupted"
        time.sleep(0.1)
    process.kill()
    pytest.fail("the command never reached its middle")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_with_130_and_leaves_nothing(number: int, small: SmallInputs, tmp_path: Path) -> None:
    process = _start(small, tmp_path / "run")
    process.send_signal(number)
    assert process.wait(60) == 130
    assert not leavings(tmp_path)


def test_killed_at_any_stage_leaves_no_folder_that_reads_as_done(
    small: SmallInputs, tmp_path: Path, refused: Callable[..., str]
) -> None:
    process = _start(small, tmp_path / "run")
    process.kill()
    process.wait(60)
    assert leavings(tmp_path) == ["run.part"]
    refused(["check", str(tmp_path / "run")], "run")
    refused(["check", str(tmp_path / "run.part")], "run.part")
    assert cli.run(small.arguments(tmp_path / "run")) == 0  # the leavings of the dead are no hindrance
    assert leavings(tmp_path) == ["run"]


def test_two_commands_cannot_write_one_run(small: SmallInputs, tmp_path: Path, refused: Callable[..., str]) -> None:
    process = _start(small, tmp_path / "run")
    try:
        refused(small.arguments(tmp_path / "run"), "in progress")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _with_corpus(small: SmallInputs, folder: Path, corpus: Path) -> list[str]:
    words = small.arguments(folder / "run")
    words[words.index("--corpus") + 1] = str(corpus)
    return words
