"""A run as one HTML file to keep, print or send: its recipe, checks, lists, charts, trainings and a map.

It holds no script and fetches nothing: everything is text and inline SVG, every token is escaped, and the page's own
policy forbids the rest.
"""
