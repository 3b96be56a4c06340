"""What a model is asked about itself: real classes of transformers, whose own forward pass is the measure."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import pytest
import torch
from transformers.models.auto import modeling_auto as auto

from focus_core.errors import FocusError, InvalidInputError, ModelError
from focus_core.export.asking import ask
from focus_core.export.forward import CLM, MLM, MOST_POSITIONS, Reading, all_scores, run_or_refuse, scores_at
from tests.tiny_architectures import PAD, VOCABULARY, tiny_architecture

pytestmark = pytest.mark.filterwarnings("ignore")

QUICK = (
    # type, class, objective, positions, whether the head runs alone, whether padding is read
    ("llama", "LlamaForCausalLM", CLM, 64, True, True),
    ("gemma2", "Gemma2ForCausalLM", CLM, 64, True, True),  # scores are capped after the head
    ("cohere", "CohereForCausalLM", CLM, 64, True, True),  # scaled after the head
    ("granite", "GraniteForCausalLM", CLM, 64, True, True),
    ("opt", "OPTForCausalLM", CLM, 64, True, True),
    ("bart", "BartForCausalLM", CLM, 64, True, True),
    ("gemma3", "Gemma3ForConditionalGeneration", CLM, 64, True, True),  # a nested configuration
    ("mamba", "MambaForCausalLM", CLM, MOST_POSITIONS, True, True),
    ("jamba", "JambaForCausalLM", CLM, 64, True, True),
    ("prophetnet", "ProphetNetForCausalLM", CLM, 61, False, False),  # its head sees another shape
    ("xlm", "XLMWithLMHeadModel", MLM, 64, True, True),  # its class does not say which
    ("bert", "BertForPreTraining", MLM, 64, True, True),  # its scores have another name
    ("longformer", "LongformerForMaskedLM", MLM, 62, True, True),  # positions count from the padding id
    ("deberta-v2", "DebertaV2ForMaskedLM", MLM, 64, True, True),
    ("fnet", "FNetForMaskedLM", MLM, 64, True, False),  # mixes whole sequences
)


def asked(model: Any) -> Reading:
    n = model.get_input_embeddings().weight.shape[0]
    return ask("it", model, ordinary=list(range(3, VOCABULARY)), n_tokens=min(n, VOCABULARY), pad_id=PAD)


def texts(reading: Reading) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return sequences, a choice of positions and attention; without padding where a model reads none."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(3, VOCABULARY, (3, 11), generator=generator)
    attention = torch.ones_like(ids)
    attention[1, 7:] = 0
    ids[1, 7:] = PAD
    rows = slice(None) if reading.padding else slice(1)
    chosen = (torch.rand(ids.shape, generator=generator) < 0.4) & (attention == 1)
    return ids[rows], chosen[rows], attention[rows]


def _inputs(model: Any, ids: torch.Tensor, attention: torch.Tensor | None) -> dict[str, Any]:
    """Return what the class itself is called with; caches of hybrid models refuse the first pass."""
    names = str(inspect.signature(model.forward))
    cache = {"use_cache": False} if "use_cache" in names or "**" in names else {}
    return {"input_ids": ids, **cache, **({} if attention is None else {"attention_mask": attention})}


def assert_scores_are_those_of_the_whole_pass(model: Any, reading: Reading) -> None:
    ids, chosen, attention = texts(reading)
    with torch.no_grad():
        found = scores_at(model, reading, ids, chosen, attention)
        given = model(**_inputs(model, ids, attention if reading.padding else None))
        whole = given.get("logits", given.get("prediction_logits"))
    torch.testing.assert_close(found, whole[chosen], rtol=0, atol=1e-5 * float(whole.abs().max()))


@pytest.mark.parametrize(("model_type", "name", "objective", "positions", "alone", "padding"), QUICK)
def test_a_class_is_found_out(
    model_type: str, name: str, objective: str, positions: int, alone: bool, padding: bool
) -> None:
    model = tiny_architecture(model_type, name)
    reading = asked(model)
    assert (reading.objective, reading.n_positions) == (objective, positions)
    assert (reading.head_alone, reading.padding) == (alone, padding)
    assert not model.training
    assert_scores_are_those_of_the_whole_pass(model, reading)


@pytest.mark.long
@pytest.mark.parametrize(
    ("model_type", "name"),
    [*auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.items(), *auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES.items()],
)
def test_every_class_of_the_text_mappings(model_type: str, name: str) -> None:
    """The scores at chosen positions are those of the class, or it is refused in one line."""
    try:
        model = tiny_architecture(model_type, name)
    except Exception as reason:
        pytest.skip(f"no small one is built: {type(reason).__name__}: {str(reason)[:120]}")
    reading = reading_or_reason(model)
    if isinstance(reading, Reading):
        assert_scores_are_those_of_the_whole_pass(model, reading)
        return
    assert "\n" not in reading
    named = ("encoder-decoder", "reads the tokens that it would predict", "on token ids alone", "no language-model")
    assert any(word in reading for word in named), reading


def reading_or_reason(model: Any) -> Reading | str:
    try:
        return asked(model)
    except FocusError as error:
        return str(error)


def test_scores_come_from_the_whole_pass_where_the_head_alone_gives_others() -> None:
    """A class that centres its scores over all positions: the chosen ones alone would be centred otherwise."""
    model = tiny_architecture("llama", "LlamaForCausalLM")
    plain = model.forward

    def centred(self: Any, **inputs: Any) -> Any:
        del self
        found = plain(**inputs)
        found.logits = found.logits * (1 + 0.1 * found.logits.shape[1])
        return found

    kind = type("Centred", (type(model),), {"forward": centred})
    model.__class__ = kind
    reading = asked(model)
    assert not reading.head_alone
    assert_scores_are_those_of_the_whole_pass(model, reading)


@pytest.mark.parametrize(
    ("model_type", "name", "fields", "reason"),
    [
        ("t5", "T5ForConditionalGeneration", {}, "an encoder-decoder, which predicts one text from another; export it"),
        ("bart", "BartForConditionalGeneration", {}, "an encoder-decoder"),
        ("xlnet", "XLNetLMHeadModel", {}, "XLNetLMHeadModel, which reads the tokens that it would predict"),
        ("bert", "BertLMHeadModel", {"is_decoder": False}, "BertLMHeadModel, which reads the tokens"),
        ("electra", "ElectraForPreTraining", {}, "ElectraForPreTraining, which has no language-model head"),
        ("bert", "BertModel", {}, "BertModel, which has no language-model head"),
        ("clip", "CLIPModel", {}, "a model that transformers runs on token ids alone"),
        ("vit", "ViTForImageClassification", {}, "a model that transformers runs on token ids alone"),
        ("whisper", "WhisperForConditionalGeneration", {}, "an encoder-decoder"),
    ],
)
def test_what_predicts_no_tokens_of_a_text_is_refused_with_its_reason(
    model_type: str, name: str, fields: dict[str, Any], reason: str
) -> None:
    model = tiny_architecture(model_type, name, **fields)
    with pytest.raises(ModelError) as caught:
        ask("it", model, ordinary=list(range(3, VOCABULARY)), n_tokens=VOCABULARY, pad_id=PAD)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("stated", "found"), [(-1, 512), (0, 512), (None, 512), (10**9, 512), (40, 40)])
def test_positions_without_a_limit_are_no_limit(stated: Any, found: int) -> None:
    model = tiny_architecture("llama", "LlamaForCausalLM")
    model.config.__dict__["max_position_embeddings"] = stated
    assert asked(model).n_positions == found


def test_positions_of_a_nested_configuration_are_its_own() -> None:
    model = tiny_architecture("gemma3", "Gemma3ForConditionalGeneration")
    model.config.text_config.max_position_embeddings = 48
    assert asked(model).n_positions == 48


def test_a_table_smaller_than_its_configuration_says_is_found_by_reading() -> None:
    model = tiny_architecture("gpt2", "GPT2LMHeadModel")
    model.config.n_positions = 300
    assert asked(model).n_positions == 64


def test_positions_are_all_there_where_they_count_from_row_0() -> None:
    model = tiny_architecture("roberta", "RobertaForMaskedLM")
    assert asked(model).n_positions == 62
    whole = tiny_architecture("roberta", "RobertaForMaskedLM", pad_token_id=-1)
    reading = ask("it", whole, ordinary=list(range(3, VOCABULARY)), n_tokens=VOCABULARY, pad_id=None)
    assert reading.n_positions == 64


def test_an_output_that_is_a_tuple_is_read() -> None:
    model = tiny_architecture("gpt2", "GPT2LMHeadModel", return_dict=False)
    reading = asked(model)
    assert reading.head_alone
    assert_scores_are_those_of_the_whole_pass(model, reading)


def test_asking_rwkv_leaves_its_weights_as_they_were() -> None:
    """Its class divides weights of deep layers in place when it evaluates; what is exported would be halved."""
    model = tiny_architecture("rwkv", "RwkvForCausalLM")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with torch.no_grad():
        model(input_ids=torch.arange(3, 9)[None])
    assert any(not torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    reading = asked(model)
    assert_scores_are_those_of_the_whole_pass(model, reading)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)


def test_an_attention_that_reads_whole_blocks_alone_is_given_whole_blocks() -> None:
    model = tiny_architecture("llama", "LlamaForCausalLM")
    plain = model.forward

    def in_blocks(self: Any, **inputs: Any) -> Any:
        del self
        if inputs["input_ids"].shape[1] % 32:
            raise ValueError("the length has to be a multiple of 32")
        return plain(**inputs)

    model.__class__ = type("InBlocks", (type(model),), {"forward": in_blocks})
    reading = asked(model)
    assert (reading.multiple, reading.n_positions, reading.head_alone) == (32, 64, False)
    ids, chosen, attention = texts(reading)
    with torch.no_grad():
        found = scores_at(model, reading, ids, chosen, attention)
        expected = plain(input_ids=ids, attention_mask=attention).logits[chosen]
    torch.testing.assert_close(found, expected)


def test_what_a_model_asks_for_in_training_is_given_as_zeros() -> None:
    model = tiny_architecture("bert", "BertForMaskedLM")
    plain = model.forward

    def strict(self: Any, input_ids: Any, attention_mask: Any = None, token_type_ids: Any = None) -> Any:
        if self.training and token_type_ids is None:
            raise ValueError("token types are required in training")
        return plain(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)

    model.__class__ = type("BertForMaskedLM", (type(model),), {"forward": strict})
    reading = asked(model)
    assert reading.zeros == ("token_type_ids",)
    model.train()
    assert all_scores(model, reading, torch.arange(3, 9)[None]).requires_grad


def test_whatever_is_raised_is_one_line_but_memory() -> None:
    for reason in (KeyError("a\nb"), AssertionError(), RuntimeError("first\nsecond"), ZeroDivisionError("x" * 999)):
        with (
            pytest.raises(InvalidInputError, match=f"it: expected .*{type(reason).__name__}") as caught,
            run_or_refuse("it"),
        ):
            raise reason
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 400
    with pytest.raises(torch.OutOfMemoryError), run_or_refuse("it"):
        raise torch.OutOfMemoryError("CUDA out of memory")
    with pytest.raises(MemoryError), run_or_refuse("it"):
        raise MemoryError
    with pytest.raises(KeyboardInterrupt), run_or_refuse("it"):
        raise KeyboardInterrupt


def test_a_reading_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Reading().multiple = 2  # type: ignore[misc]
