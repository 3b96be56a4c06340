"""Pages offer nothing that cannot work: a run without a model, or without a head, is neither trained nor evaluated."""

import json
import shutil

import pytest

from focus_core.runs.folder import open_run
from tests.pages.conftest import texts
from tests.tiny_models import tiny_model
from tests.toy_run import write_toy_run


@pytest.fixture
def demo(tmp_path, monkeypatch, empty_caches):
    """Return a folder of runs: one made of a matrix alone, one of a body without a head, and a whole one."""
    del empty_caches
    run = write_toy_run(tmp_path / "demo" / "matrix")
    model = tiny_model("bert", tmp_path / "model")
    for name, architecture in (("headless", "BertModel"), ("whole", "BertForMaskedLM")):
        shutil.copytree(run.path, tmp_path / "demo" / name)
        shutil.copytree(model, tmp_path / name)
        config = json.loads((model / "config.json").read_text())
        (tmp_path / name / "config.json").write_text(json.dumps(config | {"architectures": [architecture]}))
        (tmp_path / "demo" / name / "log").mkdir(exist_ok=True)
        (tmp_path / "demo" / name / "log" / "source.json").write_text(json.dumps({"spec": str(tmp_path / name)}))
    manifest = json.loads((run.path / "manifest.json").read_text())
    roles = [entry for entry in manifest["inputs"] if entry["role"] not in {"source_model", "source_embeddings"}]
    entry = {"role": "source_embeddings", "name": "m.safetensors", "sha256": "0" * 64, "bytes": 1}
    (run.path / "manifest.json").write_text(json.dumps(manifest | {"inputs": [*roles, entry]}))
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(tmp_path / "demo"))
    return tmp_path / "demo"


def expanders(at):
    return [box.label for box in at.expander]


def test_train_offers_a_model_without_a_head_pairs_alone(open_app, demo):
    at = open_app("train", run="headless")
    said = "no head that predicts tokens, so it can learn from pairs of lines"
    assert any(said in info.value for info in at.info)
    assert "Evaluate on a text" not in expanders(at)
    assert "Train it further" in expanders(at)
    assert at.segmented_control(key="_adapt_kind_1").options == ["pairs of lines"]
    assert not any(control.key == "_corpus_kind" for control in at.segmented_control)


def test_train_offers_no_training_and_says_why(open_app, demo):
    at = open_app("train", run="matrix")
    words = "from an embedding matrix alone"
    assert any(words in info.value and "neither trained nor evaluated" in info.value for info in at.info)
    assert "Train it further" not in expanders(at)
    assert "Evaluate on a text" not in expanders(at)
    assert "Import a checkpoint" in expanders(at), "embeddings from elsewhere can be laid beside these"
    assert not any("focus_core adapt" in str(block.value) for block in at.code)


def test_train_offers_all_of_it_for_a_whole_model(open_app, demo):
    at = open_app("train", run="whole")
    assert {"Train it further", "Evaluate on a text"} <= set(expanders(at))
    assert any("focus_core adapt" in str(block.value) for block in at.code)


def test_a_second_run_without_a_model_is_not_measured(open_app, demo):
    at = open_app("train", run="whole")
    next(box for box in at.expander if box.label == "Evaluate on a text")
    at.session_state["_evaluate_box"] = True
    at.run()
    second = at.selectbox(key="_evaluate_second")
    second.set_value("matrix").run()
    assert not at.exception
    assert any("from an embedding matrix alone" in info.value for info in at.info)


@pytest.mark.parametrize(("name", "whole"), [("matrix", False), ("headless", True), ("whole", True)])
def test_export_calls_a_folder_what_it_is(open_app, demo, name, whole):
    at = open_app("export", run=name)
    assert [h.value for h in at.header if "folder" in h.value] == ["Model folder" if whole else "Embeddings folder"]
    assert ("The whole model" in texts(at)) == whole
    label = "Make the model folder" if whole else "Make the embeddings folder"
    assert at.button(key="_make_model").label == label
    assert open_run(demo / name)
