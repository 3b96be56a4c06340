"""What can be done with a run, from its records and the small files of its source."""

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import save_file

from focus_core.api import run_to_folder
from focus_core.export.abilities import MATRIX, NO_HEAD, NO_MASK, Abilities, abilities_of
from focus_core.export.archive import open_model_zip, source_is_named, zip_model
from focus_core.initialization.config import InitConfig
from focus_core.initialization.request import InitRequest
from focus_core.runs.folder import open_run
from tests.tiny_models import target_tokenizer, tiny_tokenizer
from tests.unit.export.test_run_model import small_run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder with a run of a tiny BERT, its source beside it."""
    folder = tmp_path_factory.mktemp("made")
    small_run(folder, "bert")
    return folder


@pytest.fixture
def run(made, tmp_path):
    """Return a copy of that run whose source is a copy too."""
    shutil.copytree(made / "run", tmp_path / "run")
    shutil.copytree(made / "model", tmp_path / "model")
    name_source(tmp_path / "run", tmp_path / "model")
    return open_run(tmp_path / "run")


def name_source(run, spec):
    (run / "log" / "source.json").write_text(json.dumps({"spec": str(spec)}))


def configure(folder, **values):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def static_run(folder, **source):
    request = InitRequest(
        target_tokenizer=str(target_tokenizer("bert", folder / "target")), config=InitConfig(method="overlap"), **source
    )
    return run_to_folder(request, folder / "run")


def static_folder(folder):
    """Write static embeddings as a folder with a configuration of their own."""
    tiny_tokenizer("bert", folder)
    n = len(json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"])
    save_file({"embeddings": np.ones((n, 4), "f4")}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_type": "model2vec", "architectures": ["StaticModel"]}))
    return folder


def test_a_whole_model_can_be_trained_and_exported(run):
    assert abilities_of(run) == Abilities(whole=True)


def test_a_model_without_a_head_can_be_exported_alone(run, tmp_path):
    configure(tmp_path / "model", architectures=["BertModel"])
    assert abilities_of(run) == Abilities(whole=True, hindrance=NO_HEAD)


def test_masked_tokens_need_a_mask(run):
    path = run.path / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["target"]["roles"]["mask"]
    path.write_text(json.dumps(manifest))
    assert abilities_of(open_run(run.path)) == Abilities(whole=True, hindrance=NO_MASK)


def test_a_model_in_a_folder_inside_is_found(run, tmp_path):
    outer = tmp_path / "outer"
    shutil.copytree(tmp_path / "model", outer / "0_Transformer")
    entry = {"idx": 0, "name": "0", "path": "0_Transformer", "type": "sentence_transformers.models.Transformer"}
    (outer / "modules.json").write_text(json.dumps([entry]))
    configure(outer / "0_Transformer", architectures=["BertModel"])
    name_source(run.path, outer)
    assert abilities_of(run).hindrance == NO_HEAD


def test_a_configuration_that_names_no_class_says_nothing(run, tmp_path):
    configure(tmp_path / "model", architectures=None)
    assert abilities_of(run) == Abilities(whole=True)


@pytest.mark.parametrize("spec", ["gone", "owner/never-fetched"])
def test_where_nothing_is_known_it_counts_as_possible(run, tmp_path, spec):
    name_source(run.path, tmp_path / spec if spec == "gone" else spec)
    assert abilities_of(run) == Abilities(whole=True)
    assert source_is_named(run) == (spec != "gone")


def test_a_source_named_without_an_owner_is_one_of_the_hub(run):
    name_source(run.path, "gpt2")
    assert source_is_named(run)


def test_static_embeddings_are_no_model_whatever_their_configuration_says(tmp_path):
    run = static_run(tmp_path, source=str(static_folder(tmp_path / "static")))
    assert abilities_of(run) == Abilities(whole=False, hindrance=MATRIX)
    zip_model(run, tmp_path / "zip")
    found = open_model_zip(tmp_path / "zip")
    assert "model/config.json" in found.files
    assert found.loader is None, "no class of transformers loads it"


def test_a_matrix_from_a_file_is_no_model(tmp_path):
    folder = static_folder(tmp_path / "static")
    run = static_run(
        tmp_path, source_tokenizer=str(folder / "tokenizer.json"), source_embeddings=folder / "model.safetensors"
    )
    assert abilities_of(run) == Abilities(whole=False, hindrance=MATRIX)
