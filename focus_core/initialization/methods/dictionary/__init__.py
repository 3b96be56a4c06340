"""Methods that read a dictionary: WECHSEL, Tik-to-Tok, and the removal loop of Dictionaries to the Rescue."""
