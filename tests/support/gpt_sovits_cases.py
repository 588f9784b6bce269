"""Reference numbers of GPT-SoVITS, and small networks with random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

FIXTURES = Path(__file__).parent.parent / "fixtures" / "gpt_sovits"


class Reference:
    """A file of weights, inputs and expected outputs."""

    def __init__(self, name: str) -> None:
        with np.load(FIXTURES / f"{name}.npz") as file:
            self._arrays = {key: file[key] for key in file.files}

    def state(self, prefix: str = "w.") -> dict[str, Tensor]:
        """Return the weights under their published names."""
        return {
            key.removeprefix(prefix): torch.from_numpy(value.copy())
            for key, value in self._arrays.items()
            if key.startswith(prefix)
        }

    def tensor(self, name: str) -> Tensor:
        return torch.from_numpy(self._arrays[name].copy())

    def has(self, name: str) -> bool:
        return name in self._arrays

    def facts(self, name: str) -> dict[str, Any]:
        """Read a JSON text: `config`, or the arguments of a case."""
        facts: dict[str, Any] = json.loads(str(self._arrays[name]))
        return facts
