"""A tokenizer cut to the tokens that a text uses: what each of them needs, and what is left as a tokenizer."""
