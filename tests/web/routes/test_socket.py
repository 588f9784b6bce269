"""The live socket, with clients that keep its rules and clients that do not."""

from __future__ import annotations

import asyncio
import json
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from realtime.settings import LimitsSettings, Settings
from realtime.web.server import uvicorn_limits
from tests.support.keyed_server import SECRET, FakeTime, keyed_services, signed_headers
from tests.support.polling import until
from tests.support.raw_socket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawSocket
from tests.support.server import LiveServer, scripted_services, serving

TONE = {"engine": "tone", "sample_rate": 24000}


def open_socket(live: LiveServer) -> RawSocket:
    raw = RawSocket(live.address)
    assert raw.status == 101
    assert raw.receive().json["type"] == "ready"
    return raw


def say_line(
    raw: RawSocket, text: str, id: str = "a", **fields: Any
) -> tuple[dict[str, Any], bytes]:
    """Speak a line to its end; return its last message and its sound."""
    raw.say("say", id=id, text=text, **{**TONE, **fields})
    stream, pcm = None, b""
    while True:
        frame = raw.receive()
        if frame.opcode == BINARY:
            assert struct.unpack_from("<I", frame.data)[0] == stream
            pcm += frame.data[4:]
            continue
        message = frame.json
        assert message["id"] == id
        if message["type"] == "started":
            stream = message["stream"]
        elif message["type"] != "timestamps":
            return message, pcm


# what everybody may expect


def test_ready_is_the_first_message(live: LiveServer) -> None:
    with RawSocket(live.address) as raw:
        ready = raw.receive().json
        assert ready["type"] == "ready" and ready["protocol"] == "yamabiko.v1"
        assert {"session", "limits", "engines", "characters", "time_ms"} <= set(ready)
        raw.say("ping", t=7)
        assert raw.receive().json["t"] == 7


def test_a_request_without_the_upgrade_is_told_to_upgrade(client: TestClient) -> None:
    answer = client.get("/ws")
    assert (answer.status_code, answer.headers["Upgrade"]) == (426, "websocket")
    assert answer.json()["error"]["code"] == "upgrade_required"


def test_a_line_comes_as_the_file_has_it(live: LiveServer) -> None:
    with open_socket(live) as raw:
        done, pcm = say_line(raw, "abc def")
        assert done["type"] == "done" and done["duration"] == pytest.approx(len(pcm) / 48000)
        assert live.wait_until_idle()
        file = live.answer("GET", done["url"]).read()
        assert file[44:] == pcm
        again, same = say_line(raw, "abc def", id="b")
        assert same == pcm and again["url"] == done["url"]


def test_a_text_that_is_still_being_written_is_heard(live: LiveServer) -> None:
    with open_socket(live) as raw:
        raw.say("say", id="a", text="abc, ", more=True, **TONE)
        started = raw.until("started")[-1].json
        assert started["cache"] is None and started["url"] is None
        raw.say("text", id="a", text="def.")
        raw.say("end", id="a")
        frames = raw.until("done", "error")
        assert frames[-1].json["type"] == "done"


def test_the_subprotocol_is_echoed_or_absent(live: LiveServer) -> None:
    address = f"ws://{live.address[0]}:{live.address[1]}/ws"
    with connect(address, subprotocols=[Subprotocol("x"), Subprotocol("yamabiko.v1")]) as ours:
        assert ours.subprotocol == "yamabiko.v1"
    with connect(address) as without:
        assert without.subprotocol is None
    with pytest.raises(InvalidStatus) as refused, connect(address, subprotocols=[Subprotocol("x")]):
        pass
    assert refused.value.response.status_code == 400
    assert json.loads(refused.value.response.body or b"")["error"]["hint"]


def test_nothing_is_compressed(live: LiveServer) -> None:
    address = f"ws://{live.address[0]}:{live.address[1]}/ws"
    with connect(address, compression="deflate") as socket:
        assert not socket.protocol.extensions


def test_cancel_ends_it_at_once(live: LiveServer) -> None:
    with open_socket(live) as raw:
        raw.say("say", id="a", text="abc " * 100, pace=False, **TONE)
        raw.until("started")
        raw.say("cancel", id="a")
        assert raw.until("cancelled", "done")[-1].json["type"] == "cancelled"
        raw.say("ping", t=1)
        assert raw.receive().json["type"] == "pong"  # and no frame of it before
    assert live.wait_until_idle()


def test_a_socket_that_is_gone_frees_the_engine(live: LiveServer) -> None:
    raw = open_socket(live)
    raw.say("say", id="a", text="abc " * 1_000, pace=False, **TONE)
    raw.until("started")
    raw.connection.close()  # without a word
    assert live.wait_until_idle()
    assert live.get("/health")["status"] == "healthy"


# the rules of the wire, as far as an application has a part in them


def test_pings_of_the_wire_are_answered_with_what_they_hold(live: LiveServer) -> None:
    with open_socket(live) as raw:
        for payload in (b"", b"\x00\xff", b"x" * 125):
            raw.send(PING, payload)
            answer = raw.receive()
            assert (answer.opcode, answer.data) == (PONG, payload)
        raw.send(PONG, b"unasked")
        raw.say("ping", t=1)
        assert raw.receive().json["type"] == "pong"


