"""The Info frame at the head of an MP3 file, which states the length of the file.

FFmpeg writes it at the start with lengths of 0, and once more at the end with the true ones. Some
players warn of a 0, so the frame of a growing file says that it holds no length.
"""

from __future__ import annotations

MARK = b"Xing"  # of a growing file; a finished one with a constant bit rate has "Info"
FLAGS_BYTES = 4  # which of the fields there are
FIELDS_BYTES = 4 + 4 + 100 + 4  # frames, bytes, places to seek to, quality


def without_length(frame: bytes) -> bytes:
    """Return the frame without its fields; its size stays, so that it can be written again."""
    place = frame.find(MARK)
    if place < 0:
        return frame
    flags = place + len(MARK)
    after = flags + FLAGS_BYTES + FIELDS_BYTES  # who encoded it
    return frame[:flags] + bytes(FLAGS_BYTES) + frame[after:] + bytes(FIELDS_BYTES)
