"""Learn: short chapters, each with a picture of the run at hand and a task that is checked."""
