"""Questions to a run: search, explanation, neighbours; expected values derived by hand from tests/toy_run.py."""

from __future__ import annotations

import dataclasses
import json
import time
from typing import Any

import numpy as np
import pytest
import torch

from focus_core.analysis.provenance.explain import explain_token
from focus_core.analysis.provenance.explanation import contributors_of, fed_by
from focus_core.analysis.provenance.neighbours import auxiliary_neighbours, embedding_neighbours
from focus_core.analysis.provenance.render import draw_bar, render_text
from focus_core.analysis.provenance.search import find_tokens
from focus_core.errors import RunFolderError
from focus_core.runs.folder import RunFolder
from focus_core.runs.weights import source_norm
from tests.toy_run import (
    HOSTILE,
    id_of,
    source_id_of,
    toy_result,
    weight_matrix,
    write_fuzzy_toy,
    write_toy_run,
    write_toy_with_zero_row,
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return write_toy_run(tmp_path_factory.mktemp("provenance") / "toy")


def with_row(token: str, contributors: dict[str, float], *, norm: float | None = None) -> RunFolder:
    """Return the toy run with other contributors of one target token, cosines unknown, and a row of that length."""
    result = toy_result()
    target, old = result.target.tokens.index(token), result.weights.matrix.tocoo()
    entries = [
        (int(r), int(c), float(w), float(s))
        for r, c, w, s in zip(*old.coords, old.data, result.weights.similarities, strict=True)
        if r != target
    ]
    entries += [(target, result.source.tokens.index(t), w, np.nan) for t, w in contributors.items()]
    weights = weight_matrix(
        entries, shape=old.shape, origins=result.weights.origins.copy(), rules=result.weights.rules.copy()
    )
    rows = result.embeddings["input"].clone()
    if norm is not None:
        rows[target] *= norm / rows[target].norm()
    return write_toy_run(result=dataclasses.replace(result, weights=weights, embeddings={"input": rows}))


# --- search -----------------------------------------------------------------------------------------------------


def found(run: RunFolder, query: str, **options: Any) -> list[str]:
    return [str(run.column("tokens", "token")[i]) for i in find_tokens(run, query, **options)]


def test_search_ranks_exact_then_case_then_prefix_then_substring(run: RunFolder) -> None:
    """``milk``: the text of ``▁milk`` is it, that of ``▁MILK`` differs in case. ``ma``: prefix of market and of two
    new words; inside ``asante`` there is none, inside ``▁الأطفال`` neither; ``<mask>`` is not in this vocabulary, but
    ``[MASK]`` contains it in another case, and so do ``&lt;`` and others not."""
    assert found(run, "milk") == ["▁milk", "▁MILK"]
    assert found(run, "MILK") == ["▁MILK", "▁milk"]
    assert found(run, "ma")[:2] == ["▁market", "▁maziwa"]
    assert found(run, "ma").index("[MASK]") > found(run, "ma").index("▁maziwa")


def test_search_puts_the_more_frequent_first(run: RunFolder) -> None:
    """Occurrences fall with the id in the toy, so equal fits come in the order of ids, and specials (0) last."""
    ids = find_tokens(run, "a", limit=500)
    frequency = run.column("tokens", "frequency")
    texts, tokens = run.column("tokens", "text"), run.column("tokens", "token")
    substring = [i for i in ids if not (texts[i].casefold().startswith("a") or tokens[i].casefold().startswith("a"))]
    assert len(substring) > 5
    assert (np.diff(frequency[substring]) <= 0).all()


def test_search_by_id(run: RunFolder) -> None:
    """``#7`` is the id 7 first, then the tokens that hold these characters."""
    assert find_tokens(run, "#7") == [7, id_of(run, "#7")]
    assert find_tokens(run, "#99999") == []


def test_search_finds_native_forms(run: RunFolder) -> None:
    assert found(run, "▁mkulima") == ["▁mkulima"]


@pytest.mark.parametrize("query", ["", "no such token at all"])
def test_search_without_a_hit(run: RunFolder, query: str) -> None:
    assert find_tokens(run, query) == []


def test_search_respects_the_limit(run: RunFolder) -> None:
    assert len(find_tokens(run, "a", limit=3)) == 3


@pytest.mark.parametrize("token", HOSTILE, ids=lambda t: ascii(t[:12]))
def test_every_hostile_token_is_found_by_itself(run: RunFolder, token: str) -> None:
    assert id_of(run, token) in find_tokens(run, token, limit=500)


@pytest.mark.parametrize("query", ["\ud800", "(", "[", "\\", "*", "\x00"])
def test_search_takes_no_pattern(run: RunFolder, query: str) -> None:
    tokens, texts = run.column("tokens", "token"), run.column("tokens", "text")
    expected = {i for i in range(len(tokens)) if query in tokens[i] or query in texts[i]}
    assert set(find_tokens(run, query, limit=500)) == expected


def test_source_search(run: RunFolder) -> None:
    names = [str(run.column("source_tokens", "token")[i]) for i in find_tokens(run, "the", side="source")]
    assert set(names) == {"▁the", "▁The"}
    assert names[0] == "▁the"


def test_search_in_fifty_thousand_tokens_stays_interactive() -> None:
    """A ceiling far above the measured 10 ms, so that only a change of kind (a rebuilt index) breaks it."""
    texts = np.array([f"token{i}" for i in range(50_000)], dtype=object)
    memory = {
        "column tokens.token": np.array([f"▁{t}" for t in texts], dtype=object),
        "column tokens.text": texts,
        "column tokens.kind": np.array(["normal"] * 50_000, dtype=object),
        "column tokens.frequency": np.arange(50_000),
    }
    big = RunFolder(path=write_toy_run().path, manifest={}, digest="", _memory=memory)
    assert find_tokens(big, "token4999")[:2] == [4999, 49999]
    start = time.perf_counter()
    for query in ("t", "token", "9", "ken123"):
        find_tokens(big, query)
    assert (time.perf_counter() - start) / 4 < 0.5


# --- explanation ------------------------------------------------------------------------------------------------


def test_explanation_of_a_combined_token(run: RunFolder) -> None:
    """``▁mkulima``: cosines 0.8 and 0.6, tau 0.2, weights 0.6 and 0.4; exp(entropy) = exp(0.673) = 1.960."""
    explanation = explain_token(run, id_of(run, "▁mkulima"))
    assert explanation.origin == "combined"
    assert [(c.token, c.weight, c.similarity) for c in explanation.contributors] == [
        ("▁farmer", pytest.approx(0.6), pytest.approx(0.8)),
        ("▁market", pytest.approx(0.4), pytest.approx(0.6)),
    ]
    assert explanation.threshold == pytest.approx(0.2)
    assert explanation.effective_contributors == pytest.approx(1.960, abs=1e-3)
    assert explanation.formula == "e(▁mkulima) = 0.60 e(▁farmer) + 0.40 e(▁market)"
    assert explanation.examples == ("Mkulima anauza maziwa sokoni.", "Kila mkulima ana shamba.")
    assert explanation.source_id is None
    assert explanation.verdicts[0].text == "One contributor has 60 %: it says more than all the others together."


def test_threshold_with_a_temperature() -> None:
    """T = 0.5: scores 1.6 and 1.2; 1 + 2 * 1.2 > 2.8, so both stay; tau = (2.8 - 1) / 2 = 0.9; weights 0.7 and 0.3."""
    result = toy_result()
    target = result.target.tokens.index("▁mkulima")
    entries = [(target, 5, 0.7, 0.8), (target, 6, 0.3, 0.6)]
    weights = weight_matrix(
        entries,
        shape=result.weights.matrix.shape,
        origins=result.weights.origins.copy(),
        rules=result.weights.rules.copy(),
    )
    config = dataclasses.replace(result.config, temperature=0.5)
    run = write_toy_run(result=dataclasses.replace(result, weights=weights, config=config))
    explanation = explain_token(run, target)
    assert explanation.temperature == 0.5
    assert explanation.threshold == pytest.approx(0.9)


def test_negative_weights_are_told_by_their_size_and_sign() -> None:
    """Weights 0.4, -0.5, 1.2 sum to 1.1: the largest first whatever its sign, and no mean."""
    run = with_row("▁sokoni", {"▁market": 0.4, "▁rain": -0.5, "▁milk": 1.2})
    explanation = explain_token(run, id_of(run, "▁sokoni"))
    assert [c.weight for c in explanation.contributors] == pytest.approx([1.2, -0.5, 0.4])
    assert explanation.formula == "e(▁sokoni) = 1.20 e(▁milk) - 0.50 e(▁rain) + 0.40 e(▁market)"
    told = "3 contributors, 1 with a negative weight: the embedding is no mean of them. The weights sum to 1.10."
    assert told in [verdict.text for verdict in explanation.verdicts]
    assert "-50.0% " + draw_bar(0.5) in render_text(explanation)
    source = source_id_of(run, "▁rain")
    assert [f.weight for f in fed_by(run, source) if f.target_id == explanation.id] == pytest.approx([-0.5])


def test_a_threshold_is_told_of_sparsemax_alone() -> None:
    """The same weights and similarities under a method whose weights come from another map."""
    result = toy_result()
    run = write_toy_run(result=result)
    target = int(np.flatnonzero(run.column("tokens", "origin") == "combined")[0])
    config = dataclasses.replace(result.config, method="subword-mean")
    other = write_toy_run(result=dataclasses.replace(result, config=config))
    assert explain_token(run, target).threshold is not None
    assert explain_token(other, target).threshold is None


def test_every_contributor_gives_the_same_threshold(run: RunFolder) -> None:
    """w = s - tau for every contributor of every combined token, and no weight is negative."""
    for target in np.flatnonzero(run.column("tokens", "origin") == "combined").tolist():
        explanation = explain_token(run, target)
        assert explanation.threshold is not None
        for c in explanation.contributors:
            assert c.similarity is not None
            assert c.similarity - c.weight == pytest.approx(explanation.threshold, abs=1e-5)


def test_explanation_of_a_copied_token(run: RunFolder) -> None:
    explanation = explain_token(run, id_of(run, "▁market"))
    assert explanation.source_id == source_id_of(run, "▁market")
    assert explanation.threshold is None
    assert explanation.formula == "e(▁market) = e(▁market), bit for bit"
    copied = f"Copied bit for bit from source token #{explanation.source_id} (exact match)."
    assert [v.text for v in explanation.verdicts] == [
        copied,
        "As an anchor it feeds 1 combined embedding, with a total weight of 0.40.",
    ]
    assert [c.rank for c in explanation.candidates] == [0]


def test_explanation_of_a_special_token_matched_by_role(run: RunFolder) -> None:
    explanation = explain_token(run, id_of(run, "[MASK]"))
    assert explanation.formula == "e([MASK]) = e(<mask>), bit for bit"
    assert explanation.verdicts[0].text.endswith("(by its special-token type).")


def test_explanation_of_a_fallback_token(run: RunFolder) -> None:
    explanation = explain_token(run, id_of(run, "▁nadra"))
    assert explanation.origin == "fallback"
    assert explanation.contributors == ()
    assert explanation.formula == "e(▁nadra) ~ N(mean, std) of the source embeddings, per dimension, seed 42"
    assert [v.text for v in explanation.verdicts[:2]] == [
        "Neither shared nor combined: no auxiliary vector.",
        "It occurs once in the corpus: training has to teach it.",
    ]
    assert "--min-count" in explanation.verdicts[0].advice


@pytest.mark.parametrize(
    ("fallback", "expected"),
    [
        ("script", "e(▁nadra) ~ N(mean, std) of Latin source embeddings, per dimension, seed 42"),
        ("mean", "e(▁nadra) = the mean source embedding"),
    ],
)
def test_formulas_of_the_other_fallbacks(fallback: str, expected: str) -> None:
    result = toy_result()
    config = dataclasses.replace(result.config, fallback=fallback)
    run = write_toy_run(result=dataclasses.replace(result, config=config))
    assert explain_token(run, id_of(run, "▁nadra")).formula == expected


def test_formula_spells_five_terms_and_counts_the_rest() -> None:
    names = ("▁farmer", "▁market", "▁rain", "▁house", "▁child", "▁milk", "▁bread")
    shares = (0.3, 0.2, 0.15, 0.1, 0.1, 0.09, 0.06)
    run = with_row("▁sokoni", dict(zip(names, shares, strict=True)))
    assert explain_token(run, id_of(run, "▁sokoni")).formula == (
        "e(▁sokoni) = 0.30 e(▁farmer) + 0.20 e(▁market) + 0.15 e(▁rain) + 0.10 e(▁house) + 0.10 e(▁child)"
        " + 0.15 over 2 more"
    )


def test_formula_never_shows_a_weight_as_zero() -> None:
    run = with_row("▁sokoni", {"▁farmer": 0.9988, "▁market": 0.0012})
    assert explain_token(run, id_of(run, "▁sokoni")).formula == "e(▁sokoni) = 1.00 e(▁farmer) + 0.001 e(▁market)"


def test_candidates_of_a_fuzzy_match() -> None:
    """Source ``▁milk`` and ``▁Milk`` both fit target ``▁MILK``; neither is the same string: both are recorded."""
    run = write_fuzzy_toy()
    explanation = explain_token(run, id_of(run, "▁MILK"))
    assert {c.token for c in explanation.candidates} == {"▁milk", "▁Milk"}
    assert [c.rank for c in explanation.candidates] == [0, 1]
    assert explanation.candidates[0].source_id == explanation.source_id
    assert "1 more source token could have been copied instead." in {v.text for v in explanation.verdicts}
    assert explanation.verdicts[0].tone == "note"
    assert "--match exact" in explanation.verdicts[0].advice
    assert "candidates:" in render_text(explanation)


@pytest.mark.parametrize("target_id", [-1, 10_000])
def test_an_id_outside_is_bad_input(run: RunFolder, target_id: int) -> None:
    with pytest.raises(RunFolderError, match="expected the id of a target token, got ids from 0 to"):
        explain_token(run, target_id)


def test_every_explanation_is_json_and_plain_text(run: RunFolder) -> None:
    for target in range(run.tokens().num_rows):
        explanation = explain_token(run, target)
        parsed = json.loads(json.dumps(explanation.to_dict(), allow_nan=False))
        assert parsed["id"] == target
        assert len(parsed["contributors"]) == parsed["n_contributors"]
        text = render_text(explanation)
        assert not set(text) & set("\x00\x1b\u202e\r\t")


def test_weights_of_a_row_sum_to_one(run: RunFolder) -> None:
    for target in np.flatnonzero(run.column("tokens", "origin") == "combined").tolist():
        assert sum(c.weight for c in contributors_of(run, target)) == pytest.approx(1, abs=1e-5)


# --- verdicts ---------------------------------------------------------------------------------------------------


def verdicts(run: RunFolder, token: str) -> str:
    return " | ".join(v.text for v in explain_token(run, id_of(run, token)).verdicts)


def test_verdict_nearly_a_copy() -> None:
    run = with_row("▁sokoni", {"▁market": 0.97, "▁the": 0.03})
    assert "One contributor has 97 %: nearly a copy." in verdicts(run, "▁sokoni")
    run = with_row("▁sokoni", {"▁market": 0.94, "▁the": 0.06})
    assert "nearly a copy" not in verdicts(run, "▁sokoni")


def test_verdict_contributors_are_numbers() -> None:
    """Four of five are numbers: 80 %."""
    run = with_row("▁sokoni", {"▁12": 0.3, "7": 0.3, "▁8": 0.2, "▁100": 0.1, "▁market": 0.1})
    assert "4 of 5 contributors are numbers" in verdicts(run, "▁sokoni")
    run = with_row("▁sokoni", {"▁12": 0.3, "7": 0.3, "▁8": 0.2, "▁the": 0.1, "▁market": 0.1})
    assert "are numbers" not in verdicts(run, "▁sokoni")


def test_verdict_contributors_are_symbols() -> None:
    run = with_row("▁sokoni", {".": 0.5, ",": 0.3, "!": 0.2})
    assert "3 of 3 contributors are punctuation or symbols" in verdicts(run, "▁sokoni")


def test_verdict_contributors_are_special() -> None:
    run = with_row("▁sokoni", {"</s>": 0.6, "▁market": 0.4})
    assert "1 contributor is no text (special or byte), 60 % of the weight." in verdicts(run, "▁sokoni")


def test_verdict_contributors_in_another_script() -> None:
    run = with_row("▁sokoni", {"سلام": 0.7, "▁market": 0.3})
    expected = "Contributors in another script: 70 % of the weight is Arabic, not Latin."
    assert expected in verdicts(run, "▁sokoni")
    run = with_row("▁sokoni", {"سلام": 0.4, "▁market": 0.6})
    assert "another script" not in verdicts(run, "▁sokoni")


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (11, "Auxiliary vector from 11 occurrences."),
        (0, "It never occurs in the text: its auxiliary vector is that of frequent tokens with the same n-grams."),
    ],
)
def test_verdict_few_occurrences(n: int, said: str) -> None:
    result = toy_result()
    assert result.frequency is not None
    frequency = result.frequency.copy()
    frequency[result.target.tokens.index("▁mkulima")] = n
    run = write_toy_run(result=dataclasses.replace(result, frequency=frequency))
    assert verdicts(run, "▁mkulima").endswith(said)


