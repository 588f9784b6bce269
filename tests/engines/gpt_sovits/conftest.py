"""Sentences of random weights find no end: they are kept short here."""

from __future__ import annotations

import pytest

from realtime.engines.gpt_sovits import speaking


@pytest.fixture(autouse=True)
def short_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaking, "CODES_A_PHONE", 1)
    monkeypatch.setattr(speaking, "SPARE_CODES", 8)
