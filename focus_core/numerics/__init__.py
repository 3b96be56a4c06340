"""Arrays in, arrays out: cosines in blocks, sparsemax, nearest rows, embedding drift."""
