"""Several recordings of one upload, opened within the bounds that one recording has."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from starlette.datastructures import UploadFile

from realtime.audio.accepted_formats import check_accepted
from realtime.audio.decoding import ROUNDING_SECONDS, AudioSource
from realtime.audio.samples import Pcm
from realtime.errors import TooLarge, YamabikoError
from realtime.settings import Settings
from realtime.web.requests.upload_form import content_of

MOST_NAME = 200  # characters of a name that are repeated in an answer


@dataclass(frozen=True)
class UploadedRecording:
    """A recording as it came: opened, or with the error for which it could not be."""

    upload: UploadFile
    opened: AudioSource | YamabikoError

    @property
    def name(self) -> str:
        return (self.upload.filename or "")[:MOST_NAME]

    def close(self) -> None:
        self.upload.file.close()


class DecodingBudget:
    """The seconds of sound that the recordings of one upload may have together.

    Packets may hold more than they state, so decoded sound is counted, too.
    """

    def __init__(self, most_seconds: float) -> None:
        self._most = most_seconds
        self._decoded = 0.0

    async def parts(self, source: AudioSource) -> AsyncGenerator[Pcm, None]:
        """Yield the sound of a recording as far as the budget allows."""
        async with aclosing(source.async_parts()) as parts:
            async for pcm in parts:
                self._decoded += pcm.size / source.rate
                if self._decoded > self._most + ROUNDING_SECONDS:
                    raise too_long_together(self._most)
                yield pcm


def open_recording(upload: UploadFile, most_seconds: float, settings: Settings) -> AudioSource:
    """Open one recording: off the loop, as every packet is read."""
    source = AudioSource(content_of(upload), most_seconds)
    check_accepted(source, settings.process.formats)
    return source


def open_recordings(uploads: Sequence[UploadFile], settings: Settings) -> list[UploadedRecording]:
    """Open each recording; refuse all when they are too long together."""
    most = left = 60 * settings.limits.upload_minutes
    opened = []
    for upload in uploads:
        try:
            source = open_recording(upload, left, settings)
        except TooLarge as error:
            raise too_long_together(most) from error
        except YamabikoError as error:
            opened.append(UploadedRecording(upload, error))
        else:
            left -= source.seconds
            opened.append(UploadedRecording(upload, source))
    return opened


def too_long_together(most_seconds: float) -> TooLarge:
    return TooLarge(
        f"The recordings are together longer than {most_seconds / 60:g} minutes.",
        code="audio_too_long",
        field="audio",
        values={"seconds": most_seconds},
    )
