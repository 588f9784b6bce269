"""The commands of `server.py`: of each its help and its module, imported when it is asked for.

A new command is one file, with `add_arguments` and `run`, and one line here.
"""

from __future__ import annotations

import argparse
import importlib

from realtime import VERSION
from realtime.cli.options import add_settings_options

SERVE = "serve"  # which `server.py` runs itself
COMMANDS = {
    "check": ("realtime.cli.check", "find problems, and what solves them"),
    "cache": ("realtime.cli.cache", "list, check, shrink or remove recordings"),
    "key": ("realtime.cli.keys", "make, list or forget keys"),
    "sign": ("realtime.cli.sign", "print a signed request for curl"),
    "say": ("realtime.cli.say", "speak a text into a file"),
    "convert": ("realtime.cli.convert", "a recording into another voice"),
    "vocoder": ("realtime.cli.vocoder", "measure a vocoder, or try it on a recording"),
    "character": ("realtime.cli.clone", "make a character of a clip, or of the voices of a server"),
    "gpu": ("realtime.cli.gpu", "show the devices and their memory"),
    "models": ("realtime.cli.models", "list, load or unload models of the server"),
    "weights": ("realtime.cli.weights", "rewrite weights that people brought"),
}


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Parse the arguments; without a command they are those of `serve`.

    Those of a command have the function that runs it as `run`.
    """
    first = arguments[0] if arguments else ""
    if first not in (SERVE, *COMMANDS, "-h", "--help", "--version"):
        first, arguments = SERVE, [SERVE, *arguments]
    return _parser(first).parse_args(arguments)


def _parser(chosen: str) -> argparse.ArgumentParser:
    """Make the parser of all commands, of which only the chosen one has its arguments."""
    parser = argparse.ArgumentParser(
        prog="server.py", description="Yamabiko: character voices, served in real time."
    )
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", title="commands")
    serve = commands.add_parser(SERVE, help="start the server (the default command)")
    add_settings_options(serve)
    for name, (path, help) in COMMANDS.items():
        command = commands.add_parser(name, help=help)
        if name == chosen:
            module = importlib.import_module(path)
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser
