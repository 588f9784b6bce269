"""The options of DDSP-SVC that a request may set, and what they mean for one voice."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from realtime.engines.options import (
    ChoiceOption,
    EngineOption,
    NumberOption,
    TextOption,
    WholeOption,
)
from realtime.engines.voice_change import VoiceChange, refuse_fields
from realtime.engines.voice_features.pitch import METHODS as PITCH_METHODS
from realtime.errors import BadRequest

if TYPE_CHECKING:
    from realtime.engines.ddsp_svc.model import DdspModel

AUTO = "auto"
FLOW_METHODS = ("euler", "rk4")
STEPS_60, STEPS_62 = 20, 50  # as the programs of 6.0 and 6.1, and of 6.2 and 6.3 have them
PITCH_METHOD = "fcpe"  # the quickest that every machine has; the programs' own is RMVPE
MOST_STEPS = 200
MOST_SPEAKERS = 10_000
MOST_SHIFT = 5.0  # semitones of formants that voices are trained with
FORMANTS = (0.75, 1.33)  # the same as factors, a little within
MOST_REGISTER = 12.0  # semitones
MIX = re.compile(r"\s*(\d{1,5})\s*:\s*(\d{0,3}(?:\.\d{0,6})?)\s*")

OPTIONS: tuple[EngineOption, ...] = (
    WholeOption("speaker", "The speaker of a voice with several, from 1 on.", 1, MOST_SPEAKERS, 1),
    TextOption("speaker_mix", "Speakers and their weights, such as 1:0.3,3:0.7."),
    WholeOption("steps", "Steps of the flow; 0: as the voice says.", 0, MOST_STEPS, 0),
    ChoiceOption("method", "How a step is computed.", (AUTO, *FLOW_METHODS), AUTO),
    NumberOption(
        "t_start",
        "The time at which the flow begins: later is less work, 1 leaves it out. "
        "Below what the voice was trained with that is taken.",
        0.0,
        1.0,
        0.0,
    ),
    ChoiceOption("pitch_method", "How the pitch is found.", PITCH_METHODS, PITCH_METHOD),
    NumberOption(
        "vocal_register",
        "Semitones by which the voice sounds like one of a higher register, at the same pitch. "
        "Only for vocoders with pc_aug.",
        -MOST_REGISTER,
        MOST_REGISTER,
        0.0,
    ),
)


@dataclass(frozen=True)
class VoiceManner:
    """The manner of one voice in one stream."""

    speakers: tuple[float, ...]  # the weight of each
    steps: int
    method: str
    start: float
    pitch_method: str
    register: float  # semitones
    formant: float  # semitones


def manner_of(change: VoiceChange, model: DdspModel) -> VoiceManner:
    """Return what a change means for a voice; refuse what that voice cannot do."""
    refuse_fields(change, "ddsp_svc", ("breath", "effect"))
    given: dict[str, Any] = dict(change.options)
    config, shape = model.config, model.voice.shape
    register = float(given.get("vocal_register", 0.0))
    if register and not model.vocoder.takes_register:
        raise _refused(
            "vocal_register needs a vocoder that was trained with pc_aug; "
            "the one in models/nsf_hifigan was not."
        )
    method = str(given.get("method", AUTO))
    usual_steps = config.steps or (STEPS_62 if config.doubled else STEPS_60)
    return VoiceManner(
        _speakers(given, shape.speakers, shape.has_speakers),
        int(given.get("steps", 0)) or usual_steps,
        config.method if method == AUTO else method,
        max(float(given.get("t_start", 0.0)), config.start),
        str(given.get("pitch_method", PITCH_METHOD)),
        register,
        _formant(change.formant, shape.pitch_aug),
    )


def read_mix(text: str, count: int) -> tuple[float, ...]:
    """Return the weight of each of `count` speakers for a text such as `1:0.3,3:0.7`.

    The weights are taken as they are: the published programs do not make their sum 1.
    """
    weights = [0.0] * count
    for part in text.split(","):
        found = MIX.fullmatch(part)
        if found is None or not any(sign.isdigit() for sign in found[2]):
            raise _refused(
                f"speaker_mix has the part {part[:40]!r}; expected are speakers with weights, "
                "such as 1:0.3,3:0.7."
            )
        number = _checked_speaker(int(found[1]), count)
        if weights[number]:
            raise _refused(f"speaker_mix names speaker {number + 1} twice.")
        weights[number] = float(found[2])
    if not any(weights):
        raise _refused("speaker_mix has no weight above 0.")
    return tuple(weights)


def _speakers(given: dict[str, Any], count: int, several: bool) -> tuple[float, ...]:
    if not several:
        return (1.0,)  # it has no table of speakers, and ignores which is asked for
    if mix := str(given.get("speaker_mix", "")).strip():
        return read_mix(mix, count)
    chosen = _checked_speaker(int(given.get("speaker", 1)), count)
    return tuple(float(number == chosen) for number in range(count))


def _checked_speaker(number: int, count: int) -> int:
    """Return the row of a speaker, who is counted from 1."""
    if not 1 <= number <= count:
        raise _refused(f"There is no speaker {number}: this voice has 1 to {count}.")
    return number - 1


def _formant(ratio: float, pitch_aug: bool) -> float:
    semitones = 12.0 * math.log2(ratio)
    if not semitones:
        return 0.0
    if not pitch_aug:
        raise BadRequest(
            "This voice was trained without use_pitch_aug: its formants cannot be moved.",
            field="formant",
        )
    if abs(semitones) > MOST_SHIFT:
        least, most = 2 ** (-MOST_SHIFT / 12), 2 ** (MOST_SHIFT / 12)
        raise BadRequest(
            f"formant is {ratio:g}; voices of DDSP-SVC take {least:.2f} to {most:.2f}.",
            field="formant",
        )
    return semitones


def _refused(message: str) -> BadRequest:
    return BadRequest(message, field="options")
