"""Files that people bring are read or refused, and open nothing else."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.audio.decoding import AudioSource, decode
from realtime.audio.wav import wav_header
from realtime.errors import BadRequest, TooLarge
from tests.support.encoded_files import FILES, encoded_file, foreign_file, sweep
from tests.support.examples import examples


@examples(60)
@given(
    st.sampled_from([b"", b"RIFF", b"fLaC", b"OggS", b"\xff\xf1", b"\xff\xfb", b"ID3"]), st.data()
)
def test_odd_bytes_are_refused_or_read(mark: bytes, data: st.DataObject) -> None:
    try:
        found, rate = decode(mark + data.draw(st.binary(max_size=500)))
    except BadRequest as error:
        assert error.code in ("bad_audio", "unsupported_format") and error.field == "audio"
    else:
        assert found.dtype == np.int16
        assert 0 < rate <= 192_000


@pytest.mark.parametrize("name", FILES)
def test_half_a_file_is_refused_or_read(name: str) -> None:
    data = encoded_file(name, 24000, sweep(24000, 24000))
    try:
        found, _ = decode(data[: len(data) // 2])
    except BadRequest as error:
        assert error.code == "bad_audio"
    else:
        assert 0 < found.size < 2 * 24000


@pytest.mark.parametrize("name", FILES)
def test_too_long_is_refused_before_all_is_read(name: str) -> None:
    data = encoded_file(name, 24000, np.zeros(48000, np.int16), step=48000)
    assert decode(data, most_seconds=2.2)[0].size >= 48000 - 256
    with pytest.raises(TooLarge, match=r"longer than 1\.5 seconds"):
        decode(data, most_seconds=1.5)


@pytest.mark.parametrize("rate", [1, 3_999, 192_001, 1_000_000, 400_000_000])
def test_an_impossible_rate_is_refused(rate: int) -> None:
    with pytest.raises(BadRequest, match=f"has {rate} samples a second") as refused:
        decode(wav_header(rate, 1000) + bytes(2000))
    assert refused.value.code == "bad_audio"


def test_a_head_that_promises_too_much_is_not_believed() -> None:
    found, _ = decode(wav_header(24000, 10**9) + bytes(2000))
    assert found.size == 1000


@pytest.mark.slow
def test_a_small_file_of_many_hours_is_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = foreign_file("flac", "flac", np.zeros(7_200 * 8000, np.int16), rate=8000)
    assert len(data) < 2_000_000
    monkeypatch.setattr(AudioSource, "parts", lambda self: 1 / 0)
    with pytest.raises(TooLarge, match="longer than 60 minutes") as refused:
        decode(data, most_seconds=3_600)
    assert refused.value.code == "audio_too_long"


def test_what_is_no_number_is_silence_and_nothing_is_beyond_bounds() -> None:
    import soundfile

    samples = np.full(1_000, 0.25, np.float32)
    samples[10], samples[20], samples[30], samples[40] = np.nan, np.inf, -np.inf, 1e30
    file = io.BytesIO()
    soundfile.write(file, samples, 24000, format="WAV", subtype="FLOAT")
    found, _ = decode(file.getvalue())
    assert list(found[[9, 10, 20, 30, 40]]) == [8192, 0, 32767, -32768, 32767]


@pytest.mark.parametrize(
    "container, codec, rate",
    [
        ("webm", "libopus", 48000),
        ("matroska", "pcm_s16le", 24000),
        ("ipod", "aac", 24000),
        ("mp4", "aac", 44100),
    ],
)
def test_what_browsers_and_phones_record_is_read(container: str, codec: str, rate: int) -> None:
    expected = sweep(2 * rate, rate)
    data = foreign_file(container, codec, expected, rate)
    found, found_rate = decode(data)
    assert found_rate == rate and abs(found.size / rate - 2.0) < 0.1
    assert np.abs(found.astype(int)).max() > 4_000
    with pytest.raises(TooLarge):
        decode(data, most_seconds=1.5)


@pytest.mark.parametrize("name", ["wav", "flac"])
def test_the_length_is_known_before_where_it_is_sure(name: str) -> None:
    source = AudioSource(io.BytesIO(encoded_file(name, 24000, sweep(12_345, 24000))))
    assert source.samples == 12_345 == sum(part.size for part in source.parts())
    assert AudioSource(io.BytesIO(encoded_file("mp3", 24000, sweep(12_345, 24000)))).samples is None


@pytest.mark.anyio
async def test_parts_come_one_at_a_time() -> None:
    pcm = sweep(5 * 24000, 24000)
    source = AudioSource(io.BytesIO(encoded_file("wav", 24000, pcm)))
    parts = [part async for part in source.async_parts()]
    assert 4 <= len(parts) <= 6 and np.array_equal(np.concatenate(parts), pcm)
    leaving = source.async_parts()
    await anext(leaving)
    await leaving.aclose()


def test_a_list_of_other_files_opens_none_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.wav").write_bytes(encoded_file("wav", 24000, sweep(24000, 24000)))
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
    found, _ = decode(head + encoded_file("mp3", 24000, sweep(24000, 24000)))
    assert found.size >= 24000
