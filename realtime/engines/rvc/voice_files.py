"""The files of voices under `models/rvc/`: any `NAME.pth`, and the index that belongs to it.

Nothing is opened here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from realtime.files import walk_files

ENDING, INDEX_ENDING = ".pth", ".index"
# faiss' own steps: an index that is trained holds no vectors yet.
ADDED, TRAINED = "added_", "trained_"


@dataclass(frozen=True)
class VoicePaths:
    """A voice's file, and its index if there is one."""

    voice: Path
    index: Path | None

    @property
    def are_there(self) -> bool:
        return self.voice.is_file() and (self.index is None or self.index.is_file())


def find_voices(folder: Path) -> list[str]:
    """List the names of voices; of two files with one name the first counts."""
    return sorted({path.stem for path in walk_files(folder) if path.suffix == ENDING})


def find_voice(folder: Path, name: str) -> VoicePaths | None:
    """Find the files of a voice."""
    files = list(walk_files(folder))
    voices = [path for path in files if path.suffix == ENDING and path.stem == name]
    if not voices:
        return None
    beside = [path for path in files if path.parent == voices[0].parent]
    return VoicePaths(voices[0], _index_of(voices[0], beside))


def _index_of(voice: Path, beside: list[Path]) -> Path | None:
    """Choose the index of a voice: one with its name, or the only one beside the only voice."""
    indexes = [
        path for path in beside if path.suffix == INDEX_ENDING and not path.name.startswith(TRAINED)
    ]
    name = voice.stem.lower()
    named = [path for path in indexes if name in path.name.lower()]
    if not named and sum(path.suffix == ENDING for path in beside) == 1:
        named = indexes if len(indexes) == 1 else []
    # Of `nana` and `nana2`, the shorter name is the nearer one.
    order = sorted(named, key=lambda path: (not path.name.startswith(ADDED), len(path.name)))
    return order[0] if order else None
