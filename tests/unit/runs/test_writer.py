"""Run folders: every file, the same bytes for the same result, and a clear refusal of what is no run."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from tokenizers import Tokenizer, models

from focus_core.errors import InvalidInputError, RunFolderError
from focus_core.initialization.overlap.matching import match_vocabularies
from focus_core.runs.folder import RunFolder, open_run
from focus_core.runs.layout import COLUMNS
from focus_core.runs.writer import embedding_norms, plain, write_run
from focus_core.tokenization.vocabulary import load_vocabulary, vocabulary_from_backend
from focus_core.types import ORIGINS, RULES, MatchMode, Origin, Rule
from tests.hostile_tokens import WITHOUT_SURROGATES
from tests.toy_run import (
    HAND_WEIGHTS,
    HOSTILE,
    id_of,
    source_id_of,
    toy_auxiliary,
    toy_result,
    toy_source,
    toy_weights,
    weight_matrix,
    write_toy_run,
)

WRITTEN = sorted(COLUMNS.keys() - {"contributions_output"})
"""The tables of a run whose sides do not differ."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return write_toy_run(tmp_path_factory.mktemp("store") / "toy")


@pytest.fixture
def copy(run: RunFolder, tmp_path: Path) -> Path:
    """Return a copy of the toy run that a test may damage."""
    return shutil.copytree(run.path, tmp_path / "copy")