def test_a_message_in_pieces_is_one_message(live: LiveServer) -> None:
    with open_socket(live) as raw:
        message = json.dumps({"type": "ping", "t": 5}).encode()
        raw.send(TEXT, message[:3], last=False)
        raw.send(PING, b"between")
        raw.send(CONTINUATION, message[3:7], last=False)
        raw.send(CONTINUATION, b"", last=False)
        raw.send(CONTINUATION, message[7:])
        assert raw.receive().opcode == PONG
        assert raw.receive().json["t"] == 5


def test_a_letter_may_be_cut_in_two(live: LiveServer) -> None:
    with open_socket(live) as raw:
        message = json.dumps({"type": "cancel", "id": "é"}, ensure_ascii=False).encode()
        place = message.index("é".encode()) + 1
        raw.send(TEXT, message[:place], last=False)
        raw.send(CONTINUATION, message[place:])
        raw.say("ping", t=1)
        assert raw.receive().json["type"] == "pong"


@pytest.mark.parametrize(("sent", "code"), [(struct.pack(">H", 1000) + b"bye", 1000), (b"", 1005)])
def test_a_close_is_answered(live: LiveServer, sent: bytes, code: int) -> None:
    with open_socket(live) as raw:
        raw.send(CLOSE, sent)
        assert raw.closing() == code


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([(TEXT, b"\xff\xfe", True)], 1007),
        ([(TEXT, b"\xc3", False), (CONTINUATION, b"(", True)], 1007),
        ([(TEXT, b"x" * (256 * 1024 + 1), True)], 1009),
        ([(TEXT, b"x" * 200_000, False), (CONTINUATION, b"x" * 200_000, True)], 1009),
        ([(BINARY, b"\x00\x00", True)], 1003),
        ([(CONTINUATION, b"x", True)], 1002),
        ([(TEXT, b"x", False), (TEXT, b"x", True)], 1002),
        ([(0x3, b"", True)], 1002),
        ([(PING, b"x" * 126, True)], 1002),
        ([(CLOSE, struct.pack(">H", 999), True)], 1002),
        ([(CLOSE, b"x", True)], 1002),
    ],
)
def test_what_breaks_the_rules_is_closed_with_its_code(
    live: LiveServer, frames: list[tuple[int, bytes, bool]], code: int
) -> None:
    with open_socket(live) as raw, open_socket(live) as other:
        for opcode, data, last in frames:
            raw.send(opcode, data, last)
        assert raw.closing() == code
        assert say_line(other, "abc")[0]["type"] == "done"


def test_a_frame_without_a_mask_breaks_them_too(live: LiveServer) -> None:
    with open_socket(live) as raw:
        raw.send(TEXT, b"{}", masked=False)
        assert raw.closing() == 1002


# messages that say nothing


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"nonsense",
        b"[]",
        b"null",
        b'{"type": "sing"}',
        b'{"no": "type"}',
        b'{"type": "say", "id": "a", "text": "b", "colour": "red"}',
        b'{"type": "say", "id": 5, "text": "b"}',
        b'{"type": "say", "id": "a", "text": "b", "speed": "fast"}',
        b'{"type": "say", "id": "a", "text": "b", "sample_rate": 12345}',
        b'{"type": "say", "id": "a", "text": "b", "character": "nobody"}',
        b'{"type": "say", "id": "a", "text": "..."}',
        b'{"type": "say", "id": "", "text": "b"}',
    ],
)
def test_a_wrong_message_is_told_and_the_socket_stays(live: LiveServer, message: bytes) -> None:
    with open_socket(live) as raw:
        raw.send(TEXT, message)
        told = raw.receive().json
        assert told["type"] == "error" and told["code"] and told["message"]
        assert say_line(raw, "abc")[0]["type"] == "done"


def test_twenty_wrong_ones_in_a_row_are_enough(live: LiveServer) -> None:
    with open_socket(live) as raw:
        for _ in range(20):
            raw.send(TEXT, b"{}")
        assert raw.closing() == 1008


def test_right_ones_between_them_forgive(live: LiveServer) -> None:
    with open_socket(live) as raw:
        for _ in range(3):
            for _ in range(19):
                raw.send(TEXT, b"{}")
            raw.say("ping", t=1)
            assert raw.until("pong")


def test_a_flood_ends_its_sender_and_harms_nobody(live: LiveServer) -> None:
    with open_socket(live) as raw, open_socket(live) as other:
        flood = threading.Thread(target=send_flood, args=(raw, 40_000), daemon=True)
        flood.start()
        for number in range(5):
            begun = time.monotonic()
            assert say_line(other, "ab", id=str(number))[0]["type"] == "done"
            assert time.monotonic() - begun < 5
        code = raw.closing()
        assert code in (1006, 1008)
        flood.join(10)


