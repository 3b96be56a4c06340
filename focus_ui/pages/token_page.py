"""Token: where the row of one target token comes from, or what one source token feeds."""

import streamlit as st

from focus_ui import cache, navigation, state
from focus_ui import token_view as view
from focus_ui.change_view import neighbours_section
from focus_ui.guards import require_run, require_source, require_token
from focus_ui.what_if_view import auxiliary_section, weights_section

run = require_run()
target_id = require_token(run)
source_id = require_source(run)
state.settle_address(target_id, source_id)

if source_id is not None:
    navigation.link(navigation.TOKEN, "Back to the target token", icon=":material/arrow_back:", token=target_id)
    view.source_section(run, source_id)
    st.stop()

explanation = cache.explain(run, target_id)
view.token_head(run, explanation)
view.origin_text(run, explanation)
view.contributors_chart(run, explanation, key="token")
view.formula(explanation)
view.verdicts(explanation)
weights_section(run, target_id)
auxiliary_section(run, target_id)
neighbours_section(run, target_id)
view.example_lines(explanation)
if explanation.contributors:
    with st.expander("All contributors", icon=":material/table_rows:", expanded=len(explanation.contributors) > 1):
        view.contributors_table(run, explanation)
if explanation.candidates:
    with st.expander("Source tokens that could have been copied", icon=":material/content_copy:"):
        view.candidates_table(run, explanation)
