"""Bytes are taken as they come; the head alone can be written again."""

from __future__ import annotations

import pytest

from realtime.audio.sink import HEAD_BYTES, Sink


def test_bytes_are_taken_once() -> None:
    sink = Sink()
    sink.write(b"abc")
    sink.write(b"def")
    assert (sink.take(), sink.take(), sink.tell()) == (b"abcdef", b"", 6)
    assert sink.rewritten() == b""


def test_the_head_is_written_again_and_nothing_is_appended() -> None:
    sink = Sink()
    sink.write(b"head: ?? and the sound")
    sink.take()
    sink.seek(6)
    sink.write(b"42")
    sink.seek(0, 2)
    sink.write(b", the tail")
    assert sink.take() == b", the tail"
    assert sink.rewritten() == b"head: 42"


def test_libraries_seek_in_three_ways() -> None:
    sink = Sink()
    sink.write(b"abcdef")
    assert (sink.seek(2), sink.seek(1, 1), sink.seek(-1, 2), sink.tell()) == (2, 3, 5, 5)


def test_what_has_left_cannot_be_written_again() -> None:
    sink = Sink()
    sink.write(bytes(2 * HEAD_BYTES))
    sink.seek(HEAD_BYTES - 1)
    with pytest.raises(OSError, match="no head"):
        sink.write(b"ab")
