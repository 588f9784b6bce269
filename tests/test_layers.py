"""Imports go down the floors, libraries stay in their rooms, and importing does nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# From the top down. A module imports from its own room, or from the rows below its own.
FLOORS = [
    ["server"],
    ["realtime.cli", "realtime.web"],
    ["realtime.services"],
    ["realtime.cloning", "realtime.live"],
    ["realtime.conversion"],
    ["realtime.speech"],
    ["realtime.models"],
    ["realtime.engines"],
    ["realtime.vocoders"],
    ["realtime.access", "realtime.acceleration"],
    ["realtime.cache"],
    ["realtime.characters", "realtime.weights"],
    ["realtime.audio", "realtime.text"],
    [
        "realtime.cancellation",
        "realtime.configuration",
        "realtime.files",
        "realtime.json_input",
        "realtime.log",
        "realtime.metrics",
        "realtime.threads",
        "realtime.timer",
    ],
    ["realtime.settings"],
    ["realtime.engine_settings"],
    ["realtime.errors"],
]
ROOMS = {
    "starlette": ["realtime.web"],
    "uvicorn": ["realtime.web", "server"],
    "onnxruntime": ["realtime.engines", "realtime.acceleration"],
    "onnx": ["realtime.acceleration", "realtime.engines"],
    "torch": ["realtime.engines", "realtime.vocoders", "realtime.acceleration"],
    "safetensors": ["realtime.engines"],
    "triton": ["realtime.engines", "realtime.vocoders", "realtime.acceleration"],
    "faster_whisper": ["realtime.engines"],
    "ctranslate2": ["realtime.engines"],
    "silero_vad": ["realtime.engines"],
    "itsdangerous": ["realtime.access"],
    "os.environ": ["realtime.configuration"],
}


# Modules that are made of torch: their users import them when they load.
TORCH = [
    "realtime.acceleration.keep_fp32",
    "realtime.acceleration.kernel_check",
    "realtime.acceleration.out_of_memory",
    "realtime.acceleration.weight_norm",
    "realtime.engines.valle.networks",
    "realtime.vocoders.networks",
]


def modules() -> dict[str, Path]:
    found = {"server": ROOT / "server.py"}
    for path in sorted((ROOT / "realtime").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


MODULES = modules()


def room(name: str) -> str:
    """The room of a module: the part of its name that the table has."""
    rooms = [room for row in FLOORS for room in row if in_room(name, room)]
    assert name == "realtime" or len(rooms) == 1, f"{name} stands on no floor: add it to the table"
    return rooms[0] if rooms else name


def floor(room: str) -> int:
    return next((i for i, row in enumerate(FLOORS) if room in row), len(FLOORS))


def imports(path: Path) -> list[str]:
    """Every module a file imports, wherever in the file."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.append(inner if inner in MODULES else node.module)
    return found


def in_room(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_down(name: str) -> None:
    for other in imports(MODULES[name]):
        if other in MODULES and room(other) != room(name):
            assert floor(room(other)) > floor(room(name)), f"{name} must not import {other}"


@pytest.mark.parametrize("name", MODULES)
def test_libraries_stay_in_their_rooms(name: str) -> None:
    for library in imports(MODULES[name]):
        rooms = ROOMS.get(library.partition(".")[0])
        assert rooms is None or any(in_room(name, room) for room in rooms), (
            f"{name} must not import {library}"
        )


def test_only_settings_reads_the_environment() -> None:
    for name, path in MODULES.items():
        reads = "os.environ" in path.read_text(encoding="utf-8")
        assert not reads or name == "realtime.configuration", f"{name} reads the environment"


@pytest.mark.parametrize("name", MODULES)
def test_files_and_functions_stay_small(name: str) -> None:
    text = MODULES[name].read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 330, f"{name} is too long: two nouns?"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 50, f"{name}.{node.name} has {length} lines: two names?"


def test_every_module_says_what_it_is() -> None:
    for name, path in MODULES.items():
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), name


def test_every_module_has_its_tests() -> None:
    """The engine contract and the routes cover what has no file of its own."""
    covered = {"server", "realtime.services", "realtime.errors", "realtime.web.server.serve"}
    covered |= {"realtime.audio.spoken", "realtime.speech.line", "realtime.vocoders.report"}
    covered |= {name for name, path in MODULES.items() if path.name == "__init__.py"}
    covered |= {name for name in MODULES if in_room(name, "realtime.engines")}
    tests = {path.stem.removeprefix("test_") for path in (ROOT / "tests").rglob("test_*.py")}
    missing = [n for n in MODULES if n not in covered and n.rpartition(".")[2] not in tests]
    assert not missing, f"no tests for {missing}"


IMPORT_ALL = """
import sys, threading, os
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked}:
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
before = dict(os.environ)
import importlib
for name in {names}:
    importlib.import_module(name)
assert threading.active_count() == 1, "importing started a thread"
assert dict(os.environ) == before, "importing changed the environment"
heavy = {{"onnxruntime", "onnx", "torch", "av", "misaki", "jieba", "hibari", "pyopenjtalk"}}
heavy |= {{"faster_whisper", "ctranslate2"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


def test_the_core_imports_without_web_and_torch_and_does_nothing() -> None:
    outside = ("realtime.web", "server", *TORCH)
    names = [name for name in MODULES if not any(in_room(name, room) for room in outside)]
    blocked = ("starlette", "uvicorn", "torch", "torchaudio")
    code = IMPORT_ALL.format(blocked=blocked, names=names)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
