"""Too little memory is told from every other trouble, however it is wrapped."""

from __future__ import annotations

import pytest
import torch

from realtime.acceleration.out_of_memory import is_out_of_memory


def caused(error: Exception) -> Exception:
    outer = ValueError("something went wrong")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("full"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("Triton Error [CUDA]: out of memory"),
        caused(torch.OutOfMemoryError("full")),
    ],
)
def test_too_little_memory(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("out of resource: shared memory, Required: 300000"),
        ValueError("out of memory lane"),
        caused(KeyError("memory")),
    ],
)
def test_other_troubles(error: Exception) -> None:
    assert not is_out_of_memory(error)
