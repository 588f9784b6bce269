"""The whole: each fault of the published time check beside ours, and no repetition ever.

The published rule is told again here in a few lines, so that a test shows the fault first.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from realtime.access import Credentials, Guard
from realtime.access.timestamps import LEGACY_FORM
from realtime.errors import Busy, Refused
from tests.support.signed_requests import (
    FOREIGN,
    ZONES,
    Hands,
    answer,
    asked,
    made_guard,
    shown,
    standing_in,
)


def published_rule(written: str, now: datetime, allowed_seconds: float = 60) -> bool:
    """Between the server's time and that much before it, the written time being a local one."""
    stamp = datetime.strptime(written, LEGACY_FORM).timestamp()
    server = now.timestamp()
    return server - allowed_seconds <= stamp <= server


class TestThePublishedFaults:
    """In each: first the fault, then that ours has it not."""

    @pytest.fixture
    def hands(self) -> Hands:
        return Hands()

    @pytest.fixture
    def guard(self, hands: Hands) -> Guard:
        guard = made_guard(hands)
        hands.pass_by(3_600)
        hands.ms -= hands.ms % 1_000  # the form has whole seconds
        return guard

    def now(self, hands: Hands) -> datetime:
        return datetime.fromtimestamp(hands.ms / 1_000, UTC)

    def ours(self, guard: Guard, hands: Hands, stamp: str) -> str:
        return answer(guard.requests.verify, shown(hands, asked(), stamp=stamp), asked())

    @pytest.mark.parametrize("zone", ZONES)
    def test_it_depends_on_where_the_server_stands(
        self, guard: Guard, hands: Hands, zone: str
    ) -> None:
        with standing_in(zone):
            now = self.now(hands)
            written = now.strftime(LEGACY_FORM)
            assert published_rule(written, now) == (zone == "UTC")
            assert self.ours(guard, hands, written) == "ok"
            local = now.astimezone()
            assert self.ours(guard, hands, local.isoformat()) == "ok"
            assert published_rule(local.strftime(LEGACY_FORM), now)
            in_local = self.ours(guard, hands, local.strftime(LEGACY_FORM))
            assert (in_local == "ok") == (zone == "UTC")

    def test_an_hour_that_comes_twice_is_one_to_it(self, guard: Guard, hands: Hands) -> None:
        """When New York sets its clocks back, what is written in the second hour seems old."""
        second = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
        with standing_in("America/New_York"):
            local = second.astimezone()
            assert not published_rule(local.strftime(LEGACY_FORM), second)
            hands.pass_by(second.timestamp() - hands.ms / 1_000)
            for written in (second.strftime(LEGACY_FORM), local.isoformat()):
                assert self.ours(guard, hands, written) == "ok"
            hour_ago = (second - timedelta(hours=1)).astimezone()
            assert self.ours(guard, hands, hour_ago.isoformat()) == "stale"

    def test_it_lets_the_same_in_again_and_again(self, guard: Guard, hands: Hands) -> None:
        written = self.now(hands).strftime(LEGACY_FORM)
        assert [published_rule(written, self.now(hands)) for _ in range(5)] == [True] * 5
        credentials = shown(hands, asked(), stamp=written)
        told = [answer(guard.requests.verify, credentials, asked()) for _ in range(5)]
        assert told == ["ok"] + ["replayed"] * 4

    def test_it_asks_for_no_secret(self, guard: Guard, hands: Hands) -> None:
        written = self.now(hands).strftime(LEGACY_FORM)
        assert published_rule(written, self.now(hands))
        forged = shown(hands, asked(), stamp=written, secret=FOREIGN)
        assert answer(guard.requests.verify, forged, asked()) == "bad_signature"

    def test_it_knows_not_what_is_asked(self, guard: Guard, hands: Hands) -> None:
        written = self.now(hands).strftime(LEGACY_FORM)
        credentials = shown(hands, asked(body=b'{"text": "Yes."}'), stamp=written)
        assert published_rule(written, self.now(hands))
        changed = asked(body=b'{"text": "No."}')
        assert answer(guard.requests.verify, credentials, changed) == "bad_signature"

    @pytest.mark.parametrize("garbage", ["", "now", "2026-09-21", "2026/13/40 99:99:99", "１"])
    def test_it_crashes_on_garbage(self, guard: Guard, hands: Hands, garbage: str) -> None:
        with pytest.raises(ValueError):
            published_rule(garbage, self.now(hands))
        assert self.ours(guard, hands, garbage) == "malformed"

    def test_it_refuses_a_clock_that_is_a_second_ahead(self, guard: Guard, hands: Hands) -> None:
        ahead = (self.now(hands) + timedelta(seconds=1)).strftime(LEGACY_FORM)
        assert not published_rule(ahead, self.now(hands))
        assert self.ours(guard, hands, ahead) == "ok"

    def test_a_clock_that_is_set_back_opens_it_for_what_was_heard_before(
        self, guard: Guard, hands: Hands
    ) -> None:
        written = self.now(hands).strftime(LEGACY_FORM)
        credentials = shown(hands, asked(), stamp=written)
        assert answer(guard.requests.verify, credentials, asked()) == "ok"
        hands.pass_by(3_600)
        assert not published_rule(written, self.now(hands))
        hands.ms -= 3_600_000
        assert published_rule(written, self.now(hands))
        assert answer(guard.requests.verify, credentials, asked()) in ("stale", "replayed")


