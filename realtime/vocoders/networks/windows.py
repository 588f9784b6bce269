"""Where a long mel is cut so that its pieces' sound, joined, is the sound of the whole.

Each window carries the frames around it that its sound depends on, and what they sound like is
thrown away. Nothing is padded: the first window begins where the mel does, the last ends where it
ends and reaches further back instead. It knows numbers of frames only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Reach(NamedTuple):
    """Frames before and after a frame that its own sound depends on."""

    before: int
    after: int

    @property
    def both(self) -> int:
        return self.before + self.after

    def widened(self, frames: int) -> Reach:
        """At least so many on either side."""
        return Reach(max(self.before, frames), max(self.after, frames))


class Window(NamedTuple):
    """The frames that go in, and the first of them that is kept and the first that no longer is."""

    start: int
    stop: int
    kept: int
    end: int

    @property
    def frames(self) -> int:
        return self.stop - self.start

    def samples(self, hop: int) -> slice:
        """What is kept of the window's sound."""
        return slice((self.kept - self.start) * hop, (self.end - self.start) * hop)


class Schedule:
    """The sizes of windows, one after the other: small at first, so that sound begins soon.

    After the first, each window brings twice as many frames as the one before, until the largest.
    Where only some shapes are quick, the end of a mel is cut into two of these, not left as it is.
    """

    def __init__(
        self, reach: Reach, largest: int, first: int = 0, shapes: Sequence[int] = ()
    ) -> None:
        self.reach = reach
        self._shapes = sorted(shapes)
        self.largest = max(largest, self.least)
        self.sizes = tuple(self._growing(first)) if first else (self.largest,)

    @property
    def least(self) -> int:
        """A window of this size brings half of its frames' worth: smaller ones hardly any."""
        return 2 * self.reach.both + 1

    def window(self, number: int, done: int, frames: int, most: int) -> Window:
        """The next window of a mel of which so many frames are done."""
        start = max(0, done - self.reach.before)
        size = self._size(number, done - start, most)
        if start + size < frames:
            return Window(start, start + size, done, start + size - self.reach.after)
        needed = frames - start
        if self._shapes:
            return self._shaped(start, done, frames, min(size, frames))
        size = min((s for s in (*self.sizes, size) if needed <= s <= size), default=size)
        return Window(max(0, frames - size), frames, done, frames)

    def _shaped(self, start: int, done: int, frames: int, most: int) -> Window:
        """To the mel's end in the smallest shape that holds it, or else as far as one brings it."""
        needed = frames - start
        fits = [shape for shape in self._shapes if needed <= shape <= most]
        if fits:
            return Window(frames - fits[0], frames, done, frames)
        parts = [shape for shape in self._shapes if self.reach.both < shape <= min(needed, most)]
        if parts:
            stop = start + parts[-1]
            return Window(start, stop, done, stop - self.reach.after)
        return Window(start, frames, done, frames)

    def wanted(self, number: int, done: int, most: int) -> int:
        """How many frames of a mel that still grows must be there for its next window."""
        start = max(0, done - self.reach.before)
        return start + self._size(number, done - start, most)

    def _size(self, number: int, before: int, most: int) -> int:
        """As planned, but no more than there is memory for, and at least a frame of its own."""
        size = self.sizes[min(number, len(self.sizes) - 1)]
        return max(min(size, most), before + 1 + self.reach.after)

    def _growing(self, first: int) -> Iterator[int]:
        yield min(first + self.reach.after, self.largest)
        fresh = 2 * first
        while self.reach.both + fresh < self.largest:
            yield self.reach.both + fresh
            fresh *= 2
        yield self.largest


def cut(schedule: Schedule, frames: int, most: int, done: int = 0) -> Iterator[Window]:
    """All windows of a mel that is there as a whole, from a frame on."""
    number = 0
    while done < frames:
        window = schedule.window(number, done, frames, most)
        yield window
        number, done = number + 1, window.end


def overlap(windows: Sequence[Window]) -> float:
    """The share of the work that is thrown away."""
    worked = sum(window.frames for window in windows)
    return 1 - sum(window.end - window.kept for window in windows) / worked if worked else 0.0
