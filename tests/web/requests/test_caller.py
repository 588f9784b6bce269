"""Who asks, and where from, as far as others may know."""

from __future__ import annotations

from realtime.web.requests.caller import SCOPE, Caller, address_of, caller_of, door_of


def test_nobody_was_asked_who_they_are() -> None:
    assert caller_of({}) == Caller() and not Caller().key_id
    known = Caller("bot", "bearer")
    assert caller_of({SCOPE: known}) is known


def test_an_address_may_be_unknown() -> None:
    assert address_of({"client": ("10.0.0.1", 1)}) == "10.0.0.1"
    assert address_of({"client": None}) == address_of({}) == "unknown"


def test_of_a_path_only_the_door_is_told() -> None:
    assert door_of({"path": "/en/af_heart/a secret.wav"}) == "/en"
    assert door_of({"path": "/"}) == "/"
    assert len(door_of({"path": "/" + "x" * 1_000})) <= 41
