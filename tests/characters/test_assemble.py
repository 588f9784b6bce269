"""Tests of assembling characters: voices, blends, aliases, engines, and the faults of each."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from realtime.characters import Characters, KokoroVoice
from realtime.characters.assemble import MOST_DEPTH
from realtime.errors import NotFound
from tests.support.character_files import (
    DEFAULTS,
    characters_in,
    random_prompt,
    random_style,
    save_card,
    save_voice,
)


def names(found: Characters) -> list[str]:
    return [character.name for character in found.all()]


def test_a_voice_alone_is_a_character(tmp_path: Path) -> None:
    save_voice(tmp_path, "dawn", style=random_style(1))
    save_voice(tmp_path, "zf_mei", style=random_style(2))
    save_voice(tmp_path, "Hoshi", **random_prompt(code=1))
    found = characters_in(tmp_path)
    dawn, mei, hoshi = found.get("dawn"), found.get("zf_mei"), found.get("Hoshi")
    assert (dawn.engine, dawn.language, dawn.gender) == ("kokoro", "en", "unknown")
    assert (mei.engine, mei.language, mei.gender) == ("kokoro", "zh", "female")
    assert (hoshi.engine, hoshi.language) == ("valle", "ja")
    assert dawn.display_name == "dawn" and dawn.speed == 1.0 and dawn.picture is None
    assert dawn.languages == ("en", "zh", "ja")
    assert not found.broken


def test_native_languages_come_from_the_voice_and_its_card(tmp_path: Path) -> None:
    for name in ("zf_mei", "twins", "mixed"):
        save_voice(tmp_path, name)
    save_voice(tmp_path, "Hoshi", **random_prompt(code=1))
    save_card(tmp_path, "twins", "{language: ja, native: [en, ja]}")
    save_card(tmp_path, "Hoshi", "{native: [zh]}")
    found = characters_in(tmp_path)
    native = {character.name: character.native for character in found.all()}
    assert native == {
        "zf_mei": ("zh",),
        "twins": ("ja", "en"),
        "mixed": ("en",),
        "Hoshi": ("ja", "zh"),
    }


def test_a_card_says_more(tmp_path: Path) -> None:
    save_voice(tmp_path, "dawn")
    (tmp_path / "dawn.png").write_bytes(b"")
    save_card(
        tmp_path,
        "dawn",
        "{display_name: Dawn, language: ja, gender: male, description: D, licence: L, source: S,"
        " speed: 1.5, aliases: [sun], picture: dawn.png, engines: {en: hibari}}",
    )
    dawn = characters_in(tmp_path, engines=["hibari", "kokoro"]).get("dawn")
    assert (dawn.display_name, dawn.language, dawn.gender) == ("Dawn", "ja", "male")
    assert (dawn.description, dawn.licence, dawn.source) == ("D", "L", "S")
    assert (dawn.speed, dawn.aliases) == (1.5, ("sun",))
    assert dawn.picture == tmp_path / "dawn.png"
    assert dict(dawn.engines) == {"en": "hibari"}
    assert hash(dawn)


def test_speed_and_words_are_not_in_the_digest_and_the_voice_is(tmp_path: Path) -> None:
    save_voice(tmp_path, "a", style=random_style(1))
    save_voice(tmp_path, "b", style=random_style(1))
    save_voice(tmp_path, "c", style=random_style(2))
    save_card(tmp_path, "b", "{speed: 2, display_name: B}")
    a, b, c = characters_in(tmp_path).all()
    assert a.digest == b.digest
    assert a.digest != c.digest


def test_a_blend_is_made_of_the_folder_and_of_packages(tmp_path: Path) -> None:
    save_voice(tmp_path, "zf_mei", style=random_style(1))
    save_card(tmp_path, "jf_alpha", "voice: jf_alpha")
    save_card(tmp_path, "half", "voice: {zf_mei: 3, jm_kumo: 1}")
    save_card(tmp_path, "deep", "voice: {half: 1, jf_alpha: 2}")
    found = Characters(tmp_path, DEFAULTS)
    assert not found.broken
    mei, alpha, half, deep = (
        found.get(name).voice for name in ("zf_mei", "jf_alpha", "half", "deep")
    )
    assert isinstance(mei, KokoroVoice) and isinstance(alpha, KokoroVoice)
    assert isinstance(half, KokoroVoice) and isinstance(deep, KokoroVoice)
    assert np.allclose(deep.style, half.style / 3 + alpha.style * 2 / 3, atol=1e-6)
    assert (found.get("half").language, found.get("half").gender) == ("zh", "female")
    assert (found.get("deep").language, found.get("deep").gender) == ("ja", "female")
    with pytest.raises(ValueError, match="read-only"):
        half.style[0, 0] = 1


def test_a_preset_wins_over_a_package_voice_of_its_name(tmp_path: Path) -> None:
    save_voice(tmp_path, "jf_alpha", style=random_style(1))
    save_card(tmp_path, "twin", "voice: jf_alpha")
    found = Characters(tmp_path, DEFAULTS)
    assert found.get("twin").digest == found.get("jf_alpha").digest


def test_one_prompt_can_have_two_characters(tmp_path: Path) -> None:
    save_voice(tmp_path, "hoshi", **random_prompt(code=1))
    save_card(tmp_path, "twin", "{voice: hoshi, display_name: Twin}")
    twin = characters_in(tmp_path).get("twin")
    assert (twin.engine, twin.language) == ("valle", "ja")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("display_name: X", ["no x.npz beside it", "no key voice"]),
        ("voice: nobody", ["no voice 'nobody'", "there are: ann"]),
        ("voice: anm", ["no voice 'anm'", "there are: ann"]),
        ("voice: x", ["no voice 'x'"]),
        ("voice: {ann: 1, hoshi: 1}", ["only Kokoro voices"]),
        ("voice: {ann: 1, bad: 1}", ["bad.npz: its keys are style, two"]),
        ("{voice: ann, engine: valle}", ["engine is 'valle'", "'kokoro'"]),
        ("{voice: ann, engine: hibari}", ["engines: {en: hibari}"]),
        ("{voice: ann, engines: {en: hibarri}}", ["'hibarri'", "hibari, kokoro"]),
        ("{voice: ann, engines: {en: 'valle:nana'}}", ["'valle:nana'", "usable with its voice"]),
        ("{voice: ann, engines: {en: valle}}", ["'valle'", "usable with its voice"]),
        ("{voice: hoshi, language: en}", ["language is 'en'", "'ja'"]),
        ("{voice: ann, speed: 5}", ["speed is 5"]),
    ],
)
def test_a_card_that_cannot_be_used_is_told_and_the_others_work(
    tmp_path: Path, text: str, told: list[str]
) -> None:
    save_voice(tmp_path, "ann")
    save_voice(tmp_path, "hoshi", **random_prompt())
    save_voice(tmp_path, "bad", style=random_style(), two=random_style())
    save_card(tmp_path, "x", text)
    found = characters_in(tmp_path, engines=["hibari", "kokoro"])
    assert names(found) == ["ann", "hoshi"]
    assert set(found.broken) == {"x.yaml", "bad.npz"}
    assert all(part in found.broken["x.yaml"] for part in told), found.broken["x.yaml"]
    with pytest.raises(NotFound, match="'x' cannot be used: x.yaml: "):
        found.get("x")


def test_circles_are_told_with_their_way(tmp_path: Path) -> None:
    save_card(tmp_path, "a", "voice: b")
    save_card(tmp_path, "b", "voice: {c: 1, a: 1}")
    save_card(tmp_path, "c", "voice: a")
    found = characters_in(tmp_path)
    assert names(found) == []
    assert set(found.broken) == {"a.yaml", "b.yaml", "c.yaml"}
    assert "circle: a > b > c > a" in found.broken["a.yaml"]


@pytest.mark.parametrize("order", [1, -1])
def test_blends_of_blends_have_a_bottom_whatever_their_order(tmp_path: Path, order: int) -> None:
    links = [f"l{number:03}" for number in range(300)][::order]
    save_voice(tmp_path, links[0])
    for below, link in zip(links, links[1:], strict=False):
        save_card(tmp_path, link, f"voice: {below}")
    found = characters_in(tmp_path)
    assert sorted(names(found)) == sorted(links[: MOST_DEPTH + 1])
    assert f"over {MOST_DEPTH} deep" in found.broken[f"{links[MOST_DEPTH + 1]}.yaml"]


def test_a_voice_that_is_both_held_and_named_is_refused(tmp_path: Path) -> None:
    save_voice(tmp_path, "ann")
    save_voice(tmp_path, "ben")
    save_card(tmp_path, "ben", "voice: ann")
    found = characters_in(tmp_path)
    assert names(found) == ["ann"]
    assert found.broken == {"ben.yaml": "it names a voice, and ben.npz holds one"}


def test_an_alias_belongs_to_one(tmp_path: Path) -> None:
    for number, name in enumerate(("ann", "ben", "cleo")):
        save_voice(tmp_path, name, style=random_style(number))
    save_card(tmp_path, "ann", "aliases: [nova, cleo]")
    save_card(tmp_path, "ben", "aliases: [nova, echo]")
    save_card(tmp_path, "cleo", "aliases: [cleo, Fable]")
    found = characters_in(tmp_path)
    assert [found.get(name).name for name in ("nova", "echo", "cleo", "Fable")] == [
        "ann",
        "ben",
        "cleo",
        "cleo",
    ]
    assert [character.aliases for character in found.all()] == [("nova",), ("echo",), ("Fable",)]
    assert set(found.broken) == {"ann.yaml", "ben.yaml", "cleo.yaml"}
    assert "'cleo' is taken by 'cleo'" in found.broken["ann.yaml"]
    assert "'nova' is taken by 'ann'" in found.broken["ben.yaml"]


def test_an_alias_cannot_take_the_place_of_a_broken_character(tmp_path: Path) -> None:
    save_voice(tmp_path, "ann")
    save_card(tmp_path, "ann", "aliases: [ben]")
    (tmp_path / "ben.npz").write_bytes(b"half a file")
    found = characters_in(tmp_path)
    with pytest.raises(NotFound, match="'ben' cannot be used: ben.npz: it is no npz file"):
        found.get("ben")
    assert set(found.broken) == {"ann.yaml", "ben.npz"}


def test_a_missing_picture_costs_only_the_picture(tmp_path: Path) -> None:
    save_voice(tmp_path, "ann")
    save_card(tmp_path, "ann", "{picture: ann.png, aliases: [ann]}")
    found = characters_in(tmp_path)
    assert found.get("ann").picture is None
    assert "'ann.png'" in found.broken["ann.yaml"] and "aliases" in found.broken["ann.yaml"]


def test_files_whose_names_are_no_names_are_told(tmp_path: Path) -> None:
    save_voice(tmp_path, "ann")
    for name in ("a..b.npz", "a%.yaml", " a.npz", "a\n.npz", "ben.yml"):
        (tmp_path / name).write_bytes(b"")
    with open(os.fsencode(tmp_path) + b"/\xff.npz", "wb"):
        found = characters_in(tmp_path)
    assert names(found) == ["ann"]
    assert set(found.broken) == {
        "a..b.npz",
        "a%.yaml",
        " a.npz",
        "a\\n.npz",
        "ben.yml",
        "\\udcff.npz",
    }
    assert "ends with .yaml" in found.broken["ben.yml"]
    assert "letters, digits" in found.broken["a..b.npz"]


def test_one_name_in_two_forms_is_one_character(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Zoé") for form in ("NFC", "NFD"))
    save_voice(tmp_path, decomposed, style=random_style(1))
    save_card(tmp_path, composed, "display_name: Z")
    found = characters_in(tmp_path)
    assert found.get(decomposed) is found.get(composed)
    assert found.get(composed).display_name == "Z"
    save_voice(tmp_path, composed, style=random_style(2))
    again = characters_in(tmp_path)
    assert names(again) == [composed] and len(again.broken) == 1


def test_a_model_of_an_engine_may_be_brought_later(tmp_path: Path) -> None:
    save_voice(tmp_path, "ann")
    save_card(tmp_path, "ann", "engines: {en: 'hibari:nana'}")
    found = Characters(tmp_path, DEFAULTS, ("hibari",))
    assert dict(found.get("ann").engines) == {"en": "hibari:nana"}


def test_an_engine_is_not_questioned_where_none_is_known(tmp_path: Path) -> None:
    save_voice(tmp_path, "ann")
    save_card(tmp_path, "ann", "engines: {en: later}")
    assert dict(characters_in(tmp_path).get("ann").engines) == {"en": "later"}
