"""Overload: worse at once, better slowly, and not back and forth all the time."""

from __future__ import annotations

from realtime.conversion.overload import BLOCK_COUNTS, LONGEST_SECONDS, REST_SECONDS, OverloadGuard

BLOCK = 0.02


def states_after(guard: OverloadGuard, share: float, seconds: float, now: float = 0.0) -> list[str]:
    """Return the states reached while computing takes that share of the time."""
    states = []
    end = now + seconds
    while now < end and not guard.bypassed:
        sound = BLOCK * guard.blocks_at_once
        now += sound
        if guard.block_converted(share * sound, sound, now):
            states.append(guard.state)
    return states


def test_little_load_changes_nothing() -> None:
    guard = OverloadGuard()
    assert states_after(guard, 0.3, 600) == []
    assert guard.blocks_at_once == 1


def test_one_pause_of_the_machine_changes_nothing() -> None:
    guard = OverloadGuard()
    states_after(guard, 0.3, 10)
    assert not guard.block_converted(2.0, BLOCK, 10.0)
    assert states_after(guard, 0.3, 10) == []


def test_blocks_grow_then_the_voice_passes() -> None:
    guard = OverloadGuard()
    assert states_after(guard, 1.2, 30) == ["larger_blocks", "larger_blocks", "bypass"]
    assert guard.bypassed and guard.blocks_at_once == 1 and guard.trial_blocks == BLOCK_COUNTS[-1]


def test_within_half_a_second_of_too_much_load_something_is_done() -> None:
    assert states_after(OverloadGuard(), 1.5, 0.5)


def test_what_is_too_much_for_small_blocks_only_stays_at_larger_ones() -> None:
    guard = OverloadGuard()
    now, states = 0.0, []
    while now < 300:
        sound = BLOCK * guard.blocks_at_once
        now += sound
        seconds = 0.019 + 0.1 * sound  # most of it is for a block, not for its sound
        if guard.block_converted(seconds, sound, now):
            states.append(guard.state)
    assert not guard.bypassed
    assert states.count("recovered") <= 6, "it must not go back and forth all the time"


def test_it_recovers_step_by_step() -> None:
    guard = OverloadGuard()
    states_after(guard, 1.0, 0.6)
    assert guard.blocks_at_once > 1
    states = states_after(guard, 0.2, 60)
    assert states[-1] == "recovered" and guard.blocks_at_once == 1


def test_trials_that_go_well_end_the_bypass() -> None:
    guard = OverloadGuard()
    assert guard.block_timed_out(100.0)
    assert not guard.block_timed_out(100.1), "it is told once"
    assert not guard.trial_due(100.5)
    now = 100.1 + 2 * REST_SECONDS
    assert guard.trial_due(now)
    assert not guard.trial_converted(0.01, 0.08, now)
    assert not guard.trial_due(now)
    assert guard.trial_converted(0.01, 0.08, now + REST_SECONDS)
    assert guard.state == "larger_blocks"


def test_trials_that_fail_become_rarer() -> None:
    guard = OverloadGuard()
    guard.block_timed_out(0.0)
    now, trials = 0.0, 0
    while now < 600:
        now += 0.02
        if guard.trial_due(now):
            trials += 1
            assert not guard.trial_converted(1.0, 0.08, now)
    assert 600 / LONGEST_SECONDS <= trials < 20


def test_it_begins_with_the_blocks_that_are_quick_enough_as_measured() -> None:
    guard = OverloadGuard()
    assert not guard.begin(lambda blocks: 0.5 / blocks, 0.0)
    assert guard.state == "recovered"
    assert guard.begin(lambda blocks: 1.6 / blocks, 0.0)
    assert guard.state == "larger_blocks" and guard.blocks_at_once == 2
    assert states_after(guard, 0.2, 60)[-1] == "recovered", "it is not held to the measurement"


def test_where_all_blocks_are_too_slow_the_voice_passes_until_trials_go_well() -> None:
    guard = OverloadGuard()
    assert guard.begin(lambda blocks: 5.0 / blocks, 0.0)
    assert guard.state == "bypass" and guard.trial_blocks == BLOCK_COUNTS[-1]
    now = REST_SECONDS
    for _ in range(2):
        assert guard.trial_due(now)
        guard.trial_converted(0.01, 0.08, now)
        now += REST_SECONDS
    assert guard.state == "larger_blocks"