STEPS_MS = [1, 999, 4_999, 5_000, 5_001, 30_000, 60_000, 65_000, 65_001, 70_000, 71_001, 3_600_000]
steps = st.sampled_from([*STEPS_MS, *(-step for step in STEPS_MS)])
passing = st.sampled_from([0, *STEPS_MS])
ages = st.sampled_from([-5_001, -5_000, -1, 0, 1, 4_999, 30_000, 60_000, 65_000, 65_001])


class NothingPassesTwice(RuleBasedStateMachine):
    """Clocks run, stop, jump and are set back; servers restart; everything is sent again.

    A restart is only tried with a wall clock that is not behind where it was: what was accepted
    before is not on a disk, so that a clock which is set back while no server runs is believed.
    """

    @initialize()
    def start(self) -> None:
        self.hands = Hands()
        self.guard = made_guard(self.hands, nonces=12)
        self.accepted: list[Credentials] = []
        self.highest_ms = self.hands.ms

    @rule(age_ms=ages)
    def send(self, age_ms: int) -> None:
        credentials = shown(self.hands, asked(), stamp=self.hands.ms - age_ms)
        if self.told(credentials) == "ok":
            self.accepted.append(credentials)

    @rule()
    def repeat_all(self) -> None:
        for credentials in self.accepted:
            assert self.told(credentials) != "ok"

    @rule(ms=passing)
    def let_pass(self, ms: int) -> None:
        self.hands.pass_by(ms / 1_000)

    @rule(ms=passing)
    def let_only_the_running_clock_pass(self, ms: int) -> None:
        self.hands.running += ms / 1_000

    @rule(ms=steps)
    def set_the_wall_clock(self, ms: int) -> None:
        self.hands.ms += ms

    @precondition(lambda self: self.hands.ms >= self.highest_ms)
    @rule(wait_ms=st.sampled_from([0, 1, 5_000, 65_001]))
    def restart(self, wait_ms: int) -> None:
        self.guard = made_guard(self.hands, nonces=12)
        self.hands.pass_by(wait_ms / 1_000)

    def told(self, credentials: Credentials) -> str:
        self.highest_ms = max(self.highest_ms, self.hands.ms)
        try:
            self.guard.requests.verify(credentials, asked())
        except (Refused, Busy) as error:
            return error.code
        return "ok"

    def teardown(self) -> None:
        if hasattr(self, "guard"):
            self.repeat_all()


TestNothingPassesTwice = NothingPassesTwice.TestCase
TestNothingPassesTwice.settings = settings(
    max_examples=150,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.mark.slow
@pytest.mark.timeout(900)
class TestNothingPassesTwiceInLongRuns(NothingPassesTwice.TestCase):  # type: ignore[misc,name-defined]
    settings = settings(max_examples=3_000, stateful_step_count=60, deadline=None)


def test_a_clock_that_runs_well_refuses_nobody() -> None:
    """No floor and no full memory is ever met by clients that keep to the rules."""
    hands = Hands()
    guard = made_guard(hands, nonces=2_000)
    for number in range(4_000):
        hands.pass_by(0.05)
        stamp = hands.ms - (number * 7_919) % 60_000 if number > 1_200 else hands.ms
        assert answer(guard.requests.verify, shown(hands, asked(), stamp=stamp), asked()) == "ok"
