"""Sources that people gave: kept for their runs, counted, removed with the last run of theirs that needs them."""

import json
import os
import stat
import time

import pytest

from focus_core.errors import ModelError
from focus_core.initialization.request import InitRequest, write_request
from focus_core.jobs import sources
from focus_core.jobs.process import delete_run
from focus_core.jobs.record import REQUEST, Job, hash_owner, new_run_id, record_folder, write_record
from focus_core.jobs.sources import keep_source, sources_of

ME = hash_owner("me")


@pytest.fixture
def root(tmp_path):
    (tmp_path / "runs").mkdir()
    return (tmp_path / "runs").resolve()


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "upload" / "bert-tiny"
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"w" * 1000)
    (folder / "1_Pooling" / "config.json").write_text("{}")
    return folder


def ended(root, *, owner="me", asked=None, logged=None, part=None):
    """Write a job that has ended: asked to use a source, or with a run or a growing folder whose log names one."""
    job = Job(
        id=new_run_id(), root=root, title="", arguments=("init",), owner=hash_owner(owner), pid=2**22 + 1, pid_start=1,
        created=time.time(),
    )  # fmt: skip
    record_folder(root, job.id).mkdir(parents=True)
    write_record(job)
    if asked is not None:
        write_request(InitRequest(source=str(asked), target_tokenizer="t"), job.record / REQUEST)
    for folder, spec in ((job.run, logged), (job.part / "copy", part)):
        if spec is not None:
            (folder / "log").mkdir(parents=True)
            (folder / "log" / "source.json").write_text(json.dumps({"spec": str(spec)}))
    return job


def test_a_source_is_kept_whole_private_and_under_its_name(root, model):
    kept = keep_source(model, root=root, owner=ME)
    assert kept.name == "bert-tiny"
    assert kept.parent.parent == root / ".sources"
    assert (kept / "model.safetensors").read_bytes() == b"w" * 1000
    assert (kept / "1_Pooling" / "config.json").is_file()
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert model.is_dir()


def test_it_goes_with_the_last_run_that_needs_it(root, model):
    kept = keep_source(model, root=root, owner=ME)
    first, again, trained = ended(root, asked=kept), ended(root, asked=kept, logged=kept), ended(root, logged=kept)
    for job in (first, again):
        delete_run(job, owner="me")
        assert kept.is_dir()
    delete_run(trained, owner="me")
    assert not kept.parent.exists()
    assert not trained.run.exists()


def test_a_copy_that_is_being_trained_needs_it(root, model):
    kept = keep_source(model, root=root, owner=ME)
    first, copy = ended(root, asked=kept), ended(root, part=kept)
    assert sources_of(copy) == {kept.parent}
    delete_run(first, owner="me")
    assert kept.is_dir()


def test_a_comparison_needs_it_which_names_it_among_its_words(root, model):
    kept = keep_source(model, root=root, owner=ME)
    job = ended(root)
    comparison = type(job)(**{**vars(job), "arguments": ("compare", "--source", str(kept), "--seeds", "3")})
    write_record(comparison)
    assert sources_of(comparison) == {kept.parent}
    comparison.run.mkdir()
    delete_run(comparison, owner="me")
    assert not kept.exists()


def test_another_owners_run_does_not_hold_it(root, model):
    """It is its owner's to delete, though a copy of the run was made by its link."""
    kept = keep_source(model, root=root, owner=ME)
    mine, theirs = ended(root, asked=kept), ended(root, owner="you", logged=kept)
    delete_run(theirs, owner="you")
    assert kept.is_dir()
    delete_run(mine, owner="me")
    assert not kept.exists()


@pytest.mark.parametrize("spec", ["model", "/", "", "{root}/.sources", "{root}/.sources/x", "{root}/../other/x/y"])
def test_no_other_folder_is_touched(root, model, spec):
    spec = spec.format(root=root)
    kept = keep_source(model, root=root, owner=ME)
    other = root.parent / "other" / "x" / "y"
    other.mkdir(parents=True)
    delete_run(ended(root, logged=spec), owner="me")
    assert kept.is_dir()
    assert other.is_dir()


def test_an_owner_keeps_no_more_than_their_share(root, model, monkeypatch):
    monkeypatch.setattr(sources, "MOST_BYTES", 2500)
    first = keep_source(model, root=root, owner=ME)
    keep_source(model, root=root, owner=ME)
    with pytest.raises(ModelError, match="delete a run that was made from another source"):
        keep_source(model, root=root, owner=ME)
    assert len(list((root / ".sources").iterdir())) == 2
    keep_source(model, root=root, owner=hash_owner("you"))
    delete_run(ended(root, asked=first), owner="me")
    assert keep_source(model, root=root, owner=ME).is_dir()


def test_what_no_run_came_to_need_goes_after_a_day(root, model):
    fresh, old, needed = (keep_source(model, root=root, owner=ME) for _ in range(3))
    ended(root, asked=needed)
    for kept in (old, needed):
        os.utime(kept.parent, (1, 1))
    keep_source(model, root=root, owner=ME)
    assert (fresh.is_dir(), old.is_dir(), needed.is_dir()) == (True, False, True)
