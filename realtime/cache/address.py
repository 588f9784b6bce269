"""Where a recording lives: its key and its path, made of facts; it touches no disk.

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
MOST_SLUG_BYTES = 60
MOST_FOLDER_BYTES = 200
FOLDERS = ("en", "zh", "ja", "mix")
MODES = ("short", "long")
KEY = re.compile(r"[0-9a-f]{16}")
_FILE = re.compile(
    rf"(?P<slug>[^/\\\0]+)-(?P<key>{KEY.pattern})"
    rf"(?P<suffix>(?:\.\d{{4,5}})?\.(?:{'|'.join(FORMATS)}|json))"
)


@dataclass(frozen=True, slots=True)
class Address:
    """`{language}/{character}/{mode}/{slug}-{key}`, to which a suffix is added."""

    language: str
    character: str
    mode: str
    slug: str
    key: str

    def path(self, suffix: str = "") -> str:
        folder = f"{self.language}/{self.character}/{self.mode}"
        return f"{folder}/{self.slug}-{self.key}{suffix}"

    def quoted(self, suffix: str = "") -> str:
        """As it stands in an address on the web."""
        return quote(self.path(suffix), safe="/")


def key_of(facts: Mapping[str, Any]) -> str:
    """16 hexadecimal digits for everything that changes the sound."""
    canonical = json.dumps(facts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def slug_of(text: str) -> str:
    """The text as far as it is harmless in a file's name, short and readable."""
    composed = unicodedata.normalize("NFC", text)
    kept = "".join(letter if _plain(letter) else "-" for letter in composed[: 4 * MOST_SLUG_BYTES])
    words = re.sub(r"-+", "-", kept).strip("-").lower()
    return _cut(words, MOST_SLUG_BYTES).strip("-") or "line"


def folder_of(character: str) -> str:
    """A character's folder: its name, shortened where a file system could not take it."""
    if len(character.encode()) <= MOST_FOLDER_BYTES:
        return character
    mark = hashlib.sha256(character.encode()).hexdigest()[:8]
    return f"{_cut(character, MOST_FOLDER_BYTES).rstrip(' .')}-{mark}"


def parse_path(path: str) -> tuple[Address, str] | None:
    """The address and the suffix that a path spells, or None when it spells none."""
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
    """Slug, key and suffix of a file's name."""
    found = _FILE.fullmatch(name)
    return None if found is None else (found["slug"], found["key"], found["suffix"])


def _plain(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "LN"


def _cut(text: str, most: int) -> str:
    """At most so many bytes of UTF-8, never half a letter."""
    return text.encode()[:most].decode("utf-8", "ignore")
