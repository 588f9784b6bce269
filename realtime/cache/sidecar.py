"""What stands beside a recording: the line, how long it is, its digest; it touches no disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from realtime.audio.spoken import Word
from realtime.audio.wav import wav_size
from realtime.cache.address import WAV


class BadSidecar(ValueError):
    """A sidecar that is none; whoever reads it forgets the recording."""


@dataclass(frozen=True)
class FileFacts:
    """One more file of the same recording, in another format or at another rate."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Sidecar:
    """Everything that is known of a finished recording."""

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
    files: Mapping[str, FileFacts] = field(default_factory=dict)  # suffix -> other formats

    @property
    def wav_bytes(self) -> int:
        return wav_size(self.samples)

    def facts(self, suffix: str) -> FileFacts | None:
        """What a file with this suffix must be, when there is one."""
        if suffix == WAV:
            return FileFacts(self.sha256, self.wav_bytes)
        return self.files.get(suffix)

    def with_file(self, suffix: str, facts: FileFacts) -> Sidecar:
        return replace(self, files={**self.files, suffix: facts})

    def serialised(self) -> bytes:
        return (json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n").encode()


def sidecar_from(data: bytes) -> Sidecar:
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
                str(suffix): FileFacts(str(facts["sha256"]), int(facts["bytes"]))
                for suffix, facts in found.get("files", {}).items()
            },
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadSidecar(f"it cannot be read: {error!r}") from error
    return read
