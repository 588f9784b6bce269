"""VALL-E X's files as tensors by name; it knows where they lie and no network.

Nothing is unpickled but numbers in plain containers and, for the checkpoint, paths: its makers left
some `pathlib.PosixPath` in it, which can do nothing.
"""

from __future__ import annotations

import importlib.util
import pathlib
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from realtime.errors import Unavailable
from realtime.settings import Settings
from realtime.weights import WeightFile, verified_path

if TYPE_CHECKING:
    from torch import Tensor

ENGINE = "valle"
CHECKPOINT = WeightFile(
    ENGINE,
    "vallex-checkpoint.pt",
    origin="from the VALL-E X project, Plachta/VALL-E-X",
    converted="vallex-checkpoint.safetensors",
)
VOCOS_CONFIG = WeightFile(
    ENGINE, "vocos/config.yaml", origin="from the Vocos project, charactr/vocos-encodec-24khz"
)
VOCOS = WeightFile(
    ENGINE,
    "vocos/pytorch_model.bin",
    origin="from the Vocos project, charactr/vocos-encodec-24khz",
    converted="vocos/pytorch_model.safetensors",
)
ENCODEC = WeightFile(
    ENGINE,
    "encodec_24khz-d7cc33bc.th",
    sha256="d7cc33bc",
    origin="from the EnCodec project, facebookresearch/encodec",
    converted="encodec_24khz-d7cc33bc.safetensors",
)
SPEAKING = (CHECKPOINT, VOCOS_CONFIG, VOCOS)
MAKING = (ENCODEC,)  # characters, out of clips
CONVERTIBLE = (CHECKPOINT, VOCOS, ENCODEC)
INNER = "model"  # where the checkpoint holds its tensors, beside what training left

# What the public config.yaml names. A class path is an import of anything: these are compared with
# it, and nothing is imported.
VOCOS_PARTS = {
    "feature_extractor": "vocos.feature_extractors.EncodecFeatures",
    "backbone": "vocos.models.VocosBackbone",
    "head": "vocos.heads.ISTFTHead",
}
VOCOS_SIZES = {"n_fft": 1280, "hop_length": 320, "padding": "same"}
MOST_YAML = 16 << 10


def state(file: WeightFile, settings: Settings) -> dict[str, Tensor]:
    """A file's tensors; missing, other and broken files are told."""
    return tensors(verified_path(file, settings))


def tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint or of its converted form."""
    if importlib.util.find_spec("torch") is None:
        raise Unavailable(
            "VALL-E X needs torch, which is not installed.", hint="Install without LIGHT=1."
        )
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except Exception as error:  # whatever is wrong in a file that somebody brought
            raise _unusable(path, _in_words(error)) from error
    found = _unpickled(path)
    if isinstance(found, Mapping) and isinstance(found.get(INNER), Mapping):
        found = found[INNER]
    return _checked(found, path)


def check_vocos(settings: Settings) -> None:
    """Refuses a Vocos of another kind than the one whose codes VALL-E X speaks."""
    path = verified_path(VOCOS_CONFIG, settings)
    try:
        said = yaml.safe_load(path.read_bytes()[:MOST_YAML])
        kinds = {part: said[part]["class_path"] for part in VOCOS_PARTS}
        sizes = {name: said["head"]["init_args"][name] for name in VOCOS_SIZES}
    except (yaml.YAMLError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise _unusable(path, f"it is not Vocos's: {_in_words(error)}") from error
    for wanted, found in ((VOCOS_PARTS, kinds), (VOCOS_SIZES, sizes)):
        for name, value in wanted.items():
            if found[name] != value:
                raise _unusable(path, f"{name} is {str(found[name])[:80]!r}, not {value!r}")


def _unpickled(path: Path) -> Any:
    import torch

    # A later Python calls the class by the file that defines it; the checkpoint says the old name.
    plain_path = (pathlib.PosixPath, "pathlib.PosixPath")
    try:
        with torch.serialization.safe_globals([pathlib.PosixPath, plain_path]):
            return torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
            )
    except Exception as error:  # as above
        raise _unusable(path, _in_words(error)) from error


def _checked(found: Any, path: Path) -> dict[str, Tensor]:
    import torch

    if not isinstance(found, Mapping) or not found:
        raise _unusable(path, "it holds no tensors by name")
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise _unusable(path, f"{str(name)[:80]!r} in it is no tensor")
    return dict(found)


def _in_words(error: Exception) -> str:
    """What torch thinks of a file: one sentence, without the advice to unpickle it all the same."""
    if isinstance(error, EOFError):
        return "it ends too early"
    reason = error.__context__ if isinstance(error, pickle.UnpicklingError) else None
    said = " ".join(str(reason or error).split()) or type(error).__name__
    return said.partition(". ")[0].rstrip(".")[:300]


def _unusable(path: Path, why: str) -> Unavailable:
    return Unavailable(
        f"{path} cannot be used: {why}.",
        code="bad_weights",
        hint="Remove it, then bring it again; docs/valle.md says where it comes from.",
    )
