"""Files of built engines, each with what it depends on: whole or absent, and bounded in bytes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realtime.files import write_whole

Key = Mapping[str, Any]  # what an engine depends on: `digest` of the network, and the rest

SIDECAR = ".json"


@dataclass(frozen=True)
class EngineFile:
    """The bytes of an engine, or a note why a file that one might expect is of no use."""

    data: bytes | None = None
    note: str | None = None


class EngineFiles:
    """Engines by kind and key in one folder; over its bound the longest unused are removed."""

    def __init__(self, folder: Path | None, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes

    def find(self, kind: str, key: Key) -> EngineFile:
        """Read the engine of a key, and count it as used now."""
        if self._folder is None:
            return EngineFile()
        path = self._path(kind, key)
        try:
            sidecar = json.loads(path.with_suffix(SIDECAR).read_text(encoding="utf-8"))
            data = path.read_bytes()
        except FileNotFoundError:
            return EngineFile(note=self._changed(kind, key))
        except (OSError, ValueError) as error:
            return EngineFile(note=f"{path.name} cannot be read: {error}")
        if (
            not isinstance(sidecar, dict)
            or sidecar.get("sha256") != hashlib.sha256(data).hexdigest()
        ):
            return EngineFile(note=f"{path.name} is damaged")
        if sidecar.get("key") != _plain(key):
            return EngineFile(note=f"{path.name} is for something else")
        os.utime(path)
        return EngineFile(data)

    def keep(self, kind: str, key: Key, data: bytes) -> str | None:
        """Write an engine; return a note when it cannot be kept."""
        if self._folder is None:
            return None
        if len(data) > self._most_bytes:
            return "the engine is too large to be kept"
        path = self._path(kind, key)
        sidecar = {"key": _plain(key), "sha256": hashlib.sha256(data).hexdigest()}
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, data)
            write_whole(path.with_suffix(SIDECAR), json.dumps(sidecar, indent=1).encode())
            self._make_room(path)
        except OSError as error:
            return f"the engine cannot be kept: {error.strerror or error}"
        return None

    def remove(self, kind: str, key: Key) -> None:
        if self._folder is not None:
            path = self._path(kind, key)
            path.with_suffix(SIDECAR).unlink(missing_ok=True)
            path.unlink(missing_ok=True)

    def _path(self, kind: str, key: Key) -> Path:
        assert self._folder is not None, "a path needs a folder"
        mark = hashlib.sha256(json.dumps(_plain(key)).encode()).hexdigest()
        return self._folder / f"{kind}-{str(key['digest'])[:16]}-{mark[:16]}.engine"

    def _changed(self, kind: str, key: Key) -> str | None:
        """Name what is different from an engine of the same network that is kept here."""
        assert self._folder is not None, "only looked for in a folder"
        start = f"{kind}-{str(key['digest'])[:16]}-"
        for path in sorted(self._folder.glob(f"{start}*{SIDECAR}")):
            try:
                old = json.loads(path.read_text(encoding="utf-8"))["key"]
            except (OSError, ValueError, KeyError, TypeError):
                continue
            now = _plain(key)
            changed = [name for name in now if isinstance(old, dict) and old.get(name) != now[name]]
            if changed:
                words = ", ".join(f"{name} was {old.get(name)}" for name in changed)
                return f"the engine that is kept was built for something else: {words}"
        return None

    def _make_room(self, kept: Path) -> None:
        assert self._folder is not None, "room is made in a folder"
        files = sorted(self._folder.glob("*.engine"), key=lambda path: path.stat().st_mtime)
        sizes = {path: path.stat().st_size for path in files}
        for path in files:
            if sum(sizes.values()) <= self._most_bytes:
                return
            if path != kept:
                del sizes[path]
                path.with_suffix(SIDECAR).unlink(missing_ok=True)
                path.unlink(missing_ok=True)


def _plain(key: Key) -> Any:
    """Return a key as JSON gives it back: lists for tuples, names as text."""
    return json.loads(json.dumps(dict(key), sort_keys=True, default=str))
