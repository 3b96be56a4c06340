"""The command line as a child process whose state is its folder; estimates and previews before it starts."""
