"""The isolation of a host: no process of an engine outlives the server, however that dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.polling import wait_until
from tests.support.processes import children_of, is_gone

ROOT = Path(__file__).resolve().parents[3]
# A server whose engine has a child of its own, started from a thread that ends at once.
SERVER = """
import sys, threading, time
from realtime.engines.contract import CancelToken
from realtime.engines.outside import protocol
from realtime.engines.outside.process import Launch
from realtime.engines.outside.supervisor import Supervisor
from realtime.settings import OutsideSettings
launch = Launch("scripted", "tests.support.scripted_adapter")
supervisor = Supervisor("scripted", lambda: launch, OutsideSettings())
thread = threading.Thread(target=supervisor.load, args=({},))
thread.start(); thread.join()
text = [protocol.TextPart("children", "en")]
list(supervisor.stream(lambda number: protocol.Speak(number, text, "nana"), CancelToken()))
print(supervisor.process().id, flush=True)
if sys.argv[1] == "hang":
    text = [protocol.TextPart("hang", "en")]
    list(supervisor.stream(lambda number: protocol.Speak(number, text, "nana"), CancelToken()))
if sys.argv[1] == "exit":
    sys.exit(0)
time.sleep(3600)
"""


def started(way: str) -> tuple[subprocess.Popen[str], list[int]]:
    """Start such a server; return it with all processes of its engine."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, way], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    host = int(server.stdout.readline())
    (grandchild,) = children_of(host)
    guardians = children_of(server.pid)
    return server, [*guardians, host, grandchild]


@pytest.mark.parametrize("way", ["idle", "hang"])
def test_a_killed_server_leaves_no_process(way: str) -> None:
    server, processes = started(way)
    assert len(processes) == 3
    server.kill()
    server.communicate()
    wait_until(lambda: all(map(is_gone, processes)))


def test_a_server_that_ends_leaves_no_process() -> None:
    server, processes = started("exit")
    server.communicate()
    assert server.returncode == 0
    wait_until(lambda: all(map(is_gone, processes)))


def test_a_killed_guardian_takes_the_host_along() -> None:
    server, (guardian, host, grandchild) = started("idle")
    os.kill(guardian, signal.SIGKILL)
    wait_until(lambda: is_gone(host) and is_gone(grandchild))
    server.kill()
    server.communicate()
