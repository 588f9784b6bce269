"""Names that a character may have."""

from __future__ import annotations

import unicodedata

from realtime.errors import BadRequest

MOST_LETTERS = 64
ALLOWED = "letters, digits, spaces, - _ ' . are allowed"


def valid_name(name: object) -> bool:
    """Tell whether a name can be a character's, and so the name of its files.

    Allowed are Unicode letters, digits, spaces, and - _ ' . inside it.
    """
    # Composing never makes a name four times shorter: a longer one is refused uncomposed.
    if not isinstance(name, str) or not 0 < len(name) <= 4 * MOST_LETTERS:
        return False
    composed = unicodedata.normalize("NFC", name)
    if len(composed) > MOST_LETTERS or ".." in composed:
        return False
    return composed[0] not in " ." and composed[-1] not in " ." and all(map(_allowed, composed))


def composed_name(name: str) -> str:
    """Return the form in which a name is kept and looked up: NFC."""
    return unicodedata.normalize("NFC", name)


def checked_name(name: object) -> str:
    """Return a valid name, composed; refuse any other."""
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
