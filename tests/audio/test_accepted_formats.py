"""A recording is accepted by the name of its container or of its codec."""

from __future__ import annotations

import io

import pytest

from realtime.audio.accepted_formats import check_accepted
from realtime.audio.decoding import READABLE, AudioSource
from realtime.configuration import load_settings
from realtime.errors import SettingsError, WrongContentType
from realtime.settings import ALL, UPLOAD_CODECS, UPLOAD_CONTAINERS
from tests.support.encoded_files import FILES, encoded_file, foreign_file
from tests.support.voice_like_sound import pcm, voice

RATE = 48_000
SOUND = pcm(voice(0.3, rate=RATE))
DATA = {name: encoded_file(name, RATE, SOUND) for name in FILES}
DATA |= {
    "webm": foreign_file("webm", "libopus", SOUND, RATE),
    "m4a": foreign_file("mp4", "alac", SOUND, RATE),
}
NAMES = {  # container and codec of each
    "wav": {"wav", "pcm"},
    "flac": {"flac"},
    "opus": {"ogg", "opus"},
    "ogg": {"ogg", "vorbis"},
    "mp3": {"mp3"},
    "aac": {"aac"},
    "webm": {"webm", "matroska", "opus"},
    "m4a": {"m4a", "mp4", "mov", "alac"},
}


def accepts(name: str, *accepted: str) -> bool:
    try:
        check_accepted(AudioSource(io.BytesIO(DATA[name])), accepted)
    except WrongContentType:
        return False
    return True


@pytest.mark.parametrize("name", DATA)
def test_either_name_is_enough(name: str) -> None:
    found = {each for each in (*UPLOAD_CONTAINERS, *UPLOAD_CODECS) if accepts(name, each)}
    assert found == NAMES[name]
    assert accepts(name, ALL)


def test_every_container_that_is_read_can_be_named() -> None:
    assert set(READABLE.split(",")) == set(UPLOAD_CONTAINERS)


@pytest.mark.parametrize("value", ["wav,doc", "all,wav", "", "WAV"])
def test_the_setting_names_only_what_there_is(value: str) -> None:
    with pytest.raises(SettingsError, match=r"process\.formats .* of wav, flac, ogg"):
        load_settings(environ={"YAMABIKO_PROCESS__FORMATS": value})


def test_the_setting_is_read() -> None:
    read = load_settings(environ={"YAMABIKO_PROCESS__FORMATS": "wav, opus"})
    assert read.process.formats == ("wav", "opus")
