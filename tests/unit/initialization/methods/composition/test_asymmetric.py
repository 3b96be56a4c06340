"""Asymmetric means: two ``W``, a scale, and what of a model follows which side, every number worked out."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from focus_core.analysis.checks.registry import run_checks
from focus_core.analysis.provenance.explain import explain_token
from focus_core.analysis.provenance.render import render_text
from focus_core.analysis.report.sections import example
from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.composition import asymmetric
from focus_core.initialization.methods.composition.asymmetric import by_characters, norm_scale, usual_norms
from focus_core.initialization.methods.sides import scale_rows, side_of
from focus_core.initialization.pipeline import run_focus
from focus_core.initialization.result import FocusResult
from focus_core.initialization.weights import SparseRows
from focus_core.models.source import SourceModel
from focus_core.runs.folder import RunFolder
from focus_core.runs.weights import read_weights
from focus_core.tokenization.vocabulary import Vocabulary, vocabulary_from_backend
from tests.toy_run import unigram, write_toy_run

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
ROLES = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "mask_token": "<mask>"}


def pieces(*names: str) -> Vocabulary:
    return vocabulary_from_backend(unigram(names, specials=SPECIALS), name="pieces", config=ROLES)


SOURCE = pieces("▁a", "bcd", "▁", "e")
TARGET = pieces("▁abcd", "▁a", "▁e", "zz", "▁aa")
INPUT = torch.tensor([[0.0, 0.0]] * 5 + [[3.0, 0.0], [0.0, 3.0], [0.0, 4.0], [5.0, 0.0]])
OUTPUT = torch.tensor([[0.0, 0.0]] * 5 + [[8.0, 0.0], [0.0, 8.0], [2.0, 2.0], [4.0, 0.0]])
BIAS = torch.tensor([0.0] * 5 + [4.0, 8.0, 0.0, 2.0])


def model_of(**parts: torch.Tensor) -> SourceModel:
    return SourceModel(name="toy", digest="0" * 64, n_bytes=0, spec="", **{"input": INPUT} | parts)


def initialise(**options: object) -> FocusResult:
    parts = {"output": OUTPUT, "bias": BIAS} | options.pop("parts", {})  # type: ignore[operator]
    return run_focus(
        source=SOURCE,
        target=TARGET,
        model=model_of(**{name: tensor for name, tensor in parts.items() if tensor is not None}),
        config=InitConfig(method="asymmetric-mean", device="cpu", **options),  # type: ignore[arg-type]
    )


def place(token: str) -> int:
    return TARGET.tokens.index(token)


@pytest.fixture(scope="module")
def result() -> FocusResult:
    return initialise()


def test_both_sides_by_hand(result: FocusResult) -> None:
    """The norms of the source's tokens are 3, 3, 4, 5: the median is 3.5.

    ▁abcd is ▁a bcd: input ½ ½ = (1.5, 1.5), of length 2.1213, scaled to 3.5; output by characters 1 and 3: ¼ ¾.
    ▁e is ▁ e: the mark has no character, so the output is that of e alone.
    """
    token, scale = place("▁abcd"), 3.5 / np.hypot(1.5, 1.5)
    assert result.input_scale is not None
    assert result.input_scale[token] == pytest.approx(scale)
    assert result.embeddings["input"][token].tolist() == pytest.approx([1.5 * scale, 1.5 * scale])
    assert result.embeddings["output"][token].tolist() == pytest.approx([2.0, 6.0])
    assert result.embeddings["bias"][token].item() == pytest.approx(0.25 * 4 + 0.75 * 8)
    mark = place("▁e")
    assert result.embeddings["input"][mark].norm().item() == pytest.approx(3.5)
    assert result.embeddings["output"][mark].tolist() == [4.0, 0.0]
    assert result.output_weights is not None
    assert result.output_weights.support[[token, mark]].tolist() == [2, 1]
    assert result.notes["method"]["sides"] == "two"


def test_copies_and_fallbacks_are_not_scaled(result: FocusResult) -> None:
    copied, fallen = place("▁a"), place("zz")
    assert result.input_scale is not None
    assert result.input_scale[[copied, fallen]].tolist() == [1, 1]
    assert result.embeddings["input"][copied].tolist() == [3.0, 0.0]
    assert result.embeddings["output"][copied].tolist() == [8.0, 0.0]
    assert result.embeddings["bias"][copied].item() == 4.0


def test_tied_sides_take_the_rule_of_the_input() -> None:
    made = initialise(parts={"output": None})
    assert made.output_weights is None
    token = place("▁abcd")
    assert made.embeddings["input"][token].norm().item() == pytest.approx(3.5)
    assert made.embeddings["bias"][token].item() == pytest.approx(6.0)
    assert made.notes["method"]["sides"] == "one"
    assert asymmetric.ONE_SIDE in made.warnings


def test_an_extension_keeps_both_sides_and_the_scale() -> None:
    plain, made = initialise(), initialise(extend=True)
    there = made.target.tokens.index("▁abcd")
    for name in ("input", "output", "bias"):
        assert torch.equal(made.embeddings[name][there], plain.embeddings[name][place("▁abcd")]), name
        assert torch.equal(made.embeddings[name][: SOURCE.n], {"input": INPUT, "output": OUTPUT, "bias": BIAS}[name])
    assert made.output_weights is not None
    assert made.output_weights.support[there] == 2


@pytest.fixture(scope="module")
def run(result: FocusResult, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return write_toy_run(tmp_path_factory.mktemp("asymmetric") / "run", result=result)


def test_the_folder_explains_both_sides(run: RunFolder) -> None:
    found = explain_token(run, place("▁abcd"))
    assert found.formula == "e(▁abcd) = 1.65 × (0.50 e(▁a) + 0.50 e(bcd))"
    assert found.output_formula == "output of ▁abcd = 0.75 e(bcd) + 0.25 e(▁a)"
    assert [c.weight for c in found.output_contributors] == [0.75, 0.25]
    shown = render_text(found)
    assert shown.index(found.formula) < shown.index(found.output_formula) < shown.rindex("75.0%")
    assert json.loads(json.dumps(found.to_dict()))["output_formula"] == found.output_formula
    assert "Output of ▁abcd = 0.75 e(bcd) + 0.25 e(▁a)." in example(run, place("▁abcd"))["words"]
    assert explain_token(run, place("▁a")).output_contributors == ()


def test_the_folder_holds_what_made_the_output(run: RunFolder) -> None:
    rows = np.asarray(read_weights(run, "output").matrix @ OUTPUT.numpy())
    made = [place(token) for token in ("▁abcd", "▁e", "▁aa")]
    np.testing.assert_allclose(rows[made], run.rows("output", made), rtol=1e-6)
    codes = {result.code: result.status for result in run_checks(run)}
    assert codes["FOC012"] == "passed"


# --- parts ------------------------------------------------------------------------------------------------------


def rows_of(*rows: list[int]) -> SparseRows:
    sizes = list(map(len, rows))
    return SparseRows(
        rows=np.arange(len(rows)),
        indptr=np.concatenate([[0], np.cumsum(sizes)]),
        source_ids=np.array([i for row in rows for i in row], np.int32),
        weights=np.array([1 / len(row) for row in rows for _ in row], np.float32),
        similarities=np.full(sum(sizes), np.nan, np.float32),
    )


def test_marks_alone_are_weighed_alike() -> None:
    mark, letter = SOURCE.tokens.index("▁"), SOURCE.tokens.index("e")
    made = by_characters(rows_of([mark, mark], [mark, letter, letter]), SOURCE)
    assert made.indptr.tolist() == [0, 2, 4]
    assert made.weights.tolist() == [0.5, 0.5, 0.5, 0.5]
    assert made.source_ids.tolist() == [mark, mark, letter, letter]


def test_a_script_of_its_own_has_its_own_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two Latin norms the median is 4; Greek has one token, too few: all norms decide."""
    monkeypatch.setattr(asymmetric, "LEAST", 2)
    source = pieces("▁a", "b", "▁λ")
    embeddings = np.zeros((source.n, 2), np.float32)
    embeddings[5:] = [[3, 0], [5, 0], [0, 10]]
    assert usual_norms(embeddings, source) == {"Latin": 4.0, "": 5.0}
    rows = rows_of([5], [7], [0])
    scale = norm_scale(rows, embeddings, source, ["Latin", "Greek", "Latin"])
    assert scale.tolist() == pytest.approx([4 / 3, 0.5, 1.0]), "a row of length 0 stays as it is"


def test_what_has_one_number_a_token_follows_the_output() -> None:
    assert side_of("input", torch.zeros(7, 1)) == "input"
    assert side_of("output", torch.zeros(7, 3)) == "output"
    assert side_of("bias", torch.zeros(7)) == "output"
    assert side_of("final_logits_bias", torch.zeros(1, 7), 1) == "output"
    assert side_of("per_layer.weight", torch.zeros(7, 4)) == "input"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rows_of_the_scale_one_stay_bit_for_bit(dtype: torch.dtype) -> None:
    rows = torch.linspace(0.1, 0.9, 6).reshape(3, 2).to(dtype)
    before = rows.clone()
    scale_rows(rows, np.array([1, 0.5, 1], np.float32))
    assert torch.equal(rows[[0, 2]], before[[0, 2]])
    assert torch.equal(rows[1], (before[1].float() * 0.5).to(dtype))


def test_what_a_row_is_is_said_of_its_input(run: RunFolder) -> None:
    said = [verdict.text for verdict in explain_token(run, place("▁abcd")).verdicts]
    assert said[0] == "Mean of 2 source subwords of its text."
    assert "The embedding was multiplied by 1.65 after it was made." in said
    assert "The output embedding has weights of its own; these are the input's." in said
