"""The reference cases of VALL-E X, and small models with weights of their own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from realtime.engines.valle.networks.autoregressive import Coarse, Sampling
from realtime.engines.valle.networks.checkpoint import (
    END,
    LANGUAGES,
    LEVELS,
    STAGES,
    ValleNetwork,
    ValleShape,
)
from realtime.engines.valle.networks.parallel import Fine, FineInputs

FIXTURES = Path(__file__).parent.parent / "fixtures"
PLACES = 448


@dataclass(frozen=True)
class Case:
    """One reference: what the original was given, and what it said."""

    model: ValleNetwork
    text: Tensor
    languages: Tensor
    prompt: Tensor
    codes: Tensor


def arrays(name: str, prefix: str = "") -> dict[str, Tensor]:
    with np.load(FIXTURES / name) as found:
        return {
            key.removeprefix(prefix): torch.from_numpy(found[key])
            for key in found.files
            if key.startswith(prefix) and found[key].dtype.kind != "U"
        }


def cases() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FIXTURES / "valle_cases.json").read_text())["cases"]
    return found


def read_case(case: dict[str, Any]) -> Case:
    state = arrays("valle_tiny.npz")
    if (row := case.get("ar_predict_layer_row_1024")) is not None:
        table = state["ar_predict_layer.weight"] = state["ar_predict_layer.weight"].clone()
        table[END] = torch.tensor(row)
    languages = numbers(case["prompt_language"], len(case["prompt_text"]))
    return Case(
        ValleNetwork.loaded(state, heads=4),
        torch.tensor(case["prompt_text"] + case["text"]),
        torch.tensor(languages + numbers(case["text_language"], len(case["text"]))),
        torch.tensor(case["prompt_codes"]).reshape(-1, LEVELS),
        torch.tensor(case["codes"]),
    )


def numbers(languages: str | list[str], count: int) -> list[int]:
    each = [languages] * count if isinstance(languages, str) else languages
    return [LANGUAGES.index(language) for language in each]


def small(seed: int = 0, shape: ValleShape = ValleShape(64, 4, 2)) -> ValleNetwork:  # noqa: B008 (a frozen value)
    """A model with seeded random weights, lively enough that codes differ."""
    model = ValleNetwork(shape)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                scale = 1.0 if "embedding" in name else weight.shape[1] ** -0.5
                weight.copy_(torch.randn(weight.shape, generator=random) * scale)
            elif name.endswith("bias"):
                weight.zero_()
        model.ar_predict_layer.weight.mul_(2.0)
    return model.eval().requires_grad_(False)


def speak(coarse: Coarse, case: Case, most: int) -> Tensor:
    """The first level of a line that is alone."""
    state = coarse.prefill(0, case.text, case.languages, case.prompt[:, 0])[None]
    rows, draws = torch.arange(PLACES), torch.zeros(1, dtype=torch.long)
    said: list[int] = []
    while len(said) < most:
        state, _ = coarse(state, draws, rows)
        if (code := int(state[0, 0])) == END:
            break
        said.append(code)
    return torch.tensor(said)


def refine(model: ValleNetwork, case: Case, first: Tensor) -> Tensor:
    """All levels of a piece whose first is known."""
    inputs, fine = FineInputs(model, PLACES), Fine(model)
    x = inputs(case.text, case.languages, case.prompt, first)
    levels = [first]
    for stage in range(STAGES):
        found, _ = fine(x[None], torch.tensor([len(x)]), torch.tensor([stage]))
        levels.append(found[0, len(x) - len(first) :])
        inputs.add(x, stage + 1, levels[-1])
    return torch.stack(levels, dim=1)


def greedy(model: ValleNetwork, slots: int = 1) -> Coarse:
    return Coarse(model, slots=slots, places=PLACES, sampling=Sampling(top_k=1))
