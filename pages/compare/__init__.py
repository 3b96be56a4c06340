"""Compare: the checks, hub anchors, what differs between two runs."""
