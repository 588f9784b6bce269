"""The command `check`: problems first, each with what solves it, then what is there.

Its exit status is 1 when something that is configured cannot work.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from realtime import VERSION
from realtime.cli.check_facts import CharacterReport, DeviceReport, EngineReport, SettingReport
from realtime.cli.check_problems import Problem, ServerReport, problem_of
from realtime.cli.check_report import Report, make_report
from realtime.cli.options import add_settings_options, loaded_settings_of
from realtime.cli.units import size
from realtime.configuration import LoadedSettings
from realtime.engines.brought import ModelsFile
from realtime.engines.outside.environment import Environment
from realtime.errors import SettingsError

KINDS = {
    "speak": "speaks",
    "convert": "changes a voice",
    "detect": "detects speech",
    "denoise": "takes noise out of a voice",
    "recognise": "writes down speech",
    "vocode": "is a vocoder",
    "clone": "makes characters of clips",
}
SERVER_STATES = {
    "free": "nothing listens there yet",
    "running": "a Yamabiko server runs there",
    "unusable": "this server cannot listen there",
}
FILE_KINDS = {
    "weights": "for {engine}",
    "converted": "for {engine}, made by `weights convert`",
    "prepared": "made by the server; may be deleted",
    "unused": "no engine reads it",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Print problems with what solves them, then engines, devices, characters, files, and the "
        "settings that differ from their defaults. The exit status is 1 when something that is "
        "configured cannot work. docs/check.md has the names of --json."
    )
    add_settings_options(parser)
    parser.add_argument("--settings", action="store_true", help="print all settings")
    parser.add_argument("--json", action="store_true", help="print everything as one JSON object")


def run(options: argparse.Namespace) -> int:
    return check(options, lambda: loaded_settings_of(options))


def check(options: argparse.Namespace, load: Callable[[], LoadedSettings]) -> int:
    """Print the report; return 1 when something that is configured cannot work."""
    try:
        report = make_report(load())
    except SettingsError as error:
        if options.json:
            _print_json({"version": VERSION, "ok": False, "problems": [asdict(problem_of(error))]})
            return 1
        raise
    if options.json:
        _print_json(asdict(report))
    else:
        print("\n".join(text_of(report, options.settings)))
    return 0 if report.ok else 1


def _print_json(report: Mapping[str, Any]) -> None:
    print(json.dumps(report, indent=1, ensure_ascii=False))


def text_of(report: Report, all_settings: bool = False) -> Iterator[str]:
    """Yield the lines of a report for a person."""
    settings_title = "Settings" if all_settings else "Settings that differ from their defaults"
    for title, lines in (
        ("Problems", _problem_lines(report.problems, stops=True)),
        ("Warnings", _problem_lines(report.problems, stops=False)),
        ("Server", _server_lines(report.server)),
        ("Engines", _engine_lines(report.engines)),
        ("Environments of engines", _environment_lines(report.environments)),
        ("Devices", _device_lines(report.devices)),
        ("Characters", _character_lines(report.characters)),
        ("Files in the models folder", _file_lines(report.files)),
        (settings_title, _setting_lines(report.settings, all_settings)),
    ):
        yield title
        yield from [f"  {line}" for line in lines] or ["  none"]


def _problem_lines(problems: Sequence[Problem], stops: bool) -> Iterator[str]:
    for problem in problems:
        if problem.stops == stops:
            yield problem.message
            yield f"  {problem.how}"


def _server_lines(server: ServerReport) -> Iterator[str]:
    host = f"[{server.host}]" if ":" in server.host else server.host
    port = server.port or "any free port"
    yield f"{host}:{port}: {SERVER_STATES[server.state]}"


def _engine_lines(engines: Sequence[EngineReport]) -> Iterator[str]:
    for engine in engines:
        state = "can run" if engine.can_run else "cannot run"
        yield f"{engine.name}: {state} ({KINDS[engine.kind]})"
        for obstacle in engine.obstacles:
            yield f"  {obstacle.what}: {obstacle.how}"


def _environment_lines(environments: Sequence[Environment]) -> Iterator[str]:
    for each in environments:
        how = f": run `{each.how}`" if each.how else ""
        yield f"{each.name}: {each.state}{how}"
        for pin in each.lacks:
            yield f"  {pin} is not installed"


def _device_lines(devices: DeviceReport) -> Iterator[str]:
    processor, disk, cuda = devices.processor, devices.disk, devices.cuda
    yield f"processor: {processor.name}, {processor.cores} cores"
    if processor.total_bytes:
        yield f"memory: {_share(processor.free_bytes, processor.total_bytes)}"
    yield f"disk: {size(disk.free_bytes)} free for {disk.path}"
    yield "CUDA: yes" if cuda.available else f"CUDA: no, {cuda.why}"
    if cuda.driver:
        newest = f", up to CUDA {cuda.driver_cuda}" if cuda.driver_cuda else ""
        yield f"NVIDIA driver: {cuda.driver}{newest}"
    for number, gpu in enumerate(cuda.gpus):
        known = gpu.free_bytes is not None and gpu.total_bytes is not None
        memory = f", {_share(gpu.free_bytes or 0, gpu.total_bytes or 0)}" if known else ""
        yield f"GPU {number}: {gpu.name}{memory}"
    built = f"CUDA {cuda.torch_cuda}" if cuda.torch_cuda else "the processor alone"
    yield f"torch: {cuda.torch}, built for {built}" if cuda.torch else "torch: not installed"


def _character_lines(characters: CharacterReport) -> Iterator[str]:
    languages = ", ".join(f"{count} {name}" for name, count in characters.languages.items())
    yield f"{characters.count} in {characters.path}" + (f" ({languages})" if languages else "")
    for file, reason in characters.broken.items():
        yield f"{file} cannot be used: {reason}"


def _file_lines(files: Sequence[ModelsFile]) -> Iterator[str]:
    for file in files:
        kind = FILE_KINDS[file.kind].format(engine=file.engine)
        yield f"{file.path} ({size(file.bytes)}): {kind}"


def _setting_lines(settings: Sequence[SettingReport], all_settings: bool) -> Iterator[str]:
    for setting in settings:
        if all_settings or setting.value != setting.default:
            source = f"  ({setting.source})" if setting.source else ""
            yield f"{setting.name} = {_value(setting.value)}{source}"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "(none)"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {item}" for name, item in value.items())
    return str(value)


def _share(free: int, total: int) -> str:
    return f"{size(free)} of {size(total)} free"
