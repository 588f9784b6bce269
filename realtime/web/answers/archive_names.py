"""Names of files in an archive: safe wherever it is unpacked, and each there once."""

from __future__ import annotations

import re
import unicodedata

MOST_BYTES = 180  # of a name without its suffix: file systems take 255 with it
USUAL = "recording"
FORBIDDEN = re.compile(r'[<>:"|?*]')  # in names on Windows
# Names of devices on Windows, with any suffix.
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class ArchiveNames:
    """The names that the files of one archive have, all with the same suffix."""

    def __init__(self, suffix: str) -> None:
        self._suffix = suffix
        self._taken: set[str] = set()

    def name_for(self, upload: str) -> str:
        """Return a name for the file that was made of an upload, after the upload's name."""
        stem = safe_stem(upload)
        name, number = stem + self._suffix, 1
        while name.casefold() in self._taken:  # some file systems do not tell case apart
            number += 1
            name = f"{stem}-{number}{self._suffix}"
        self._taken.add(name.casefold())
        return name


def safe_stem(name: str) -> str:
    """Return the name of a file without its folders and its suffix, harmless everywhere."""
    base = re.split(r"[/\\]", name)[-1]
    stem = unicodedata.normalize("NFC", base.rpartition(".")[0] or base)
    # Categories C: control characters, directions of writing, halves of surrogate pairs.
    shown = "".join("_" if unicodedata.category(sign)[0] == "C" else sign for sign in stem)
    plain = FORBIDDEN.sub("_", shown).encode()[:MOST_BYTES].decode(errors="ignore").strip(" .")
    if plain.startswith("-") or DEVICES.fullmatch(plain):
        plain = "_" + plain
    return plain or USUAL
