"""Prompts are written to files and read again, with the language numbers of file and model."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from realtime.characters import Characters
from realtime.characters.bounded_file import BadVoice
from realtime.engines.valle.presets import Prompt, get_prompt, pack_prompt
from realtime.engines.valle.text import decode, encode
from realtime.errors import BadRequest
from tests.support.character_files import characters_in, random_prompt, save_voice


def make_prompt(
    language: str = "ja", frames: int = 30, ids: tuple[int, ...] = (5, 20, 69)
) -> Prompt:
    codes = np.random.default_rng(frames).integers(0, 1024, (frames, 8))
    return Prompt(codes, ids, language)


def characters_with(folder: Path, name: str, prompt: Prompt) -> Characters:
    """Write a prompt into a folder and return the folder's characters."""
    (folder / f"{name}.npz").write_bytes(pack_prompt(prompt))
    return characters_in(folder)


@pytest.mark.parametrize(("language", "code", "number"), [("zh", 0, 1), ("ja", 1, 2), ("en", 2, 0)])
def test_files_and_the_model_number_languages_differently(
    tmp_path: Path, language: str, code: int, number: int
) -> None:
    one = make_prompt(language)
    character = characters_with(tmp_path, "Kai", one).get("Kai")
    again = get_prompt(character)
    with np.load(tmp_path / "Kai.npz", allow_pickle=False) as file:
        assert int(file["lang_code"]) == code
    assert again.language == character.language == language
    assert again.language_id == number
    assert again.ids == one.ids and np.array_equal(again.codes, one.codes)


def test_a_prompt_makes_a_character_of_its_engine(tmp_path: Path) -> None:
    character = characters_with(tmp_path, "Y'shtola-Finetuned", make_prompt()).get(
        "Y'shtola-Finetuned"
    )
    assert character.engine == "valle" and character.languages == ("en", "zh", "ja")


def test_the_keys_and_types_are_the_published_ones() -> None:
    with np.load(io.BytesIO(pack_prompt(make_prompt(frames=12))), allow_pickle=False) as file:
        types = {key: (str(file[key].dtype), file[key].shape) for key in file.files}
    assert types == {
        "audio_tokens": ("int64", (1, 12, 8)),
        "text_tokens": ("int64", (1, 3)),
        "lang_code": ("int64", ()),
    }


@pytest.mark.slow
def test_a_prompt_tells_what_it_says(tmp_path: Path) -> None:
    text = encode("你好。", "zh")
    character = characters_with(tmp_path, "Kai", make_prompt("zh", ids=text.ids)).get("Kai")
    assert decode(get_prompt(character).ids) == "ni↓↑xɑʊ↓↑."


@pytest.mark.parametrize(
    "one",
    [make_prompt(frames=1126), make_prompt(ids=()), make_prompt(ids=(4,)), make_prompt(ids=(70,))],
    ids=["too long", "says nothing", "id too small", "id too large"],
)
def test_what_would_not_be_read_is_not_written(one: Prompt) -> None:
    with pytest.raises(BadVoice):
        pack_prompt(one)


def test_a_bad_file_is_named_and_breaks_nobody_else(tmp_path: Path) -> None:
    for name, stored in {
        "long": random_prompt(1126),
        "wild": {**random_prompt(), "audio_tokens": np.full((1, 9, 8), 1024)},
        "short": {key: value for key, value in random_prompt().items() if key != "lang_code"},
    }.items():
        save_voice(tmp_path, name, **stored)
    characters = characters_with(tmp_path, "Kai", make_prompt())
    assert [one.name for one in characters.all()] == ["Kai"]
    assert set(characters.broken) == {"long.npz", "wild.npz", "short.npz"}
    assert "1125" in characters.broken["long.npz"] and "1023" in characters.broken["wild.npz"]


def test_another_kind_of_voice_is_refused(tmp_path: Path) -> None:
    save_voice(tmp_path, "ann")
    with pytest.raises(BadRequest, match="no VALL-E X prompt"):
        get_prompt(characters_in(tmp_path).get("ann"))
