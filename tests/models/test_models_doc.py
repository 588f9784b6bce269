"""The examples of docs/models.md run as they are written."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "models.md"


def test_the_programs_of_the_document_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # it uses the default settings, whose folders lie here
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        names: dict[str, Any] = {}
        exec(compile(example, str(PAGE), "exec"), names)
        asyncio.run(names["main"]())
    shown = capsys.readouterr().out
    assert "{'tone': 'loaded', 'gain': 'loaded'}" in shown
    assert "{'tone': 'unloaded', 'gain': 'unloaded'}" in shown
