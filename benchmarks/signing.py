"""The cost of signatures: requests verified and signed, a full memory of nonces, middleware."""

from __future__ import annotations

import hashlib
import itertools
import statistics
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks import gate, report
from realtime.access import Clock, Credentials, Guard, Keys, SignedRequest
from realtime.access.client import sign
from realtime.access.nonces import Nonces
from realtime.access.signed_requests import USE
from realtime.settings import AuthSettings, Settings

START_MS = 1_790_000_000_000
HELD_SECONDS = 70.0
SHORT = b"a=1&b=%20"
LONG = b"&".join(b"name%d=value%%20%d" % (number % 37, number) for number in range(100))
BODIES = {"none": b"", "1 KB": b"b" * 1_000, "1 MB": b"b" * 1_000_000}


@dataclass
class StillClock:
    """A clock that stands still, and nonces that cost no time."""

    ms: int = START_MS
    numbers: Any = field(default_factory=itertools.count)

    def clock(self) -> Clock:
        return Clock(
            lambda: self.ms, lambda: self.ms / 1000, lambda _: f"{next(self.numbers):022d}"
        )


@dataclass(frozen=True)
class Case:
    """A kind of request."""

    secrets: int
    newest: bool  # whether it is signed with the newest secret, which is tried first
    query: bytes
    body: str

    @property
    def row(self) -> dict[str, Any]:
        which = "newest" if self.newest else "oldest"
        parts = len(self.query.split(b"&"))
        return {
            "secrets": self.secrets,
            "signed with": which,
            "query parts": parts,
            "body": self.body,
        }


CASES = [
    Case(1, True, SHORT, "none"),
    Case(3, True, SHORT, "none"),
    Case(3, False, SHORT, "none"),
    Case(1, True, LONG, "none"),
    Case(3, False, LONG, "none"),
    Case(1, True, SHORT, "1 KB"),
    Case(1, True, SHORT, "1 MB"),
]


def guard_of(secrets: int, still: StillClock, nonces: int) -> Guard:
    keys = Keys({"bench": [str(number) * 43 for number in range(secrets)]})
    guard = Guard(keys, Settings(auth=AuthSettings(nonces=nonces)), still.clock())
    still.ms += 6_000
    return guard


def time_verifying(case: Case, count: int) -> dict[str, Any]:
    """Time the check of a request, with the hash of its body."""
    still = StillClock()
    guard = guard_of(case.secrets, still, nonces=2 * count)
    oldest = Keys({"bench": ["0" * 43]}).signer("bench", USE)
    signer = guard.keys.signer("bench", USE) if case.newest else oldest
    body = BODIES[case.body]
    request = _request(case.query, body)
    signed = [sign(request, "bench", signer, still.clock()) for _ in range(count)]

    def verify(credentials: Credentials) -> None:
        guard.requests.verify(credentials, _request(case.query, body))

    return {**case.row, **_microseconds(verify, signed)}


def time_signing(case: Case, count: int) -> dict[str, Any]:
    still = StillClock()
    signer = guard_of(case.secrets, still, nonces=1).keys.signer("bench", USE)
    clock, body = Clock(), BODIES[case.body]

    def sign_once(_: object) -> None:
        sign(_request(case.query, body), "bench", signer, clock)

    return {**case.row, **_microseconds(sign_once, list(range(count)))}


def measure_nonces(count: int) -> dict[str, Any]:
    """Measure a memory of nonces that is full."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    nonces = Nonces(count)
    for number in range(count):
        now = HELD_SECONDS * number / count
        nonces.use("bench", str(number), round(1000 * now) + 1, now + HELD_SECONDS, now)
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return {"nonces": count, "MB": round(held / 1e6, 2), "bytes each": round(held / count, 1)}


def _request(query: bytes, body: bytes) -> SignedRequest:
    return SignedRequest("POST", b"/lines", query, hashlib.sha256(body).hexdigest())


def _microseconds(call: Callable[[Any], None], arguments: list[Any]) -> dict[str, Any]:
    took = []
    for argument in arguments:
        begun = time.perf_counter_ns()
        call(argument)
        took.append((time.perf_counter_ns() - begun) / 1000)
    p95 = statistics.quantiles(took, n=20)[-1]
    return {"p50 µs": round(statistics.median(took), 1), "p95 µs": round(p95, 1)}


def main() -> None:
    parser = report.argument_parser("What do signatures cost?")
    parser.add_argument("--count", type=int, default=5_000, help="requests of each kind")
    parser.add_argument("--rounds", type=int, default=1_000, help="requests through the middleware")
    parser.add_argument("--nonces", type=int, nargs="+", default=[200_000, 1_000_000])
    options = parser.parse_args()
    verified = [time_verifying(case, options.count) for case in CASES]
    report.print_table("A signed request verified (target: 50 µs at the median)", verified)
    made = [time_signing(case, options.count) for case in CASES]
    report.print_table("A request signed", made)
    remembered = [measure_nonces(count) for count in options.nonces]
    report.print_table("Nonces at their bound", remembered)
    added = gate.measure(options.rounds)
    report.print_table("What authentication adds to a request, in ms (target: 0.3)", added)
    figures = {"verify": verified, "sign": made, "nonces": remembered, "gate": added}
    report.write_json(options.json, figures)


if __name__ == "__main__":
    main()
