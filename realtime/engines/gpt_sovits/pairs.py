"""Pairs of files that are one model: a GPT file and a SoVITS file, found by their names.

A pair's name is that of both files without folders and endings. Nothing is read but the first part
of a SoVITS file, which shows the rate of its sound.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from realtime.characters.gpt_sovits_voice import model_name
from realtime.engines.gpt_sovits.checkpoints import START
from realtime.engines.gpt_sovits.versions import HEADS, PUBLISHED, VERSIONS
from realtime.engines.gpt_sovits.weights import CONVERTED, all_files
from realtime.engines.torch_file import unusable
from realtime.settings import Settings

GPT_ENDINGS = (".ckpt", ".ckpt" + CONVERTED)
SOVITS_ENDINGS = (".pth", ".pth" + CONVERTED)
JOIN = "+"  # between the names of two files
PEEKED = 1 << 20  # bytes of a file, in which the names of its tensors stand
FLOW_MATCHING = b"cfm."  # how the names of tensors begin that only v3 and v4 have
CONVERTED_HEAD = re.compile(rb'"head":\s*"(..)"')
TRAINED = re.compile(r"(.+)[-_]e(\d+)(?:_s\d+)?(?:_l\d+)?\.")  # nana-e15.ckpt, nana_e8_s96.pth
VERSION_IN_CONFIG = re.compile(rb"version.{1,12}?(v[34])", re.DOTALL)
VERSION_IN_PATH = re.compile(r"v[34](?![0-9])", re.IGNORECASE)


@dataclass(frozen=True)
class Pair:
    """The two files of a model."""

    gpt: Path
    sovits: Path

    @property
    def name(self) -> str:
        return model_name(self.gpt.name, self.sovits.name)

    @property
    def is_there(self) -> bool:
        return self.gpt.is_file() and self.sovits.is_file()

    @property
    def stated(self) -> str | None:
        """Return v3 or v4 where the SoVITS file's path says one: as files of them look alike."""
        found = VERSION_IN_PATH.findall(f"{self.sovits.parent.name}/{self.sovits.name}")
        return found[-1].lower() if found else None


def find_pairs(settings: Settings) -> list[Pair]:
    """List the pairs that belong together: alone in a folder, or by the name of their training."""
    pairs = {pair.name: pair for pair in (*_trained_pairs(settings), *_lone_pairs(settings))}
    return [pairs[name] for name in sorted(pairs)]


def _lone_pairs(settings: Settings) -> list[Pair]:
    """List the pairs that lie alone in a folder: one GPT file and one SoVITS file."""
    folders: dict[Path, tuple[list[Path], list[Path]]] = defaultdict(lambda: ([], []))
    gpts, sovits = find_files(settings)
    for number, paths in enumerate((gpts, sovits)):
        for path in paths:
            folders[path.parent][number].append(path)
    return [Pair(*sum(found, [])) for found in folders.values() if [*map(len, found)] == [1, 1]]


def _trained_pairs(settings: Settings) -> list[Pair]:
    """List the longest trained files of each training, wherever they lie.

    The makers' program names them so, and keeps the two kinds in folders of their own.
    """
    gpts, sovits = (_longest_trained(paths) for paths in find_files(settings))
    return [Pair(gpts[name], sovits[name]) for name in gpts if name in sovits]


def _longest_trained(paths: Iterable[Path]) -> dict[str, Path]:
    """Map the names of trainings to their file of most epochs."""
    found: dict[str, tuple[int, Path]] = {}
    for path in paths:
        if (named := TRAINED.match(path.name)) is not None:
            name, epochs = named[1], int(named[2])
            found[name] = max(found.get(name, (0, path)), (epochs, path))
    return {name: path for name, (_, path) in found.items()}


def find_pair(name: str, settings: Settings) -> Pair | None:
    """Find the files of a pair's name; two files of one name in two folders are refused."""
    gpts, sovits = (_by_stem(paths) for paths in find_files(settings))
    for first, second in _halves(name):
        if first in gpts and second in sovits:
            return Pair(_only(gpts[first]), _only(sovits[second]))
    return None


def output_rate(pair: Pair) -> int:
    """Return the rate of a pair's sound, from the beginning of its SoVITS file."""
    try:
        with pair.sovits.open("rb") as file:
            start = file.read(PEEKED)
    except OSError:
        start = b""
    if FLOW_MATCHING not in start:
        return VERSIONS["v2"].rate
    converted = CONVERTED_HEAD.search(start)
    head = (converted[1] if converted else start[:2]).decode("latin-1")
    digest = hashlib.md5(start[:START], usedforsecurity=False).hexdigest()
    said = VERSION_IN_CONFIG.search(start)
    stated = said[1].decode() if said else pair.stated
    return VERSIONS[HEADS.get(head) or PUBLISHED.get(digest) or stated or "v3"].rate


def find_files(settings: Settings) -> tuple[list[Path], list[Path]]:
    """List GPT files and SoVITS files; the converted form of a file stands for it."""
    paths = set(all_files(settings))
    converted = {path for path in paths if path.name.endswith(CONVERTED)}
    kept = sorted(paths - {path.with_name(path.name.removesuffix(CONVERTED)) for path in converted})
    gpts = [path for path in kept if path.name.endswith(GPT_ENDINGS)]
    return gpts, [path for path in kept if path.name.endswith(SOVITS_ENDINGS)]


def _by_stem(paths: Iterable[Path]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in paths:
        found.setdefault(model_name(path.name, path.name), []).append(path)
    return found


def _halves(name: str) -> list[tuple[str, str]]:
    """Return all ways to read a name: as that of both files, or cut at a sign of joining."""
    cuts = [place for place, letter in enumerate(name) if letter == JOIN]
    return [(name, name), *((name[:place], name[place + 1 :]) for place in cuts)]


def _only(paths: list[Path]) -> Path:
    if len(paths) > 1:
        raise unusable(paths[1], f"{paths[0]} has the same name, so nobody knows which is meant")
    return paths[0]
