"""The pages, a folder each: ``page.py`` is the script that the address names, beside it what only that page needs."""
