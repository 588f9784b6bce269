"""Load: worse at once, better slowly, and never back and forth all the time."""

from __future__ import annotations

from realtime.conversion.overload import LONGEST_SECONDS, REST_SECONDS, SIZES, OverloadGuard

BLOCK = 0.02


def after(load: OverloadGuard, share: float, seconds: float, now: float = 0.0) -> list[str]:
    """The states told while computing takes that share of the time."""
    told = []
    end = now + seconds
    while now < end and not load.bypassed:
        sound = BLOCK * load.size
        now += sound
        if load.worked(share * sound, sound, now):
            told.append(load.state)
    return told


def test_little_load_changes_nothing() -> None:
    load = OverloadGuard()
    assert after(load, 0.3, 600) == []
    assert load.size == 1


def test_one_pause_of_the_machine_changes_nothing() -> None:
    load = OverloadGuard()
    after(load, 0.3, 10)
    assert not load.worked(2.0, BLOCK, 10.0)
    assert after(load, 0.3, 10) == []


def test_blocks_grow_then_the_voice_passes() -> None:
    load = OverloadGuard()
    assert after(load, 1.2, 30) == ["larger_blocks", "larger_blocks", "bypass"]
    assert load.bypassed and load.size == 1 and load.trial_size == SIZES[-1]


def test_within_half_a_second_of_too_much_load_something_is_done() -> None:
    assert after(OverloadGuard(), 1.5, 0.5)


def test_what_is_too_much_for_small_blocks_only_stays_at_larger_ones() -> None:
    load = OverloadGuard()
    now, told = 0.0, []
    while now < 300:
        sound = BLOCK * load.size
        now += sound
        if load.worked(0.019 + 0.1 * sound, sound, now):  # most of it is for a block, not for sound
            told.append(load.state)
    assert not load.bypassed
    assert told.count("recovered") <= 6, "it must not go back and forth all the time"


def test_it_recovers_step_by_step() -> None:
    load = OverloadGuard()
    after(load, 1.0, 0.6)
    assert load.size > 1
    told = after(load, 0.2, 60)
    assert told[-1] == "recovered" and load.size == 1


def test_trials_that_go_well_end_the_bypass() -> None:
    load = OverloadGuard()
    assert load.lost(100.0)
    assert not load.lost(100.1), "it is told once"
    assert not load.trial_due(100.5)
    now = 100.1 + 2 * REST_SECONDS
    assert load.trial_due(now)
    assert not load.tried(0.01, 0.08, now)
    assert not load.trial_due(now)
    assert load.tried(0.01, 0.08, now + REST_SECONDS)
    assert load.state == "larger_blocks"


def test_trials_that_fail_become_rarer() -> None:
    load = OverloadGuard()
    load.lost(0.0)
    now, trials = 0.0, 0
    while now < 600:
        now += 0.02
        if load.trial_due(now):
            trials += 1
            assert not load.tried(1.0, 0.08, now)
    assert 600 / LONGEST_SECONDS <= trials < 20
