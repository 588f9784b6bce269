"""An adapter whose text says what it does: print, crash, hang, raise, reach for a network."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from realtime.engines.outside.adapter import Adapter, CancelFlag, Chunk, ReportProgress
from realtime.engines.outside.protocol import Speak

RATE = 8000
CHUNK = 800  # samples


class ScriptedAdapter(Adapter):
    name = "scripted"
    version = "7"
    languages = ("en",)
    sample_rate = RATE

    def check(self, options: dict[str, Any]) -> list[str]:
        return [f"{name} from somewhere" for name in options.get("missing", ())]

    def load(self, options: dict[str, Any], progress: ReportProgress) -> dict[str, Any]:
        progress(0.5, "half of it")
        if options.get("crash"):
            os.kill(os.getpid(), signal.SIGKILL)
        if options.get("bytes"):
            self.held = np.ones(options["bytes"], np.uint8)
        return {"loaded": True}

    def speak(self, request: Speak, cancel: CancelFlag) -> Iterator[Chunk]:
        for word in request.segments[0].text.split():
            self._act(word, cancel)
            yield np.full(CHUNK, (request.seed + len(word)) / 100, np.float32), ()

    def _act(self, word: str, cancel: CancelFlag) -> None:
        if word == "print":
            print("a line of a library")
        elif word == "flood":
            sys.stdout.write("x" * 3_000_000 + "\n")
            print("\n".join(str(n) for n in range(50_000)))
        elif word == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        elif word == "exit":
            os._exit(3)
        elif word == "raise":
            raise RuntimeError("it does not want to")
        elif word == "input":
            input()
        elif word == "hang":
            time.sleep(3_600)
        elif word == "wait":  # for the cancel, as an engine does that can stop
            while not cancel.is_set():
                time.sleep(0.005)
        elif word == "network":
            socket.create_connection(("192.0.2.1", 9), timeout=1)
        elif word == "children":
            subprocess.Popen(["sleep", "3600"])
