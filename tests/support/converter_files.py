"""Reference numbers of the voice converters."""

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
def converter_fixture(name: str) -> Mapping[str, np.ndarray]:
    """Read a file of reference numbers; its arrays are shared and must not be changed."""
    with np.load(FIXTURES / f"{name}.npz") as file:
        return {key: file[key] for key in file.files}


class ConverterReference:
    """A file of weights, inputs and expected outputs."""

    def __init__(self, name: str) -> None:
        self._name = name

    def state(self) -> dict[str, Tensor]:
        """Return the weights under their published names."""
        found = converter_fixture(self._name)
        return {key.removeprefix("w."): self.tensor(key) for key in found if key.startswith("w.")}

    def tensor(self, key: str) -> Tensor:
        return torch.from_numpy(converter_fixture(self._name)[key].copy())

    def has(self, key: str) -> bool:
        return key in converter_fixture(self._name)

    def facts(self, key: str) -> dict[str, Any]:
        """Read a JSON text, such as `config`."""
        facts: dict[str, Any] = json.loads(str(converter_fixture(self._name)[key]))
        return facts
