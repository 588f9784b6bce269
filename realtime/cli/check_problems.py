"""The problems that `check` finds, each with the command or the step that solves it."""

from __future__ import annotations

import http.client
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from realtime.acceleration.cuda_driver import has_cuda_device
from realtime.access.keys import load_keys, others_may_read
from realtime.access.quotas import Quotas
from realtime.characters import RemoteVoice
from realtime.cli.check_facts import (
    CharacterReport,
    DeviceReport,
    EngineReport,
    Installation,
    characters_of,
    nearest_folder,
)
from realtime.cli.units import size
from realtime.conversion.second_voices import ConvertedVoices
from realtime.engines.brought import ModelsFile, has_brought_files
from realtime.engines.obstacles import AsksServer, Obstacle
from realtime.errors import SettingsError, YamabikoError
from realtime.listener import bound_socket, check_host
from realtime.model_id import split_id
from realtime.models.memory_estimate import MemoryEstimates
from realtime.models.placement import split_device
from realtime.services import check_engines
from realtime.settings import Settings
from realtime.speech.request import LineRequest, LineResolver
from realtime.warm_up.plan import AUTO, OFF
from realtime.weights import PREPARED

LEAST_DISK = 2 << 30  # bytes
LEAST_GPU_MEMORY = 2 << 30  # bytes
ANSWER_SECONDS = 2.0  # in which a server on the port must say that it is one of these
MOST_NAMES = 3  # of characters in one problem
SAMPLES = {"en": "Hello.", "zh": "你好。", "ja": "こんにちは。", "mix": "Hello. 你好。"}


@dataclass(frozen=True)
class Problem:
    """Something that is wrong; `stops` says whether something that is configured cannot work."""

    code: str
    message: str
    how: str
    stops: bool


@dataclass(frozen=True)
class ServerReport:
    """The address of the settings, and its state: free, running (such a server), or unusable."""

    host: str
    port: int
    state: str


def problem_of(error: YamabikoError) -> Problem:
    """Make a problem of an error that ends the server when it starts."""
    how = error.hint or "Change the setting."
    return Problem(error.code, error.message, how, stops=True)


def find_server(settings: Settings) -> tuple[ServerReport, list[Problem]]:
    """Try the address of the settings, and the keys that it needs."""
    problems, state = [], "free"
    try:
        keys = load_keys(settings.auth.keys_path, settings.keys)
        check_host(settings.host, bool(keys))
        Quotas(settings.limits)
    except SettingsError as error:
        problems.append(problem_of(error))
    try:
        bound_socket(settings.host, settings.port).close()
    except SettingsError as error:
        if error.code == "port_taken" and _is_this_server(settings.host, settings.port):
            state = "running"
        else:
            problems.append(problem_of(error))
    if problems:
        state = "unusable"
    return ServerReport(settings.host, settings.port, state), problems


def folder_problems(settings: Settings) -> Iterator[Problem]:
    """Find the folders that cannot be written, and files that others may read."""
    models = settings.models.path
    prepared = any(models.glob(f"*/{PREPARED}-*.onnx"))
    for name, path, stops, use in (
        ("cache", settings.cache.path, True, "nothing can be spoken"),
        ("models", models, not prepared, "no model can be prepared"),
        ("presets", settings.presets.path, False, "no character can be made of a clip"),
    ):
        if (reason := _write_fault(path)) is not None:
            yield Problem(
                "folder_unwritable",
                f"The folder {path} cannot be written, so {use}: {reason}.",
                f"Allow this user to write there, or set {name}.path to another folder.",
                stops,
            )
    if others_may_read(settings.auth.keys_path):
        path = settings.auth.keys_path
        how = f"Run `chmod 600 {path}`."
        yield Problem("keys_readable", f"Others may read {path}.", how, stops=False)


