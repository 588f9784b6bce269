"""Every line that a request causes in the log of a real server has that request's id."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.support.raw_socket import RawSocket
from tests.support.server_process import ServerProcess

SECRET = "B" * 43
KEY = {"Authorization": f"Bearer bot:{SECRET}"}


class NoisyServer(ServerProcess):
    """A server with keys that logs all it can, and requests with ids."""

    def __init__(self, folder: Path, log_format: str) -> None:
        keyed = {"KEYS": f"bot:{SECRET}", "LOG__LEVEL": "DEBUG", "LOG__FORMAT": log_format}
        super().__init__(folder, keyed)

    def ask(self, id: str, path: str, body: object = None) -> bytes:
        """Ask for a path under an id, and return the body of the answer as far as it came."""
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        method = "GET" if body is None else "POST"
        headers = {**KEY, "X-Request-ID": id, "Content-Type": "application/json"}
        connection.request(method, path, body and json.dumps(body), headers)
        answer = connection.getresponse()
        assert answer.headers["X-Request-ID"] == id
        try:
            return answer.read()
        except http.client.IncompleteRead as error:
            return error.partial
        finally:
            connection.close()

    def speak(self, id: str, text: str) -> bytes:
        return self.ask(id, "/v1/audio/speech", {"input": text, "model": "noisy"})


@contextmanager
def noisy_server(folder: Path, log_format: str) -> Iterator[NoisyServer]:
    server = NoisyServer(folder, log_format)
    try:
        yield server
    finally:
        server.stop()


def requests_made(server: NoisyServer) -> str:
    """Make requests of every kind; return the id of the socket's session."""
    with ThreadPoolExecutor(2) as pool:
        pairs = [pool.submit(server.speak, f"id-{name}", f"pair {name}") for name in ("one", "two")]
        assert all(pair.result() for pair in pairs)
    server.speak("id-three", "break three")
    server.ask("id-fault", "/fault")
    server.ask("id-health", "/health?seen=health")
    with RawSocket(server.address, **KEY) as socket:
        ready = socket.until("ready")[-1].json
        socket.say("say", id="1", text="seen live", engine="noisy")
        socket.until("done")
        socket.say("say", id="2", text="break live", engine="noisy")
        socket.until("error")
    return str(ready["session"])


# A part of each line that a request must cause, and the id with which the line must come.
CAUSED = {
    "id-one": ["admitted", "reading <pair one>", *(f"<pair one> {n}" for n in range(6))],
    "id-two": ["admitted", "reading <pair two>", *(f"<pair two> {n}" for n in range(6))],
    "id-three": ["admitted", "<break three> 0", "noisy failed while speaking"],
    "id-fault": ["admitted", "Exception in ASGI application", "GET /fault"],
    "id-health": ["GET /health?seen=health"],
}


def test_lines_for_people_have_the_id(tmp_path: Path) -> None:
    with noisy_server(tmp_path, "text") as server:
        session = requests_made(server)
        with RawSocket(server.address, **KEY, X_Request_ID="mine-7") as socket:
            assert socket.until("ready")[-1].json["session"] == "mine-7"
            assert b"x-request-id: mine-7\r\n" in socket.answer.lower() + b"\r\n"
    lines = server.stop()
    for id, parts in {**CAUSED, session: ["admitted", "<seen live> 5", "<break live> 0"]}.items():
        for part in parts:
            assert [line for line in lines if part in line and f"[{id}]" in line], (id, part)
    for line in lines:  # and no line has the id of another request, or none
        for word, id in (("pair one", "id-one"), ("pair two", "id-two"), ("n live", session)):
            assert word not in line or f"[{id}]" in line, line
    # A trace is found by the id too, from its first line to its last.
    for id, error in (("id-fault", "a fault of the server"), ("id-three", "a model library's")):
        trace = [line for line in lines if line.startswith(f"[{id}] ")]
        assert trace[0].endswith("Traceback (most recent call last):")
        assert any(line.startswith(f"[{id}] ZeroDivisionError: {error}") for line in trace)
    assert not [line for line in lines if line.startswith(("Traceback", " ", "ZeroDivision"))]


def test_lines_for_machines_have_the_id(tmp_path: Path) -> None:
    with noisy_server(tmp_path, "json") as server:
        session = requests_made(server)
    entries = [json.loads(line) for line in server.stop()]
    for id, parts in {**CAUSED, session: ["admitted", "<seen live> 5", "<break live> 0"]}.items():
        messages = [entry["message"] for entry in entries if entry.get("request") == id]
        assert not [part for part in parts if not any(part in message for message in messages)]
    for entry in entries:
        for word, id in (("pair one", "id-one"), ("pair two", "id-two"), ("n live", session)):
            assert word not in entry["message"] or entry["request"] == id, entry
    traces = {entry["request"]: entry["trace"] for entry in entries if "trace" in entry}
    assert "a fault of the server" in traces["id-fault"]
    assert traces.keys() == {"id-three", "id-fault", session}
