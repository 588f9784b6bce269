"""Shape, key, signature, time, nonce: in this order, and nothing passes twice."""

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
from realtime.access.timestamps import LEGACY_FORM
from realtime.errors import Refused, YamabikoError
from tests.support.signed_requests import (
    FOREIGN,
    KEYS,
    OLDER,
    SECRET,
    SHIFT_MS,
    SKEW_MS,
    Hands,
    answer,
    asked,
    made_guard,
    shown,
)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def guard(hands: Hands) -> Guard:
    """One that started long ago."""
    guard = made_guard(hands)
    hands.pass_by(3_600)
    return guard


def tried(guard: Guard, credentials: Credentials, request: SignedRequest) -> str:
    return answer(guard.requests.verify, credentials, request)


def test_what_is_signed_now_passes_and_tells_its_time(guard: Guard, hands: Hands) -> None:
    request = asked(body=b"{}")
    assert guard.requests.verify(shown(hands, request), request) == hands.ms


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
def test_both_axes_hold_to_the_millisecond(
    guard: Guard, hands: Hands, late_ms: int, expected: str
) -> None:
    request = asked()
    assert tried(guard, shown(hands, request, stamp=hands.ms - late_ms), request) == expected


@pytest.mark.parametrize(("after_ms", "expected"), [(0, "stale"), (1, "ok"), (-1, "stale")])
def test_nothing_from_before_the_start_passes(hands: Hands, after_ms: int, expected: str) -> None:
    """Nor what may have been used just before it by a clock that is a skew ahead."""
    opens_ms = hands.ms + SKEW_MS
    guard = made_guard(hands)
    request = asked()
    assert tried(guard, shown(hands, request, stamp=opens_ms + after_ms), request) == expected


def test_it_is_open_when_what_is_signed_now_can_pass(hands: Hands) -> None:
    guard = made_guard(hands)
    hands.ms -= 1
    assert not guard.open
    assert tried(guard, shown(hands, asked()), asked()) == "stale"
    hands.ms += 1
    assert guard.open
    assert tried(guard, shown(hands, asked()), asked()) == "ok"


def in_zone(ms: int, hours: float) -> str:
    zone = timezone(timedelta(hours=hours))
    return datetime.fromtimestamp(ms / 1000, zone).isoformat(timespec="milliseconds")


def test_every_written_form_of_a_time_passes(guard: Guard, hands: Hands) -> None:
    forms = [
        str(hands.ms),
        in_zone(hands.ms, 0).replace("+00:00", "Z"),
        in_zone(hands.ms, 8),
        in_zone(hands.ms, -4),
        datetime.fromtimestamp(hands.ms / 1000, UTC).strftime(LEGACY_FORM),
    ]
    for form in forms:
        assert tried(guard, shown(hands, asked(), stamp=form), asked()) == "ok"


@pytest.mark.parametrize(
    "changed",
    [
        replace(asked(body=b"{}"), method="PUT"),
        replace(asked(body=b"{}"), path=b"/line"),
        replace(asked(body=b"{}"), path=b"/lines/"),
        replace(asked(body=b"{}"), path=b"/%6cines"),
        replace(asked(body=b"{}"), query=b"b=1&a=2&a=3"),
        replace(asked(body=b"{}"), query=b"b=1"),
        replace(asked(body=b"{}"), query=b"b=1&a=2&c="),
        replace(asked(body=b"{}"), query=b"b=2&a=1"),
        replace(asked(body=b"{}"), query=b"B=1&a=2"),
        replace(asked(body=b"{}"), query=b""),
        asked(body=b"{} ", query=b"b=1&a=2"),
        asked(body=b"", query=b"b=1&a=2"),
    ],
)
def test_nothing_can_be_swapped(guard: Guard, hands: Hands, changed: SignedRequest) -> None:
    request = asked(query=b"b=1&a=2", body=b"{}")
    credentials = shown(hands, request)
    assert tried(guard, credentials, changed) == "bad_signature"
    assert tried(guard, credentials, request) == "ok"


