"""One thin script per page: guard, inputs, one call, rendering.

Not a folder ``pages/`` beside ``app.py``: Streamlit runs a script of such a folder by itself, without ``app.py``, when
a fresh server is first asked for that page, so a link to a run would lead nowhere after a restart.
"""