def all_bytes(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


# --- writing ----------------------------------------------------------------------------------------------------


def test_every_file_of_the_contract_is_written(run: RunFolder) -> None:
    tables = {f"{name}.parquet" for name in WRITTEN}
    arrays = {"embeddings.safetensors", "auxiliary.safetensors", "statistics.safetensors"}
    folders = {"source_tokenizer", "target_tokenizer"}
    assert {p.name for p in run.path.iterdir()} == {"manifest.json", *tables, *arrays, *folders}


@pytest.mark.parametrize("name", WRITTEN)
def test_tables_have_exactly_their_columns(run: RunFolder, name: str) -> None:
    assert tuple(pq.read_schema(run.path / f"{name}.parquet").names) == COLUMNS[name]


def test_the_token_table_has_the_columns_of_the_contract() -> None:
    assert COLUMNS["tokens"] == (
        "id", "token", "text", "kind", "word_start", "script", "origin", "rule", "source_id", "frequency",
        "has_auxiliary", "n_contributors", "max_weight", "effective_contributors", "norm",
    )  # fmt: skip


def test_equal_results_give_equal_bytes(tmp_path: Path) -> None:
    first, second = (write_toy_run(tmp_path / name) for name in ("a", "b"))
    assert all_bytes(first.path) == all_bytes(second.path)


def test_the_bytes_do_not_depend_on_the_process(run: RunFolder, tmp_path: Path) -> None:
    """Another process has another seed for the hashes of strings, by which sets and some dictionaries are ordered."""
    code = "import pathlib, sys; from tests.toy_run import write_toy_run; write_toy_run(pathlib.Path(sys.argv[1]))"
    root = Path(__file__).parents[3]
    other = {**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": str(root)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "b")], check=True, env=other, cwd=root)
    assert all_bytes(tmp_path / "b") == all_bytes(run.path)


def test_the_manifest_is_sorted_ends_in_a_line_break_and_names_no_folder(run: RunFolder) -> None:
    text = (run.path / "manifest.json").read_bytes()
    assert text.endswith(b"}\n")
    assert b"\r" not in text
    assert json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False, indent=1) + "\n" == text.decode()
    assert str(run.path.parent).encode() not in text


def test_manifest_keys(run: RunFolder) -> None:
    assert set(run.manifest) == {
        "schema_version", "kind", "config", "differences_from_paper", "versions", "inputs", "source", "target",
        "counts", "corpus", "auxiliary", "health", "overlap_statistics", "matrices", "notes", "warnings",
        "files", "digest",
    }  # fmt: skip
    assert run.manifest["schema_version"] == 2
    assert run.manifest["kind"] == "initialisation"
    assert run.manifest["matrices"] == {
        "input": {"dtype": "float32", "shape": [run.tokens().num_rows, 8]},
        "tied": True,
    }
    assert run.manifest["source"]["roles"]["mask"] == 4


def test_contributions_are_sorted_by_target_then_falling_weight(run: RunFolder) -> None:
    target, weight = run.column("contributions", "target_id"), run.column("contributions", "weight")
    assert (np.diff(target) >= 0).all()
    same = np.diff(target) == 0
    assert same.any()
    assert (np.diff(weight)[same] <= 0).all()


def test_contributions_of_the_hand_made_tokens(run: RunFolder) -> None:
    """The weights of ``▁mkulima`` are 0.6 and 0.4, of ``▁maziwa`` 1, of ``▁nyumba`` four times 0.25 (see toy_run)."""
    for token, expected in HAND_WEIGHTS.items():
        rows = run.contributor_range(id_of(run, token))
        sources = run.column("contributions", "source_id")[rows]
        weights = run.column("contributions", "weight")[rows]
        names = run.column("source_tokens", "token")[sources]
        assert dict(zip(names, weights.tolist(), strict=True)) == pytest.approx(expected)


def test_copied_rows_have_one_weight_and_no_similarity(run: RunFolder) -> None:
    rows = run.contributor_range(id_of(run, "▁market"))
    table = run.contributions().slice(rows.start, rows.stop - rows.start).to_pylist()
    assert table == [
        {
            "target_id": id_of(run, "▁market"),
            "source_id": source_id_of(run, "▁market"),
            "weight": 1.0,
            "similarity": None,
        }
    ]


def test_source_tokens_count_what_they_feed_without_their_copies(run: RunFolder) -> None:
    """``▁milk`` feeds ``▁maziwa`` with weight 1 and nothing else; its copy does not count; ``ing`` feeds nothing."""
    milk, ing = (run.source_tokens().slice(source_id_of(run, t), 1).to_pylist()[0] for t in ("▁milk", "ing"))
    assert (milk["n_fed"], milk["weight_fed"], milk["target_id"]) == (1, 1.0, id_of(run, "▁milk"))
    assert (ing["n_fed"], ing["weight_fed"], ing["target_id"]) == (0, 0.0, -1)
    assert float(run.column("source_tokens", "weight_fed").sum()) == pytest.approx(
        run.manifest["counts"]["by_origin"]["combined"], rel=1e-5
    )


def test_a_source_token_copied_twice_names_its_lowest_copy(tmp_path: Path) -> None:
    """Fuzzy: ``▁MILK`` (id 39) and ``▁milk`` both take the row of source ``▁milk``; the lower id is ``▁milk``'s."""
    plain_result = toy_result()
    overlap = match_vocabularies(plain_result.source, plain_result.target, mode=MatchMode.FUZZY)
    weights = toy_weights(plain_result.source, plain_result.target, overlap, plain_result.auxiliary)
    run = write_toy_run(tmp_path / "run", result=dataclasses.replace(plain_result, overlap=overlap, weights=weights))
    milk = source_id_of(run, "▁milk")
    copies = np.flatnonzero(run.column("tokens", "source_id") == milk)
    assert len(copies) == 2
    assert run.column("source_tokens", "target_id")[milk] == copies.min()


def test_tokens_without_a_source_have_minus_one(run: RunFolder) -> None:
    ids = run.column("tokens", "source_id")
    assert ids[id_of(run, "▁mkulima")] == -1
    assert ids[id_of(run, "▁market")] == source_id_of(run, "▁market")


def test_norms_are_those_of_the_input_rows(run: RunFolder) -> None:
    assert run.column("tokens", "norm") == pytest.approx(np.linalg.norm(run.embeddings(), axis=1), rel=1e-6)


def test_norms_of_half_precision_rows_are_taken_in_float32() -> None:
    """300 and 400 in float16: the squares overflow float16 (65,504), the norm is 500."""
    assert embedding_norms(torch.tensor([[300.0, 400.0]], dtype=torch.float16)).tolist() == [500.0]


def test_hostile_tokens_survive(run: RunFolder) -> None:
    stored = run.column("tokens", "token").tolist()
    assert set(HOSTILE) <= set(stored)
    assert len(HOSTILE) > 80
    assert set(HOSTILE) <= set(WITHOUT_SURROGATES)


def test_lone_surrogates_in_lines_and_warnings_are_escaped(tmp_path: Path) -> None:
    result = toy_result(examples=[(0, "x\ud800y")], warnings=["bad \udfff"])
    run = write_toy_run(tmp_path / "run", result=result)
    examples = run.examples()
    assert examples is not None
    assert examples.to_pylist() == [{"target_id": 0, "line": "x\\ud800y"}]
    assert run.manifest["warnings"] == ["bad \\udfff"]


def test_a_run_without_corpus_has_null_frequencies_and_no_examples(tmp_path: Path) -> None:
    result = toy_result(frequency=None, source_frequency=None, examples=None, corpus=None)
    run = write_toy_run(tmp_path / "run", result=result)
    assert run.tokens().column("frequency").null_count == run.tokens().num_rows
    assert run.source_tokens().column("frequency").null_count == 40
    assert run.examples() is None
    assert run.manifest["corpus"] is None


def test_id_gaps_have_no_kind_no_origin_and_no_rule(tmp_path: Path) -> None:
    """Ids 0 and 2 hold tokens, id 1 none: its row exists, and is a fallback row that nobody counts."""
    target = vocabulary_from_backend(Tokenizer(models.WordLevel({"<unk>": 0, "x": 2}, unk_token="<unk>")), name="gap")
    source = toy_source()
    overlap = match_vocabularies(source, target)
    weights = weight_matrix(
        [(0, 3, 1.0, np.nan), (2, 5, 1.0, 0.9)],
        shape=(3, source.n),
        origins=np.array([ORIGINS.index(o) for o in (Origin.COPIED, Origin.FALLBACK, Origin.COMBINED)], dtype=np.uint8),
        rules=np.array([RULES.index(r) for r in (Rule.EXACT, Rule.NONE, Rule.NONE)], dtype=np.uint8),
    )
    result = toy_result(
        target=target,
        overlap=overlap,
        weights=weights,
        auxiliary=toy_auxiliary(target),
        embeddings={"input": torch.ones(3, 8)},
        frequency=np.array([1, 0, 2]),
        examples=[],
    )
    run = write_toy_run(tmp_path / "run", result=result)
    gap = run.tokens().slice(1, 1).to_pylist()[0]
    assert (gap["token"], gap["kind"], gap["origin"], gap["rule"], gap["script"]) == ("", None, None, None, None)
    assert gap["n_contributors"] == 0
    assert run.manifest["counts"]["by_origin"] == {"copied": 1, "combined": 1, "fallback": 0}


def test_the_saved_tokenizers_are_the_same_vocabularies(run: RunFolder) -> None:
    for side in ("source", "target"):
        loaded = load_vocabulary(run.path / f"{side}_tokenizer")
        table = run.column("source_tokens" if side == "source" else "tokens", "token")
        assert list(loaded.tokens) == table.tolist()
        assert {str(role): i for role, i in loaded.special_token_types.items()} == run.manifest[side]["roles"]


def test_a_part_that_cannot_be_written_raises(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        write_run(toy_result(), tmp_path / "missing")


def test_the_manifest_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Disk full while a tokenizer is saved: what lies there has no manifest, so that nothing takes it for a run."""

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("focus_core.runs.writer.save_tokenizer_folder", full)
    with pytest.raises(OSError, match="No space left"):
        write_run(toy_result(), tmp_path)
    assert not (tmp_path / "manifest.json").exists()
    with pytest.raises(RunFolderError):
        open_run(tmp_path)


def test_plain_turns_everything_into_json() -> None:
    value = {"a": np.float32(0.5), "b": [np.int64(3), float("nan")], "c": np.array([True]), 4: (None, "x\ud800")}
    assert plain(value) == {"a": 0.5, "b": [3, None], "c": [True], "4": [None, "x\\ud800"]}
    assert type(plain(MatchMode.EXACT)) is str
    with pytest.raises(TypeError, match="no JSON form for object"):
        plain(object())


# --- reading ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_rows_and_matrices_are_read_as_float32(tmp_path: Path, dtype: torch.dtype) -> None:
    result = toy_result()
    rows = result.embeddings["input"].to(dtype)
    matrices = {"input": rows, "output": rows + 1, "bias": rows[:, 0].clone()}
    run = write_toy_run(tmp_path / "run", result=dataclasses.replace(result, embeddings=matrices, tied=False))
    assert run.matrix_names() == ("bias", "input", "output")
    for name, matrix in matrices.items():
        expected = matrix.float().numpy()
        assert run.embeddings(name).dtype == np.float32
        assert np.array_equal(run.embeddings(name), expected)
        assert np.array_equal(run.rows(name, [3, 1]), expected[[3, 1]])
        assert np.array_equal(run.rows(name, slice(2, 5)), expected[2:5])
    assert run.manifest["matrices"]["output"]["dtype"] == str(dtype).removeprefix("torch.")


def test_float32_matrices_are_mapped_not_loaded(run: RunFolder) -> None:
    assert isinstance(run.embeddings(), np.memmap)
    assert not run.embeddings().flags.writeable


def test_an_unknown_matrix_is_bad_input(run: RunFolder) -> None:
    with pytest.raises(InvalidInputError, match="expected a tensor 'output', got input"):
        run.embeddings("output")


def test_tables_and_columns_are_read_once(run: RunFolder) -> None:
    assert run.tokens() is run.tokens()
    assert run.column("tokens", "norm") is run.column("tokens", "norm")
    assert not run.column("tokens", "norm").flags.writeable


def test_auxiliary_and_statistics(run: RunFolder) -> None:
    vectors = run.auxiliary()
    assert vectors is not None
    assert vectors.shape == (run.tokens().num_rows, 16)
    assert np.array_equal(vectors.any(axis=1), run.column("tokens", "has_auxiliary"))
    assert {name: array.shape for name, array in run.statistics().items()} == {"mean": (8,), "std": (8,)}


def test_a_run_without_auxiliary_vectors_opens(copy: Path) -> None:
    (copy / "auxiliary.safetensors").unlink()
    assert open_run(copy).auxiliary() is None


def test_source_rows_know_their_word_start(run: RunFolder) -> None:
    ids = [source_id_of(run, token) for token in ("▁farmer", "ing", "▁", "<s>")]
    rows = run.source_rows(ids)
    assert [row["id"] for row in rows] == ids
    assert [row["word_start"] for row in rows] == [True, False, True, False]
    assert run.source_rows([]) == []


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ({"word_start": "", "continuation": "##"}, [True, False, True, True]),
        ({"word_start": "Ġ", "continuation": ""}, [False, False, False, True]),
        ({"word_start": "", "continuation": ""}, [True, True, True, True]),
    ],
)
def test_word_starts_follow_the_marks(run: RunFolder, marks: dict[str, str], expected: list[bool]) -> None:
    """WordPiece: no prefix opens a word, and so does the bare prefix itself; byte-level: ``Ġ`` opens one."""
    table = pa.table({"token": ["a", "##b", "##", "Ġc"], "kind": ["normal"] * 4})
    manifest = {"source": {"marks": marks}}
    other = RunFolder(path=run.path, manifest=manifest, digest="", _memory={"table source_tokens": table})
    assert [row["word_start"] for row in other.source_rows(range(4))] == expected


@pytest.mark.parametrize(("query", "token"), [("#28", "▁mkulima"), ("▁mkulima", "▁mkulima"), ("mkulima", "▁mkulima")])
def test_find_takes_id_native_form_and_text(run: RunFolder, query: str, token: str) -> None:
    assert run.find(query) == [id_of(run, token)]


def test_find_lists_every_token_of_one_text(run: RunFolder) -> None:
    """``a`` is the text of ``▁a`` and of ``a``."""
    assert run.find("a") == sorted([id_of(run, "▁a"), id_of(run, "a")])


def test_find_takes_a_token_that_looks_like_an_id(run: RunFolder) -> None:
    """``#7`` is an id, so that a number is never ambiguous; the token ``#7`` has an id of its own."""
    assert run.find("#7") == [7]
    assert run.find(f"#{id_of(run, '#7')}") == [id_of(run, "#7")]


@pytest.mark.parametrize("query", ["nothing like it", "#99999", "", "\ud800"])
def test_find_refuses_what_is_no_token(run: RunFolder, query: str) -> None:
    with pytest.raises(RunFolderError, match="expected a token of the target vocabulary") as caught:
        run.find(query)
    assert "\n" not in str(caught.value)


def test_opening_a_run_imports_no_torch(run: RunFolder) -> None:
    code = (
        "import sys; from focus_core.runs.folder import open_run; run = open_run(sys.argv[1]); run.tokens(); "
        "run.embeddings(); run.auxiliary(); run.statistics(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(run.path)], check=False).returncode == 0


# --- what is no run ---------------------------------------------------------------------------------------------


def refusal(path: Path) -> str:
    with pytest.raises(RunFolderError) as caught:
        open_run(path)
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.exit_status == 2
    return message


def test_missing_folder(tmp_path: Path) -> None:
    assert "no such folder" in refusal(tmp_path / "none")


def test_a_file_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert "no such folder" in refusal(tmp_path / "file")


def test_unfinished_folder(copy: Path) -> None:
    assert "unfinished" in refusal(copy.rename(copy.with_name("run.part")))


def test_folder_without_manifest(copy: Path) -> None:
    (copy / "manifest.json").unlink()
    assert "without manifest.json" in refusal(copy)


def test_folder_without_a_table(copy: Path) -> None:
    (copy / "tokens.parquet").unlink()
    assert "without tokens.parquet" in refusal(copy)


@pytest.mark.parametrize("text", ["", "{", "\x00", "[" * 100_000])
def test_manifest_that_is_no_json(copy: Path, text: str) -> None:
    (copy / "manifest.json").write_text(text)
    assert "expected JSON in manifest.json" in refusal(copy)


@pytest.mark.parametrize("text", ["[]", "{}", '{"schema_version": 3}', '{"schema_version": "1"}', "null"])
def test_manifest_of_another_version(copy: Path, text: str) -> None:
    (copy / "manifest.json").write_text(text)
    assert "expected schema version 1 or 2" in refusal(copy)


@pytest.mark.parametrize("changes", [{"files": None}, {"files": {"tokens.parquet": "no digest"}}, {"digest": "short"}])
def test_manifest_of_version_2_without_digests(copy: Path, changes: dict[str, Any]) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(manifest | changes))
    assert "expected SHA-256 of every file in manifest.json" in refusal(copy)


def test_manifest_of_another_kind(copy: Path) -> None:
    (copy / "manifest.json").write_text('{"schema_version": 1, "kind": "training"}')
    assert "kind initialisation" in refusal(copy)


def test_damaged_table(copy: Path) -> None:
    (copy / "tokens.parquet").write_bytes(b"PAR1 but no more")
    with pytest.raises(RunFolderError, match=r"tokens\.parquet, got a damaged file"):
        open_run(copy).tokens()


def test_table_with_other_columns(copy: Path) -> None:
    shutil.copy(copy / "candidates.parquet", copy / "contributions.parquet")
    with pytest.raises(RunFolderError, match=r"expected contributions\.parquet with columns"):
        open_run(copy).contributions()


def test_damaged_matrix(copy: Path) -> None:
    (copy / "embeddings.safetensors").write_bytes(b"\xff" * 64)
    with pytest.raises(InvalidInputError, match="sound safetensors"):
        open_run(copy).embeddings()
