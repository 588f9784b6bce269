"""Conversion of several recordings: in the same calls where their model can, else one by one."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

from realtime.audio.samples import Pcm
from realtime.conversion.file import (
    MOST_WHOLE_SECONDS,
    RecordingPath,
    convert_recording,
    due_patiently,
)
from realtime.engines.contract import ConversionPlan, Converter, ConvertsTogether, Samples
from realtime.engines.failure import engine_failures
from realtime.engines.voice_change import VoiceChange
from realtime.errors import YamabikoError
from realtime.models.loaded import LoadedModels
from realtime.models.model import Lease


@dataclass(frozen=True)
class SourceRecording:
    """A recording that is to be converted; `parts` opens it from its beginning."""

    parts: Callable[[], AsyncGenerator[Pcm, None]]
    seconds: float  # as far as they are known
    rate: int
    output_rate: int


@dataclass(frozen=True)
class ConvertedPart:
    """Some sound of the recording at a place in the list."""

    place: int
    pcm: Pcm


@dataclass(frozen=True)
class ConvertedEnd:
    """The end of the recording at a place, by an error or without."""

    place: int
    error: YamabikoError | None = None


ConvertedItem = ConvertedPart | ConvertedEnd
# From parts at a rate to parts at another.
ConvertParts = Callable[[AsyncGenerator[Pcm, None], int, int], AsyncGenerator[Pcm, None]]
Outcome = Samples | Exception | None


async def convert_recordings(
    models: LoadedModels,
    engine: str,
    change: VoiceChange,
    recordings: Sequence[SourceRecording],
) -> AsyncGenerator[ConvertedItem, None]:
    """Yield the sound of every recording, and its end; each is as it would be alone.

    An error of one recording ends that one; an error of all is raised.
    """
    async with models.converter(engine).lease("recordings") as lease:
        for group in _groups(lease, change, recordings):
            if len(group.places) > 1:
                sound = group.convert()
            else:
                place = group.places[0]
                alone = partial(convert_recording, models, engine, change)
                sound = one_recording(place, recordings[place], alone)
            async with aclosing(sound) as items:
                async for item in items:
                    yield item


async def one_recording(
    place: int, recording: SourceRecording, convert: ConvertParts
) -> AsyncGenerator[ConvertedItem, None]:
    """Yield the converted parts of one recording, and its end."""
    error: YamabikoError | None = None
    try:
        parts = recording.parts()
        sound = convert(parts, recording.rate, recording.output_rate)
        async with aclosing(parts), aclosing(sound) as converted:
            async for pcm in converted:
                yield ConvertedPart(place, pcm)
    except YamabikoError as failure:
        error = failure
    yield ConvertedEnd(place, error)


class _RecordingGroup:
    """Recordings whose blocks are converted in the same calls; each ends when it has ended."""

    def __init__(
        self,
        lease: Lease[Converter],
        change: VoiceChange,
        plan: ConversionPlan,
        recordings: Sequence[SourceRecording],
    ) -> None:
        self.places: list[int] = []
        self.plan = plan
        self._lease, self._change, self._recordings = lease, change, recordings
        self._paths: dict[int, RecordingPath] = {}  # of the recordings that have not ended
        self._rounds: deque[list[Samples | None]] = deque()

    def takes(self, plan: ConversionPlan, seconds: float, most: int) -> bool:
        """Return whether a recording of so many seconds may be added."""
        held = seconds + sum(self._recordings[place].seconds for place in self.places)
        fits = not plan.whole or held <= MOST_WHOLE_SECONDS
        return plan == self.plan and len(self.places) < most and fits

    async def convert(self) -> AsyncGenerator[ConvertedItem, None]:
        """Yield the sound of the recordings, and the end of each."""
        async with AsyncExitStack() as stack:
            for place in self.places:
                self._paths[place] = await self._open(stack, self._recordings[place])
            engine = cast("ConvertsTogether", self._lease.engine)
            stream = self._lease.lane.stream(
                lambda cancel: engine.convert_together(self._take_rounds(), self._change, cancel),
                due_patiently,
            )
            await stack.enter_async_context(aclosing(stream))
            while self._paths:
                blocks, broken = await self._next_blocks()
                sounds = await self._sounds_of(blocks, stream)
                for item in (*broken, *self._take(sounds)):
                    yield item

    async def _open(self, stack: AsyncExitStack, recording: SourceRecording) -> RecordingPath:
        parts = await stack.enter_async_context(aclosing(recording.parts()))
        path = RecordingPath(self.plan, self._change, parts, recording.rate, recording.output_rate)
        return await stack.enter_async_context(aclosing(path))

    async def _next_blocks(self) -> tuple[dict[int, Samples], list[ConvertedItem]]:
        """Return the next block of each recording, and the ends of those that broke."""
        blocks: dict[int, Samples] = {}
        ends: list[ConvertedItem] = []
        for place, path in list(self._paths.items()):
            try:
                blocks[place] = await path.next_block()
            except YamabikoError as error:
                del self._paths[place]
                ends.append(ConvertedEnd(place, error))
        return blocks, ends

    async def _sounds_of(
        self, blocks: dict[int, Samples], stream: AsyncGenerator[Sequence[Outcome], None]
    ) -> dict[int, Outcome]:
        """Return the blocks as they are converted, or the error of each that could not be."""
        given = {place: block for place, block in blocks.items() if self._paths[place].converts}
        sounds: dict[int, Outcome] = {**blocks}
        if given:
            # A turn is asked for only after a round was appended, so one is always there.
            self._rounds.append([given.get(place) for place in self.places])
            try:
                found = dict(zip(self.places, await anext(stream), strict=True))
            except Exception as error:  # noqa: BLE001 -- an engine that fails may raise any type
                found = dict.fromkeys(given, error)
            sounds |= {place: found[place] for place in given}
        return sounds

    def _take(self, sounds: dict[int, Outcome]) -> Iterator[ConvertedItem]:
        """Yield what goes out for the sounds of a round."""
        for place, sound in sounds.items():
            path = self._paths[place]
            if isinstance(sound, Exception):
                del self._paths[place]
                yield ConvertedEnd(place, _failure(self._lease.engine.name, sound))
                continue
            assert sound is not None, "each block has its sound"
            if (pcm := path.take(sound)).size:
                yield ConvertedPart(place, pcm)
            if path.ended:
                del self._paths[place]
                yield ConvertedEnd(place)

    def _take_rounds(self) -> Iterator[Sequence[Samples | None]]:
        while True:
            yield self._rounds.popleft()


def _failure(engine: str, error: Exception) -> YamabikoError:
    """Return the error for people of an engine that failed."""
    try:
        with engine_failures(engine, "converting"):
            raise error
    except YamabikoError as failure:
        return failure


def _groups(
    lease: Lease[Converter], change: VoiceChange, recordings: Sequence[SourceRecording]
) -> Iterator[_RecordingGroup]:
    """Yield recordings that are converted together: with the same plan, and alike in length.

    Those that a model takes whole are held in memory, together no more than one of them may be.
    """
    changes = [replace(change, source_rate=each.rate) for each in recordings]
    plans = [lease.engine.plan(each) for each in changes]
    engine: object = lease.engine
    most = engine.most_together(change) if isinstance(engine, ConvertsTogether) else 1
    order = list(range(len(recordings)))
    if most > 1:
        order.sort(key=lambda place: (plans.index(plans[place]), recordings[place].seconds))
    group: _RecordingGroup | None = None
    for place in order:
        seconds = recordings[place].seconds
        if group is None or not group.takes(plans[place], seconds, most):
            if group is not None:
                yield group
            group = _RecordingGroup(lease, changes[place], plans[place], recordings)
        group.places.append(place)
    if group is not None:
        yield group
