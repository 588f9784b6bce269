"""A writer of docs/signing-vectors.json: signed requests and URLs to check a client with."""

import base64
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from realtime.access import Credentials, SignedRequest, string_to_sign
from realtime.access.client import sign_with, signature_headers, signature_query
from realtime.access.signatures import SaltedSigner
from realtime.access.signed_requests import USE

PATH = Path("docs/signing-vectors.json")
KEYS = {
    "bot": [
        "Yamabiko-example-secret-one-do-not-use-0123",
        "Yamabiko-example-secret-two-do-not-use-4567",
    ],
    "page": ["Yamabiko-example-secret-for-a-page-no-use-8"],
}
GONE = "Yamabiko-example-secret-that-was-removed-99"
STARTED_MS = 1_790_000_000_000
NOW_MS = 1_790_003_600_000
SHIFT_MS, SKEW_MS = 60_000, 5_000
NONCE = "MTIzNDU2Nzg5MDEyMzQ1Ng"
BODY = '{"text":"Hello there, traveller."}'
JAPANESE = '{"text":"山びこ","language":"ja"}'
AUDIO = "/audio/ja/jf_alpha/short/こんにちは-0123456789abcdef.wav"
DAY_MS = 86_400_000


def make_case(
    name: str,
    method: str = "POST",
    path: str = "/lines",
    query_text: str = "",
    body: str | bytes = "",
    *,
    key_id: str = "bot",
    secret: str = KEYS["bot"][-1],
    time: str = str(NOW_MS),
    nonce: str = NONCE,
    expected: str = "ok",
    in_query: bool = False,
    sent: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Make a vector of a request; `sent` replaces parts of it after signing."""
    content = body.encode() if isinstance(body, str) else body
    request = SignedRequest(
        method, path.encode(), query_text.encode(), hashlib.sha256(content).hexdigest()
    )
    credentials = sign_with(request, key_id, SaltedSigner([secret], USE), time, nonce)
    message = string_to_sign(
        request.method, request.path, request.query, key_id, time, nonce, request.body_sha256
    )
    body_field = {"body": body} if isinstance(body, str) else {"body_base64": _base64(body)}
    if in_query:
        query_text = "&".join(filter(None, (query_text, urlencode(signature_query(credentials)))))
    vector = {
        "name": name,
        "method": method,
        "path": path,
        "query": query_text,
        **body_field,
        "key_id": key_id,
        "secret": secret,
        "time": time,
        "nonce": nonce,
        "started_ms": STARTED_MS,
        "now_ms": NOW_MS,
        "string_to_sign": message.decode(),
        "signature": credentials.signature,
        "headers": {} if in_query else signature_headers(_sent(credentials, sent or {})),
        "expected": expected,
        "as_signed": sent is None,
        **more,
    }
    return vector | {name: value for name, value in (sent or {}).items() if name in vector}


def good_requests() -> Iterator[dict[str, Any]]:
    yield make_case("the worked example", "POST", "/lines", "b=%e5%b1%b1&a=1+1", BODY)
    yield make_case("a line is asked for", body=BODY)
    yield make_case("no body", "GET", "/api/info")
    yield make_case("a body of other letters", body=JAPANESE)
    yield make_case("a body of bytes", path="/api/process", body=bytes(range(256)))
    yield make_case("a method that is not POST", "DELETE", "/prefetch/7f3a")
    yield make_case("a method in small letters is signed in capitals", "post", body=BODY)
    yield make_case("a query is sorted", "GET", "/api/info", "b=2&a=1")
    yield make_case("names twice are sorted by value", "GET", "/api/info", "a=2&a=10&a=1")
    yield make_case("a name is sorted before a longer one", "GET", "/api/info", "a0=1&a=2")
    yield make_case("a plus is a plus", "GET", "/api/info", "q=a+b")
    yield make_case("a space is %20", "GET", "/api/info", "q=a%20b")
    yield make_case("a plus may be written %2B", "GET", "/api/info", "q=a%2Bb")
    yield make_case("escapes in small letters", "GET", "/api/info", "q=%e5%b1%b1%2f")
    yield make_case("escapes that need not be", "GET", "/api/info", "%71=%61%7E")
    yield make_case("letters that are not escaped", "GET", "/api/info", "q=山")
    yield make_case("a percent sign that escapes nothing", "GET", "/api/info", "q=100%&r=%zz")
    yield make_case("parts without a value, without a name, empty", "GET", "/api/info", "b&=c&&a=&")
    yield make_case("an equals sign in a value", "GET", "/api/info", "q=a=b")
    yield make_case("a path is signed as it is sent", "GET", "/en/af_heart/short/%E5%b1%b1.wav")
    yield make_case("a path with an escaped slash", "GET", "/lines/a%2Fb")
    yield make_case("the longest nonce", nonce=("0123456789abcdef" * 8))
    yield make_case("a nonce with padding", nonce=NONCE + "==")


def requests_with_times() -> Iterator[dict[str, Any]]:
    edges = {
        "as old as may be": (SHIFT_MS + SKEW_MS, "ok"),
        "a millisecond too old": (SHIFT_MS + SKEW_MS + 1, "stale"),
        "as far ahead as may be": (-SKEW_MS, "ok"),
        "a millisecond too far ahead": (-SKEW_MS - 1, "future"),
    }
    for name, (age_ms, expected) in edges.items():
        yield make_case(name, body=BODY, time=str(NOW_MS - age_ms), expected=expected)
    opens_ms = STARTED_MS + SKEW_MS
    soon: dict[str, Any] = {"now_ms": opens_ms}
    yield make_case("from before the start", time=str(opens_ms), expected="stale", **soon)
    yield make_case("from after the start", time=str(opens_ms + 1), **soon)
    yield make_case("a time as RFC 3339 in UTC", time="2026-09-21T15:13:20.000Z")
    yield make_case("a time with an offset", time="2026-09-21T23:13:20+08:00")
    yield make_case("the legacy form is UTC", time="2026/09/21 15:13:20")
    yield make_case("local time in the legacy form", time="2026/09/21 23:13:20", expected="future")
    again: dict[str, Any] = {"expected": "replayed", "after": "a line is asked for"}
    yield make_case("sent twice", body=BODY, **again)
    yield make_case("a nonce again for something else", "GET", "/api/info", **again)


def requests_with_other_keys() -> Iterator[dict[str, Any]]:
    yield make_case("an older secret while keys rotate", body=BODY, secret=KEYS["bot"][0])
    yield make_case("another key", body=BODY, key_id="page", secret=KEYS["page"][0])
    yield make_case("a secret that was removed", body=BODY, secret=GONE, expected="bad_signature")
    yield make_case("a key of nobody's", body=BODY, key_id="nobody", expected="unknown_key")
    swapped = {"key_id": "page"}
    yield make_case("another id over a signature", sent=swapped, expected="bad_signature")


def requests_signed_in_queries() -> Iterator[dict[str, Any]]:
    yield make_case("a socket", "GET", "/ws", in_query=True)
    yield make_case("a socket with a query", "GET", "/ws", "b=2&a=1", in_query=True)
    yield make_case("a socket signed in headers", "GET", "/ws")
    yield make_case("a request signed in its query", "GET", "/api/info", "q=a%20b", in_query=True)
    yield make_case(
        "a time with an offset in a query",
        "GET",
        "/api/info",
        time="2026-09-21T23:13:20+08:00",
        in_query=True,
    )


def changed_requests() -> Iterator[dict[str, Any]]:
    parts: dict[str, dict[str, Any]] = {
        "the body was changed": {"body": BODY.replace("Hello", "Jello")},
        "the body is gone": {"body": ""},
        "the path was changed": {"path": "/prefetch"},
        "the path is escaped otherwise": {"path": "/%6Cines"},
        "the query was changed": {"query": "a=1&b=3"},
        "something was added to the query": {"query": "a=1&b=2&c="},
        "the method was changed": {"method": "PUT"},
        "the time was changed": {"time": str(NOW_MS + 1)},
        "the nonce was changed": {"nonce": NONCE[::-1]},
    }
    for name, sent in parts.items():
        yield make_case(name, query_text="a=1&b=2", body=BODY, sent=sent, expected="bad_signature")
    reordered = {"query": "b=%32&a=1"}
    yield make_case("a query in another order", query_text="a=1&b=2", body=BODY, sent=reordered)


def malformed_requests() -> Iterator[dict[str, Any]]:
    good = make_case("", body=BODY)["signature"]
    parts = {
        "no time": {"time": ""},
        "a time that is none": {"time": "now"},
        "a time in fractions": {"time": f"{NOW_MS}.5"},
        "a time without a zone": {"time": "2026-09-21T15:13:20"},
        "a nonce of less than 16 bytes": {"nonce": NONCE[:-1]},
        "a nonce in another alphabet": {"nonce": "MTIzNDU2Nzg5+/EyMzQ1Ng"},
        "a nonce without end": {"nonce": "A" * 129},
        "an id with a space": {"key_id": "my bot"},
        "no id": {"key_id": ""},
        "no signature": {"signature": ""},
        "a signature with padding": {"signature": good + "="},
        "a signature in hexadecimal": {"signature": good.encode().hex()[:64]},
        "a signature in another alphabet": {"signature": "+" + good[1:]},
        "a signature whose spare bits are set": {"signature": _with_spare_bit(good)},
    }
    for name, sent in parts.items():
        yield make_case(name, body=BODY, sent=sent, expected="malformed")


def url_cases() -> Iterator[dict[str, Any]]:
    yield make_url_case("until a day")
    yield make_url_case("at another rate", rate="16000")
    yield make_url_case("for ever", expires_ms=0)
    yield make_url_case("by an older secret", secret=KEYS["bot"][0])
    yield make_url_case("its last millisecond", now_ms=NOW_MS + DAY_MS - 1)
    yield make_url_case("over", now_ms=NOW_MS + DAY_MS, expected="stale")
    yield make_url_case("by a secret that was removed", secret=GONE, expected="bad_signature")
    yield make_url_case("another path", sent={"path": AUDIO + "x"}, expected="bad_signature")
    good = make_url_case("")["query"]
    changes = {
        "a longer life": good.replace(f"e={NOW_MS + DAY_MS}", f"e={NOW_MS + 2 * DAY_MS}"),
        "a life without end": good.replace(f"e={NOW_MS + DAY_MS}", "e=0"),
        "a rate that was not signed": f"rate=16000&{good}",
        "something added": f"{good}&a=1",
        "no signature": good.partition("&s=")[0],
    }
    for name, sent in changes.items():
        yield make_url_case(name, sent={"query": sent}, expected="bad_signature")


def make_url_case(
    name: str,
    *,
    rate: str = "",
    expires_ms: int = NOW_MS + DAY_MS,
    secret: str = KEYS["bot"][-1],
    now_ms: int = NOW_MS,
    expected: str = "ok",
    sent: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Make a vector of a URL, without the module that the server checks it with."""
    message = f"{AUDIO}\n{rate}\n{expires_ms}"
    signature = SaltedSigner([secret], "audio").sign(message.encode())
    tag = hashlib.sha256(b"audio bot").hexdigest()[:6]
    query_text = f"e={expires_ms}&s={tag}{signature}"
    vector: dict[str, Any] = {
        "name": name,
        "path": AUDIO,
        "rate": rate,
        "expires_ms": expires_ms,
        "key_id": "bot",
        "secret": secret,
        "now_ms": now_ms,
        "string_to_sign": message,
        "signature": signature,
        "query": f"rate={rate}&{query_text}" if rate else query_text,
        "expected": expected,
    }
    return {**vector, **(sent or {})}


def vectors() -> dict[str, Any]:
    groups = (
        good_requests(),
        requests_with_times(),
        requests_with_other_keys(),
        requests_signed_in_queries(),
        changed_requests(),
        malformed_requests(),
    )
    return {
        "about": "How to read this: docs/signing.md, the part on checking a client.",
        "keys": KEYS,
        "shift_ms": SHIFT_MS,
        "skew_ms": SKEW_MS,
        "requests": [vector for group in groups for vector in group],
        "addresses": list(url_cases()),
    }


def text() -> str:
    return json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n"


def _sent(credentials: Credentials, sent: Mapping[str, Any]) -> Credentials:
    parts = ("key_id", "time", "nonce", "signature")
    return replace(credentials, **{name: sent[name] for name in parts if name in sent})


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _with_spare_bit(signature: str) -> str:
    """Return a signature that lax base64 readers take for the same bytes."""
    return signature[:-1] + chr(ord(signature[-1]) + 1)


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
    sys.exit(0)
