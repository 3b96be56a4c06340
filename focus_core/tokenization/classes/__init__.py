"""A folder's configuration comes in; what its tokenizer's class adds and renumbers goes out."""
