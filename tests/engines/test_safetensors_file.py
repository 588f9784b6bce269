"""Files of safetensors appear whole and verified, and damaged ones are refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from realtime.engines import safetensors_file
from realtime.engines.safetensors_file import (
    read_safetensors,
    rewrite_from_arguments,
    write_verified,
)
from realtime.errors import Unavailable, YamabikoError


def test_tied_tensors_and_metadata_come_back(tmp_path: Path) -> None:
    tied = torch.randn(3, 2)
    target = tmp_path / "made.safetensors"
    assert write_verified({"a": tied, "b": tied, "c": tied.T}, target, {"kind": "test"}) == 3
    state, metadata = read_safetensors(target)
    assert torch.equal(state["b"], tied) and torch.equal(state["c"], tied.T)
    assert metadata == {"kind": "test"}
    assert list(tmp_path.iterdir()) == [target]


def test_what_does_not_read_back_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "made.safetensors"
    write_verified({"a": torch.zeros(1)}, target)

    def other(path: Path) -> Any:
        return {"a": torch.ones(1)}, {}

    monkeypatch.setattr(safetensors_file, "read_safetensors", other)
    with pytest.raises(YamabikoError, match="did not read back"):
        write_verified({"a": torch.full((1,), 2.0)}, target)
    monkeypatch.undo()
    assert torch.equal(read_safetensors(target)[0]["a"], torch.zeros(1))
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("content", [b"", b"{", b"\x08" + bytes(7) + b"{}      "[:6]])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(Unavailable, match="cannot be used") as refused:
        read_safetensors(path)
    assert str(path) in refused.value.message and refused.value.code == "bad_weights"


def test_a_rewriting_program_says_what_it_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(source: Path, target: Path) -> int:
        raise YamabikoError(f"{source} cannot be used.")

    arguments = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert rewrite_from_arguments(lambda source, target: 5, arguments) == 0
    assert "5 tensors" in capsys.readouterr().out
    assert rewrite_from_arguments(fail, arguments) == 1
    assert "cannot be used" in capsys.readouterr().err
