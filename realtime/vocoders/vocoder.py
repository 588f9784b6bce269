"""Log mels into sound by a network: in windows whose joins cannot be heard, whole or as they come.

It takes the log mel itself, log(max(mel, 1e-5)), and knows no file. A window that finds too little
memory is cut smaller instead; every result is that of the whole mel in one pass.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from realtime.audio.samples import Samples
from realtime.errors import BadRequest, OutOfMemory
from realtime.vocoders.batching import Batches
from realtime.vocoders.memory_limit import Headroom
from realtime.vocoders.networks.windows import Reach, Schedule, Window, cut

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

FIRST = 16  # frames of a stream's first sound


@dataclass(frozen=True)
class Cutting:
    """How large windows are, and how many of them run at once."""

    chunk: int = 500
    overlap_ratio: float = 0.0
    batch: int = 4
    first: int = FIRST
    shaped: bool = False  # whether only the shapes that were prepared are quick


def schedules(reach: Reach, cutting: Cutting) -> tuple[Schedule, Schedule]:
    """For mels that are there as a whole, and for those that grow."""
    wide = reach.widened(round(cutting.overlap_ratio * cutting.chunk))
    growing = Schedule(wide, cutting.chunk, cutting.first)
    shapes = growing.sizes if cutting.shaped else ()
    whole = Schedule(wide, cutting.chunk, shapes=shapes)
    return whole, Schedule(wide, cutting.chunk, cutting.first, shapes)


class Vocoder:
    """One network on one device, for as many threads and streams as there are."""

    def __init__(
        self,
        run: Callable[[Tensor], Tensor],
        *,
        bands: int,
        hop: int,
        sample_rate: int,
        reach: Reach,
        cutting: Cutting = Cutting(),
        headroom: Headroom | None = None,
        overlapped: Callable[[int, int], None] | None = None,
    ) -> None:
        """`overlapped` is told how many frames were computed, and how many of them kept."""
        import torch

        self.bands, self.hop, self.sample_rate = bands, hop, sample_rate
        self._torch = torch
        self._headroom = headroom or Headroom.endless()
        self._cutting = cutting
        self._overlapped = overlapped or (lambda computed, kept: None)
        self.whole, self.growing = schedules(reach, cutting)
        self.batches = Batches(
            self._ran(run), torch.stack, lambda: self._headroom.batch(cutting.batch)
        )

    def render(self, mels: Sequence[Tensor]) -> list[Samples]:
        """Whole mels, (bands, frames) each; their windows share runs."""
        mels = [self._checked(mel) for mel in mels]
        made: list[list[Samples]] = [[] for _ in mels]
        done = [0] * len(mels)
        while turn := self._turn(mels, done):
            sounds = self._sounds([mels[owner][:, w.start : w.stop] for owner, w in turn])
            if sounds is None:
                continue
            self.tell(window for _, window in turn)
            for (owner, window), sound in zip(turn, sounds, strict=True):
                made[owner].append(sound[window.samples(self.hop)])
                done[owner] = window.end
        return [np.concatenate(parts) if parts else np.zeros(0, np.float32) for parts in made]

    def stream(self) -> Stream:
        """A mel that is still being made."""
        return Stream(self)

    def tell(self, windows: Iterable[Window]) -> None:
        for window in windows:
            self._overlapped(window.frames, window.end - window.kept)

    def _turn(self, mels: Sequence[Tensor], done: Sequence[int]) -> list[tuple[int, Window]]:
        """The next windows of all mels, as many as one or two runs take."""
        most = self._headroom.frames(self._cutting.batch)
        turn: list[tuple[int, Window]] = []
        for owner, mel in enumerate(mels):
            for window in cut(self.whole, mel.shape[1], most, done[owner]):
                if len(turn) >= 2 * self._cutting.batch:
                    return turn
                turn.append((owner, window))
        return turn

    def _sounds(self, windows: Sequence[Tensor]) -> list[Samples] | None:
        """What windows sound like; None when memory did not suffice and they must be smaller."""
        longest = max(window.shape[1] for window in windows)
        try:
            sounds = self.batches(windows)
        except (OutOfMemory, self._torch.OutOfMemoryError, MemoryError) as error:
            least = self.whole.reach.both + 1
            if not self._headroom.exceeded(longest, len(windows), least):
                raise OutOfMemory(
                    "The vocoder needs more memory than the device has free now.",
                    hint="Try again later, or give it less: vocoder.vocoder_chunk_size.",
                    retry_after=5,
                ) from error
            return None
        self._headroom.sufficed()
        return [self._plain(sound) for sound in sounds]

    def _ran(self, run: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        def ran(mels: Tensor) -> Tensor:
            # Not in inference mode: what is compiled without it would not be found in it.
            with self._torch.no_grad():
                return run(mels)

        return ran

    def _checked(self, mel: Tensor) -> Tensor:
        if mel.dim() != 2 or mel.shape[0] != self.bands:
            raise BadRequest(
                f"A mel of the shape {tuple(mel.shape)} is none of {self.bands} bands.",
                code="bad_mel",
                hint="The vocoder takes (bands, frames).",
            )
        return mel

    @staticmethod
    def _plain(sound: Any) -> Samples:
        samples: Samples = sound[0].float().cpu().numpy()
        return samples


class Stream:
    """One mel that grows, and its sound as soon as nothing can change it any more."""

    def __init__(self, vocoder: Vocoder) -> None:
        self._vocoder = vocoder
        self._schedule = vocoder.growing
        self._held: Tensor | None = None  # the end of the mel, for windows that reach back
        self._dropped = 0  # frames before it
        self._done = 0
        self._number = 0
        self._ended = False

    def feed(self, mel: Tensor) -> Iterator[Samples]:
        """Take (bands, frames); give what can be said now, piece by piece."""
        if self._ended:
            raise ValueError("the mel has ended")
        mel = self._vocoder._checked(mel)
        held = self._held
        self._held = mel if held is None else self._vocoder._torch.cat([held, mel], 1)
        return self._pieces()

    def finish(self) -> Iterator[Samples]:
        """The mel is whole: give the rest."""
        self._ended = True
        return self._pieces()

    @property
    def frames(self) -> int:
        return self._dropped + (0 if self._held is None else self._held.shape[1])

    def _pieces(self) -> Iterator[Samples]:
        while (window := self._next()) is not None:
            assert self._held is not None
            start = window.start - self._dropped
            sounds = self._vocoder._sounds([self._held[:, start : start + window.frames]])
            if sounds is not None:
                self._done, self._number = window.end, self._number + 1
                self._vocoder.tell([window])
                self._forget()
                yield sounds[0][window.samples(self._vocoder.hop)]

    def _next(self) -> Window | None:
        most = self._vocoder._headroom.frames(1)
        if self._ended:
            more = self._done < self.frames
        else:
            more = self._schedule.wanted(self._number, self._done, most) < self.frames
        if not more:
            return None
        return self._schedule.window(self._number, self._done, self.frames, most)

    def _forget(self) -> None:
        """Keep what later windows may reach back to, and no more."""
        assert self._held is not None
        reached = self._done - self._schedule.reach.before
        first = max(0, min(reached, self.frames - self._schedule.largest))
        self._held = self._held[:, first - self._dropped :].clone()
        self._dropped = first
