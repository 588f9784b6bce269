"""Tests of docs/gpt_sovits.md: its keys, options, settings and messages are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.gpt_sovits import read_options
from realtime.characters.gpt_sovits_voice import (
    CLIP_READERS,
    LANGUAGES,
    MOST_MORE,
    MOST_STYLES,
    MOST_TEXT,
    NUMBERS,
    READERS,
    GptSovitsCard,
)
from realtime.characters.yaml_card import read_card
from realtime.engines.gpt_sovits import weights
from realtime.engines.gpt_sovits.options import FIRST_CODES, OPTIONS, OVERLAP
from realtime.engines.gpt_sovits.options import STEPS as STEPS_OPTION
from realtime.engines.gpt_sovits.reference import LEAST_SECONDS, MOST_SECONDS
from realtime.engines.gpt_sovits.sounding import STEPS
from realtime.engines.options import ChoiceOption, NumberOption, WholeOption
from realtime.settings import all_settings
from realtime.vocoders.checkpoints import FILES

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "gpt_sovits.md").read_text(encoding="utf-8")


def rows(name: str) -> list[list[str]]:
    """Return the cells of a marked table, without its head."""
    part = TEXT.partition(f"<!-- {name} -->")[2].partition(f"<!-- /{name} -->")[0]
    lines = [line.strip().strip("|").split("|") for line in part.strip().splitlines()]
    return [[cell.strip() for cell in line] for line in lines[2:]]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_keys_of_the_card_are_the_keys() -> None:
    table = rows("card")
    assert {name for row in table for name in names(row[0])} == set(READERS)
    about = {row[0]: " ".join(row[1:]) for row in table}
    assert all(f"`{language}`" in about["`language`"] for language in LANGUAGES)
    assert f"up to {MOST_TEXT} characters" in about["`text`"]
    assert f"up to {MOST_MORE} more clips" in about["`more`"]
    assert f"up to {MOST_STYLES} names" in about["`styles`"]
    assert all(f"`{name}`" in about["`styles`"] for name in CLIP_READERS)
    assert f"{LEAST_SECONDS:g} to {MOST_SECONDS:g} seconds" in about["`reference`"]
    for name in ("speed", "sample_steps"):
        least, most, _ = NUMBERS[name]
        assert f"{least:g} to {most:g}" in about[f"`{name}`"]
    assert f"{STEPS['v3']} for v3, {STEPS['v4']} for v4" in about["`sample_steps`"]


def test_the_card_is_a_card() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    voice = read_card(example.encode()).model_voice
    assert isinstance(voice, GptSovitsCard)
    assert set(voice.numbers) == set(NUMBERS), "the example shows every number"
    assert len(voice.clips) == 4


def test_the_options_are_the_options() -> None:
    table = {names(row[0])[0]: row for row in rows("options")}
    assert list(table) == [option.name for option in OPTIONS]
    for option in OPTIONS:
        _, values, default, _ = table[option.name]
        if isinstance(option, ChoiceOption):
            ends = [f"`{option.choices[0]}`", f"`{option.choices[-1]}`"]
            assert values == " to ".join(ends) and names(default) == [option.default]
        if not isinstance(option, NumberOption | WholeOption):
            continue
        assert values == f"{option.least:g} to {option.most:g}", option.name
        if option.name in (FIRST_CODES, OVERLAP):
            (setting,) = (each for each in all_settings() if each.name in names(default))
            assert setting.default == option.default
        elif option.name == STEPS_OPTION:
            assert default == "the card's"
        else:
            assert float(default) == option.default


def test_the_settings_are_settings_and_none_of_the_engine_s_is_left_out() -> None:
    known = {setting.name for setting in all_settings()}
    told = [name for row in rows("settings") for name in names(row[0])]
    assert set(told) <= known
    assert {name for name in known if name.startswith("gpt_sovits.")} <= set(told)
    everywhere = set(re.findall(r"`((?:gpt_sovits|vocoder)\.\w+)`", TEXT))
    assert everywhere <= known | {"vocoder.pth"}


def test_the_messages_are_those_of_the_code() -> None:
    folder = ROOT / "realtime" / "engines" / "gpt_sovits"
    code = " ".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    code = re.sub(r'"\s*\n\s*f?"', "", code)
    brought = [*weights.BASES.values(), weights.HUBERT, weights.BERT, weights.SPEAKER]
    needed = {f"needs {file.name}" for file in brought}
    needed |= {f"needs {FILES[name][0].name}" for name in FILES}
    told = [message for row in rows("troubles") for message in names(row[0])]
    assert needed <= set(told), "every file that may be missing is there"
    assert [each for each in told if each not in needed and each not in code] == []


def test_its_commands_are_commands_of_the_benchmark() -> None:
    commands = re.findall(r"python -m benchmarks\.gpt_sovits ([^\n`]+)", TEXT)
    assert len(commands) > 4
    for command in commands:
        read_options(command.split())


@pytest.mark.parametrize("name", ["gpt_sovits_api.md", "characters.md"])
def test_it_is_found_from_its_neighbours(name: str) -> None:
    assert "(gpt_sovits.md)" in (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert f"({name}" in TEXT
    assert "(docs/gpt_sovits.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
