"""The command `weights`: checkpoints that people brought, rewritten as safetensors.

A checkpoint may hold a hostile pickle: a process of its own, with an empty environment, reads it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from realtime import blocks
from realtime.cli.options import add_settings_options, settings_of
from realtime.engines.gpt_sovits import weights as gpt_sovits
from realtime.engines.valle import weights as valle
from realtime.engines.voice_features import weights as voice_features
from realtime.errors import YamabikoError
from realtime.settings import Settings
from realtime.weights import WeightFile, how_to_get, verified_path

ROOT = Path(__file__).resolve().parents[2]
REWRITE = "realtime.engines.{package}.rewrite_checkpoint"
PACKAGES = dict.fromkeys(voice_features.BROUGHT_ENGINES, "voice_features")  # else: as the engine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, title="actions")
    convert = actions.add_parser("convert", help="rewrite what is there as safetensors")
    add_settings_options(convert)


def run(options: argparse.Namespace) -> int:
    return weights(options, settings_of(options))


def weights(options: argparse.Namespace, settings: Settings) -> int:
    """Convert every file that is there; 1 when there is none or one of them fails."""
    files = [*valle.CONVERTIBLE_FILES]
    for engine in (gpt_sovits, voice_features):
        files += engine.convertible_files(settings)
    results = [_convert(file, settings) for file in files]
    succeeded, failed = True in results, False in results
    return 0 if succeeded and not failed else 1


def _convert(file: WeightFile, settings: Settings) -> bool | None:
    """Convert one file; return whether it worked, None when the file is missing."""
    source = file.path_in(settings.models.path)
    if (converted := file.converted_path(settings.models.path)) is not None:
        print(f"{converted}: there already")
        return True
    if not source.is_file():
        print(f"{source}: missing; {how_to_get(file, settings)}")
        return None
    assert file.converted is not None, "a file that is converted says into what"
    blocks.require_block(blocks.TORCH, "Rewriting checkpoints")
    target = settings.models.path / file.engine / file.converted
    try:
        return _rewrite(file, verified_path(file, settings), target)
    except YamabikoError as error:
        print(error.message, file=sys.stderr)
        return False


def _rewrite(file: WeightFile, source: Path, target: Path) -> bool:
    program = REWRITE.format(package=PACKAGES.get(file.engine, file.engine))
    command = [sys.executable, "-m", program, str(source.resolve()), str(target.resolve())]
    return subprocess.run(command, cwd=ROOT, env={}, check=False).returncode == 0
