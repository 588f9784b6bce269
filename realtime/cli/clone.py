"""The command `character`: a clip becomes a character, or a server's voices become characters."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from realtime.audio.decoding import AudioSource
from realtime.cli.import_characters import add_import_arguments, import_characters
from realtime.cli.options import add_settings_options, settings_of
from realtime.cloning import ASKABLE, ENGINES, PairNames
from realtime.errors import YamabikoError
from realtime.services import build
from realtime.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, title="actions")
    make = actions.add_parser(
        "make", help="make one of a clip of 3 to 15 s (3 to 10 s for gpt_sovits)"
    )
    add_settings_options(make)
    make.add_argument("name", metavar="NAME", help="what it will be called")
    make.add_argument("clip", type=Path, metavar="CLIP", help="one voice: wav, flac, mp3, m4a, …")
    make.add_argument("--text", help="exactly what is said in it; else it is listened to")
    make.add_argument("--language", default="auto", choices=ASKABLE, help="what is spoken in it")
    make.add_argument("--engine", default=ENGINES[0], choices=ENGINES, help="which will speak it")
    importing = actions.add_parser(
        "import", help="write cards for the characters of a VOICEVOX engine, with their terms"
    )
    add_settings_options(importing)
    add_import_arguments(importing)
    pair = make.add_argument_group(
        "weights of gpt_sovits", "Needed where models/gpt_sovits/ has several pairs of files."
    )
    pair.add_argument("--gpt", default="", metavar="FILE", help="its path inside that folder")
    pair.add_argument("--sovits", default="", metavar="FILE", help="the same of the other file")
    pair.add_argument("--model", default="", help="both by their name in `models ls`")


def run(options: argparse.Namespace) -> int:
    if options.action == "import":
        return import_characters(options, settings_of(options))
    return asyncio.run(character(options, settings_of(options)))


async def character(options: argparse.Namespace, settings: Settings) -> int:
    """Make a character; a running server finds it by itself."""
    services = build(settings)
    weights = PairNames(options.gpt, options.sovits, options.model)
    try:
        kind = services.cloning.kind(options.engine, weights)
        with options.clip.open("rb") as file:
            source = AudioSource(file, kind.most_seconds)
            new = await services.cloning.make(
                options.name, source, options.text, options.language, kind
            )
    except OSError as error:
        raise YamabikoError(
            f"{options.clip}: {error.strerror or error}.", code="file_error"
        ) from error
    finally:
        await services.close()
    file = f"{new.name}{kind.endings[0]}"
    print(f"{settings.presets.path / file}: {new.name}, who speaks {new.language}")
    print(
        f"Say who it is and under which licence in {new.name}.yaml: docs/characters.md",
        file=sys.stderr,
    )
    return 0
