"""Questions to a finished run: where a row came from, what a source token fed, what is near, what training changed.

Owns search, explanations with verdicts, neighbours, their change, one row's weights and neighbours under other
settings and methods, and what feeds a selection, all from the run folder alone. Refuses to change a run: what is stored
is explained as it is, a what-if is an answer and nothing more.
"""
