"""Rewrites one checkpoint as safetensors: run as a process of its own, with two paths."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from realtime.engines.valle.file_digest import fingerprint
from realtime.engines.valle.weights import tensors
from realtime.errors import YamabikoError


def main(arguments: list[str]) -> int:
    source, target = map(Path, arguments)
    try:
        count = rewrite(source, target)
    except (YamabikoError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{target}: {count} tensors")
    return 0


def rewrite(source: Path, target: Path) -> int:
    """The target appears whole, and only when it reads back as what was written."""
    found = tensors(source)
    import torch
    from safetensors.torch import save_file

    # Tied weights share memory in a checkpoint; here each name has its own.
    apart = {name: value.clone().contiguous() for name, value in found.items()}
    part = target.with_name(f".{target.stem}-{os.getpid()}.safetensors")
    try:
        save_file(apart, part)
        again = tensors(part)
        if again.keys() != apart.keys() or not all(
            torch.equal(again[name], value) for name, value in apart.items()
        ):
            raise YamabikoError(f"{target} did not read back as it was written.")
        part.replace(target)
        fingerprint(target)  # remembered now, so that no line has to wait for it
    finally:
        part.unlink(missing_ok=True)
    return len(apart)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
