"""What a method may be given beside text: refused before anything is read where it lacks, handed over where it needs.

No method of the registry stands behind these tests: one is made up that needs everything and copies the overlap.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from focus_core import api
from focus_core.api import run_request, run_to_folder
from focus_core.artifacts import sha256_file
from focus_core.cli import main as cli
from focus_core.errors import InvalidInputError, ModelError
from focus_core.initialization import pipeline
from focus_core.initialization.auxiliary.words import read_word_vectors
from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.base import Method, MethodInput, MethodOutput
from focus_core.initialization.methods.copying import copied_positions, copy_overlap
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.request import InitRequest, command_of
from focus_core.initialization.supplied import load_donor
from focus_core.initialization.weights import assemble
from focus_core.models.source import load_source
from focus_core.runs.again import request_of
from focus_core.tokenization.vocabulary import load_vocabulary
from focus_core.types import MethodName, Need
from tests.every_method import donor_of
from tests.tiny_models import TARGET_LINES, target_tokenizer, tiny_model

FURTHER = (Need.DICTIONARY, Need.PARALLEL, Need.SOURCE_VECTORS, Need.DONOR)
LINES = "".join(f"Day {i}.\tTag {i}.\n" for i in range(30))
FIELDS = ("dictionary", "parallel", "source_vectors", "donor")


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[MethodInput]:
    """Let `overlap` need everything beside text; return what it was given."""
    seen: list[MethodInput] = []

    def compute(inputs: MethodInput) -> MethodOutput:
        seen.append(inputs)
        output = copy_overlap(inputs)
        return dataclasses.replace(output, notes={"n_read": len(seen)}, warnings=("a word of warning",))

    needy = dataclasses.replace(METHODS["overlap"], compute_weights=compute, needs=FURTHER)
    monkeypatch.setitem(METHODS, "overlap", needy)
    return seen


@pytest.fixture
def whole(tmp_path: Path) -> InitRequest:
    """Return a request that gives everything."""
    source, target = tiny_model("roberta", tmp_path / "source"), target_tokenizer("roberta", tmp_path / "target")
    files = {"words.tsv": "milk\tMilch\nmilk\tMilch\nbread\tBrot\n", "lines.tsv": LINES,
             "en.vec": "3 2\nmilk 1 0\nbread 0 1\nmilk 5 5\n", "text.txt": "\n".join(TARGET_LINES)}  # fmt: skip
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return InitRequest(
        source=str(source),
        target_tokenizer=str(target),
        corpus=(tmp_path / "text.txt",),
        dictionary=tmp_path / "words.tsv",
        parallel=tmp_path / "lines.tsv",
        source_vectors=tmp_path / "en.vec",
        donor=str(donor_of(tmp_path, target)),
        config=InitConfig(method="overlap"),
    )


def test_a_method_gets_what_it_needs_and_the_manifest_names_it(
    taken: list[MethodInput], whole: InitRequest, tmp_path: Path
) -> None:
    run = run_to_folder(whole, tmp_path / "run")
    (given,) = taken
    assert given.dictionary is not None
    assert given.dictionary.pairs == (("milk", "Milch"), ("bread", "Brot"))
    assert given.parallel is not None
    assert given.parallel.pairs[:2] == (("Day 0.", "Tag 0."), ("Day 1.", "Tag 1."))
    assert given.source_vectors is not None
    assert (given.source_vectors.words, given.source_vectors.vectors.tolist()) == (("milk", "bread"), [[1, 0], [0, 1]])
    assert given.donor is not None
    rows = load_file(Path(str(whole.donor)) / "model.safetensors")["embeddings"]
    np.testing.assert_array_equal(given.donor.embeddings, rows)
    source = load_source(str(whole.source)).input.numpy()
    np.testing.assert_array_equal(given.source_embeddings, source[: given.source.n])
    assert given.corpus is not None
    for array in (given.donor.embeddings, given.source_embeddings, given.source_vectors.vectors):
        assert not array.flags.writeable
    entries = {entry["role"]: entry for entry in run.manifest["inputs"]}
    for field in FIELDS[:3]:
        path = getattr(whole, field)
        assert entries[field] == {
            "role": field, "name": path.name, "sha256": sha256_file(path), "bytes": path.stat().st_size
        }  # fmt: skip
    assert entries["donor"]["sha256"] == given.donor.digest
    assert run.manifest["notes"]["method"] == {"n_read": 1}
    assert run.manifest["warnings"][-1] == "a word of warning"
    again = request_of(run.manifest)
    assert (str(again.dictionary), str(again.source_vectors), again.donor) == ("words.tsv", "en.vec", "donor")


def test_columns_of_a_wider_table_are_named_and_noted(
    taken: list[MethodInput], whole: InitRequest, tmp_path: Path
) -> None:
    """Two languages beside the source's: which is meant is said by the names in the first line."""
    lines = [line.split("\t") for line in LINES.splitlines()]
    rows = ["id\ten\tde\txx", *(f"{i}\t{a}\t{b}\tx" for i, (a, b) in enumerate(lines))]
    (tmp_path / "wide.tsv").write_text("\n".join(rows), encoding="utf-8")
    asked = dataclasses.replace(whole, parallel=tmp_path / "wide.tsv", source_column="en", target_column="de")
    run = run_to_folder(asked, tmp_path / "run")
    assert taken[0].parallel is not None
    assert taken[0].parallel.pairs[:2] == (("Day 0.", "Tag 0."), ("Day 1.", "Tag 1."))
    (entry,) = [entry for entry in run.manifest["inputs"] if entry["role"] == "parallel"]
    assert (entry["source_column"], entry["target_column"]) == ("en", "de")
    again = request_of(run.manifest)
    assert (again.source_column, again.target_column) == ("en", "de")
    assert "--source-column en --target-column de" in " ".join(command_of(again))
    with pytest.raises(InvalidInputError, match="name the two columns with --source-column and --target-column"):
        run_request(dataclasses.replace(asked, source_column=None, target_column=None))


