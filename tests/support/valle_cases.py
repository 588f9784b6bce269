"""Reference cases of VALL-E X, and small models with random weights of their own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from realtime.engines.valle.codes import BEGIN, END, LEVELS
from realtime.engines.valle.networks.autoregressive import AutoregressiveModel, Sampling
from realtime.engines.valle.networks.checkpoint import (
    LANGUAGES,
    STAGES,
    ValleNetwork,
    ValleShape,
)
from realtime.engines.valle.networks.parallel import ParallelInputs, ParallelModel

FIXTURES = Path(__file__).parent.parent / "fixtures"
PLACES = 448


@dataclass(frozen=True)
class Case:
    """A reference: the inputs of the original, and the codes that it gave."""

    model: ValleNetwork
    text: Tensor
    languages: Tensor
    prompt: Tensor
    codes: Tensor


def load_arrays(name: str, prefix: str = "") -> dict[str, Tensor]:
    """Load the arrays of a fixture whose names begin with a prefix, which is cut off."""
    with np.load(FIXTURES / name) as file:
        return {
            key.removeprefix(prefix): torch.from_numpy(file[key])
            for key in file.files
            if key.startswith(prefix) and file[key].dtype.kind != "U"
        }


def load_cases() -> list[dict[str, Any]]:
    text = (FIXTURES / "valle_cases.json").read_text(encoding="utf-8")
    cases: list[dict[str, Any]] = json.loads(text)["cases"]
    return cases


def read_case(case: dict[str, Any]) -> Case:
    """Build the tensors and the model of a case; some cases have a row of weights of their own."""
    state = load_arrays("valle_tiny.npz")
    if (row := case.get("ar_predict_layer_row_1024")) is not None:
        table = state["ar_predict_layer.weight"] = state["ar_predict_layer.weight"].clone()
        table[END] = torch.tensor(row)
    languages = language_ids(case["prompt_language"], len(case["prompt_text"]))
    languages += language_ids(case["text_language"], len(case["text"]))
    return Case(
        ValleNetwork.loaded(state, heads=4),
        torch.tensor(case["prompt_text"] + case["text"]),
        torch.tensor(languages),
        torch.tensor(case["prompt_codes"]).reshape(-1, LEVELS),
        torch.tensor(case["codes"]),
    )


def language_ids(languages: str | list[str], count: int) -> list[int]:
    names = [languages] * count if isinstance(languages, str) else languages
    return [LANGUAGES.index(name) for name in names]


def small_network(seed: int = 0, shape: ValleShape = ValleShape(64, 4, 2)) -> ValleNetwork:  # noqa: B008 (a frozen value)
    """Make a network with seeded random weights, large enough that codes differ."""
    model = ValleNetwork(shape)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                scale = 1.0 if "embedding" in name else weight.shape[1] ** -0.5
                weight.copy_(torch.randn(weight.shape, generator=generator) * scale)
            elif name.endswith("bias"):
                weight.zero_()
        model.ar_predict_layer.weight.mul_(2.0)
    return model.eval().requires_grad_(False)


def make_first_level(model: AutoregressiveModel, case: Case, most: int) -> Tensor:
    """Make the first level of a line that is alone, step by step over the cache."""
    state = model.prefill(0, case.text, case.languages, case.prompt[:, 0])[None]
    rows, random_numbers = torch.arange(PLACES), torch.zeros(1, dtype=torch.long)
    codes: list[int] = []
    while len(codes) < most:
        state, _ = model(state, random_numbers, rows)
        if (code := int(state[0, 0])) == END:
            break
        codes.append(code)
    return torch.tensor(codes)


def whole_logits(
    model: AutoregressiveModel, text: Tensor, languages: Tensor, codes: Tensor
) -> Tensor:
    """Compute the logits after BEGIN and after each code at once, without the cache.

    This is what the steps are compared with, so it does not use the model's own `prefill`.
    """
    codes = torch.cat([codes.new_tensor([BEGIN]), codes])
    places = torch.arange(len(text) + len(codes), device=text.device)
    text_vectors = model.text_embedding(text) + model.language_embedding(languages)
    text_offset = model.text_position.alpha * model.position_encoding(places[: len(text)])
    code_offset = model.audio_position.alpha * model.position_encoding(places[: len(codes)])
    code_vectors = model.audio_embedding(codes) + code_offset
    x = torch.cat([text_vectors + text_offset, code_vectors])[None]
    seen = (places < len(text)) | (places <= places[:, None])

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)

    for layer in model.decoder.layers:
        x = layer(x, attend)
    logits: Tensor = model.predict_layer(model.decoder.norm(x[0, len(text) :]))
    return logits


def make_all_levels(model: ValleNetwork, case: Case, first: Tensor) -> Tensor:
    """Make all levels of a piece whose first is known."""
    inputs, parallel = ParallelInputs(model, PLACES), ParallelModel(model)
    x = inputs(case.text, case.languages, case.prompt, first)
    levels = [first]
    for stage in range(STAGES):
        codes, _ = parallel(x[None], torch.tensor([len(x)]), torch.tensor([stage]))
        levels.append(codes[0, len(x) - len(first) :])
        inputs.add(x, stage + 1, levels[-1])
    return torch.stack(levels, dim=1)


def greedy(model: ValleNetwork, slots: int = 1) -> AutoregressiveModel:
    """Make a model that always chooses the likeliest code."""
    return AutoregressiveModel(model, slots=slots, places=PLACES, sampling=Sampling(top_k=1))
