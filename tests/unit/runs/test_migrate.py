"""Runs of version 1 are read for ever, and made runs of version 2 without a change to anything but manifests."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from focus_core import artifacts
from focus_core.analysis.checks.registry import run_checks
from focus_core.analysis.provenance.explain import explain_token
from focus_core.artifacts import read_array, sha256_file
from focus_core.cli.main import run as command
from focus_core.errors import InvalidInputError
from focus_core.export.model_folder import export_model
from focus_core.runs.additions import list_trainings, open_projection, open_training
from focus_core.runs.digests import changes_of, name_of
from focus_core.runs.folder import open_run
from focus_core.runs.migrate import migrate_run

FROZEN = Path(__file__).parents[2] / "data" / "run-of-version-1"
"""Written by the last release of version 1, with a training and a map; it never changes."""

ADDITIONS = ("training/adapted", "projection/umap-adapted-seed42")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return shutil.copytree(FROZEN, tmp_path / "old")


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- reading version 1 ------------------------------------------------------------------------------------------


def test_a_run_of_version_1_opens_under_the_digest_of_its_manifest() -> None:
    run = open_run(FROZEN)
    assert run.manifest["schema_version"] == 1
    assert run.digest == sha256_file(FROZEN / "manifest.json")
    assert list_trainings(run) == ["adapted"]
    assert open_training(run, "adapted").manifest["run_digest"] == run.digest
    assert open_projection(run, "umap-adapted-seed42").points().num_rows == 80


def test_a_run_of_version_1_is_explained() -> None:
    run = open_run(FROZEN)
    found = explain_token(run, *run.find("▁mkulima"))
    assert found.formula == "e(▁mkulima) = 0.60 e(▁farmer) + 0.40 e(▁market)"
    assert run.scale() is None
    assert not run.sides_differ


def test_a_run_of_version_1_is_checked_and_said_to_have_no_digests() -> None:
    found = {result.code: result for result in run_checks(open_run(FROZEN))}
    assert found["FOC012"].status == "not applicable"
    assert found["FOC012"].summary.startswith("no digests")
    assert found["FOC001"].status == "passed"


def test_a_run_of_version_1_is_exported(tmp_path: Path) -> None:
    folder = export_model(FROZEN, tmp_path / "model")
    rows = read_array(folder / "model.safetensors", "embeddings")
    assert (rows == open_run(FROZEN).embeddings()).all()


@pytest.mark.parametrize("file", ["contributions_output.parquet"])
def test_a_run_of_version_1_has_no_file_of_version_2(old: Path, file: str) -> None:
    shutil.copy(old / "contributions.parquet", old / file)
    with pytest.raises(InvalidInputError, match=f"expected no {file}"):
        open_run(old)


# --- migrating --------------------------------------------------------------------------------------------------


def test_only_manifests_change_and_every_name_stays(old: Path) -> None:
    before, digest = content(old), open_run(old).digest
    trained = open_training(open_run(old), "adapted").digest
    said = migrate_run(old)
    assert said == "old is of version 2 now: digests of 16 files, of the run and 2 trainings and projections"
    after = content(old)
    manifests = {f"{folder}manifest.json" for folder in ("", *(f"{name}/" for name in ADDITIONS))}
    assert before.keys() == after.keys()
    assert {name for name in before if before[name] != after[name]} == manifests
    run = open_run(old)
    assert (run.manifest["schema_version"], run.digest) == (2, digest)
    assert open_training(run, "adapted").digest == trained
    assert {member["digest"] for member in open_projection(run, "umap-adapted-seed42").manifest["members"]} == {
        digest,
        trained,
    }


@pytest.mark.parametrize("folder", ["", *ADDITIONS])
def test_a_manifest_keeps_all_that_it_said_and_notes_every_file(old: Path, folder: str) -> None:
    before = json.loads((old / folder / "manifest.json").read_bytes())
    migrate_run(old)
    after = json.loads((old / folder / "manifest.json").read_bytes())
    new = {"files": after.pop("files"), "digest": after.pop("digest")}
    assert after == before | {"schema_version": 2}
    assert new["digest"] == name_of(before)
    apart = ("manifest.json", "log/", "training/", "projection/")
    expected = {name for name in content(old / folder) if not name.startswith(apart)}
    assert new["files"] == {name: sha256_file(old / folder / name) for name in expected}
    assert not folder or expected


def test_a_migrated_run_passes_and_is_left_alone(old: Path) -> None:
    migrate_run(old)
    before = content(old)
    assert migrate_run(old) == "old is of version 2 already"
    assert content(old) == before
    found = {result.code: result for result in run_checks(open_run(old))}
    assert (found["FOC012"].status, found["FOC012"].summary) == ("passed", "every file is as it was made")


def test_a_training_of_version_1_in_a_run_of_version_2_is_migrated(old: Path) -> None:
    migrate_run(old)
    shutil.rmtree(old / "training" / "adapted")
    shutil.copytree(FROZEN / "training" / "adapted", old / "training" / "adapted")
    found = {result.code: result for result in run_checks(open_run(old))}
    assert "no digests: training/adapted of version 1" in found["FOC012"].summary
    assert migrate_run(old) == "old is of version 2 now: digests of 3 files, of 1 trainings and projections"


def test_a_migration_that_was_interrupted_leaves_a_run_and_is_finished_by_the_next(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []

    def stopped(path: Path, data: bytes) -> None:
        if written:
            raise KeyboardInterrupt
        written.append(path)
        artifacts.atomic_write_bytes(path, data)

    monkeypatch.setattr("focus_core.runs.migrate.atomic_write_bytes", stopped)
    with pytest.raises(KeyboardInterrupt):
        migrate_run(old)
    monkeypatch.undo()
    assert open_run(old).manifest["schema_version"] == 1
    assert open_training(open_run(old), "adapted").manifest["schema_version"] == 2
    assert "of version 2 now" in migrate_run(old)
    assert changes_of(old) == type(changes_of(old))()


# --- what is not migrated ---------------------------------------------------------------------------------------


def refused(old: Path) -> str:
    before = content(old)
    with pytest.raises(InvalidInputError) as caught:
        migrate_run(old)
    assert content(old) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_unfinished_run_is_refused(old: Path) -> None:
    assert "unfinished" in refused(old.rename(old.with_name("old.part")))


@pytest.mark.parametrize("name", ["tokens.parquet", "candidates.parquet", "examples.parquet"])
def test_a_damaged_table_is_refused(old: Path, name: str) -> None:
    (old / name).write_bytes((old / name).read_bytes()[:-9])
    assert name in refused(old)


def test_rows_that_were_changed_are_refused(old: Path) -> None:
    path = old / "embeddings.safetensors"
    data = bytearray(path.read_bytes())
    data[-5] ^= 0x40
    path.write_bytes(data)
    assert "rows of input that are as long as tokens.parquet says" in refused(old)


def test_another_tokenizer_is_refused(old: Path) -> None:
    shutil.copytree(old / "source_tokenizer", old / "target_tokenizer", dirs_exist_ok=True)
    assert "target_tokenizer as it was made" in refused(old)


def test_a_damaged_training_is_refused(old: Path) -> None:
    (old / "training" / "adapted" / "trained.safetensors").write_bytes(b"\xff" * 64)
    assert "training adapted" in refused(old)


def test_a_manifest_that_was_edited_is_refused(old: Path) -> None:
    """Its digest names it in trainings, maps and evaluations: written in another way it would have another one."""
    path = old / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert "manifest.json as it was written" in refused(old)


def test_the_verb_says_one_line(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["migrate", str(old)]) == 0
    assert capsys.readouterr().out.startswith("old is of version 2 now: ")
    assert command(["migrate", str(old)]) == 0
    assert capsys.readouterr().out == "old is of version 2 already\n"
    assert command(["migrate", str(old / "nothing")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
