"""A line's sound out of its recording, growing or finished."""

from __future__ import annotations

import asyncio
import os
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from realtime.audio.spoken import Spoken, Word
from realtime.cache.checked_read import read_checked
from realtime.cache.disk import DiskStore
from realtime.cache.recording import Recording
from tests.support.polling import until
from tests.support.recordings import RATE, address, keep_recording, noise

pytestmark = pytest.mark.anyio


async def test_words_come_with_the_sound_that_holds_them() -> None:
    recording = Recording(RATE)
    recording.finish_anyway()
    found: list[Spoken] = []

    async def listen() -> None:
        with recording.listening():
            async for part in recording.spoken():
                found.append(part)

    listening = asyncio.create_task(listen())
    for number in range(3):
        word = Word(str(number), number, number + 1)
        await recording.add(Spoken(noise(100, number), (word,), {"first_audio": float(number)}))
        await until(lambda: len(found) == number + 1)  # noqa: B023 -- it is awaited here
    recording.end()
    await listening
    assert [[word.text for word in part.words] for part in found] == [["0"], ["1"], ["2"]]
    assert [dict(part.timing) for part in found] == [{"first_audio": 0.0}, {}, {}]
    assert np.array_equal(
        np.concatenate([part.pcm for part in found]),
        np.concatenate([noise(100, number) for number in range(3)]),
    )
    assert recording.samples == 300


async def test_who_has_time_does_not_press() -> None:
    recording = Recording(RATE)
    with recording.listening(), recording.patient_listener():
        assert not recording.urgent
        with recording.listening():
            assert recording.urgent
    recording.finish_anyway()
    assert recording.urgent


@pytest.mark.parametrize("held", [True, False])
async def test_a_finished_one_gives_any_part(tmp_path: Path, held: bool) -> None:
    sound = keep_recording(DiskStore(tmp_path))
    found = read_checked(DiskStore(tmp_path), address(), ".wav")
    assert found is not None
    if not held:
        found.body = None
    assert b"".join([data async for data in found.chunks(10, 99)]) == sound[10:99]
    parts = [part async for part in found.spoken()]
    assert parts[0].words == found.sidecar.words
    assert np.array_equal(np.concatenate([part.pcm for part in parts]), noise())


async def test_a_listener_that_leaves_closes_the_file(tmp_path: Path) -> None:
    keep_recording(DiskStore(tmp_path))
    found = read_checked(DiskStore(tmp_path), address(), ".wav")
    assert found is not None
    found.body = None
    before = open_files()
    async with aclosing(found.chunks()) as chunks:
        await anext(chunks)
        assert open_files() == before + 1
    assert open_files() == before


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))
