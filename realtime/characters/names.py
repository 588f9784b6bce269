"""What a character may be called; it knows no file and no character."""

from __future__ import annotations

import unicodedata

from realtime.errors import BadRequest

MOST_LETTERS = 64
ALLOWED = "letters, digits, spaces, - _ ' . are allowed"


def valid_name(name: object) -> bool:
    """Unicode letters, digits, spaces, - _ ' . : nothing that a file system could misread."""
    # Composing makes a name shorter, never four times: what is longer is not worth composing.
    if not isinstance(name, str) or not 0 < len(name) <= 4 * MOST_LETTERS:
        return False
    composed = unicodedata.normalize("NFC", name)
    if len(composed) > MOST_LETTERS or ".." in composed:
        return False
    return composed[0] not in " ." and composed[-1] not in " ." and all(map(_allowed, composed))


def composed_name(name: str) -> str:
    """The one form in which a name is kept and looked up."""
    return unicodedata.normalize("NFC", name)


def checked_name(name: object) -> str:
    """A valid name, composed; everything else is refused before it gets any further."""
    if not isinstance(name, str) or not valid_name(name):
        shown = ascii(name[:MOST_LETTERS] if isinstance(name, str) else type(name).__name__)
        raise BadRequest(
            f"{shown} cannot be a character's name: {ALLOWED}, 1 to {MOST_LETTERS} of them, "
            "no space or dot at either end and no two dots together.",
            code="bad_character_name",
            field="character",
        )
    return composed_name(name)


def _allowed(letter: str) -> bool:
    kind = unicodedata.category(letter)
    return kind.startswith("L") or kind == "Nd" or letter in " -_'."
