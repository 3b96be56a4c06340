"""Controls that two pages share."""
