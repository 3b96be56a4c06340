"""Train: how the losses of all methods fall, and which embeddings drifted most."""

import streamlit as st

from focus_core.export.abilities import abilities_of
from focus_ui.data.training_tables import readable_trainings
from focus_ui.jobs.form import can_predict
from focus_ui.session.errors import show_error
from focus_ui.shell.guards import require_run
from focus_ui.shell.sidebar import page_head
from pages.train import view
from pages.train.evaluate import evaluate_section, evaluated_section
from pages.train.form import adapt_section, prefer_new_training
from pages.train.import_checkpoint import import_section

page_head(
    "Train",
    "What each initialisation was worth, how continued pretraining went on from it, and which embeddings drifted.",
)
run = require_run()
prefer_new_training(run)
trainings, errors = readable_trainings(run)
for error in errors:
    show_error(error)
if trainings:
    view.curves_section(run, trainings)
evaluated_section(run)
if trainings:
    view.change_section(run, trainings)
if can_predict(run):
    if not trainings:
        view.empty_state(run)
    evaluate_section(run)
    adapt_section(run, expanded=not trainings)
elif abilities_of(run).distills:
    adapt_section(run, expanded=not trainings)
import_section(run, expanded=not trainings)
with st.expander("What am I looking at?", icon=":material/help:"):
    view.what_am_i_looking_at()
