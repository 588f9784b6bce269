"""The first frame of an MP3 file without its fields has the same size and the same encoder."""

from __future__ import annotations

from realtime.audio.mp3_head import without_length


def test_the_fields_go_and_the_size_stays() -> None:
    fields = b"\0\0\0\x80" + b"\0\1\2\3" + bytes(range(100)) + b"\0\0\0\x50"
    frame = b"\xff\xf3\xa4\xc0" + bytes(9) + b"Xing" + b"\0\0\0\x0f" + fields + b"Lavf" + bytes(60)
    found = without_length(frame)
    assert len(found) == len(frame)
    assert found[:17] == frame[:17]
    assert found[17:25] == bytes(4) + b"Lavf"
    assert not any(found[25:])


def test_a_frame_without_a_mark_is_sound_and_stays() -> None:
    assert without_length(b"\xff\xf3\xa4\xc0 sound") == b"\xff\xf3\xa4\xc0 sound"
