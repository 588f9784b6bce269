"""The command that changes the voice of a recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.audio.decoding import decode
from realtime.audio.formats import FORMATS
from realtime.audio.samples import from_pcm16
from realtime.audio.wav import HEADER_BYTES, wav_file, wav_header
from realtime.cli import convert
from realtime.cli.commands import parse_arguments
from realtime.engines.world import median_pitch
from realtime.errors import BadRequest, NotFound, YamabikoError
from realtime.settings import Settings
from tests.support.voice_like_sound import pcm, voice

pytestmark = pytest.mark.anyio

RATE = 24000


@pytest.fixture
def source(tmp_path: Path) -> Path:
    sound = pcm(voice(2.0, pitch=110.0))
    path = tmp_path / "in.wav"
    path.write_bytes(wav_file(sound, RATE))
    return path


async def run(settings: Settings, *arguments: object) -> None:
    await convert.convert(parse_arguments(["convert", *map(str, arguments)]), settings)


async def test_it_is_as_long_and_as_high_as_asked(
    settings: Settings, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = source.with_name("out.wav")
    await run(settings, source, out, "--pitch", 12)
    found = np.frombuffer(out.read_bytes()[HEADER_BYTES:], "<i2")
    assert out.read_bytes()[:HEADER_BYTES] == wav_header(RATE, 2 * RATE) and found.size == 2 * RATE
    heard = median_pitch(from_pcm16(found), RATE)
    assert heard is not None and abs(12 * np.log2(heard / 220.0)) < 1.0
    assert "2.00 s of 2.00 s" in capsys.readouterr().err
    assert sorted(path.name for path in source.parent.iterdir()) == ["in.wav", "out.wav"]


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("wav", "pcm")])
async def test_the_suffix_says_what_is_written(settings: Settings, source: Path, name: str) -> None:
    out = source.with_name(f"OUT.{name.upper()}")
    await run(settings, source, out, "--engine", "gain", "--sample-rate", 48000)
    found, rate = decode(out.read_bytes())
    assert rate == 48000 and 1.99 < found.size / rate < 2.2


async def test_noise_is_taken_out_where_it_is_asked(settings: Settings, tmp_path: Path) -> None:
    noise = np.random.default_rng(2).normal(0, 1_500, RATE).astype(np.int16)
    source, out = tmp_path / "in.wav", tmp_path / "out.wav"
    source.write_bytes(wav_file(noise, RATE))
    await run(settings, source, out, "--engine", "gain", "--denoise", "light")
    found, _ = decode(out.read_bytes())
    assert found.size == noise.size and np.std(found[4_000:]) < 0.05 * np.std(noise)


@pytest.mark.parametrize(
    "arguments, error",
    [
        (["out.midi"], BadRequest),
        (["out.wav", "--character", "nobody"], NotFound),
        (["out.wav", "--engine", "bell"], BadRequest),
        (["out.wav", "--pitch", "99"], BadRequest),
        (["there/is/none/out.wav"], YamabikoError),
    ],
)
async def test_what_cannot_be_done_writes_nothing(
    settings: Settings, source: Path, arguments: list[str], error: type[YamabikoError]
) -> None:
    out = source.parent / arguments[0]
    with pytest.raises(error):
        await run(settings, source, out, *arguments[1:])
    assert [path.name for path in source.parent.iterdir()] == ["in.wav"]


async def test_a_file_that_is_no_recording_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(YamabikoError, match="No such file"):
        await run(settings, tmp_path / "in.wav", tmp_path / "out.wav")
    (tmp_path / "in.wav").write_bytes(b"a text")
    with pytest.raises(BadRequest, match="a format that is not read here"):
        await run(settings, tmp_path / "in.wav", tmp_path / "out.wav")


async def test_an_option_that_the_engine_lacks_is_refused(settings: Settings, source: Path) -> None:
    wrong = (source, source.with_name("out.wav"), "--engine", "gain", "--option", "steps=3")
    with pytest.raises(BadRequest, match="gain has no option 'steps'"):
        await run(settings, *wrong)
    assert not source.with_name("out.wav").exists()
