"""The form in which a client wants the sound of a line."""

from __future__ import annotations

from dataclasses import dataclass

from realtime.audio.formats import Format


@dataclass(frozen=True, kw_only=True)
class SoundForm:
    """A format, and whether its sound comes as it is made, in events, or as one body."""

    format: Format
    sample_rate: int | None = None  # None: the recording's own
    events: bool = False  # server-sent events instead of plain audio
    whole: bool = False  # one body with its length instead of a stream
    timestamps: bool = False
