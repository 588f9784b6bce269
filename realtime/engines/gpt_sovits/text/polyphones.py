"""Readings of Chinese characters that have several, by the G2PW network in its published folder.

Optional: without the folder pypinyin reads by words. The network sees the characters around, in
their traditional forms, as it was trained.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from realtime.engines.gpt_sovits.vocabulary import Vocabulary, load_vocabulary
from realtime.engines.gpt_sovits.weights import ENGINE
from realtime.engines.onnx_session import open_session
from realtime.engines.torch_file import unusable
from realtime.errors import WeightsMissing
from realtime.settings import Settings

FOLDER = "G2PWModel"
CHARACTERS, SYLLABLES = "POLYPHONIC_CHARS.txt", "bopomofo_to_pinyin_wo_tune_dict.json"
NETWORKS = ("g2pW.onnx", "g2pw.onnx")  # both spellings are about
CONFIG = "config.py"
MOST_BYTES = 4 << 20  # of a table; the published ones have some 10,000
CONTEXT = 16  # characters before the first and after the last one that is asked for
# Characters that the network reads worse than pypinyin and the rules of tones, as is known of it.
_NOT_ASKED = frozenset("一不和咋嗲剖差攢倒難奔勁拗肖瘙誒泊听噢")


@dataclass(frozen=True)
class ReadingTable:
    """The readings between which the network chooses, in the order of its outputs."""

    labels: tuple[str, ...]  # in pinyin, with the tone
    choices: Mapping[str, tuple[int, ...]]  # the labels of each character
    masked: bool  # whether the network is told which labels a character has

    @property
    def characters(self) -> tuple[str, ...]:
        """Return the characters in the order of their numbers."""
        return tuple(sorted(self.choices))


class Polyphones:
    """A network that chooses the readings of characters by what is around them."""

    def __init__(self, session: Any, table: ReadingTable, vocabulary: Vocabulary) -> None:
        self._session = session
        self._table = table
        self._vocabulary = vocabulary
        self._numbers = {character: number for number, character in enumerate(table.characters)}

    def __call__(self, sentence: str) -> list[str | None]:
        """Return the pinyin of each character with several readings, None for all others."""
        written = _traditional(sentence)
        if len(written) != len(sentence):
            written = sentence
        asked = [
            place
            for place, character in enumerate(written)
            if character in self._numbers and character not in _NOT_ASKED
        ]
        found: list[str | None] = [None] * len(sentence)
        if asked:
            start = max(0, asked[0] - CONTEXT)
            text = written[start : asked[-1] + CONTEXT + 1]
            for place, label in zip(asked, self._choose(text, start, asked), strict=True):
                found[place] = self._table.labels[label]
        return found

    def _choose(self, text: str, start: int, asked: Sequence[int]) -> list[int]:
        """Return the number of the best label for each place that is asked for."""
        ids = np.array([self._vocabulary.encode(text.lower())], np.int64)
        characters = [text[place - start] for place in asked]
        mask = np.ones((len(asked), len(self._table.labels)), np.float32)
        if self._table.masked:
            mask[:] = 0
            for row, character in zip(mask, characters, strict=True):
                row[list(self._table.choices[character])] = 1
        inputs = {
            "input_ids": ids,
            "token_type_ids": np.zeros_like(ids),
            "attention_mask": np.ones_like(ids),
            "phoneme_mask": mask,
            "char_ids": np.array([self._numbers[character] for character in characters], np.int64),
            "position_ids": np.array([place - start + 1 for place in asked], np.int64),
        }
        best: list[int] = np.argmax(self._session.run(None, inputs)[0], axis=1).tolist()
        return best


def polyphones_folder(settings: Settings) -> Path | None:
    """Return the folder of the network; None where nobody has brought it."""
    folder = settings.models.path / ENGINE / FOLDER
    return folder if folder.is_dir() else None


def find_polyphones(settings: Settings) -> Polyphones | None:
    """Load the network from its place among the models, if it is there."""
    folder = polyphones_folder(settings)
    return None if folder is None else load_polyphones(folder, load_vocabulary(settings))


def load_polyphones(folder: Path, vocabulary: Vocabulary) -> Polyphones:
    """Load the network of a folder; its `config.py` is read and never run."""
    network = next((folder / name for name in NETWORKS if (folder / name).is_file()), None)
    if network is None or not all((folder / name).is_file() for name in (CHARACTERS, SYLLABLES)):
        raise WeightsMissing(
            f"The G2PW model in {folder} is not whole.",
            hint=f"It needs {NETWORKS[0]}, {CHARACTERS} and {SYLLABLES}.",
        )
    table = _read_table(folder)
    try:
        session = open_session(network, threads=0)
    except Exception as error:  # onnxruntime raises types of its own, which have no base
        raise unusable(network, "it is no network of G2PW") from error
    return Polyphones(session, table, vocabulary)


def _read_table(folder: Path) -> ReadingTable:
    masked, with_character = _read_config(folder / CONFIG)
    try:
        syllables = json.loads(_text(folder / SYLLABLES))
        rows = [line.split("\t") for line in _text(folder / CHARACTERS).strip().splitlines()]
        names = {(c, s): f"{c} {s}" if with_character else s for c, s in rows}
        labels = sorted(set(names.values()))
        numbers = {label: number for number, label in enumerate(labels)}
        choices: dict[str, tuple[int, ...]] = {}
        for (character, _), name in names.items():
            choices[character] = (*choices.get(character, ()), numbers[name])
        pinyin = tuple(_to_pinyin(label.rpartition(" ")[2], syllables) for label in labels)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise unusable(folder / CHARACTERS, "its readings cannot be read") from error
    return ReadingTable(pinyin, choices, masked)


def _to_pinyin(bopomofo: str, syllables: Mapping[str, str]) -> str:
    return syllables[bopomofo[:-1]].replace("ü", "v") + bopomofo[-1]


def _read_config(path: Path) -> tuple[bool, bool]:
    """Return two values of the configuration, which is a Python file: it is parsed, not run."""
    values = {"use_mask": True, "use_char_phoneme": False}
    try:
        tree = ast.parse(_text(path)) if path.is_file() else ast.Module([], [])
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise unusable(path, "it is no configuration of G2PW") from error
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id in values:
                    values[target.id] = bool(node.value.value)
    return values["use_mask"], values["use_char_phoneme"]


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(MOST_BYTES).decode()


def _traditional(text: str) -> str:
    converted: str = _converter().convert(text)
    return converted


@cache
def _converter() -> Any:
    from opencc import OpenCC

    return OpenCC("s2tw")
