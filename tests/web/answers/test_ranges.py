"""Ranges and preconditions, compared with a slow and plain reading of RFC 9110."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.web.answers.ranges import (
    MOST_RANGES,
    ByteRange,
    Decision,
    content_range,
    decide,
    parse_ranges,
)

TAG = '"abc"'
SIZE = 100

SPECS = st.one_of(
    st.tuples(st.integers(0, 150), st.integers(0, 150)).map(lambda p: f"{p[0]}-{p[1]}"),
    st.integers(0, 150).map(lambda n: f"{n}-"),
    st.integers(0, 150).map(lambda n: f"-{n}"),
)


def bytes_meant_by(spec: str, size: int) -> set[int] | None:
    """Return the bytes that one range means; None for an invalid range."""
    first, _, last = spec.partition("-")
    if first and last and int(last) < int(first):
        return None
    if not first:
        return set(range(size)[-int(last) :]) if int(last) else set()
    return {n for n in range(size) if n >= int(first) and (not last or n <= int(last))}


@given(st.lists(SPECS, min_size=1, max_size=5), st.integers(0, 120))
def test_spans_are_the_bytes_that_were_asked_for(specs: list[str], size: int) -> None:
    meant = [bytes_meant_by(spec, size) for spec in specs]
    found = parse_ranges("bytes=" + ", ".join(specs), size)
    if None in meant:
        assert found is None
    else:
        assert found is not None
        assert [set(range(span.start, span.end)) for span in found] == [m for m in meant if m]
        assert all(0 <= span.start < span.end <= size for span in found)


@given(st.text(alphabet="bytes=0123456789-, \t", max_size=40), st.integers(0, 200))
def test_no_header_breaks_it(header: str, size: int) -> None:
    for span in parse_ranges(header, size) or []:
        assert 0 <= span.start < span.end <= size


@given(st.lists(SPECS, min_size=1, max_size=20), st.integers(1, 120))
def test_an_answer_is_bounded_in_count_and_cost(specs: list[str], size: int) -> None:
    decision = decide({"range": "bytes=" + ",".join(specs)}, "GET", TAG, size)
    assert decision.status in (200, 206, 416)
    assert (decision.status == 206) == bool(decision.spans)
    assert len(decision.spans) <= MOST_RANGES
    assert sum(span.size for span in decision.spans) <= size


@pytest.mark.parametrize(
    ("header", "status", "spans"),
    [
        ("bytes=0-9", 206, [ByteRange(0, 10)]),
        ("BYTES = 0-9", 206, [ByteRange(0, 10)]),
        ("bytes=90-200", 206, [ByteRange(90, 100)]),
        ("bytes=-10", 206, [ByteRange(90, 100)]),
        ("bytes=-1000", 206, [ByteRange(0, 100)]),
        ("bytes=0-0,-1", 206, [ByteRange(0, 1), ByteRange(99, 100)]),
        ("bytes=100-", 416, []),
        ("bytes=-0", 416, []),
        ("bytes=" + "9" * 5000 + "-", 416, []),
        ("bytes=5-1", 200, []),
        ("bytes=", 200, []),
        ("bytes=-", 200, []),
        ("bytes=a-b", 200, []),
        ("lines=0-9", 200, []),
        ("bytes=0-,0-,0-", 200, []),
        ("bytes=" + ",".join(f"{n}-{n}" for n in range(9)), 200, []),
    ],
)
def test_ranges(header: str, status: int, spans: list[ByteRange]) -> None:
    assert decide({"range": header}, "GET", TAG, SIZE) == Decision(status, tuple(spans))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if-none-match": TAG}, 304),
        ({"if-none-match": f"W/{TAG}"}, 304),
        ({"if-none-match": f'"x", {TAG}'}, 304),
        ({"if-none-match": "*"}, 304),
        ({"if-none-match": '"x"'}, 200),
        ({"if-none-match": TAG, "range": "bytes=0-1"}, 304),
        ({"if-match": TAG}, 200),
        ({"if-match": "*"}, 200),
        ({"if-match": '"x"'}, 412),
        ({"if-match": f"W/{TAG}"}, 412),
        ({"if-match": '"x"', "if-none-match": TAG}, 412),
        ({"range": "bytes=0-1", "if-range": TAG}, 206),
        ({"range": "bytes=0-1", "if-range": '"x"'}, 200),
        ({"range": "bytes=0-1", "if-range": f"W/{TAG}"}, 200),
        ({"range": "bytes=0-1", "if-range": "Sat, 21 Nov 2026 09:16:54 GMT"}, 200),
        ({"range": "bytes=500-", "if-range": '"x"'}, 200),
    ],
)
def test_preconditions_in_their_order(headers: dict[str, str], status: int) -> None:
    assert decide(headers, "GET", TAG, SIZE).status == status


def test_only_get_has_ranges() -> None:
    assert decide({"range": "bytes=0-1"}, "HEAD", TAG, SIZE) == Decision(200)


def test_what_the_header_says() -> None:
    assert content_range(ByteRange(0, 10), 100) == "bytes 0-9/100"
    assert content_range(None, 100) == "bytes */100"
