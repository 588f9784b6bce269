"""Files of models that people bring: `NAME/model.pt` or `.pt2` with an optional `model.yaml`.

The content of a file decides its kind, not its ending. Nothing here unpickles: only archives pass
in which torch finds a program and plain numbers.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, fields, replace
from math import gcd
from pathlib import Path
from typing import Any

import yaml

from realtime.errors import BadRequest, WeightsMissing

NAMES = {
    "layout": ("time", "batch_time", "batch_channel_time", "batch_time_channel"),
    "device": ("auto", "cpu", "cuda"),
}
KINDS = {int: "a whole number", bool: "true or false", str: "a text"}
MOST_SAMPLES = 30 * 192_000  # half a minute at the highest rate
LIMITS = {
    "input_rate": (4_000, 192_000),
    "output_rate": (4_000, 192_000),
    "block": (0, MOST_SAMPLES),
    "context": (0, MOST_SAMPLES),
    "ahead": (0, MOST_SAMPLES),
    "batch": (1, 256),
}
OWN = "own"  # the input's rate, whatever it is
USUAL_RATE = 16_000
MOST_BYTES = 16 << 10  # of a yaml
MOST_MODELS = 1_000  # that are listed, the first by name
MOST_CONFIG = 64 << 20  # bytes of one of an archive's lists
EXPORT = (
    "Save a whole program instead: torch.jit.script(model).save('model.pt'), or "
    "torch.export.save(torch.export.export(model, inputs), 'model.pt2')."
)


@dataclass(frozen=True)
class ModelCard:
    """The keys of a model.yaml with their defaults; counts are of samples at the input's rate."""

    input_rate: int = USUAL_RATE  # 0: the recording's own
    output_rate: int = 0  # 0: the input's
    layout: str = "batch_time"
    block: int = 0  # 0: it takes whole recordings only
    context: int = 0  # of the past, given with each block
    ahead: int = 0  # of the sound after a block, given with it
    causal: bool = False  # a block with that context gives the same as within the whole
    fixed: bool = False  # it takes windows of one length only
    device: str = "auto"
    autocast: bool = False
    batch: int = 1  # sounds of several recordings that it takes in one call

    @property
    def own_rate(self) -> bool:
        """Tell whether it takes each recording at the rate that it has."""
        return not self.input_rate

    def at_rate(self, rate: int | None) -> ModelCard:
        """Return the card for sound that comes at a rate: with that rate, where it asks for it."""
        if not self.own_rate and self.output_rate:
            return self
        asked = rate or USUAL_RATE if self.own_rate else self.input_rate
        return replace(self, input_rate=asked, output_rate=self.output_rate or asked)

    @property
    def unit(self) -> int:
        """Give the least count of input samples that makes a whole count of output samples."""
        return self.input_rate // gcd(self.input_rate, self.output_rate)


@dataclass(frozen=True)
class ModelFile:
    """A model: its name, its file and its card."""

    name: str
    path: Path
    exported: bool  # by torch.export; else TorchScript
    card: ModelCard


def find_names(folder: Path) -> list[str]:
    """List the models of a folder by name, whether their files are right or not."""
    found = (place.name for place in folder.glob("*") if find_file(place) is not None)
    return sorted(name for name in found if name.isprintable())[:MOST_MODELS]


def find_file(place: Path) -> Path | None:
    """Find the file of a model's folder."""
    files = [place / "model.pt2", place / "model.pt"]
    return next((file for file in files if file.is_file()), None)


def read_model(place: Path) -> ModelFile:
    """Read what a model's files say of it; name a file that is wrong, and how to make a right one.

    The program itself is not loaded.
    """
    file = find_file(place)
    if file is None:
        raise WeightsMissing(
            f"The engine 'torchscript' needs a model; looked at {place}/model.pt and .pt2.",
            hint=f"Put a TorchScript file at {place}/model.pt.",
        )
    return ModelFile(place.name, file, _is_exported(file), read_card(place / "model.yaml"))


