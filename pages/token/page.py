"""Token: where the embedding of one target token comes from, or what one source token feeds."""

import streamlit as st

from focus_core.runs.legend import category_of
from focus_ui.data import cache
from focus_ui.session import state
from focus_ui.shell.guards import require_run, require_source, require_token
from pages.token import view
from pages.token.contributors import candidates_table, contributors_section, contributors_table
from pages.token.examples import example_lines
from pages.token.named import settle_named
from pages.token.neighbours import choice_of_training, neighbours_section, what_training_did
from pages.token.source import source_section, target_link
from pages.token.walk import walk_buttons
from pages.token.what_if import auxiliary_section, weights_section

run = require_run(title="Token")
settle_named(run)
looked_at = state.chosen_token() is not None
target_id = require_token(run)
source_id = require_source(run)
state.settle_address(target_id if looked_at or source_id is None else None, source_id)

if source_id is not None:
    if looked_at:
        target_link(run, target_id)
    walk_buttons(run, target_id, source_id)
    source_section(run, source_id)
    st.stop()

explanation = cache.explain(run, target_id)
walk_buttons(run, target_id, category=category_of(explanation.origin, explanation.rule).key)
view.token_head(run, explanation)
training = choice_of_training(run)
view.verdict_list([*explanation.verdicts, *what_training_did(run, training, target_id)])
example_lines(explanation)
view.copied_from(run, explanation)
contributors_section(run, explanation)
view.formula(explanation)
weights_section(run, target_id)
auxiliary_section(run, target_id)
neighbours_section(run, training, target_id)
contributors_table(run, explanation)
candidates_table(run, explanation)
view.what_am_i_looking_at()