@pytest.mark.parametrize(
    "query",
    [b"a=2&b=1%20c", b"b=1%20c&a=2", b"%62=%31%20%63&&%61=2", b"a=2&b=1%20c&kid=x&t=1&n=2&sig=3"],
)
def test_a_query_may_be_written_otherwise(guard: Guard, hands: Hands, query: bytes) -> None:
    credentials = shown(hands, asked(query=b"a=2&b=1%20c"))
    assert tried(guard, credentials, asked(query=query)) == "ok"


def test_the_method_is_of_any_case(guard: Guard, hands: Hands) -> None:
    assert tried(guard, shown(hands, asked("POST")), asked("post")) == "ok"


@pytest.mark.parametrize(
    "field", [{"key_id": "page"}, {"time": None}, {"nonce": "n" * 22}, {"signature": "A" * 43}]
)
def test_no_field_of_the_signature_can_be_swapped(
    guard: Guard, hands: Hands, field: dict[str, str | None]
) -> None:
    request = asked()
    other = {name: value or str(hands.ms - 1) for name, value in field.items()}
    assert tried(guard, replace(shown(hands, request), **other), request) == "bad_signature"


def test_keys_rotate(hands: Hands) -> None:
    def guard_of(*secrets: str) -> Guard:
        return made_guard(hands, {"bot": secrets})

    def passes(guard: Guard, secret: str) -> bool:
        return tried(guard, shown(hands, asked(), secret=secret), asked()) == "ok"

    before, during, after = guard_of(OLDER), guard_of(OLDER, SECRET), guard_of(SECRET)
    assert [passes(before, secret) for secret in (OLDER, SECRET)] == [True, False]
    assert [passes(during, secret) for secret in (OLDER, SECRET)] == [True, True]
    assert [passes(after, secret) for secret in (OLDER, SECRET)] == [False, True]


def test_a_key_that_was_taken_away_is_unknown(hands: Hands) -> None:
    guard = made_guard(hands, {"page": KEYS["page"]})
    assert tried(guard, shown(hands, asked()), asked()) == "unknown_key"


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
    guard: Guard, hands: Hands, wrong: tuple[str, ...], late: bool
) -> None:
    stamp = hands.ms - 10**6 if late else hands.ms
    credentials = shown(hands, asked(), stamp=stamp)
    for reason in wrong:
        credentials = WRONG[reason](credentials)
    expected = [*wrong, *(["stale"] if late else []), GOOD]
    assert tried(guard, credentials, asked()) == expected[0]


def test_an_old_repetition_is_old_before_it_is_a_repetition(guard: Guard, hands: Hands) -> None:
    credentials = shown(hands, asked())
    assert tried(guard, credentials, asked()) == "ok"
    hands.pass_by(65)
    assert tried(guard, credentials, asked()) == "replayed"
    hands.pass_by(0.001)
    assert tried(guard, credentials, asked()) == "stale"


def test_only_what_passes_is_remembered(guard: Guard, hands: Hands) -> None:
    """Else anybody could fill the memory, or use up somebody's nonce."""
    nonce = "n" * 22
    forged = shown(hands, asked(), secret=FOREIGN, nonce=nonce)
    late = shown(hands, asked(), stamp=hands.ms - 10**6, nonce=nonce)
    for credentials in (forged, late, replace(forged, key_id="nobody")):
        assert tried(guard, credentials, asked()) != "ok"
    assert tried(guard, shown(hands, asked(), nonce=nonce), asked()) == "ok"


def test_a_nonce_is_a_keys_own(guard: Guard, hands: Hands) -> None:
    page = shown(hands, asked(), key_id="page", secret=KEYS["page"][0], nonce="n" * 22)
    assert tried(guard, page, asked()) == "ok"
    assert tried(guard, shown(hands, asked(), nonce="n" * 22), asked()) == "ok"


