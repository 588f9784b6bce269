"""The sidecar beside a recording, as JSON: its line, engine, length, digests and words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from realtime.audio.spoken import Word
from realtime.audio.wav import wav_size
from realtime.cache.address import WAV

# Counts changes of how other formats are written: a file of an older count is made anew.
# 1: the head of a FLAC or MP3 file states its length.
ENCODING = 1


class BadSidecar(ValueError):
    """An error: the data is no sidecar, so its recording must be forgotten."""


@dataclass(frozen=True)
class FileFacts:
    """The digest and size that a file of a recording must have."""

    sha256: str
    bytes: int
    encoding: int = ENCODING


@dataclass(frozen=True)
class Sidecar:
    """The facts of a finished recording; its fields are those of the JSON."""

    key: str
    line: Mapping[str, Any]
    engine: Mapping[str, str]
    duration: float
    sample_rate: int
    samples: int
    sha256: str
    words: tuple[Word, ...]
    created: str
    took_ms: float
    files: Mapping[str, FileFacts] = field(default_factory=dict)  # by suffix: the other formats

    @property
    def wav_bytes(self) -> int:
        return wav_size(self.samples)

    def facts(self, suffix: str) -> FileFacts | None:
        """Return what a file with this suffix must be; None when there is none, or an old one."""
        if suffix == WAV:
            return FileFacts(self.sha256, self.wav_bytes)
        found = self.files.get(suffix)
        return found if found is not None and found.encoding == ENCODING else None

    def with_file(self, suffix: str, facts: FileFacts) -> Sidecar:
        return replace(self, files={**self.files, suffix: facts})

    def serialised(self) -> bytes:
        return (json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n").encode()


def read_sidecar(data: bytes) -> Sidecar:
    """Read a sidecar's JSON; anything else raises BadSidecar."""
    try:
        found = json.loads(data)
        read = Sidecar(
            key=str(found["key"]),
            line=dict(found["line"]),
            engine=dict(found["engine"]),
            duration=float(found["duration"]),
            sample_rate=int(found["sample_rate"]),
            samples=int(found["samples"]),
            sha256=str(found["sha256"]),
            words=tuple(Word(w["text"], w["start"], w["end"]) for w in found["words"]),
            created=str(found["created"]),
            took_ms=float(found["took_ms"]),
            files={
                str(suffix): FileFacts(
                    str(facts["sha256"]), int(facts["bytes"]), int(facts.get("encoding", 0))
                )
                for suffix, facts in found.get("files", {}).items()
            },
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadSidecar(f"it cannot be read: {type(error).__name__}: {error}") from error
    return read
