"""Source embeddings as the product of two factors, in whose space new tokens are made and from which they come back."""