def test_columns_of_no_table_are_refused(whole: InitRequest) -> None:
    with pytest.raises(InvalidInputError, match="--source-column: expected a table of pairs beside it, by --parallel"):
        dataclasses.replace(whole, parallel=None, source_column="en")


def test_a_text_for_vectors_is_counted_as_long_as_the_methods_own_vectors(
    taken: list[MethodInput], whole: InitRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The method's default length holds for both sides: unlike ones could not be rotated onto one another whole."""
    monkeypatch.setitem(METHODS, "overlap", dataclasses.replace(METHODS["overlap"], defaults={"dim": 7}))
    run_request(dataclasses.replace(whole, source_vectors=whole.corpus[0]))
    assert taken[0].config.dim == 7
    assert taken[0].source_vectors is not None
    assert taken[0].source_vectors.vectors.shape[1] == 7


@pytest.mark.parametrize(("need", "field"), [*zip(FURTHER, FIELDS, strict=True)])
def test_what_is_lacking_is_said_before_anything_is_read(
    taken: list[MethodInput], whole: InitRequest, need: Need, field: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    asked = dataclasses.replace(whole, **{field: None, "source": str(tmp_path / "nowhere")})
    (tmp_path / "request.json").write_text(json.dumps(asked.to_dict()))
    assert cli.run(["init", "--request", str(tmp_path / "request.json"), "--output", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    option = {"source_vectors": "vectors"}.get(field, field)
    assert said.startswith("method overlap: expected ")
    assert said.endswith(f"got none; give it by --{option}, or choose another --method")
    assert not taken
    assert not (tmp_path / "run").exists()


def test_a_callers_own_inputs_are_checked_too(taken: list[MethodInput], whole: InitRequest) -> None:
    source, target = load_vocabulary(str(whole.source)), load_vocabulary(str(whole.target_tokenizer))
    with pytest.raises(InvalidInputError, match=r"^method overlap: expected pairs of words"):
        pipeline.run_focus(
            source=source, target=target, model=load_source(str(whole.source)), config=InitConfig(method="overlap")
        )
    assert not taken


def test_what_a_method_does_not_use_is_not_read_and_a_warning_says_so(whole: InitRequest, tmp_path: Path) -> None:
    asked = dataclasses.replace(whole, dictionary=tmp_path / "gone.tsv", donor=None, config=InitConfig(method="mean"))
    result = run_request(asked)
    assert [warning for warning in result.warnings if "not used" in warning] == [
        "the dictionary was not used: mean needs no dictionary",
        "the parallel text was not used: mean needs no parallel text",
        "the vectors of the source language were not used: mean needs none",
    ]
    assert not {entry["role"] for entry in result.inputs} & set(FIELDS)


def test_one_call_takes_them_too(taken: list[MethodInput], whole: InitRequest) -> None:
    names = ("source", "target_tokenizer", "corpus", "config", *FIELDS)
    api.run_focus_from_pretrained(**{name: getattr(whole, name) for name in names})
    assert taken[0].donor is not None


def test_a_donor_with_another_tokenizer_is_refused_by_the_first_token_that_differs(
    whole: InitRequest, tmp_path: Path
) -> None:
    target = load_vocabulary(str(whole.target_tokenizer))
    assert load_donor(str(whole.donor), target).embeddings.shape == (target.n, 5)
    path = Path(str(whole.donor)) / "tokenizer.json"
    content = json.loads(path.read_text("utf-8"))
    pieces = content["model"]["vocab"]
    pieces[20], pieces[24] = pieces[24], pieces[20]
    path.write_text(json.dumps(content), encoding="utf-8")
    expected = f"another one: token 20 is {pieces[20][0]!r} there and {pieces[24][0]!r} in the target"
    with pytest.raises(ModelError) as refused:
        load_donor(str(whole.donor), target)
    assert expected in str(refused.value)
    shutil.rmtree(path.parent)
    with pytest.raises(ModelError):
        load_donor(str(whole.donor), target)


def test_a_donor_without_a_finite_number_is_refused(whole: InitRequest) -> None:
    path = Path(str(whole.donor)) / "model.safetensors"
    rows = load_file(path)["embeddings"]
    rows[7, 1] = np.nan
    save_file({"embeddings": rows}, path)
    with pytest.raises(ModelError, match="NaN"):
        load_donor(str(whole.donor), load_vocabulary(str(whole.target_tokenizer)))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("en.vec", "1 2\nmilk 1 nan\n", "NaN or infinity"),
        ("en.vec", "0 2\n", "expected vectors of words, got none"),
        ("en.npy", "x", "en.npy"),
        ("gone.vec", None, "nothing there"),
    ],
)
def test_vectors_that_cannot_be_used_are_refused(name: str, content: str | None, said: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InvalidInputError, match=said):
        read_word_vectors(tmp_path / name)


# --- what the registry says of a method -------------------------------------------------------------------------


def method(**entries: object) -> Method:
    return Method(name=MethodName.OVERLAP, compute_weights=copy_overlap, citation="", **entries)  # type: ignore[arg-type]


def test_a_methods_own_defaults_stand_where_nothing_was_chosen() -> None:
    one = method(defaults={"temperature": 0.1, "top_k": 10})
    resolved = one.resolve(InitConfig(method="overlap"))
    assert (resolved.temperature, resolved.top_k) == (0.1, 10)
    assert one.resolve(resolved) == resolved
    assert one.resolve(InitConfig(method="overlap", top_k=3)).top_k == 3


def test_an_option_of_other_methods_is_refused() -> None:
    config = InitConfig(method="overlap", copy_overlap=False)
    with pytest.raises(InvalidInputError, match="--copy-overlap: expected a method that has it, which overlap is not"):
        method().resolve(config)
    assert not method(options=("copy_overlap",)).resolve(config).copy_overlap


def test_without_the_overlap_special_tokens_and_own_pairs_are_copied_still(
    taken: list[MethodInput], whole: InitRequest
) -> None:
    run_request(whole)
    (given,) = taken
    assert len(copied_positions(given)) == given.overlap.n_overlap
    config = dataclasses.replace(given.config, copy_overlap=False)
    kept = copied_positions(dataclasses.replace(given, config=config))
    assert 0 < len(kept) < given.overlap.n_overlap
    roles = {str(given.target.kind_of(int(i))) for i in given.overlap.target_ids[kept]}
    assert roles == {"special"}


@pytest.mark.parametrize("weights", [[1.5, -0.5], [0.5, 0.4]], ids=["negative", "short of 1"])
def test_signed_weights_are_for_methods_that_say_so(
    weights: list[float], whole: InitRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compute(inputs: MethodInput) -> MethodOutput:
        output = copy_overlap(inputs)
        new = inputs.overlap.new_ids[:1]
        rows = dataclasses.replace(
            output.weights.moved(np.zeros(0, np.int64), np.zeros(0, np.int64)),
            rows=new, indptr=np.array([0, 2]), source_ids=np.array([5, 9], np.int32),
            weights=np.array(weights, np.float32), similarities=np.full(2, np.nan, np.float32),
        )  # fmt: skip
        origins = output.weights.origins.copy()
        origins[new] = 1
        rest = np.flatnonzero(output.weights.support > 0)
        parts = [output.weights.moved(rest, rest), rows]
        made = assemble(parts, shape=output.weights.matrix.shape, origins=origins, rules=output.weights.rules)
        return MethodOutput(weights=made, anchor_ids=output.anchor_ids)

    for signed in (True, False):
        entry = dataclasses.replace(METHODS["overlap"], compute_weights=compute, signed=signed)
        monkeypatch.setitem(METHODS, "overlap", entry)
        if signed:
            result = run_request(whole)
            row = int(result.overlap.new_ids[0])
            source = load_source(str(whole.source)).input.numpy()
            expected = weights[0] * source[5] + weights[1] * source[9]
            np.testing.assert_allclose(result.embeddings["input"][row].numpy(), expected, atol=1e-6)
        else:
            with pytest.raises(ValueError, match="negative weight"):
                run_request(whole)
