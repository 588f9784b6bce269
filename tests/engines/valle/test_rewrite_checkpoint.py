"""A checkpoint becomes safetensors whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from realtime.engines.file_digest import note_path
from realtime.engines.valle.rewrite_checkpoint import main, rewrite
from realtime.engines.valle.weights import load_tensors
from tests.support import valle_files


def test_every_tensor_keeps_its_name_and_numbers(tmp_path: Path) -> None:
    source = valle_files.write_checkpoint(valle_files.settings_in(tmp_path))
    target = tmp_path / "made.safetensors"
    assert rewrite(source, target) == 3
    state = load_tensors(target)
    assert all(torch.equal(state[name], value) for name, value in valle_files.small_state().items())
    assert [path.name for path in tmp_path.glob("*.safetensors")] == [target.name]
    assert note_path(target).is_file()  # so that no line waits until all of it is read


def test_what_cannot_be_read_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "source.pt"
    source.write_bytes(b"nothing")
    assert main([str(source), str(tmp_path / "made.safetensors")]) == 1
    assert "cannot be used" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [source]
