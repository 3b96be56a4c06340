"""The choice of a method, and runs of the methods that train no vectors on every page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st

from focus_core.initialization.config import InitConfig
from focus_core.initialization.methods.registry import METHODS
from focus_core.initialization.pipeline import run_focus
from focus_core.jobs import process as jobs
from focus_core.jobs.record import list_jobs, request_of_job
from focus_core.models.source import SourceModel
from focus_core.runs.folder import RunFolder
from focus_core.types import METHOD_SUMMARIES, MethodName, Need
from focus_ui.data import catalog
from tests.fake_jobs import FAKE, end_jobs
from tests.pages.conftest import PAGES, links, texts
from tests.toy_run import id_of, source_id_of, toy_frequency, toy_matrix, toy_source, toy_target, write_toy_run

BASELINES = [name for name, method in METHODS.items() if not method.needs]


@pytest.fixture
def form(open_app: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Open Data and run with a command that does nothing, and end what it starts."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "model.safetensors").write_bytes(b"")
    monkeypatch.setattr(catalog, "DEMO_SOURCE", source)
    monkeypatch.setattr(jobs, "COMMAND", FAKE)
    monkeypatch.setenv("FAKE_BEHAVIOUR", "wait")
    yield open_app("data")
    end_jobs(catalog.runs_root())


def start(at: Any) -> InitConfig:
    """Start the run and return its options."""
    next(button for button in at.button if button.label == "Start the run").click().run()
    assert not at.exception
    (job,) = list_jobs(catalog.runs_root())
    asked = request_of_job(job)
    assert asked is not None
    return asked.config


def test_every_method_without_a_donor_can_be_chosen_and_says_what_it_does(form: Any) -> None:
    """A donor is given on the command line."""
    names = [name for name in MethodName if Need.DONOR not in METHODS[name].needs]
    assert form.selectbox(key="_method").options == [f"{name}: {METHOD_SUMMARIES[name]}" for name in names]
    assert form.selectbox(key="_method").value == MethodName.FOCUS


def test_a_method_that_reads_a_dictionary_waits_for_it(form: Any) -> None:
    form.selectbox(key="_method").select(MethodName.TIK_TO_TOK).run()
    button = next(button for button in form.button if button.label == "Start the run")
    assert button.disabled
    assert any("Lacks a dictionary" in caption.value for caption in form.caption)
    form.segmented_control(key="_data_ready_dictionary").set_value("English–Swahili").run()
    assert not form.exception
    assert start(form).method == MethodName.TIK_TO_TOK
    (job,) = list_jobs(catalog.runs_root())
    asked = request_of_job(job)
    assert asked is not None
    assert asked.dictionary == catalog.DICTIONARIES / "en-sw.tsv"


def test_focus_is_chosen_unless_told_otherwise(form: Any) -> None:
    options = start(form)
    assert (options.method, options.fallback) == ("focus", "normal")


def test_a_baseline_with_rows_of_its_own_gets_no_fallback(form: Any) -> None:
    """The library would refuse another fallback beside it."""
    form.selectbox(key="_method").select(MethodName.RANDOM)
    form.selectbox(key="_fallback").select("mean")
    options = start(form)
    assert (options.method, options.fallback) == ("random", "normal"), "which counts as not chosen"


def test_a_baseline_that_leaves_rows_to_the_fallback_gets_it(form: Any) -> None:
    form.selectbox(key="_method").select(MethodName.OVERLAP)
    form.selectbox(key="_fallback").select("multivariate")
    options = start(form)
    assert (options.method, options.fallback) == ("overlap", "multivariate")


@pytest.fixture(scope="module", params=BASELINES)
def baseline(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Return the toy vocabularies initialised by one baseline."""
    import torch

    source, target = toy_source(), toy_target()
    model = SourceModel(
        name="toy", input=torch.from_numpy(toy_matrix(source.n)), digest="0" * 64, n_bytes=0, spec="toy"
    )
    result = run_focus(source=source, target=target, model=model, config=InitConfig(method=request.param))
    assert result.frequency is None
    assert toy_frequency(target).any()
    return write_toy_run(tmp_path_factory.mktemp("demo") / "baseline", result=result)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_a_run_without_vectors(
    page: str, baseline: RunFolder, open_app: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(baseline.path.parent))
    st.cache_data.clear()
    st.cache_resource.clear()
    for token in ("▁market", "▁mkulima", "[MASK]"):
        open_app(page, run="baseline", token=id_of(baseline, token))


def test_no_page_calls_a_shared_token_copied_that_was_not(
    baseline: RunFolder, open_app: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``▁market`` is in both vocabularies."""
    monkeypatch.setenv("FOCUS_LAB_DEMO_RUNS", str(baseline.path.parent))
    st.cache_data.clear()
    st.cache_resource.clear()
    method = baseline.manifest["config"]["method"]
    target_id = id_of(baseline, "▁market")
    copied = baseline.column("tokens", "origin")[target_id] == "copied"
    assert copied == METHODS[method].copies_text
    shown = texts(open_app("token", run="baseline", token=target_id)).replace("\\", "").replace("\u2060", "")
    assert ("copied bit for bit" in shown) == copied
    assert (f"but {method} does not copy it" in shown) == (not copied)
    source = open_app("token", run="baseline", token=target_id, source=source_id_of(baseline, "▁market"))
    assert any(link.label.startswith("Copied to target token") for link in links(source)) == copied


def test_a_default_of_the_method_stands_in_the_form_and_in_the_plan(form: Any) -> None:
    """WECHSEL divides by 0.1, takes ten neighbours and counts 256 dimensions, where nobody chose."""
    form.selectbox(key="_method").select(MethodName.WECHSEL).run()
    form.segmented_control(key="_data_ready_dictionary").set_value("English–Swahili").run()
    assert form.number_input(key="_temperature_wechsel").value == 0.1
    fields = [form.number_input(key=key) for key in ("_top-k", "_dim")]
    assert [(field.proto.placeholder, field.disabled) for field in fields] == [("10", False), ("256", False)]
    plan = "".join(expander.label for expander in form.expander).replace("\\", "").replace("\u2060", "")
    assert "wechsel, temperature 0.1" in plan
    assert "Top-k: **10**" in texts(form)
    assert "Dimensions: **256**" in texts(form)
    resolved = METHODS["wechsel"].resolve(start(form))
    assert (resolved.temperature, resolved.top_k, resolved.dim) == (0.1, 10, 256)


def test_a_general_default_that_the_method_replaces_is_called_so(form: Any) -> None:
    form.selectbox(key="_method").select(MethodName.WECHSEL).run()
    assert "counts as not chosen" not in texts(form)
    form.number_input(key="_temperature_wechsel").set_value(1.0).run()
    assert "Temperature 1 counts as not chosen: wechsel takes its own, 0.1." in texts(form)
    form.number_input(key="_temperature_wechsel").set_value(0.5).run()
    assert "counts as not chosen" not in texts(form)
    form.selectbox(key="_method").select(MethodName.FOCUS).run()
    assert form.number_input(key="_temperature").value == 1.0
    assert form.number_input(key="_top-k").proto.placeholder == "all"
