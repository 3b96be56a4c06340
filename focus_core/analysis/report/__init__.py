"""A run as one HTML file to keep, print or send: its recipe, checks, lists, charts, trainings and a map.

Owns the report. Refuses scripts, requests and pictures from elsewhere: everything in it is text and inline SVG, every
token is escaped, and the page's own policy forbids the rest.
"""
