"""Where to look in a run, and what differs between two: ranked lists, hubs, distributions, tokens that changed."""
