"""A command's sound file: its suffix says the format, and every player knows how long it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.audio.decoding import decode
from realtime.audio.wav import wav_file
from realtime.cli import convert, say
from realtime.cli.commands import parse_arguments
from realtime.errors import BadRequest, YamabikoError
from realtime.settings import Settings
from tests.support.durations import PLAYERS, TRUE, duration_told, tells_truly
from tests.support.encoded_files import sweep

pytestmark = pytest.mark.anyio

SAMPLES = 30_100


async def run_say(settings: Settings, *arguments: object) -> None:
    await say.say(
        parse_arguments(["say", "abc", "--engine", "tone", *map(str, arguments)]), settings
    )


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def told_wrongly(path: Path, seconds: float) -> dict[str, float]:
    """Return what players tell of a file that is not its duration."""
    return {
        player: duration_told(player, path)
        for player in PLAYERS
        if not tells_truly(player, path, seconds)
    }


@pytest.mark.parametrize("name", TRUE)
async def test_what_is_said_is_written_in_the_format_of_the_suffix(
    settings: Settings, tmp_path: Path, name: str
) -> None:
    await run_say(settings, "-o", tmp_path / "said.wav")
    spoken, rate = decode((tmp_path / "said.wav").read_bytes())
    out = tmp_path / f"said.{name}"
    await run_say(settings, "-o", out)
    assert told_wrongly(out, spoken.size / rate) == {}
    if name == "flac":
        assert np.array_equal(decode(out.read_bytes())[0], spoken)
    assert names_in(tmp_path) == sorted({"said.wav", out.name}), "no part of a file is left"


@pytest.mark.parametrize("name", TRUE)
async def test_what_is_converted_tells_its_duration(
    settings: Settings, tmp_path: Path, name: str
) -> None:
    source, out = tmp_path / "in.wav", tmp_path / f"out.{name}"
    source.write_bytes(wav_file(sweep(SAMPLES, 48000), 48000))
    arguments = ["convert", str(source), str(out), "--engine", "gain"]
    await convert.convert(parse_arguments(arguments), settings)
    assert told_wrongly(out, SAMPLES / 48000) == {}


async def test_samples_alone_are_a_format_too(settings: Settings, tmp_path: Path) -> None:
    for name in ("said.pcm", "said.wav"):
        await run_say(settings, "-o", tmp_path / name)
    wav = (tmp_path / "said.wav").read_bytes()
    assert (tmp_path / "said.pcm").read_bytes() == wav[44:]


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("said", BadRequest, "'said' ends in no format; there are: .wav .pcm .flac"),
        ("said.midi", BadRequest, "'said.midi' ends in no format"),
        ("no/folder/said.wav", YamabikoError, "cannot be written: No such file or directory"),
    ],
)
async def test_what_cannot_be_written_is_refused_and_leaves_nothing(
    settings: Settings, tmp_path: Path, name: str, error: type[YamabikoError], words: str
) -> None:
    with pytest.raises(error, match=words):
        await run_say(settings, "-o", tmp_path / name)
    assert names_in(tmp_path) == []