def find_wanted(installation: Installation) -> tuple[dict[str, str], list[Problem]]:
    """Find the engines that the settings need, each with what needs it."""
    settings, problems = installation.settings, []
    wanted = {}
    for setting, names in (("preload", settings.preload), ("warm", settings.warm)):
        if setting == "warm" and names in ((AUTO,), (OFF,)):
            continue
        names = tuple(split_device(name)[0] for name in names)
        try:
            check_engines(setting, names, installation.models)
        except SettingsError as error:
            problems.append(problem_of(error))
        problems += _unnamed(names, installation)
        wanted.update({name: f"which {setting} names" for name in names if name not in wanted})
    characters, models = installation.characters, installation.models
    voices = ConvertedVoices(characters, models)
    resolver = LineResolver(settings, characters, models, voices)
    for language, character in settings.default_characters.items():
        try:
            line = resolver.resolve(LineRequest(SAMPLES[language], language=language))
        except YamabikoError as error:
            how = error.hint or "Choose another with the setting default_characters."
            problems.append(Problem("default_character", error.message, how, stops=True))
        else:
            wanted.setdefault(line.engine, f"which {character} needs to speak {language}")
    return wanted, problems


def _unnamed(names: Iterable[str], installation: Installation) -> Iterator[Problem]:
    """Find models that are not there, and engines of which one of several must be named."""
    for name in names:
        try:
            if installation.models.has_engine(name):
                installation.models.model(name)
        except YamabikoError as error:
            yield problem_of(error)


def engine_problems(
    reports: Sequence[EngineReport], wanted: Mapping[str, str], installation: Installation
) -> Iterator[Problem]:
    """Find the engines that cannot run though settings, files or characters ask for them."""
    for report in reports:
        if report.can_run:
            continue
        need = wanted.get(report.name) or wanted.get(split_id(report.name)[0])
        if need is not None:
            yield from _obstacles(report.name, f", {need},", report.obstacles, True)
        elif (who := _asked_for(report.name, installation)) is not None:
            yield from _obstacles(report.name, who, report.obstacles, False)


def character_problems(report: CharacterReport) -> Iterator[Problem]:
    for file, reason in report.broken.items():
        path = str(Path(report.path) / file) if not Path(file).is_absolute() else file
        how = "Mend the file or remove it; docs/characters.md says what it must hold."
        message = f"The character file {path} cannot be used: {reason}."
        yield Problem("character_broken", message, how, stops=False)


def voice_problems(installation: Installation) -> Iterator[Problem]:
    """Find characters whose voice no server of the settings has, as far as the servers told."""
    for character in installation.characters.all():
        model = installation.models.find(character.model)
        if not isinstance(character.voice, RemoteVoice):
            continue
        missing = f"the server {character.voice.server!r}, which no setting names"
        if model is not None and isinstance(model.engine, AsksServer):
            if model.engine.can_speak(character):
                missing = model.engine.missing_voice(character) or ""
        if missing:
            message = f"The character {character.name} asks {character.engine} for {missing}."
            how = "Change its card or the settings; docs/remote.md says how."
            yield Problem("voice_missing", message, how, stops=False)


def file_problems(files: Sequence[ModelsFile], folder: Path) -> Iterator[Problem]:
    """Find files that lie where no engine looks for them."""
    for file in files:
        if file.belongs is not None and not (folder / file.belongs).exists():
            yield Problem(
                "file_misplaced",
                f"{folder / file.path} lies where no engine looks for it.",
                f"Move it to {folder / file.belongs}.",
                stops=False,
            )


