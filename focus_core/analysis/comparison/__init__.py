"""Where to look in a run, and what differs between two: ranked lists, hubs, distributions, tokens that changed.

Owns what the page Compare shows and its report. Refuses to judge: verdicts are those of `checks`, every number is read
or counted from run folders alone.
"""
