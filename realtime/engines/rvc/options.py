"""The options of RVC that a request may set, and what they mean for one voice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from realtime.engines.options import ChoiceOption, EngineOption, NumberOption, WholeOption
from realtime.engines.voice_change import VoiceChange, refuse_fields
from realtime.engines.voice_features.pitch import METHODS as PITCH_METHODS
from realtime.errors import BadRequest

PITCH_METHOD = "fcpe"  # the quickest that every machine has; the program's own is RMVPE
INDEX_SHARE, PROTECT, RMS_MIX = 0.75, 0.33, 1.0
MOST_SPEAKERS = 10_000

OPTIONS: tuple[EngineOption, ...] = (
    NumberOption(
        "index_share",
        "Share of the features that comes from the voice's index, where it has one.",
        0.0,
        1.0,
        INDEX_SHARE,
    ),
    NumberOption(
        "protect",
        "Share of the index in sounds without pitch, such as breath and consonants; "
        "0.5: as in all others.",
        0.0,
        0.5,
        PROTECT,
    ),
    WholeOption("speaker", "The speaker of a voice with several, from 0 on.", 0, MOST_SPEAKERS, 0),
    ChoiceOption("pitch_method", "How the pitch is found.", PITCH_METHODS, PITCH_METHOD),
    NumberOption(
        "rms_mix",
        "1: as loud as the voice makes it; 0: as loud as the recording.",
        0.0,
        1.0,
        RMS_MIX,
    ),
)


@dataclass(frozen=True)
class RvcManner:
    """The manner in which a voice is to sound in one stream."""

    index_share: float
    protect: float
    speaker: int
    pitch_method: str
    rms_mix: float
    formant: float


def manner_of(change: VoiceChange, speakers: int) -> RvcManner:
    """Return what a change means for a voice; refuse what that voice cannot do."""
    refuse_fields(change, "rvc", ("breath",))
    given: dict[str, Any] = dict(change.options)
    speaker = int(given.get("speaker", 0))
    if speaker >= speakers:
        raise BadRequest(
            f"There is no speaker {speaker}: this voice has 0 to {speakers - 1}.", field="options"
        )
    return RvcManner(
        float(given.get("index_share", INDEX_SHARE)),
        float(given.get("protect", PROTECT)),
        speaker,
        str(given.get("pitch_method", PITCH_METHOD)),
        float(given.get("rms_mix", RMS_MIX)),
        change.formant,
    )
