"""Form, key, signature, time and nonce are checked in this order, and nothing passes twice."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.access import Credentials, Guard, SignedRequest
from realtime.errors import Refused, YamabikoError
from tests.support.signed_requests import (
    FOREIGN,
    KEYS,
    LEGACY_FORM,
    OLDER,
    SECRET,
    SHIFT_MS,
    SKEW_MS,
    FakeTime,
    make_guard,
    make_request,
    outcome,
    sign_request,
)


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def guard(fake_time: FakeTime) -> Guard:
    """Return a guard that started long ago."""
    guard = make_guard(fake_time)
    fake_time.advance(3_600)
    return guard


def verify_outcome(guard: Guard, credentials: Credentials, request: SignedRequest) -> str:
    return outcome(guard.requests.verify, credentials, request)


def test_what_is_signed_now_passes_and_tells_its_time(guard: Guard, fake_time: FakeTime) -> None:
    request = make_request(body=b"{}")
    assert guard.requests.verify(sign_request(fake_time, request), request) == fake_time.ms


@pytest.mark.parametrize(
    ("late_ms", "expected"),
    [
        (-SKEW_MS - 1, "future"),
        (-SKEW_MS, "ok"),
        (-1_000, "ok"),
        (0, "ok"),
        (SHIFT_MS, "ok"),
        (SHIFT_MS + SKEW_MS, "ok"),
        (SHIFT_MS + SKEW_MS + 1, "stale"),
        (10**12, "stale"),
        (-(10**12), "future"),
    ],
)
def test_both_ends_of_the_window_hold_to_the_millisecond(
    guard: Guard, fake_time: FakeTime, late_ms: int, expected: str
) -> None:
    request = make_request()
    assert (
        verify_outcome(
            guard, sign_request(fake_time, request, stamp=fake_time.ms - late_ms), request
        )
        == expected
    )


@pytest.mark.parametrize(("after_ms", "expected"), [(0, "stale"), (1, "ok"), (-1, "stale")])
def test_nothing_from_before_the_start_passes(
    fake_time: FakeTime, after_ms: int, expected: str
) -> None:
    """Refuse also requests used just before the start by a clock that is a skew ahead."""
    opens_ms = fake_time.ms + SKEW_MS
    guard = make_guard(fake_time)
    request = make_request()
    assert (
        verify_outcome(guard, sign_request(fake_time, request, stamp=opens_ms + after_ms), request)
        == expected
    )


def test_it_is_open_when_what_is_signed_now_can_pass(fake_time: FakeTime) -> None:
    guard = make_guard(fake_time)
    fake_time.ms -= 1
    assert not guard.accepts_signatures
    assert verify_outcome(guard, sign_request(fake_time, make_request()), make_request()) == "stale"
    fake_time.ms += 1
    assert guard.accepts_signatures
    assert verify_outcome(guard, sign_request(fake_time, make_request()), make_request()) == "ok"


def in_zone(ms: int, hours: float) -> str:
    zone = timezone(timedelta(hours=hours))
    return datetime.fromtimestamp(ms / 1000, zone).isoformat(timespec="milliseconds")


def test_every_written_form_of_a_time_passes(guard: Guard, fake_time: FakeTime) -> None:
    forms = [
        str(fake_time.ms),
        in_zone(fake_time.ms, 0).replace("+00:00", "Z"),
        in_zone(fake_time.ms, 8),
        in_zone(fake_time.ms, -4),
        datetime.fromtimestamp(fake_time.ms / 1000, UTC).strftime(LEGACY_FORM),
    ]
    for form in forms:
        assert (
            verify_outcome(
                guard, sign_request(fake_time, make_request(), stamp=form), make_request()
            )
            == "ok"
        )


@pytest.mark.parametrize(
    "changed",
    [
        replace(make_request(body=b"{}"), method="PUT"),
        replace(make_request(body=b"{}"), path=b"/line"),
        replace(make_request(body=b"{}"), path=b"/lines/"),
        replace(make_request(body=b"{}"), path=b"/%6cines"),
        replace(make_request(body=b"{}"), query=b"b=1&a=2&a=3"),
        replace(make_request(body=b"{}"), query=b"b=1"),
        replace(make_request(body=b"{}"), query=b"b=1&a=2&c="),
        replace(make_request(body=b"{}"), query=b"b=2&a=1"),
        replace(make_request(body=b"{}"), query=b"B=1&a=2"),
        replace(make_request(body=b"{}"), query=b""),
        make_request(body=b"{} ", query=b"b=1&a=2"),
        make_request(body=b"", query=b"b=1&a=2"),
    ],
)
def test_nothing_can_be_swapped(guard: Guard, fake_time: FakeTime, changed: SignedRequest) -> None:
    request = make_request(query=b"b=1&a=2", body=b"{}")
    credentials = sign_request(fake_time, request)
    assert verify_outcome(guard, credentials, changed) == "bad_signature"
    assert verify_outcome(guard, credentials, request) == "ok"


@pytest.mark.parametrize(
    "query",
    [b"a=2&b=1%20c", b"b=1%20c&a=2", b"%62=%31%20%63&&%61=2", b"a=2&b=1%20c&kid=x&t=1&n=2&sig=3"],
)
def test_a_query_may_be_written_otherwise(guard: Guard, fake_time: FakeTime, query: bytes) -> None:
    credentials = sign_request(fake_time, make_request(query=b"a=2&b=1%20c"))
    assert verify_outcome(guard, credentials, make_request(query=query)) == "ok"


def test_the_method_is_of_any_case(guard: Guard, fake_time: FakeTime) -> None:
    assert (
        verify_outcome(guard, sign_request(fake_time, make_request("POST")), make_request("post"))
        == "ok"
    )


@pytest.mark.parametrize(
    "field", [{"key_id": "page"}, {"time": None}, {"nonce": "n" * 22}, {"signature": "A" * 43}]
)
def test_no_field_of_the_signature_can_be_swapped(
    guard: Guard, fake_time: FakeTime, field: dict[str, str | None]
) -> None:
    request = make_request()
    other = {name: value or str(fake_time.ms - 1) for name, value in field.items()}
    assert (
        verify_outcome(guard, replace(sign_request(fake_time, request), **other), request)
        == "bad_signature"
    )


def test_keys_rotate(fake_time: FakeTime) -> None:
    def guard_of(*secrets: str) -> Guard:
        return make_guard(fake_time, {"bot": secrets})

    def passes(guard: Guard, secret: str) -> bool:
        return (
            verify_outcome(
                guard, sign_request(fake_time, make_request(), secret=secret), make_request()
            )
            == "ok"
        )

    before, during, after = guard_of(OLDER), guard_of(OLDER, SECRET), guard_of(SECRET)
    assert [passes(before, secret) for secret in (OLDER, SECRET)] == [True, False]
    assert [passes(during, secret) for secret in (OLDER, SECRET)] == [True, True]
    assert [passes(after, secret) for secret in (OLDER, SECRET)] == [False, True]


def test_a_key_that_was_taken_away_is_unknown(fake_time: FakeTime) -> None:
    guard = make_guard(fake_time, {"page": KEYS["page"]})
    assert (
        verify_outcome(guard, sign_request(fake_time, make_request()), make_request())
        == "unknown_key"
    )


GOOD = "ok"
WRONG: dict[str, Callable[[Credentials], Credentials]] = {
    "malformed": lambda shown: replace(shown, nonce="short"),
    "unknown_key": lambda shown: replace(shown, key_id="nobody"),
    "bad_signature": lambda shown: replace(shown, signature="A" * 43),
}


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize(
    "wrong", [c for n in range(4) for c in itertools.combinations(list(WRONG), n)]
)
def test_the_first_that_is_wrong_is_told(
    guard: Guard, fake_time: FakeTime, wrong: tuple[str, ...], late: bool
) -> None:
    stamp = fake_time.ms - 10**6 if late else fake_time.ms
    credentials = sign_request(fake_time, make_request(), stamp=stamp)
    for reason in wrong:
        credentials = WRONG[reason](credentials)
    expected = [*wrong, *(["stale"] if late else []), GOOD]
    assert verify_outcome(guard, credentials, make_request()) == expected[0]


def test_an_old_repetition_is_old_before_it_is_a_repetition(
    guard: Guard, fake_time: FakeTime
) -> None:
    credentials = sign_request(fake_time, make_request())
    assert verify_outcome(guard, credentials, make_request()) == "ok"
    fake_time.advance(65)
    assert verify_outcome(guard, credentials, make_request()) == "replayed"
    fake_time.advance(0.001)
    assert verify_outcome(guard, credentials, make_request()) == "stale"


def test_only_what_passes_is_remembered(guard: Guard, fake_time: FakeTime) -> None:
    """Check that forgeries neither fill the memory nor use up the nonce of somebody else."""
    nonce = "n" * 22
    forged = sign_request(fake_time, make_request(), secret=FOREIGN, nonce=nonce)
    late = sign_request(fake_time, make_request(), stamp=fake_time.ms - 10**6, nonce=nonce)
    for credentials in (forged, late, replace(forged, key_id="nobody")):
        assert verify_outcome(guard, credentials, make_request()) != "ok"
    assert (
        verify_outcome(guard, sign_request(fake_time, make_request(), nonce=nonce), make_request())
        == "ok"
    )


def test_a_nonce_is_a_keys_own(guard: Guard, fake_time: FakeTime) -> None:
    page = sign_request(
        fake_time, make_request(), key_id="page", secret=KEYS["page"][0], nonce="n" * 22
    )
    assert verify_outcome(guard, page, make_request()) == "ok"
    assert (
        verify_outcome(
            guard, sign_request(fake_time, make_request(), nonce="n" * 22), make_request()
        )
        == "ok"
    )


def test_a_nonce_is_used_up_for_any_request_and_any_time(guard: Guard, fake_time: FakeTime) -> None:
    assert (
        verify_outcome(
            guard, sign_request(fake_time, make_request(), nonce="n" * 22), make_request()
        )
        == "ok"
    )
    fake_time.advance(1)
    other = make_request("GET", b"/time")
    assert (
        verify_outcome(guard, sign_request(fake_time, other, nonce="n" * 22), other) == "replayed"
    )


def test_a_full_memory_lets_nobody_in(fake_time: FakeTime) -> None:
    guard = make_guard(fake_time, nonces=3)
    for _ in range(3):
        assert (
            verify_outcome(guard, sign_request(fake_time, make_request()), make_request()) == "ok"
        )
    assert (
        verify_outcome(guard, sign_request(fake_time, make_request()), make_request())
        == "nonces_full"
    )
    fake_time.advance(60 + 2 * 5 + 2)
    assert verify_outcome(guard, sign_request(fake_time, make_request()), make_request()) == "ok"


def test_of_many_at_once_exactly_one_passes(guard: Guard, fake_time: FakeTime) -> None:
    for _ in range(25):
        credentials, found = sign_request(fake_time, make_request()), []
        together = threading.Barrier(8)

        def send(
            together: threading.Barrier = together,
            credentials: Credentials = credentials,
            found: list[str] = found,
        ) -> None:
            together.wait(10)
            found.append(verify_outcome(guard, credentials, make_request()))

        threads = [threading.Thread(target=send) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert sorted(found) == ["ok"] + 7 * ["replayed"]


def test_a_clock_that_is_set_back_is_told_and_opens_nothing(
    guard: Guard, fake_time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    credentials = sign_request(fake_time, make_request())
    assert verify_outcome(guard, credentials, make_request()) == "ok"
    fake_time.advance(70)
    fake_time.ms -= 70_000  # by exactly what has passed: the wall clock alone shows no step
    with caplog.at_level(logging.WARNING):
        assert verify_outcome(guard, credentials, make_request()) == "replayed"
    assert "went back by 70.0 s" in caplog.text


def test_what_was_forgotten_stays_out_when_the_clock_is_set_back(
    guard: Guard, fake_time: FakeTime
) -> None:
    credentials = sign_request(fake_time, make_request())
    assert verify_outcome(guard, credentials, make_request()) == "ok"
    fake_time.advance(3_600)
    assert (
        verify_outcome(guard, sign_request(fake_time, make_request()), make_request()) == "ok"
    )  # the old one is forgotten now
    fake_time.ms -= 3_600_000
    assert verify_outcome(guard, credentials, make_request()) == "stale"


def test_a_clock_that_jumps_ahead_does_no_harm(guard: Guard, fake_time: FakeTime) -> None:
    credentials = sign_request(fake_time, make_request())
    assert verify_outcome(guard, credentials, make_request()) == "ok"
    fake_time.ms += 3_600_000
    assert verify_outcome(guard, credentials, make_request()) == "stale"
    assert verify_outcome(guard, sign_request(fake_time, make_request()), make_request()) == "ok"


MALFORMED = {
    "key id": ["", "a b", "ключ", "a" * 65, "bot\n", "bot:", "bo\x00t", "\ud800"],
    "time": ["", "now", "-1", "1e3", "1" * 16, "2026-09-21T14:13:20", "1790000000000 ", "\ud800"],
    "nonce": [
        "",
        "a" * 21,
        "a" * 129,
        "a" * 21 + "!",
        "a" * 22 + "===",
        "a" * 22 + "\n",
        "あ" * 22,
    ],
    "signature": [
        "",
        "A" * 42,
        "A" * 44,
        "A" * 42 + "B",
        "A" * 42 + "=",
        "A" * 42 + "+",
        "あ" * 43,
    ],
}


@pytest.mark.parametrize(("part", "value"), [(p, v) for p in MALFORMED for v in MALFORMED[p]])
def test_what_has_not_the_form_is_named(
    guard: Guard, fake_time: FakeTime, part: str, value: str
) -> None:
    credentials = replace(
        sign_request(fake_time, make_request()), **{part.replace(" ", "_"): value}
    )
    with pytest.raises(Refused) as caught:
        guard.requests.verify(credentials, make_request())
    assert caught.value.code == "malformed"
    assert f"no usable {part}" in caught.value.message


@pytest.mark.parametrize(
    "request_line", [SignedRequest("PO\nST", b"/", b""), SignedRequest("POST", b"/\nx", b"")]
)
def test_no_line_can_be_put_into_the_string(
    guard: Guard, fake_time: FakeTime, request_line: SignedRequest
) -> None:
    """Two requests would have one string to sign."""
    assert verify_outcome(guard, sign_request(fake_time, request_line), request_line) == "malformed"


@pytest.mark.parametrize("method", ["", " ", "é", "\ud800", "A" * 33])
def test_what_is_no_method_is_refused(guard: Guard, fake_time: FakeTime, method: str) -> None:
    request = replace(make_request(), method=method)
    assert verify_outcome(guard, sign_request(fake_time, make_request()), request) == "malformed"


def test_a_secret_in_the_place_of_an_id_is_not_quoted(guard: Guard, fake_time: FakeTime) -> None:
    with pytest.raises(Refused) as caught:
        guard.requests.verify(
            replace(sign_request(fake_time, make_request()), key_id=SECRET), make_request()
        )
    assert SECRET not in f"{caught.value.message} {caught.value.hint}"


text = st.text(st.characters(), max_size=80)
key_ids = st.one_of(st.sampled_from([*KEYS, "nobody"]), text)
times = st.one_of(st.integers(-(10**14), 10**16).map(str), text)
tokens = st.one_of(st.from_regex(r"[A-Za-z0-9_-]{22,43}", fullmatch=True), text)


@given(
    st.builds(Credentials, key_ids, times, tokens, tokens),
    st.builds(SignedRequest, text, st.binary(max_size=60), st.binary(max_size=60)),
)
def test_whatever_comes_it_is_refused_and_nothing_else(
    credentials: Credentials, request: SignedRequest
) -> None:
    guard = make_guard(FakeTime())
    with pytest.raises(YamabikoError) as caught:
        guard.requests.verify(credentials, request)
    assert isinstance(caught.value, Refused)
