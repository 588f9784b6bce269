"""Recordings that a server accepts, by the names of their containers and codecs."""

from __future__ import annotations

from collections.abc import Sequence

from realtime.audio.decoding import AudioSource
from realtime.errors import WrongContentType
from realtime.settings import ALL, UPLOAD_CONTAINERS


def check_accepted(source: AudioSource, accepted: Sequence[str]) -> None:
    """Refuse a recording of which neither the container nor the codec is accepted."""
    if ALL in accepted:
        return
    codec = "pcm" if source.codec.startswith("pcm_") else source.codec
    if {codec, *source.containers}.isdisjoint(accepted):
        containers = [name for name in source.containers if name in UPLOAD_CONTAINERS]
        came = f"{codec} in {'/'.join(containers)}"
        raise WrongContentType(
            f"The audio is {came}; accepted are {', '.join(accepted)}.",
            code="format_not_accepted",
            field="audio",
            values={"format": came, "accepted": ", ".join(accepted)},
        )
