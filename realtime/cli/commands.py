"""The commands of `server.py` and their arguments, without the one that serves."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

from realtime.cache import DiskStore
from realtime.cache.disk import StoredRecording
from realtime.cli import cache as cache_command
from realtime.cli import check as check_command
from realtime.cli import clone as clone_command
from realtime.cli import convert as convert_command
from realtime.cli import gpu as gpu_command
from realtime.cli import keys as key_commands
from realtime.cli import models as models_command
from realtime.cli import say as say_command
from realtime.cli import vocoder as vocoder_command
from realtime.cli import weights as weights_command
from realtime.configuration import LoadedSettings, load_with_sources
from realtime.services import VERSION
from realtime.settings import LOG_LEVELS, Settings


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Parse the arguments; without a command they are those of `serve`."""
    first = arguments[0] if arguments else ""
    if first not in (*COMMANDS, "serve", "-h", "--help", "--version"):
        arguments = ["serve", *arguments]
    return _parser().parse_args(arguments)


def settings_of(options: argparse.Namespace) -> Settings:
    """Read the settings, with the options of the command line over them."""
    return loaded_settings_of(options).settings


def loaded_settings_of(options: argparse.Namespace) -> LoadedSettings:
    """Read the settings as `settings_of` does, with where each comes from."""
    given = {"host": options.host, "port": options.port, "log.level": options.log_level}
    return load_with_sources(
        {name: value for name, value in given.items() if value is not None}, file=options.config
    )


def say(options: argparse.Namespace) -> int:
    return asyncio.run(say_command.say(options, settings_of(options)))


def check(options: argparse.Namespace) -> int:
    return check_command.check(options, lambda: loaded_settings_of(options))


def cache(options: argparse.Namespace) -> int:
    """List, check, shrink or remove recordings."""
    settings = settings_of(options)
    store = DiskStore(settings.cache.path)
    recordings = cache_command.list_recordings(store)
    if options.action == "ls":
        return _list_recordings(recordings)
    if options.action == "verify":
        return _verify_recordings(store, recordings)
    with cache_command.locked(store):
        if options.action == "rm":
            removed = cache_command.find_by_name(recordings, options.names)
        else:
            most = settings.cache.max_bytes if options.max_bytes is None else options.max_bytes
            removed = cache_command.find_surplus(recordings, most)
        for address in removed:
            store.remove(address)
    print(f"{len(removed)} of {len(recordings)} recordings removed")
    return 0


def key(options: argparse.Namespace) -> int:
    return key_commands.key(options, settings_of(options))


def sign(options: argparse.Namespace) -> int:
    return key_commands.sign(options, settings_of(options))


def convert(options: argparse.Namespace) -> int:
    return asyncio.run(convert_command.convert(options, settings_of(options)))


def vocoder(options: argparse.Namespace) -> int:
    return vocoder_command.vocoder(options, settings_of(options))


def rewrite(options: argparse.Namespace) -> int:
    return weights_command.weights(options, settings_of(options))


def character(options: argparse.Namespace) -> int:
    return asyncio.run(clone_command.character(options, settings_of(options)))


def gpu(options: argparse.Namespace) -> int:
    return gpu_command.gpu(options, settings_of(options))


def models(options: argparse.Namespace) -> int:
    return models_command.models(options, settings_of(options))


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "say": say,
    "check": check,
    "cache": cache,
    "key": key,
    "sign": sign,
    "convert": convert,
    "vocoder": vocoder,
    "weights": rewrite,
    "character": character,
    "gpu": gpu,
    "models": models,
}


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", type=Path, metavar="FILE", help="settings file (yamabiko.yaml)")
    common.add_argument("--host", help="address to listen on (127.0.0.1)")
    common.add_argument("--port", type=int, help="port to listen on (8000)")
    common.add_argument("--log-level", type=str.upper, choices=LOG_LEVELS, help="INFO by default")
    parser = argparse.ArgumentParser(
        prog="server.py", description="Yamabiko: character voices, served in real time."
    )
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", title="commands")
    commands.add_parser("serve", parents=[common], help="start the server (the default command)")
    check_command.add_check(
        commands.add_parser("check", parents=[common], help="find problems, and what solves them")
    )
    _add_cache(
        commands.add_parser("cache", help="list, check, shrink or remove recordings"), common
    )
    key_commands.add_key(commands.add_parser("key", help="make, list and forget keys"), common)
    key_commands.add_sign(
        commands.add_parser("sign", parents=[common], help="print a signed request for curl")
    )
    say_command.add_say(
        commands.add_parser("say", parents=[common], help="speak a text into a file")
    )
    convert_command.add_convert(
        commands.add_parser("convert", parents=[common], help="a recording into another voice")
    )
    vocoder_command.add_vocoder(
        commands.add_parser("vocoder", help="measure a vocoder, or try it on a recording"), common
    )
    clone_command.add_character(
        commands.add_parser("character", help="make a character of a clip"), common
    )
    gpu_command.add_gpu(
        commands.add_parser("gpu", parents=[common], help="show the devices and their memory")
    )
    models_command.add_models(
        commands.add_parser("models", help="list, load or unload models of the server"), common
    )
    weights_command.add_weights(
        commands.add_parser("weights", help="rewrite weights that people brought"), common
    )
    return parser


def _add_cache(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, title="actions")
    actions.add_parser("ls", parents=[common], help="list recordings, the longest unheard first")
    actions.add_parser("verify", parents=[common], help="check every file against its sidecar")
    prune = actions.add_parser("prune", parents=[common], help="remove the longest unheard")
    prune.add_argument("--max-bytes", type=int, metavar="N", help="until N bytes are left")
    remove = actions.add_parser("rm", parents=[common], help="remove recordings")
    remove.add_argument("names", nargs="+", metavar="KEY", help="keys or paths of recordings")


def _list_recordings(recordings: list[StoredRecording]) -> int:
    for stored in recordings:
        heard = time.strftime("%Y-%m-%d %H:%M", time.localtime(stored.heard_at))
        formats = " ".join(suffix[1:] for suffix, _ in stored.files)
        size = cache_command.size_of(stored)
        print(f"{heard}  {size:>10}  {stored.address.path()}  {formats}")
    total = sum(map(cache_command.size_of, recordings))
    print(f"{len(recordings)} recordings, {total / 1e6:.1f} MB", file=sys.stderr)
    return 0


def _verify_recordings(store: DiskStore, recordings: list[StoredRecording]) -> int:
    checked = cache_command.with_progress(recordings, "checking")
    wrong = list(cache_command.find_damaged(store, checked))
    for stored, reason in wrong:
        print(f"{stored.address.path()}  {reason}")
    print(f"{len(recordings)} recordings, {len(wrong)} wrong", file=sys.stderr)
    return 1 if wrong else 0
