"""The preparation of an engine's file by a process of its own.

Within the server it would stop every request for a second or two, since reading and writing a large
graph holds Python's lock, and leave a hundred megabytes of used memory behind.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
from pathlib import Path

from realtime.engines.prepare import DOWNLOAD
from realtime.settings import Settings

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
MODULE = "realtime.engines.prepare"


async def prepare_files(engine: str, settings: Settings) -> bool:
    """Run the program until it has made the file; return whether it has.

    A failure is told in the log: the engine then makes the file itself, or says why it cannot.
    """
    command = [sys.executable, "-m", MODULE, engine, str(settings.models.path.resolve())]
    if settings.allow_downloads:
        command.append(DOWNLOAD)
    program = Program(command)
    running = asyncio.create_task(asyncio.to_thread(program.run))
    try:
        status, said = await asyncio.shield(running)
    except OSError as error:
        logger.warning("the file of %s could not be prepared: %s", engine, error)
        return False
    except asyncio.CancelledError:
        program.stop()
        await asyncio.gather(running, return_exceptions=True)
        raise
    if status:
        last = (said.strip().splitlines() or [f"exit status {status}"])[-1]
        logger.warning("the file of %s could not be prepared: %s", engine, last)
    return status == 0


class Program:
    """A program that one thread runs and another one may stop."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._stopped = False
        self._process: subprocess.Popen[str] | None = None

    def run(self) -> tuple[int, str]:
        """Run it to its end; return its exit status and what it wrote to its standard error."""
        with self._lock:
            if self._stopped:
                return 1, "it was stopped"
            process = self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        _, said = process.communicate()
        return process.returncode, said

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            if self._process is not None:
                self._process.kill()
