"""Token: where one embedding came from."""
