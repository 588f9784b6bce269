"""The command `convert`: a recording in a file becomes another voice in a file."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

from realtime.audio.decoding import AudioSource
from realtime.audio.encoding import ContainerWriter
from realtime.audio.samples import RATES
from realtime.audio.spoken import Spoken
from realtime.cli.options import add_engine_options, add_settings_options, settings_of
from realtime.cli.progress_bar import ProgressBar
from realtime.cli.sound_file import SUFFIXES, format_of, write_sound
from realtime.conversion.denoising import DENOISING
from realtime.conversion.request import VoiceChangeRequest
from realtime.conversion.voice_changer import VoiceChanger
from realtime.engines.options import options_of
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_settings_options(parser)
    parser.add_argument(
        "source", type=Path, metavar="IN", help="wav, flac, ogg, mp3, aac, webm, m4a"
    )
    parser.add_argument("out", type=Path, metavar="OUT", help=f"its suffix says what: {SUFFIXES}")
    parser.add_argument("--character", metavar="NAME", help="whose voice it becomes")
    parser.add_argument("--engine", metavar="NAME", default="", help="world by default")
    parser.add_argument("--model", metavar="NAME", default="", help="of an engine with several")
    parser.add_argument("--language", default="auto", choices=ASKABLE, help="what is spoken")
    parser.add_argument("--effect", default="none", choices=EFFECTS)
    add_engine_options(parser)
    parser.add_argument("--denoise", default="off", choices=DENOISING, help="take noise out first")
    for name, help in NUMBERS.items():
        parser.add_argument(f"--{name}", type=float, metavar="N", help=help)
    parser.add_argument("--sample-rate", type=int, choices=RATES, help="the recording's own")


def run(options: argparse.Namespace) -> int:
    return asyncio.run(convert(options, settings_of(options)))


async def convert(options: argparse.Namespace, settings: Settings) -> int:
    """Change a voice; the file appears when it is whole."""
    format = format_of(options.out)
    services = build(settings)
    try:
        with options.source.open("rb") as file:
            source = AudioSource(file, 60 * settings.limits.upload_minutes)
            rate = format.rate_for(options.sample_rate or source.rate)
            writer = ContainerWriter(format, rate, None)
            request = change_request(options)
            converted = _convert(services.voice_changer, request, source, rate)
            await write_sound(options.out, converted, writer)
            told = f"{options.out}: {writer.seconds:.2f} s of {source.seconds:.2f} s"
            print(told, file=sys.stderr)
    except NothingToSay as error:
        raise BadRequest("The audio holds no sound.", code="bad_audio") from error
    except OSError as error:
        where = error.filename or options.source
        raise YamabikoError(f"{where}: {error.strerror or error}.", code="file_error") from error
    finally:
        await services.close()
    return 0


def change_request(options: argparse.Namespace) -> VoiceChangeRequest:
    return VoiceChangeRequest(
        engine=options.engine,
        character=options.character,
        effect=options.effect,
        model=options.model,
        language=options.language,
        options=options_of(options.options),
        denoise=options.denoise,
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
