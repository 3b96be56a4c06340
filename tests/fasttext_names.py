"""Names in fastText's input read back: the inverse of `escape_name`."""

from __future__ import annotations

from focus_core.initialization.auxiliary.token_stream import ESCAPE, PICTURES

CHARACTERS = {picture: character for character, picture in PICTURES.items()}


def unescape_name(name: str) -> str:
    """Return the token of a name; the inverse of `escape_name`."""
    if not name.startswith(ESCAPE):
        return name
    characters: list[str] = []
    rest = iter(name[1:])
    for character in rest:
        literal = next(rest, "") if character == ESCAPE else CHARACTERS.get(character, character)
        characters.append(literal)
    return "".join(characters)
