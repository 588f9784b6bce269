"""Files of VALL-E X, and their tensors by name.

Only numbers in plain containers are unpickled and, for the checkpoint, paths: its makers left some
`pathlib.PosixPath` in it, which can do nothing.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from realtime import blocks
from realtime.engines.safetensors_file import read_safetensors
from realtime.engines.torch_file import check_tensors, read_torch_file, reason_of, unusable
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
SPEAKING_FILES = (CHECKPOINT, VOCOS_CONFIG, VOCOS)
CLONING_FILES = (ENCODEC,)  # for making characters of clips
CONVERTIBLE_FILES = (CHECKPOINT, VOCOS, ENCODEC)
TENSORS_KEY = "model"  # of the checkpoint; other keys hold what training left
# Python 3.13 names the class by the file that defines it; the checkpoint has the old name.
LEFT_BY_TRAINING = {
    "pathlib.PosixPath": pathlib.PosixPath,
    "pathlib._local.PosixPath": pathlib.PosixPath,
}

# The classes that the public config.yaml names. A class path could import anything, so the paths
# are only compared with these.
VOCOS_PARTS = {
    "feature_extractor": "vocos.feature_extractors.EncodecFeatures",
    "backbone": "vocos.models.VocosBackbone",
    "head": "vocos.heads.ISTFTHead",
}
VOCOS_SIZES = {"n_fft": 1280, "hop_length": 320, "padding": "same"}
MOST_YAML = 16 << 10


def load_state(file: WeightFile, settings: Settings) -> dict[str, Tensor]:
    """Load a file's tensors; a missing or an unusable file is an Unavailable that names it."""
    return load_tensors(verified_path(file, settings))


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Load the tensors of a checkpoint, or of its converted form."""
    blocks.require_block(blocks.TORCH, "VALL-E X")
    if path.suffix == ".safetensors":
        return read_safetensors(path)[0]
    content = read_torch_file(path, LEFT_BY_TRAINING, mapped=True)
    if isinstance(content, Mapping) and isinstance(content.get(TENSORS_KEY), Mapping):
        content = content[TENSORS_KEY]
    return check_tensors(content, path)


def check_vocos(settings: Settings) -> None:
    """Refuse a Vocos of another kind than the one for the codes that VALL-E X makes."""
    path = verified_path(VOCOS_CONFIG, settings)
    try:
        config = yaml.safe_load(path.read_bytes()[:MOST_YAML])
        parts = {part: config[part]["class_path"] for part in VOCOS_PARTS}
        sizes = {name: config["head"]["init_args"][name] for name in VOCOS_SIZES}
    except (yaml.YAMLError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise unusable(path, f"it is not Vocos's: {reason_of(error)}") from error
    for expected, actual in ((VOCOS_PARTS, parts), (VOCOS_SIZES, sizes)):
        for name, value in expected.items():
            if actual[name] != value:
                raise unusable(path, f"{name} is {str(actual[name])[:80]!r}, not {value!r}")
