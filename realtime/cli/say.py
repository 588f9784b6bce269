"""The command `say`: a text becomes a sound file, or PCM16 on standard output."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from realtime.audio.encoding import ContainerWriter
from realtime.audio.samples import pcm_to_bytes
from realtime.audio.spoken import Spoken
from realtime.cli.options import add_engine_options, add_settings_options, settings_of
from realtime.cli.sound_file import SUFFIXES, format_of, write_sound
from realtime.engines import registry
from realtime.errors import BadRequest
from realtime.services import Services, build
from realtime.settings import Settings
from realtime.speech.line import ASKABLE, Line
from realtime.speech.request import line_request

LONG_TEXT = 500  # characters from which on progress is shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_settings_options(parser)
    parser.add_argument("text", help="what to say; - reads it from standard input")
    parser.add_argument("--character", metavar="NAME", help="who speaks; else the language's own")
    parser.add_argument("--language", default="auto", choices=ASKABLE)
    parser.add_argument("--noaccent", action="store_true", help="each part in its own language")
    parser.add_argument("--longprompt", action="store_true", help="for texts of up to 50,000")
    parser.add_argument("--speed", type=float, help="0.25 to 4")
    parser.add_argument("--seed", type=int, default=0)
    add_engine_options(parser)
    parser.add_argument("--then", metavar="NAME", help="a converter's voice that it becomes")
    parser.add_argument("--engine", metavar="NAME", help=f"one of {', '.join(registry.ENGINES)}")
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="FILE",
        help=f"its suffix says what: {SUFFIXES}; without it, PCM goes to standard output",
    )


def run(options: argparse.Namespace) -> int:
    return asyncio.run(say(options, settings_of(options)))


async def say(options: argparse.Namespace, settings: Settings) -> int:
    """Speak a text into a file, or as PCM16 to standard output."""
    if options.out is None and sys.stdout.isatty():
        raise BadRequest(
            "Standard output is a terminal, which cannot play PCM.",
            hint="Name a file with -o out.wav, or pipe into a player.",
        )
    wanted = None if options.out is None else format_of(options.out)
    services = build(settings)
    try:
        text = sys.stdin.read() if options.text == "-" else options.text
        line = await services.speech.line(replace(line_request(options), text=text))
        if wanted is None:
            await _pipe(services, line, sys.stdout.buffer)
        else:
            writer = ContainerWriter(wanted, services.speech.sample_rate(line), None)
            await write_sound(options.out, _spoken(services, line), writer)
            speaker = f"{line.character.name} ({line.engine})"
            told = f"{options.out}: {writer.seconds:.2f} s of {speaker}, {line.language}"
            print(told, file=sys.stderr)
    finally:
        await services.close()
    return 0


async def _pipe(services: Services, line: Line, out: BinaryIO) -> None:
    """Write a line's PCM as it comes: a player hears it at once."""
    async with aclosing(_spoken(services, line)) as spoken:
        async for part in spoken:
            out.write(pcm_to_bytes(part.pcm))
            out.flush()


async def _spoken(services: Services, line: Line) -> AsyncGenerator[Spoken, None]:
    """Yield a line's sound, and show for a long text how much is spoken."""
    rate, samples = services.speech.sample_rate(line), 0
    shows = len(line.text) > LONG_TEXT and sys.stderr.isatty()
    async with aclosing(services.speech.say(line)) as spoken:
        async for part in spoken:
            samples += part.pcm.size
            if shows:
                print(f"\r{samples / rate:.1f} s spoken", end="", file=sys.stderr)
            yield part
    if shows:
        print(file=sys.stderr)
