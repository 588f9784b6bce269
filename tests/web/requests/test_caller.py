"""The caller and its address, and how much of a path the log may have."""

from __future__ import annotations

from realtime.web.requests.caller import SCOPE, Caller, caller_of, client_address, path_start


def test_nobody_was_asked_who_they_are() -> None:
    assert caller_of({}) == Caller() and not Caller().key_id
    known = Caller("bot", "bearer")
    assert caller_of({SCOPE: known}) is known


def test_an_address_may_be_unknown() -> None:
    assert client_address({"client": ("10.0.0.1", 1)}) == "10.0.0.1"
    assert client_address({"client": None}) == client_address({}) == "unknown"


def test_of_a_path_only_the_start_is_logged() -> None:
    assert path_start({"path": "/en/af_heart/a secret.wav"}) == "/en"
    assert path_start({"path": "/"}) == "/"
    assert len(path_start({"path": "/" + "x" * 1_000})) <= 41
