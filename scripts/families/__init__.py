"""Every kind of text model that transformers knows, made tiny, put through the product and judged from outside."""
