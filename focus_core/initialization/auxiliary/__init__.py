"""The auxiliary space: vectors of target tokens, trained by fastText or given."""
