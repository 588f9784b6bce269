"""Digests of clips."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.characters import reference_clip
from realtime.characters.bounded_file import BadVoice
from realtime.characters.reference_clip import read_clip_file


def test_a_clip_is_known_by_its_content(tmp_path: Path) -> None:
    one, other = tmp_path / "a.wav", tmp_path / "b.wav"
    for path in (one, other):
        path.write_bytes(b"sound")
    assert read_clip_file(one).digest == read_clip_file(other).digest
    other.write_bytes(b"other sound")
    assert read_clip_file(one).digest != read_clip_file(other).digest


def test_a_clip_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference_clip, "MOST_CLIP_BYTES", 3)
    path = tmp_path / "a.wav"
    path.write_bytes(b"long")
    with pytest.raises(BadVoice, match="over the limit"):
        read_clip_file(path)
