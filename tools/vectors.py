"""Writes docs/signing-vectors.json: requests and addresses with which people check a client."""

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
from realtime.access.client import headers, query, signed_as
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


def made(
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
    """One vector: what a client signs; `sent` is what differs in what arrives."""
    content = body.encode() if isinstance(body, str) else body
    asked = SignedRequest(
        method, path.encode(), query_text.encode(), hashlib.sha256(content).hexdigest()
    )
    shown = signed_as(asked, key_id, SaltedSigner([secret], USE), time, nonce)
    message = string_to_sign(
        asked.method, asked.path, asked.query, key_id, time, nonce, asked.body_sha256
    )
    written = {"body": body} if isinstance(body, str) else {"body_base64": _base64(body)}
    if in_query:
        query_text = "&".join(filter(None, (query_text, urlencode(query(shown)))))
    found = {
        "name": name,
        "method": method,
        "path": path,
        "query": query_text,
        **written,
        "key_id": key_id,
        "secret": secret,
        "time": time,
        "nonce": nonce,
        "started_ms": STARTED_MS,
        "now_ms": NOW_MS,
        "string_to_sign": message.decode(),
        "signature": shown.signature,
        "headers": {} if in_query else headers(_sent(shown, sent or {})),
        "expected": expected,
        "as_signed": sent is None,
        **more,
    }
    return found | {name: value for name, value in (sent or {}).items() if name in found}


def good() -> Iterator[dict[str, Any]]:
    yield made("the worked example", "POST", "/lines", "b=%e5%b1%b1&a=1+1", BODY)
    yield made("a line is asked for", body=BODY)
    yield made("no body", "GET", "/api/info")
    yield made("a body of other letters", body=JAPANESE)
    yield made("a body of bytes", path="/api/process", body=bytes(range(256)))
    yield made("a method that is not POST", "DELETE", "/prefetch/7f3a")
    yield made("a method in small letters is signed in capitals", "post", body=BODY)
    yield made("a query is sorted", "GET", "/api/info", "b=2&a=1")
    yield made("names twice are sorted by value", "GET", "/api/info", "a=2&a=10&a=1")
    yield made("a name is sorted before a longer one", "GET", "/api/info", "a0=1&a=2")
    yield made("a plus is a plus", "GET", "/api/info", "q=a+b")
    yield made("a space is %20", "GET", "/api/info", "q=a%20b")
    yield made("a plus may be written %2B", "GET", "/api/info", "q=a%2Bb")
    yield made("escapes in small letters", "GET", "/api/info", "q=%e5%b1%b1%2f")
    yield made("escapes that need not be", "GET", "/api/info", "%71=%61%7E")
    yield made("letters that are not escaped", "GET", "/api/info", "q=山")
    yield made("a percent sign that escapes nothing", "GET", "/api/info", "q=100%&r=%zz")
    yield made("parts without a value, without a name, empty", "GET", "/api/info", "b&=c&&a=&")
    yield made("an equals sign in a value", "GET", "/api/info", "q=a=b")
    yield made("a path is signed as it is sent", "GET", "/en/af_heart/short/%E5%b1%b1.wav")
    yield made("a path with an escaped slash", "GET", "/lines/a%2Fb")
    yield made("the longest nonce", nonce=("0123456789abcdef" * 8))
    yield made("a nonce with padding", nonce=NONCE + "==")


def timed() -> Iterator[dict[str, Any]]:
    edges = {
        "as old as may be": (SHIFT_MS + SKEW_MS, "ok"),
        "a millisecond too old": (SHIFT_MS + SKEW_MS + 1, "stale"),
        "as far ahead as may be": (-SKEW_MS, "ok"),
        "a millisecond too far ahead": (-SKEW_MS - 1, "future"),
    }
    for name, (age_ms, expected) in edges.items():
        yield made(name, body=BODY, time=str(NOW_MS - age_ms), expected=expected)
    opens_ms = STARTED_MS + SKEW_MS
    soon: dict[str, Any] = {"now_ms": opens_ms}
    yield made("from before the start", time=str(opens_ms), expected="stale", **soon)
    yield made("from after the start", time=str(opens_ms + 1), **soon)
    yield made("a time as RFC 3339 in UTC", time="2026-09-21T15:13:20.000Z")
    yield made("a time with an offset", time="2026-09-21T23:13:20+08:00")
    yield made("the legacy form is UTC", time="2026/09/21 15:13:20")
    yield made("local time in the legacy form", time="2026/09/21 23:13:20", expected="future")
    again: dict[str, Any] = {"expected": "replayed", "after": "a line is asked for"}
    yield made("sent twice", body=BODY, **again)
    yield made("a nonce again for something else", "GET", "/api/info", **again)


def keyed() -> Iterator[dict[str, Any]]:
    yield made("an older secret while keys rotate", body=BODY, secret=KEYS["bot"][0])
    yield made("another key", body=BODY, key_id="page", secret=KEYS["page"][0])
    yield made("a secret that was removed", body=BODY, secret=GONE, expected="bad_signature")
    yield made("a key of nobody's", body=BODY, key_id="nobody", expected="unknown_key")
    swapped = {"key_id": "page"}
    yield made("another id over a signature", sent=swapped, expected="bad_signature")


def in_queries() -> Iterator[dict[str, Any]]:
    yield made("a socket", "GET", "/ws", in_query=True)
    yield made("a socket with a query", "GET", "/ws", "b=2&a=1", in_query=True)
    yield made("a socket signed in headers", "GET", "/ws")
    yield made("a request signed in its query", "GET", "/api/info", "q=a%20b", in_query=True)
    yield made(
        "a time with an offset in a query",
        "GET",
        "/api/info",
        time="2026-09-21T23:13:20+08:00",
        in_query=True,
    )


def changed() -> Iterator[dict[str, Any]]:
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
        yield made(name, query_text="a=1&b=2", body=BODY, sent=sent, expected="bad_signature")
    reordered = {"query": "b=%32&a=1"}
    yield made("a query in another order", query_text="a=1&b=2", body=BODY, sent=reordered)


def malformed() -> Iterator[dict[str, Any]]:
    good = made("", body=BODY)["signature"]
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
        yield made(name, body=BODY, sent=sent, expected="malformed")


def addresses() -> Iterator[dict[str, Any]]:
    yield address("until a day")
    yield address("at another rate", rate="16000")
    yield address("for ever", expires_ms=0)
    yield address("by an older secret", secret=KEYS["bot"][0])
    yield address("its last millisecond", now_ms=NOW_MS + DAY_MS - 1)
    yield address("over", now_ms=NOW_MS + DAY_MS, expected="stale")
    yield address("by a secret that was removed", secret=GONE, expected="bad_signature")
    yield address("another path", sent={"path": AUDIO + "x"}, expected="bad_signature")
    good = address("")["query"]
    changes = {
        "a longer life": good.replace(f"e={NOW_MS + DAY_MS}", f"e={NOW_MS + 2 * DAY_MS}"),
        "a life without end": good.replace(f"e={NOW_MS + DAY_MS}", "e=0"),
        "a rate that was not signed": f"rate=16000&{good}",
        "something added": f"{good}&a=1",
        "no signature": good.partition("&s=")[0],
    }
    for name, sent in changes.items():
        yield address(name, sent={"query": sent}, expected="bad_signature")


def address(
    name: str,
    *,
    rate: str = "",
    expires_ms: int = NOW_MS + DAY_MS,
    secret: str = KEYS["bot"][-1],
    now_ms: int = NOW_MS,
    expected: str = "ok",
    sent: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Written out, not by the module that checks it."""
    message = f"{AUDIO}\n{rate}\n{expires_ms}"
    signature = SaltedSigner([secret], "audio").sign(message.encode())
    tag = hashlib.sha256(b"audio bot").hexdigest()[:6]
    query_text = f"e={expires_ms}&s={tag}{signature}"
    found: dict[str, Any] = {
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
    return {**found, **(sent or {})}


def vectors() -> dict[str, Any]:
    groups = (good(), timed(), keyed(), in_queries(), changed(), malformed())
    return {
        "about": "How to read this: docs/signing.md, the part on checking a client.",
        "keys": KEYS,
        "shift_ms": SHIFT_MS,
        "skew_ms": SKEW_MS,
        "requests": [vector for group in groups for vector in group],
        "addresses": list(addresses()),
    }


def text() -> str:
    return json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n"


def _sent(shown: Credentials, sent: Mapping[str, Any]) -> Credentials:
    parts = ("key_id", "time", "nonce", "signature")
    return replace(shown, **{name: sent[name] for name in parts if name in sent})


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _with_spare_bit(signature: str) -> str:
    """The same bytes for a reader that does not look closely."""
    return signature[:-1] + chr(ord(signature[-1]) + 1)


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
    sys.exit(0)
