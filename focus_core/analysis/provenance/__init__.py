"""Questions to a finished run: where an embedding came from, what a token fed, what is near, what training changed.

Nothing here changes a run: what is stored is explained as it is, a what-if is an answer and nothing more.
"""
