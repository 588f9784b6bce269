"""Options of GPT-SoVITS: a request may change them, by the names of the published API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from realtime.characters.gpt_sovits_voice import NUMBERS
from realtime.engines.gpt_sovits.sampling import Sampling
from realtime.engines.gpt_sovits.text.cutting import METHODS
from realtime.engines.options import (
    ChoiceOption,
    EngineOption,
    NumberOption,
    Options,
    TextOption,
    WholeOption,
)

STYLE, CUT, PAUSE = "style", "text_split_method", "fragment_interval"
FIRST_CODES, OVERLAP, STEPS = "min_chunk_length", "overlap_length", "sample_steps"
DEFAULT_CUT = "cut0"  # a line's text comes in sentences already
DEFAULT_PAUSE = 0.3  # seconds between the sentences of a cut
DEFAULT_STEPS = 8


def _number(name: str, about: str, default: float) -> EngineOption:
    least, most, whole = NUMBERS[name]
    if whole:
        return WholeOption(name, about, int(least), int(most), int(default))
    return NumberOption(name, about, least, most, default)


_PUBLISHED = Sampling()
OPTIONS: tuple[EngineOption, ...] = (
    TextOption(STYLE, "A style of the character's card, by its name."),
    _number("top_k", "Codes that are chosen from.", _PUBLISHED.top_k),
    _number("top_p", "Share of the likeliest codes that are chosen from.", _PUBLISHED.top_p),
    _number("temperature", "Randomness of the choice of codes.", _PUBLISHED.temperature),
    _number(
        "repetition_penalty",
        "How much a code that was said is avoided; 1: not at all.",
        _PUBLISHED.repetition_penalty,
    ),
    _number(STEPS, "Steps in which v3 and v4 make a mel.", DEFAULT_STEPS),
    ChoiceOption(CUT, "How the text is cut into sentences.", tuple(METHODS), DEFAULT_CUT),
    NumberOption(PAUSE, "Seconds of pause between these sentences.", 0.0, 5.0, DEFAULT_PAUSE),
    WholeOption(FIRST_CODES, "Codes after which the first sound is made.", 4, 1_500, 16),
    WholeOption(OVERLAP, "Codes that neighbouring chunks share.", 1, 20, 2),
)


def sampling_of(numbers: Mapping[str, float], options: Options) -> Sampling:
    """Return how codes are chosen: as the request says, else the character's card."""
    given: dict[str, Any] = {**numbers, **dict(options)}
    known = {name: given[name] for name in vars(_PUBLISHED) if name in given}
    return replace(_PUBLISHED, **known)
