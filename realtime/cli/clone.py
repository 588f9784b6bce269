"""The command `character`: a clip in a file becomes a character."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from realtime.audio.decoding import AudioSource
from realtime.cli.options import add_settings_options, settings_of
from realtime.cloning import ASKABLE, MOST_CLIP_SECONDS
from realtime.errors import YamabikoError
from realtime.services import build
from realtime.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, title="actions")
    make = actions.add_parser("make", help="make one of a clip of 3 to 15 s")
    add_settings_options(make)
    make.add_argument("name", metavar="NAME", help="what it will be called")
    make.add_argument("clip", type=Path, metavar="CLIP", help="one voice: wav, flac, mp3, m4a, …")
    make.add_argument("--text", help="exactly what is said in it; else it is listened to")
    make.add_argument("--language", default="auto", choices=ASKABLE, help="what is spoken in it")


def run(options: argparse.Namespace) -> int:
    return asyncio.run(character(options, settings_of(options)))


async def character(options: argparse.Namespace, settings: Settings) -> int:
    """Make a character; a running server finds it by itself."""
    services = build(settings)
    try:
        with options.clip.open("rb") as file:
            source = AudioSource(file, MOST_CLIP_SECONDS)
            new = await services.cloning.make(options.name, source, options.text, options.language)
    except OSError as error:
        raise YamabikoError(
            f"{options.clip}: {error.strerror or error}.", code="file_error"
        ) from error
    finally:
        await services.close()
    print(f"{settings.presets.path / new.name}.npz: {new.name}, who speaks {new.language}")
    print(
        f"Say who it is and under which licence in {new.name}.yaml: docs/characters.md",
        file=sys.stderr,
    )
    return 0
