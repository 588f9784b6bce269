"""The keys of recordings as they are on people's disks: a change of code changes none of them.

A key changes with `WAY`, an engine's version or weights, or a voice: then, and only then, change
the literals here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from realtime.audio.formats import FORMATS
from realtime.cache import key_of
from realtime.cache.other_formats import suffix_of
from realtime.services import Services, build
from realtime.settings import Settings
from realtime.speech.request import LineRequest
from tests.support.scripted_engines import Tunable
from tests.support.server import services_with

pytestmark = pytest.mark.anyio

ENGLISH = "Hello there, traveller."
CHINESE = "欢迎回来，旅行者。"
JAPANESE = "おかえりなさい、旅の人。"
MIXED = "Hello 你好。"

PATHS = [
    (
        LineRequest(ENGLISH),
        "en/af_heart/short/hello-there-traveller-124ec23e0746f1a7",
    ),
    (
        LineRequest(ENGLISH, "af_bella"),
        "en/af_bella/short/hello-there-traveller-0ba8952ba10ab802",
    ),
    (
        LineRequest(ENGLISH, "af_heart", engine="kokoro"),
        "en/af_heart/short/hello-there-traveller-0a62746a0a83e547",
    ),
    (
        LineRequest(ENGLISH, "af_heart", speed=1.25),
        "en/af_heart/short/hello-there-traveller-aa15320b84075f4d",
    ),
    (
        LineRequest(ENGLISH, "af_heart", seed=7),
        "en/af_heart/short/hello-there-traveller-356876ce7660b823",
    ),
    (
        LineRequest(ENGLISH, "af_heart", seed=2**63 - 1, engine="tone"),
        "en/af_heart/short/hello-there-traveller-419cbf49f2b906e9",
    ),
    (
        LineRequest(ENGLISH, "bm_george", longprompt=True),
        "en/bm_george/long/hello-there-traveller-bee9226e9961275a",
    ),
    (
        LineRequest(CHINESE),
        "zh/zf_xiaoxiao/short/欢迎回来-旅行者-6492e856fd032630",
    ),
    (
        LineRequest(CHINESE, "af_heart"),
        "zh/af_heart/short/欢迎回来-旅行者-f454026c751e94e7",
    ),
    (
        LineRequest(CHINESE, "zm_yunxi", "zh", speed=0.5, seed=3),
        "zh/zm_yunxi/short/欢迎回来-旅行者-4a07f2e60b6bd2ab",
    ),
    (
        LineRequest(JAPANESE),
        "ja/jf_alpha/short/おかえりなさい-旅の人-5c9c8cd49af7ede6",
    ),
    (
        LineRequest(JAPANESE, "jm_kumo", "ja", longprompt=True),
        "ja/jm_kumo/long/おかえりなさい-旅の人-dd3fcfe747da3bf6",
    ),
    (
        LineRequest(MIXED, "af_heart", "en", noaccent=True),
        "en/af_heart/short/hello-你好-1acf468719ba6a4c",
    ),
    (
        LineRequest(MIXED, "zf_xiaoyi", "mix"),
        "mix/zf_xiaoyi/short/hello-你好-d842f5319ae4593e",
    ),
    (
        LineRequest(MIXED, "zf_xiaoyi", "mix", noaccent=True),
        "mix/zf_xiaoyi/short/hello-你好-4159d614641c40b0",
    ),
    (
        LineRequest("e\u0301  …  It is 3.5 °C!", "alloy", engine="tone", speed=4.0),
        "en/af_heart/short/é-it-is-3-5-c-98c448f5a2fb062e",
    ),
]


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    services = build(settings)
    yield services
    await services.close()


@pytest.mark.parametrize(("asked", "path"), PATHS, ids=[path for _, path in PATHS])
async def test_a_line_has_the_path_that_it_always_had(
    services: Services, asked: LineRequest, path: str
) -> None:
    line = await services.speech.line(asked)
    assert services.speech.address(line).path() == path


async def test_options_are_in_the_keys_of_engines_that_have_them(settings: Settings) -> None:
    services = services_with(settings, extra=(Tunable,))
    plain = LineRequest("abc", "af_heart", engine="tunable")
    keys = [
        services.speech.address(await services.speech.line(asked)).key
        for asked in (
            plain,
            replace(plain, options=(("top_k", 5),)),
            replace(plain, options=(("top_k", 5.0), ("unknown", 1))),
            replace(plain, options=(("top_k", 15),)),
            replace(plain, options=(("unknown", 1),)),
        )
    ]
    await services.close()
    assert keys[1] == keys[2] and keys[4] == keys[0]
    assert len({keys[0], keys[1], keys[3]}) == 3  # a character may have another default than 15


async def test_an_engine_without_options_keeps_its_keys(services: Services) -> None:
    asked, path = PATHS[0]
    line = await services.speech.line(replace(asked, options=(("top_k", 5),)))
    assert services.speech.address(line).path() == path


async def test_the_facts_of_a_key_are_these(services: Services) -> None:
    line = await services.speech.line(LineRequest("abc", "af_heart", engine="tone", seed=3))
    facts = {
        "way": 2,
        "engine": ["tone", "1"],
        "weights": [],
        "sampling": {},
        "character": ["af_heart", line.character.digest],
        "language": "en",
        "accent": "en",
        "mode": "short",
        "text": "abc",
        "speed": 1.0,
        "seed": 3,
    }
    assert services.speech.address(line).key == key_of(facts)


@pytest.mark.parametrize(
    ("name", "rate", "path"),
    [
        ("wav", None, "en/af_heart/short/hello-there-traveller-124ec23e0746f1a7.wav"),
        ("wav", 16000, "en/af_heart/short/hello-there-traveller-124ec23e0746f1a7.16000.wav"),
        ("mp3", None, "en/af_heart/short/hello-there-traveller-124ec23e0746f1a7.mp3"),
        ("flac", 48000, "en/af_heart/short/hello-there-traveller-124ec23e0746f1a7.48000.flac"),
        ("opus", 8000, "en/af_heart/short/hello-there-traveller-124ec23e0746f1a7.opus"),
        ("ogg", 8000, "en/af_heart/short/hello-there-traveller-124ec23e0746f1a7.8000.ogg"),
    ],
)
async def test_another_format_has_the_key_of_its_line(
    services: Services, name: str, rate: int | None, path: str
) -> None:
    line = await services.speech.line(LineRequest(ENGLISH))
    suffix = suffix_of(FORMATS[name], rate, services.speech.sample_rate(line))
    assert services.speech.address(line).path(suffix) == path
