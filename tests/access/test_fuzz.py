"""Random changes of signatures, tokens and URLs are refused, and never let in."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from realtime.access import Credentials, Guard, SignedRequest
from realtime.errors import Busy, Refused
from tests.support.signed_requests import (
    KEYS,
    FakeTime,
    documented_signature,
    make_guard,
    sign_request,
)

SEED = 20_261_121
ROUNDS = 1_500  # of each kind in a usual run
MANY = 50_000  # of each kind in a slow one: four kinds are 200,000
LETTERS = "ABCxyz019-_.~=&%+ :;,/?#\n\r\t\0é山\ud800\U0001f600"
UNSPARED = re.compile(rb"[^A-Za-z0-9._~-]")
ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
PATH = "/audio/ja/jf_alpha/short/山びこ-0123456789abcdef.wav"


class Fuzzer:
    """A guard, the credentials that it gave out, and random changes to them."""

    def __init__(self, seed: int) -> None:
        self.fake_time = FakeTime()
        self.guard: Guard = make_guard(self.fake_time, nonces=1 << 20)
        self.random = random.Random(seed)
        self.spent: set[str] = set()
        self.tokens: list[str] = []

    def request(self) -> bool:
        """Sign a request and change a few places; check that it passes only where it is right."""
        method = self.random.choice(("GET", "POST", "DELETE"))
        path = self.random.choice((b"/lines", b"/ws", b"/en/%E5%B1%B1.wav"))
        query = self.random.choice((b"", b"a=1&b=2", b"b=%20&&a=+", b"x&kid=1", b"=%e5&=a"))
        request = SignedRequest(method, path, query, hashlib.sha256(self.some_bytes()).hexdigest())
        key_id = self.random.choice(list(KEYS))
        secret = self.random.choice(KEYS[key_id])
        stamp = self.fake_time.ms - self.random.randrange(-6_000, 70_000)
        credentials = sign_request(self.fake_time, request, key_id, secret, stamp)
        for _ in range(self.random.choice((0, 1, 1, 2, 5))):
            credentials, request = self.change(credentials, request)
        if not self.passes(lambda: self.guard.requests.verify(credentials, request)):
            return False
        message = string_of(credentials, request)
        use = (documented_signature(each, "request", message) for each in KEYS[credentials.key_id])
        assert credentials.signature in use
        assert f"{credentials.key_id} {credentials.nonce}" not in self.spent
        self.spent.add(f"{credentials.key_id} {credentials.nonce}")
        return True

    def change(
        self, credentials: Credentials, request: SignedRequest
    ) -> tuple[Credentials, SignedRequest]:
        part = self.random.choice(
            ("key_id", "time", "nonce", "signature", "method", "path", "query", "body")
        )
        if part in ("path", "query"):
            return credentials, replace(request, **{part: self.other_bytes(getattr(request, part))})
        if part == "method":
            return credentials, replace(request, method=self.other_text(request.method))
        if part == "body":
            return credentials, replace(request, body_sha256=hashlib.sha256(b"other").hexdigest())
        text = self.other_text(getattr(credentials, part))
        return replace(credentials, **{part: text}), request

    def ticket(self) -> bool:
        return self.token(
            lambda: self.guard.make_ticket("bot")[0], self.guard.use_ticket, once=True
        )

    def cookie(self) -> bool:
        return self.token(
            lambda: self.guard.make_cookie("bot"), self.guard.owner_of_cookie, once=False
        )

    def token(self, make: Callable[[], str], use: Callable[[str], str], once: bool) -> bool:
        if len(self.tokens) < 50 or self.random.random() < 0.02:
            self.tokens = [*self.tokens[-49:], make()]
        written = self.random.choice(self.tokens)
        for _ in range(self.random.choice((0, 1, 1, 2))):
            written = self.other_text(written)
        if not self.passes(lambda: use(written)):
            return False
        assert written in self.tokens
        assert not (once and written in self.spent)
        self.spent.add(written)
        return True

    def url(self) -> bool:
        urls = self.guard.urls
        rate = self.random.choice(("", "16000"))
        expires_ms = self.random.choice((None, self.fake_time.ms + 1, self.fake_time.ms - 1))
        query = urls.sign(self.random.choice(list(KEYS)), PATH, rate, expires_ms)
        query = f"rate={rate}&{query}" if rate else query
        path, raw = PATH, query.encode()
        change = self.random.choice(("none", "path", "query", "query", "other"))
        if change == "path":
            path = self.other_text(path)
        elif change == "query":
            raw = self.other_bytes(raw)
        elif change == "other":
            raw = self.some_bytes()
        if not self.passes(lambda: urls.check(path, raw)):
            return False
        fields = dict(parse_qsl(raw.decode("ascii"), keep_blank_values=True))
        message = f"{path}\n{fields.get('rate', '')}\n{fields['e']}".encode()
        made = {
            documented_signature(each, "audio", message)
            for of_key in KEYS.values()
            for each in of_key
        }
        assert fields["s"][6:] in made
        assert fields["e"] == "0" or int(fields["e"]) > self.fake_time.ms
        return True

    def passes(self, call: Callable[[], object]) -> bool:
        """Return whether a call passes; only refusals with a code may be raised."""
        try:
            call()
        except (Refused, Busy) as error:
            assert error.code and error.message
            return False
        return True

    def some_bytes(self) -> bytes:
        return self.random.randbytes(self.random.randrange(30))

    def other_text(self, text: str) -> str:
        """Change, remove or repeat one place, or replace all of the text by noise."""
        kind, place = self.random.randrange(6), self.random.randrange(len(text) + 1)
        noise = "".join(self.random.choices(LETTERS, k=self.random.randint(1, 3)))
        if kind == 0:
            return text[:place] + noise + text[place:]
        if kind == 1:
            return text[:place] + text[place + 1 :]
        if kind == 2:
            return text[:place] + self.random.choice(LETTERS) + text[place + 1 :]
        if kind == 3:
            return text[:place].swapcase() + text[place:]
        if kind == 4:
            return text[: place // 2] + text[place:] + text[place // 2 : place]
        return self.random.choice(("", noise, text + text, text[::-1], "bot", text + "="))

    def other_bytes(self, data: bytes) -> bytes:
        kind, place = self.random.randrange(4), self.random.randrange(len(data) + 1)
        if kind == 0:
            return data[:place] + self.some_bytes() + data[place:]
        if kind == 1:
            return data[:place] + data[place + 1 :]
        if kind == 2:  # the same, written otherwise
            return (
                data[:place]
                + b"".join(b"%%%02x" % byte for byte in data[place : place + 1])
                + (data[place + 1 :])
            )
        return b"&".join(self.random.sample(parts := data.split(b"&"), len(parts)))


def string_of(credentials: Credentials, request: SignedRequest) -> bytes:
    """Build the string to sign again, without the code under test."""
    pairs = []
    for part in request.query.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            plain = [ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), each)
                     for each in (name, value)]  # fmt: skip
            if plain[0] not in (b"kid", b"t", b"n", b"sig"):
                pairs.append([UNSPARED.sub(lambda found: b"%%%02X" % found[0][0], each)
                              for each in plain])  # fmt: skip
    query = b"&".join(b"=".join(pair) for pair in sorted(pairs))
    told = (credentials.key_id, credentials.time, credentials.nonce, request.body_sha256)
    head = (b"v1", request.method.upper().encode(), request.path, query)
    return b"\n".join((*head, *(each.encode() for each in told)))


def fuzz(kind: Callable[[Fuzzer], bool], count: int) -> None:
    fuzzer = Fuzzer(SEED)
    passed = 0
    for number in range(count):
        passed += kind(fuzzer)
        if number % 50 == 0:
            fuzzer.fake_time.advance(0.5)
    # Chance that changes everything, or nothing, would show nothing.
    assert 0 < passed < count / 2 + 50


KINDS = [Fuzzer.request, Fuzzer.ticket, Fuzzer.cookie, Fuzzer.url]


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_comes_it_is_refused_or_right(kind: Callable[[Fuzzer], bool]) -> None:
    fuzz(kind, ROUNDS)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", KINDS)
def test_many_of_them(kind: Callable[[Fuzzer], bool]) -> None:
    fuzz(kind, MANY)
