"""Descriptions of options: each kind has what a form needs to ask for it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from realtime.characters.converter_voice import ConverterCard, ConverterVoice
from realtime.conversion.voice_descriptions import describe_formants, describe_options
from realtime.engines.gain import Gain
from realtime.engines.options import ChoiceOption, FlagOption, NumberOption, TextOption, WholeOption
from realtime.settings import Settings

OPTIONS = (
    NumberOption("share", "A share.", 0.0, 1.0, 0.5),
    WholeOption("steps", "Steps.", 1, 9, 3),
    FlagOption("quick", "Quickly.", False),
    ChoiceOption("way", "The way.", ("left", "right"), "left"),
    TextOption("mix", "A mix."),
)


class Optional(Gain):
    """A converter with an option of each kind, whose formants cannot be moved."""

    options = OPTIONS

    def formant_range(self) -> tuple[float, float] | None:
        return None


def given(description: Any) -> dict[str, Any]:
    return {name: value for name, value in asdict(description).items() if value is not None}


def test_each_kind_of_option_has_its_bounds_and_its_value() -> None:
    engine = Optional(Settings())
    voice = ConverterVoice("rvc", ConverterCard("nana.pth", None, (("quick", True),)))
    share, steps, quick, way, mix = map(given, describe_options(engine, voice))
    bounds = {"minimum": 0.0, "maximum": 1.0}
    assert (
        share == {"name": "share", "about": "A share.", "type": "number", "default": 0.5} | bounds
    )
    assert (steps["type"], steps["minimum"], steps["maximum"]) == ("integer", 1, 9)
    assert (quick["type"], quick["default"], quick["value"]) == ("boolean", False, True)
    assert (way["type"], way["choices"]) == ("string", ["left", "right"])
    assert (mix["type"], mix["max_length"], mix["default"]) == ("string", 100, "")


def test_an_engine_without_options_and_formants_has_none() -> None:
    assert describe_options(Gain(Settings()), None) == []
    assert describe_options(None, None) == []
    for engine in (Gain(Settings()), Optional(Settings()), None):
        assert describe_formants(engine) is None
