"""The places of a line's steps."""

from __future__ import annotations

from realtime.engines.decoding.line import BatchedLine


def test_steps_are_queued_before_their_codes_are_read() -> None:
    line = BatchedLine(None, (9, 2, 5), 2, [7, 8].__getitem__)
    line.queued_steps = 1
    assert (line.place, line.next_place, line.next_draw) == (5, 6, 8)
    line.add(3)
    line.queued_steps = 2
    assert (line.place, line.next_place, line.has_steps_left) == (6, 7, False)
    assert line.next_draw == 0, "the step after the last is dropped: it needs no numbers"
