"""Notices of a live conversion: what changed in how it is doing, for people."""

from __future__ import annotations

from dataclasses import dataclass

from realtime.conversion.overload import OverloadState

MESSAGES = {
    "larger_blocks": "Converting takes long: blocks last {ms:.0f} ms now.",
    "bypass": "Converting takes too long: the voice passes as it is.",
    "recovered": "The voice is converted without extra delay again.",
}
SLOW = "This machine took {load:.1f} s to convert a second of sound when the voice was loaded."
LEFT_OUT = "{ms:.0f} ms of the microphone were not taken in time and are left out."


@dataclass(frozen=True)
class ConversionNotice:
    """A change in how a live conversion is doing."""

    code: OverloadState
    message: str
    load: float | None = None  # computing time by sounding time, measured before anything was said


def overload_notice(
    state: OverloadState, block_seconds: float, measured_load: float | None = None
) -> ConversionNotice:
    """Tell of the state, and of the load that was measured before anything was said."""
    message = MESSAGES[state].format(ms=1000 * block_seconds)
    if measured_load is not None:
        message = f"{message} {SLOW.format(load=measured_load)}"
    return ConversionNotice(state, message, measured_load)


def left_out_notice(seconds: float) -> ConversionNotice:
    return ConversionNotice("bypass", LEFT_OUT.format(ms=1000 * seconds))
