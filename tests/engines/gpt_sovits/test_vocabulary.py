"""Characters get the numbers of BERT's vocabulary, in either of its forms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from realtime.engines.gpt_sovits.vocabulary import MOST_CHARACTERS, load_vocabulary
from realtime.errors import Unavailable, WeightsMissing
from realtime.settings import Settings
from tests.support.valle_files import settings_in

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "你", "好", ",", "…"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def folder(settings: Settings) -> Path:
    folder = settings.models.path / "gpt_sovits" / "chinese-roberta-wwm-ext-large"
    folder.mkdir(parents=True)
    return folder


def write_lines(folder: Path) -> None:
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")


def write_json(folder: Path) -> None:
    table = {"model": {"vocab": {word: number for number, word in enumerate(WORDS)}}}
    (folder / "tokenizer.json").write_text(json.dumps(table), encoding="utf-8")


@pytest.mark.parametrize("write", [write_lines, write_json])
def test_each_character_has_a_number(settings: Settings, folder: Path, write: object) -> None:
    assert callable(write)
    write(folder)
    vocabulary = load_vocabulary(settings)
    assert vocabulary.encode("你好,龘…") == [2, 4, 5, 6, 1, 7, 3]
    assert vocabulary.encode("") == [2, 3]
    assert len(vocabulary.encode("好" * MOST_CHARACTERS)) == 512
    with pytest.raises(ValueError, match="510 fit"):
        vocabulary.encode("好" * (MOST_CHARACTERS + 1))


@pytest.mark.parametrize("content", ["", "[", "[]", '{"model": {"vocab": {"a": 1}}}'])
def test_another_file_is_told(settings: Settings, folder: Path, content: str) -> None:
    (folder / "tokenizer.json").write_text(content, encoding="utf-8")
    with pytest.raises(Unavailable, match=r"tokenizer.json cannot be used: it is no vocabulary"):
        load_vocabulary(settings)


def test_a_missing_file_is_told(settings: Settings) -> None:
    with pytest.raises(WeightsMissing, match=r"vocab.txt"):
        load_vocabulary(settings)
