"""A pip at work: one line that moves tells how far it is, and its last words why it failed."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tools.install import virtualenv

PIP = "pip==25.3"  # some Pythons bring one that cannot tell how far a download is
TELLS_PROGRESS = (24, 1)  # the version of pip from which on it can
EVERY_SECONDS = 5.0  # between two lines where output is no terminal
LAST_WORDS = 12  # lines of pip's that are shown when it fails
UNITS = {"bytes": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}

COLLECTING = re.compile(r"\s*(?:Collecting|Requirement already satisfied:) ([\w.-]+)")
PROCESSING = re.compile(r"\s*Processing \S*?([^/\s]+)-\d[^/\s]*\.(?:whl|tar\.gz)")
FETCHING = re.compile(r"\s*(?:Downloading|Using cached) ([\w.]+)-\S+ \(([\d.]+) (\w+)\)")
PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
INSTALLING = re.compile(r"Installing collected packages: (.+)")


class Progress:
    """Progress of pip, read from its lines."""

    def __init__(self, pins: Iterable[str]) -> None:
        self.names = {name_of(pin) for pin in pins}
        self.fetched = 0
        self.megabytes = 0.0
        self.doing = "looking up packages"
        self.installing: list[str] = []
        self._coming = 0.0

    def read(self, line: str) -> None:
        """Take one line of pip's output."""
        if found := COLLECTING.match(line) or PROCESSING.match(line):
            self.names.add(name_of(found[1]))
        elif found := FETCHING.match(line):
            self._arrive()
            self._coming = float(found[2]) * UNITS.get(found[3], 0.0)
            self.doing = f"fetching {found[1]} ({self._coming:,.0f} MB)"
            self.fetched += not line.rstrip().endswith(".metadata")
        elif found := PROGRESS.match(line):
            done, whole = int(found[1]) / 1e6, int(found[2]) / 1e6
            self.doing = f"{self.doing.partition(' (')[0]} ({done:,.0f} of {whole:,.0f} MB)"
        elif found := INSTALLING.match(line):
            self._arrive()
            self.installing = [name_of(name) for name in found[1].split(", ")]

    def _arrive(self) -> None:
        self.megabytes += self._coming
        self._coming = 0.0

    def line(self, seconds: float, installed: int) -> str:
        """Write it as one line for people."""
        clock = f"{int(seconds) // 60}:{int(seconds) % 60:02}"
        if self.installing:
            count = f"{installed} of {len(self.installing)} packages installed"
            return f"{count}, {self.megabytes:,.0f} MB fetched, {clock}"
        return f"{len(self.names)} packages, {self.megabytes:,.0f} MB, {clock}: {self.doing}"


