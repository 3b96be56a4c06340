"""Data and run: a text, a target tokenizer, a source model; or the current run with a change. Then a job, in steps."""

import streamlit as st

from focus_ui.shell.sidebar import page_head
from pages.data import again, view

page_head("Data and run", "Give a text in your language. Everything else is filled in: start the run when you like.")
view.follow_watched_job()
started = view.watched_job(started=True)
if again.mode() == again.AGAIN:
    again.draw()
else:
    view.new_run()
st.space("small")
view.earlier_jobs(started or view.watched_job())
