"""Signed requests as a whole: without the faults of the published time check, and never twice.

The published rule stands here again in a few lines, so that each test shows its fault first.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from realtime.access import Credentials, Guard
from realtime.errors import Busy, Refused
from tests.support.examples import examples
from tests.support.signed_requests import (
    FOREIGN,
    LEGACY_FORM,
    ZONES,
    FakeTime,
    local_time_zone,
    make_guard,
    make_request,
    outcome,
    sign_request,
)


def published_rule(written: str, now: datetime, allowed_seconds: float = 60) -> bool:
    """Apply the published rule: the local time written is at most so many seconds old."""
    stamp = datetime.strptime(written, LEGACY_FORM).timestamp()
    server = now.timestamp()
    return server - allowed_seconds <= stamp <= server


class TestThePublishedFaults:
    """Tests that first show a fault of the published rule, then that this server lacks it."""

    @pytest.fixture
    def fake_time(self) -> FakeTime:
        return FakeTime()

    @pytest.fixture
    def guard(self, fake_time: FakeTime) -> Guard:
        guard = make_guard(fake_time)
        fake_time.advance(3_600)
        fake_time.ms -= fake_time.ms % 1_000  # the form has whole seconds
        return guard

    def now(self, fake_time: FakeTime) -> datetime:
        return datetime.fromtimestamp(fake_time.ms / 1_000, UTC)

    def ours(self, guard: Guard, fake_time: FakeTime, stamp: str) -> str:
        return outcome(
            guard.requests.verify,
            sign_request(fake_time, make_request(), stamp=stamp),
            make_request(),
        )

    @pytest.mark.parametrize("zone", ZONES)
    def test_it_depends_on_where_the_server_stands(
        self, guard: Guard, fake_time: FakeTime, zone: str
    ) -> None:
        with local_time_zone(zone):
            now = self.now(fake_time)
            written = now.strftime(LEGACY_FORM)
            assert published_rule(written, now) == (zone == "UTC")
            assert self.ours(guard, fake_time, written) == "ok"
            local = now.astimezone()
            assert self.ours(guard, fake_time, local.isoformat()) == "ok"
            assert published_rule(local.strftime(LEGACY_FORM), now)
            in_local = self.ours(guard, fake_time, local.strftime(LEGACY_FORM))
            assert (in_local == "ok") == (zone == "UTC")

    def test_an_hour_that_comes_twice_is_one_to_it(self, guard: Guard, fake_time: FakeTime) -> None:
        """Check the hour that New York has twice: a time in the second one seems old."""
        second = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
        with local_time_zone("America/New_York"):
            local = second.astimezone()
            assert not published_rule(local.strftime(LEGACY_FORM), second)
            fake_time.advance(second.timestamp() - fake_time.ms / 1_000)
            for written in (second.strftime(LEGACY_FORM), local.isoformat()):
                assert self.ours(guard, fake_time, written) == "ok"
            hour_ago = (second - timedelta(hours=1)).astimezone()
            assert self.ours(guard, fake_time, hour_ago.isoformat()) == "stale"

    def test_it_lets_the_same_in_again_and_again(self, guard: Guard, fake_time: FakeTime) -> None:
        written = self.now(fake_time).strftime(LEGACY_FORM)
        assert [published_rule(written, self.now(fake_time)) for _ in range(5)] == [True] * 5
        credentials = sign_request(fake_time, make_request(), stamp=written)
        told = [outcome(guard.requests.verify, credentials, make_request()) for _ in range(5)]
        assert told == ["ok"] + ["replayed"] * 4

    def test_it_asks_for_no_secret(self, guard: Guard, fake_time: FakeTime) -> None:
        written = self.now(fake_time).strftime(LEGACY_FORM)
        assert published_rule(written, self.now(fake_time))
        forged = sign_request(fake_time, make_request(), stamp=written, secret=FOREIGN)
        assert outcome(guard.requests.verify, forged, make_request()) == "bad_signature"

    def test_it_knows_not_what_is_asked(self, guard: Guard, fake_time: FakeTime) -> None:
        written = self.now(fake_time).strftime(LEGACY_FORM)
        credentials = sign_request(fake_time, make_request(body=b'{"text": "Yes."}'), stamp=written)
        assert published_rule(written, self.now(fake_time))
        changed = make_request(body=b'{"text": "No."}')
        assert outcome(guard.requests.verify, credentials, changed) == "bad_signature"

    @pytest.mark.parametrize("garbage", ["", "now", "2026-09-21", "2026/13/40 99:99:99", "１"])
    def test_it_crashes_on_garbage(self, guard: Guard, fake_time: FakeTime, garbage: str) -> None:
        with pytest.raises(ValueError):
            published_rule(garbage, self.now(fake_time))
        assert self.ours(guard, fake_time, garbage) == "malformed"

    def test_it_refuses_a_clock_that_is_a_second_ahead(
        self, guard: Guard, fake_time: FakeTime
    ) -> None:
        ahead = (self.now(fake_time) + timedelta(seconds=1)).strftime(LEGACY_FORM)
        assert not published_rule(ahead, self.now(fake_time))
        assert self.ours(guard, fake_time, ahead) == "ok"

    def test_a_clock_that_is_set_back_opens_it_for_what_was_heard_before(
        self, guard: Guard, fake_time: FakeTime
    ) -> None:
        written = self.now(fake_time).strftime(LEGACY_FORM)
        credentials = sign_request(fake_time, make_request(), stamp=written)
        assert outcome(guard.requests.verify, credentials, make_request()) == "ok"
        fake_time.advance(3_600)
        assert not published_rule(written, self.now(fake_time))
        fake_time.ms -= 3_600_000
        assert published_rule(written, self.now(fake_time))
        assert outcome(guard.requests.verify, credentials, make_request()) in ("stale", "replayed")


STEPS_MS = [1, 999, 4_999, 5_000, 5_001, 30_000, 60_000, 65_000, 65_001, 70_000, 71_001, 3_600_000]
steps = st.sampled_from([*STEPS_MS, *(-step for step in STEPS_MS)])
passing = st.sampled_from([0, *STEPS_MS])
ages = st.sampled_from([-5_001, -5_000, -1, 0, 1, 4_999, 30_000, 60_000, 65_000, 65_001])


class NothingPassesTwice(RuleBasedStateMachine):
    """Random clocks that run, stop, jump and are set back, restarts, and every request again.

    A restart is only tried with a wall clock that is not behind where it was: what was accepted
    before is not on a disk, so that a clock which is set back while no server runs is believed.
    """

    @initialize()
    def start(self) -> None:
        self.fake_time = FakeTime()
        self.guard = make_guard(self.fake_time, nonces=12)
        self.accepted: list[Credentials] = []
        self.highest_ms = self.fake_time.ms

    @rule(age_ms=ages)
    def send(self, age_ms: int) -> None:
        credentials = sign_request(self.fake_time, make_request(), stamp=self.fake_time.ms - age_ms)
        if self.outcome(credentials) == "ok":
            self.accepted.append(credentials)

    @rule()
    def repeat_all(self) -> None:
        for credentials in self.accepted:
            assert self.outcome(credentials) != "ok"

    @rule(ms=passing)
    def let_pass(self, ms: int) -> None:
        self.fake_time.advance(ms / 1_000)

    @rule(ms=passing)
    def let_only_the_running_clock_pass(self, ms: int) -> None:
        self.fake_time.monotonic += ms / 1_000

    @rule(ms=steps)
    def set_the_wall_clock(self, ms: int) -> None:
        self.fake_time.ms += ms

    @precondition(lambda self: self.fake_time.ms >= self.highest_ms)
    @rule(wait_ms=st.sampled_from([0, 1, 5_000, 65_001]))
    def restart(self, wait_ms: int) -> None:
        self.guard = make_guard(self.fake_time, nonces=12)
        self.fake_time.advance(wait_ms / 1_000)

    def outcome(self, credentials: Credentials) -> str:
        self.highest_ms = max(self.highest_ms, self.fake_time.ms)
        try:
            self.guard.requests.verify(credentials, make_request())
        except (Refused, Busy) as error:
            return error.code
        return "ok"

    def teardown(self) -> None:
        if hasattr(self, "guard"):
            self.repeat_all()


TestNothingPassesTwice = NothingPassesTwice.TestCase
TestNothingPassesTwice.settings = examples(
    150,
    stateful_step_count=30,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.mark.slow
@pytest.mark.timeout(900)
class TestNothingPassesTwiceInLongRuns(NothingPassesTwice.TestCase):  # type: ignore[misc,name-defined]
    settings = settings(max_examples=3_000, stateful_step_count=60)


def test_a_clock_that_runs_well_refuses_nobody() -> None:
    """Check that clients that keep to the rules meet no floor and no full memory."""
    fake_time = FakeTime()
    guard = make_guard(fake_time, nonces=2_000)
    for number in range(4_000):
        fake_time.advance(0.05)
        stamp = fake_time.ms - (number * 7_919) % 60_000 if number > 1_200 else fake_time.ms
        assert (
            outcome(
                guard.requests.verify,
                sign_request(fake_time, make_request(), stamp=stamp),
                make_request(),
            )
            == "ok"
        )
