"""Exported folders of four architectures, tied and untied: they load whole, run, and hold the right numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer
from transformers.utils import logging

from focus_core.export.model_folder import export_model
from focus_core.models.source import load_source
from focus_core.tokenization.vocabulary import load_vocabulary
from tests.tiny_models import FAMILIES, MASKED, target_tokenizer, tiny_model, tiny_tokenizer
from tests.tiny_runs import tiny_run

TEXT = "der Bauer verkauft bread at the market, weil es regnet"
ROLES = ("bos", "eos", "pad", "unk", "sep", "cls", "mask")


@pytest.fixture(autouse=True)
def heard_and_quiet() -> Iterator[None]:
    """Let caplog hear what transformers logs; hide its bars."""
    logging.disable_progress_bar()
    logging.enable_propagation()
    yield
    logging.disable_propagation()
    logging.enable_progress_bar()


def load(family: str, folder: Path) -> tuple[Any, dict[str, Any]]:
    auto = AutoModelForMaskedLM if family in MASKED else AutoModelForCausalLM
    model, report = auto.from_pretrained(folder, output_loading_info=True)
    return model.eval(), report


def logits(model: Any, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).logits[0]


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_exported_folder_loads_and_runs(
    family: str, tied: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No key is missing, unexpected or of another shape, nothing is logged, and logits over real text are finite."""
    model_folder = tiny_model(family, tmp_path / "model", tied=tied)
    run, _, _ = tiny_run(tmp_path / "run", model_folder, target_tokenizer(family, tmp_path / "target"))
    folder = export_model(run, tmp_path / "out")
    model, report = load(family, folder)
    assert not any(report.values())
    assert not [record for record in caplog.records if record.name.startswith("transformers")]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    encoded = tokenizer(TEXT, return_tensors="pt")
    result = model(**encoded).logits
    assert result.shape[-1] == len(tokenizer) == model.config.vocab_size
    assert torch.isfinite(result).all()
    assert model.config.tie_word_embeddings is tied


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_trap_head_bias_left_misaligned(family: str, tied: bool, tmp_path: Path) -> None:
    """By hand: target row t of a token that is source row s holds row s, bit for bit; its bias is the bias of s.

    The trap is a bias left in place: then entry t would hold the bias of the unrelated source token t.
    """
    model_folder = tiny_model(family, tmp_path / "model", tied=tied)
    run, source, copied = tiny_run(tmp_path / "run", model_folder, target_tokenizer(family, tmp_path / "target"))
    model, _ = load(family, export_model(run, tmp_path / "out"))
    assert len(copied) > 10
    assert any(row != source_row for row, source_row in copied.items())
    rows, source_rows = list(copied), list(copied.values())
    head = model.get_output_embeddings()
    assert torch.equal(model.get_input_embeddings().weight[rows], source.input[source_rows])
    output = source.input if source.output is None else source.output
    assert torch.equal(head.weight[rows], output[source_rows])
    assert (head.weight.data_ptr() == model.get_input_embeddings().weight.data_ptr()) is tied
    if family in MASKED:
        assert source.bias is not None
        assert torch.equal(head.bias[rows], source.bias[source_rows])
        assert not torch.equal(head.bias[rows], source.bias[: len(rows)])


