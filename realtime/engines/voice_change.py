"""The wanted change of a voice, with the ranges of its numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from realtime.engines.options import Options
from realtime.errors import BadRequest

EFFECTS = ("none", "robot", "whisper")
GATE_OFF = -90.0  # dBFS
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
    """The settings of a conversion; their defaults leave the voice as it is.

    `pitch`, in semitones, wins over `target`, the median pitch in Hz that the voice gets. `speaker`
    is the voice's own median pitch; where it is not known it is measured while the speaker speaks.
    """

    pitch: float | None = None
    target: float | None = None
    speaker: float | None = None
    formant: float = 1.0
    breath: float = 0.0
    effect: str = "none"
    gate: float = -60.0  # dBFS; quieter sound is silenced; -90: off
    seed: int = 0
    source_rate: int | None = None  # Hz of the sound as it comes, for models that take that rate
    options: Options = ()  # those of the engine, as `own_options` reads them

    def __post_init__(self) -> None:
        for item in fields(self):
            if item.name in RANGES:
                _check(item.name, getattr(self, item.name))
        if self.effect not in EFFECTS:
            raise _refused("effect", self.effect, f"one of {', '.join(EFFECTS)}")


def refuse_fields(change: VoiceChange, engine: str, names: Sequence[str]) -> None:
    """Refuse a change of what an engine cannot change: it would be left out without a word."""
    usual = VoiceChange()
    for name in names:
        if getattr(change, name) != getattr(usual, name):
            raise BadRequest(
                f"{engine} cannot change {name}.",
                hint="The engine world can: docs/conversion.md lists what each takes.",
                field=name,
            )


def _check(name: str, value: object) -> None:
    least, most = RANGES[name]
    if value is None and name in ("pitch", "target", "speaker"):
        return
    if isinstance(value, int | float) and not isinstance(value, bool):
        if math.isfinite(value) and least <= value <= most:
            return
    raise _refused(name, value, f"a number from {least:g} to {most:g}")


def _refused(name: str, value: object, allowed: str) -> BadRequest:
    return BadRequest(f"{name} is {repr(value)[:60]}; allowed is {allowed}.", field=name)
