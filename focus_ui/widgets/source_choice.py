"""The choice of a source model, and a card that says what is in it and what will therefore be possible.

What cannot be used is refused here, before a run, in the library's own words. A visitor types no path: a source is the
demo's, an upload, a folder that the operator listed, or a Hub id where the operator allows them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from focus_core.errors import FocusError, Phrase, parts_of
from focus_core.export.forward import CLM, MLM
from focus_core.jobs.source_summary import SourceSummary
from focus_core.models.hub import cached_file
from focus_core.models.tensors import INDEX, SINGLE
from focus_core.models.unpack import Unpacked
from focus_core.numerics.formats import count
from focus_core.tokenization.display import markdown_escape, show_name, show_token
from focus_ui.data import catalog, input_cache
from focus_ui.data.source_uploads import unpack_folder, unpack_upload
from focus_ui.data.uploads import keep_upload, limit_mb
from focus_ui.session.errors import if_sound
from focus_ui.widgets.choice import choose, switch
from focus_ui.widgets.corpus_choice import SERVER, UPLOAD, in_the_form
from focus_ui.widgets.tokenizer_choice import Choice, server_folder, uploaded_tokenizer

DEMO, ENGLISH, HUB = "Demo", "English demo", "Hub"
ZIP, FOLDER, MATRIX = "Zip", "Folder", "Embeddings only"
WHOLE = "Body included: can be trained, evaluated, exported."
HEADLESS = "Body included, without a head that predicts tokens: can be exported, neither trained nor evaluated."
BARE = (
    "Embeddings only: the result is an embedding matrix with its tokenizer; it cannot be trained or evaluated, and its "
    "export is no model."
)
PREDICTS = {MLM: "a head that predicts masked tokens", CLM: "a head that predicts the next token"}
NEEDS_MASK = "To be trained and evaluated, the new vocabulary needs a mask token. Those that are trained here have one."


def source_choice() -> Choice | None:
    """Draw the choice of a source model; return it, or ``None`` while there is none that can be used."""
    kinds = [
        *([DEMO] if catalog.has_demo_source() else []),
        *([ENGLISH] if catalog.has_english_source() else []),
        *([SERVER] if catalog.operator_folders() else []),
        *([HUB] if catalog.allows_hub() else []),
        UPLOAD,
    ]
    kind = switch("Source model", kinds, "_source_kind", default=kinds[0])
    return {DEMO: _demo, ENGLISH: _english, SERVER: _on_server, HUB: _hub_model, UPLOAD: _uploaded}[kind]()


def _demo() -> Choice:
    words = "A small multilingual masked language model of our own, trained for this demonstration alone. "
    st.caption(words + WHOLE)
    return Choice(label="demo model", fields={"source": str(catalog.DEMO_SOURCE)})


def _english() -> Choice:
    words = "Likewise, but it has read English alone: what a source is worth that does not know your language. "
    st.caption(words + WHOLE)
    return Choice(label="English demo model", fields={"source": str(catalog.ENGLISH_SOURCE)})


def _on_server() -> Choice | None:
    chosen = server_folder("model", "source", "_server_source")
    return _looked_at(chosen) if chosen is not None else None


def _hub_model() -> Choice | None:
    example = "FacebookAI/xlm-roberta-base"
    name = st.text_input("Model on the Hugging Face Hub", placeholder=example, key="_hub_id", max_chars=200).strip()
    if not name:
        return None
    if not catalog.names_hub_model(name):
        st.warning("Expected the form owner/name, as in FacebookAI/xlm-roberta-base.")
        return None
    choice = Choice(label=name, fields={"source": name})
    folder = _fetched(name)
    if folder is not None:
        return _looked_at(choice, at=folder)
    st.caption("It is fetched when the run starts. What is in it is seen only then: what cannot be used ends the run.")
    return choice


def _fetched(name: str) -> Path | None:
    """Return where a model of the Hub lies that was fetched before, with its weights; the network is not asked."""
    weights = any(cached_file(name, file) is not None for file in (SINGLE, INDEX))
    config = cached_file(name, "config.json") if weights else None
    return None if config is None else config.parent


def _uploaded() -> Choice | None:
    given = switch("What you have", [ZIP, FOLDER, MATRIX], "_source_form", default=ZIP)
    return {ZIP: _uploaded_zip, FOLDER: _uploaded_folder, MATRIX: _uploaded_matrix}[given]()


def _uploaded_zip() -> Choice | None:
    upload = st.file_uploader(
        "Zip of a model folder", type=["zip"], key="_source_zip",
        help="config.json, weights in safetensors and the tokenizer, at the top or in one folder; licence and "
        "generation settings come along. Nothing in it is executed.",
    )  # fmt: skip
    st.caption(
        f"Up to {count(limit_mb())} MB, unpacked by this server. It is kept with the runs that you make from it, and "
        "deleted with the last of them; with none, when you reload or close this page."
    )
    return _unpacked(lambda: unpack_upload(upload)) if upload is not None else None


def _uploaded_folder() -> Choice | None:
    uploads = st.file_uploader(
        "Folder of a model", accept_multiple_files="directory", key="_source_folder",
        help="The folder that from_pretrained loads. Only the files that a model needs are taken.",
    )  # fmt: skip
    st.caption(f"Up to {count(limit_mb())} MB a file. It is kept and deleted as a zip is.")
    return _unpacked(lambda: unpack_folder(uploads)) if uploads else None


def _unpacked(unpack: Callable[[], Unpacked]) -> Choice | None:
    """Return the choice of an uploaded model; say what of it was left out."""
    found = if_sound(unpack, told=in_the_form)
    if found is None:
        return None
    choice = _looked_at(Choice(label=found.folder.name, fields={"source": str(found.folder)}))
    if found.pickles:
        name = markdown_escape(show_name(", ".join(found.pickles[:3]), limit=120))
        st.caption(f"Left out: {name}: a pickle can run code when it is read. Safetensors alone are used.")
    return choice


def _uploaded_matrix() -> Choice | None:
    tokenizer = uploaded_tokenizer("_source_tokenizer_upload", "source_tokenizer")
    matrix = st.file_uploader("Embeddings", type=["safetensors"], key="_source_upload")
    if tokenizer is None or matrix is None:
        return None
    path = if_sound(lambda: keep_upload(matrix), told=in_the_form)
    tensors = None if path is None else if_sound(lambda: input_cache.matrices(path), told=in_the_form)
    if path is None or tensors is None:
        return None
    if not tensors:
        st.warning("This file holds no embeddings.")
        return None
    names = {name: f"{show_token(name)} {shape}" for name, shape in tensors.items()}
    name = choose("Tensor", names, "_tensor", width="stretch")
    fields = {**tokenizer[0].fields, "source_embeddings": path, "tensor": str(name)}
    return _looked_at(Choice(label="uploaded embeddings", fields=fields))


def _looked_at(choice: Choice, *, at: Path | None = None) -> Choice | None:
    """Draw what is in a source; return its choice, or ``None`` where a run would refuse it, and say why."""
    fields = choice.fields if at is None else {"source": str(at)}
    embeddings = fields.get("source_embeddings")
    found = if_sound(
        lambda: input_cache.summary(
            fields.get("source"), fields.get("source_tokenizer"), None if embeddings is None else str(embeddings),
            fields.get("tensor"),
        ),
        told=lambda error: in_the_form(_called(error, at, choice.label)),
    )  # fmt: skip
    if found is None:
        return None
    draw_summary(found)
    return choice


def _called(error: FocusError, at: Path | None, label: str) -> FocusError:
    """Return an error that calls a fetched folder, whose name is a number, by the id of its model."""
    if at is None:
        return error
    parts = [part.replace(at.name, label) for part in parts_of(error.message)]
    return FocusError(Phrase(parts), hint=error.hint)


def draw_summary(found: SourceSummary) -> None:
    """Draw what is in a source, and what can be done with what is made from it."""
    title = WHOLE if found.objective else HEADLESS if found.whole else BARE
    icon = ":material/deployed_code:" if found.whole else ":material/grid_on:"
    with st.container(border=True, key="source_card", gap="xsmall"):
        st.markdown(f"{icon} **{title}**", help=NEEDS_MASK if found.objective == MLM else None)
        words = ", ".join(_contents(found))
        st.markdown(f"In it: {words}.")
        words = ", ".join(_missing(found))
        if words:
            st.caption(f"Not in it: {words}.")
        for message in found.messages:
            st.caption(markdown_escape(show_name(message, limit=300)))


def _contents(found: SourceSummary) -> list[str]:
    """Return what is in a source, in words that Markdown shows as they are."""
    words = []
    if found.whole:
        layers = f" of {count(found.n_layers)} layers" if found.n_layers else ""
        words.append(f"a body{layers} (`{found.architecture}`, {count(found.n_parameters)} parameters)")
    if found.objective:
        words.append(PREDICTS[found.objective])
    words.append(f"embeddings of {count(found.width)} dimensions")
    words.append(f"a tokenizer of {count(found.n_tokens)} tokens ({found.family})")
    if found.modules:
        words.append(f"modules of sentence-transformers ({', '.join(found.modules)})")
    if found.generation:
        words.append("generation settings")
    if found.licence:
        words.append(f"its licence ({markdown_escape(Path(found.licence).name)})")
    return words


def _missing(found: SourceSummary) -> list[str]:
    if not found.whole:
        return ["a body", "a head"]
    return [name for name, there in (("a head", found.objective), ("a licence file", found.licence)) if not there]