def test_trap_output_matrix_read_after_truncation(tmp_path: Path) -> None:
    """A smaller target of an untied model: its output rows come from all of the source's, not from the first n.

    By hand: `the` has a source id beyond the last target id, so a matrix cut to n_target rows first has no such row.
    """
    model_folder = tiny_model("bert", tmp_path / "model", tied=False)
    target = tiny_tokenizer("bert", tmp_path / "target", ("the bread",))
    run, source, copied = tiny_run(tmp_path / "run", model_folder, target)
    model, _ = load("bert", export_model(run, tmp_path / "out"))
    row = load_vocabulary(target).ids_of_tokens["the"]
    assert copied[row] >= model.config.vocab_size
    assert source.output is not None
    assert torch.equal(model.get_output_embeddings().weight[row], source.output[copied[row]])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_permuted_vocabulary_gives_permuted_logits(family: str, tmp_path: Path) -> None:
    """Renumbering tokens is no change of the model: logits of renumbered ids are the renumbered logits.

    Every id moves, the padding id too, so this fails for a bias, an output row or a position left in place.
    """
    model_folder = tiny_model(family, tmp_path / "model")
    state = json.loads((model_folder / "tokenizer.json").read_text())
    move = renumber(state)
    config = json.loads((model_folder / "tokenizer_config.json").read_text())
    target = tmp_path / "target"
    target.mkdir()
    (target / "tokenizer.json").write_text(json.dumps(state))
    (target / "tokenizer_config.json").write_text(json.dumps(config))
    run, _, copied = tiny_run(tmp_path / "run", model_folder, target)
    assert copied == {new: old for old, new in move.items()}
    before, _ = load(family, model_folder)
    after, _ = load(family, export_model(run, tmp_path / "out"))
    ids = AutoTokenizer.from_pretrained(model_folder)("the farmer sells beans")["input_ids"]
    expected = logits(before, ids)
    found = logits(after, [move[i] for i in ids])
    order = [move[i] for i in range(len(move))]
    torch.testing.assert_close(found[:, order], expected)


def renumber(state: dict[str, Any]) -> dict[int, int]:
    """Reverse the ids of a ``tokenizer.json`` in place; return the map from old to new."""
    vocab = state["model"]["vocab"]
    n = len(vocab)
    move = {i: n - 1 - i for i in range(n)}
    if isinstance(vocab, list):
        vocab.reverse()
        state["model"]["unk_id"] = move[state["model"]["unk_id"]]
    else:
        state["model"]["vocab"] = {token: move[i] for token, i in vocab.items()}
    for entry in state["added_tokens"]:
        entry["id"] = move[entry["id"]]
    for entry in ((state.get("post_processor") or {}).get("special_tokens") or {}).values():
        entry["ids"] = [move[i] for i in entry["ids"]]
    return move


@pytest.mark.parametrize("family", FAMILIES)
def test_trap_config_and_generation_ids_left_to_the_user(family: str, tmp_path: Path) -> None:
    """Ids with a role are the target's; one that the target lacks is that of the token that copies it, else None."""
    model_folder = tiny_model(family, tmp_path / "model")
    other = {"bert": "gpt2", "roberta": "bert", "gpt2": "roberta", "llama": "bert"}[family]
    run, _, copied = tiny_run(tmp_path / "run", model_folder, target_tokenizer(other, tmp_path / "target"))
    folder = export_model(run, tmp_path / "out")
    copies = {old: new for new, old in reversed(copied.items())}
    before = json.loads((model_folder / "config.json").read_text())
    roles = {str(role): i for role, i in load_vocabulary(tmp_path / "target").special_token_types.items()}
    names = ["config.json", *(p.name for p in [folder / "generation_config.json"] if p.exists())]
    assert (len(names) == 2) is (family not in MASKED)
    for name in names:
        config = json.loads((folder / name).read_text())
        for role in ROLES:
            key = f"{role}_token_id"
            if role in {"bos", "eos", "pad"} or key in config:
                assert config[key] == roles.get(role, copies.get(before.get(key))), (name, key)
    model, report = load(family, folder)
    assert not any(report.values())
    assert torch.isfinite(logits(model, list(range(5)))).all()


def test_padding_token_missing_from_a_model_that_counts_positions_from_it(tmp_path: Path) -> None:
    """RoBERTa with a tokenizer that has no padding token: id -1, so that positions start at row 0.

    By hand: the source has pad 1 and 66 position rows, so the first token reads row 2. With -1 it reads row 0;
    rows 2..65 move to 0..63.
    """
    model_folder = tiny_model("roberta", tmp_path / "model")
    run, _, _ = tiny_run(tmp_path / "run", model_folder, target_tokenizer("gpt2", tmp_path / "target"))
    folder = export_model(run, tmp_path / "out")
    model, report = load("roberta", folder)
    assert not any(report.values())
    before, _ = load("roberta", model_folder)
    old = before.roberta.embeddings.position_embeddings.weight
    assert torch.equal(model.roberta.embeddings.position_embeddings.weight, old[2:])
    assert json.loads((folder / "config.json").read_text())["max_position_embeddings"] == 64
    assert "positions from the padding id" in (folder / "README.md").read_text()
    assert logits(model, [3] * 64).shape[0] == 64