def test_a_nonce_is_used_up_for_any_request_and_any_time(guard: Guard, hands: Hands) -> None:
    assert tried(guard, shown(hands, asked(), nonce="n" * 22), asked()) == "ok"
    hands.pass_by(1)
    other = asked("GET", b"/time")
    assert tried(guard, shown(hands, other, nonce="n" * 22), other) == "replayed"


def test_a_full_memory_lets_nobody_in(hands: Hands) -> None:
    guard = made_guard(hands, nonces=3)
    for _ in range(3):
        assert tried(guard, shown(hands, asked()), asked()) == "ok"
    assert tried(guard, shown(hands, asked()), asked()) == "nonces_full"
    hands.pass_by(60 + 2 * 5 + 2)
    assert tried(guard, shown(hands, asked()), asked()) == "ok"


def test_of_many_at_once_exactly_one_passes(guard: Guard, hands: Hands) -> None:
    for _ in range(25):
        credentials, found = shown(hands, asked()), []
        together = threading.Barrier(8)

        def send(
            together: threading.Barrier = together,
            credentials: Credentials = credentials,
            found: list[str] = found,
        ) -> None:
            together.wait(10)
            found.append(tried(guard, credentials, asked()))

        threads = [threading.Thread(target=send) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert sorted(found) == ["ok"] + 7 * ["replayed"]


def test_a_clock_that_is_set_back_is_told_and_opens_nothing(
    guard: Guard, hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    credentials = shown(hands, asked())
    assert tried(guard, credentials, asked()) == "ok"
    hands.pass_by(70)
    hands.ms -= 70_000  # by exactly what has passed: the wall clock alone shows no step
    with caplog.at_level(logging.WARNING):
        assert tried(guard, credentials, asked()) == "replayed"
    assert "went back by 70.0 s" in caplog.text


def test_what_was_forgotten_stays_out_when_the_clock_is_set_back(
    guard: Guard, hands: Hands
) -> None:
    credentials = shown(hands, asked())
    assert tried(guard, credentials, asked()) == "ok"
    hands.pass_by(3_600)
    assert tried(guard, shown(hands, asked()), asked()) == "ok"  # the old one is forgotten now
    hands.ms -= 3_600_000
    assert tried(guard, credentials, asked()) == "stale"


def test_a_clock_that_jumps_ahead_does_no_harm(guard: Guard, hands: Hands) -> None:
    credentials = shown(hands, asked())
    assert tried(guard, credentials, asked()) == "ok"
    hands.ms += 3_600_000
    assert tried(guard, credentials, asked()) == "stale"
    assert tried(guard, shown(hands, asked()), asked()) == "ok"


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
def test_what_has_not_the_form_is_named(guard: Guard, hands: Hands, part: str, value: str) -> None:
    credentials = replace(shown(hands, asked()), **{part.replace(" ", "_"): value})
    with pytest.raises(Refused) as caught:
        guard.requests.verify(credentials, asked())
    assert caught.value.code == "malformed"
    assert f"no usable {part}" in caught.value.message


@pytest.mark.parametrize(
    "request_line", [SignedRequest("PO\nST", b"/", b""), SignedRequest("POST", b"/\nx", b"")]
)
def test_no_line_can_be_put_into_the_string(
    guard: Guard, hands: Hands, request_line: SignedRequest
) -> None:
    """Two requests would have one string to sign."""
    assert tried(guard, shown(hands, request_line), request_line) == "malformed"


@pytest.mark.parametrize("method", ["", " ", "é", "\ud800", "A" * 33])
def test_what_is_no_method_is_refused(guard: Guard, hands: Hands, method: str) -> None:
    request = replace(asked(), method=method)
    assert tried(guard, shown(hands, asked()), request) == "malformed"


def test_a_secret_in_the_place_of_an_id_is_not_quoted(guard: Guard, hands: Hands) -> None:
    with pytest.raises(Refused) as caught:
        guard.requests.verify(replace(shown(hands, asked()), key_id=SECRET), asked())
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
    guard = made_guard(Hands())
    with pytest.raises(YamabikoError) as caught:
        guard.requests.verify(credentials, request)
    assert isinstance(caught.value, Refused)
