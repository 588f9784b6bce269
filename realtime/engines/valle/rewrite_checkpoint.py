"""A program that rewrites one checkpoint as safetensors; its arguments are two paths.

`weights convert` runs it as a process of its own, as it reads pickles.
"""

from __future__ import annotations

import sys
from pathlib import Path

from realtime.engines.file_digest import file_digest
from realtime.engines.safetensors_file import rewrite_from_arguments, write_verified
from realtime.engines.valle.weights import load_tensors


def main(arguments: list[str]) -> int:
    return rewrite_from_arguments(rewrite, arguments)


def rewrite(source: Path, target: Path) -> int:
    """Write the target and return the number of tensors."""
    count = write_verified(load_tensors(source), target)
    file_digest(target)  # kept beside it now, so that no line has to wait for it
    return count


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
