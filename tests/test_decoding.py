"""Files that people bring are read or refused, and open nothing else."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.audio import wav_header
from realtime.decoding import decode
from realtime.errors import BadRequest
from tests.test_formats import FILES, encoded, sweep


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([b"", b"RIFF", b"fLaC", b"OggS", b"\xff\xf1", b"\xff\xfb", b"ID3"]), st.data()
)
def test_odd_bytes_are_refused_or_read(mark: bytes, data: st.DataObject) -> None:
    try:
        found, rate = decode(mark + data.draw(st.binary(max_size=500)))
    except BadRequest as error:
        assert (error.code, error.field) == ("bad_audio", "audio")
    else:
        assert found.dtype == np.int16
        assert 0 < rate <= 192_000


@pytest.mark.parametrize("name", FILES)
def test_half_a_file_is_refused_or_read(name: str) -> None:
    data = encoded(name, 24000, sweep(24000, 24000))
    try:
        found, _ = decode(data[: len(data) // 2])
    except BadRequest as error:
        assert error.code == "bad_audio"
    else:
        assert 0 < found.size < 2 * 24000


@pytest.mark.parametrize("name", FILES)
def test_too_long_is_refused_before_all_is_read(name: str) -> None:
    data = encoded(name, 24000, np.zeros(48000, np.int16), step=48000)
    assert decode(data, most_seconds=2.2)[0].size >= 48000 - 256
    with pytest.raises(BadRequest, match=r"longer than 1\.5 seconds"):
        decode(data, most_seconds=1.5)


def test_an_impossible_rate_is_refused() -> None:
    with pytest.raises(BadRequest, match="400000000"):
        decode(wav_header(400_000_000, 1000) + bytes(2000))


def test_a_list_of_other_files_opens_none_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.wav").write_bytes(encoded("wav", 24000, sweep(24000, 24000)))
    with pytest.raises(BadRequest):
        decode(b"ffconcat version 1.0\nfile secret.wav\n")


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "PCM_U8"])
def test_two_channels_become_one(subtype: str) -> None:
    import soundfile

    left = 0.5 * np.sin(np.arange(9000) * 0.05)
    file = io.BytesIO()
    soundfile.write(file, np.stack([left, 0 * left], 1), 44100, format="WAV", subtype=subtype)
    found, rate = decode(file.getvalue())
    assert rate == 44100
    assert np.abs(found / 32768 - left / 2).max() < 0.01


def test_odd_tags_do_not_matter() -> None:
    tag = b"TIT2" + (6).to_bytes(4, "big") + b"\0\0\x03\xff\xfe\xe9\x80\x81"
    head = b"ID3\x03\0\0" + bytes([0, 0, 0, len(tag)]) + tag
    found, _ = decode(head + encoded("mp3", 24000, sweep(24000, 24000)))
    assert found.size >= 24000
