"""What is said about a token: a sentence for every kind, with its number, its tone and what to do."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from focus_core.analysis.provenance.change import ChangedNeighbour, ChangedNeighbours, ChangedTokens
from focus_core.analysis.provenance.explain import explain_token
from focus_core.analysis.provenance.explanation import Tone
from focus_core.analysis.provenance.render import render_text
from focus_core.analysis.provenance.verdicts import training_verdicts, verdicts_of
from focus_core.runs.folder import RunFolder
from tests.toy_run import altered, id_of, source_id_of, write_fuzzy_toy, write_toy_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return write_toy_run(tmp_path_factory.mktemp("verdicts") / "toy")


def said(run: RunFolder, token: str) -> dict[str, Tone]:
    return {v.text: v.tone for v in explain_token(run, id_of(run, token)).verdicts}


def test_every_token_has_a_verdict_that_is_a_sentence(run):
    for target in range(run.tokens().num_rows):
        verdicts = explain_token(run, target).verdicts
        assert verdicts
        for verdict in verdicts:
            assert verdict.text[0].isupper() or verdict.text[0].isdigit()
            assert verdict.text.endswith(".")
            assert not verdict.advice or verdict.advice.endswith(".")


def test_a_sound_mixture_is_called_sound_with_its_numbers(run):
    """``▁nyumba``: four weights of 0.25 count as much as four equal ones; nothing has half the weight."""
    assert said(run, "▁nyumba")["4 contributors, which count as much as 4.0 equal ones."] is Tone.GOOD


def test_many_contributors_of_nearly_equal_weight_are_not_called_sound(run):
    """46 contributors of which the largest has 0.036, or 1.7 times an equal share; at 0.05 it has 2.3 times it."""
    found = dataclasses.replace(
        explain_token(run, id_of(run, "▁nyumba")), n_contributors=46, effective_contributors=40.7
    )
    blend, sound = (verdicts_of(dataclasses.replace(found, max_weight=w), run)[0] for w in (0.036, 0.05))
    assert blend.text == "46 contributors, which count as much as 40.7 equal ones: none of them stands out."
    assert blend.tone is Tone.NOTE
    assert sound.tone is Tone.GOOD


@pytest.mark.parametrize("cosine", [0.41, 0.97])
def test_in_a_collapsed_run_no_mixture_is_called_sound(run, cosine):
    remedy = "raise --epochs to 214, or give more text" if cosine > 0.8 else ""
    blind = altered(run, manifest={"health": {"mean_cosine": cosine, "collapsed": cosine > 0.8, "remedy": remedy}})
    first, *rest = explain_token(blind, id_of(run, "▁nyumba")).verdicts
    assert first.tone is Tone.WARNING
    assert first.text == (
        "Its contributors are hardly chosen by likeness, nor are others in this run: "
        f"mean cosine {cosine:.2f} between new tokens and anchors (FOC011)."
    )
    assert first.advice == (
        "Raise --epochs to 214, or give more text."
        if remedy
        else "Train the vectors for more --epochs or give more text."
    )
    assert Tone.GOOD not in {v.tone for v in rest}
    assert explain_token(blind, id_of(run, "▁farmer")).verdicts == explain_token(run, id_of(run, "▁farmer")).verdicts


def test_one_contributor_that_decides_is_named(run):
    """``▁mkulima``: weights 0.6 and 0.4."""
    text = "One contributor has 60 %: it says more than all the others together."
    assert said(run, "▁mkulima")[text] is Tone.NOTE


def test_a_weight_below_one_is_never_rounded_up_to_it(run):
    nearly = dataclasses.replace(explain_token(run, id_of(run, "▁mkulima")), max_weight=0.998)
    assert verdicts_of(nearly, run)[0].text == "One contributor has 99 %: nearly a copy."


def test_an_anchor_says_whom_it_feeds(run):
    """``▁farmer`` feeds ``▁mkulima`` alone, with 0.6; ``▁the`` feeds nothing by hand-made vectors."""
    assert "As an anchor it feeds 1 combined embedding, with a total weight of 0.60." in said(run, "▁farmer")
    assert "An anchor that no combined embedding takes anything from." in said(run, "▁the")


def test_a_copied_token_without_a_vector_is_no_anchor(run):
    target = id_of(run, "▁farmer")
    blind = dataclasses.replace(explain_token(run, target), has_auxiliary=False)
    assert any(v.text.startswith("No anchor") for v in verdicts_of(blind, run))


def test_a_control_token_is_called_one_and_a_copy_is_never_too_long(run):
    found = explain_token(run, id_of(run, "<s>"))
    assert (
        found.verdicts[0].text
        == f"A control token, copied bit for bit from source token #{found.source_id} (exact match)."
    )
    assert verdicts_of(dataclasses.replace(found, norm=9 * found.source_norm), run) == found.verdicts


def test_a_fuzzy_copy_is_worth_a_look():
    run = write_fuzzy_toy()
    text = f"Copied bit for bit from source token #{explain_token(run, id_of(run, '▁MILK')).source_id} (fuzzy match)."
    assert said(run, "▁MILK")[text] is Tone.NOTE


@pytest.mark.parametrize(("seen", "tone"), [(1, Tone.NOTE), (19, Tone.NOTE), (20, Tone.WARNING), (500, Tone.WARNING)])
def test_a_frequent_fallback_is_a_warning(run, seen, tone):
    found = dataclasses.replace(explain_token(run, id_of(run, "▁nadra")), frequency=seen)
    assert {v.tone for v in verdicts_of(found, run) if "auxiliary" in v.text} == {tone}


def test_a_control_token_that_the_source_lacks_has_its_own_sentence(run):
    found = dataclasses.replace(explain_token(run, id_of(run, "▁nadra")), kind="special")
    assert verdicts_of(found, run)[0].text.startswith("A control token of a type")


def test_a_token_far_from_every_anchor_is_called_out(run):
    """Of 100 combined tokens 96 have a best cosine of 0.9 and three of 0.1: 96 of the other 99 lie above 0.3."""
    far = altered(run)
    far.remember("best similarities", lambda: np.array([0.9] * 96 + [0.1] * 3 + [0.3]))
    found = explain_token(run, id_of(run, "▁nyumba"))
    alike, unlike = (
        [v.text for v in verdicts_of(dataclasses.replace(found, contributors=contributors), far)]
        for contributors in (
            tuple(dataclasses.replace(c, similarity=cosine) for c in found.contributors) for cosine in (0.95, 0.3)
        )
    )
    assert "Its nearest anchor has a cosine of 0.30; 97 % of the combined tokens have a nearer one." in unlike
    assert not any("nearest anchor" in text for text in alike)


def test_best_similarities_are_those_of_the_rows(run):
    """``▁mkulima`` 0.8, ``▁maziwa`` 1, ``▁nyumba`` 0.5: the largest cosine of each row of W."""
    from focus_core.analysis.provenance.verdicts import _best_similarities

    known = _best_similarities(run)
    combined = np.flatnonzero(run.column("tokens", "origin") == "combined")
    assert len(known) == len(combined)
    places = [combined.tolist().index(id_of(run, t)) for t in ("▁mkulima", "▁maziwa", "▁nyumba")]
    assert known[places] == pytest.approx([0.8, 1.0, 0.5])


def neighbours(kept: int, lost: int) -> ChangedNeighbours:
    def some(first: int, n: int) -> tuple[ChangedNeighbour, ...]:
        return tuple(
            ChangedNeighbour(id=i, text="x", word_start=False, origin="copied", rule="exact", before=0.5, after=0.5)
            for i in range(first, first + n)
        )

    return ChangedNeighbours(kept=some(0, kept), lost=some(100, lost), gained=some(200, lost))


def changed(cosines: list[float]) -> ChangedTokens:
    n = len(cosines)
    ones = np.ones(n)
    return ChangedTokens(
        id=np.arange(n), cosine=np.array(cosines), norm_ratio=1.25 * ones, kept=ones, score=ones, frequency=ones
    )


def test_training_is_told_by_neighbours_kept_and_by_rank():
    """The token's cosine is 0.5: all 40 others stayed nearer, so it turned further than any of them."""
    verdicts = training_verdicts(changed([0.5, *[0.9] * 40]), neighbours(4, 6), 0)
    assert verdicts[0].text == "Training kept 4 of its 10 nearest tokens (Jaccard 0.25)."
    assert verdicts[0].tone is Tone.NOTE
    assert verdicts[1].text == (
        "Training turned its embedding further than any other token (cosine 0.50 to where it was), and made it 1.25 "
        "times as long."
    )
    assert verdicts[1].tone is Tone.WARNING
    assert verdicts[1].advice


