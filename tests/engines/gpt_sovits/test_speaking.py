"""Chunks of codes are the same however many steps are taken between two looks."""

from __future__ import annotations

import pytest

from realtime.engines.decoding.line import END, BatchedLine
from realtime.engines.gpt_sovits.speaking import Chunks


def counts(total: int, ending: int | None, looks: set[int], size: int = 4) -> list[int]:
    """Return the counts of codes with which sound is made, when looked at after these steps."""
    line: BatchedLine[None] = BatchedLine(None, (0, 0, 0), total, int)
    chunks, found = Chunks(line, size), []
    for step in range(total):
        line.add(7)
        if step in looks:
            found += [len(codes) for codes in chunks]
    if ending is not None:
        line.ending = None
        line.add(ending)
    found += [len(codes) for codes in chunks]
    return [*found, len(line.codes)]


@pytest.mark.parametrize("total", [3, 4, 7, 8, 9, 13])
@pytest.mark.parametrize("ending", [None, END])
def test_chunks_do_not_depend_on_the_turns(total: int, ending: int | None) -> None:
    each = counts(total, ending, set(range(total)))
    for looks in ({0}, {total - 1}, {1, 5, 6}, set(range(1, total, 3))):
        assert counts(total, ending, looks) == each


def test_without_a_size_there_is_one_chunk() -> None:
    assert counts(9, END, set(range(9)), size=0) == [9]
