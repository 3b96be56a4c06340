"""Which tokens two vocabularies share, by which rule, and what extension appends."""
