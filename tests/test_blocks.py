"""The blocks of requirements.txt: found without an import, and brought by one command."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from realtime import blocks
from realtime.errors import Unavailable
from tests.support.hidden_libraries import REVOICE, TORCH, hide

ROOT = Path(__file__).resolve().parent.parent


def listed_packages() -> dict[str, list[str]]:
    """Return the packages of requirements.txt by the name of their block."""
    found: dict[str, list[str]] = {}
    packages: list[str] = []
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"#: (\w+)", line):
            packages = found.setdefault(match[1], [])
        elif match := re.match(r"([\w-]+)==", line):
            packages.append(match[1])
    return found


def test_the_libraries_are_those_of_requirements_txt() -> None:
    listed = listed_packages()
    for block, libraries in blocks.LIBRARIES.items():
        packages = {name.replace("-", "_") for name in listed[block or "core"]}
        assert set(libraries) <= packages, block


@pytest.mark.parametrize(("block", "names"), [("torch", TORCH), ("revoice", REVOICE)])
def test_a_missing_block_is_an_error_with_the_command(
    monkeypatch: pytest.MonkeyPatch, block: str, names: tuple[str, ...]
) -> None:
    blocks.require_block(block, "The engine 'bell'")
    hide(monkeypatch, names)
    assert not blocks.is_installed(block) and blocks.is_installed(blocks.CORE)
    with pytest.raises(Unavailable, match="The engine 'bell' needs .*, which is not inst") as error:
        blocks.require_block(block, "The engine 'bell'")
    assert error.value.hint == f"Run `make serve EXTRAS={block}`."


def test_the_first_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, ["safetensors"])
    assert blocks.missing_library(blocks.TORCH) == "safetensors"
    hide(monkeypatch, ["faster_whisper"])
    assert blocks.missing_library(blocks.REVOICE) == "faster-whisper", "as pip has it"


def fail(name: str) -> None:
    raise ValueError(f"{name}.__spec__ is None")


def test_a_library_that_cannot_be_looked_for_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "find_spec", fail)
    assert not blocks.is_installed(blocks.TORCH)


def test_nothing_is_imported() -> None:
    code = "import sys; from realtime import blocks; assert blocks.is_installed('torch');"
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
