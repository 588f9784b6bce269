"""A program that rewrites one checkpoint as safetensors; its arguments are two paths.

`weights convert` runs it as a process of its own, as it reads pickles.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from realtime.engines.valle.file_digest import file_digest
from realtime.engines.valle.weights import load_tensors
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
    """Write the target and return the number of tensors.

    The target appears whole, and only if it reads back as what was written.
    """
    state = load_tensors(source)
    import torch
    from safetensors.torch import save_file

    # Tied weights share memory in a checkpoint, which safetensors refuses.
    separate = {name: value.clone().contiguous() for name, value in state.items()}
    part = target.with_name(f".{target.stem}-{os.getpid()}.safetensors")
    try:
        save_file(separate, part)
        again = load_tensors(part)
        if again.keys() != separate.keys() or not all(
            torch.equal(again[name], value) for name, value in separate.items()
        ):
            raise YamabikoError(f"{target} did not read back as it was written.")
        part.replace(target)
        file_digest(target)  # kept beside it now, so that no line has to wait for it
    finally:
        part.unlink(missing_ok=True)
    return len(separate)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