def device_problems(report: DeviceReport, settings: Settings) -> Iterator[Problem]:
    """Find devices that the settings choose and that are not there."""
    cuda = report.cuda
    chosen = [("gpu.device", settings.gpu.device), ("valle.device", settings.valle.device)]
    chosen += [("vocoder.device", name.strip()) for name in settings.vocoder.device.split(",")]
    chosen += [(f"models.devices: {id}", str(name)) for id, name in settings.models.devices.items()]
    for setting, device in chosen:
        if device in ("auto", "cpu"):
            continue
        kind, _, number = device.partition(":")
        if kind != "cuda" or not (number or "0").isdecimal():
            why, how = "that is no device", "Set it to auto, cpu, cuda or cuda:0"
        elif not cuda.available:
            why, how = str(cuda.why), f"Set it to auto or cpu, or {cuda.how}"
        elif int(number or 0) >= len(cuda.gpus) > 0:
            why, how = f"there are {len(cuda.gpus)} GPUs, counted from 0", "Name one of these"
        else:
            continue
        yield Problem("device_missing", f"{setting} is {device}, and {why}.", f"{how}.", True)
    if settings.revoice.device == "cuda" and not has_cuda_device():
        why = cuda.why or "the driver has no device"
        message = f"revoice.device is cuda, and {why}."
        yield Problem("device_missing", message, "Set it to cpu.", stops=True)


def memory_problems(
    wanted: Iterable[str], report: DeviceReport, installation: Installation
) -> Iterator[Problem]:
    """Find too little memory for the engines that the settings need."""
    estimates, models = MemoryEstimates(installation.settings), installation.models
    found = {name: model for name in wanted if (model := models.find(name)) is not None}
    names, needed = list(found), sum(estimates.estimate(each.engine) for each in found.values())
    free = report.processor.free_bytes
    if report.processor.total_bytes and free < needed:
        yield Problem(
            "memory_low",
            f"Only {size(free)} of memory are free; {', '.join(names)} take about {size(needed)}.",
            "End other programs. hibari, for English, takes least.",
            stops=False,
        )


def shortage_problems(report: DeviceReport, settings: Settings) -> Iterator[Problem]:
    """Find too little room on the disk or on a GPU."""
    disk, cuda = report.disk, report.cuda
    if disk.free_bytes < min(LEAST_DISK, settings.cache.max_bytes):
        yield Problem(
            "disk_low",
            f"Only {size(disk.free_bytes)} of disk are free for {disk.path}; "
            f"recordings may take {size(settings.cache.max_bytes)}.",
            "Free some, or set cache.max_bytes to less.",
            stops=False,
        )
    for number, gpu in enumerate(cuda.gpus):
        if cuda.available and gpu.free_bytes is not None and gpu.free_bytes < LEAST_GPU_MEMORY:
            yield Problem(
                "gpu_memory_low",
                f"Only {size(gpu.free_bytes)} of the memory of GPU {number} are free.",
                "`nvidia-smi` shows which programs hold it.",
                stops=False,
            )


def _obstacles(
    name: str, who: str, obstacles: Sequence[Obstacle], stops: bool
) -> Iterator[Problem]:
    for each in obstacles:
        how = each.how[:1].upper() + each.how[1:] + "."
        yield Problem(each.code, f"{name}{who} cannot run: {each.what}.", how, stops)


def _asked_for(name: str, installation: Installation) -> str | None:
    """Say who asks for an engine that no setting names; None for nobody."""
    names = [each.name for each in characters_of(installation, name)]
    if names:
        more = "" if len(names) <= MOST_NAMES else f" and {len(names) - MOST_NAMES} more"
        return f", the voice of {', '.join(names[:MOST_NAMES])}{more},"
    brought = has_brought_files(split_id(name)[0], installation.settings)
    return ", whose files were brought," if brought else None


def _write_fault(folder: Path) -> str | None:
    """Try to write into a folder, or where it would be made; nothing is left there."""
    if folder.exists() and not folder.is_dir():
        return "it is a file"
    try:
        with tempfile.TemporaryFile(dir=nearest_folder(folder)):
            return None
    except OSError as error:
        return error.strerror or str(error)


def _is_this_server(host: str, port: int) -> bool:
    """Ask what listens on the port whether it is a server of this kind."""
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    connection = http.client.HTTPConnection(address, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/health")
        answer = json.loads(connection.getresponse().read(1_000))
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return isinstance(answer, dict) and {"status", "model_loaded", "gpu_available"} <= answer.keys()
