"""Data and run: a corpus, a target tokenizer, a source model, options; then a job that goes on by itself."""

import streamlit as st

from focus_ui import run_form as form
from focus_ui import run_view as view
from focus_ui.components import page_head

page_head("Data and run", "Choose a text, a vocabulary for it, and the model that shall speak it. Then start the run.")
view.follow_watched_job()

st.subheader("Text", anchor=False)
corpus = form.corpus_choice()
st.subheader("New vocabulary", anchor=False)
target = form.target_choice(corpus.survey if corpus else None)
st.subheader("Pretrained model", anchor=False)
source = form.source_choice()

st.subheader("Run", anchor=False)
ready = corpus is not None and target is not None and source is not None
if corpus is None or target is None or source is None:
    st.caption("Choose a text, a vocabulary and a model first.")
else:
    view.show_estimate(corpus, target[0], target[1])
with st.form("_run_form", border=True):
    options = form.options()
    started = st.form_submit_button("Start the run", type="primary", icon=":material/play_arrow:", disabled=not ready)
if started and corpus is not None and target is not None and source is not None:
    view.launch(corpus, target[0], source, options)
view.earlier_jobs(view.watched_job())
