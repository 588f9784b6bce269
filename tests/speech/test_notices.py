"""A line in a language that its character does not have natively carries a notice."""

from __future__ import annotations

import pytest

from realtime.services import Services, build
from realtime.settings import Settings
from realtime.speech.request import LineRequest

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def services(settings: Settings) -> Services:
    return build(settings)


@pytest.mark.parametrize(
    ("request_", "foreign"),
    [
        (LineRequest("Hello."), ""),
        (LineRequest("你好。"), ""),
        (LineRequest("こんにちは。"), ""),
        (LineRequest("Hello.", "zf_xiaoxiao"), "Chinese; English"),
        (LineRequest("你好。", "af_heart"), "English; Chinese"),
        (
            LineRequest("[JA]こんにちは。[JA] [ZH]你好。[ZH]", "af_heart"),
            "English; Chinese and Japanese",
        ),
        (LineRequest("Hello 你好。"), "English; Chinese"),
        (LineRequest("Hello 你好。", noaccent=True), "English; Chinese"),
        (LineRequest("12 + 3 = 15.", "jf_alpha", "ja"), ""),
    ],
    ids=str,
)
async def test_foreign_languages_are_noted(
    services: Services, request_: LineRequest, foreign: str
) -> None:
    line = await services.speech.line(request_)
    assert [notice.code for notice in line.notices] == ["foreign_language"] * bool(foreign)
    for notice in line.notices:
        native, _, other = foreign.partition("; ")
        assert notice.message == (
            f"{line.character.name} is a native speaker of {native}; {other} may sound foreign."
        )
