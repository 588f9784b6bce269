"""Tests of the message types: their tags, rates and defaults."""

from __future__ import annotations

import typing

import pytest

from realtime.audio.samples import RATES
from realtime.live.messages import FromClient, FromServer, Listen, Rate, Say


def tags(union: typing.Any) -> list[str]:
    return [kind.__struct_config__.tag for kind in typing.get_args(union)]


def test_the_kinds_of_messages() -> None:
    client = "say text flush end cancel clear ping listen listen.end played"
    server = "ready started timestamps heard done cancelled error notice meter pong"
    assert tags(FromClient) == client.split()
    assert tags(FromServer) == server.split()


def test_the_rates_are_the_rates() -> None:
    assert typing.get_args(Rate) == RATES


def test_the_defaults() -> None:
    say = Say(id="a")
    assert (say.sample_rate, say.timestamps, say.more, say.pace) == (24000, False, False, True)
    assert (say.language, say.seed, say.speed, say.character) == ("auto", 0, None, None)
    assert (Listen(id="a").mode, Listen(id="a").effect) == ("convert", "none")


def test_what_came_is_not_changed() -> None:
    with pytest.raises(AttributeError):
        Say(id="a").text = "b"  # type: ignore[misc]
