"""The address of a recording: its key and its path.

The key says what the sound is, the rest of the path is for people. Only keys, suffixes and names
that were checked when they were made ever become a path.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from realtime.audio.formats import FORMATS
from realtime.characters import valid_name

WAV = ".wav"
SIDECAR = ".json"
MOST_SLUG_BYTES = 60  # enough to recognise a text by
MOST_FOLDER_BYTES = 200  # most file systems take 255, and a mark of 9 bytes may be added
FOLDERS = ("en", "zh", "ja", "mix")
MODES = ("short", "long")
KEY = re.compile(r"[0-9a-f]{16}")
_FILE = re.compile(
    rf"(?P<slug>[^/\\\0]+)-(?P<key>{KEY.pattern})"
    rf"(?P<suffix>(?:\.\d{{4,5}})?\.(?:{'|'.join(FORMATS)}|json))"
)


@dataclass(frozen=True, slots=True)
class Address:
    """The path `{language}/{character}/{mode}/{slug}-{key}`, to which a suffix is added."""

    language: str
    character: str
    mode: str
    slug: str
    key: str

    def path(self, suffix: str = "") -> str:
        folder = f"{self.language}/{self.character}/{self.mode}"
        return f"{folder}/{self.slug}-{self.key}{suffix}"

    def quoted(self, suffix: str = "") -> str:
        """Return the path percent-encoded, as it stands in a URL."""
        return quote(self.path(suffix), safe="/")


def key_of(facts: Mapping[str, Any]) -> str:
    """Return 16 hexadecimal digits for the facts that change the sound.

    They begin the SHA-256 of canonical JSON: other JSON would make all kept recordings unknown.
    """
    canonical = json.dumps(facts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def slug_of(text: str) -> str:
    """Return the text as far as it is harmless in a file's name: letters, digits and dashes."""
    composed = unicodedata.normalize("NFC", text)
    kept = "".join(letter if _plain(letter) else "-" for letter in composed[: 4 * MOST_SLUG_BYTES])
    words = re.sub(r"-+", "-", kept).strip("-").lower()
    return _cut(words, MOST_SLUG_BYTES).strip("-") or "line"


def folder_of(character: str) -> str:
    """Return the name of a character's folder, shortened where a file system could not take it."""
    if len(character.encode()) <= MOST_FOLDER_BYTES:
        return character
    mark = hashlib.sha256(character.encode()).hexdigest()[:8]
    return f"{_cut(character, MOST_FOLDER_BYTES).rstrip(' .')}-{mark}"


def parse_path(path: str) -> tuple[Address, str] | None:
    """Read the address and the suffix of a path; None when it is no recording's path."""
    parts = path.split("/")
    if len(parts) != 4 or parts[0] not in FOLDERS or parts[2] not in MODES:
        return None
    language, character, mode, name = parts
    found = parse_name(name)
    if found is None or not valid_name(character):
        return None
    slug, key, suffix = found
    return Address(language, character, mode, slug, key), suffix


def parse_name(name: str) -> tuple[str, str, str] | None:
    """Read slug, key and suffix of a file's name; None when it is no recording's."""
    found = _FILE.fullmatch(name)
    return None if found is None else (found["slug"], found["key"], found["suffix"])


def _plain(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "LN"


def _cut(text: str, most: int) -> str:
    """Cut to at most so many bytes of UTF-8, never within a letter."""
    return text.encode()[:most].decode("utf-8", "ignore")
