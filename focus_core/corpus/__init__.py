"""Text: files read as lines under caps, what is held out, which words are masked, how many tokens a word takes."""
