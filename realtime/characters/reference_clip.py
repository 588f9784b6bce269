"""Clips of voices beside the cards of characters: recognised by their ending, known by a digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from realtime.characters.bounded_file import BadVoice, read_at_most

CLIP_ENDINGS = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a")
MOST_CLIP_BYTES = 64 << 20


@dataclass(frozen=True)
class ReferenceClip:
    """A recording of a voice, as it was when the folder was read."""

    path: Path
    digest: str


def read_clip_file(path: Path) -> ReferenceClip:
    """Read a clip's digest; its sound is decoded when an engine needs it."""
    data = read_at_most(path, MOST_CLIP_BYTES)
    if not data:
        raise BadVoice("it is empty")
    return ReferenceClip(path, clip_digest(data))


def clip_digest(data: bytes) -> str:
    """Return 16 hexadecimal digits by which a clip's file is known."""
    return hashlib.sha256(data).hexdigest()[:16]
