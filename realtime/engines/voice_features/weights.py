"""The files of the networks that hear content and pitch, and reading them.

ContentVec is there in several forms, of which one is enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from realtime import blocks
from realtime.engines.safetensors_file import read_safetensors
from realtime.engines.torch_file import check_tensors, read_torch_file
from realtime.settings import Settings
from realtime.weights import WeightFile, find_path

if TYPE_CHECKING:
    from torch import Tensor

CONTENTVEC, RMVPE_ENGINE = "contentvec", "rmvpe"
CONVERTED = ".safetensors"  # after the whole name
# Names of classes of the training program, whose objects lie beside the tensors.
TRAINING = ("fairseq.", "omegaconf.", "argparse.")
MODEL = "model"  # the key of the tensors where a file holds more

RVC_FILES = "from lj1995/VoiceConversionWebUI, MIT"
CONTENT_FILES = (
    WeightFile(
        CONTENTVEC,
        "hubert_base.pt",
        origin=f"{RVC_FILES}; models/README.md has other forms",
        converted="hubert_base.pt" + CONVERTED,
    ),
    WeightFile(
        CONTENTVEC,
        "checkpoint_best_legacy_500.pt",
        origin="from ContentVec's makers, auspicious3000/contentvec, MIT",
        converted="checkpoint_best_legacy_500.pt" + CONVERTED,
    ),
    WeightFile(
        CONTENTVEC,
        "pytorch_model.bin",
        origin="from lengyue233/content-vec-best, MIT",
        converted="pytorch_model.bin" + CONVERTED,
    ),
    WeightFile(CONTENTVEC, "model.safetensors", origin="as transformers saves ContentVec"),
)
# Beside the last two; only the first of these is read.
PREPROCESSOR = WeightFile(CONTENTVEC, "preprocessor_config.json")
CONFIG = WeightFile(CONTENTVEC, "config.json")
RMVPE = WeightFile(RMVPE_ENGINE, "rmvpe.pt", origin=RVC_FILES, converted="rmvpe.pt" + CONVERTED)
FCPE = WeightFile(
    "fcpe",
    "fcpe_c_v001.pt",
    sha256="b9aeaeb673436eeda50ceafd632aa681aa63417e52eae4207503d180c9b10015",
    packaged=("torchfcpe/assets/fcpe_c_v001.pt",),
    block=blocks.TORCH,
    origin="from CNChTu/FCPE, MIT",
)
SWIFT_F0 = WeightFile(
    "swift_f0",
    "model.onnx",
    sha256="6385e8c2ebc3872e82c9ff5946228de44cd3be77a750ea53698b7dbfe94b0a22",
    packaged=("swift_f0/model.onnx",),
    origin="from the package swift-f0, MIT",
)
KNOWN_FILES = (*CONTENT_FILES, PREPROCESSOR, CONFIG, RMVPE, FCPE, SWIFT_F0)
BROUGHT_ENGINES = (CONTENTVEC, RMVPE_ENGINE)  # folders whose files need torch


def content_file(settings: Settings) -> WeightFile:
    """Return the form of ContentVec that is there; where none is, the best known one."""
    there = (file for file in CONTENT_FILES if find_path(file, settings) is not None)
    return next(there, CONTENT_FILES[0])


def convertible_files(settings: Settings) -> list[WeightFile]:
    """List the files there that `weights convert` rewrites."""
    files = (*CONTENT_FILES, RMVPE)
    return [file for file in files if file.converted and find_path(file, settings) is not None]


def read_state(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a file, which may stay in it until they are copied.

    They are the whole of the file, or lie in it under `model` beside what training left.
    """
    blocks.require_block(blocks.TORCH, "Hearing the content or the pitch of a voice")
    if path.suffix == CONVERTED:
        return read_safetensors(path)[0]
    content = read_torch_file(path, unwanted=TRAINING, mapped=True)
    if isinstance(content, Mapping) and isinstance(content.get(MODEL), Mapping):
        content = content[MODEL]
    return check_tensors(content, path)
