"""The path of a reference clip names who speaks, and no file is opened for it."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from realtime.services import Services
from realtime.web.compat.gpt_sovits.chosen import ChosenVoice
from realtime.web.compat.gpt_sovits.speakers import (
    Speaker,
    clip_names,
    find_speaker,
    find_voice,
)
from tests.support.documented_client import services_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("path", "stem", "last"),
    [
        ("af_heart.wav", "af_heart", "af_heart.wav"),
        ("D:\\clips\\af_heart.wav", "af_heart", "af_heart.wav"),
        ("./参考音频/af_heart.wav", "af_heart", "af_heart.wav"),
        ("/a/b.c/Y'shtola", "Y'shtola", "Y'shtola"),
        ("a/v1.5.wav", "v1.5", "v1.5.wav"),
        ("a/.wav", ".wav", ".wav"),
        ("a/", "", ""),
    ],
)
def test_the_name_of_a_clip(path: str, stem: str, last: str) -> None:
    assert clip_names(path) == (stem, last)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("clips/zf_xiaoxiao.wav", "zf_xiaoxiao"),
        ("clips/ZF_XIAOXIAO.WAV", "zf_xiaoxiao"),
        ("tuned-alias.mp3", "tuned"),
        ("tuned", "tuned"),
        ("C:\\reference_01.wav", "jf_alpha"),  # by the setting
        ("clips/somebody_else.wav", None),
        ("../../etc/passwd", None),
        ("a/..", None),
        ("\ud800", None),
    ],
)
async def test_a_clip_stands_for_a_character(bot: TestClient, path: str, name: str | None) -> None:
    services: Services = services_of(bot)
    assert await find_speaker(services, path, ChosenVoice()) == Speaker(name)


async def test_an_unknown_clip_is_spoken_with_what_clients_chose(bot: TestClient) -> None:
    services: Services = services_of(bot)
    chosen = ChosenVoice(gpt="kyo.ckpt")
    assert await find_speaker(services, "x.wav", chosen) == Speaker(
        "nana", "", "gpt_sovits:kyo+nana"
    )
    assert await find_speaker(services, "af_heart.wav", chosen) == Speaker("af_heart")
    angry = ChosenVoice(character="nana", style="angry")
    assert await find_speaker(services, "x.wav", angry) == Speaker("nana", "angry")


@pytest.mark.parametrize(
    ("path", "style"),
    [("D:\\clips\\nana_calm.wav", ""), ("nana_angry.wav", "angry"), ("nana.wav", None)],
)
async def test_a_clip_of_a_character_stands_for_it_and_its_style(
    bot: TestClient, path: str, style: str | None
) -> None:
    services: Services = services_of(bot)
    assert await find_speaker(services, path, ChosenVoice()) == Speaker("nana", style)
    assert await find_voice(services, "Nana", path) == Speaker("nana", style)
    assert await find_voice(services, "nana") == Speaker("nana", None)
