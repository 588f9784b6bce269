"""The choice of the weights with which a new character of GPT-SoVITS speaks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from realtime.engines.gpt_sovits.engine import FILES, GptSovits
from realtime.engines.gpt_sovits.pairs import Pair, find_files, find_pair, find_pairs
from realtime.engines.gpt_sovits.weights import CONVERTED, ENGINE
from realtime.engines.several_models import unknown_model
from realtime.errors import BadRequest, shortlist
from realtime.settings import Settings

Part = Literal["gpt", "sovits"]
PARTS: tuple[Part, Part] = ("gpt", "sovits")


@dataclass(frozen=True)
class PairNames:
    """The weights as a request names them: by two paths inside the folder, or by a model's name."""

    gpt: str = ""
    sovits: str = ""
    model: str = ""

    def __bool__(self) -> bool:
        return bool(self.gpt or self.sovits or self.model)


def choose_pair(names: PairNames, settings: Settings) -> Pair:
    """Return the pair that a request names; without a name the only one there is."""
    if names.model and (names.gpt or names.sovits):
        raise BadRequest("Weights are named twice: by model, and by gpt and sovits.", field="model")
    if names.gpt or names.sovits:
        return _pair_of_files(names, settings)
    pairs = find_pairs(settings)
    if not names.model:
        if len(pairs) != 1:
            GptSovits(settings).check_files()  # it tells which there are, or where to put one
        return pairs[0]
    found = find_pair(names.model, settings)
    if found is None:
        raise unknown_model(ENGINE, names.model, [pair.name for pair in pairs], FILES)
    return found


def _pair_of_files(names: PairNames, settings: Settings) -> Pair:
    if not (names.gpt and names.sovits):
        missing = "sovits" if names.gpt else "gpt"
        raise BadRequest(f"A pair of files is needed, and {missing} is not named.", field=missing)
    pair = Pair(
        listed_file(names.gpt, "gpt", settings), listed_file(names.sovits, "sovits", settings)
    )
    find_pair(pair.name, settings)  # refuses names by which the engine would find other files
    return pair


def listed_file(path: str, part: Part, settings: Settings) -> Path:
    """Look a path up in the list of files: it is never opened, so it can lead nowhere else."""
    folder = settings.models.path / ENGINE
    listed = find_files(settings)[PARTS.index(part)]
    there = {file.relative_to(folder).as_posix(): file for file in listed}
    for name in (path, path + CONVERTED):
        if name in there:
            return there[name]
    raise BadRequest(
        f"There is no such {part} file in models/{ENGINE}: {path[:100]!r}; there are: "
        f"{shortlist(sorted(there)) or 'none'}.",
        code="unknown_model",
        field=part,
    )
