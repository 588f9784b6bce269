"""The report of `check`: the problems, and the facts about this installation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from realtime import VERSION
from realtime.cli import check_facts, check_problems
from realtime.cli.check_facts import (
    CharacterReport,
    DeviceReport,
    EngineReport,
    Installation,
    SettingReport,
)
from realtime.cli.check_problems import Problem, ServerReport
from realtime.configuration import LoadedSettings
from realtime.engines.brought import ModelsFile, list_files
from realtime.engines.outside.environment import Environment, list_environments


@dataclass(frozen=True)
class Report:
    """The answer of `check`; the names of its fields are those of `--json`."""

    version: str
    ok: bool  # nothing that is configured is known not to work
    problems: Sequence[Problem]
    server: ServerReport
    engines: Sequence[EngineReport]
    environments: Sequence[Environment]
    devices: DeviceReport
    characters: CharacterReport
    files: Sequence[ModelsFile]
    settings: Sequence[SettingReport]


def make_report(loaded: LoadedSettings) -> Report:
    """Gather the facts and look for problems; those that stop something come first."""
    settings = loaded.settings
    installation = Installation.of(settings)
    server, problems = check_problems.find_server(settings)
    engines = check_facts.report_engines(installation)
    devices = check_facts.report_devices(settings)
    characters = check_facts.report_characters(installation)
    files = list_files(settings)
    wanted, unknown = check_problems.find_wanted(installation)
    problems += [
        *check_problems.folder_problems(settings),
        *unknown,
        *check_problems.engine_problems(engines, wanted, installation),
        *check_problems.device_problems(devices, settings),
        *check_problems.shortage_problems(devices, settings),
        *check_problems.character_problems(characters),
        *check_problems.voice_problems(installation),
        *check_problems.file_problems(files, settings.models.path),
    ]
    if server.state != "running":  # else it has loaded them already
        problems += check_problems.memory_problems(wanted, devices, installation)
    problems.sort(key=lambda problem: not problem.stops)
    return Report(
        version=VERSION,
        ok=not any(problem.stops for problem in problems),
        problems=problems,
        server=server,
        engines=engines,
        environments=list_environments(),
        devices=devices,
        characters=characters,
        files=files,
        settings=list(check_facts.report_settings(loaded)),
    )
