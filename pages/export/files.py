"""Take away: the report of a run, its map for Embedding Atlas, its tables and its arrays, each a click.

A file is built when it is asked for; one that would take the browser too long is made on the command line, which is
said instead.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from focus_core.analysis.report.page import html_report
from focus_core.artifacts import dump_json
from focus_core.errors import FocusError
from focus_core.export.atlas import atlas_bytes, choose_projection, member_columns
from focus_core.numerics.formats import count
from focus_core.runs.additions import ProjectionFolder, list_projections
from focus_core.runs.folder import RunFolder
from focus_core.tokenization.display import show_token
from focus_ui.charts.download import save_file, save_table
from focus_ui.data.catalog import RunKind, path_in_command
from focus_ui.data.tables import token_table
from focus_ui.data.uploads import safe_name
from focus_ui.jobs.evaluations import kept_evaluations
from focus_ui.jobs.map_jobs import map_is_made
from focus_ui.session import navigation, state
from focus_ui.session.errors import show_error
from focus_ui.widgets.choice import choose
from focus_ui.widgets.command import show_command

MAX_ATLAS = 25_000
"""Tokens; the exact neighbours of more take longer than a browser waits."""
ARRAYS = {
    "contributions.parquet": "Contributions (Parquet)",
    "tokens.parquet": "Tokens (Parquet)",
    "source_tokens.parquet": "Source tokens (Parquet)",
    "candidates.parquet": "Candidates (Parquet)",
    "examples.parquet": "Lines of the corpus (Parquet)",
    "embeddings.safetensors": "Embeddings (safetensors)",
    "auxiliary.safetensors": "Auxiliary vectors (safetensors)",
}


def stem(run: RunFolder) -> str:
    """Return how the files of a run are called: its target and the beginning of its digest."""
    name = safe_name(str(run.manifest["target"]["name"]), Path("run.txt")).removesuffix(".txt")
    return name + "-" + run.digest[:8]


def report_section(run: RunFolder) -> None:
    """Draw the button of the HTML report."""
    st.header("Report", anchor=False)
    st.markdown(
        "The whole run on one page: recipe, checks, lists, charts, trainings, your evaluations, a map, example "
        "tokens. One HTML file without scripts that needs no network, for reading, printing or sending."
    )
    measured = [report for _, report in kept_evaluations(run)]  # the session is out of reach once the file is built
    build = partial(html_report, run, evaluations=measured)
    save_file("Report (HTML)", build, stem(run) + ".html", "text/html", key="_report", primary=True)
    show_command(f".venv/bin/python -m focus_core report {path_in_command(run.path)} build/report.html")


def atlas_section(run: RunFolder) -> None:
    """Draw the button of the file for Embedding Atlas, and how it is opened; one line without a map."""
    st.header("Map for Embedding Atlas", anchor=False)
    names = list_projections(run)
    if not names:
        _lay_one_out(run)
        st.caption("From the command line:")
        show_command(f".venv/bin/python -m focus_core project {path_in_command(run.path)}")
        return
    try:
        usual = choose_projection(run).name
        name = usual
        if len(names) > 1:
            labels, key = {found: show_token(found, limit=60) for found in names}, f"_atlas_{run.digest[:12]}"
            name = choose("Which map", labels, key, index=names.index(usual)) or usual
        projection = choose_projection(run, name)
    except FocusError as error:
        show_error(error)
        return
    _atlas(run, projection)


def _lay_one_out(run: RunFolder) -> None:
    """Say that there is no map, and where one comes from; a run of somebody else stays as it is."""
    entry = state.current_run()
    if entry is None or entry.kind is not RunKind.OWN:
        st.caption("This run has no stored map, and stays as it is; a run of your own can get one on the page Map.")
    elif map_is_made(run.path, owner=state.owner()):
        st.caption("A map of this run is being laid out; its file can be saved here once it is there.")
    else:
        st.caption("This run has no stored map yet.")
        navigation.link(navigation.MAP, "Lay one out on the page Map")


def _atlas(run: RunFolder, projection: ProjectionFolder) -> None:
    n_tokens = int(projection.manifest.get("n_sampled") or 0)
    members = [str(member["key"]) for member in projection.manifest["members"]]
    own = [member_columns(key) for key in members if not key.startswith("other:")]
    st.markdown(
        f"**{count(n_tokens)}** tokens in one Parquet file: readable text, origin, script, frequency, coordinates "
        "before and after training, and the ten nearest tokens of each, exact and in the original space."
    )
    if n_tokens > MAX_ATLAS:
        st.caption("Too many tokens for the browser; the command line writes the file:")
        show_command(_atlas_command(run, projection))
        return
    build, file = partial(atlas_bytes, run, projection), stem(run) + "-atlas.parquet"
    save_file("Map (Parquet)", build, file, "application/octet-stream", key="_atlas")
    x, y, near = own[-1]
    st.caption("Where Embedding Atlas is installed, this opens it:")
    show_command(f"embedding-atlas {stem(run)}-atlas.parquet --text token --x {x} --y {y} --neighbors {near}")


def _atlas_command(run: RunFolder, projection: ProjectionFolder) -> str:
    command = f".venv/bin/python -m focus_core atlas {path_in_command(run.path)} build/atlas.parquet"
    return f"{command} --projection {projection.name}"


def files_section(run: RunFolder) -> None:
    """Draw the downloads of the run's own tables and arrays, and of its maps."""
    st.header("Tables and arrays", anchor=False)
    with st.container(horizontal=True):
        save_table(lambda: token_table(run), key="tokens", name=f"{stem(run)} tokens", label="Tokens (CSV)")
        build = partial(dump_json, run.manifest)
        save_file("Manifest (JSON)", build, "manifest.json", "application/json", key="_manifest")
        for file, label in ARRAYS.items():
            if (run.path / file).is_file():
                _file(run, file, label)
        for name in list_projections(run):
            _file(run, f"projection/{name}/points.parquet", "Map " + show_token(name, limit=60) + " (Parquet)")
    st.caption("Every column is described in the documents, under the format of a run folder.")
    navigation.link(navigation.COMPARE, "Compare has the lists, hubs and distributions as tables")


def _file(run: RunFolder, file: str, label: str) -> None:
    path = run.path / file
    name = file.replace("projection/", "").replace("/", "-")
    save_file(label, path.read_bytes, name, "application/octet-stream", key=f"_file_{file}")
