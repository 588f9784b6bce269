"""Clients at the same time: each hears its own text in its own character's voice alone."""

from __future__ import annotations

import asyncio
import json
import random
import zlib
from concurrent.futures import ThreadPoolExecutor

import httpx2
import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect

from realtime.engines.tone import LEVEL
from tests.support.server import LiveServer

RATE = 24000
LETTER = round(0.08 * RATE)
CLIENTS = 32
LETTERS = "bcdfghjklmnpqrstvwxz"  # no vowels: nothing that a reader would take for a word


def expected(text: str, character: str) -> np.ndarray:
    """Return the tone engine's sound: 80 ms a letter of 220·2^(i/12) Hz times a factor."""
    factor = 2 ** ((zlib.crc32(character.encode()) % 12) / 12)
    time = np.arange(LETTER) / RATE
    parts = []
    for letter in text:
        place = ord(letter) - ord("a")
        sine = np.sin(2 * np.pi * 220 * 2 ** (place / 12) * factor * time)
        parts.append(LEVEL * sine if 0 <= place < 26 else np.zeros(LETTER))
    return np.rint(32767 * np.concatenate(parts))


def texts() -> list[str]:
    draw = random.Random(2)
    words = ["".join(draw.choices(LETTERS, k=draw.randint(3, 9))) for _ in range(200)]
    return [" ".join(draw.sample(words, draw.randint(2, 8))) for _ in range(CLIENTS)]


def test_no_reply_has_a_foreign_sample(live: LiveServer) -> None:
    characters = [each.name for each in live.services.characters.all()]
    lines = [(text, characters[i % len(characters)]) for i, text in enumerate(texts())]

    def ask(line: tuple[str, str]) -> np.ndarray:
        body = {"model": "tone", "input": line[0], "voice": line[1], "language": "en"}
        answer = http.post("/v1/audio/speech", json={**body, "response_format": "pcm"})
        assert answer.status_code == 200
        return np.frombuffer(answer.content, "<i2")

    limits = httpx2.Limits(max_connections=CLIENTS)
    with (
        httpx2.Client(base_url=live.url, limits=limits, timeout=60) as http,
        ThreadPoolExecutor(CLIENTS) as clients,
    ):
        heard = list(clients.map(ask, lines))
    for (text, character), found in zip(lines, heard, strict=True):
        wanted = expected(text, character)
        assert found.size == wanted.size, (text, character)
        # The very first samples are faded in; the rest is right to the rounding.
        assert np.abs(found[8:] - wanted[8:]).max() <= 1, (text, character)


@pytest.mark.anyio
async def test_no_socket_hears_a_foreign_sample(live: LiveServer) -> None:
    """Sixty-four conversations at once; half of them write while they are heard."""
    characters = [each.name for each in live.services.characters.all()]
    lines = [
        (text, characters[i % len(characters)]) for i, text in enumerate([*texts(), *texts()[::-1]])
    ]
    address = f"ws://{live.address[0]}:{live.address[1]}/ws"

    async def converse(number: int, text: str, character: str) -> np.ndarray:
        fields = {"engine": "tone", "character": character, "language": "en", "pace": False}
        async with connect(address, compression=None) as socket:
            await socket.recv()
            if number % 2:
                await say(socket, "say", id="a", text=text, **fields)
            else:
                await say(socket, "say", id="a", text="", more=True, **fields)
                for letter in text:
                    await say(socket, "text", id="a", text=letter)
                    await asyncio.sleep(0.002)
                await say(socket, "end", id="a")
            return await sound_of(socket)

    heard = await asyncio.gather(*(converse(number, *line) for number, line in enumerate(lines)))
    for (text, character), found in zip(lines, heard, strict=True):
        wanted = expected(text, character)
        assert found.size == wanted.size, (text, character)
        assert np.abs(found[8:] - wanted[8:]).max() <= 1, (text, character)


async def say(socket: ClientConnection, kind: str, **fields: object) -> None:
    await socket.send(json.dumps({"type": kind, **fields}))


async def sound_of(socket: ClientConnection) -> np.ndarray:
    """Return the sound of the only utterance; each frame has its number."""
    frames: list[bytes] = []
    stream = None
    async for message in socket:
        if isinstance(message, bytes):
            assert int.from_bytes(message[:4], "little") == stream
            frames.append(message[4:])
            continue
        event = json.loads(message)
        stream = event.get("stream", stream)
        if event["type"] in ("done", "error", "cancelled"):
            assert event["type"] == "done", event
            break
    return np.frombuffer(b"".join(frames), "<i2")


def test_the_rule_tells_texts_and_characters_apart() -> None:
    heard = expected("abc", "af_heart")
    assert np.abs(heard - expected("abd", "af_heart")).max() > 1_000
    assert np.abs(heard - expected("abc", "af_bella")).max() > 1_000


@pytest.mark.parametrize("text", ["abc", "a b c"])
def test_a_space_is_silence(text: str) -> None:
    silent = [
        not expected(text, "x")[i * LETTER : (i + 1) * LETTER].any() for i in range(len(text))
    ]
    assert silent == [letter == " " for letter in text]
