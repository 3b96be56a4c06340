"""Which auxiliary space is the default, by measurement: what FOCUS by each costs on lines that nothing has seen."""
