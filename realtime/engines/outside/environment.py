"""Environments of engines outside: `engines/NAME/.venv`, made of a pinned list by `make`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from realtime.errors import Unavailable

ENGINES = Path(__file__).resolve().parents[3] / "engines"
LIST = "requirements.txt"
PIN = re.compile(r"\s*([A-Za-z0-9][\w.-]*)==([\w.!+-]+)")
DISTRIBUTION = re.compile(r"([\w.]+)-([\w.!+]+)\.dist-info")
INSTALLED, INCOMPLETE, MISSING = "installed", "incomplete", "missing"


@dataclass(frozen=True)
class Environment:
    """An environment, and what it lacks."""

    name: str
    state: str  # installed | incomplete | missing
    lacks: Sequence[str]  # pins that are not installed as they are pinned
    how: str | None  # the command that makes it


def python_of(name: str, folder: Path = ENGINES) -> Path:
    """Give the interpreter of an environment; one that is not made says how it is."""
    python = folder / name / ".venv" / "bin" / "python"
    if not python.exists():
        raise Unavailable(
            f"The environment of the engine {name!r} is not installed.",
            hint=f"Run `{command(name)}`.",
        )
    return python


def command(name: str) -> str:
    return f"make engine-{name}"


def list_environments(folder: Path = ENGINES) -> list[Environment]:
    """Describe the environments that this repository has lists for; no program is run."""
    lists = sorted(folder.glob(f"*/{LIST}"))
    return [describe(path.parent.name, folder) for path in lists]


def describe(name: str, folder: Path = ENGINES) -> Environment:
    """Compare what is pinned with what is installed."""
    pins = read_pins((folder / name / LIST).read_text(encoding="utf-8"))
    venv = folder / name / ".venv"
    if not (venv / "bin" / "python").exists():
        return Environment(name, MISSING, (), command(name))
    there = _installed(venv)
    lacks = [f"{pin}=={version}" for pin, version in pins.items() if there.get(pin) != version]
    if not lacks:
        return Environment(name, INSTALLED, (), None)
    return Environment(name, INCOMPLETE, lacks, command(name))


def read_pins(text: str) -> dict[str, str]:
    """Read the pins of a list: name -> version."""
    found = (PIN.match(line) for line in text.splitlines())
    return {_plain(pin[1]): pin[2] for pin in found if pin is not None}


def _installed(venv: Path) -> Mapping[str, str]:
    folders = venv.glob("lib/python3*/site-packages/*.dist-info")
    found = (DISTRIBUTION.fullmatch(path.name) for path in folders)
    return {_plain(each[1]): each[2] for each in found if each is not None}


def _plain(name: str) -> str:
    """Return a package's name as it is compared: PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()
