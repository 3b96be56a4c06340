"""The choice of a text: a sample, an upload, or a file of this server, and what its beginning says.

Whatever is wrong with a text is one line with a way out, and takes nothing else from the form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from focus_core.artifacts import sha256_bytes
from focus_core.corpus.readers import BINARY_REMEDY
from focus_core.errors import FocusError
from focus_core.numerics.formats import count, percent, size
from focus_core.tokenization.corpus_statistics import CorpusStatistics
from focus_core.tokenization.display import show_name
from focus_ui.data import catalog, input_cache, uploads
from focus_ui.data.catalog import CORPUS_SUFFIXES
from focus_ui.session.errors import show_error
from focus_ui.widgets.choice import switch

SAMPLE, UPLOAD, SERVER = "Sample", "Upload", "On this server"
LONG_LINE = 10_000
"""Characters a line has on average in a text that was not split into lines."""
PLAIN = "UTF-8"
ENCODINGS = {
    PLAIN: None,
    "Western European (Windows 1252)": "cp1252",
    "Central European (Windows 1250)": "cp1250",
    "Cyrillic (Windows 1251)": "cp1251",
    "Greek (Windows 1253)": "cp1253",
    "Turkish (Windows 1254)": "cp1254",
    "Hebrew (Windows 1255)": "cp1255",
    "Arabic (Windows 1256)": "cp1256",
    "Vietnamese (Windows 1258)": "cp1258",
    "Chinese (GB 18030)": "gb18030",
    "Chinese (Big 5)": "big5",
    "Japanese (Shift JIS)": "shift_jis",
    "Korean (EUC-KR)": "euc_kr",
    "UTF-16, little-endian": "utf-16-le",
    "UTF-16, big-endian": "utf-16-be",
}


@dataclass(frozen=True, kw_only=True)
class CorpusChoice:
    """The chosen corpus and what its beginning says."""

    label: str
    files: tuple[Path, ...]
    column: str
    statistics: CorpusStatistics
    encoding: str | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """What a request says of it."""
        return {"corpus": self.files, "field": self.column, "encoding": self.encoding}

    @property
    def reading(self) -> tuple[str, ...]:
        """The options of the command line that say how it is read."""
        encoding = () if self.encoding is None else ("--encoding", self.encoding)
        return ("--field", self.column, *encoding)


def corpus_choice(*, sample: bool = True) -> CorpusChoice | None:
    """Draw the choice of a corpus; return it, or ``None`` while there is none that can be read."""
    kinds = [SAMPLE, UPLOAD, *([SERVER] if catalog.operator_folders() else [])]
    kind = switch("Text from", kinds, "_corpus_kind", default=SAMPLE)
    label, files = {UPLOAD: _uploaded, SERVER: _on_server}.get(kind, _sample if sample else _any_sample)()
    if not files:
        return None
    column = "text"
    if any(not path.name.removesuffix(".gz").removesuffix(".zst").endswith(".txt") for path in files):
        column = st.text_input(
            "Field or column that holds the text", "text", key="_corpus_column", max_chars=100, persist_state="session"
        )
    return _read(label, files, column)


def _read(label: str, files: tuple[Path, ...], column: str) -> CorpusChoice | None:
    """Read the files' statistics; where they are not UTF-8, ask for their encoding and read again."""
    place = st.container()
    key = f"_encoding_{sha256_bytes(repr(files).encode())[:12]}"
    encoding = ENCODINGS.get(str(st.session_state.get(key, PLAIN)))
    try:
        statistics = input_cache.statistics(files, column, encoding)
    except FocusError as error:
        with place:
            show_error(in_the_form(error))
        if encoding is not None or "encoding" in error.hint.options:
            _ask_encoding(key)
        return None
    if encoding is not None:
        _ask_encoding(key)
    with place:
        _show_statistics(statistics)
    return CorpusChoice(label=label, files=files, column=column, statistics=statistics, encoding=encoding)


def _ask_encoding(key: str) -> None:
    st.selectbox(
        "Encoding", list(ENCODINGS), key=key, persist_state="session", width=360,
        help="How the letters of the file were written. Saving it anew as UTF-8 helps everywhere.",
    )  # fmt: skip


def in_the_form(error: FocusError) -> FocusError:
    """Return an error in the words of the form: no random file name, no option of the command line."""
    hint: str = error.hint
    if hint == BINARY_REMEDY:
        hint = "give a text file; if it is one, choose its encoding below"
    elif "encoding" in error.hint.options:
        hint = "choose its encoding below, or save it as UTF-8"
    elif "field" in error.hint.options:
        hint = "write the name of that field or column into the box above"
    return FocusError(uploads.in_own_words(error.message), hint=hint)


