"""The reasons why an engine cannot run here, each with what a person can do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from realtime import blocks, weights
from realtime.characters import Character
from realtime.engines.contract import ChecksFiles, Engine
from realtime.errors import Unavailable, WeightsMissing, YamabikoError
from realtime.settings import Settings
from realtime.weights import WeightFile

BLOCK_MISSING, FILE_MISSING, FILE_WRONG = "block_missing", "file_missing", "file_wrong"
SERVER_FAILS = "server_fails"


@runtime_checkable
class AsksServer(Protocol):
    """An engine whose work a server elsewhere does."""

    def check_server(self) -> None:
        """Ask the server what it offers; raise the error of one that is away or another kind."""

    def missing_voice(self, character: Character) -> str | None:
        """Say what a character asks for and its server lacks, as far as it told; None: nothing."""

    def can_speak(self, character: Character) -> bool: ...


@dataclass(frozen=True)
class Obstacle:
    """A reason, and the way out: "torch is not installed", "run `make serve EXTRAS=torch`"."""

    code: str
    what: str
    how: str


def find_obstacles(engine: Engine, settings: Settings, read_files: bool = False) -> list[Obstacle]:
    """List the reasons why an engine cannot run; nothing is loaded.

    With `read_files` the content of each file that people brought is looked at as well, which
    takes about a second a gigabyte, and a server elsewhere is asked whether it answers.
    """
    found = [*block_obstacles(engine.block), *file_obstacles(engine.weights, settings, read_files)]
    if isinstance(engine, ChecksFiles) and not any(each.code != BLOCK_MISSING for each in found):
        try:
            engine.check_files()
        except YamabikoError as error:
            found.append(_obstacle_of(error))
    if read_files and not found and isinstance(engine, AsksServer):
        try:
            engine.check_server()
        except YamabikoError as error:
            said = _obstacle_of(error)
            found.append(Obstacle(SERVER_FAILS, said.what, said.how))
    return found


def block_obstacles(block: str) -> list[Obstacle]:
    """List what is not installed of a block: nothing, or its first missing library."""
    library = blocks.missing_library(block)
    if library is None:
        return []
    how = f"run `{blocks.command_for(block)}`"
    return [Obstacle(BLOCK_MISSING, f"{library} is not installed", how)]


def require_engine_block(engine: Engine, settings: Settings) -> None:
    """Raise an Unavailable unless the libraries of an engine are installed.

    Files that are missing too are named: nobody should install gigabytes to hear of them then.
    """
    try:
        blocks.require_block(engine.block, f"The engine {engine.name!r}")
    except Unavailable as error:
        others = [each.what for each in find_obstacles(engine, settings)[1:]]
        if others:
            error.message = f"{error.message.rstrip('.')}; {', '.join(others)}."
            error.hint = f"{error.hint} `python server.py check` says how to get the files."
        raise


def file_obstacles(
    files: tuple[WeightFile, ...], settings: Settings, read_files: bool = False
) -> list[Obstacle]:
    """List the files that are missing or, with `read_files`, wrong."""
    found = []
    for file in files:
        if weights.source_of(file, settings) is None:
            how = weights.how_to_get(file, settings)
            found.append(Obstacle(FILE_MISSING, f"{file.name} is missing", how))
        elif read_files:
            try:
                weights.check_brought(file, settings)
            except YamabikoError as error:
                found.append(_obstacle_of(error))
    return found


def _obstacle_of(error: YamabikoError) -> Obstacle:
    missing = isinstance(error, WeightsMissing) and error.code == WeightsMissing.default_code
    hint = error.hint or "look at docs/ for what it should be."
    how = hint[:1].lower() + hint[1:].rstrip(".")
    return Obstacle(FILE_MISSING if missing else FILE_WRONG, error.message.rstrip("."), how)
