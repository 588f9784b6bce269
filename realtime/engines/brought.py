"""The files in the models folder: the engine that each is for, and the blocks that these need."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from realtime import blocks
from realtime.engines import registry
from realtime.engines.gpt_sovits.pairs import GPT_ENDINGS, SOVITS_ENDINGS
from realtime.engines.gpt_sovits.weights import CONVERTED as CONVERTED_ENDING
from realtime.engines.gpt_sovits.weights import SHARED_FILES
from realtime.engines.rvc import voice_files
from realtime.engines.valle.weights import CLONING_FILES
from realtime.engines.voice_features import weights as voice_features
from realtime.files import walk_files
from realtime.settings import Settings
from realtime.vocoders import checkpoints
from realtime.weights import PREPARED, WeightFile

WEIGHTS, CONVERTED, PREPARED_FILE, UNUSED = "weights", "converted", "prepared", "unused"
SUFFIXES = frozenset(
    (".bin", ".ckpt", ".npz", ".onnx", ".pt", ".pt2", ".pth", ".safetensors", ".th")
)
# Engines whose files have any folder between: the name of a model that people choose.
OWN_FILES = ("memory.json",)  # the server's, for all engines
NAMED_MODELS = {"torchscript": ("model.pt", "model.pt2", "model.yaml"), "revoice": ()}
# Engines whose files have any names and folders, told by their endings.
FREE_NAMES = {
    "gpt_sovits": (*GPT_ENDINGS, *SOVITS_ENDINGS),
    "ddsp_svc": (".pt", "config.yaml"),
    "rvc": (voice_files.ENDING, voice_files.INDEX_ENDING),
}


@dataclass(frozen=True)
class ModelsFile:
    """A file of the folder: brought by people, or made here of what they brought."""

    path: str  # within the folder
    bytes: int
    engine: str | None  # the engine or vocoder that reads it
    kind: str  # weights | converted | prepared | unused
    belongs: str | None = None  # the place where an engine would find it


def blocks_of_brought_files(settings: Settings) -> dict[str, list[str]]:
    """Map each block of requirements.txt to the engines that need it for files people brought."""
    found: dict[str, list[str]] = {}
    for name, block in _blocks_by_engine(settings).items():
        if block and has_brought_files(name, settings):
            found.setdefault(block, []).append(name)
    return found


def has_brought_files(name: str, settings: Settings) -> bool:
    """Return whether the folder of an engine or vocoder holds weights that were not made here."""
    paths = walk_files(settings.models.path / name)
    return any(p.suffix in SUFFIXES and not p.name.startswith(PREPARED) for p in paths)


def list_files(settings: Settings) -> list[ModelsFile]:
    """List the files of the folder, without locks, those that a dot hides, and its README."""
    folder, places = settings.models.path, _known_places(settings)
    found = []
    for path in walk_files(folder):
        name = path.relative_to(folder).as_posix()
        if name != "README.md" and path.suffix != ".lock":
            found.append(_describe(name, _size(path), places))
    return found


def _describe(name: str, size: int, places: dict[str, tuple[str, str]]) -> ModelsFile:
    if name in places:
        return ModelsFile(name, size, *places[name])
    if name in OWN_FILES:
        return ModelsFile(name, size, None, PREPARED_FILE)
    folder, _, rest = name.partition("/")
    base = rest.rpartition("/")[2]
    if base.startswith(PREPARED):
        return ModelsFile(name, size, folder, PREPARED_FILE)
    if base.endswith(FREE_NAMES.get(folder, ())):
        kind = CONVERTED if base.endswith(CONVERTED_ENDING) else WEIGHTS
        return ModelsFile(name, size, folder, kind)
    names = NAMED_MODELS.get(folder)
    if names is not None and rest.count("/") == 1 and (not names or base in names):
        return ModelsFile(name, size, folder, WEIGHTS)
    return ModelsFile(name, size, None, UNUSED, _place_for(Path(name), places))


def _place_for(path: Path, places: Collection[str]) -> str | None:
    """Return the only place that wants a file of this name; None for none, or for several."""
    named = [place for place in places if Path(place).name == path.name]
    return named[0] if len(named) == 1 and path.suffix in SUFFIXES else None


def _known_places(settings: Settings) -> dict[str, tuple[str, str]]:
    """Map each place within the folder that an engine reads to the engine and the kind of file."""
    found = {}
    for file in _known_files(settings):
        found[f"{file.engine}/{file.name}"] = (file.engine, WEIGHTS)
        if file.converted is not None:
            found[f"{file.engine}/{file.converted}"] = (file.engine, CONVERTED)
    return found


def _known_files(settings: Settings) -> Iterator[WeightFile]:
    for name in registry.ENGINES:
        yield from registry.create(name, settings).weights
    yield from CLONING_FILES
    yield from SHARED_FILES
    yield from voice_features.KNOWN_FILES
    for files in checkpoints.FILES.values():
        yield from files


def _blocks_by_engine(settings: Settings) -> dict[str, str]:
    """Map engines and vocoders to their blocks."""
    found = {name: registry.create(name, settings).block for name in registry.ENGINES}
    of_torch = (*checkpoints.FILES, *voice_features.BROUGHT_ENGINES)
    return found | dict.fromkeys(of_torch, blocks.TORCH)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # a link to nowhere
        return 0