@pytest.mark.parametrize("family", FAMILIES)
def test_extension_keeps_every_source_row(family: str, tmp_path: Path) -> None:
    """Rows below n_source are the source's, bit for bit; a text is read with appended ids; ids with roles stay."""
    model_folder = tiny_model(family, tmp_path / "model", tied=family != "llama")
    target = target_tokenizer(family, tmp_path / "target")
    run, source, _ = tiny_run(tmp_path / "run", model_folder, target, extend=True)
    folder = export_model(run, tmp_path / "out")
    model, report = load(family, folder)
    assert not any(report.values())
    n = source.n_rows
    assert model.config.vocab_size > n
    assert torch.equal(model.get_input_embeddings().weight[:n], source.input)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer(TEXT)["input_ids"]
    assert max(ids) >= n
    assert torch.isfinite(logits(model, ids)).all()
    assert source.config is not None
    for role in ("bos", "eos", "pad"):
        assert getattr(model.config, f"{role}_token_id") == source.config.get(f"{role}_token_id")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("family", FAMILIES)
def test_trap_assigning_weights_changes_their_type(family: str, dtype: torch.dtype, tmp_path: Path) -> None:
    """Every tensor keeps its type; copied rows and every weight of the backbone are the same bits."""
    model_folder = tiny_model(family, tmp_path / "model", dtype=dtype, tied=False)
    run, source, copied = tiny_run(tmp_path / "run", model_folder, target_tokenizer(family, tmp_path / "target"))
    folder = export_model(run, tmp_path / "out")
    again = load_source(folder)
    assert again.input.dtype == dtype
    assert torch.equal(again.input[list(copied)], source.input[list(copied.values())])
    before, after = (load(family, f)[0].state_dict() for f in (model_folder, folder))
    replaced = {name for names in source.tensor_names.values() for name in names}
    backbone = [name for name in before if name not in replaced]
    assert len(before) - len(backbone) == {"bert": 4, "roberta": 4, "gpt2": 2, "llama": 2}[family]
    assert all(torch.equal(before[name], after[name]) for name in backbone)
    assert {tensor.dtype for tensor in after.values()} == {dtype}


def test_sharded_model(tmp_path: Path) -> None:
    """A model in several files is exported as several files, whose index names every tensor."""
    model_folder = tiny_model("llama", tmp_path / "model", tied=False, max_shard_size="20KB")
    assert len(list(model_folder.glob("*.safetensors"))) > 1
    run, source, copied = tiny_run(tmp_path / "run", model_folder, target_tokenizer("llama", tmp_path / "target"))
    folder = export_model(run, tmp_path / "out")
    model, report = load("llama", folder)
    assert not any(report.values())
    assert source.output is not None
    assert torch.equal(model.lm_head.weight[list(copied)], source.output[list(copied.values())])


def test_padding_rows_of_the_source_are_left_behind(tmp_path: Path) -> None:
    """A source of 8 rows more than ids: the exported matrix has one row for each id of the target."""
    model_folder = tiny_model("gpt2", tmp_path / "model", extra_rows=8)
    run, source, _ = tiny_run(tmp_path / "run", model_folder, target_tokenizer("gpt2", tmp_path / "target"))
    model, report = load("gpt2", export_model(run, tmp_path / "out"))
    assert not any(report.values())
    assert model.config.vocab_size == load_vocabulary(tmp_path / "target").n
    assert any("8 padding embeddings" in message for message in source.messages)


def test_trap_tokenizer_saving_left_to_the_user(tmp_path: Path) -> None:
    """The tokenizer of the folder, loaded by transformers, cuts text as the target tokenizer does."""
    model_folder = tiny_model("bert", tmp_path / "model")
    target = tiny_tokenizer("llama", tmp_path / "target", ("eins zwei drei", "der Markt"))
    run, _, _ = tiny_run(tmp_path / "run", model_folder, target)
    tokenizer = AutoTokenizer.from_pretrained(export_model(run, tmp_path / "out"))
    backend = load_vocabulary(target).backend
    assert tokenizer("der Markt 日")["input_ids"] == backend.encode("der Markt 日").ids
