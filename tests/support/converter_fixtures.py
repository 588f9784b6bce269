"""Reference numbers of voice converters and of the networks that they share."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "converters"


@functools.cache
def fixture(name: str) -> Mapping[str, np.ndarray]:
    """Read a file of reference numbers; its arrays are shared and must not be changed."""
    with np.load(FIXTURES / f"{name}.npz") as file:
        return {key: file[key] for key in file.files}


def tensor(name: str, key: str) -> Tensor:
    return torch.from_numpy(fixture(name)[key].copy())


def weights(name: str) -> dict[str, Tensor]:
    """Return the weights of a fixture by published name."""
    return {
        key.removeprefix("w."): torch.from_numpy(array.copy())
        for key, array in fixture(name).items()
        if key.startswith("w.")
    }


def config(name: str) -> Any:
    return json.loads(str(fixture(name)["config"]))
