"""A program that rewrites a file of ContentVec or RMVPE as safetensors; its arguments are paths.

`weights convert` runs it as a process of its own, as it reads pickles. What training left in the
file stays behind: ContentVec's own shrinks to a third.
"""

from __future__ import annotations

import sys
from pathlib import Path

from realtime.engines.file_digest import file_digest
from realtime.engines.safetensors_file import rewrite_from_arguments, write_verified
from realtime.engines.voice_features.weights import read_state


def main(arguments: list[str]) -> int:
    return rewrite_from_arguments(rewrite, arguments)


def rewrite(source: Path, target: Path) -> int:
    """Write the target and return the number of tensors."""
    count = write_verified(read_state(source), target)
    file_digest(target)  # kept beside it now, so that no request has to wait for it
    return count


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
