"""A vocoder: log mels into sound by a network, in windows whose joins cannot be heard.

It takes the log mel itself, log(max(mel, 1e-5)), whole or frame by frame. Every result is that of
the whole mel in one pass; a window that finds too little memory is cut smaller instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from realtime.audio.samples import Samples
from realtime.errors import BadRequest, OutOfMemory
from realtime.vocoders.batching import Batches
from realtime.vocoders.memory_limit import MemoryLimit
from realtime.vocoders.networks.windows import Reach, Schedule, Window, cut_windows

if TYPE_CHECKING:
    from torch import Tensor

FIRST_FRAMES = 16  # of a stream's first sound: 170 ms of BigVGAN's sound, 160 ms of v4's


@dataclass(frozen=True)
class WindowSettings:
    """Sizes of windows in frames, and how many of them run at once."""

    chunk: int = 500
    overlap_ratio: float = 0.0
    batch: int = 4
    first: int = FIRST_FRAMES
    prepared_only: bool = False  # whether only the shapes that were prepared are fast


def make_schedules(reach: Reach, windows: WindowSettings) -> tuple[Schedule, Schedule]:
    """Make the schedule of whole mels and that of growing ones."""
    wide = reach.widened(round(windows.overlap_ratio * windows.chunk))
    growing = Schedule(wide, windows.chunk, windows.first)
    shapes = growing.sizes if windows.prepared_only else ()
    whole = Schedule(wide, windows.chunk, shapes=shapes)
    return whole, Schedule(wide, windows.chunk, windows.first, shapes)


class Vocoder:
    """A network on one device, for any number of threads and streams."""

    def __init__(
        self,
        network: Callable[[Tensor], Tensor],
        *,
        bands: int,
        hop: int,
        sample_rate: int,
        reach: Reach,
        windows: WindowSettings = WindowSettings(),
        memory: MemoryLimit | None = None,
        count_overlap: Callable[[int, int], None] | None = None,
    ) -> None:
        """Tell `count_overlap` how many frames were computed and how many of them are kept."""
        import torch

        self.bands, self.hop, self.sample_rate = bands, hop, sample_rate
        self.schedule, self.stream_schedule = make_schedules(reach, windows)
        self.memory = memory or MemoryLimit.unlimited()
        self._torch = torch
        self.most_windows = windows.batch  # in one run
        self._count_overlap = count_overlap or (lambda computed, kept: None)
        self._batches = Batches(
            self._without_gradients(network),
            torch.stack,
            lambda: self.memory.windows_per_run(windows.batch),
        )

    def render(
        self, mels: Sequence[Tensor], check: Callable[[], None] = lambda: None
    ) -> list[Samples]:
        """Give the sound of whole mels, (bands, frames) each; their windows share runs.

        `check` is called before each run, and may raise to end the work there.
        """
        mels = [self.check_mel(mel) for mel in mels]
        pieces: list[list[Samples]] = [[] for _ in mels]
        done = [0] * len(mels)
        while turn := self._next_windows(mels, done):
            check()
            sounds = self.run_windows([mels[mel][:, w.start : w.stop] for mel, w in turn])
            if sounds is None:
                continue
            self.count(window for _, window in turn)
            for (mel, window), sound in zip(turn, sounds, strict=True):
                pieces[mel].append(sound[window.kept_samples(self.hop)])
                done[mel] = window.end
        return [np.concatenate(parts) if parts else np.zeros(0, np.float32) for parts in pieces]

    def stream(self) -> VocoderStream:
        """Begin a mel that is still being made."""
        return VocoderStream(self)

    def count(self, windows: Iterable[Window]) -> None:
        """Report the frames of windows that were computed and kept."""
        for window in windows:
            self._count_overlap(window.frames, window.end - window.kept)

    def run_windows(self, windows: Sequence[Tensor]) -> list[Samples] | None:
        """Give the sound of windows; None when memory was short and they must be cut smaller."""
        longest = max(window.shape[1] for window in windows)
        try:
            sounds = self._batches(windows)
        except (OutOfMemory, self._torch.OutOfMemoryError, MemoryError) as error:
            least = self.schedule.reach.both + 1
            if not self.memory.shrink(longest, len(windows), least):
                raise OutOfMemory(
                    "The vocoder needs more memory than the device has free now.",
                    hint="Try again later, or give it less: vocoder.vocoder_chunk_size.",
                    retry_after=5,
                ) from error
            return None
        self.memory.count_success()
        return [self._as_samples(sound) for sound in sounds]

    def check_mel(self, mel: Tensor) -> Tensor:
        """Return the mel; refuse another shape than (bands, frames)."""
        if mel.dim() != 2 or mel.shape[0] != self.bands:
            raise BadRequest(
                f"The mel has the shape {tuple(mel.shape)}; the vocoder takes (bands, frames) "
                f"with {self.bands} bands.",
                code="bad_mel",
            )
        return mel

    def _next_windows(
        self, mels: Sequence[Tensor], done: Sequence[int]
    ) -> list[tuple[int, Window]]:
        """List the next windows of all mels with their mel's number, for at most two runs."""
        most = self.memory.frames_per_window(self.most_windows)
        turn: list[tuple[int, Window]] = []
        for number, mel in enumerate(mels):
            for window in cut_windows(self.schedule, mel.shape[1], most, done[number]):
                if len(turn) >= 2 * self.most_windows:
                    return turn
                turn.append((number, window))
        return turn

    def _without_gradients(self, network: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        def run(mels: Tensor) -> Tensor:
            # Not in inference mode: code that was compiled outside of it would not be found inside.
            with self._torch.no_grad():
                return network(mels)

        return run

    @staticmethod
    def _as_samples(sound: Any) -> Samples:
        samples: Samples = sound[0].float().cpu().numpy()
        return samples


class VocoderStream:
    """A mel that grows, and its sound as soon as no later frame can change it."""

    def __init__(self, vocoder: Vocoder) -> None:
        self._vocoder = vocoder
        self._schedule = vocoder.stream_schedule
        self._held: Tensor | None = None  # the end of the mel, for windows that reach back
        self._dropped = 0  # frames before it
        self._done = 0
        self._number = 0
        self._ended = False

    def feed(self, mel: Tensor) -> Iterator[Samples]:
        """Take (bands, frames) and yield the sound that is final now, piece by piece."""
        if self._ended:
            raise ValueError("the mel has ended")
        mel = self._vocoder.check_mel(mel)
        if self._held is not None:
            import torch

            mel = torch.cat([self._held, mel], 1)
        self._held = mel
        return self._pieces()

    def finish(self) -> Iterator[Samples]:
        """End the mel and yield the rest of its sound."""
        self._ended = True
        return self._pieces()

    @property
    def frames(self) -> int:
        return self._dropped + (0 if self._held is None else self._held.shape[1])

    def _pieces(self) -> Iterator[Samples]:
        while (window := self._next_window()) is not None:
            assert self._held is not None
            start = window.start - self._dropped
            sounds = self._vocoder.run_windows([self._held[:, start : start + window.frames]])
            if sounds is not None:
                self._done, self._number = window.end, self._number + 1
                self._vocoder.count([window])
                self._drop_old_frames()
                yield sounds[0][window.kept_samples(self._vocoder.hop)]

    def _next_window(self) -> Window | None:
        most = self._vocoder.memory.frames_per_window(1)
        if self._ended:
            ready = self._done < self.frames
        else:
            ready = self._schedule.frames_needed(self._number, self._done, most) < self.frames
        if not ready:
            return None
        return self._schedule.window(self._number, self._done, self.frames, most)

    def _drop_old_frames(self) -> None:
        """Keep only the frames that later windows may reach back to."""
        assert self._held is not None
        reached = self._done - self._schedule.reach.before
        first = max(0, min(reached, self.frames - self._schedule.largest))
        self._held = self._held[:, first - self._dropped :].clone()
        self._dropped = first
