"""The export refuses what it must, leaves nothing half-written, and its card and configuration say what is true."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from focus_core.artifacts import write_arrays
from focus_core.errors import InvalidInputError, ModelError, RunFolderError
from focus_core.export import model_folder as export
from focus_core.export.model_card import auto_class, escape_markdown, write_card
from focus_core.export.model_folder import export_model
from focus_core.runs.folder import RunFolder
from focus_core.surgery.config import IdMap, adapt_config
from tests.tiny_models import target_tokenizer, tiny_model, tiny_tokenizer
from tests.tiny_runs import tiny_run


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run from a small BERT to another WordPiece vocabulary."""
    model_folder = tiny_model("bert", tmp_path / "model")
    return tiny_run(tmp_path / "run", model_folder, target_tokenizer("bert", tmp_path / "target"))[0]


def left_behind(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if "out" in p.name)


# --- folders ----------------------------------------------------------------------------------------------------


def test_output_folder_that_exists(run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    with pytest.raises(InvalidInputError, match="expected a new folder, got one that exists"):
        export_model(run, tmp_path / "out")
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep"


def test_a_failure_at_any_stage_leaves_no_folder(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Disk full and interrupt, while weights, tokenizer, card or proof are made: the folder never appears."""
    for stage in ("_write_weights", "_write_json", "prove_export", "write_card"):
        for error in (OSError(28, "No space left on device"), KeyboardInterrupt()):

            def fail(*_: Any, error: BaseException = error, **__: Any) -> None:
                raise error

            with monkeypatch.context() as patch:
                patch.setattr(export, stage, fail)
                with pytest.raises(type(error)):
                    export_model(run, tmp_path / "out")
            assert left_behind(tmp_path) == []
    export_model(run, tmp_path / "out")
    assert left_behind(tmp_path) == ["out"]


def test_the_same_run_gives_the_same_bytes(run: RunFolder, tmp_path: Path) -> None:
    one, two = export_model(run, tmp_path / "one"), export_model(run, tmp_path / "two")
    names = sorted(p.name for p in one.iterdir())
    assert names == sorted(p.name for p in two.iterdir())
    assert {"README.md", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= set(names)
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in names)


# --- the source, found again ------------------------------------------------------------------------------------


def test_source_that_is_gone(run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "model").rename(tmp_path / "moved")
    with pytest.raises(RunFolderError, match=r"gone; say where it is now with --source"):
        export_model(run, tmp_path / "out")
    assert left_behind(tmp_path) == []
    export_model(run, tmp_path / "out", source=tmp_path / "moved")


def test_run_without_a_note_of_its_source(run: RunFolder, tmp_path: Path) -> None:
    """A run copied without its log."""
    shutil.rmtree(run.path / "log")
    with pytest.raises(RunFolderError, match="no note of it; say where it is now with --source"):
        export_model(run, tmp_path / "out")
    export_model(run, tmp_path / "out", source=tmp_path / "model")


def test_another_source_is_refused(run: RunFolder, tmp_path: Path) -> None:
    """A model of the same shape with other weights: told apart by the digest in the manifest."""
    other = tiny_model("bert", tmp_path / "other", seed=1)
    with pytest.raises(ModelError, match="weights with SHA-256"):
        export_model(run, tmp_path / "out", source=other)


def test_source_that_changed_since(run: RunFolder, tmp_path: Path) -> None:
    path = tmp_path / "model" / "model.safetensors"
    tensors = load_file(path)
    tensors["cls.predictions.bias"][0] += 1
    save_file(tensors, path)
    with pytest.raises(ModelError, match="give the model that the run was made from"):
        export_model(run, tmp_path / "out")


def test_run_that_lacks_a_matrix(run: RunFolder, tmp_path: Path) -> None:
    """A masked model has a bias; a run without one would leave the source's bias in place."""
    arrays = load_file(run.path / "embeddings.safetensors")
    write_arrays(run.path / "embeddings.safetensors", {"input": arrays["input"]})
    with pytest.raises(RunFolderError, match="expected bias, input with"):
        export_model(run, tmp_path / "out")


def test_damaged_run_arrays(run: RunFolder, tmp_path: Path) -> None:
    path = run.path / "embeddings.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ModelError, match="a sound safetensors file"):
        export_model(run, tmp_path / "out")


def test_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError):
        export_model(tmp_path / "nothing", tmp_path / "out")


# --- proof ------------------------------------------------------------------------------------------------------


def test_export_is_proven_by_loading_it(run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A weight that is lost, a row that is swapped, or a bias left in place is found before the folder appears."""
    write = export.write_arrays

    def broken(change: str) -> Any:
        def write_changed(path: Path, tensors: dict[str, torch.Tensor], **options: Any) -> None:
            tensors = dict(tensors)
            if change == "lost":
                tensors.pop("cls.predictions.transform.dense.weight")
            elif change == "cut":
                tensors["bert.embeddings.LayerNorm.weight"] = tensors["bert.embeddings.LayerNorm.weight"][:-1]
            elif change == "swapped":
                tensors["bert.embeddings.word_embeddings.weight"] = tensors[
                    "bert.embeddings.word_embeddings.weight"
                ].flip(0)
            elif change == "bias":
                tensors["cls.predictions.bias"] = tensors["cls.predictions.bias"].roll(1)
            else:
                tensors["bert.embeddings.LayerNorm.weight"] = tensors["bert.embeddings.LayerNorm.weight"] * torch.nan
            write(path, tensors, **options)

        return write_changed

    messages = {
        "lost": "1 weights missing, such as cls.predictions.transform.dense.weight",
        "cut": r"LayerNorm.weight of shape \(15,\), where its config.json makes \(16,\)",
        "swapped": "other values in bert.embeddings.word_embeddings.weight",
        "bias": "other values in cls.predictions",
        "nan": "the source's own .* a difference of inf",
    }
    for change, message in messages.items():
        monkeypatch.setattr(export, "write_arrays", broken(change))
        with pytest.raises(ModelError, match=message):
            export_model(run, tmp_path / "out")
    assert left_behind(tmp_path) == []


def test_trap_resizing_draws_noise(run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """resize_token_embeddings draws noise for rows it adds; the export never calls it, and draws nothing."""
    from transformers import PreTrainedModel

    def fail(*_: Any, **__: Any) -> None:
        pytest.fail("a model was resized")

    monkeypatch.setattr(PreTrainedModel, "resize_token_embeddings", fail)
    state = torch.random.get_rng_state()
    export_model(run, tmp_path / "out")
    assert torch.equal(torch.random.get_rng_state(), state)


def test_transformers_settings_are_as_before(run: RunFolder, tmp_path: Path) -> None:
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    export_model(run, tmp_path / "out")
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_bias_stored_once_by_an_older_release(tmp_path: Path) -> None:
    """An untied head whose file holds `cls.predictions.bias` alone: both of its tensors are written."""
    model_folder = tiny_model("bert", tmp_path / "model", tied=False)
    tensors = load_file(model_folder / "model.safetensors")
    tensors.pop("cls.predictions.decoder.bias")
    save_file(tensors, model_folder / "model.safetensors", metadata={"format": "pt"})
    run, source, copied = tiny_run(tmp_path / "run", model_folder, target_tokenizer("bert", tmp_path / "target"))
    written = load_file(export_model(run, tmp_path / "out") / "model.safetensors")
    assert source.bias is not None
    for name in ("cls.predictions.bias", "cls.predictions.decoder.bias"):
        assert torch.equal(written[name][list(copied)], source.bias[list(copied.values())])


def test_weights_are_as_readable_as_the_other_files(run: RunFolder, tmp_path: Path) -> None:
    """The writer of safetensors gives mode 600, which keeps a model from everyone else."""
    folder = export_model(run, tmp_path / "out")
    assert {path.stat().st_mode for path in folder.iterdir()} == {(folder / "config.json").stat().st_mode}


def test_licence_of_the_source_comes_along(run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "model" / "LICENSE").write_text("terms")
    assert (export_model(run, tmp_path / "out") / "LICENSE").read_text() == "terms"


# --- embeddings without a backbone ----------------------------------------------------------------------------------


def static_model(folder: Path) -> Path:
    """Write static embeddings in int8, laid out as model2vec does."""
    tiny_tokenizer("bert", folder)
    n = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab_size()
    numbers = (torch.arange(n * 4).reshape(n, 4) % 100).to(torch.int8)
    save_file({"embeddings": numbers}, folder / "model.safetensors")
    (folder / "config.json").write_text(
        json.dumps({"model_type": "model2vec", "tokenizer_name": "x", "normalize": True})
    )
    return folder


def test_static_embeddings_keep_their_layout(tmp_path: Path) -> None:
    """Matrix under its old name, as float32; its configuration without the source tokenizer's name; no body."""
    model_folder = static_model(tmp_path / "model")
    run, source, copied = tiny_run(tmp_path / "run", model_folder, target_tokenizer("bert", tmp_path / "target"))
    folder = export_model(run, tmp_path / "out")
    tensors = load_file(folder / "model.safetensors")
    assert list(tensors) == ["embeddings"]
    assert tensors["embeddings"].dtype == torch.float32
    assert torch.equal(tensors["embeddings"][list(copied)], source.input[list(copied.values())])
    assert json.loads((folder / "config.json").read_text()) == {"model_type": "model2vec", "normalize": True}
    assert not (folder / "modules.json").exists()
    assert "no transformer backbone" in (folder / "README.md").read_text()
    assert Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab_size() == len(tensors["embeddings"])


def test_bare_matrix_needs_no_source(run: RunFolder, tmp_path: Path) -> None:
    """The run was made from `--source-embeddings`: all there is to export is in the run."""
    arrays = load_file(run.path / "embeddings.safetensors")
    write_arrays(run.path / "embeddings.safetensors", {"input": arrays["input"]})
    run.manifest["inputs"] = [{"role": "source_embeddings", "name": "m.npy", "sha256": "0" * 64, "bytes": 1}]
    shutil.rmtree(run.path / "log")
    folder = export_model(run, tmp_path / "out")
    assert torch.equal(load_file(folder / "model.safetensors")["embeddings"], arrays["input"])
    assert not (folder / "config.json").exists()
    assert (folder / "tokenizer.json").is_file()


# --- configuration ----------------------------------------------------------------------------------------------


def adapted(config: dict[str, Any], *, defaults: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """Adapt a configuration of ten source ids to seven target ids: token 8 is copied to 3."""
    given: dict[str, Any] = {
        "n_rows": 10,
        "n_target": 7,
        "copied": {8: 3},
        "source_special_types": {"bos": 0, "pad": 1, "eos": 2},
        "target_special_types": {"eos": 5, "pad": 6},
    }
    return adapt_config(config, IdMap(**{**given, **options}), defaults=defaults).values


def test_no_id_of_the_source_survives() -> None:
    """bos has no token in the target: None. pad and eos move. An id that is no copy and no special token: None."""
    config = adapted({"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1, "image_token_id": 9, "vocab_size": 10})
    assert config == {
        "bos_token_id": None,
        "eos_token_id": 5,
        "pad_token_id": 6,
        "image_token_id": None,
        "vocab_size": 7,
    }


def test_what_has_no_counterpart_is_named() -> None:
    ids = IdMap(n_rows=10, n_target=7, copied={8: 3}, source_special_types={}, target_special_types={})
    config = {"image_token_id": 9, "text_config": {"bos_token_id": 4}, "suppress_tokens": [8, 9], "sep_token_id": 8}
    assert adapt_config(config, ids).lost == ("image_token_id", "suppress_tokens", "text_config.bos_token_id")


def test_a_copied_token_comes_before_its_type() -> None:
    """The source ends texts with token 8, which the target copies to 3; its eos of type 5 is another token."""
    assert adapted({"eos_token_id": 8})["eos_token_id"] == 3


def test_ids_that_the_file_leaves_to_defaults_are_written() -> None:
    """A file without pad_token_id under an architecture whose default is 0 would read the source's 0."""
    config = adapted({"hidden_size": 4}, defaults={"pad_token_id": 0, "decoder_start_token_id": 2, "hidden_size": 4})
    assert config == {
        "hidden_size": 4,
        "bos_token_id": None,
        "eos_token_id": 5,
        "pad_token_id": 6,
        "decoder_start_token_id": 5,
    }


def test_start_of_the_decoder_follows_its_role() -> None:
    """The source starts decoding with id 2, its eos: so does the target, with 5."""
    assert adapted({"decoder_start_token_id": 2})["decoder_start_token_id"] == 5


def test_several_end_ids_become_those_that_are_copied() -> None:
    """By hand: 2 is the eos, 5 there; 8 is copied to 3; 9 has no counterpart but the type of the field, 5 again."""
    assert adapted({"eos_token_id": [2, 8, 9]})["eos_token_id"] == [5, 3]


def test_lists_and_names_of_ids_move_and_code_is_dropped() -> None:
    config = adapted(
        {
            "suppress_tokens": [3, 8],
            "bad_words_ids": [[8, 2], [9]],
            "forced_decoder_ids": [[1, 2], [2, 9]],
            "lang_to_id": {"<|sw|>": 8, "<|de|>": 9},
            "auto_map": {"a": "b"},
            "max_length": 9,
        }
    )
    assert config["suppress_tokens"] == [3]
    assert config["bad_words_ids"] == [[3, 5]]
    assert config["forced_decoder_ids"] == [[1, 5]]
    assert config["lang_to_id"] == {"<|sw|>": 3}
    assert "auto_map" not in config
    assert config["max_length"] == 9


def test_nested_configuration() -> None:
    config = adapted({"text_config": {"vocab_size": 10, "eos_token_id": 2}, "vision_config": {"hidden_size": 3}})
    assert config["text_config"]["vocab_size"] == 7
    assert config["text_config"]["eos_token_id"] == 5
    assert config["vision_config"] == {"hidden_size": 3}


def test_extension_keeps_the_ids_and_fills_in_what_is_missing() -> None:
    given = {"bos_token_id": 0, "eos_token_id": [2, 8], "pad_token_id": None, "vocab_size": 10}
    config = adapted(given, extended=True, n_target=12, target_special_types={"bos": 0, "eos": 2, "pad": 11})
    assert config == {"bos_token_id": 0, "eos_token_id": [2, 8], "pad_token_id": 11, "vocab_size": 12}


# --- model card -------------------------------------------------------------------------------------------------

HOSTILE = "`</td>|[x](javascript:alert(1))\n# <script>\u202eabc"


def card(**changes: Any) -> str:
    manifest: dict[str, Any] = {
        "config": {"method": "focus", "extend": False, "seed": 42, "top_k": None, "epochs": None},
        "inputs": [{"role": "source_model", "name": "org/base", "sha256": "ab" * 32, "bytes": 5}],
        "source": {"name": "src", "family": "unigram", "n": 250_002},
        "target": {"name": "tgt", "family": "unigram", "n": 50_000},
        "counts": {"by_origin": {"copied": 12_320, "combined": 37_000, "fallback": 680}},
        "warnings": ["680 tokens were drawn at random"],
    }
    return write_card({**manifest, **changes}, architectures=["XLMRobertaForMaskedLM"], notes=["a note"])


def test_card_says_what_it_is_and_how_to_load_it() -> None:
    text = card()
    for part in (
        "base_model: org/base",
        "250,002 ids",
        "50,000 ids",
        "| copied | 12,320 |",
        "| fallback | 680 |",
        "| seed | 42 |",
        "| top\\_k | none |",
        "| epochs | auto |",
        "* 680 tokens were drawn at random",
        "* a note",
        "AutoModelForMaskedLM.from_pretrained",
        "not trained since",
    ):
        assert part in text, part


def test_card_escapes_names_and_tokens() -> None:
    """Names and warnings come from files: no tag, link, table cell or heading of theirs may come alive."""
    text = card(
        warnings=[f"token {HOSTILE}"],
        target={"name": HOSTILE, "family": "unigram", "n": 3},
        inputs=[{"role": "source_model", "name": HOSTILE, "sha256": "00", "bytes": 1}],
    )
    assert "base_model" not in text
    assert "\u202e" not in text
    assert "\n# <" not in text
    for line in text.splitlines():
        bare = line.replace("\\<", "").replace("\\|", "").replace("\\[", "").replace("\\`", "")
        assert "<" not in bare
        assert "[" not in bare
        assert line.startswith("|") or "|" not in bare


@pytest.mark.parametrize("method", ["focus", "no", "it's: #1", "null", "é"])
def test_the_head_of_a_card_is_read_back_by_the_hubs_own_reader(method: str) -> None:
    read = ModelCard(card(config={"method": method}))
    tags = ["vocabulary-transfer", method]
    assert read.data.to_dict() == {"base_model": "org/base", "library_name": "transformers", "tags": tags}
    assert read.text.startswith("\n# org/base with the vocabulary of tgt\n\n")


def test_two_names_that_are_shown_alike_keep_a_row_each() -> None:
    inputs = [{"role": "corpus", "name": name, "sha256": "00", "bytes": 1} for name in ("a\nb", "aU+000Ab")]
    assert card(inputs=inputs).count("| corpus aU\\+000Ab | SHA-256 00 |") == 2


def test_a_card_is_written_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a card was about to ask the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert card().startswith("---\nbase_model: org/base\n")


def test_escaped_text_is_one_line() -> None:
    assert escape_markdown("a\nb\ud800") == "aU\\+000Ab\\\\ud800"


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [
        ("BertForMaskedLM", "AutoModelForMaskedLM"),
        ("GPT2LMHeadModel", "AutoModelForCausalLM"),
        ("LlamaForCausalLM", "AutoModelForCausalLM"),
        ("T5ForConditionalGeneration", "AutoModelForSeq2SeqLM"),
        ("BertModel", "AutoModel"),
    ],
)
def test_class_that_loads_an_architecture(architecture: str, expected: str) -> None:
    assert auto_class([architecture]) == expected
