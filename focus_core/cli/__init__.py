"""The command line: options, exit statuses, the two streams."""
