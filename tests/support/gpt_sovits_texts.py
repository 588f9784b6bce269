"""The reference's texts of GPT-SoVITS: lines with their phones, mixtures, sentences."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FIXTURE = Path(__file__).resolve().parents[1] / "fixtures" / "gpt_sovits" / "text.json"


@cache
def reference() -> dict[str, Any]:
    """Read the reference, once."""
    found: dict[str, Any] = json.loads(FIXTURE.read_text(encoding="utf-8"))
    return found


def lines(language: str) -> list[dict[str, Any]]:
    """Return the lines of a language."""
    return [line for line in reference()["lines"] if line["language"] == language]