def read_card(path: Path) -> ModelCard:
    """Read the card of a yaml; without a file, give the defaults."""
    entries: Any = {}
    if path.is_file():
        if path.stat().st_size > MOST_BYTES:
            raise _refused(path, f"it has over {MOST_BYTES} bytes")
        try:
            entries = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            raise _refused(path, f"it is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(entries, dict):
        raise _refused(path, "keys with values are expected")
    kinds = {item.name: type(item.default) for item in fields(ModelCard)}
    for key, value in entries.items():
        if key not in kinds:
            raise _refused(path, f"{str(key)[:40]!r} is no key; there are: {', '.join(kinds)}")
        if (key, value) != ("input_rate", OWN):
            _check(path, key, value, kinds[key])
    return _checked_card(path, entries)


def _checked_card(path: Path, entries: dict[str, Any]) -> ModelCard:
    """Return the card of entries that are each right; refuse those that do not go together."""
    own = entries.get("input_rate") == OWN
    if own and "output_rate" in entries:
        raise _refused(path, "with input_rate own the output has the input's rate, too")
    card = ModelCard(**{**entries, "input_rate": 0}) if own else ModelCard(**entries).at_rate(None)
    unit = card.at_rate(None).unit
    for key in ("block", "context", "ahead"):
        if getattr(card, key) % unit:
            raise _refused(path, f"{key} must be a multiple of {unit} for these two rates")
    if card.layout == "time" and card.batch > 1:
        raise _refused(path, "a layout without batch takes one recording at once")
    return card


def _check(path: Path, key: str, value: Any, kind: type) -> None:
    exact = type(value) is kind  # not isinstance: true is an int to Python, but not to a person
    if not exact:
        wanted = KINDS[kind] + (f" or {OWN}" if key == "input_rate" else "")
        raise _refused(path, f"{key} is {str(value)[:40]!r}; {wanted} is expected")
    if key in NAMES and value not in NAMES[key]:
        there = ", ".join(NAMES[key])
        raise _refused(path, f"{key} is {value[:40]!r}; one of {there} is expected")
    if key in LIMITS:
        least, most = LIMITS[key]
        if not least <= value <= most:
            raise _refused(path, f"{key} is {value}; {least} to {most} is expected")


def _is_exported(path: Path) -> bool:
    """Tell an exported program from TorchScript; refuse all else, and what torch would unpickle."""
    if not zipfile.is_zipfile(path):
        raise _refused(path, "it is no TorchScript and no torch.export archive", EXPORT)
    with zipfile.ZipFile(path) as archive:
        names = {name.partition("/")[2]: name for name in archive.namelist()}
        if any(name.startswith("models/") for name in names):
            _check_exported(path, archive, names)
            return True
        if "constants.pkl" in names and any(name.startswith("code/") for name in names):
            return False
    if "data.pkl" in names:
        why = "it holds weights without a program (a state_dict, or a pickled module)"
        raise _refused(path, why, EXPORT)
    raise _refused(path, "it is no TorchScript and no torch.export archive", EXPORT)


def _check_exported(path: Path, archive: zipfile.ZipFile, names: dict[str, str]) -> None:
    """Refuse an exported archive with parts that torch would run or unpickle."""
    for name, member in names.items():
        if name.startswith(("data/aotinductor/", "data/constants/custom_obj")):
            raise _refused(path, f"it holds {name[:60]!r}, which is run or unpickled on loading")
        if name.startswith(("data/weights/", "data/constants/")) and name.endswith(".pt"):
            raise _refused(path, "it is in an old form of torch.export, which is unpickled", EXPORT)
        if name.endswith("_config.json") and _says_pickle(archive, member):
            raise _refused(path, "some of its weights would have to be unpickled", EXPORT)


def _says_pickle(archive: zipfile.ZipFile, member: str) -> bool:
    if archive.getinfo(member).file_size > MOST_CONFIG:
        return True
    try:
        config = json.loads(archive.read(member))["config"]
        return any(payload["use_pickle"] for payload in config.values())
    except (ValueError, KeyError, TypeError, AttributeError):
        return True


def sample_inputs(path: Path) -> list[bytes]:
    """Read the parts that torch's loader unpickles, so that a safe reader can try them first."""
    with zipfile.ZipFile(path) as archive:
        found = [name for name in archive.namelist() if "/data/sample_inputs/" in name]
        return [archive.read(name) for name in found]


def _refused(path: Path, why: str, hint: str | None = None) -> BadRequest:
    return BadRequest(f"{path} cannot be used: {why}.", code="bad_model", hint=hint)