def send_flood(raw: RawSocket, count: int) -> None:
    from tests.support.raw_socket import frame

    block = b"".join(frame(TEXT, b'{"type": "cancel", "id": "x"}') for _ in range(500))
    try:
        for _ in range(count // 500):
            raw.connection.sendall(block)
    except OSError:
        pass  # it was closed, as it should be


@pytest.mark.parametrize("bytes_a_second", [0, 20])
def test_who_reads_next_to_nothing_is_left_and_harms_nobody(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch, bytes_a_second: int
) -> None:
    monkeypatch.setattr(uvicorn_limits, "STALL_SECONDS", 0.5)
    with open_socket(live) as raw, open_socket(live) as other:
        if bytes_a_second:
            reader = threading.Thread(target=read_slowly, args=(raw, bytes_a_second), daemon=True)
            reader.start()
        for number in range(8):
            raw.say("say", id=str(number), text="abc " * 1_200, pace=False, **TONE)
        assert say_line(other, "abc")[0]["type"] == "done"
        end = time.monotonic() + 20
        while live.services.cache.busy and time.monotonic() < end:
            time.sleep(0.05)
        assert not live.services.cache.busy  # its lines were stopped
        if not bytes_a_second:  # else the frames are in pieces
            assert raw.closing() in (1006, 1008)
        assert say_line(other, "def", id="b")[0]["type"] == "done"


def read_slowly(raw: RawSocket, bytes_a_second: int) -> None:
    try:
        while raw.connection.recv(1):
            time.sleep(1 / bytes_a_second)
    except OSError:
        pass  # given up, as it should be


# bounds and credentials


def test_sockets_are_bounded(settings: Settings, tmp_path: Path) -> None:
    bounded = replace(
        settings,
        cache=replace(settings.cache, path=tmp_path),
        limits=replace(LimitsSettings(), all_sockets=2),
    )
    with serving(scripted_services(bounded)) as live:
        first, second = open_socket(live), open_socket(live)
        with RawSocket(live.address) as third:
            assert third.status == 101 and third.closing() == 1013
        first.connection.close()
        asyncio.run(until(lambda: b"yamabiko_sockets 1.0" in live.answer("GET", "/metrics").read()))
        with open_socket(live):
            pass
        second.connection.close()


@pytest.fixture
def keyed(settings: Settings, tmp_path: Path) -> Iterator[tuple[LiveServer, FakeTime]]:
    fake_time = FakeTime()
    limits = replace(LimitsSettings(), sockets=2, characters=6)
    settings = replace(settings, cache=replace(settings.cache, path=tmp_path), limits=limits)
    with serving(keyed_services(settings, fake_time)) as live:
        yield live, fake_time


def test_credentials_open_a_socket(keyed: tuple[LiveServer, FakeTime]) -> None:
    live, fake_time = keyed
    bearer = {"Authorization": f"Bearer bot:{SECRET}"}
    with RawSocket(live.address) as raw:
        assert raw.status == 401 and b"www-authenticate" in raw.answer.lower()
    with RawSocket(live.address, **signed_headers(fake_time, "GET", "/ws")) as raw:
        assert raw.status == 101
        assert raw.receive().json["type"] == "ready"
    ticket, _ = live.services.guard.make_ticket("bot")
    for status in (101, 401):
        with RawSocket(live.address, f"/ws?ticket={ticket}") as raw:
            assert raw.status == status
    with RawSocket(live.address, **bearer, Origin="https://evil.example") as raw:
        assert raw.status == 403


def test_a_key_has_so_many_sockets_and_characters(keyed: tuple[LiveServer, FakeTime]) -> None:
    live, _ = keyed
    bearer = {"Authorization": f"Bearer bot:{SECRET}"}
    with RawSocket(live.address, **bearer) as one, RawSocket(live.address, **bearer) as two:
        assert (one.status, two.status) == (101, 101)
        with RawSocket(live.address, **bearer) as three:
            assert three.status == 429
        one.receive()
        assert say_line(one, "abc")[0]["type"] == "done"
        done, _ = say_line(one, "abc", id="b")
        assert done["type"] == "done" and "?e=" in done["url"]
        told, _ = say_line(one, "abcd", id="c")
        assert (told["type"], told["code"]) == ("error", "rate_limited")


# the server stops


def test_what_is_being_spoken_ends_before_the_server_does(
    settings: Settings, tmp_path: Path
) -> None:
    stopping = replace(settings, cache=replace(settings.cache, path=tmp_path), shutdown_seconds=5.0)
    with serving(scripted_services(stopping)) as live:
        speaking, silent, endless = open_socket(live), open_socket(live), open_socket(live)
        speaking.say("say", id="a", text="abc def", **TONE)
        speaking.until("started")
        endless.say("say", id="a", text="abc", more=True, **TONE)
        endless.until("started")
        begun = time.monotonic()
    # It has stopped now.
    assert speaking.until("done", "cancelled")[-1].json["type"] == "done"
    assert endless.until("done", "cancelled")[-1].json["type"] == "cancelled"
    assert [raw.closing() for raw in (speaking, silent, endless)] == [1001, 1001, 1001]
    assert time.monotonic() - begun < 15
    for raw in (speaking, silent, endless):
        raw.connection.close()
