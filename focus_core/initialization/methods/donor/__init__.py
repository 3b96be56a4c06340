"""Methods that take their weights from the embeddings of a donor, a model that has the target tokenizer already."""