def _sample() -> tuple[str, tuple[Path, ...]]:
    samples = catalog.sample_corpora()
    if not samples:
        st.caption("This copy of the app ships no sample text.")
        return "", ()
    name = st.selectbox("Language", list(samples), key="_sample", persist_state="session", width=360)
    st.caption("A few hundred everyday sentences: enough to try every step, too little for a good model.")
    return f"sample {name}", (samples[str(name)],)


def _any_sample() -> tuple[str, tuple[Path, ...]]:
    samples = catalog.sample_corpora()
    name = st.selectbox(
        "Language", list(samples), index=None, key="_run_sample", placeholder="Choose that of this run", width=360,
        persist_state="session",
    )  # fmt: skip
    st.caption("Nothing is chosen for you: a text in another language would train the run on the wrong one.")
    return (f"sample {name}", (samples[str(name)],)) if name else ("", ())


def _uploaded() -> tuple[str, tuple[Path, ...]]:
    given = st.file_uploader(
        "Text files",
        type=[suffix.removeprefix(".") for suffix in (*CORPUS_SUFFIXES, ".gz", ".zst")],
        accept_multiple_files=True,
        key="_corpus_upload",
        help="UTF-8 text; .txt holds one text a line. Plain, .gz or .zst.",
    )
    st.caption(
        f"Up to {count(uploads.limit_mb())} MB a file; pack a larger one as .gz or .zst. It is kept until you reload "
        "or close this page; a run that has started still reads it to its end. For another run after that, upload it "
        "again. A run keeps single lines as examples."
    )
    if given:
        return _named(_kept(given))
    texts = uploads.kept_texts()
    if not texts:
        return "", ()
    names = uploads.distinct_names(texts)
    newest = [name for name, path in names.items() if path in uploads.newest_texts()]
    chosen = st.multiselect(
        "Uploaded in this session", list(names), default=newest, key="_kept_texts", persist_state="session"
    )
    return _named([names[name] for name in chosen if name in names])


def _kept(given: Sequence[UploadedFile]) -> list[Path]:
    """Keep every upload; where one is refused say why, and take none, so that no text is left out unnoticed."""
    kept, refused = [], False
    for upload in given:
        try:
            kept.append(uploads.keep_upload(upload))
        except FocusError as error:
            refused = True
            show_error(error)
    uploads.remember_texts(kept)
    return [] if refused else kept


def _named(files: Sequence[Path]) -> tuple[str, tuple[Path, ...]]:
    names = [uploads.shown_name(path) for path in files]
    return ", ".join(names[:2]) + ("" if len(names) < 3 else f" and {len(names) - 2} more"), tuple(files)


def _on_server() -> tuple[str, tuple[Path, ...]]:
    found = catalog.operator_entries("corpus")
    names = st.multiselect("Files on this server", list(found), key="_server_corpus", persist_state="session")
    return ", ".join(names[:2]), tuple(found[name] for name in names)


def _show_statistics(statistics: CorpusStatistics) -> None:
    about = "" if statistics.complete else "about "
    words = _oddities(statistics)
    st.markdown(
        f"{size(statistics.n_bytes)}, {about}**{count(statistics.n_lines)}** lines, {about}"
        f"**{count(statistics.n_characters)}** characters{words}"
    )
    if statistics.n_read and statistics.n_characters > LONG_LINE * statistics.n_lines:
        st.caption("Its lines are very long. One sentence or paragraph a line gives better example lines and counts.")
    with st.expander("First lines", icon=":material/notes:"):
        for line in statistics.sample:
            st.text(show_name(line, limit=160))


def _oddities(statistics: CorpusStatistics) -> str:
    """Return what is odd about the lines that were read, as a part of a sentence."""
    where = "" if statistics.complete else f" of the first {count(statistics.n_read)}"
    found = []
    if statistics.n_duplicates:
        share = percent(statistics.n_duplicates / max(1, statistics.n_read))
        found.append(f"**{count(statistics.n_duplicates)}** lines{where} repeat an earlier one ({share})")
    if statistics.n_replaced:
        found.append(f"**{count(statistics.n_replaced)}** characters{where} were lost before (\ufffd)")
    return "".join(f"; {words}" for words in found)
