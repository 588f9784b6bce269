"""Tests of the example with another voice: its file is as long as the source, and changed."""

from __future__ import annotations

import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.server import Server
from realtime.audio.samples import from_pcm16
from realtime.engines.world import median_pitch
from tests.support.voice_like_sound import pcm, voice

ROOT = Path(__file__).resolve().parent.parent.parent
VOICE = ROOT / "examples" / "voice.py"
RATE = 16000


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(preload="world") as server:
        yield server


def run_voice(server: Server, source: Path, *arguments: str) -> tuple[int, str]:
    url = "ws" + server.address.removeprefix("http") + "/ws"
    command = [sys.executable, str(VOICE), str(source), "--url", url, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(pcm(voice(3.0, pitch=110.0, rate=RATE)).tobytes())
    return path


def test_a_voice_comes_back_an_octave_higher(server: Server, source: Path) -> None:
    out = source.with_name("out.wav")
    code, told = run_voice(server, source, "--pitch", "12", "--out", str(out))
    assert code == 0 and "3.00 s heard" in told and "ms late" in told and "computes" in told, told
    with wave.open(str(out)) as file:
        found = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert abs(found.size / RATE - 3.0) <= 0.02
    if "bypass" not in told:  # as a machine that is too busy does, and says
        heard = median_pitch(from_pcm16(found), RATE)
        assert heard is not None and abs(12 * np.log2(heard / 220.0)) < 1.0


def test_what_cannot_be_done_is_told(server: Server, source: Path) -> None:
    _, told = run_voice(server, source, "--character", "nobody")
    assert "character_not_found" in told, told