def test_the_second_in_rank_of_many_is_not_rounded_up_to_all():
    verdict = training_verdicts(changed([0.5, 0.4, *[0.9] * 9998]), neighbours(4, 6), 0)[1]
    assert "further than 99 % of the tokens" in verdict.text
    least = training_verdicts(changed([0.99, *[0.9] * 40]), neighbours(4, 6), 0)[1]
    assert "less far than any other token" in least.text


def test_thousands_of_equal_ones_have_a_comma(run):
    from focus_core.analysis.provenance.verdicts import _spread

    base = explain_token(run, id_of(run, "▁nyumba"))
    many = dataclasses.replace(base, n_contributors=4000, effective_contributors=3036.6, max_weight=0.001)
    assert "over 3,037 effective contributors" in _spread(many, trusted=True).text


def test_a_token_that_hardly_drifted_is_told_from_the_other_side():
    """Cosine 0.99; 30 of the other 40 have less."""
    verdicts = training_verdicts(changed([0.99, *[0.9] * 30, *[1.0] * 10]), neighbours(7, 3), 0)
    assert verdicts[0].tone is Tone.GOOD
    assert "less far than 75 % of the tokens" in verdicts[1].text
    assert verdicts[1].tone is Tone.NOTE


def test_without_measures_nothing_is_said():
    assert training_verdicts(None, neighbours(0, 0), 0) == ()
    assert training_verdicts(changed([0.5, 0.6]), neighbours(0, 0), 7) == ()


def test_verdicts_go_into_json_and_into_the_terminal(run, tmp_path: Path):
    explanation = explain_token(run, source_id_of(run, "▁farmer"))
    written = json.loads(json.dumps(explanation.to_dict()))["verdicts"]
    assert set(written[0]) == {"text", "tone", "advice"}
    assert str(explanation.verdicts[0]) in render_text(explanation)
