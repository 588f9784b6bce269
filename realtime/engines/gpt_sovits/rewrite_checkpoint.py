"""A program that rewrites a file of GPT-SoVITS as safetensors; its arguments are two paths.

`weights convert` runs it as a process of its own, as it reads pickles.
"""

from __future__ import annotations

import sys
from pathlib import Path

from realtime.engines.file_digest import file_digest
from realtime.engines.gpt_sovits.checkpoints import read_checkpoint, read_tensors
from realtime.engines.gpt_sovits.weights import BERT, HUBERT, SPEAKER
from realtime.engines.safetensors_file import rewrite_from_arguments, write_verified

TENSORS_ALONE = {Path(file.name).name for file in (HUBERT, BERT, SPEAKER)}


def main(arguments: list[str]) -> int:
    return rewrite_from_arguments(rewrite, arguments)


def rewrite(source: Path, target: Path) -> int:
    """Write the target with all that the source says, and return the number of tensors."""
    if source.name in TENSORS_ALONE:
        count = write_verified(read_tensors(source), target)
    else:
        checkpoint = read_checkpoint(source)
        count = write_verified(checkpoint.weight, target, checkpoint.metadata)
    file_digest(target)  # kept beside it now, so that no line has to wait for it
    return count


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