class Pip:
    """The pip of one environment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "install.log"

    def install(self, pins: list[str], blocks: list[str], no_deps: Sequence[str] = ()) -> bool:
        """Install pins, and tell how far it is; on failure say why and what to do.

        Those of `no_deps` come without what they depend on.
        """
        print(f"Installing {', '.join(blocks)} into {self._folder.name}", flush=True)
        started = time.monotonic()
        progress = Progress([*pins, *no_deps])
        lines: list[str] = []
        self._run(["--quiet", PIP], [])
        code = 0
        for found, options in ((pins, []), (no_deps, ["--no-deps"])):
            if found and not code:
                code = self._install_list(found, options, lines, progress, started)
        seconds = time.monotonic() - started
        if code:
            self._tell_failure(lines)
            return False
        print(
            f"Installed: {len(progress.names)} packages, "
            f"{progress.megabytes:,.0f} MB fetched, {seconds:.0f} s"
        )
        return True

    def _install_list(
        self,
        pins: Sequence[str],
        options: list[str],
        lines: list[str],
        progress: Progress,
        started: float,
    ) -> int:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("\n".join(pins))
            file.flush()
            return self._run([*options, "--requirement", file.name], lines, progress, started)

    def _run(
        self,
        what: list[str],
        lines: list[str],
        progress: Progress | None = None,
        started: float = 0.0,
    ) -> int:
        """Run `pip install`, with every line in the log."""
        command = [str(virtualenv.python(self._folder)), "-m", "pip", "install"]
        command += ["--disable-pip-version-check", "--no-input"]
        if progress:
            command += ["--progress-bar", "raw" if self._version() >= TELLS_PROGRESS else "off"]
        popen = subprocess.Popen(
            [*command, *what], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        with self._log.open("a", encoding="utf-8") as log, popen as process:
            shown = Shown(progress, started, self._folder) if progress else None
            assert process.stdout is not None
            for line in process.stdout:
                log.write(line)
                lines.append(line.rstrip())
                if progress and shown:
                    progress.read(line)
                    shown.update()
            if shown:
                shown.end()
        return process.returncode

    def _version(self) -> tuple[int, ...]:
        command = [str(virtualenv.python(self._folder)), "-m", "pip", "--version"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return tuple(int(part) for part in re.findall(r"\d+", done.stdout)[:2])

    def _tell_failure(self, lines: list[str]) -> None:
        print("pip could not install what is needed. Its last words:", flush=True)
        for line in list(last_words(lines)):
            print(f"  {line}")
        print(f"What to do: {advice(lines)}")
        print(f"All of its words: {self._log}")


class Shown:
    """A line that moves on a terminal; elsewhere a line now and then."""

    def __init__(self, progress: Progress, started: float, folder: Path) -> None:
        self._progress, self._started, self._folder = progress, started, folder
        self._told = started
        self._width = 0
        self._ended = threading.Event()
        self._ticking = threading.Thread(target=self._tick, daemon=True)
        self._ticking.start()

    def update(self) -> None:
        """Show how far it is; rarely where lines stay."""
        now = time.monotonic()
        terminal = sys.stdout.isatty()
        if now - self._told < (0.1 if terminal else EVERY_SECONDS):
            return
        self._told = now
        line = self._progress.line(now - self._started, self._installed())
        if terminal:
            print(f"\r{line.ljust(self._width)}", end="", flush=True)
            self._width = len(line)
        else:
            print(line, flush=True)

    def end(self) -> None:
        """Take the moving line away."""
        self._ended.set()
        self._ticking.join()
        if sys.stdout.isatty():
            print(f"\r{' ' * self._width}\r", end="", flush=True)

    def _tick(self) -> None:
        """Go on while pip is silent, as it is while it unpacks."""
        while not self._ended.wait(0.5):
            self.update()

    def _installed(self) -> int:
        """Count the packages that pip has unpacked: it does not tell."""
        there = {
            name_of(path.name.partition("-")[0])
            for path in self._folder.glob("lib/python*/site-packages/*.dist-info")
        }
        return sum(name in there for name in self._progress.installing)


def name_of(pin: str) -> str:
    """Return a package's name as pip compares names."""
    return re.sub(r"[-_.]+", "-", re.split(r"[=<>!~\[; ]", pin.strip())[0]).lower()


def last_words(lines: list[str]) -> Iterator[str]:
    """Yield pip's errors, or its last lines where it names none; its warnings are left out."""
    told = [line for line in lines if line and not line.startswith(("WARNING:", "Progress "))]
    errors = [line for line in told if line.startswith(("ERROR:", "error:"))]
    yield from (errors or told)[-LAST_WORDS:]


def advice(lines: list[str]) -> str:
    """Say what to do about the likely cause."""
    text = "\n".join(lines)
    if "No space left" in text or "Errno 28" in text:
        return "free some disk space (the core needs 1.5 GB, with torch 7 GB), then try again."
    if "uninstall-no-record-file" in text or "invalid-installed-package" in text:
        return "remove the folder .venv, then try again."
    if re.search(r"Could not find a version|No matching distribution", text):
        return "see that the package registry can be reached and has this version for this Python."
    if re.search(r"Connection|timed out|Temporary failure|SSLError|ProxyError", text):
        return (
            "see that the package registry can be reached, then try again: what has come is kept."
        )
    return "try again; if it fails once more, remove the folder .venv first."
