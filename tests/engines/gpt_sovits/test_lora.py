"""LoRA files are merged into their base: whole tensors over it, changes added to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from realtime.engines.gpt_sovits.checkpoints import Checkpoint, read_checkpoint
from realtime.engines.gpt_sovits.lora import merge
from realtime.errors import Unavailable
from tests.support import gpt_sovits_files as files

QUERY = "cfm.estimator.transformer_blocks.0.attn.to_q"
WRAPPED = "cfm.base_model.model.estimator.transformer_blocks.0.attn.to_q"


@pytest.fixture
def base() -> dict[str, torch.Tensor]:
    return files.sovits_weights("v4")[0]


@pytest.fixture
def lora(tmp_path: Path) -> Checkpoint:
    return read_checkpoint(files.write_lora(tmp_path / "lora.pth", "v4", rank=4))


def test_changes_are_added_and_whole_tensors_replaced(
    base: dict[str, torch.Tensor], lora: Checkpoint
) -> None:
    before = {name: value.clone() for name, value in base.items()}
    merged = merge(base, lora)
    assert merged.keys() == base.keys()
    changed = 0
    for name, value in merged.items():
        wrapped = "cfm.base_model.model." + name.removeprefix("cfm.").removesuffix(".weight")
        if (a := lora.weight.get(f"{wrapped}.lora_A.default.weight")) is not None:
            b = lora.weight[f"{wrapped}.lora_B.default.weight"]
            expected = before[name].double() + b.double() @ a.double()
            assert (
                torch.allclose(value.double(), expected, atol=1e-6) and value.dtype == torch.float32
            )
            changed += 1
        elif name in lora.weight:
            assert torch.equal(value, lora.weight[name])
        elif not name.endswith("inv_freq"):
            assert torch.equal(value, before[name])
    assert changed == 4 * 3  # of each block, and there are three
    assert all(torch.equal(base[name], value) for name, value in before.items())


@pytest.mark.parametrize(
    ("name", "shape", "told"),
    [
        (f"{WRAPPED}.lora_A.default.weight", (4, 63), r"its place in the base file is \(128, 64\)"),
        (f"{WRAPPED}.lora_B.default.weight", (127, 4), "its place in the base file"),
        ("bridge.0.bias", (3,), r"bridge.0.bias is \(3,\)"),
        ("cfm.base_model.model.nothing.lora_A.default.weight", (4, 4), "no counterpart"),
    ],
)
def test_a_change_that_does_not_fit_is_named(
    base: dict[str, torch.Tensor],
    lora: Checkpoint,
    name: str,
    shape: tuple[int, ...],
    told: str,
) -> None:
    lora.weight[name] = torch.zeros(shape)
    with pytest.raises(Unavailable, match=told) as refused:
        merge(base, lora)
    assert str(lora.path) in refused.value.message


def test_newer_files_name_no_set_of_changes(
    base: dict[str, torch.Tensor], lora: Checkpoint
) -> None:
    shorter = {name.replace(".default", ""): value for name, value in lora.weight.items()}
    found, expected = merge(base, replace(lora, weight=shorter)), merge(base, lora)
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_half_a_change_and_another_rank_are_told(
    base: dict[str, torch.Tensor], lora: Checkpoint
) -> None:
    with pytest.raises(Unavailable, match="of rank 4, not 8"):
        merge(base, replace(lora, lora_rank=8))
    assert merge(base, replace(lora, lora_rank=None)).keys() == base.keys()
    for letter in "AB":
        weight = dict(lora.weight)
        del weight[f"{WRAPPED}.lora_{letter}.default.weight"]
        with pytest.raises(Unavailable, match="no counterpart"):
            merge(base, replace(lora, weight=weight))
    del base[f"{QUERY}.weight"]
    with pytest.raises(Unavailable, match="no counterpart"):
        merge(base, lora)
