"""How a voice is to be changed; it knows no engine and no sound."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from realtime.errors import BadRequest

EFFECTS = ("none", "robot", "whisper")
GATE_OFF = -90.0
RANGES = {
    "pitch": (-24.0, 24.0),
    "target": (40.0, 800.0),
    "speaker": (40.0, 800.0),
    "formant": (0.5, 2.0),
    "breath": (0.0, 1.0),
    "gate": (GATE_OFF, 0.0),
}


@dataclass(frozen=True)
class VoiceChange:
    """What is asked of a converter; unsaid, the voice stays as it is.

    `pitch` in semitones wins over `target`, the median pitch in Hz that the voice is moved to from
    `speaker`, its own; where that is not known it is found while they speak.
    """

    pitch: float | None = None
    target: float | None = None
    speaker: float | None = None
    formant: float = 1.0
    breath: float = 0.0
    effect: str = "none"
    gate: float = -60.0  # dBFS below which nothing is heard; -90: off
    model: str = ""  # of an engine that has several
    seed: int = 0

    def __post_init__(self) -> None:
        for item in fields(self):
            if item.name in RANGES:
                _check(item.name, getattr(self, item.name))
        if self.effect not in EFFECTS:
            raise _refused("effect", self.effect, f"one of {', '.join(EFFECTS)}")


def _check(name: str, value: object) -> None:
    least, most = RANGES[name]
    if value is None and name in ("pitch", "target", "speaker"):
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not least <= value <= most:  # type: ignore[arg-type, operator]
        raise _refused(name, value, f"a number from {least:g} to {most:g}")


def _refused(name: str, value: object, allowed: str) -> BadRequest:
    shown = repr(value)[:60]
    return BadRequest(f"{name} is {shown}; allowed is {allowed}.", field=name)
