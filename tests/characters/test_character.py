"""Tests of finding a character: by name, by alias, in other case where only one fits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.characters import Characters
from realtime.characters.names import valid_name
from realtime.errors import BadRequest, NotFound
from tests.support.character_files import characters_in, save_card, save_voice


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Characters]:
    folder = tmp_path_factory.mktemp("presets")
    for name in ("ann", "Ben", "ben", "Straße", "Y'shtola-Finetuned"):
        save_voice(folder, name)
    save_card(folder, "ann", "aliases: [Nova, BEN]")
    yield characters_in(folder)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("ann", "ann"),
        ("ANN", "ann"),
        ("Nova", "ann"),
        ("nova", "ann"),
        ("Ben", "Ben"),
        ("ben", "ben"),
        ("BEN", "ann"),
        ("STRASSE", "Straße"),
        ("y'shtola-finetuned", "Y'shtola-Finetuned"),
    ],
)
def test_exact_names_win_over_others(found: Characters, asked: str, name: str) -> None:
    assert found.get(asked).name == name


def test_doubt_is_told_with_who_it_could_be(found: Characters) -> None:
    with pytest.raises(NotFound) as missing:
        found.get("bEN")
    assert missing.value.code == "character_not_found"
    assert "near it: Ben, ann, ben" in missing.value.message


def test_who_is_missing_is_told_with_who_is_near(found: Characters) -> None:
    with pytest.raises(NotFound, match="near it: Nova"):
        found.get("novva")
    with pytest.raises(NotFound, match="there are: Ben, Straße, Y'shtola-Finetuned, ann, ben"):
        found.get("zzzzzzzz")


def test_an_empty_folder_says_that_it_is(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="none at all"):
        characters_in(tmp_path).get("ann")


@given(st.text(max_size=70))
def test_any_name_is_found_or_refused(found: Characters, name: str) -> None:
    try:
        assert found.get(name).name in {character.name for character in found.all()}
    except NotFound:
        assert valid_name(name)
    except BadRequest as refused:
        assert not valid_name(name) and refused.code == "bad_character_name"
