"""A body is replayed as it came, hashed, and in bounded memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from realtime.web.entry import buffered_body
from realtime.web.entry.buffered_body import IN_MEMORY_BYTES, BufferedBody

pytestmark = pytest.mark.anyio


def receiving(parts: Iterable[bytes], last: str = "http.disconnect") -> Receive:
    messages: list[Message] = [
        {"type": "http.request", "body": part, "more_body": True} for part in parts
    ]
    if messages:
        messages[-1]["more_body"] = False
    messages.append({"type": last})

    async def receive() -> Message:
        return messages.pop(0)

    return receive


@pytest.mark.parametrize(
    "parts",
    [[b""], [b"abc"], [b"ab", b"", b"c"], [bytes(range(256)) * 4_000] * 3, [b"x" * 5_000_000]],
)
async def test_it_is_given_again_as_it_came(parts: list[bytes]) -> None:
    body, receive = BufferedBody(), receiving(parts)
    whole = b"".join(parts)
    assert not body.complete
    await body.read_all(receive)
    assert body.complete and body.digest == hashlib.sha256(whole).hexdigest()
    replay = body.replay(receive)
    found, more = b"", True
    while more:
        message = await replay()
        assert message["type"] == "http.request"
        assert len(message["body"]) <= IN_MEMORY_BYTES
        found += message["body"]
        more = message["more_body"]
    assert found == whole
    assert (await replay())["type"] == "http.disconnect"
    body.close()


async def test_who_leaves_is_told_apart_from_who_is_done() -> None:
    body = BufferedBody()
    with pytest.raises(ClientDisconnect):
        await body.read_all(receiving([]))
    body.close()


async def test_a_body_that_is_not_read_has_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request may be given up with its event loop, and nobody closes its file then."""

    def no_file(size: int) -> None:
        raise AssertionError("a file was made")

    monkeypatch.setattr(buffered_body, "SpooledTemporaryFile", no_file)
    body = BufferedBody()
    body.close()
    with pytest.raises(AssertionError, match="a file was made"):
        await body.read_all(receiving([b"abc"]))
