"""The command `convert`: a recording in a file becomes another voice in a file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO

from realtime.audio.decoding import AudioSource
from realtime.audio.encoding import ContainerWriter, encode
from realtime.audio.formats import FORMATS, Format
from realtime.audio.samples import RATES
from realtime.audio.spoken import Spoken
from realtime.audio.wav import header_for_size
from realtime.cli.progress_bar import ProgressBar
from realtime.conversion.request import CONVERTER, VoiceChangeRequest
from realtime.conversion.voice_changer import VoiceChanger
from realtime.engines.voice_change import EFFECTS
from realtime.errors import BadRequest, NothingToSay, YamabikoError
from realtime.services import build
from realtime.settings import Settings
from realtime.speech.line import ASKABLE

NUMBERS = {
    "pitch": "semitones, -24 to 24, instead of the character's pitch",
    "formant": "0.5 to 2: how far the resonances move",
    "breath": "0 to 1: how much of the tone becomes noise",
    "gate": "-90 to 0 dBFS under which there is silence",
}


def add_convert(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", type=Path, metavar="IN", help="wav, flac, ogg, mp3, aac, webm, m4a"
    )
    parser.add_argument(
        "out", type=Path, metavar="OUT", help=f"its suffix says what: {_suffixes()}"
    )
    parser.add_argument("--character", metavar="NAME", help="whose voice it becomes")
    parser.add_argument("--engine", metavar="NAME", default=CONVERTER, help="world by default")
    parser.add_argument("--model", metavar="NAME", default="", help="of the engine torchscript")
    parser.add_argument("--language", default="auto", choices=ASKABLE, help="what is spoken")
    parser.add_argument("--effect", default="none", choices=EFFECTS)
    for name, help in NUMBERS.items():
        parser.add_argument(f"--{name}", type=float, metavar="N", help=help)
    parser.add_argument("--sample-rate", type=int, choices=RATES, help="the recording's own")


async def convert(options: argparse.Namespace, settings: Settings) -> int:
    """Change a voice; the file appears when it is whole."""
    format = output_format(options.out)
    services = build(settings)
    try:
        with options.source.open("rb") as file:
            source = AudioSource(file, 60 * settings.limits.upload_minutes)
            rate = format.rate_for(options.sample_rate or source.rate)
            writer = ContainerWriter(format, rate, None)
            request = change_request(options)
            converted = _convert(services.voice_changer, request, source, rate)
            await _write(options.out, source, converted, writer)
    except OSError as error:
        where = error.filename or options.source
        raise YamabikoError(f"{where}: {error.strerror or error}.", code="file_error") from error
    finally:
        await services.close()
    return 0


def output_format(path: Path) -> Format:
    """Return the format that the path's suffix names; refuse any other suffix."""
    name = path.suffix.lower().removeprefix(".")
    if name not in FORMATS:
        raise BadRequest(
            f"{path.name!r} ends in no format; there are: {_suffixes()}.",
            code="unsupported_format",
        )
    return FORMATS[name]


def change_request(options: argparse.Namespace) -> VoiceChangeRequest:
    return VoiceChangeRequest(
        engine=options.engine,
        character=options.character,
        effect=options.effect,
        model=options.model,
        language=options.language,
        **{name: getattr(options, name) for name in NUMBERS},
    )


async def _convert(
    voice_changer: VoiceChanger, request: VoiceChangeRequest, source: AudioSource, rate: int
) -> AsyncIterator[Spoken]:
    """Yield the other voice, and draw a progress bar."""
    bar, samples = ProgressBar("converting", source.seconds), 0
    coming = source.async_parts()
    sound = voice_changer.recording(request, coming, source.rate, rate)
    async with aclosing(coming), aclosing(sound) as parts:
        async for pcm in parts:
            samples += pcm.size
            bar.update(samples / rate, f"{samples / rate:.1f} of {source.seconds:.1f} s")
            yield Spoken(pcm)
    bar.close()


async def _write(
    path: Path, source: AudioSource, spoken: AsyncIterator[Spoken], writer: ContainerWriter
) -> None:
    """Write the file; it has another name until it is whole."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            async with aclosing(encode(spoken, writer)) as parts:
                async for each in parts:
                    file.write(each.data)
            _write_sizes(file, writer)
        part.replace(path)
    except NothingToSay as error:
        raise BadRequest("The audio holds no sound.", code="bad_audio") from error
    finally:
        part.unlink(missing_ok=True)
    print(f"{path}: {writer.seconds:.2f} s of {source.seconds:.2f} s", file=sys.stderr)


def _write_sizes(file: BinaryIO, writer: ContainerWriter) -> None:
    """Write the header of a WAV file again, with its true sizes, which are known only now."""
    if writer.format is FORMATS["wav"]:
        header = header_for_size(writer.sample_rate, file.tell())
        file.seek(0)
        file.write(header)


def _suffixes() -> str:
    return " ".join(found.suffix for found in FORMATS.values())
