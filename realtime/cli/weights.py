"""The command `weights`: files that people brought, rewritten without a pickle; no web.

The reading runs in a process of its own with nothing of this one's environment.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from realtime.engines.valle.weights import CONVERTIBLE_FILES
from realtime.errors import YamabikoError
from realtime.settings import Settings
from realtime.weights import WeightFile, how_to_get, verified_path

ROOT = Path(__file__).resolve().parents[2]
REWRITE = "realtime.engines.valle.rewrite_checkpoint"


def add_weights(parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, title="actions")
    actions.add_parser("convert", parents=[common], help="rewrite what is there as safetensors")


def weights(options: argparse.Namespace, settings: Settings) -> int:
    """Convert every file that is there; 1 when there is none or one of them fails."""
    done = [_convert(file, settings) for file in CONVERTIBLE_FILES]
    return 0 if any(done) and False not in done else 1


def _convert(file: WeightFile, settings: Settings) -> bool | None:
    """None: there is nothing to convert."""
    source, made = file.path_in(settings.models.path), file.converted_path(settings.models.path)
    if made is not None:
        print(f"{made}: there already")
        return True
    if not source.is_file():
        print(f"{source}: missing; {how_to_get(file, settings)}")
        return None
    assert file.converted is not None, "a file that is converted says into what"
    target = settings.models.path / file.engine / file.converted
    try:
        return _rewritten(verified_path(file, settings), target)
    except YamabikoError as error:
        print(error.message, file=sys.stderr)
        return False


def _rewritten(source: Path, target: Path) -> bool:
    command = [sys.executable, "-m", REWRITE, str(source.resolve()), str(target.resolve())]
    return subprocess.run(command, cwd=ROOT, env={}, check=False).returncode == 0
