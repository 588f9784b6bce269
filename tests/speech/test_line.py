"""A line knows whose accent it is read with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from realtime.characters import Characters
from realtime.settings import Settings
from realtime.speech.line import Line


def test_accent_follows_language_and_for_mix_the_character() -> None:
    folder = Path(__file__).resolve().parents[2] / "presets"
    character = Characters(folder, Settings().default_characters).get("jf_alpha")
    line = Line("hi", character, "en")
    assert line.accent == "en"
    assert replace(line, language="mix").accent == "ja"
    assert replace(line, noaccent=True).accent is None
