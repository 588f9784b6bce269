"""The devices of this machine: its processor, its memory, and CUDA with its GPUs.

Nothing heavy is loaded to find them, and the answer about CUDA is the one that torch would give.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from realtime import blocks
from realtime.acceleration import cuda_driver
from realtime.acceleration.machine import package_version, processor_name
from realtime.models.nvidia import NvidiaDriver, NvidiaGpu, read_driver
from realtime.models.process_memory import free_bytes, read_memory


@dataclass(frozen=True)
class Processor:
    name: str
    cores: int  # that this process may use
    total_bytes: int  # of memory; 0 where the system does not tell
    free_bytes: int


@dataclass(frozen=True)
class Cuda:
    """CUDA as torch would find it; `why` and `how` say why not, and what helps."""

    available: bool
    why: str | None
    how: str | None
    driver: str | None  # its version
    driver_cuda: str | None  # the newest CUDA that the driver runs
    torch: str | None  # its version; None where it is not installed
    torch_cuda: str | None  # the CUDA that it was built for
    gpus: tuple[NvidiaGpu, ...]


def find_processor() -> Processor:
    """Describe the processor, and the memory as it is now."""
    cores = len(os.sched_getaffinity(0))
    return Processor(processor_name(), cores, read_memory().total, free_bytes() or 0)


def find_cuda() -> Cuda:
    """Find out whether CUDA works here; asking the driver takes a moment."""
    driver = read_driver()
    has_torch = blocks.is_installed(blocks.TORCH)
    built_for = cuda_driver.torch_cuda() if has_torch else None
    usable = has_torch and cuda_driver.has_usable_gpu()
    why, how = (None, None) if usable else _reason(driver, has_torch, built_for)
    return Cuda(
        available=usable,
        why=why,
        how=how,
        driver=driver.version if driver else None,
        driver_cuda=driver.cuda if driver else None,
        torch=package_version("torch") if has_torch else None,
        torch_cuda=built_for,
        gpus=driver.gpus if driver else (),
    )


def _reason(driver: NvidiaDriver | None, has_torch: bool, built_for: str | None) -> tuple[str, str]:
    """Say why CUDA does not work here, and what helps."""
    if driver is None:
        return (
            "there is no NVIDIA driver here",
            "install NVIDIA's driver, or use the processor",
        )
    if not driver.gpus:
        return "the NVIDIA driver finds no GPU", "look at what `nvidia-smi` says"
    if not has_torch:
        return "torch is not installed", f"run `{blocks.command_for(blocks.TORCH)}`"
    if built_for is None:
        return "this torch was built without CUDA", "install the torch of requirements.txt"
    if driver.cuda and int(driver.cuda.partition(".")[0]) < int(built_for.partition(".")[0]):
        why = f"the driver runs CUDA {driver.cuda} at most, and torch needs {built_for}"
        return why, "install a newer NVIDIA driver"
    return (
        "the driver lets this process use no GPU",
        "look at CUDA_VISIBLE_DEVICES, and at what `nvidia-smi` says",
    )
