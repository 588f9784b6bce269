"""Three forms of a time mean the same, wherever the server stands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.access.timestamps import parse_legacy_milliseconds, parse_milliseconds
from tests.support.signed_requests import LEGACY_FORM, ZONES, local_time_zone

MS = 1_790_000_000_123
BY_HAND = datetime.fromtimestamp(1_790_000_000, UTC)


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    with local_time_zone(request.param):
        yield request.param


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0", 0),
        ("1790000000123", MS),
        ("001790000000123", MS),
        ("2026-09-21T14:13:20.123Z", MS),
        ("2026-09-21t14:13:20.123z", MS),
        ("2026-09-21T14:13:20.123999Z", MS),
        ("2026-09-21T14:13:20.1Z", MS - 23),
        ("2026-09-21T14:13:20Z", MS - 123),
        ("2026-09-21T22:13:20.123+08:00", MS),
        ("2026-09-21T10:13:20.123-04:00", MS),
        ("2026-09-21T19:58:20.123+05:45", MS),
        ("2026/09/21 14:13:20", MS - 123),
        ("1969-12-31T23:59:59.999Z", -1),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000),
    ],
)
def test_what_is_read(zone: str, written: str, expected: int) -> None:
    assert parse_milliseconds(written) == expected


@pytest.mark.parametrize(
    "written",
    [
        "", " ", "now", "-1", "+1", "1e3", "1.5", "0x10", "1_000", "1234567890123456", "１２３",
        "1\n", "2026-09-21", "2026-09-21T14:13:20", "2026-09-21 14:13:20Z", "2026-09-21T14:13Z",
        "2026-09-21T14:13:20.Z", "2026-09-21T14:13:20.1234567Z", "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z", "2026-09-21T24:00:01Z", "2026-09-21T14:60:00Z",
        "2026-09-21T14:13:60Z", "2026-09-21T14:13:20+24:00", "2026-09-21T14:13:20+0800",
        "2026-W01-1T00:00:00Z", "0000-01-01T00:00:00Z", "2026/9/21 14:13:20",
        "2026/02/30 14:13:20", "2026/09/21T14:13:20", "2026/09/21 14:13:20Z",
        "2026/09/21 14:13:20.5", "2026/09/21 25:00:00", "２０２６/09/21 14:13:20",
    ],
)  # fmt: skip
def test_what_is_none_of_the_forms(written: str) -> None:
    assert parse_milliseconds(written) is None


@given(st.datetimes(datetime(1970, 1, 1), datetime(9998, 1, 1)), st.integers(-1439, 1439))
def test_an_offset_is_taken_off(moment: datetime, minutes: int) -> None:
    there = moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=minutes)))
    expected = (moment - datetime(1970, 1, 1)) // timedelta(milliseconds=1)
    assert parse_milliseconds(there.isoformat(timespec="microseconds")) == expected


@given(st.text(st.characters()))
def test_any_text_is_a_number_or_none(written: str) -> None:
    found = parse_milliseconds(written)
    assert found is None or isinstance(found, int)


def test_the_legacy_form_is_utc(zone: str) -> None:
    written = BY_HAND.strftime(LEGACY_FORM)
    assert parse_legacy_milliseconds(written) == 1_790_000_000_000
    assert parse_legacy_milliseconds("1790000000000") is None


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    """New York sets its clocks back on 2026-11-01 at 06:00 UTC: 01:30 is there twice."""
    first = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    second = first + timedelta(hours=1)
    with local_time_zone("America/New_York"):
        local = [moment.astimezone().replace(tzinfo=None) for moment in (first, second)]
        assert local[0] == local[1]
        expected = [parse_milliseconds(moment.isoformat()) for moment in (first, second)]
        assert expected[1] - expected[0] == 3_600_000
        for form in (LEGACY_FORM, "%Y-%m-%dT%H:%M:%SZ"):
            assert [
                parse_milliseconds(moment.strftime(form)) for moment in (first, second)
            ] == expected
        told = [moment.astimezone().isoformat() for moment in (first, second)]
        assert [text[-6:] for text in told] == ["-04:00", "-05:00"]
        assert [parse_milliseconds(text) for text in told] == expected
