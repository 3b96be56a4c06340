"""Train: continued pretraining, its losses, what it changed, evaluation."""
