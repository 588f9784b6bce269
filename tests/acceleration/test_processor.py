"""Short floats are what the flags of a processor say."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.acceleration.processor import has_short_floats


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu avx512f avx512_bf16", True), ("amx_bf16", True), ("avx512f avx512_vnni", False)],
)
def test_instructions_for_bf16_are_found(flags: str, expected: bool, tmp_path: Path) -> None:
    told = tmp_path / "cpuinfo"
    told.write_text(f"processor\t: 0\nflags\t\t: {flags}\n")
    assert has_short_floats(told) is expected


def test_a_system_that_tells_nothing_has_none(tmp_path: Path) -> None:
    assert not has_short_floats(tmp_path / "none")