def test_verdict_norm() -> None:
    run = write_toy_run()
    short = 0.4 * source_norm(run)
    run = with_row("▁mkulima", {"▁farmer": 0.6, "▁market": 0.4}, norm=short)
    assert verdicts(run, "▁mkulima").endswith("Its embedding has 0.40 times the mean source norm.")


def test_verdict_nearly_a_mean(run: RunFolder) -> None:
    """No toy row has more than a hundred contributors; the numbers of a wide one are put in its place."""
    wide = dataclasses.replace(explain_token(run, id_of(run, "▁mkulima")), effective_contributors=312.4)
    from focus_core.analysis.provenance.verdicts import verdicts_of

    assert "Spread over 312 effective contributors: nearly a mean of the shared tokens." in {
        v.text for v in verdicts_of(dataclasses.replace(wide, max_weight=0.1), run)
    }


def test_source_norm_is_the_root_mean_square_length(run: RunFolder) -> None:
    """mean and std of the toy are those of its 40 source rows, with 39 in the denominator of the variance."""
    from tests.toy_run import toy_matrix

    lengths = np.linalg.norm(toy_matrix(40), axis=1)
    assert source_norm(run) == pytest.approx(np.sqrt(np.mean(lengths**2)), rel=0.01)


# --- the other direction and neighbours -------------------------------------------------------------------------


