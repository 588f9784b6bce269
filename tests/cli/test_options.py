"""Tests of the arguments that stand over the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.cli.commands import parse_arguments
from realtime.cli.options import loaded_settings_of, settings_of


def test_options_reach_the_settings() -> None:
    found = settings_of(parse_arguments(["--port", "9", "--host", "127.0.0.2"]))
    assert (found.port, found.host) == (9, "127.0.0.2")


@pytest.mark.parametrize("command", ["serve", "say hi", "check", "cache ls", "key ls", "models ls"])
def test_every_command_takes_a_file_and_an_option_over_it(command: str, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("host: 127.0.0.3\nport: 8\n")
    options = parse_arguments([*command.split(), "--config", str(file), "--port", "9"])
    found = loaded_settings_of(options)
    assert (found.settings.host, found.settings.port) == ("127.0.0.3", 9)
