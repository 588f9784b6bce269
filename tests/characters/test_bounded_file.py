"""Files that are no plain files, or too long."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from realtime.characters.bounded_file import BadVoice, read_at_most


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadVoice, match="plain file"):
        read_at_most(tmp_path / "pipe", 10)


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1234")
    assert read_at_most(path, 4) == b"1234"
    with pytest.raises(BadVoice, match="limit of 3 bytes"):
        read_at_most(path, 3)
