"""What pages read: caches keyed by digests, the catalogue of runs, tables, uploads."""
