"""Windows keep every frame once, carry what each depends on, and never reach past the mel."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from realtime.vocoders.networks.windows import Reach, Schedule, Window, cut_windows
from tests.support.examples import examples

REACHES = st.builds(Reach, st.integers(0, 40), st.integers(0, 40))


@examples(300)
@given(
    REACHES,
    st.integers(0, 3_000),
    st.integers(1, 700),
    st.integers(0, 90),
    st.integers(1, 900),
    st.lists(st.integers(1, 700), max_size=6),
)
def test_every_frame_is_kept_once_with_all_that_it_depends_on(
    reach: Reach, frames: int, largest: int, first: int, most: int, shapes: list[int]
) -> None:
    schedule = Schedule(reach, largest, first, shapes)
    windows = list(cut_windows(schedule, frames, most))
    assert [frame for w in windows for frame in range(w.kept, w.end)] == list(range(frames))
    for w in windows:
        assert 0 <= w.start <= w.kept < w.end <= w.stop <= frames
        assert w.start == 0 or w.kept - w.start >= reach.before
        assert w.stop == frames or w.stop - w.end >= reach.after
        assert w.frames <= max(schedule.largest, reach.both + 1)


@given(REACHES, st.integers(1, 700), st.integers(0, 90), st.integers(1, 3_000))
def test_with_enough_memory_there_are_few_lengths(
    reach: Reach, largest: int, first: int, frames: int
) -> None:
    schedule = Schedule(reach, largest, first)
    for w in cut_windows(schedule, frames, 1 << 40):
        assert w.frames in schedule.sizes or w == Window(0, frames, w.kept, frames)


def test_a_stream_begins_small_and_doubles() -> None:
    schedule = Schedule(Reach(38, 38), 500, 16)
    assert schedule.sizes == (54, 108, 140, 204, 332, 500)
    kept = [w.end - w.kept for w in cut_windows(schedule, 2_000, 1 << 40)]
    assert kept[:5] == [16, 54, 64, 128, 256]
    assert set(kept[5:-1]) == {424}


def test_the_last_window_takes_the_smallest_size_that_holds_it() -> None:
    schedule = Schedule(Reach(38, 38), 500, 16)
    last = list(cut_windows(schedule, 740, 1 << 40))[-1]
    assert last == Window(740 - last.frames, 740, last.kept, 740)
    assert last.frames < 500


def test_a_window_is_never_mostly_context() -> None:
    assert Schedule(Reach(38, 38), 10).largest == 153


def test_a_wider_context_is_asked_for_but_never_a_narrower() -> None:
    assert Reach(38, 38).widened(50) == Reach(50, 50)
    assert Reach(38, 38).widened(5) == Reach(38, 38)


@given(st.integers(1, 2_000))
def test_where_only_some_shapes_are_quick_every_window_has_one(frames: int) -> None:
    """Mels shorter than two of the smallest are left out: those run as they are."""
    reach = Reach(38, 38)
    growing = Schedule(reach, 500, 16)
    shaped = Schedule(reach, 500, shapes=growing.sizes)
    windows = list(cut_windows(shaped, frames, 10_000))
    assert windows[-1].end == frames
    assert all(one.end == other.kept for one, other in pairwise(windows))
    sizes = {window.frames for window in windows}
    if frames >= growing.sizes[1] or frames in growing.sizes:
        assert sizes <= set(growing.sizes)
        assert len(windows) <= 2 or frames > 500
    else:
        assert sizes == {frames}
