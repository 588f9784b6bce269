"""Every container gives back what went in, to its very end, and its bytes leave early."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.audio.decoding import decode
from realtime.audio.formats import FORMATS, ContainerEncoder, format_named, make_encoder
from realtime.audio.samples import RATES, Pcm, Resampler, pcm_to_bytes
from realtime.audio.wav import wav_header
from realtime.errors import BadRequest
from tests.support.durations import PLAYERS, TRUE, duration_told, tells_truly
from tests.support.encoded_files import (
    CODED,
    FILES,
    LOUD_SECONDS,
    encode_all,
    encoded_file,
    finished_file,
    sweep,
)
from tests.support.examples import examples


def played(name: str, data: bytes) -> tuple[Pcm, int]:
    """Decode a file; FFmpeg drops the first block of Vorbis, which libvorbis itself keeps."""
    if name != "ogg":
        return decode(data)
    import soundfile

    found, rate = soundfile.read(io.BytesIO(data), dtype="int16")
    return found, rate


def at_rate(pcm: Pcm, source: int, target: int) -> Pcm:
    resampler = Resampler(source, target)
    return np.concatenate([resampler.feed(pcm), resampler.finish()])


def ending_likeness(found: Pcm, expected: Pcm, ending: int) -> float:
    """Correlate both endings where the whole sound fits best into the found one; 1 is the same.

    Codecs put silence before and after; but they must not lose the ending.
    """
    room = np.concatenate([found, np.zeros(expected.size, np.int16)]).astype(float)
    size = 1 << (room.size + expected.size).bit_length()
    product = np.fft.rfft(room, size) * np.conj(np.fft.rfft(expected.astype(float), size))
    delay = int(np.fft.irfft(product, size)[: room.size].argmax())
    there = room[delay : delay + expected.size][-ending:]
    return float(np.corrcoef(there, expected[-ending:])[0, 1])


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("length", [0, 1, 100, 12345])
def test_no_container_loses_the_end(name: str, rate: int, length: int) -> None:
    pcm = sweep(length, rate)
    found, found_rate = played(name, encoded_file(name, rate, pcm))
    assert found.size / found_rate >= length / rate - 1 / 8000
    if length == 12345:
        expected = at_rate(pcm, rate, found_rate)
        ending = round(LOUD_SECONDS * found_rate)
        assert ending_likeness(found, expected, ending) > 0.95
        assert ending_likeness(found, expected, ending // 10) > 0.9


@examples(40)
@given(st.sampled_from(FILES), st.sampled_from(RATES), st.integers(2400, 12000))
def test_no_length_loses_the_end(name: str, rate: int, length: int) -> None:
    pcm = sweep(length, rate)
    found, found_rate = played(name, encoded_file(name, rate, pcm, step=1000))
    expected = at_rate(pcm, rate, found_rate)
    assert found.size >= expected.size - 1
    assert ending_likeness(found, expected, round(LOUD_SECONDS * found_rate)) > 0.85


def test_a_file_too_short_to_be_guessed_is_known_by_its_first_frame() -> None:
    for name, rate, length in [("mp3", 44100, 3426), ("aac", 22050, 100)]:
        found, _ = decode(encoded_file(name, rate, sweep(length, rate), step=1000))
        assert found.size >= length


@pytest.mark.parametrize("name", ["wav", "flac"])
@pytest.mark.parametrize("length", [1, 100, 12345])
def test_nothing_is_lost_without_loss(name: str, length: int) -> None:
    found, rate = decode(encoded_file(name, 22050, sweep(length, 22050)))
    assert rate == 22050
    assert np.array_equal(found, sweep(length, 22050))


@pytest.mark.parametrize("name", ["opus", "ogg"])
@pytest.mark.parametrize("length", [1, 100, 12345])
def test_ogg_ends_where_the_sound_ends(name: str, length: int) -> None:
    found, rate = played(name, encoded_file(name, 24000, sweep(length, 24000)))
    assert found.size == length * rate // 24000


@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize("name", TRUE)
@pytest.mark.parametrize("rate", [8000, 24000])
@pytest.mark.parametrize("length", [1, 24_100])
def test_a_finished_file_tells_its_true_duration(
    tmp_path: Path, name: str, player: str, rate: int, length: int
) -> None:
    path = tmp_path / f"sound.{name}"
    path.write_bytes(finished_file(name, rate, sweep(length, rate)))
    seconds = length / rate
    if name == "opus":  # always at 48 kHz: resampling rounds down
        seconds = length * 48000 // rate / 48000
    assert tells_truly(player, path, seconds), duration_told(player, path)


@pytest.mark.parametrize("name", ["wav", "flac"])
@pytest.mark.parametrize("length", [0, 1, 12345])
def test_a_finished_file_is_decoded_sample_by_sample(name: str, length: int) -> None:
    data = finished_file(name, 24000, sweep(length, 24000))
    if length:
        assert np.array_equal(decode(data)[0], sweep(length, 24000))
    assert len(data) == len(encoded_file(name, 24000, sweep(length, 24000)))


@pytest.mark.parametrize("rate", [8000, 24000, 44100, 48000])
def test_a_finished_mp3_has_no_silence_around_its_sound(rate: int) -> None:
    import soundfile

    data = finished_file("mp3", rate, sweep(rate, rate))
    found, _ = soundfile.read(io.BytesIO(data), dtype="int16")
    assert found.size == rate
    assert ending_likeness(found, sweep(rate, rate), round(LOUD_SECONDS * rate)) > 0.95


def test_a_finished_flac_states_what_is_in_it() -> None:
    pcm = sweep(12345, 24000)
    data = finished_file("flac", 24000, pcm)
    info = data[8:42]  # after the mark and the head of the block
    smallest, largest = (int.from_bytes(info[place : place + 3]) for place in (4, 7))
    assert 0 < smallest <= largest < len(data)
    assert int.from_bytes(info[13:18]) & 0xFFFFFFFFF == pcm.size
    assert info[18:34] == hashlib.md5(pcm_to_bytes(pcm), usedforsecurity=False).digest()


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_finishing_changes_nothing_but_the_head(name: str) -> None:
    encoder = make_encoder(format_named(name), 24000)
    start = encoder.start()
    pcm = sweep(12345, 24000)
    rest = encoder.feed(pcm) + encoder.finish()
    head = encoder.head()
    assert bool(head) == FORMATS[name].states_length
    assert len(head) <= len(start), "those who listen already have no more than the old head"
    assert head[:4] == start[: len(head)][:4], "the same container"
    assert not head or head[8:] not in rest, "it is written at the start, not at the end"


def test_a_growing_mp3_states_no_length(tmp_path: Path) -> None:
    """A player that takes the first frame for sound, or its zeros for a length, is led astray."""
    growing = encoded_file("mp3", 24000, sweep(72_000, 24000))
    place = growing.index(b"Xing")
    assert growing[place + 4 : place + 8] == bytes(4), "no field is there"
    found, rate = decode(growing)
    assert found.size / rate == pytest.approx(3.0, abs=0.075)


@pytest.mark.parametrize("name", ["wav", "opus", "mp3"])
def test_another_decoder_reads_the_same(name: str) -> None:
    import soundfile

    data = finished_file(name, 24000, sweep(12345, 24000))
    ours, rate = decode(data)
    theirs, their_rate = soundfile.read(io.BytesIO(data), dtype="int16")
    theirs = at_rate(theirs, their_rate, rate)
    assert ending_likeness(theirs, at_rate(sweep(12345, 24000), 24000, rate), rate // 20) > 0.95
    assert abs(theirs.size - ours.size) <= 1


def test_another_decoder_reads_flac_as_it_grows() -> None:
    import soundfile

    pcm = sweep(12345, 24000)
    with soundfile.SoundFile(io.BytesIO(encoded_file("flac", 24000, pcm))) as file:
        assert np.array_equal(file.read(frames=12000, dtype="int16"), pcm[:12000])


def test_raw_samples_have_no_container() -> None:
    pcm = sweep(12345, 24000)
    assert encoded_file("pcm", 24000, pcm) == pcm.astype("<i2").tobytes()
    assert encoded_file("pcm", 24000, pcm[:0]) == b""


def test_wav_is_one_growing_header_and_the_samples() -> None:
    pcm = sweep(5000, 24000)
    assert encoded_file("wav", 24000, pcm) == wav_header(24000, None) + pcm_to_bytes(pcm)


@examples(30)
@given(
    st.sampled_from(sorted(FORMATS)),
    st.lists(st.integers(0, 9000), max_size=5),
    st.sampled_from([None, 48000]),
)
def test_cuts_leave_no_trace(name: str, cuts: list[int], target: int | None) -> None:
    def whole(parts: list[Pcm]) -> bytes:
        encoder = make_encoder(format_named(name), 24000, target)
        return b"".join([encoder.start(), *map(encoder.feed, parts), encoder.finish()])

    pcm = sweep(9000, 24000)
    once, cut = whole([pcm]), whole(np.split(pcm, sorted(cuts)))
    if name in ("opus", "ogg"):  # each stream has a number of its own
        assert np.array_equal(played(name, once)[0], played(name, cut)[0])
    else:
        assert once == cut


def longest_wait(encoder: ContainerEncoder) -> int:
    """Return the most milliseconds of sound that go in before any bytes come out."""
    pcm = sweep(24000, 24000)
    left = [bool(encoder.feed(pcm[i : i + 120])) for i in range(0, pcm.size, 120)]
    encoder.close()
    return 5 * int(np.diff([-1, *np.flatnonzero(left), len(left)]).max())


# Milliseconds. Vorbis leaves in pages of 4 KiB: for early sound ask for another format.
WAITS = {"wav": 5, "pcm": 5, "flac": 30, "opus": 80, "ogg": 1000, "mp3": 80, "aac": 95}


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_bytes_leave_all_the_time(name: str) -> None:
    encoder = make_encoder(format_named(name), 24000)
    assert (encoder.start() == b"") == (name in ("pcm", "ogg", "aac"))
    assert longest_wait(encoder) <= WAITS[name]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_resampling_adds_little_to_the_wait(name: str) -> None:
    encoder = make_encoder(format_named(name), 24000, 48000)
    encoder.start()
    assert longest_wait(encoder) <= WAITS[name] + 40


@pytest.mark.parametrize("name", ["wav", "flac", "opus"])
def test_the_head_comes_once(name: str) -> None:
    encoder = make_encoder(format_named(name), 24000)
    head = encoder.start()
    mark = {"wav": b"RIFF", "flac": b"fLaC"}.get(name, b"OpusHead")
    rest = encoder.feed(np.zeros(24000, np.int16)) + encoder.feed(sweep(24000, 24000))
    rest += encoder.finish()
    assert head.count(mark) == 1
    assert rest.count(mark) == 0
    assert len(head) < 200


@pytest.mark.parametrize("name", CODED)
@pytest.mark.parametrize("rate", [24000, 22050])
def test_no_sound_at_all_is_a_valid_file(name: str, rate: int) -> None:
    found, _ = decode(encoded_file(name, rate, np.zeros(0, np.int16)))
    assert not found.any()


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_the_rate_is_the_wanted_one_where_there_is_it(name: str) -> None:
    for rate in RATES:
        expected = 48000 if name == "opus" else rate
        for encoder in (
            make_encoder(FORMATS[name], 24000, rate),
            make_encoder(FORMATS[name], rate),
        ):
            assert encoder.sample_rate == expected
            encoder.close()


@pytest.mark.parametrize("name", FILES)
def test_the_rate_changes_and_the_sound_does_not(name: str) -> None:
    pcm = sweep(12345, 24000)
    found, rate = decode(encode_all(make_encoder(FORMATS[name], 24000, 44100), pcm))
    assert rate == (48000 if name == "opus" else 44100)
    assert ending_likeness(found, at_rate(pcm, 24000, rate), rate // 20) > 0.95


def test_an_engine_may_have_a_rate_of_its_own() -> None:
    found, rate = decode(encoded_file("wav", 32000, sweep(3200, 32000)))
    assert (found.size, rate) == (3200, 32000)
    assert make_encoder(FORMATS["opus"], 32000).sample_rate == 48000


def test_a_rate_that_cannot_be_asked_for_says_what_can() -> None:
    with pytest.raises(BadRequest, match=r"11025.*22050") as caught:
        make_encoder(FORMATS["wav"], 24000, 11025)
    assert caught.value.field == "sample_rate"


def test_an_unknown_format_says_what_there_is() -> None:
    with pytest.raises(BadRequest, match=r"'wma'.*wav.*flac.*opus.*mp3") as caught:
        format_named("wma")
    assert (caught.value.code, caught.value.field) == ("unsupported_format", "response_format")


def test_names_suffixes_and_types() -> None:
    types = {name: found.content_type for name, found in FORMATS.items()}
    assert types == {
        "wav": "audio/wav",
        "pcm": "audio/pcm",
        "flac": "audio/flac",
        "opus": "audio/opus",
        "ogg": "audio/ogg",
        "mp3": "audio/mpeg",
        "aac": "audio/aac",
    }
    assert all(found.suffix == f".{name}" for name, found in FORMATS.items())


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_an_encoder_can_be_left_at_any_moment(name: str) -> None:
    make_encoder(FORMATS[name], 24000).close()
    for finish in (False, True):
        encoder = make_encoder(FORMATS[name], 24000)
        encoder.start()
        encoder.feed(sweep(5000, 24000))
        if finish:
            encoder.finish()
        encoder.close()
        encoder.close()


@pytest.mark.parametrize("name", CODED)
def test_samples_that_lie_apart_are_encoded_too(name: str) -> None:
    pcm = sweep(9600, 48000)
    apart = encoded_file(name, 24000, pcm[::2])
    together = encoded_file(name, 24000, pcm[::2].copy())
    assert np.array_equal(played(name, apart)[0], played(name, together)[0])
