"""Windows of a long mel: where it is cut so that the joined sound is the sound of the whole.

Each window carries the frames around it that its sound depends on; the sound of those frames is
thrown away. Nothing is padded: the first window begins where the mel begins, and the last ends
where it ends and reaches further back instead. All numbers are frames.
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
        """Give a reach of at least so many frames on either side."""
        return Reach(max(self.before, frames), max(self.after, frames))


class Window(NamedTuple):
    """Frames `start` to `stop` go in; of their sound that of `kept` to `end` is kept."""

    start: int
    stop: int
    kept: int
    end: int

    @property
    def frames(self) -> int:
        return self.stop - self.start

    def kept_samples(self, hop: int) -> slice:
        """Give the part of the window's sound that is kept."""
        return slice((self.kept - self.start) * hop, (self.end - self.start) * hop)


class Schedule:
    """The sizes of windows in their order: small at first, so that sound begins soon.

    After the first, each window brings twice as many new frames as the one before, until the
    largest. With `shapes`, the sizes that were prepared, the end of a mel is cut into two of these
    sizes and not left at a size that was not prepared.
    """

    def __init__(
        self, reach: Reach, largest: int, first: int = 0, shapes: Sequence[int] = ()
    ) -> None:
        self.reach = reach
        self._shapes = sorted(shapes)
        self.largest = max(largest, self.least)
        self.sizes = tuple(self._growing_sizes(first)) if first else (self.largest,)

    @property
    def least(self) -> int:
        """Give the smallest useful size: in it about half of the frames are context."""
        return 2 * self.reach.both + 1

    def window(self, number: int, done: int, frames: int, most: int) -> Window:
        """Give the window with this number, when `done` of a mel's `frames` have their sound.

        It has at most `most` frames, which is what memory allows.
        """
        start = max(0, done - self.reach.before)
        size = self._size(number, done - start, most)
        if start + size < frames:
            return Window(start, start + size, done, start + size - self.reach.after)
        needed = frames - start
        if self._shapes:
            return self._last_in_shapes(start, done, frames, min(size, frames))
        size = min((s for s in (*self.sizes, size) if needed <= s <= size), default=size)
        return Window(max(0, frames - size), frames, done, frames)

    def _last_in_shapes(self, start: int, done: int, frames: int, most: int) -> Window:
        """Reach the mel's end in the smallest shape that holds it, else go as far as one brings."""
        needed = frames - start
        fits = [shape for shape in self._shapes if needed <= shape <= most]
        if fits:
            return Window(frames - fits[0], frames, done, frames)
        parts = [shape for shape in self._shapes if self.reach.both < shape <= min(needed, most)]
        if parts:
            stop = start + parts[-1]
            return Window(start, stop, done, stop - self.reach.after)
        return Window(start, frames, done, frames)

    def frames_needed(self, number: int, done: int, most: int) -> int:
        """Count the frames of a growing mel that must be there for its next window."""
        start = max(0, done - self.reach.before)
        return start + self._size(number, done - start, most)

    def _size(self, number: int, before: int, most: int) -> int:
        """Give the planned size, at most what memory allows, and at least one new frame."""
        size = self.sizes[min(number, len(self.sizes) - 1)]
        return max(min(size, most), before + 1 + self.reach.after)

    def _growing_sizes(self, first: int) -> Iterator[int]:
        yield min(first + self.reach.after, self.largest)
        fresh = 2 * first
        while self.reach.both + fresh < self.largest:
            yield self.reach.both + fresh
            fresh *= 2
        yield self.largest


def cut_windows(schedule: Schedule, frames: int, most: int, done: int = 0) -> Iterator[Window]:
    """Yield all windows of a whole mel, from the frame `done` on."""
    number = 0
    while done < frames:
        window = schedule.window(number, done, frames, most)
        yield window
        number, done = number + 1, window.end
