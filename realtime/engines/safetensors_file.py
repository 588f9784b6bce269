"""Files of safetensors: read by name, and written whole and verified."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from realtime.engines.torch_file import reason_of, unusable
from realtime.errors import YamabikoError

if TYPE_CHECKING:
    from torch import Tensor

Metadata = dict[str, str]


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], Metadata]:
    """Read the tensors and the metadata; what cannot be read is an Unavailable that names it."""
    from safetensors import safe_open

    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}
    except Exception as error:  # any file may lie there, and the library raises many kinds
        raise unusable(path, reason_of(error)) from error


def write_verified(
    state: Mapping[str, Tensor], target: Path, metadata: Metadata | None = None
) -> int:
    """Write the target and return the number of tensors.

    The target appears whole, and only if it reads back as what was written.
    """
    import torch
    from safetensors.torch import save_file

    # Tied weights share memory in a checkpoint, which safetensors refuses.
    separate = {name: value.detach().clone().contiguous() for name, value in state.items()}
    part = target.with_name(f".{target.stem}-{os.getpid()}.safetensors")
    try:
        save_file(separate, part, metadata)
        again, kept = read_safetensors(part)
        if kept != (metadata or {}) or again.keys() != separate.keys():
            raise YamabikoError(f"{target} did not read back as it was written.")
        if not all(torch.equal(again[name], value) for name, value in separate.items()):
            raise YamabikoError(f"{target} did not read back as it was written.")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return len(separate)


def rewrite_from_arguments(rewrite: Callable[[Path, Path], int], arguments: list[str]) -> int:
    """Run a program whose arguments are the paths of a checkpoint and of its new form."""
    source, target = map(Path, arguments)
    try:
        count = rewrite(source, target)
    except (YamabikoError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{target}: {count} tensors")
    return 0
