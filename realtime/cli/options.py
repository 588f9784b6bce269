"""Arguments that most commands share, and the settings that they give."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from realtime.configuration import LoadedSettings, load_with_sources
from realtime.settings import LOG_LEVELS, Settings


def add_settings_options(*parsers: argparse.ArgumentParser) -> None:
    """Let a command take the arguments that stand over the settings."""
    for parser in parsers:
        parser.add_argument(
            "--config", type=Path, metavar="FILE", help="settings file (yamabiko.yaml)"
        )
        parser.add_argument("--host", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, help="port to listen on (8000)")
        parser.add_argument(
            "--log-level", type=str.upper, choices=LOG_LEVELS, help="INFO by default"
        )


def settings_of(options: argparse.Namespace) -> Settings:
    """Read the settings, with the options of the command line over them."""
    return loaded_settings_of(options).settings


def loaded_settings_of(options: argparse.Namespace) -> LoadedSettings:
    """Read the settings as `settings_of` does, with where each comes from."""
    given = {"host": options.host, "port": options.port, "log.level": options.log_level}
    return load_with_sources(
        {name: value for name, value in given.items() if value is not None}, file=options.config
    )


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Add `--option`, whose values come as `options`: a dictionary, or None."""
    parser.add_argument(
        "--option",
        dest="options",
        action=_AddOption,
        metavar="NAME=VALUE",
        help="an option of the engine; it may come again",
    )


class _AddOption(argparse.Action):
    """A collector of options; values are read as JSON has them, others are texts."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        name, sign, value = str(values).partition("=")
        if not sign:
            parser.error(f"{option_string} is {values!r}; expected is NAME=VALUE")
        collected = getattr(namespace, self.dest) or {}
        setattr(namespace, self.dest, {**collected, name: _value(value)})


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