def test_fed_by_lists_copies_and_mixtures_by_weight(run: RunFolder) -> None:
    """``▁farmer`` feeds its copy with 1 and ``▁mkulima`` with 0.6; ``ing`` nothing."""
    fed = fed_by(run, source_id_of(run, "▁farmer"))
    assert [(f.token, f.origin) for f in fed] == [("▁farmer", "copied"), ("▁mkulima", "combined")]
    assert [f.weight for f in fed] == pytest.approx([1.0, 0.6])
    assert [f.similarity for f in fed] == [None, pytest.approx(0.8)]
    assert fed_by(run, source_id_of(run, "ing")) == []
    assert len(fed_by(run, source_id_of(run, "▁farmer"), limit=1)) == 1


def test_fed_by_agrees_with_contributors(run: RunFolder) -> None:
    pairs = {(f.target_id, s): f.weight for s in range(run.source_tokens().num_rows) for f in fed_by(run, s)}
    expected = {(t, c.source_id): c.weight for t in range(run.tokens().num_rows) for c in contributors_of(run, t)}
    assert pairs == expected


def test_auxiliary_neighbours(run: RunFolder) -> None:
    """The vector of ``▁mkulima`` has the cosine 0.8 to ``▁farmer``'s, 0.6 to ``▁market``'s, 0 to all the others."""
    near = auxiliary_neighbours(run, id_of(run, "▁mkulima"), k=3)
    assert [n.token for n in near[:2]] == ["▁farmer", "▁market"]
    assert [n.cosine for n in near] == pytest.approx([0.8, 0.6, 0.0])


def test_a_token_without_vector_has_no_auxiliary_neighbours(run: RunFolder) -> None:
    assert auxiliary_neighbours(run, id_of(run, "▁nadra")) == []
    assert id_of(run, "▁nadra") not in {n.id for n in auxiliary_neighbours(run, id_of(run, "asante"), k=500)}


def test_embedding_neighbours_agree_with_all_pairs(run: RunFolder) -> None:
    rows = run.embeddings().astype(np.float64)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    for target in (0, 17, 60):
        cosines = unit @ unit[target]
        cosines[target] = -2
        near = embedding_neighbours(run, target, k=5)
        assert [n.cosine for n in near] == pytest.approx(np.sort(cosines)[::-1][:5], abs=1e-6)
        assert target not in {n.id for n in near}


def test_neighbours_do_not_depend_on_the_block(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = embedding_neighbours(run, 17)
    monkeypatch.setattr("focus_core.analysis.provenance.neighbours.BLOCK", 7)
    parts = embedding_neighbours(run, 17)
    assert [n.id for n in parts] == [n.id for n in whole]


def test_zero_rows_are_nobodys_neighbours() -> None:
    run = write_toy_with_zero_row(3)
    assert embedding_neighbours(run, 3) == []
    assert 3 not in {n.id for n in embedding_neighbours(run, 4, k=500)}


def test_neighbours_of_the_output_matrix() -> None:
    result = toy_result()
    output = torch.from_numpy(np.random.default_rng(3).normal(size=(result.target.n, 8)).astype(np.float32))
    matrices = {**result.embeddings, "output": output}
    run = write_toy_run(result=dataclasses.replace(result, embeddings=matrices, tied=False))
    near_input, near_output = (embedding_neighbours(run, 9, name=name) for name in ("input", "output"))
    assert [n.id for n in near_input] != [n.id for n in near_output]


def test_neighbours_come_with_the_explanation_when_asked(run: RunFolder) -> None:
    explanation = explain_token(run, 17, n_neighbours=4)
    assert len(explanation.neighbours) == 4
    assert explain_token(run, 17).neighbours == ()


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.0, "    "), (1.0, "████"), (0.5, "██  "), (0.03125, "▏   "), (2.0, "████"), (-1.0, "    ")],
)
def test_bars(share: float, expected: str) -> None:
    """Four characters hold 32 eighths: 0.03125 is one of them."""
    assert draw_bar(share, width=4) == expected
